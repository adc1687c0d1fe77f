#include "vfe/model/function.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "model/gradient_check.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Matrix random_theta(Index d, Index draws) {
  Matrix theta(d, draws);
  fill_normal({.seed = 3, .purpose = Purpose::check}, theta);
  return theta;
}

// log gamma(x | shape 3, rate 2)
double log_gamma_density(double x) {
  return 3.0 * std::log(2.0) - std::lgamma(3.0) + 2.0 * std::log(x) - 2.0 * x;
}

std::unique_ptr<const Model> gamma_model() {
  return make_model({{"x", {}, Transform::positive}}, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad[0] += 2.0 / x[0] - 2.0;
    return log_gamma_density(x[0]);
  });
}

TEST(Function, DensityIsTheBlockAndJacobianThePrior) {
  const auto model = gamma_model();
  ASSERT_EQ(model->blocks(), 1);
  EXPECT_EQ(model->rows(0), 1);
  const Vector theta = Vector::Constant(1, 0.7);
  EXPECT_NEAR(log_density(*model, 0, theta), log_gamma_density(std::exp(0.7)), 1e-14);
  EXPECT_DOUBLE_EQ(log_density(*model, -1, theta), 0.7);
}

TEST(Function, DensityOfThetaIntegratesToOne) {
  const auto model = gamma_model();
  double integral = 0.0;
  const double h = 0.01;
  for (double at = -12.0; at < 5.0; at += h) {
    const Vector theta = Vector::Constant(1, at);
    integral += h * std::exp(log_density(*model, 0, theta) + log_density(*model, -1, theta));
  }
  EXPECT_NEAR(integral, 1.0, 1e-10);
}

TEST(Function, GradientsOfEveryTransform) {
  std::vector<Parameter> parameters = {
      {"free", {{"a", 2, {}}}},
      {"scale", {}, Transform::positive, 0.5},
      {"share", {}, Transform::bounded, -1.0, 3.0},
      {"mix", {{"b", 2, {}}, {"k", 3, {}}}, Transform::simplex},
      {"cut", {{"c", 3, {}}}, Transform::ordered},
      {"corr", {{"i", 3, {}}, {"j", 3, {}}}, Transform::correlation_cholesky},
  };
  const auto density = [](double slope) {
    return [slope](ConstVec x, Vec grad) {
      double value = 0.0;
      for (Index i = 0; i < x.size(); ++i) {
        value += std::sin(slope * x[i]) + 0.1 * x[i] * x[(i + 1) % x.size()];
        if (grad.size() == 0) continue;
        grad[i] += slope * std::cos(slope * x[i]) + 0.1 * x[(i + 1) % x.size()];
        grad[(i + 1) % x.size()] += 0.1 * x[i];
      }
      return value;
    };
  };
  const auto in_blocks = make_model(parameters, density(1.0), {3, 1}, [&](Index block, ConstVec x, Vec grad) {
    return density(2.0 + static_cast<double>(block))(x, grad);
  });
  EXPECT_EQ(in_blocks->rows(0), 3);
  EXPECT_EQ(in_blocks->rows(1), 1);
  expect_gradients_match(*in_blocks, random_theta(in_blocks->parameters().size(), 3));
  const auto whole = make_model(parameters, density(1.5));
  expect_gradients_match(*whole, random_theta(whole->parameters().size(), 3));
}

TEST(Function, FarOutTheJacobianLeavesNoTraceInTheLikelihood) {
  // exp(800) is no double: what the likelihood does not depend on must not come back as NaN.
  const auto model = make_model({{"x", {}, Transform::positive}, {"y"}}, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad[1] -= x[1];
    return -0.5 * x[1] * x[1];
  });
  const Vector theta = Eigen::Vector2d(800.0, 2.0);
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(2, 1);
  model->log_likelihood(0, theta, value, grad);
  EXPECT_EQ(value[0], -2.0);
  EXPECT_EQ(grad(0, 0), 0.0);
  EXPECT_EQ(grad(1, 0), -2.0);
}

TEST(Function, WithoutGradientTheFunctionIsAskedForNone) {
  bool asked = false;
  const auto model = make_model({{"x"}}, [&](ConstVec, Vec grad) {
    asked = asked || grad.size() > 0;
    return 1.0;
  });
  EXPECT_EQ(log_density(*model, 0, Vector::Zero(1)), 1.0);
  EXPECT_FALSE(asked);
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(1, 1);
  model->log_likelihood(0, Vector::Zero(1), value, grad);
  EXPECT_TRUE(asked);
}

TEST(Function, TellsAPriorThatItWasGivenWithoutJacobian) {
  const LogDensity half = [](ConstVec x, Vec) { return -0.5 * x[0]; };
  const std::vector<Parameter> parameters{{"x", {}, Transform::positive}};
  const auto model =
      make_model(parameters, half, {1}, [&](Index, ConstVec x, Vec grad) { return half(x, grad); });
  ASSERT_EQ(num_constrained(model->log_prior_terms()), 1);
  Matrix term(1, 1);
  model->compute_log_prior_terms(Vector::Constant(1, 1.2), term);
  EXPECT_NEAR(term(0, 0), -0.5 * std::exp(1.2), 1e-14);
  EXPECT_TRUE(make_model(parameters, half)->log_prior_terms().empty());
}

TEST(Function, PredictsNothing) {
  const auto model = make_model({{"x"}}, [](ConstVec, Vec) { return 0.0; });
  EXPECT_FALSE(model->predict(0, Matrix::Zero(1, 1), {.seed = 1}, true));
}

TEST(Function, RefusesParametersThatSayNothing) {
  const LogDensity flat = [](ConstVec, Vec) { return 0.0; };
  const auto fault_of = [&](std::vector<Parameter> parameters) {
    try {
      make_model(std::move(parameters), flat);
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::rejected;
  };
  EXPECT_EQ(fault_of({}), Fault::usage);
  EXPECT_EQ(fault_of({{"p", {{"k", 1, {}}}, Transform::simplex}}), Fault::usage);
  EXPECT_EQ(fault_of({{"x"}, {"x"}}), Fault::config);
}

}  // namespace
}  // namespace vfe
