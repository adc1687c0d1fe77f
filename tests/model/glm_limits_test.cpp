// Densities where doubles come to their end: linear predictors up to 1e4, overdispersion near zero, huge
// counts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "model/glm_reference.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

// A model of rows without columns' influence: the intercept is the linear predictor.
Glm model_of(Likelihood likelihood, const std::vector<double>& y, GlmOptions options = {}) {
  options.likelihood = likelihood;
  Schema schema;
  const auto num_rows = static_cast<Index>(y.size());
  schema.blocks = Blocks::of_equal(num_rows, num_rows);
  Column column;
  column.name = column.source = "x";
  schema.columns = {column};
  schema.response_classes = likelihood == Likelihood::softmax ? 3 : 0;
  Rows rows;
  rows.blocks = schema.blocks;
  rows.x = Rows::RowMajor<double>(Rows::RowMajor<double>::Zero(num_rows, 1));
  rows.y = Eigen::Map<const Vector>(y.data(), num_rows);
  return Glm(options, rows_in_memory(schema, rows));
}

struct Density {
  double value;
  Vector grad;
};

Density density(const Glm& model, const Vector& theta) {
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(theta.size(), 1);
  model.log_likelihood(0, theta, value, grad);
  return {value[0], grad.col(0)};
}

Density density(const Glm& model, std::initializer_list<double> theta) {
  return density(model, Vector(Eigen::Map<const Vector>(theta.begin(), static_cast<Index>(theta.size()))));
}

TEST(GlmLimits, LogisticIsExactFarOut) {
  const Glm one = model_of(Likelihood::logistic, {1.0}), zero = model_of(Likelihood::logistic, {0.0});
  for (const double eta : {1e4, 2000.0, 720.0, 40.0}) {
    EXPECT_EQ(density(one, {-eta, 0.0}).value, -eta);
    EXPECT_EQ(density(one, {-eta, 0.0}).grad[0], 1.0);
    EXPECT_EQ(density(zero, {eta, 0.0}).value, -eta);
    EXPECT_EQ(density(zero, {eta, 0.0}).grad[0], -1.0);
    const double tail = eta > 708.0 ? 0.0 : std::exp(-eta);
    EXPECT_NEAR(density(one, {eta, 0.0}).value, -tail, 1e-15 * tail);
    EXPECT_NEAR(density(one, {eta, 0.0}).grad[0], tail, 1e-15 * tail);
  }
}

TEST(GlmLimits, LogisticKeepsRelativeAccuracyEverywhere) {
  const Glm one = model_of(Likelihood::logistic, {1.0});
  for (double eta = -700.0; eta < 700.0; eta += 0.37) {
    const Density found = density(one, {eta, 0.0});
    const long double value = -reference::log1p_exp(-static_cast<long double>(eta));
    const long double slope = 1 / (1 + expl(eta));
    EXPECT_NEAR(static_cast<double>(found.value / value), 1.0, 2e-15) << eta;
    EXPECT_NEAR(static_cast<double>(found.grad[0] / slope), 1.0, 2e-15) << eta;
  }
}

TEST(GlmLimits, SoftmaxIsExactFarOut) {
  for (const double y : {0.0, 1.0, 2.0}) {
    const Glm model = model_of(Likelihood::softmax, {y});
    for (const double a : {-1e4, 0.0, 1e4}) {
      for (const double b : {-1e4, 1.0, 1e4}) {
        const std::vector<long double> eta = {a, b};
        const Density found = density(model, {a, b, 0.0, 0.0});
        EXPECT_NEAR(found.value, static_cast<double>(reference::log_density(Likelihood::softmax, eta, y, {})),
                    1e-12);
        EXPECT_TRUE(found.grad.allFinite());
        EXPECT_LE(found.grad.cwiseAbs().maxCoeff(), 1.0);
      }
    }
  }
}

TEST(GlmLimits, PoissonUpToTheLastDouble) {
  const Glm three = model_of(Likelihood::poisson, {3.0}), none = model_of(Likelihood::poisson, {0.0});
  EXPECT_NEAR(density(three, {-1e4, 0.0}).value, -3e4 - std::log(6.0), 1e-11);
  EXPECT_EQ(density(three, {-1e4, 0.0}).grad[0], 3.0);
  EXPECT_EQ(density(none, {-1e4, 0.0}).value, 0.0);
  EXPECT_EQ(density(none, {-1e4, 0.0}).grad[0], 0.0);
  for (const double eta : {700.0, 706.5, 709.0, 709.7}) {
    EXPECT_NEAR(density(three, {eta, 0.0}).value / -std::exp(eta), 1.0, 1e-12) << eta;
    EXPECT_NEAR(density(three, {eta, 0.0}).grad[0] / -std::exp(eta), 1.0, 1e-12) << eta;
  }
  for (const double eta : {709.8, 1e3, 1e4}) {
    EXPECT_EQ(density(three, {eta, 0.0}).value, -infinity);
    EXPECT_EQ(density(three, {eta, 0.0}).grad[0], 0.0);
  }
}

TEST(GlmLimits, LinearAndStudentStayFiniteFarOut) {
  for (const double eta : {-1e4, 1e4}) {
    for (const double log_sigma : {-20.0, 0.0, 20.0}) {
      const Density linear = density(model_of(Likelihood::linear, {1.0}), {eta, 0.0, log_sigma});
      reference::Scales scales;
      scales.sigma = expl(log_sigma);
      const long double expected = reference::log_density(Likelihood::linear, {eta}, 1.0L, scales);
      EXPECT_NEAR(static_cast<double>(linear.value / expected), 1.0, 1e-13);
      EXPECT_TRUE(linear.grad.allFinite());
      for (const double log_nu : {-3.0, 0.0, 3.0, 15.0}) {
        scales.nu = expl(log_nu);
        const Density student =
            density(model_of(Likelihood::student_t, {1.0}), {eta, 0.0, log_sigma, log_nu});
        const long double value = reference::log_density(Likelihood::student_t, {eta}, 1.0L, scales);
        EXPECT_NEAR(static_cast<double>(student.value / value), 1.0, 1e-12);
        EXPECT_TRUE(student.grad.allFinite());
      }
    }
  }
  // Where the square overflows: tails of a t fall with log |eta|, known in closed form for nu = 1 (Cauchy).
  GlmOptions cauchy;
  cauchy.degrees_of_freedom = 1.0;
  const Density far = density(model_of(Likelihood::student_t, {0.0}, cauchy), {1e4, 0.0, -460.0});
  EXPECT_NEAR(far.value, -460.0 - 2.0 * std::log(1e4) - std::log(std::acos(-1.0)), 1e-10);
  EXPECT_NEAR(far.grad[2], 1.0, 1e-12);
}

TEST(GlmLimits, StudentGoesToNormalAsNuGrows) {
  GlmOptions known;
  known.known_sigma = 1.0;
  const Density normal = density(model_of(Likelihood::linear, {1.0, -0.5, 2.0}, known), {0.3, 0.0});
  const Glm student = model_of(Likelihood::student_t, {1.0, -0.5, 2.0});
  for (const double log_nu : {std::log(1e8), std::log(1e14), 600.0}) {
    const Density found = density(student, {0.3, 0.0, 0.0, log_nu});
    EXPECT_NEAR(found.value, normal.value, 1e-7);
    EXPECT_NEAR(found.grad[0], normal.grad[0], 1e-7);
    EXPECT_NEAR(found.grad[3], 0.0, 1e-7);
  }
}

TEST(GlmLimits, NegativeBinomialMatchesTheSumOverItsWholeRange) {
  for (const double y : {0.0, 1.0, 2.0, 15.0, 1000.0, 1e6}) {
    const Glm model = model_of(Likelihood::negative_binomial, {y});
    for (const double alpha : {1e-12, 1e-8, 1e-4, 0.01, 0.0624, 0.0626, 0.5, 1.0, 30.0, 1e6}) {
      const double log_alpha = std::log(alpha);
      const long double exact_alpha = expl(static_cast<long double>(log_alpha)), r = 1 / exact_alpha;
      long double rising = -lgammal(y + 1);
      for (long double k = 0; k < y; ++k) rising += log1pl(k * exact_alpha);
      for (const double eta : {-1e4, -20.0, 0.0, 3.0, 13.8, 1e4}) {
        const long double softplus = reference::log1p_exp(eta + logl(exact_alpha));
        const long double expected = rising + y * static_cast<long double>(eta) - (y + r) * softplus;
        const Density found = density(model, {eta, 0.0, log_alpha});
        const std::string where = fmt::format("y {} alpha {} eta {}", y, alpha, eta);
        // Relative to the largest terms of the sum.
        const double spread = static_cast<double>((y + r) * softplus);
        const double terms = 1.0 + y * (std::abs(eta) + std::log1p(y) + std::abs(log_alpha)) + spread;
        EXPECT_NEAR(found.value, static_cast<double>(expected), 4e-15 * terms) << where;
        const long double share = expl(eta + logl(exact_alpha) - softplus);
        const long double slope = y * (1 - share) - r * share;
        EXPECT_NEAR(found.grad[0], static_cast<double>(slope), 1e-14 * static_cast<double>(1 + y + r * share))
            << where;
        EXPECT_TRUE(found.grad.allFinite()) << where;
      }
    }
  }
}

TEST(GlmLimits, SlopeByOverdispersionKeepsItsDigits) {
  // d / d log alpha = sum over k < y of k alpha / (1 + k alpha)
  //                   + log(1 + u) / alpha - (y + 1 / alpha) u / (1 + u)
  for (const double y : {0.0, 1.0, 2.0, 15.0, 1000.0}) {
    const Glm model = model_of(Likelihood::negative_binomial, {y});
    for (const double alpha : {1e-12, 1e-8, 1e-4, 0.01, 0.0624, 0.0626, 0.5, 1.0, 30.0, 1e6}) {
      for (const double eta : {-20.0, 0.0, 3.0, 8.0}) {
        const long double a = expl(static_cast<long double>(std::log(alpha)));
        const long double u = a * expl(eta);
        long double gain = 0;
        for (long double k = 0; k < y; ++k) gain += k * a / (1 + k * a);
        // log(1 + u) - u / (1 + u), by its series where it would cancel.
        const long double gap =
            u < 1e-4L ? u * u * (0.5L - u * (2 / 3.0L - u * (0.75L - 0.8L * u))) : log1pl(u) - u / (1 + u);
        const long double expected = gain + gap / a - y * u / (1 + u);
        const double terms = static_cast<double>(gain + gap / a + y * u / (1 + u));
        EXPECT_NEAR(density(model, {eta, 0.0, std::log(alpha)}).grad[2], static_cast<double>(expected),
                    1e-13 * terms + 2e-15 * (1.0 + y))
            << "y " << y << " alpha " << alpha << " eta " << eta;
      }
    }
  }
}

TEST(GlmLimits, NegativeBinomialGoesToPoisson) {
  for (const double y : {0.0, 1.0, 7.0, 400.0}) {
    const Glm poisson = model_of(Likelihood::poisson, {y}),
              model = model_of(Likelihood::negative_binomial, {y});
    for (const double eta : {-1e4, -3.0, 0.5, 6.0}) {
      const Density limit = density(poisson, {eta, 0.0});
      for (const double log_alpha : {-46.0, -200.0, -699.0, -5000.0}) {
        const Density found = density(model, {eta, 0.0, log_alpha});
        // 1 / alpha and exp(eta + log alpha) carry the rounding of log alpha.
        const double tolerance = 1e-12 * (1.0 + std::abs(limit.value) + std::exp(eta));
        EXPECT_NEAR(found.value, limit.value, tolerance) << y << " " << eta << " " << log_alpha;
        EXPECT_NEAR(found.grad[0], limit.grad[0], tolerance);
        EXPECT_NEAR(found.grad[2], 0.0, 1e-12);
      }
    }
  }
}

TEST(GlmLimits, RowsOfWeightZeroCountForNothing) {
  for (const Likelihood likelihood : {Likelihood::poisson, Likelihood::linear}) {
    GlmOptions options;
    options.likelihood = likelihood;
    Schema schema;
    schema.blocks = Blocks::of_equal(2, 2);
    Rows rows;
    rows.blocks = schema.blocks;
    rows.x = Rows::RowMajor<float>(2, 0);
    rows.y = Vector::Constant(2, 1.0);
    rows.offset = Vector::Zero(2);
    rows.offset[1] = 1e4;
    rows.weight = Vector::Ones(2);
    rows.weight[1] = 0.0;
    const Glm model(options, rows_in_memory(schema, rows));
    Vector theta = Vector::Zero(model.parameters().size());
    if (likelihood == Likelihood::linear) theta[1] = -460.0;
    const Density found = density(model, theta);
    EXPECT_TRUE(std::isfinite(found.value) || likelihood == Likelihood::linear);
    Vector by_row(2);
    model.log_likelihood_rows(0, theta, by_row);
    EXPECT_EQ(by_row[1], 0.0);
    EXPECT_EQ(found.value, by_row[0]);
  }
}

TEST(GlmLimits, NotANumberStaysNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const double y : {0.0, 1.0}) {
      const Glm model = model_of(likelihood, {y, y});
      for (Index i = 0; i < model.parameters().size(); ++i) {
        Vector theta = Vector::Zero(model.parameters().size());
        theta[i] = nan;
        EXPECT_TRUE(std::isnan(density(model, theta).value)) << to_string(likelihood) << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace vfe
