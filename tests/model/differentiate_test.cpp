#include "vfe/model/differentiate.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "model/gradient_check.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Vector normals(Index n, std::uint64_t seed) {
  Matrix values(n, 1);
  fill_normal({.seed = seed, .purpose = Purpose::check}, values);
  return values;
}

double value(const LogDensity& density, const Vector& x) {
  Vector skip;
  return density(x, skip);
}

Vector gradient(const LogDensity& density, const Vector& x) {
  Vector grad = Vector::Zero(x.size());
  EXPECT_DOUBLE_EQ(density(x, grad), value(density, x));
  return grad;
}

double slope(const LogDensity& density, double x) {
  return gradient(density, Vector::Constant(1, x))[0];
}

TEST(Differentiate, EveryFunctionAgainstDifferences) {
  using std::abs, std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::cbrt,
      std::cos, std::cosh, std::erf, std::erfc, std::exp, std::expm1, std::lgamma, std::log, std::log10,
      std::log1p, std::pow, std::sin, std::sinh, std::sqrt, std::tan, std::tanh;
  const std::vector<LogDensity> functions = {
      differentiate([](const auto& x) { return abs(x[0]) * 2.0; }),
      differentiate([](const auto& x) { return acos(x[0]) + asin(x[0]) * x[0]; }),
      differentiate([](const auto& x) { return acosh(1.0 + x[0]) - asinh(x[0]); }),
      differentiate([](const auto& x) { return atan(x[0]) / atanh(x[0]); }),
      differentiate([](const auto& x) { return atan2(x[0], 2.0 - x[0]); }),
      differentiate([](const auto& x) { return cbrt(x[0]) + sqrt(x[0]); }),
      differentiate([](const auto& x) { return cos(x[0]) * sin(x[0]) - tan(x[0]); }),
      differentiate([](const auto& x) { return cosh(x[0]) * sinh(x[0]) + tanh(x[0]); }),
      differentiate([](const auto& x) { return erf(x[0]) + 2.0 * erfc(0.5 * x[0]); }),
      differentiate([](const auto& x) { return exp(-x[0]) / expm1(x[0]); }),
      differentiate([](const auto& x) { return lgamma(x[0]) + lgamma(20.0 * x[0]); }),
      differentiate([](const auto& x) { return log(x[0]) - log10(x[0]) + log1p(x[0]); }),
      differentiate([](const auto& x) { return pow(x[0], 2.5) + pow(2.5, x[0]) - pow(x[0], x[0]); }),
      differentiate([](const auto& x) { return +x[0] - 3.0 - (2.0 - x[0]) / x[0] + 1.0 / x[0]; }),
  };
  for (std::size_t k = 0; k < functions.size(); ++k) {
    for (const double x : {0.2, 0.7}) {
      const double h = 1e-6;
      const double above = value(functions[k], Vector::Constant(1, x + h));
      const double below = value(functions[k], Vector::Constant(1, x - h));
      EXPECT_NEAR(slope(functions[k], x), (above - below) / (2.0 * h), 1e-7)
          << "function " << k << " at " << x;
    }
  }
}

TEST(Differentiate, AtTheEdges) {
  using std::pow;
  EXPECT_EQ(slope(differentiate([](const auto& x) { return pow(x[0], 2.0); }), 0.0), 0.0);
  EXPECT_EQ(slope(differentiate([](const auto& x) { return pow(x[0], 3.0); }), -2.0), 12.0);
  EXPECT_EQ(slope(differentiate([](const auto& x) { return x[0]; }), 5.0), 1.0);
  EXPECT_EQ(slope(differentiate([](const auto&) { return 4.0; }), 5.0), 0.0);
  const LogDensity logarithm = differentiate([](const auto& x) {
    using std::log;
    return log(x[0]);
  });
  Vector grad = Vector::Zero(1);
  EXPECT_TRUE(std::isnan(logarithm(Vector::Constant(1, -1.0), grad)));
}

TEST(Differentiate, WhatAutoAndTernariesMake) {
  const LogDensity f = differentiate([](const auto& x) {
    auto product = x[0] * x[1];
    auto larger = product > 1.0 ? product : x[0] + x[1];
    auto total = larger;
    for (int i = 0; i < 2; ++i) total += product * product;
    total -= 1.0;
    total *= 3.0;
    total /= x[1];
    return total;  // 3 (product + 2 product^2 - 1) / x1
  });
  const Vector at = Eigen::Vector2d(2.0, 3.0);
  EXPECT_EQ(value(f, at), 3.0 * (6.0 + 72.0 - 1.0) / 3.0);
  EXPECT_NEAR(gradient(f, at)[0], 3.0 * (1.0 + 4.0 * 6.0), 1e-12);
  EXPECT_NEAR(gradient(f, at)[1], 2.0 * (1.0 + 4.0 * 6.0) - 77.0 / 3.0, 1e-12);
}

TEST(Differentiate, BranchesFollowX) {
  const LogDensity f = differentiate([](const auto& x) {
    using Scalar = std::decay_t<decltype(x[0])>;
    if (x[0] < 0.0) return Scalar(x[0] * x[0]);
    Scalar product = 1.0;
    for (int i = 0; Scalar(i) < x[0]; ++i) product *= x[0];  // x^ceil(x)
    return product;
  });
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_EQ(slope(f, -3.0), -6.0);
    EXPECT_NEAR(slope(f, 2.5), 3.0 * 2.5 * 2.5, 1e-12);
    EXPECT_NEAR(slope(f, 1.5), 3.0, 1e-12);
  }
}

TEST(Differentiate, GradientIsAdded) {
  const LogDensity f = differentiate([](const auto& x) { return 2.0 * x[0]; });
  Vector grad = Vector::Constant(1, 10.0);
  f(Vector::Ones(1), grad);
  EXPECT_EQ(grad[0], 12.0);
}

TEST(Differentiate, WorksThroughEigen) {
  const Matrix a = normals(12, 3).reshaped(4, 3);
  const LogDensity f = differentiate([a](const auto& x) {
    const auto product = (a * x).eval();
    return -0.5 * product.squaredNorm() + x.sum() * x.prod() - x.dot(x.reverse()) + x.head(2).maxCoeff();
  });
  const Vector at = normals(3, 4);
  Vector expected = -a.transpose() * (a * at) - 2.0 * at.reverse();
  for (Index i = 0; i < 3; ++i) expected[i] += at.prod() + at.sum() * at.prod() / at[i];
  expected[at[0] > at[1] ? 0 : 1] += 1.0;
  EXPECT_NEAR((gradient(f, at) - expected).norm(), 0.0, 1e-12);
}

TEST(Differentiate, ModelsFromIt) {
  const Matrix data = normals(20, 5).reshaped(10, 2);
  const auto residual = [data](Index row, const auto& x) {
    using std::exp;
    return data(row, 0) - x[0] - x[1] * exp(data(row, 1));
  };
  const auto model = make_model({{"a"}, {"b", {}, Transform::positive}, {"c", {}, Transform::bounded}},
                                differentiate([](const auto& x) { return -x[1] - x[2] * x[2]; }), {4, 6},
                                differentiate([residual](Index block, const auto& x) {
                                  auto total = 0.0 * x[0];
                                  for (Index r = 0; r < (block == 0 ? 4 : 6); ++r) {
                                    const auto e = residual(r + 4 * block, x);
                                    total -= 0.5 * e * e * x[2];
                                  }
                                  return total;
                                }));
  expect_gradients_match(*model, normals(6, 6).reshaped(3, 2), 1e-6);
}

TEST(Differentiate, AThrowingFunctionLeavesNoTrace) {
  const LogDensity f = differentiate([](const auto& x) {
    auto square = x[0] * x[0];
    if (square > 10.0) throw std::domain_error("too far");
    return square;
  });
  Vector grad = Vector::Zero(1);
  EXPECT_THROW(f(Vector::Constant(1, 4.0), grad), std::domain_error);
  EXPECT_EQ(grad[0], 0.0);
  EXPECT_EQ(slope(f, 3.0), 6.0);
}

TEST(Differentiate, ThreadsTakeTurns) {
  const LogDensity f = differentiate([](const auto& x) {
    using std::sin;
    auto total = x[0];
    for (int i = 0; i < 200; ++i) total = sin(total) * x[i % 3] + total;
    return total;
  });
  const Index points = 50;
  const Matrix at = normals(3 * points, 7).reshaped(3, points);
  Matrix expected(3, points);
  for (Index k = 0; k < points; ++k) expected.col(k) = gradient(f, at.col(k));
  std::vector<Matrix> found(4, Matrix::Zero(3, points));
  std::vector<std::thread> threads;
  for (Matrix& mine : found) {
    threads.emplace_back([&] {
      for (Index k = 0; k < points; ++k) f(at.col(k), mine.col(k));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Matrix& mine : found) EXPECT_EQ(mine, expected);
}

}  // namespace
}  // namespace vfe
