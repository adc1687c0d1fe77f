#include "vfe/model/gauss_hermite.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

/// Of a function of z under the standard normal.
template <class Function>
double mean(const GaussHermite& rule, Function f) {
  double sum = 0.0;
  for (Index i = 0; i < rule.nodes.cols(); ++i)
    sum += std::exp(rule.log_weights[i] - 0.5 * rule.nodes.col(i).squaredNorm()) * f(rule.nodes.col(i));
  return sum;
}

TEST(GaussHermite, OfThreeNodesIsTheKnownRule) {
  const GaussHermite rule = gauss_hermite(3, 1);
  const double root = std::sqrt(3.0);
  EXPECT_EQ(rule.nodes(0, 0), 0.0);
  EXPECT_NEAR(rule.log_weights[0], std::log(2.0 / 3.0), 1e-14);
  for (const Index i : {1, 2}) {
    EXPECT_NEAR(std::abs(rule.nodes(0, i)), root, 1e-14);
    EXPECT_NEAR(rule.log_weights[i], std::log(1.0 / 6.0) + 1.5, 1e-14);
  }
}

TEST(GaussHermite, IsExactForPolynomials) {
  for (const Index n : {1, 2, 5, 15, 31, 103}) {
    const GaussHermite rule = gauss_hermite(n, 1);
    double moment = 1.0;  // (2 j - 1)!!
    for (Index j = 0; j < std::min<Index>(n, 12); ++j) {
      EXPECT_NEAR(mean(rule, [j](const auto& z) { return std::pow(z[0], 2 * j); }) / moment, 1.0, 1e-11) << n;
      moment *= static_cast<double>(2 * j + 1);
    }
  }
  const GaussHermite both = gauss_hermite(5, 2);
  EXPECT_EQ(both.nodes.cols(), 25);
  EXPECT_TRUE(both.nodes.col(0).isZero());
  EXPECT_NEAR(mean(both, [](const auto& z) { return std::pow(z[0], 4) * z[1] * z[1]; }), 3.0, 1e-12);
}

// What weights far out are multiplied by is as large as they are small.
TEST(GaussHermite, WeightsAreRightToTheLastNode) {
  constexpr double sd = 1.4;
  for (const Index n : {31, 51, 63, 103}) {
    const GaussHermite rule = gauss_hermite(n, 1);
    double sum = 0.0;
    for (Index i = 0; i < n; ++i) {
      const double z = rule.nodes(0, i) / sd;
      sum += std::exp(rule.log_weights[i] - 0.5 * z * z) / sd;
    }
    EXPECT_NEAR(sum, 1.0, 1e-6) << n;
    // The last weight, by the polynomial of one degree less: 1 / (n p^2).
    Index last = 0;
    rule.nodes.row(0).maxCoeff(&last);
    const double node = rule.nodes(0, last);
    long double before = 1.0L, here = node;
    for (Index j = 1; j + 1 < n; ++j) {
      const long double next =
          (node * here - std::sqrt(static_cast<long double>(j)) * before) / std::sqrt(j + 1.0L);
      before = here;
      here = next;
    }
    const auto expected = static_cast<double>(-std::log(static_cast<long double>(n) * here * here));
    EXPECT_NEAR(rule.log_weights[last] - 0.5 * node * node, expected, 1e-8) << n;
  }
}

}  // namespace
}  // namespace vfe
