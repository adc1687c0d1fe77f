#include "vfe/statistics/weights.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

TEST(Weights, AreWhatTheirDefinitionsSay) {
  const Vector w{{1.0, 3.0, 2.0, 0.0}};
  const Weights found = weights_of(w.array().log() + 700.0, "testing");  // beyond what exp can do alone
  EXPECT_NEAR((found.normalised - w / 6.0).norm(), 0.0, 1e-13);
  EXPECT_NEAR(found.log_mean, 700.0 + std::log(1.5), 1e-12);
  EXPECT_NEAR(found.ess, 36.0 / 14.0, 1e-12);
  // Standard error of the mean over the mean: sqrt(sum (w - 1.5)^2) / 4 / 1.5, over n.
  EXPECT_NEAR(found.log_mean_error, std::sqrt(5.0) / 4.0 / 1.5, 1e-12);
  EXPECT_FALSE(std::isfinite(found.variance));
  EXPECT_NEAR(weights_of(Vector{{1.0, 2.0, 6.0}}, "testing").variance, 7.0, 1e-12);
}

TEST(Weights, MeanAndErrorAreRightForLognormalWeights) {
  // Mean exp(sd^2 / 2), relative variance exp(sd^2) - 1.
  constexpr Index n = 4000;
  constexpr double sd = 0.7;
  Matrix z(1, n);
  fill_normal({.seed = 4, .purpose = Purpose::check}, z);
  const Weights found = weights_of(sd * z.row(0).transpose(), "testing");
  const double error = std::sqrt((std::exp(sd * sd) - 1.0) / n);
  EXPECT_NEAR(found.log_mean_error / error, 1.0, 0.15);
  EXPECT_NEAR(found.log_mean, 0.5 * sd * sd, 4.0 * error);
  EXPECT_NEAR(found.variance, sd * sd, 0.05);
  EXPECT_NEAR(found.ess / n, std::exp(-sd * sd), 0.05);
}

TEST(Weights, WithoutAnyAreNoMistakeUnlessTheyAreNeeded) {
  const Vector none = Vector::Constant(3, -infinity);
  const Weights found = weights_of(none, "testing");
  EXPECT_EQ(found.ess, 0.0);
  EXPECT_EQ(found.log_mean, -infinity);
  EXPECT_EQ(found.normalised, Vector::Zero(3));
  for (const Vector& bad : {none, Vector(), Vector{{0.0, infinity}}, Vector{{0.0, std::nan("")}}}) {
    try {
      normalised_weights(bad, "testing");
      FAIL() << bad.transpose();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::numeric);
      EXPECT_EQ(std::string(error.what()).find("testing: "), 0U);
    }
  }
}

TEST(Weights, LogMeanExpNeedsNoRange) {
  EXPECT_NEAR(log_mean_exp(Vector{{-2000.0, -2000.0 + std::log(3.0)}}), -2000.0 + std::log(2.0), 1e-12);
  EXPECT_EQ(log_mean_exp(Vector::Constant(2, -infinity)), -infinity);
}

}  // namespace
}  // namespace vfe
