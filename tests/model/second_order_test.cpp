#include "vfe/model/second_order.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "vfe/model/differentiate.hpp"

namespace vfe {
namespace {

template <class Scalar>
using Pair = Eigen::Matrix<Scalar, 2, 1>;

/// Holds the derivatives of f in two variables, plain and on the tape, against differences of f, of its
/// slopes, and of its second derivatives.
template <class Function>
void expect_derivatives(const Function& f, const Eigen::Vector2d& at, int number) {
  using Plain = SecondOrder<double, 2>;
  const auto plain = [&](const Eigen::Vector2d& v) {
    return Plain(f(Pair<Plain>(Plain::variable(v[0], 0), Plain::variable(v[1], 1))));
  };
  const auto differences = [&](auto of, int i) {
    const double h = 1e-5;
    const Eigen::Vector2d step = h * Eigen::Vector2d::Unit(i);
    return (of(plain(at + step)) - of(plain(at - step))) / (2.0 * h);
  };
  const auto expect = [&](double found, double expected) {
    EXPECT_NEAR(found, expected, 2e-8 * std::max(1.0, std::abs(expected))) << "function " << number;
  };
  const Plain found = plain(at);
  expect(found.value(), f(Pair<double>(at)));
  for (int i = 0; i < 2; ++i) {
    expect(found.first(i), differences([](const Plain& x) { return x.value(); }, i));
    for (int j = 0; j < 2; ++j)
      expect(found.second(i, j), differences([&](const Plain& x) { return x.first(j); }, i));
  }

  // Backwards through the value, a slope and the second derivatives.
  using OnTape = SecondOrder<Differentiable, 2>;
  const Tape tape;
  const Pair<Differentiable> inputs(at[0], at[1]);
  const OnTape taped = f(Pair<OnTape>(OnTape::variable(inputs[0], 0), OnTape::variable(inputs[1], 1)));
  const auto combined = [](const auto& x) {
    return x.value() + 2.0 * x.first(0) + 3.0 * x.second(0, 0) + 4.0 * x.second(0, 1) - x.second(1, 1);
  };
  const Differentiable sum = combined(taped);
  expect(sum.value(), combined(found));
  tape.gradient_of(sum);
  for (int i = 0; i < 2; ++i) expect(inputs[i].adjoint(), differences(combined, i));
}

TEST(SecondOrder, EveryFunctionAgainstDifferences) {
  using std::abs, std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::cbrt,
      std::cos, std::cosh, std::erf, std::erfc, std::exp, std::expm1, std::fabs, std::lgamma, std::log,
      std::log10, std::log1p, std::pow, std::sin, std::sinh, std::sqrt, std::tan, std::tanh;
  auto test = [number = 0](auto f) mutable {
    for (const Eigen::Vector2d& at : {Eigen::Vector2d(0.3, 0.6), Eigen::Vector2d(0.7, 0.4)})
      expect_derivatives(f, at, number);
    ++number;
  };
  test([](const auto& x) { return x[0] * x[1] * x[1] - 2.0 * x[0] + 1.0 - (3.0 - x[1]); });
  test([](const auto& x) { return x[0] / x[1] + 1.0 / x[0] - x[1] / 3.0; });
  test([](const auto& x) { return -abs(x[0] * x[1] - 1.0) * fabs(+x[1]); });
  test([](const auto& x) { return sqrt(x[0] * x[1]) + cbrt(x[0] + x[1]); });
  test([](const auto& x) { return exp(x[0] * x[1]) - expm1(x[0] - x[1] * x[1]); });
  test([](const auto& x) { return log(x[0] + x[1]) * log1p(x[0] * x[1]) - log10(x[1]); });
  test([](const auto& x) { return sin(x[0] * x[1]) + cos(x[0] - x[1]) * tan(x[1]); });
  test([](const auto& x) { return asin(x[0] * x[1]) - x[0] * acos(x[1] * x[0]) + atan(x[0] + x[1]); });
  test([](const auto& x) { return atan2(x[0], x[1]) + atan2(-x[1], x[0] * x[1] - 1.0); });
  test([](const auto& x) { return atan2(x[0], -x[1]) + atan2(x[0], 2.0) * atan2(2.0, x[1]); });
  test([](const auto& x) { return sinh(x[0] * x[1]) - cosh(x[0] + x[1]) * tanh(x[1] - x[0]); });
  test([](const auto& x) { return asinh(x[0] * x[1]) + acosh(1.5 + x[0] * x[1]) - atanh(x[0] * x[1]); });
  test([](const auto& x) { return pow(x[0] * x[1], 2.5) + pow(x[0], 1.0) + pow(x[1], 0.0); });
  test([](const auto& x) { return pow(x[0], x[1]) - pow(2.0, x[0] * x[1]); });
  test([](const auto& x) { return erf(x[0] * x[1]) + x[0] * erfc(x[1] - x[0]); });
  test([](const auto& x) { return lgamma(x[0] * x[1]) - lgamma(20.0 * x[0] + x[1]); });
  test([](const auto& x) { return x.dot(x.reverse()) + (2.0 * x).squaredNorm(); });
}

TEST(SecondOrder, WhatIsConstantHasNoDerivatives) {
  using Number = SecondOrder<double, 1>;
  const Number constant = sqrt(Number(0.0)), x = Number::variable(3.0, 0);
  EXPECT_EQ(constant.first(0), 0.0);
  EXPECT_EQ((x + constant).first(0), 1.0);
  EXPECT_EQ((x * x + constant).second(0, 0), 2.0);
  EXPECT_EQ(pow(Number::variable(0.0, 0), 2.0).second(0, 0), 2.0);
  EXPECT_EQ(pow(x, Number(2.0)).second(0, 0), 2.0);

  // On the tape an infinite slope of what nothing depends on would be NaN.
  const Tape tape;
  const Differentiable zero = 0.0, three = 3.0;
  using OnTape = SecondOrder<Differentiable, 1>;
  const OnTape y = OnTape::variable(three, 0), power = pow(OnTape(zero), 1.5) + y * y * y;
  tape.gradient_of(power.second(0, 0));
  EXPECT_EQ(three.adjoint(), 6.0);
  EXPECT_EQ(zero.adjoint(), 0.0);
}

TEST(SecondOrder, ComparesByItsValue) {
  using Number = SecondOrder<double, 2>;
  const Number x = Number::variable(2.0, 0), y = Number::variable(2.0, 1);
  EXPECT_TRUE(x == y);
  EXPECT_TRUE(x < 3.0);
  EXPECT_TRUE(1 < x);
  EXPECT_TRUE(isfinite(x));
  EXPECT_TRUE(isnan(x * std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace vfe
