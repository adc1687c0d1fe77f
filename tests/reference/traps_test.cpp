// Densities that mislead, with exact answers: a fit may fail on them, but must not call a wrong answer right.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/differentiate.hpp"
#include "vfe/run/diagnose.hpp"
#include "vfe/run/fit.hpp"

namespace vfe {
namespace {

constexpr double mean_limit = 0.1, sd_limit = 0.05;

template <class Scalar>
Scalar log_normal_density(const Scalar& x, const Scalar& mean, const Scalar& sd) {
  using std::log;
  const Scalar z = (x - mean) / sd;
  return -0.5 * z * z - log(sd) - 0.5 * std::log(2.0 * std::numbers::pi);
}

/// log(p exp(a) + (1 - p) exp(b)).
template <class Scalar>
Scalar log_mixture(double p, const Scalar& a, const Scalar& b) {
  using std::exp;
  using std::log;
  return a > b ? a + log(p + (1.0 - p) * exp(b - a)) : b + log(p * exp(a - b) + (1.0 - p));
}

struct Outcome {
  Grade grade = Grade::rejected;
  double worst_mean = 0.0, worst_sd = 0.0;  ///< |mean - exact| / exact sd; |sd / exact sd - 1|
  bool right() const { return worst_mean < mean_limit && worst_sd < sd_limit; }
};

/// Fits the density of x[0] ... and compares; a fit that ends with a numeric error counts as rejected.
Outcome fit_trap(const LogDensity& density, const Vector& mean, const Vector& sd) {
  const TemporaryFolder folder;
  const auto model = make_model({{"x", {{"index", mean.size(), {}}}}}, density);
  Config config;
  config.output.directory = (folder / "run").string();
  Outcome outcome;
  try {
    outcome.grade = fit(Communicator::self(), *model, Spread::draws, config, {.quiet = true}).verdict.grade;
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric) << error.what();
    return outcome;
  }
  const Diagnosis found = diagnose(folder / "run");
  for (Index i = 0; i < mean.size(); ++i) {
    const Coefficient& x = found.coefficients[static_cast<std::size_t>(i)];
    outcome.worst_mean = std::max(outcome.worst_mean, std::abs(x.mean - mean[i]) / sd[i]);
    outcome.worst_sd = std::max(outcome.worst_sd, std::abs(x.sd / sd[i] - 1.0));
  }
  return outcome;
}

void expect_right_or_flagged(const LogDensity& density, const Vector& mean, const Vector& sd) {
  const Outcome found = fit_trap(density, mean, sd);
  EXPECT_TRUE(found.right() || found.grade == Grade::rejected)
      << to_string(found.grade) << ", mean off by " << found.worst_mean << " sd, sd by " << found.worst_sd;
}

void expect_rejected(const LogDensity& density, Index d) {
  EXPECT_EQ(fit_trap(density, Vector::Zero(d), Vector::Ones(d)).grade, Grade::rejected);
}

TEST(Traps, Banana) {
  // x ~ normal(0, 1), y ~ normal(x^2, 1/2).
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using Scalar = std::decay_t<decltype(x[0])>;
                            return log_normal_density<Scalar>(x[0], 0.0, 1.0) +
                                   log_normal_density<Scalar>(x[1], x[0] * x[0], 0.5);
                          }),
                          Vector{{0.0, 1.0}}, Vector{{1.0, 1.5}});
}

TEST(Traps, Funnel) {
  // v ~ normal(0, 3), nine x ~ normal(0, exp(v / 2)), of variance E exp(v) = exp(9 / 2).
  Vector sd = Vector::Constant(10, std::exp(9.0 / 4.0));
  sd[0] = 3.0;
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using Scalar = std::decay_t<decltype(x[0])>;
                            using std::exp;
                            Scalar sum = log_normal_density<Scalar>(x[0], 0.0, 3.0);
                            const Scalar scale = exp(0.5 * x[0]);
                            for (Index i = 1; i < 10; ++i)
                              sum += log_normal_density<Scalar>(x[i], 0.0, scale);
                            return sum;
                          }),
                          Vector::Zero(10), sd);
}

// Both within reach of the starts.
TEST(Traps, TwoModesSixSdApart) {
  // 0.9 normal((-1, 0), I / 9) + 0.1 normal((1, 0), I / 9).
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using Scalar = std::decay_t<decltype(x[0])>;
                            const double sd = 1.0 / 3.0;
                            const Scalar y = log_normal_density<Scalar>(x[1], 0.0, sd);
                            return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], -1.0, sd),
                                                           log_normal_density<Scalar>(x[0], 1.0, sd));
                          }),
                          Vector{{-0.8, 0.0}}, Vector{{std::sqrt(1.0 / 9.0 + 0.36), 1.0 / 3.0}});
}

// No start meets the second mode: the exploration has to.
TEST(Traps, TwoModesTenSdApart) {
  // 0.9 normal(0, I) + 0.1 normal((10, 0), I).
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using Scalar = std::decay_t<decltype(x[0])>;
                            const Scalar y = log_normal_density<Scalar>(x[1], 0.0, 1.0);
                            return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], 0.0, 1.0),
                                                           log_normal_density<Scalar>(x[0], 10.0, 1.0));
                          }),
                          Vector{{1.0, 0.0}}, Vector{{std::sqrt(10.0), 1.0}});
}

TEST(Traps, SpikeInASlab) {
  // Half normal(0, 0.05), half normal(0, 1).
  const double sd = std::sqrt(0.5 * (0.05 * 0.05 + 1.0));
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using Scalar = std::decay_t<decltype(x[0])>;
                            return log_mixture<Scalar>(0.5, log_normal_density<Scalar>(x[0], 0.0, 0.05),
                                                       log_normal_density<Scalar>(x[0], 0.0, 1.0));
                          }),
                          Vector{{0.0}}, Vector{{sd}});
}

TEST(Traps, StudentWithThreeDegreesOfFreedom) {
  // Independent; variance 3, no fourth moment.
  expect_right_or_flagged(differentiate([](const auto& x) {
                            using std::log;
                            return -2.0 * (log(1.0 + x[0] * x[0] / 3.0) + log(1.0 + x[1] * x[1] / 3.0));
                          }),
                          Vector::Zero(2), Vector::Constant(2, std::sqrt(3.0)));
}

TEST(Traps, BoundaryWithoutATransform) {
  // An exponential on the half line.
  expect_right_or_flagged(
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad[0] -= 1.0;
        return x[0] > 0.0 ? -x[0] : -std::numeric_limits<double>::infinity();
      },
      Vector{{1.0}}, Vector{{1.0}});
}

TEST(Traps, GaussianOfConditionAMillion) {
  constexpr Index d = 100;
  Vector sd(d);
  for (Index i = 0; i < d; ++i) sd[i] = std::pow(1e3, static_cast<double>(i) / (d - 1));
  const Vector mean = 0.3 * sd;
  const Outcome found = fit_trap(
      [&](ConstVec x, Vec grad) {
        const Vector z = ((x - mean).array() / sd.array()).matrix();
        if (grad.size() > 0) grad -= (z.array() / sd.array()).matrix();
        return -0.5 * z.squaredNorm();
      },
      mean, sd);
  EXPECT_EQ(found.grade, Grade::certified);
  EXPECT_TRUE(found.right()) << found.worst_mean << " " << found.worst_sd;
}

TEST(Traps, FlatDirection) {
  expect_rejected(
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad[0] -= x[0];
        return -0.5 * x[0] * x[0];
      },
      2);
}

TEST(Traps, RegionWithoutADensity) {
  // Not a number beyond two sds, which q cannot know.
  expect_rejected(
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad -= x;
        return x[0] > 2.0 ? std::numeric_limits<double>::quiet_NaN() : -0.5 * x.squaredNorm();
      },
      2);
}

}  // namespace
}  // namespace vfe
