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
  double eta = theta[k] + problem.rows.offset[row] / scale;
  for (Index j = 0; j < p; ++j) eta += theta[classes + k * p + j] * x(row, j);
  return eta;
}

TEST(GlmPredict, MeansAndDensitiesAreThoseOfTheModel) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem = make_problem({.likelihood = likelihood, .classes = 3});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 3);
    const Prediction found = model.predict(1, theta, first_at(5), true).value();
    const Index first = problem.schema.blocks.first(1), last = problem.schema.blocks.last(1);
    ASSERT_EQ(found.mean.rows(), last - first);
    Problem unweighted = problem;
    unweighted.rows.weight.resize(0);
    const Glm plain(unweighted.options, rows_in_memory(unweighted.schema, unweighted.rows));
    for (Index s = 0; s < 3; ++s) {
      Vector density(last - first);
      plain.log_likelihood_rows(1, theta.col(s), density);
      EXPECT_TRUE(found.log_density.col(s).isApprox(density, 1e-14)) << to_string(likelihood);
      for (Index i = first; i < last; ++i) {
        const Index classes = problem.predictors();
        const double eta = linear_predictor(problem, theta.col(s), i, 0, classes);
        double expected = std::exp(eta);
        if (is_real(likelihood)) expected = 3.0 + 2.5 * eta;
        if (likelihood == Likelihood::logistic) expected = 1.0 / (1.0 + std::exp(-eta));
        if (likelihood == Likelihood::softmax) {
          const double e[] = {1.0, std::exp(eta),
                              std::exp(linear_predictor(problem, theta.col(s), i, 1, classes))};
          for (std::size_t k = 0; k < 3; ++k) {
            EXPECT_NEAR(found.probability[k](i - first, s), e[k] / (e[0] + e[1] + e[2]), 1e-13);
          }
          expected = e[static_cast<std::size_t>(problem.rows.y[i])] / (e[0] + e[1] + e[2]);
        }
        EXPECT_NEAR(found.mean(i - first, s), expected, 1e-12 * (1.0 + std::abs(expected)))
            << to_string(likelihood);
      }
    }
    EXPECT_EQ(found.probability.empty(), likelihood != Likelihood::softmax);
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
