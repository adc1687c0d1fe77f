// Densities that mislead, with exact answers: a fit may fail on them, but must not call a wrong answer right.
#pragma once
#include <cmath>
#include <limits>
#include <numbers>

#include "reference/exact_target.hpp"
#include "reference/rotation.hpp"
#include "reference/sparse_logistic.hpp"
#include "vfe/model/differentiate.hpp"

namespace vfe {

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

/// Of the density of x[0], ..., with as many entries as `mean`.
inline ExactTarget density_target(const std::string& name, LogDensity density, Vector mean, Vector sd,
                                  std::optional<double> log_z) {
  const Index d = mean.size();
  return {.name = name,
          .model = make_model({{"x", {{"index", d, {}}}}}, std::move(density)),
          .mean = std::move(mean),
          .sd = std::move(sd),
          .log_z = log_z};
}

/// x ~ normal(0, 1), y ~ normal(x^2, 1/2).
inline ExactTarget banana() {
  return density_target("banana", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          return log_normal_density<Scalar>(x[0], 0.0, 1.0) +
                                 log_normal_density<Scalar>(x[1], x[0] * x[0], 0.5);
                        }),
                        Vector{{0.0, 1.0}}, Vector{{1.0, 1.5}}, 0.0);
}

/// v ~ normal(0, 3), nine x ~ normal(0, exp(v / 2)), of variance E exp(v) = exp(9 / 2) (Neal 2003).
inline ExactTarget funnel() {
  Vector sd = Vector::Constant(10, std::exp(9.0 / 4.0));
  sd[0] = 3.0;
  return density_target("funnel", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          using std::exp;
                          Scalar sum = log_normal_density<Scalar>(x[0], 0.0, 3.0);
                          const Scalar scale = exp(0.5 * x[0]);
                          for (Index i = 1; i < 10; ++i) sum += log_normal_density<Scalar>(x[i], 0.0, scale);
                          return sum;
                        }),
                        Vector::Zero(10), sd, 0.0);
}

/// 0.9 normal((-1, 0), I / 9) + 0.1 normal((1, 0), I / 9): both within reach of the starts.
inline ExactTarget two_modes_six_sd_apart() {
  return density_target("modes_6_sd", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          const double sd = 1.0 / 3.0;
                          const Scalar y = log_normal_density<Scalar>(x[1], 0.0, sd);
                          return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], -1.0, sd),
                                                         log_normal_density<Scalar>(x[0], 1.0, sd));
                        }),
                        Vector{{-0.8, 0.0}}, Vector{{std::sqrt(1.0 / 9.0 + 0.36), 1.0 / 3.0}}, 0.0);
}

/// 0.9 normal(0, I) + 0.1 normal((10, 0), I): no start meets the second mode, the exploration has to.
inline ExactTarget two_modes_ten_sd_apart() {
  return density_target("modes_10_sd", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          const Scalar y = log_normal_density<Scalar>(x[1], 0.0, 1.0);
                          return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], 0.0, 1.0),
                                                         log_normal_density<Scalar>(x[0], 10.0, 1.0));
                        }),
                        Vector{{1.0, 0.0}}, Vector{{std::sqrt(10.0), 1.0}}, 0.0);
}

/// 0.3 normal(0, 0.05^2 I) + 0.7 normal(0, I) in d dimensions.
inline ExactTarget spike_in_a_slab(Index d) {
  const double sd = std::sqrt(0.3 * 0.05 * 0.05 + 0.7);
  return density_target(d == 1 ? "spike" : "spike_" + std::to_string(d) + "d",
                        differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          Scalar spike = 0.0, slab = 0.0;
                          for (Index i = 0; i < x.size(); ++i) {
                            spike += log_normal_density<Scalar>(x[i], 0.0, 0.05);
                            slab += log_normal_density<Scalar>(x[i], 0.0, 1.0);
                          }
                          return log_mixture<Scalar>(0.3, spike, slab);
                        }),
                        Vector::Zero(d), Vector::Constant(d, sd), 0.0);
}

/// Two independent ones; variance 3, no fourth moment.
inline ExactTarget student_with_three_degrees_of_freedom() {
  return density_target("student_3", differentiate([](const auto& x) {
                          using std::log;
                          return -2.0 * (log(1.0 + x[0] * x[0] / 3.0) + log(1.0 + x[1] * x[1] / 3.0));
                        }),
                        Vector::Zero(2), Vector::Constant(2, std::sqrt(3.0)),
                        2.0 * std::log(0.5 * std::sqrt(3.0) * std::numbers::pi));
}

/// An exponential on the half line.
inline ExactTarget boundary_without_a_transform() {
  return density_target(
      "boundary",
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad[0] -= 1.0;
        return x[0] > 0.0 ? -x[0] : -std::numeric_limits<double>::infinity();
      },
      Vector{{1.0}}, Vector{{1.0}}, 0.0);
}

/// sds from 1 to sqrt(condition) on axes rotated by four reflections.
inline ExactTarget rotated_gaussian(Index d, double condition, const std::string& name) {
  const Rotation rotation(d, 4);
  Vector sd(d);
  for (Index i = 0; i < d; ++i)
    sd[i] = std::pow(condition, 0.5 * static_cast<double>(i) / static_cast<double>(d - 1));
  const Vector mean = rotation.apply(0.3 * sd);
  return density_target(
      name,
      [rotation, sd, mean](ConstVec x, Vec grad) {
        const Vector z = (rotation.apply_transpose(x - mean).array() / sd.array()).matrix();
        if (grad.size() > 0) grad -= rotation.apply((z.array() / sd.array()).matrix());
        return -0.5 * z.squaredNorm();
      },
      mean, rotation.sds(sd),
      0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) + sd.array().log().sum());
}

/// Improper in the second direction.
inline ExactTarget flat_direction() {
  ExactTarget target = density_target(
      "flat",
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad[0] -= x[0];
        return -0.5 * x[0] * x[0];
      },
      Vector::Zero(2), Vector::Ones(2), std::nullopt);
  target.mean = target.sd = Vector();
  target.has_answer = false;
  return target;
}

/// Not a number beyond two sds, which q cannot know.
inline ExactTarget region_without_a_density() {
  ExactTarget target = density_target(
      "nan_region",
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad -= x;
        return x[0] > 2.0 ? std::numeric_limits<double>::quiet_NaN() : -0.5 * x.squaredNorm();
      },
      Vector::Zero(2), Vector::Ones(2), std::nullopt);
  target.mean = target.sd = Vector();
  target.has_answer = false;
  return target;
}

inline std::vector<ExactTarget> traps() {
  std::vector<ExactTarget> list = {banana(),
                                   funnel(),
                                   two_modes_six_sd_apart(),
                                   two_modes_ten_sd_apart(),
                                   spike_in_a_slab(1),
                                   spike_in_a_slab(2),
                                   student_with_three_degrees_of_freedom(),
                                   boundary_without_a_transform(),
                                   rotated_gaussian(100, 1e6, "gauss100_1e6"),
                                   ill_scaled_logistic(),
                                   flat_direction(),
                                   region_without_a_density()};
  return list;
}

}  // namespace vfe
