#include "vfe/model/glm_prior.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>

#include "model/glm_reference.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr PriorShape shapes[] = {PriorShape::normal, PriorShape::student_t, PriorShape::laplace,
                                 PriorShape::cauchy};

double density(const CoefficientPrior& prior, double x) {
  double value = 0.0;
  prior.add(x, value, nullptr);
  return std::exp(value);
}

/// Of student_t: 3 degrees of freedom.
double distribution(PriorShape shape, double z) {
  const double pi = std::numbers::pi;
  switch (shape) {
    case PriorShape::normal:
      return 0.5 * std::erfc(-z / std::numbers::sqrt2);
    case PriorShape::student_t: {
      const double s = z / std::sqrt(3.0);
      return 0.5 + (s / (1.0 + s * s) + std::atan(s)) / pi;
    }
    case PriorShape::laplace:
      return z < 0.0 ? 0.5 * std::exp(z) : 1.0 - 0.5 * std::exp(-z);
    case PriorShape::cauchy:
      return 0.5 + std::atan(z) / pi;
    case PriorShape::horseshoe:
      break;
  }
  return 0.0;
}

TEST(GlmPrior, DensitiesAreTheDerivativesOfTheirDistributions) {
  for (const PriorShape shape : shapes) {
    const CoefficientPrior prior(shape, 0.7, 3.0);
    for (const double x : {-4.0, -0.3, 0.1, 2.5, 60.0}) {
      const auto at = [&](long double moved) -> long double {
        return distribution(shape, static_cast<double>(moved) / 0.7);
      };
      EXPECT_NEAR(density(prior, x), static_cast<double>(reference::derivative(at, x)), 1e-10);
      const auto log_density = [&](long double moved) -> long double {
        double value = 0.0;
        prior.add(static_cast<double>(moved), value, nullptr);
        return value;
      };
      double value = 0.0, slope = 0.5;
      prior.add(x, value, &slope);
      EXPECT_NEAR(slope - 0.5, static_cast<double>(reference::derivative(log_density, x)), 1e-9);
    }
  }
}

TEST(GlmPrior, DrawsHaveTheirDistributions) {
  constexpr int n = 20000;
  for (const PriorShape shape : shapes) {
    const CoefficientPrior prior(shape, 0.7, 3.0);
    for (const double z : {-2.0, -0.5, 0.0, 1.0, 3.0}) {
      int below = 0;
      for (int i = 0; i < n; ++i) {
        const Address at{.seed = 4, .draw = static_cast<std::uint32_t>(i)};
        below += prior.draw(normal(at, 0), uniform(at, 2), uniform(at, 4)) < 0.7 * z ? 1 : 0;
      }
      const double p = distribution(shape, z);
      EXPECT_NEAR(below / static_cast<double>(n), p, 5.0 * std::sqrt(p * (1.0 - p) / n))
          << static_cast<int>(shape);
    }
  }
}

TEST(GlmPrior, TermsAndCoefficientsHaveTheirOwn) {
  DesignSchema schema;
  schema.columns = {{.name = "age", .source = "age"},
                    {.name = "colour[red]", .source = "colour"},
                    {.name = "colour[blue]", .source = "colour"}};
  GlmOptions options{
      .likelihood = Likelihood::logistic,
      .prior_by_name = {{"colour", PriorShape::student_t}, {"colour[red]", PriorShape::laplace}},
      .prior_scale_by_name = {{"colour", 0.7}},
      .prior_degrees_of_freedom_by_name = {{"colour", 3.0}}};
  const std::vector<CoefficientPrior> priors = coefficient_priors(options, schema);
  ASSERT_EQ(priors.size(), 3u);
  EXPECT_EQ(priors[0].shape(), PriorShape::normal);
  EXPECT_EQ(priors[0].scale(), 2.5);
  EXPECT_EQ(priors[1].shape(), PriorShape::laplace);
  EXPECT_EQ(density(priors[2], 1.0), density(CoefficientPrior(PriorShape::student_t, 0.7, 3.0), 1.0));
  EXPECT_EQ(coefficient_sds(options, schema).size(), 0);
  options.prior_by_name.clear();
  EXPECT_EQ(coefficient_sds(options, schema), (Vector{{2.5, 0.7, 0.7}}));
  options.prior_by_name = {{"size", PriorShape::cauchy}};
  try {
    coefficient_priors(options, schema);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_STREQ(error.what(), "model: prior.size names no coefficient or term");
  }
}

TEST(GlmPrior, AModelAddsThemUp) {
  reference::Problem problem =
      reference::make_problem({.likelihood = Likelihood::softmax, .columns = 3, .classes = 3});
  problem.options.prior = PriorShape::student_t;
  problem.options.prior_by_name = {{"x1", PriorShape::laplace}};
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Vector theta = reference::make_theta(model.parameters(), 1, 0.7);
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(8, 1);
  model.log_prior(theta, value, grad);
  double expected = 0.0;
  for (Index k = 0; k < 2; ++k) {
    CoefficientPrior(PriorShape::normal, 10.0, 1.0).add(theta[k], expected, nullptr);
    for (Index j = 0; j < 3; ++j) {
      const CoefficientPrior prior(j == 1 ? PriorShape::laplace : PriorShape::student_t, 2.5, 4.0);
      double slope = 0.0;
      prior.add(theta[2 + 3 * k + j], expected, &slope);
      EXPECT_DOUBLE_EQ(grad(2 + 3 * k + j, 0), slope);
    }
  }
  EXPECT_NEAR(value[0], expected, 1e-13);
}

reference::Problem with_horseshoe(Likelihood likelihood) {
  reference::Problem problem =
      reference::make_problem({.likelihood = likelihood, .columns = 4, .classes = 3});
  for (std::size_t j : {1u, 3u}) problem.schema.columns[j].source = "many";
  problem.options.prior_by_name = {{"many", PriorShape::horseshoe}};
  problem.options.prior_scale_by_name = {{"many", 1.7}};
  problem.options.prior_global_scale = 0.3;
  return problem;
}

// The density of the coefficients that the quantities name is that of the same model without a horseshoe.
TEST(GlmHorseshoe, CoefficientsAreWhatTheirScalesMakeOfThem) {
  for (const Likelihood likelihood : {Likelihood::student_t, Likelihood::softmax, Likelihood::ordinal}) {
    const reference::Problem problem = with_horseshoe(likelihood);
    reference::Problem plain = problem;
    plain.options.prior_by_name.clear();
    const auto rows = rows_in_memory(problem.schema, problem.rows);
    const Glm model(problem.options, rows), without(plain.options, rows);
    const Index classes = problem.predictors(), m = 2 * classes;
    const Index own = without.parameters().size();
    ASSERT_EQ(model.parameters().size(), own + m + 2);
    const Matrix theta = reference::make_theta(model.parameters(), 3, 0.8);
    Matrix same = theta.topRows(own);
    const Index beta = likelihood == Likelihood::ordinal ? 0 : classes;
    for (Index s = 0; s < 3; ++s) {
      const double global = std::exp(theta(own + m, s)), slab = 1.7 * std::exp(theta(own + m + 1, s));
      for (Index k = 0; k < classes; ++k) {
        for (Index i = 0; i < 2; ++i) {
          const double local = std::exp(theta(own + 2 * k + i, s)), t = global * local;
          same(beta + 4 * k + 2 * i + 1, s) *= t * slab / std::hypot(slab, t);
        }
      }
    }
    Vector value = Vector::Zero(3), expected = Vector::Zero(3);
    Matrix none(theta.rows(), 0), none_without(own, 0);
    model.log_likelihood(1, theta, value, none);
    without.log_likelihood(1, same, expected, none_without);
    EXPECT_TRUE(value.isApprox(expected, 1e-13));
    Vector by_row(model.rows(1)), expected_by_row = by_row;
    model.log_likelihood_rows(1, theta.col(2), by_row);
    without.log_likelihood_rows(1, same.col(2), expected_by_row);
    EXPECT_TRUE(by_row.isApprox(expected_by_row, 1e-12));
    const Address at{.seed = 5, .purpose = Purpose::predict};
    EXPECT_TRUE(
        model.predict(1, theta, at, true)->mean.isApprox(without.predict(1, same, at, true)->mean, 1e-12));
    ASSERT_EQ(model.quantities()[likelihood == Likelihood::ordinal ? 0 : 1].name, "beta");
    Matrix quantities(num_constrained(model.quantities()), 3);
    model.compute_quantities(theta, 1, 0, quantities);
    EXPECT_TRUE(quantities.middleRows(beta, 4 * classes).isApprox(same.middleRows(beta, 4 * classes), 1e-13));
  }
}

TEST(GlmHorseshoe, GradientsMatchDifferences) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::softmax}) {
    const reference::Problem problem = with_horseshoe(likelihood);
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Index d = model.parameters().size();
    const Vector theta = reference::make_theta(model.parameters(), 1, 0.6);
    const auto joint = [&](const Vector& at, Mat grad) {
      Vector value = Vector::Zero(1);
      model.log_prior(at, value, grad);
      model.log_likelihood(0, at, value, grad);
      return value[0];
    };
    Matrix grad = Matrix::Zero(d, 1), none(d, 0);
    joint(theta, grad);
    for (Index i = 0; i < d; ++i) {
      const auto at = [&](long double x) -> long double {
        Vector moved = theta;
        moved[i] = static_cast<double>(x);
        return joint(moved, none);
      };
      const auto expected = static_cast<double>(reference::derivative(at, theta[i], 1.0L / 512));
      EXPECT_NEAR(grad(i, 0), expected, 1e-7 * (1.0 + std::abs(expected)))
          << model.parameters().unconstrained_name(i);
    }
  }
}

TEST(GlmHorseshoe, PriorIsThatOfItsDefinition) {
  const reference::Problem problem = with_horseshoe(Likelihood::logistic);
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Vector theta = reference::make_theta(model.parameters(), 1, 0.9);
  Vector value = Vector::Zero(1);
  Matrix none(theta.size(), 0), terms(theta.size(), 1);
  model.log_prior(theta, value, none);
  model.compute_log_prior_terms(theta, terms);
  // intercept, z_beta of 4, local scales of 2, global, slab
  const auto half_cauchy = [](double x, double scale) {
    return std::log(2.0 / (std::numbers::pi * scale * (1.0 + x * x / (scale * scale))));
  };
  const double square = std::exp(2.0 * theta[8]);
  const auto normal_density = [](double x, double sd) {
    return std::log(std::exp(-0.5 * x * x / (sd * sd)) / (sd * std::sqrt(2.0 * std::numbers::pi)));
  };
  const Vector expected{
      {normal_density(theta[0], 10.0), normal_density(theta[1], 2.5), normal_density(theta[2], 1.0),
       normal_density(theta[3], 2.5), normal_density(theta[4], 1.0), half_cauchy(std::exp(theta[5]), 1.0),
       half_cauchy(std::exp(theta[6]), 1.0), half_cauchy(std::exp(theta[7]), 0.3),
       // inverse gamma(2, 2) of the square: 4 x^-3 exp(-2 / x)
       std::log(4.0 * std::pow(square, -3) * std::exp(-2.0 / square) * 2.0 * std::exp(theta[8]))}};
  EXPECT_TRUE(terms.col(0).isApprox(expected, 1e-13)) << terms.col(0) - expected;
  EXPECT_NEAR(value[0], expected.sum() + theta.tail(4).sum(), 1e-12);
  EXPECT_EQ(coefficient_sds(problem.options, problem.schema).size(), 0);
}

TEST(GlmHorseshoe, StartsFarOutAreDrawsOfThePrior) {
  const reference::Problem problem = with_horseshoe(Likelihood::logistic);
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  constexpr int n = 4000;
  Matrix draws(9, n);
  for (int s = 0; s < n; ++s) {
    const Address at{.seed = 2, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(s)};
    draws.col(s) = model.draw_start(at, Reach::far);
  }
  const auto share_below = [&](Index i, double x) {
    return (draws.row(i).array() < x).cast<double>().mean();
  };
  EXPECT_NEAR(share_below(5, 0.0), 0.5, 0.04);  // the median of a half-Cauchy is its scale
  EXPECT_NEAR(share_below(6, std::log(std::tan(0.9 * std::numbers::pi / 2.0))), 0.9, 0.025);
  EXPECT_NEAR(share_below(7, std::log(0.3)), 0.5, 0.04);
  // 2 / slab^2 ~ gamma(2, 1), of mean 2.
  EXPECT_NEAR((2.0 * (-2.0 * draws.row(8).array()).exp()).mean(), 2.0, 0.12);
  EXPECT_NEAR(draws.row(2).cwiseAbs2().mean(), 1.0, 0.12);
}

}  // namespace
}  // namespace vfe
