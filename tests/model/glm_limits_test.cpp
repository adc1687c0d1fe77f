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
constexpr double trials = 5.0;

Glm model_of(Likelihood likelihood, const std::vector<double>& y, GlmOptions options = {},
             bool censored = false) {
  options.likelihood = likelihood;
  DesignSchema schema;
  const auto num_rows = static_cast<Index>(y.size());
  schema.blocks = Blocks::of_equal(num_rows, num_rows);
  Column column;
  column.name = column.source = "x";
  schema.columns = {column};
  if (has_classes(likelihood)) schema.response_levels = {"a", "b", "c"};
  Rows rows;
  rows.blocks = schema.blocks;
  rows.x = Rows::RowMajor<double>(Rows::RowMajor<double>::Zero(num_rows, 1));
  rows.y = Eigen::Map<const Vector>(y.data(), num_rows);
  if (traits(likelihood).support == Support::count_of_trials)
    rows.trials = Vector::Constant(num_rows, trials);
  if (censored) rows.censoring = Vector::Ones(num_rows);
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
    DesignSchema schema;
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

// The likelihoods with a parameter of their own against the plain loop, far out in every direction.
TEST(GlmLimits, BinomialIsExactFarOut) {
  for (const double y : {0.0, 2.0, 5.0}) {
    const Glm model = model_of(Likelihood::binomial, {y});
    const double combinations = y == 2.0 ? std::log(10.0) : 0.0;
    for (double eta = -700.0; eta < 700.0; eta += 0.73) {
      const Density found = density(model, {eta, 0.0});
      const long double right = reference::log1p_exp(-static_cast<long double>(eta)),
                        wrong = reference::log1p_exp(eta);
      const long double value = -y * right - (trials - y) * wrong;
      EXPECT_NEAR(found.value - combinations, static_cast<double>(value),
                  3e-15 * static_cast<double>(1e-300L + combinations - value))
          << eta;
      const long double share = reference::sigmoid(eta);
      EXPECT_NEAR(found.grad[0], static_cast<double>(y * (1 - share) - (trials - y) * share), 3e-15 * trials);
    }
    EXPECT_NEAR(density(model, {1e4, 0.0}).value, combinations - 1e4 * (trials - y), 1e-10);
    EXPECT_NEAR(density(model, {-1e4, 0.0}).value, combinations - 1e4 * y, 1e-10);
  }
}

TEST(GlmLimits, ExtraAndMissingZerosStayExactFarOut) {
  for (const Likelihood likelihood :
       {Likelihood::zero_inflated_poisson, Likelihood::hurdle_poisson,
        Likelihood::zero_inflated_negative_binomial, Likelihood::hurdle_negative_binomial}) {
    const bool poisson =
        likelihood == Likelihood::zero_inflated_poisson || likelihood == Likelihood::hurdle_poisson;
    for (const double y : {0.0, 1.0, 3.0, 50.0}) {
      const Glm model = model_of(likelihood, {y});
      for (const double eta : {-1e4, -700.0, -310.0, -290.0, -40.0, -3.0, 0.0, 2.0, 6.0}) {
        for (const double log_odds : {-600.0, -30.0, 0.5, 10.0}) {
          const double log_alpha = -0.5;
          reference::Scales scales;
          scales.zero_probability = reference::sigmoid(log_odds);
          scales.overdispersion = expl(log_alpha);
          const Density found = poisson ? density(model, {eta, 0.0, log_odds})
                                        : density(model, {eta, 0.0, log_alpha, log_odds});
          const std::string where =
              fmt::format("{} y {} eta {} log odds {}", to_string(likelihood), y, eta, log_odds);
          EXPECT_TRUE(found.grad.allFinite()) << where;
          const auto at = [&](long double moved) {
            return reference::log_density(likelihood, {moved}, y, scales);
          };
          const auto expected = static_cast<double>(at(eta));
          EXPECT_NEAR(found.value, expected, 2e-14 * (10.0 + std::abs(expected) + y * std::abs(eta)))
              << where;
          const auto slope = static_cast<double>(reference::derivative(at, eta));
          EXPECT_NEAR(found.grad[0], slope, 1e-8 * (1.0 + std::abs(slope))) << where;
        }
      }
      // No mean that is a double.
      const Density found = poisson ? density(model, {1e4, 0.0, 0.5}) : density(model, {1e4, 0.0, -0.5, 0.5});
      EXPECT_TRUE(found.grad.allFinite());
      EXPECT_EQ(std::isfinite(found.value), y == 0.0 || !poisson);
    }
  }
}

TEST(GlmLimits, OrdinalStaysExactFarOut) {
  for (const double y : {0.0, 1.0, 2.0}) {
    const Glm model = model_of(Likelihood::ordinal, {y});
    for (const double eta : {-1e4, -300.0, -2.0, 0.3, 300.0, 1e4}) {
      for (const double log_gap : {-500.0, -30.0, -1.0, 3.0, 9.0}) {
        // There is no intercept: the first cutpoint moves instead.
        const Density found = density(model, {0.0, -eta, log_gap});
        const long double gap = expl(log_gap),
                          a = y == 2.0   ? 0.0L
                              : y == 1.0 ? -eta + gap
                                         : -eta,
                          b = y == 2.0 ? -eta + gap : -eta;
        long double expected = 0;
        if (y < 2.0) expected -= reference::log1p_exp(-a);
        if (y > 0.0) expected -= reference::log1p_exp(b);
        if (y == 1.0) expected += logl(-expm1l(-gap));
        EXPECT_NEAR(found.value, static_cast<double>(expected),
                    1e-14 * (1.0 + std::abs(eta) + static_cast<double>(gap)))
            << y << " " << eta << " " << log_gap;
        const long double below = y < 2.0 ? reference::sigmoid(-a) : 0,
                          above = y > 0.0 ? reference::sigmoid(b) : 0;
        EXPECT_NEAR(found.grad[1], static_cast<double>(below - above), 1e-14);
        long double by_gap = y == 1.0 ? below * gap + gap / expm1l(gap) : y == 2.0 ? -above * gap : 0;
        EXPECT_NEAR(found.grad[2], static_cast<double>(by_gap), 1e-13 * (1.0 + static_cast<double>(gap)));
      }
    }
  }
}

TEST(GlmLimits, PositiveResponsesStayExactFarOut) {
  for (const Likelihood likelihood : {Likelihood::gamma, Likelihood::weibull, Likelihood::lognormal}) {
    for (const bool censored : {false, true}) {
      if (censored && !traits(likelihood).takes_censoring) continue;
      for (const double y : {1e-8, 0.7, 1.0, 3000.0}) {
        const Glm model = model_of(likelihood, {y}, {}, censored);
        for (const double eta : {-1e4, -30.0, -1.0, 0.0, 8.0, 1e4}) {
          for (const double log_scale : {-8.0, -0.5, 1.0, 2.772, 2.773, 6.0, 14.0}) {
            reference::Scales scales;
            scales.sigma = scales.shape = expl(log_scale);
            const Density found = density(model, {eta, 0.0, log_scale});
            const std::string where = fmt::format("{} y {} eta {} log scale {} censored {}",
                                                  to_string(likelihood), y, eta, log_scale, censored);
            EXPECT_TRUE(found.grad.allFinite()) << where;
            const auto expected = static_cast<double>(
                reference::log_density(likelihood, {eta}, y, scales, censored ? 1.0L : 0.0L));
            if (std::abs(expected) > 1e300) {
              EXPECT_EQ(found.value, -infinity) << where;
              continue;
            }
            // Of shapes beyond 1e6 the plain loop itself loses digits.
            const double terms = 1.0 + std::abs(expected) + std::exp(log_scale) * std::abs(std::log(y) - eta);
            EXPECT_NEAR(found.value, expected, 3e-13 * terms + 1e-16 * std::exp(2.0 * log_scale)) << where;
          }
        }
      }
    }
  }
}

TEST(GlmLimits, BetaStaysExactFarOut) {
  for (const double y : {1e-12, 0.3, 0.999}) {
    const Glm model = model_of(Likelihood::beta, {y});
    for (const double log_precision : {-20.0, -1.0, 1.0, 2.7, 3.5, 9.0}) {
      for (const double eta : {-300.0, -30.0, -3.0, 0.0, 3.0, 30.0, 300.0}) {
        reference::Scales scales;
        scales.precision = expl(log_precision);
        const Density found = density(model, {eta, 0.0, log_precision});
        const auto at = [&](long double moved) {
          return reference::log_density(Likelihood::beta, {moved}, y, scales);
        };
        const auto expected = static_cast<double>(at(eta)),
                   slope = static_cast<double>(reference::derivative(at, eta));
        const std::string where = fmt::format("y {} log precision {} eta {}", y, log_precision, eta);
        const double terms =
            1.0 + std::abs(expected) + std::exp(log_precision) * (5.0 - std::log(y) + log_precision);
        EXPECT_NEAR(found.value, expected, 1e-14 * terms) << where;
        EXPECT_NEAR(found.grad[0], slope, 1e-9 * terms) << where;
        EXPECT_TRUE(found.grad.allFinite()) << where;
      }
      for (const double eta : {-1e4, 1e4}) {
        const Density found = density(model, {eta, 0.0, log_precision});
        EXPECT_TRUE(std::isfinite(found.value) && found.grad.allFinite());
        EXPECT_NEAR(found.grad[0], eta > 0.0 ? -1.0 : 1.0, 1e-12);
      }
    }
  }
}

TEST(GlmLimits, NotANumberStaysNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const double code : {0.0, 1.0}) {
      const Support support = traits(likelihood).support;
      const double y = support == Support::positive || support == Support::unit ? 0.25 + 0.5 * code : code;
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
