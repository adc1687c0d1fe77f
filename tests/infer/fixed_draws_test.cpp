#include "vfe/infer/fixed_draws.hpp"

#include <gtest/gtest.h>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

toys::Finished fit(const toys::Toy& toy, const Family& family, bool copy = false) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {.diagonal = !family.dense()}));
  stages.push_back(fixed_draws(toy.target, family, {}));
  return toys::run(Program(std::move(stages)), copy);
}

bool converged(const State& state) {
  return state.get(left::converged);
}

TEST(FixedDraws, FullRankIsExactForANormal) {
  const Index d = 6;
  const Vector mean = 3.0 * toys::random_matrix(d, 1, 2);
  const Matrix precision = toys::random_precision(d, 3);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const auto family = full_rank(d);
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {}));
  stages.push_back(fixed_draws(toy.target, *family, {.tolerance = 1e-14}));
  const State state = toys::run(Program(std::move(stages))).state;
  ASSERT_TRUE(converged(state));
  EXPECT_LT((family->mean(state.lambda) - mean).cwiseAbs().maxCoeff(), 1e-6);
  const Matrix product = toys::covariance(*family, state.lambda) * precision;
  EXPECT_LT((product - Matrix::Identity(d, d)).cwiseAbs().maxCoeff(), 1e-6);
}

TEST(FixedDraws, MeanFieldOfANormalHasTheConditionalSds) {
  const Index d = 6;
  const Vector mean = 3.0 * toys::random_matrix(d, 1, 2);
  const Matrix precision = toys::random_precision(d, 3);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const auto family = mean_field(d);
  const State state = fit(toy, *family).state;
  ASSERT_TRUE(converged(state));
  const Vector sd = precision.diagonal().cwiseSqrt().cwiseInverse();
  EXPECT_LT(((family->mean(state.lambda) - mean).array() / sd.array()).abs().maxCoeff(), 0.05);
  EXPECT_LT((family->standard_deviation(state.lambda).array() / sd.array() - 1.0).abs().maxCoeff(), 0.01);
}

TEST(FixedDraws, LowRankFindsANormalOfItsOwnForm) {
  // Covariance diagonal plus one factor.
  const Index d = 6;
  const Vector mean = toys::random_matrix(d, 1, 2), factor = 2.0 * toys::random_matrix(d, 1, 4);
  Matrix covariance = factor * factor.transpose();
  covariance.diagonal().array() += 0.5;
  const toys::Toy toy(d, 1, toys::gaussian(mean, covariance.inverse()));
  const auto family = low_rank(d, 1);
  const State state = fit(toy, *family).state;
  ASSERT_TRUE(converged(state));
  const Matrix found = toys::covariance(*family, state.lambda);
  EXPECT_LT((found - covariance).norm(), 0.05 * covariance.norm());
}

TEST(FixedDraws, AllFamiliesFitScalesFromOneTenThousandthToTenThousand) {
  const Index d = 9;
  Vector sd(d);
  for (Index i = 0; i < d; ++i) sd(i) = std::pow(10.0, static_cast<double>(i) - 4.0);
  const toys::Toy toy(d, 1, toys::gaussian(sd, sd.cwiseAbs2().cwiseInverse().asDiagonal()));
  for (const char* name : {"mean_field", "low_rank", "full_rank"}) {
    const auto family = make_family(name, d, 2);
    const State state = fit(toy, *family).state;
    ASSERT_TRUE(converged(state)) << name;
    EXPECT_LT(((family->mean(state.lambda) - sd).array() / sd.array()).abs().maxCoeff(), 0.05) << name;
    const Vector ratio = family->standard_deviation(state.lambda).array() / sd.array();
    EXPECT_LT((ratio.array() - 1.0).abs().maxCoeff(), 0.02) << name;
  }
}

TEST(FixedDraws, GammaPosteriorOnItsLogScaleHasTheKnownOptimum) {
  // log f = a x - e^x (x = log of a gamma(a, 1)): F is least at sd = a^-1/2, mean = log a - 1 / (2 a).
  const double a = 4.0;
  const toys::Toy toy(1, 1, [a](Index, ConstVec x, Vec grad) {
    grad(0) += a - std::exp(x(0));
    return a * x(0) - std::exp(x(0));
  });
  const auto family = full_rank(1);
  const State state = fit(toy, *family).state;
  ASSERT_TRUE(converged(state));
  EXPECT_NEAR(family->mean(state.lambda)(0), std::log(a) - 0.5 / a, 0.03);
  EXPECT_NEAR(family->standard_deviation(state.lambda)(0), 0.5, 0.03);
}

TEST(FixedDraws, ShrinksIntoASupportWithAnEdge) {
  // Beta(3, 3) without a transform: not finite outside (0, 1), and draws of the Laplace q fall there.
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    if (x.minCoeff() <= 0.0 || x.maxCoeff() >= 1.0) return std::numeric_limits<double>::quiet_NaN();
    grad.array() += 2.0 / x.array() - 2.0 / (1.0 - x.array());
    return 2.0 * (x.array() * (1.0 - x.array())).log().sum();
  });
  for (const char* name : {"mean_field", "full_rank"}) {
    const auto family = make_family(name, 2, 1);
    const toys::Finished finished = fit(toy, *family);
    const Vector sd = family->standard_deviation(finished.state.lambda);
    EXPECT_TRUE(std::any_of(finished.records.begin(), finished.records.end(), [](const Record& r) {
      return r.non_finite > 0 && r.note.find("block 0") != std::string::npos;
    }));
    EXPECT_LT((family->mean(finished.state.lambda).array() - 0.5).abs().maxCoeff(), 0.02) << name;
    EXPECT_TRUE((sd.array() > 0.1 && sd.array() < 0.25).all()) << name << ' ' << sd.transpose();
  }
}

TEST(FixedDraws, ADensityThatIsNowhereFiniteIsAnErrorThatNamesTheDraw) {
  const toys::Toy nowhere(1, 1,
                          [](Index, ConstVec, Vec) { return std::numeric_limits<double>::quiet_NaN(); });
  const auto family = full_rank(1);
  std::vector<Place> stages;
  stages.push_back(fixed_draws(nowhere.target, *family, {}));
  const Program failing(std::move(stages));
  State state = failing.start();
  state.put(left::base, {{Vector::Zero(1), Matrix::Ones(1, 1)}});
  int steps = 0;
  try {
    for (; steps < 100; ++steps) failing.advance(state);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(steps, 20);
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("draw 0"), std::string::npos) << error.what();
  }
}

TEST(FixedDraws, ResumesBetweenAnyTwoStepsWithTheSameBits) {
  const Matrix x = toys::random_matrix(40, 4, 7);
  const Vector y = (x.col(0).array() > 0.2).cast<double>();
  const toys::Toy toy(4, 1, toys::logistic(x, y, 1.0));
  for (const char* name : {"mean_field", "low_rank", "full_rank"}) {
    const auto family = make_family(name, 4, 2);
    const toys::Finished straight = fit(toy, *family);
    EXPECT_EQ(hash(straight.state), hash(fit(toy, *family, true).state)) << name;
    EXPECT_TRUE(converged(straight.state)) << name;
  }
}

}  // namespace
}  // namespace vfe
