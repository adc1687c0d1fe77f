#include "vfe/verdict/wide_draws.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "vfe/core/numbers.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

using LogDensity = double (*)(double);

double log_normal(double x) {
  return -0.5 * x * x;
}
double log_t3(double x) {
  return -2.0 * std::log1p(x * x / 3.0);
}
double log_narrow(double x) {
  return -0.5 * x * x / 0.81;
}

/// Of q = N(0, 1), n draws, and half as many wide ones.
Objection missed(LogDensity log_density, std::uint64_t seed, Index n = 4000) {
  const auto family = make_family("mean_field", 1, 0);
  const Vector lambda = Vector::Zero(2), mean = family->mean(lambda), sd = family->standard_deviation(lambda);
  const auto evaluate = [&](Matrix theta) {
    OwnedDraws draws{.theta = std::move(theta), .gradient = {}};
    draws.log_joint = draws.theta.row(0).transpose().unaryExpr(log_density);
    return draws;
  };
  OwnedDraws of_q = evaluate(Student{{mean, sd}}.draw({.seed = seed, .purpose = Purpose::result}, n));
  of_q.log_proposal =
      -0.5 * of_q.theta.row(0).transpose().array().square() - 0.5 * std::log(2.0 * std::numbers::pi);
  of_q.log_weight = of_q.log_joint - of_q.log_proposal;
  const Student density = wider_than(mean, sd);
  const OwnedDraws wide = evaluate(density.draw({.seed = seed, .purpose = Purpose::wide_result}, n / 2));
  const OwnedDraws all = in_one_sample(view(of_q), view(wide), density, *family, lambda);
  EXPECT_EQ(all.size(), n + n / 2);
  return missed_by_q(view(all), view(of_q), [](Index) { return std::string("mu"); });
}

TEST(WideDraws, FindTheTailsThatQMisses) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Objection found = missed(log_t3, seed);
    EXPECT_NE(found.reason.find("mu: with wide draws"), std::string::npos) << found.reason;
    EXPECT_FALSE(found.plain.empty());
  }
}

TEST(WideDraws, LeaveAloneWhatWeightsKnow) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_TRUE(missed(log_normal, seed).empty()) << missed(log_normal, seed).reason;
    EXPECT_TRUE(missed(log_narrow, seed).empty())
        << missed(log_narrow, seed).reason;  // q is off, weights are not
    EXPECT_TRUE(missed(log_normal, seed, 500).empty());
  }
}

TEST(WideDraws, WeightsAreThoseOfTheMixture) {
  const auto family = make_family("mean_field", 1, 0);
  const Vector lambda = Vector::Zero(2);
  const Student density = wider_than(family->mean(lambda), family->standard_deviation(lambda));
  OwnedDraws one{.theta = Matrix::Constant(1, 3, 0.5), .gradient = {}},
      other{.theta = Matrix::Constant(1, 1, 40.0), .gradient = {}};
  one.log_joint = Vector::Constant(3, 1.0);
  one.log_proposal = Vector::Constant(3, -0.125 - 0.5 * std::log(2.0 * std::numbers::pi));
  other.log_joint = Vector::Constant(1, -infinity);
  const OwnedDraws all = in_one_sample(view(one), view(other), density, *family, lambda);
  const double q = std::exp(-0.125) / std::sqrt(2.0 * std::numbers::pi);
  const double wide = std::exp(density.log_density(one.theta)(0));
  EXPECT_NEAR(all.log_weight(0), 1.0 - std::log(0.75 * q + 0.25 * wide), 1e-12);
  EXPECT_EQ(all.log_weight(3), -infinity);
}

}  // namespace
}  // namespace vfe
