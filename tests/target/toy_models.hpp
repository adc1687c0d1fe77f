#pragma once
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// Rows y ~ normal(x'theta, 1) with x and y made from addressed normals, in blocks of uneven length, and a
/// prior theta ~ normal(0, 2). Constants are left out: only sums are tested here.
class ToyModel : public Model {
 public:
  ToyModel(Index d, Index num_blocks, BlockRange shard)
      : parameters_({Parameter{"beta", {{"column", d, {}}}}}), num_blocks_(num_blocks), shard_(shard) {}
  ToyModel(Index d, Index num_blocks, const Communicator& comm)
      : ToyModel(d, num_blocks, vfe::shard(num_blocks, comm.rank(), comm.size())) {}

  Index first_block() const override { return shard_.first; }
  Index num_blocks() const { return num_blocks_; }
  static Index rows_of(Index global_block) { return 1 + global_block % 4; }

  const Parameters& parameters() const override { return parameters_; }
  Spread spread() const override { return share; }
  Index blocks() const override { return shard_.size(); }
  Index rows(Index block) const override { return rows_of(shard_.first + block); }
  Spread share = Spread::blocks;

  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    value -= 0.125 * theta.colwise().squaredNorm().transpose();
    if (grad.cols() > 0) grad -= 0.25 * theta;
  }

  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override {
    for (Index s = 0; s < theta.cols(); ++s) {
      for (Index r = 0; r < rows(block); ++r) {
        const Vector x = covariates(block, r);
        const double residual = response(block, r) - x.dot(theta.col(s));
        value[s] -= 0.5 * residual * residual;
        if (grad.cols() > 0) grad.col(s) += residual * x;
      }
    }
  }

  bool log_likelihood_rows(Index block, ConstVec theta, Vec value) const override {
    for (Index r = 0; r < rows(block); ++r) {
      const double residual = response(block, r) - covariates(block, r).dot(theta);
      value[r] = -0.5 * residual * residual;
    }
    return true;
  }

 private:
  Address address(Index block, Index row) const {
    return {17, Purpose::simulate, 0, static_cast<std::uint32_t>(row),
            static_cast<std::uint32_t>(shard_.first + block)};
  }
  Vector covariates(Index block, Index row) const {
    Matrix x(parameters_.size(), 1);
    fill_normal(address(block, row), x, static_cast<std::uint32_t>(row));
    return x;
  }
  double response(Index block, Index row) const {
    return 3.0 * normal(address(block, row), static_cast<std::uint32_t>(parameters_.size()));
  }

  Parameters parameters_;
  Index num_blocks_;
  BlockRange shard_;
};

/// Not finite wherever theta[0] exceeds 100: in one row of one block, or only in the gradient there, or in
/// the prior.
class BrokenModel final : public ToyModel {
 public:
  enum class Place { row, gradient, prior };
  BrokenModel(Index d, Index num_blocks, const Communicator& comm, Place place, Index bad_block,
              Index bad_row)
      : ToyModel(d, num_blocks, comm), place_(place), bad_block_(bad_block), bad_row_(bad_row) {}

  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    ToyModel::log_prior(theta, value, grad);
    if (place_ != Place::prior) return;
    for (Index s = 0; s < theta.cols(); ++s) {
      if (theta(0, s) > 100.0) value[s] = -std::numeric_limits<double>::infinity();
    }
  }
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override {
    ToyModel::log_likelihood(block, theta, value, grad);
    if (first_block() + block != bad_block_) return;
    for (Index s = 0; s < theta.cols(); ++s) {
      if (theta(0, s) <= 100.0) continue;
      if (place_ == Place::row) value[s] = std::nan("");
      if (place_ == Place::gradient && grad.cols() > 0) grad(1, s) = std::numeric_limits<double>::infinity();
    }
  }
  bool log_likelihood_rows(Index block, ConstVec theta, Vec value) const override {
    ToyModel::log_likelihood_rows(block, theta, value);
    if (place_ == Place::row && first_block() + block == bad_block_ && theta[0] > 100.0) {
      value[bad_row_] = std::nan("");
    }
    return true;
  }

 private:
  Place place_;
  Index bad_block_, bad_row_;
};

/// Throws from one block, against its contract; from the prior if that block is -1.
class ThrowingModel final : public ToyModel {
 public:
  ThrowingModel(Index d, Index num_blocks, const Communicator& comm, Index bad_block)
      : ToyModel(d, num_blocks, comm), bad_block_(bad_block) {}
  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    if (bad_block_ == -1) throw std::domain_error("negative scale");
    ToyModel::log_prior(theta, value, grad);
  }
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override {
    if (first_block() + block >= bad_block_ && bad_block_ >= 0) throw std::domain_error("negative scale");
    ToyModel::log_likelihood(block, theta, value, grad);
  }

 private:
  Index bad_block_;
};

/// Adds up its blocks by itself, and throws.
class ThrowingSumModel final : public ToyModel {
 public:
  using ToyModel::ToyModel;
  void add_likelihood(const BatchBlocks&, ConstMat, LikelihoodSums&) const override {
    throw std::domain_error("no device");
  }
};

}  // namespace vfe
