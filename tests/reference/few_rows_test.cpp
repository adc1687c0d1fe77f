// Linear models with about as many coefficients as rows: given sigma the coefficients are normal, so that one
// integral is left, and it is taken by quadrature.
#include <Eigen/SVD>
#include <cmath>
#include <numbers>

#include "reference/posterior.hpp"
#include "vfe/program/sample.hpp"

namespace vfe {
namespace {

constexpr double prior_sd = 2.5, intercept_prior_sd = 10.0;  // that of sigma is half-normal(1)

struct Exact {
  double log_evidence = 0.0;
  Vector mean, sd;  ///< of the intercept, the other coefficients, and sigma
};

Exact exact(const Table& table) {
  const Index n = table.x.rows(), q = table.x.cols() + 1;
  Vector sds = Vector::Constant(q, prior_sd);
  sds[0] = intercept_prior_sd;
  Matrix design = Matrix::Ones(n, q);
  design.rightCols(q - 1) = table.x;
  design = (design * sds.asDiagonal()).eval();
  const Eigen::JacobiSVD<Matrix> svd(design, Eigen::ComputeFullU | Eigen::ComputeThinV);
  Eigen::ArrayXd lambda = Eigen::ArrayXd::Zero(n);
  lambda.head(svd.singularValues().size()) = svd.singularValues().array().square();
  const Eigen::ArrayXd along = (svd.matrixU().transpose() * table.y).array();
  const Index rank = svd.singularValues().size();

  constexpr int points = 4001;
  constexpr double low = -14.0, high = 4.0, step = (high - low) / (points - 1);
  const double log_two_pi = std::log(2.0 * std::numbers::pi);
  Vector log_density(points);
  for (int k = 0; k < points; ++k) {
    const double log_sigma = low + k * step, variance = std::exp(2.0 * log_sigma);
    log_density[k] =
        std::log(2.0) - 0.5 * log_two_pi - 0.5 * variance + log_sigma -
        0.5 * (log_two_pi + (lambda + variance).log() + along.square() / (lambda + variance)).sum();
  }
  const double top = log_density.maxCoeff();
  const Vector density = (log_density.array() - top).exp();
  Exact result{top + std::log(density.sum() * step), Vector::Zero(q + 1), Vector::Zero(q + 1)};
  Vector square = Vector::Zero(q + 1);
  for (int k = 0; k < points; ++k) {
    const double sigma = std::exp(low + k * step), variance = sigma * sigma,
                 mass = density[k] / density.sum();
    const Eigen::ArrayXd kept = lambda.head(rank) / (lambda.head(rank) + variance);
    Vector mean(q + 1), own_square(q + 1);
    const Eigen::ArrayXd pull =
        (lambda.head(rank).sqrt() * along.head(rank)) / (lambda.head(rank) + variance);
    mean.head(q) = sds.array() * (svd.matrixV() * pull.matrix()).array();
    own_square.head(q) =
        sds.array().square() * (1.0 - (svd.matrixV().array().square().matrix() * kept.matrix()).array()) +
        mean.head(q).array().square();
    mean[q] = sigma;
    own_square[q] = variance;
    result.mean += mass * mean;
    square += mass * own_square;
  }
  result.sd = (square.array() - result.mean.array().square()).sqrt();
  return result;
}

Table noise_and_signal(Index rows, Index columns, std::uint64_t seed) {
  Matrix noise(columns + 1, rows);
  fill_normal({seed, Purpose::simulate}, noise);
  Table table{noise.topRows(columns).transpose(), 0.5 * noise.row(columns).transpose()};
  table.y += table.x.col(0) - 0.7 * table.x.col(1);
  return table;
}

class FaultsB4 : public Posterior {
 protected:
  void expect_exact(const Table& table) {
    Config linear = config(write(table, 16));
    linear.model.type = "linear";
    linear.model.glm.likelihood = Likelihood::linear;
    linear.family.type = "auto";
    const ResultFile result = run(linear);
    const Exact expected = exact(table);
    const Index q = table.x.cols() + 1;
    EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
    EXPECT_NEAR(number(result, "log_evidence"), expected.log_evidence,
                4.0 * number(result, "log_evidence_error"));
    // intercept, coefficients and sigma come first
    const Moments moments = moments_of(result);
    for (Index k = 0; k <= q; ++k) {
      EXPECT_NEAR(moments.mean[k], expected.mean[k], 0.05 * expected.sd[k]) << k;
      EXPECT_NEAR(moments.sd[k], expected.sd[k], 0.03 * expected.sd[k]) << k;
    }
  }
};

TEST_F(FaultsB4, SpectraOfMoreChannelsThanSamples) {
  expect_exact(read_csv("spectra.csv"));
}

TEST_F(FaultsB4, AsManyRowsAsCoefficients) {
  for (const Index rows : {5, 6, 7}) expect_exact(noise_and_signal(rows, 6, 3));
}

TEST_F(FaultsB4, ManyMoreCoefficientsThanRows) {
  expect_exact(noise_and_signal(15, 60, 4));
}

}  // namespace
}  // namespace vfe
