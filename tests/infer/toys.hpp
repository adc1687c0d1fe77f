#pragma once
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/model/function.hpp"
#include "vfe/target/target.hpp"

namespace vfe::toys {

/// A model that is all likelihood, of blocks of one row, from a function that adds its gradient in any case.
inline std::unique_ptr<const Model> all_likelihood(Index d, Index blocks, BlockLogDensity function) {
  return make_model({{"theta", {{"index", d, {}}}}}, LogDensity(),
                    std::vector<Index>(static_cast<std::size_t>(blocks), 1),
                    [function = std::move(function)](Index block, ConstVec theta, Vec grad) {
                      if (grad.size() > 0) return function(block, theta, grad);
                      Vector unused = Vector::Zero(theta.size());
                      return function(block, theta, unused);
                    });
}

/// Such a model, and the target over it on this process alone.
struct Toy {
  Toy(Index d, Index blocks, BlockLogDensity function)
      : model(all_likelihood(d, blocks, std::move(function))), target(*model, Communicator::self()) {}
  std::unique_ptr<const Model> model;
  Target target;
};

inline Matrix random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Matrix m(rows, cols);
  fill_normal(Address{.seed = seed, .purpose = Purpose::simulate}, m);
  return m;
}

/// A well conditioned dense precision matrix.
inline Matrix random_precision(Index d, std::uint64_t seed) {
  const Matrix a = random_matrix(d, 2 * d, seed);
  return a * a.transpose() / static_cast<double>(2 * d) + 0.1 * Matrix::Identity(d, d);
}

/// log f of a normal, without its constant: one block.
inline BlockLogDensity gaussian(Vector mean, Matrix precision) {
  return [mean = std::move(mean), precision = std::move(precision)](Index, ConstVec theta, Vec grad) {
    const Vector pull = precision * (mean - theta);
    grad += pull;
    return -0.5 * pull.dot(mean - theta);
  };
}

/// Linear regression with known noise sd 1 and prior N(0, 1), the prior spread over the blocks: conjugate.
struct Regression {
  Regression(Index d, Index blocks_, Index rows, std::uint64_t seed)
      : blocks(blocks_), block_rows(rows), x(random_matrix(blocks_ * rows, d, seed)) {
    for (Index j = 1; j < d; ++j) x.col(j) += 0.5 * x.col(j - 1);  // correlated columns
    y = x * random_matrix(d, 1, seed + 1) + random_matrix(x.rows(), 1, seed + 2);
    precision = x.transpose() * x + Matrix::Identity(d, d);
    mean = precision.llt().solve(x.transpose() * y);
  }
  BlockLogDensity density() const {
    return [this](Index block, ConstVec theta, Vec grad) {
      const auto rows = x.middleRows(block * block_rows, block_rows);
      const double share = 1.0 / static_cast<double>(blocks);
      const Vector residual = y.segment(block * block_rows, block_rows) - rows * theta;
      grad += rows.transpose() * residual - share * theta;
      return -0.5 * residual.squaredNorm() - 0.5 * share * theta.squaredNorm();
    };
  }
  Index blocks, block_rows;
  Matrix x;
  Vector y;
  Matrix precision;  ///< of the posterior
  Vector mean;
};

/// Logistic regression, normal prior, all rows in one block: a plain loop.
inline BlockLogDensity logistic(Matrix x, Vector y, double prior_sd) {
  return [x = std::move(x), y = std::move(y), prior_sd](Index, ConstVec theta, Vec grad) {
    const double precision = 1.0 / (prior_sd * prior_sd);
    double value = -0.5 * precision * theta.squaredNorm() -
                   static_cast<double>(theta.size()) * (0.5 * std::log(2.0 * M_PI) + std::log(prior_sd));
    grad -= precision * theta;
    for (Index r = 0; r < x.rows(); ++r) {
      const double eta = x.row(r).dot(theta);
      value += y(r) * eta - (std::max(eta, 0.0) + std::log1p(std::exp(-std::abs(eta))));
      grad += (y(r) - 1.0 / (1.0 + std::exp(-eta))) * x.row(r).transpose();
    }
    return value;
  };
}

/// Covariance of q, from the theta of unit noise.
inline Matrix covariance(const Family& family, ConstVec lambda) {
  const Index n = family.num_noise();
  Matrix at(family.size(), n), zero(family.size(), 1);
  family.transform(lambda, Matrix::Identity(n, n), at);
  family.transform(lambda, Matrix::Zero(n, 1), zero);
  at.colwise() -= zero.col(0);
  return at * at.transpose();
}

struct Finished {
  State state;
  std::vector<Record> records;
};

/// Runs a program to its end; with `copy` every step starts from a fresh copy of the state, as after a
/// resume.
inline Finished run(const Program& program, bool copy = false) {
  Finished result{program.start(), {}};
  while (!result.state.finished()) {
    if (copy) {
      State resumed;
      resumed.step = result.state.step;
      resumed.stage = result.state.stage;
      resumed.lambda = result.state.lambda;
      for (const auto& [name, value] : result.state.memory) resumed.memory[name] = Matrix(value);
      result.state = std::move(resumed);
    }
    result.records.push_back(program.advance(result.state));
  }
  return result;
}

}  // namespace vfe::toys
