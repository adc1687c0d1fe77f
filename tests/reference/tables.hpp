// Tables with known posteriors: of tests/data, and simulated ones.
#pragma once
#include <Eigen/Dense>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

struct Table {
  Matrix x;
  Vector y;
};

inline Table read_csv(const std::string& name) {
  std::ifstream file(std::filesystem::path(VFE_SOURCE_DIR) / "tests/data" / name);
  std::string line;
  std::getline(file, line);
  std::vector<std::vector<double>> rows;
  while (std::getline(file, line)) {
    std::vector<double> row;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) row.push_back(std::stod(field));
    rows.push_back(row);
  }
  Table table{Matrix(rows.size(), rows[0].size() - 1), Vector(rows.size())};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.y[i] = rows[i][0];
    for (std::size_t j = 1; j < rows[i].size(); ++j) table.x(i, j - 1) = rows[i][j];
  }
  return table;
}

inline Vector sds(const Matrix& x) {
  Vector sd = ((x.rowwise() - x.colwise().mean()).colwise().squaredNorm() / static_cast<double>(x.rows()))
                  .cwiseSqrt();
  for (double& s : sd) s = s > 0.0 ? s : 1.0;
  return sd;
}

inline Table ionosphere() {
  Table table = read_csv("ionosphere.csv");
  const Vector sd = sds(table.x);
  table.x = (table.x.rowwise() - table.x.colwise().mean()).eval() * sd.cwiseInverse().asDiagonal();
  return table;
}

inline Table german_credit() {
  Table table = read_csv("german_credit.csv");
  table.x = (table.x * sds(table.x).cwiseInverse().asDiagonal()).eval();
  return table;
}

/// Exact log evidences of the logistic posteriors (tests/data/README.md), prior sds 1 and 10.
constexpr double ionosphere_log_evidence = -111.607, german_credit_log_evidence = -585.098;

/// y = 0.5 + x b + normal(0, sigma), correlated columns.
inline Table linear_rows(Index rows, Index columns, double sigma) {
  Matrix noise(columns + 1, rows);
  fill_normal({11, Purpose::simulate}, noise);
  Table table{noise.topRows(columns).transpose(), Vector(rows)};
  for (Index j = 1; j < columns; ++j) table.x.col(j) = 0.6 * table.x.col(j - 1) + 0.8 * table.x.col(j);
  for (Index i = 0; i < rows; ++i) {
    table.y[i] = 0.5 + sigma * noise(columns, i);
    for (Index j = 0; j < columns; ++j) table.y[i] += table.x(i, j) * std::cos(static_cast<double>(j));
  }
  return table;
}

/// The posterior of a linear model with known noise: normal(mean, covariance), and the log evidence.
struct Conjugate {
  Vector mean;
  Matrix covariance;
  double log_evidence;
};

inline Conjugate conjugate(const Table& table, double sigma, double prior_scale,
                           double intercept_prior_scale) {
  const Index n = table.x.rows(), d = table.x.cols() + 1;
  Matrix x(n, d);
  x << Vector::Ones(n), table.x;
  Vector precision = Vector::Constant(d, 1.0 / (prior_scale * prior_scale));
  precision[0] = 1.0 / (intercept_prior_scale * intercept_prior_scale);
  Matrix hessian = x.transpose() * x / (sigma * sigma);
  hessian.diagonal() += precision;
  const Eigen::LLT<Matrix> cholesky(hessian);
  Conjugate answer;
  answer.covariance = cholesky.solve(Matrix::Identity(d, d));
  answer.mean = cholesky.solve(x.transpose() * table.y / (sigma * sigma));
  const Vector residual = table.y - x * answer.mean;
  const double log_det = 2.0 * Matrix(cholesky.matrixL()).diagonal().array().log().sum();
  answer.log_evidence = -0.5 * residual.squaredNorm() / (sigma * sigma) -
                        static_cast<double>(n) * std::log(sigma * std::sqrt(2.0 * std::numbers::pi)) -
                        0.5 * (precision.array() * answer.mean.array().square()).sum() +
                        0.5 * precision.array().log().sum() - 0.5 * log_det;
  return answer;
}

}  // namespace vfe
