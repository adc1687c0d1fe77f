#include "infer/rate_rule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace vfe {
namespace {

/// What the paper's model predicts exactly: rates halved from 0.1, divergences C rate^(2 kappa) (2^kappa -
/// 1)^2.
Matrix history(Index n, double c, double kappa, double steps) {
  Matrix h(3, n);
  for (Index t = 0; t < n; ++t) {
    const double rate = 0.1 * std::pow(0.5, static_cast<double>(t));
    h(0, t) = rate;
    h(1, t) = c * std::pow(rate, 2.0 * kappa) * std::pow(std::pow(2.0, kappa) - 1.0, 2.0);
    h(2, t) = steps;
  }
  return h;
}

TEST(RateRule, PredictsNothingFromFewerThanTwoRates) {
  EXPECT_EQ(RateRule{}.inefficiency(Matrix(3, 0)), 0.0);
  EXPECT_EQ(RateRule{}.inefficiency(history(1, 1.0, 1.0, 500.0)), 0.0);
}

TEST(RateRule, IsThePapersExpressionOnItsOwnModel) {
  const double c = 4.0, steps = 3000.0;
  for (Index n = 2; n < 6; ++n) {
    const Matrix h = history(n, c, 1.0, steps);
    const double expected = (0.5 + 0.1 / (std::sqrt(c) * h(0, n - 1))) * steps / (steps + 1000.0);
    EXPECT_NEAR(RateRule{}.inefficiency(h), expected, 1e-9);
  }
}

TEST(RateRule, EstimatesThePowerWhereScalesDoNotSettle) {
  const double c = 0.3, steps = 3000.0;
  const Matrix h = history(5, c, 0.5, steps);
  RateRule rule;
  rule.settles = false;
  const double expected = (std::sqrt(0.5) + 0.1 / std::sqrt(c * h(0, 4))) * steps / (steps + 1000.0);
  EXPECT_NEAR(rule.inefficiency(h), expected, 1e-9);
}

TEST(RateRule, StopsWhenNearAndGoesOnWhenFar) {
  EXPECT_LT(RateRule{}.inefficiency(history(3, 1e4, 1.0, 2000.0)), RateRule::inefficient);
  EXPECT_GT(RateRule{}.inefficiency(history(3, 1e-2, 1.0, 2000.0)), RateRule::inefficient);
}

TEST(RateRule, ExtrapolatesTheStepsThatAnotherHalvingTakes) {
  Matrix h = history(4, 1.0, 1.0, 1.0);
  for (Index t = 0; t < 4; ++t) h(2, t) = 1000.0 * std::pow(2.0, static_cast<double>(t));  // ~ 1 / rate
  const double expected = (0.5 + 0.1 / h(0, 3)) * 16000.0 / (8000.0 + 1000.0);
  EXPECT_NEAR(RateRule{}.inefficiency(h), expected, 1e-9);
}

}  // namespace
}  // namespace vfe
