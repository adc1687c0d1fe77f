// Prediction and simulation: means in closed form, moments of what is drawn.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "model/glm_reference.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

using reference::make_problem;
using reference::Problem;

Address first_at(std::uint64_t seed, std::uint32_t draw = 0) {
  return {.seed = seed, .purpose = Purpose::predict, .draw = draw};
}

double linear_predictor(const Problem& problem, ConstVec theta, Index row, Index k, Index classes) {
  const auto& x = std::get<Rows::RowMajor<float>>(problem.rows.x);
  const Index p = x.cols();
  const double scale = is_real(problem.options.likelihood) ? problem.schema.response_scale : 1.0;
  const bool ordinal = problem.options.likelihood == Likelihood::ordinal;
  if (ordinal) classes = 0;
  double eta = (ordinal ? 0.0 : theta[k]) + problem.rows.offset[row] / scale;
  for (Index j = 0; j < p; ++j) eta += theta[classes + k * p + j] * x(row, j);
  return eta;
}

// E[y] given the constrained values, whose last are the scales.
double mean_of(const Problem& problem, double eta, ConstVec values, Index row) {
  const double mean = std::exp(eta), share = mean / (1.0 + mean), last = values[values.size() - 1];
  const double before_last = values[values.size() - 2];
  switch (problem.options.likelihood) {
    case Likelihood::linear:
    case Likelihood::student_t:
      return 3.0 + 2.5 * eta;
    case Likelihood::logistic:
    case Likelihood::beta:
      return share;
    case Likelihood::binomial:
      return problem.rows.trials[row] * share;
    case Likelihood::zero_inflated_poisson:
    case Likelihood::zero_inflated_negative_binomial:
      return (1.0 - last) * mean;
    case Likelihood::hurdle_poisson:
      return (1.0 - last) * mean / (1.0 - std::exp(-mean));
    case Likelihood::hurdle_negative_binomial:
      return (1.0 - last) * mean / (1.0 - std::pow(1.0 + before_last * mean, -1.0 / before_last));
    case Likelihood::lognormal:
      return mean * std::exp(last * last / 2.0);
    case Likelihood::weibull:
      return mean * std::tgamma(1.0 + 1.0 / last);
    default:
      return mean;
  }
}

TEST(GlmPredict, OffsetsOfDrawsAreAddedToThoseOfRows) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::logistic, Likelihood::softmax}) {
    Problem problem = make_problem({.likelihood = likelihood, .classes = 3});
    const Index n = problem.schema.blocks.rows(0);
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 3);
    Matrix offset(n, 3);
    fill_normal({.seed = 8}, offset);
    const Prediction found = model.predict(0, theta, offset, first_at(5), true);
    for (Index s = 0; s < 3; ++s) {
      Problem moved = problem;
      moved.rows.offset.head(n) += offset.col(s);
      const Glm plain(moved.options, rows_in_memory(moved.schema, moved.rows));
      const Prediction expected =
          plain.predict(0, theta.col(s), first_at(5, static_cast<std::uint32_t>(s)), true).value();
      EXPECT_TRUE(found.mean.col(s).isApprox(expected.mean, 1e-14)) << to_string(likelihood);
      EXPECT_TRUE(found.response.col(s).isApprox(expected.response, 1e-13)) << to_string(likelihood);
      EXPECT_TRUE(found.log_density.col(s).isApprox(expected.log_density, 1e-13)) << to_string(likelihood);
    }
  }
}

TEST(GlmPredict, MeansAndDensitiesAreThoseOfTheModel) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem = make_problem({.likelihood = likelihood, .classes = 3});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 3);
    const Prediction found = model.predict(1, theta, first_at(5), true).value();
    const Index first_row = problem.schema.blocks.first(1), last = problem.schema.blocks.last(1);
    ASSERT_EQ(found.mean.rows(), last - first_row);
    Problem unweighted = problem;
    unweighted.rows.weight.resize(0);
    const Glm plain(unweighted.options, rows_in_memory(unweighted.schema, unweighted.rows));
    for (Index s = 0; s < 3; ++s) {
      Vector density(last - first_row);
      plain.log_likelihood_rows(1, theta.col(s), density);
      EXPECT_TRUE(found.log_density.col(s).isApprox(density, 1e-14)) << to_string(likelihood);
      for (Index i = first_row; i < last; ++i) {
        const Index classes = problem.predictors();
        const double eta = linear_predictor(problem, theta.col(s), i, 0, classes);
        Vector values(model.parameters().num_constrained());
        model.parameters().constrain(theta.col(s), values);
        double expected = mean_of(problem, eta, values, i);
        if (likelihood == Likelihood::softmax) {
          const double e[] = {1.0, std::exp(eta),
                              std::exp(linear_predictor(problem, theta.col(s), i, 1, classes))};
          for (std::size_t k = 0; k < 3; ++k) {
            EXPECT_NEAR(found.probability[k](i - first_row, s), e[k] / (e[0] + e[1] + e[2]), 1e-13);
          }
          expected = e[static_cast<std::size_t>(problem.rows.y[i])] / (e[0] + e[1] + e[2]);
        }
        if (likelihood == Likelihood::ordinal) {
          const double first = 1.0 / (1.0 + std::exp(eta - values[values.size() - 2])),
                       second = 1.0 / (1.0 + std::exp(eta - values[values.size() - 1]));
          const double probability[] = {first, second - first, 1.0 - second};
          for (std::size_t k = 0; k < 3; ++k)
            EXPECT_NEAR(found.probability[k](i - first_row, s), probability[k], 1e-13);
          expected = probability[static_cast<std::size_t>(problem.rows.y[i])];
        }
        EXPECT_NEAR(found.mean(i - first_row, s), expected, 1e-12 * (1.0 + std::abs(expected)))
            << to_string(likelihood);
      }
    }
    EXPECT_EQ(found.probability.empty(), !has_classes(likelihood));
    EXPECT_EQ(model.predict(1, theta, first_at(5), false)->log_density.size(), 0);
  }
}

TEST(GlmPredict, ResponsesAreAddressed) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem = make_problem({.likelihood = likelihood});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 6);
    const Matrix all = model.predict(0, theta, first_at(5, 100), false)->response;
    EXPECT_EQ(model.predict(0, theta.middleCols(2, 3), first_at(5, 102), false)->response,
              all.middleCols(2, 3));
    EXPECT_NE(model.predict(0, theta, first_at(6, 100), false)->response, all);
  }
}

// n draws of a response with known mean and variance: both within 5 standard errors.
void expect_moments(const Vector& y, double mean, double variance, double fourth_over_variance_squared,
                    const std::string& what) {
  const auto n = static_cast<double>(y.size());
  const double found = y.mean(), spread = (y.array() - mean).square().mean();
  EXPECT_NEAR(found, mean, 5.0 * std::sqrt(variance / n)) << what;
  EXPECT_NEAR(spread, variance, 5.0 * variance * std::sqrt((fourth_over_variance_squared - 1.0) / n)) << what;
}

Vector simulate(Likelihood likelihood, Vector truth, Index n, double eta = 0.0) {
  Problem problem = make_problem(
      {.likelihood = likelihood, .rows = n, .columns = 1, .block_rows = n, .offsets = false, .classes = 3});
  std::get<Rows::RowMajor<float>>(problem.rows.x).setConstant(static_cast<float>(eta));
  problem.rows.y.resize(0);
  if (likelihood == Likelihood::binomial) problem.rows.trials = Vector::Constant(n, 20.0);
  simulate_response(problem.options, problem.schema, problem.rows, truth,
                    {.seed = 3, .purpose = Purpose::simulate});
  return problem.rows.y;
}

TEST(GlmPredict, SimulatedResponsesHaveTheModelsMoments) {
  constexpr Index n = 40000;
  // truth: intercept, beta, scales; eta = 0.5 + 2 * 0.25 = 1
  expect_moments(simulate(Likelihood::linear, Vector{{0.5, 2.0, 0.7}}, n, 0.25), 3.0 + 2.5,
                 std::pow(2.5 * 0.7, 2), 3.0, "linear");
  expect_moments(simulate(Likelihood::student_t, Vector{{0.5, 2.0, 0.7, 10.0}}, n, 0.25), 3.0 + 2.5,
                 std::pow(2.5 * 0.7, 2) * 10.0 / 8.0, 4.0, "student_t");
  const double p = 1.0 / (1.0 + std::exp(-1.0));
  expect_moments(simulate(Likelihood::logistic, Vector{{0.5, 2.0}}, n, 0.25), p, p * (1.0 - p), 3.0,
                 "logistic");
  const double mean = std::exp(1.0);
  expect_moments(simulate(Likelihood::poisson, Vector{{0.5, 2.0}}, n, 0.25), mean, mean, 3.4, "poisson");
  for (const double alpha : {0.5, 1e-9}) {
    expect_moments(simulate(Likelihood::negative_binomial, Vector{{0.5, 2.0, alpha}}, n, 0.25), mean,
                   mean + alpha * mean * mean, 3.4 + 6.0 * alpha, "negative_binomial");
  }
  const Vector y = simulate(Likelihood::softmax, Vector{{0.5, -0.5, 2.0, 1.0}}, n, 0.25);
  const double e[] = {1.0, std::exp(1.0), std::exp(-0.25)};
  for (std::size_t k = 0; k < 3; ++k) {
    const double q = e[k] / (e[0] + e[1] + e[2]);
    const double share = (y.array() == static_cast<double>(k)).cast<double>().mean();
    EXPECT_NEAR(share, q, 5.0 * std::sqrt(q * (1.0 - q) / n));
  }
}

// E[y^power] of a count that is hardly ever above 200, its probabilities by the plain loop.
double moment_of_counts(Likelihood likelihood, double eta, const reference::Scales& scales, int power) {
  long double sum = 0;
  for (int y = 0; y < 200; ++y) {
    sum += powl(y, power) * expl(reference::log_density(likelihood, {eta}, y, scales));
  }
  return static_cast<double>(sum);
}

TEST(GlmPredict, SimulatedCountsHaveTheMomentsOfTheirDensity) {
  constexpr Index n = 40000;
  for (const Likelihood likelihood :
       {Likelihood::zero_inflated_poisson, Likelihood::zero_inflated_negative_binomial,
        Likelihood::hurdle_poisson, Likelihood::hurdle_negative_binomial}) {
    const bool poisson = traits(likelihood).scales[1] == ScaleKind::none;
    for (const double intercept : {0.5, -7.0}) {  // the latter is a count above 0 in a hundred or less
      reference::Scales scales;
      scales.zero_probability = 0.3L;
      scales.overdispersion = 0.4L;
      const double eta = intercept + 0.5;
      const Vector truth = poisson ? Vector{{intercept, 2.0, 0.3}} : Vector{{intercept, 2.0, 0.4, 0.3}};
      const auto moment = [&](int power) { return moment_of_counts(likelihood, eta, scales, power); };
      const double mean = moment(1), variance = moment(2) - mean * mean;
      const double fourth =
          moment(4) - 4.0 * moment(3) * mean + 6.0 * moment(2) * mean * mean - 3.0 * std::pow(mean, 4);
      expect_moments(simulate(likelihood, truth, n, 0.25), mean, variance, fourth / (variance * variance),
                     to_string(likelihood) + " " + std::to_string(intercept));
    }
  }
}

TEST(GlmPredict, SimulatedProportionsAndPositiveResponsesHaveTheModelsMoments) {
  constexpr Index n = 40000;
  const double mean = std::exp(1.0), p = mean / (1.0 + mean), q = 1.0 - p;
  expect_moments(simulate(Likelihood::binomial, Vector{{0.5, 2.0}}, n, 0.25), 20.0 * p, 20.0 * p * q, 3.1,
                 "binomial");
  expect_moments(simulate(Likelihood::gamma, Vector{{0.5, 2.0, 2.5}}, n, 0.25), mean, mean * mean / 2.5,
                 3.0 + 6.0 / 2.5, "gamma");
  expect_moments(simulate(Likelihood::beta, Vector{{0.5, 2.0, 6.0}}, n, 0.25), p, p * q / 7.0, 3.0, "beta");
  const double s2 = 0.3 * 0.3;
  expect_moments(simulate(Likelihood::lognormal, Vector{{0.5, 2.0, 0.3}}, n, 0.25), mean * std::exp(s2 / 2.0),
                 mean * mean * std::exp(s2) * std::expm1(s2), 5.0, "lognormal");
  expect_moments(simulate(Likelihood::exponential, Vector{{0.5, 2.0}}, n, 0.25), mean, mean * mean, 9.0,
                 "exponential");
  const double k = 1.7, first = std::tgamma(1.0 + 1.0 / k), second = std::tgamma(1.0 + 2.0 / k);
  expect_moments(simulate(Likelihood::weibull, Vector{{0.5, 2.0, k}}, n, 0.25), mean * first,
                 mean * mean * (second - first * first), 4.0, "weibull");
  const Vector y = simulate(Likelihood::ordinal, Vector{{2.0, -0.5, 1.5}}, n, 0.25);
  const double below[] = {0.0, 1.0 / (1.0 + std::exp(0.5 + 0.5)), 1.0 / (1.0 + std::exp(0.5 - 1.5)), 1.0};
  for (std::size_t c = 0; c < 3; ++c) {
    const double share = (y.array() == static_cast<double>(c)).cast<double>().mean(),
                 probability = below[c + 1] - below[c];
    EXPECT_NEAR(share, probability, 5.0 * std::sqrt(probability * (1.0 - probability) / n));
  }
}

TEST(GlmPredict, BetaResponsesAtTheEndsAreBetweenThem) {
  const Vector y = simulate(Likelihood::beta, Vector{{0.5, 2.0, 1e-5}}, 1000, 0.25);
  EXPECT_GT(y.minCoeff(), 0.0);
  EXPECT_LT(y.maxCoeff(), 1.0);
  const double p = 1.0 / (1.0 + std::exp(-1.0));
  EXPECT_NEAR(y.mean(), p, 5.0 * std::sqrt(p * (1.0 - p) / 1000.0));
}

TEST(GlmPredict, SimulationReadsOffsetsAndItsAddress) {
  Problem problem =
      make_problem({.likelihood = Likelihood::linear, .rows = 5, .columns = 2, .block_rows = 5});
  problem.options.known_sigma = 1e-12;
  const Vector truth = Vector{{0.1, 0.2, -0.3}};
  const Address at{.seed = 3, .purpose = Purpose::simulate, .block = 4};
  simulate_response(problem.options, problem.schema, problem.rows, truth, at);
  for (Index i = 0; i < 5; ++i) {
    EXPECT_NEAR(problem.rows.y[i], 3.0 + 2.5 * linear_predictor(problem, truth, i, 0, 1), 1e-9);
  }
  problem.options.known_sigma = 1.0;
  Rows again = problem.rows, other = problem.rows;
  simulate_response(problem.options, problem.schema, problem.rows, truth, at);
  simulate_response(problem.options, problem.schema, again, truth, at);
  EXPECT_EQ(again.y, problem.rows.y);
  simulate_response(problem.options, problem.schema, other, truth,
                    {.seed = 3, .purpose = Purpose::simulate, .block = 5});
  EXPECT_NE(other.y, problem.rows.y);
}

TEST(GlmPredict, AMeanBeyondCountingIsItself) {
  EXPECT_EQ(simulate(Likelihood::poisson, Vector{{100.0, 0.0}}, 1)[0], std::exp(100.0));
  EXPECT_TRUE(std::isinf(simulate(Likelihood::poisson, Vector{{1e4, 0.0}}, 1)[0]));
  EXPECT_EQ(simulate(Likelihood::poisson, Vector{{-1e4, 0.0}}, 1)[0], 0.0);
}

}  // namespace
}  // namespace vfe
