// Whole fits against posteriors with known answers.
#include "reference/posterior.hpp"

#include <cmath>

namespace vfe {
namespace {

struct Anchor {
  double log_evidence, full_rank, mean_field;
};
constexpr Anchor ionosphere_anchor{ionosphere_log_evidence, 112.117, 123.581},
    german_anchor{german_credit_log_evidence, 585.125, 605.666};

Config logistic(Config config, double prior_scale, const std::string& family) {
  config.model.type = "logistic";
  config.model.glm.likelihood = Likelihood::logistic;
  config.model.glm.prior_scale = config.model.glm.intercept_prior_scale = prior_scale;
  config.family.type = family;
  config.output.draws = 100000;
  return config;
}

void expect_anchor(const ResultFile& result, double free_energy, double tolerance) {
  EXPECT_NEAR(number(result, "free_energy"), free_energy, tolerance) << text(result, "reason");
  // Not below the optimum by more than the error of the estimate.
  EXPECT_GT(number(result, "free_energy"), free_energy - 0.005 - 4.0 * number(result, "free_energy_error"));
}

void expect_evidence(const ResultFile& result, double log_evidence) {
  EXPECT_NEAR(number(result, "log_evidence"), log_evidence,
              3.0 * number(result, "log_evidence_error") + 0.005);
}

TEST_F(Posterior, IonosphereFullRank) {
  const ResultFile result = run(logistic(config(write(ionosphere(), 64)), 1.0, "full_rank"));
  expect_anchor(result, ionosphere_anchor.full_rank, 0.1);
  expect_evidence(result, ionosphere_anchor.log_evidence);
}

TEST_F(Posterior, IonosphereMeanField) {
  expect_anchor(run(logistic(config(write(ionosphere(), 64)), 1.0, "mean_field")),
                ionosphere_anchor.mean_field, 0.2);
}

TEST_F(Posterior, GermanCreditFullRank) {
  const ResultFile result = run(logistic(config(write(german_credit(), 64)), 10.0, "full_rank"));
  expect_anchor(result, german_anchor.full_rank, 0.1);
  expect_evidence(result, german_anchor.log_evidence);
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
}

TEST_F(Posterior, GermanCreditMeanField) {
  const ResultFile result = run(logistic(config(write(german_credit(), 64)), 10.0, "mean_field"));
  expect_anchor(result, german_anchor.mean_field, 0.2);
  EXPECT_EQ(text(result, "verdict"), "rejected") << text(result, "reason");
}

Config known_noise(Config config, double sigma) {
  config.family.type = "full_rank";
  config.model.type = "linear";
  config.model.glm.likelihood = Likelihood::linear;
  config.model.glm.known_sigma = sigma;
  config.model.glm.prior_scale = 1.5;
  config.model.glm.intercept_prior_scale = 3.0;
  return config;
}

TEST_F(Posterior, LinearFullRankIsTheClosedForm) {
  const double sigma = 0.7;
  const Table table = linear_rows(2000, 6, sigma);
  const ResultFile result = run(known_noise(config(write(table, 128)), sigma));
  const Conjugate exact = conjugate(table, sigma, 1.5, 3.0);
  const Matrix lambda = result.arrays.at("lambda");
  const Index d = exact.mean.size();
  for (Index i = 0; i < d; ++i) {
    const double sd = std::sqrt(exact.covariance(i, i));
    EXPECT_NEAR(lambda(i), exact.mean[i], 0.005 * sd) << i;
  }
  EXPECT_NEAR(-number(result, "free_energy"), exact.log_evidence, 1e-4);
  EXPECT_NEAR(number(result, "log_evidence"), exact.log_evidence, 1e-4);
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
}

/// sds of q from a full_rank lambda: mean, log diagonal, strict lower triangle by columns.
Vector full_rank_sds(const Matrix& lambda, Index d) {
  Matrix lower = Matrix::Zero(d, d);
  Index next = 2 * d;
  for (Index j = 0; j < d; ++j) {
    lower(j, j) = std::exp(lambda(d + j));
    for (Index i = j + 1; i < d; ++i) lower(i, j) = lambda(next++);
  }
  return lower.rowwise().norm();
}

TEST_F(Posterior, StochasticSdsAreWithinOnePercent) {
  const double sigma = 0.7;
  const Table table = linear_rows(8192, 4, sigma);
  Config stochastic = known_noise(config(write(table, 128)), sigma);
  stochastic.fit.mode = Mode::stochastic;
  stochastic.fit.blocks_per_step = 16;
  const ResultFile result = run(stochastic);
  const Conjugate exact = conjugate(table, sigma, 1.5, 3.0);
  const Matrix lambda = result.arrays.at("lambda");
  const Vector sd = full_rank_sds(lambda, exact.mean.size());
  for (Index i = 0; i < exact.mean.size(); ++i) {
    const double exact_sd = std::sqrt(exact.covariance(i, i));
    EXPECT_NEAR(lambda(i), exact.mean[i], 0.05 * exact_sd) << i;
    EXPECT_NEAR(sd[i] / exact_sd, 1.0, 0.01) << i;
  }
}

}  // namespace
}  // namespace vfe
