// Gamma functions against long double and against values of 40 digits.
#include "vfe/core/special.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace vfe::special {
namespace {

TEST(Special, LogGammaAgreesWithLongDouble) {
  for (double x = 1e-8; x < 1e9; x *= 1.37) {
    const auto expected = static_cast<double>(lgammal(x));
    EXPECT_NEAR(log_gamma(x), expected, 4e-14 * std::max(1.0, std::abs(expected))) << x;
  }
}

TEST(Special, DigammaAtKnownPoints) {
  EXPECT_NEAR(digamma(1.0), -std::numbers::egamma, 1e-14);
  EXPECT_NEAR(digamma(0.5), -std::numbers::egamma - 2.0 * std::numbers::ln2, 1e-14);
  EXPECT_NEAR(digamma(10.0), 2.2517525890667211076474561638858515, 1e-14);
  EXPECT_NEAR(digamma(1e-3), -1000.5755719318103005, 1e-11);
  EXPECT_NEAR(digamma(1e6), 13.815510057964191, 1e-13);
}

TEST(Special, DigammaIsTheSlopeOfLogGamma) {
  for (double x = 0.01; x < 1e4; x *= 2.3) {
    const long double h = 1e-4L * x;
    const long double slope =
        (8 * (lgammal(x + h) - lgammal(x - h)) - (lgammal(x + 2 * h) - lgammal(x - 2 * h))) / (12 * h);
    EXPECT_NEAR(digamma(x), static_cast<double>(slope),
                1e-11 * std::max(1.0, std::abs(static_cast<double>(slope))))
        << x;
  }
}

TEST(Special, TrigammaAtKnownPoints) {
  const double sixth = std::numbers::pi * std::numbers::pi / 6.0;
  EXPECT_NEAR(trigamma(1.0), sixth, 1e-14);
  EXPECT_NEAR(trigamma(0.5), 3.0 * sixth, 1e-14);
  EXPECT_NEAR(trigamma(1e-3), 1e6 + sixth - 2e-3 * 1.2020569031595943 + 3e-6 * 1.0823232337111382, 1e-8);
  EXPECT_NEAR(tetragamma(1.0), -2.0 * 1.2020569031595943, 1e-14);
  EXPECT_NEAR(tetragamma(0.5), -14.0 * 1.2020569031595943, 1e-13);
}

TEST(Special, TrigammaIsTheSlopeOfDigammaAndTetragammaItsOwn) {
  for (double x = 0.01; x < 1e4; x *= 2.3) {
    const double h = 1e-3 * x;
    const auto slope = [&](double (*f)(double)) {
      return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
    };
    EXPECT_NEAR(trigamma(x) / slope(digamma), 1.0, 1e-9) << x;
    EXPECT_NEAR(tetragamma(x) / slope(trigamma), 1.0, 1e-9) << x;
  }
}

TEST(Special, DifferencesKeepTheirDigitsAtLargeArguments) {
  // With a step of 1 the differences are log x and 1 / x.
  for (double x = 1e-6; x < 1e15; x *= 7.7) {
    EXPECT_NEAR(log_gamma_difference(x, 1.0), std::log(x), 3e-15 * std::max(10.0, std::abs(std::log(x))))
        << x;
    EXPECT_NEAR(digamma_difference(x, 1.0) * x, 1.0, 2e-15) << x;
  }
  EXPECT_EQ(log_gamma_difference(3.0, 0.0), 0.0);
  // log Gamma(x + 1/2) - log Gamma(x) = (log x) / 2 - 1 / (8 x) + 1 / (192 x^3) - ...
  const double x = 5e5;
  EXPECT_NEAR(log_gamma_difference(x, 0.5), 0.5 * std::log(x) - 1.0 / (8.0 * x), 1e-14);
}

TEST(Special, RemaindersCompleteStirlingsFormula) {
  for (double x = asymptotic_from; x < 100.0; x *= 1.09) {
    const long double stirling = (x - 0.5L) * logl(x) - x + 0.5L * logl(2 * acosl(-1.0L));
    EXPECT_NEAR(log_gamma_remainder(x), static_cast<double>(lgammal(x) - stirling), 2e-16) << x;
    EXPECT_NEAR(digamma_remainder(x), digamma(x) - std::log(x), 1e-14) << x;
  }
}

}  // namespace
}  // namespace vfe::special
