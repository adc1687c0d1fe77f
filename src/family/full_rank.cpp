#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>

#include "family/gaussian.hpp"
#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

class FullRank final : public Family {
 public:
  explicit FullRank(Index d) : d_(d) {}

  std::string name() const override { return "full_rank"; }
  Index size() const override { return d_; }
  Index num_lambda() const override { return 2 * d_ + d_ * (d_ - 1) / 2; }

  Vector init(ConstVec mean, double scale) const override {
    Vector lambda = Vector::Zero(num_lambda());
    lambda.head(d_) = mean;
    lambda.segment(d_, d_).setConstant(std::log(scale));
    return lambda;
  }

  void transform(ConstVec lambda, ConstMat noise, Mat theta) const override {
    theta.noalias() = factor(lambda).triangularView<Eigen::Lower>() * noise;
    theta.colwise() += lambda.head(d_);
  }

  void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const override {
    Matrix grad_factor(d_, d_);
    grad_factor.triangularView<Eigen::Lower>() = grad_theta * noise.transpose();
    grad_lambda.head(d_) += grad_theta.rowwise().sum();
    grad_lambda.segment(d_, d_).array() +=
        grad_factor.diagonal().array() * finite_exp(lambda.segment(d_, d_)).array();
    for (Index j = 0; j < d_ - 1; ++j) {
      grad_lambda.segment(below(j), d_ - 1 - j) += grad_factor.col(j).tail(d_ - 1 - j);
    }
  }

  Vector entropy(ConstVec lambda, ConstMat, Vec grad_lambda) const override {
    if (grad_lambda.size() > 0) grad_lambda.segment(d_, d_).array() += 1.0;
    return Vector::Constant(
        1, 0.5 * static_cast<double>(d_) * (1.0 + log_two_pi) + lambda.segment(d_, d_).sum());
  }

  void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const override {
    const Matrix scale = factor(lambda);
    Matrix z = theta.colwise() - lambda.head(d_);
    scale.triangularView<Eigen::Lower>().solveInPlace(z);
    const double constant = -0.5 * static_cast<double>(d_) * log_two_pi - lambda.segment(d_, d_).sum();
    value = (constant - 0.5 * z.colwise().squaredNorm().array()).transpose();
    if (grad_theta.cols() > 0) {
      scale.triangularView<Eigen::Lower>().transpose().solveInPlace(z);
      z = -z;
    }
    accept_finite(z, value, grad_theta);
  }

  Vector mean(ConstVec lambda) const override { return lambda.head(d_); }
  Vector standard_deviation(ConstVec lambda) const override { return factor(lambda).rowwise().norm(); }
  bool dense() const override { return true; }

  Vector push_forward(ConstVec lambda, const Affine& map) const override {
    if (map.size() != d_ || map.scale.rows() != d_ || (!map.diagonal() && map.scale.cols() != d_)) {
      throw Error(Fault::bug,
                  fmt::format("moving a full_rank family of size {} by an affine map: found a scale "
                              "of {} x {} and a shift of {}",
                              d_, map.scale.rows(), map.scale.cols(), map.size()));
    }
    const Affine linear{Vector::Zero(d_), map.scale};
    Matrix moved = linear.apply(factor(lambda));
    Vector result(num_lambda());
    result.head(d_) = map.apply(lambda.head(d_));
    for (Index j = 0; j < d_; ++j) {
      // The sign of a column is free (noise is symmetric), that of the diagonal is not.
      if (moved(j, j) < 0.0) moved.col(j) = -moved.col(j);
      result.segment(below(j), d_ - 1 - j) = moved.col(j).tail(d_ - 1 - j);
    }
    // Logarithms are added, so that a diagonal too small or large to be a number keeps its value.
    const Vector stretch = map.diagonal() ? Vector(map.scale.col(0)) : Vector(map.scale.diagonal());
    result.segment(d_, d_) = lambda.segment(d_, d_).array() + stretch.array().abs().log();
    return result;
  }

 private:
  /// Where the part of column j below the diagonal begins in lambda.
  Index below(Index j) const { return 2 * d_ + j * (d_ - 1) - j * (j - 1) / 2; }

  /// L, with zeros above the diagonal.
  Matrix factor(ConstVec lambda) const {
    Matrix scale = Matrix::Zero(d_, d_);
    scale.diagonal() = finite_exp(lambda.segment(d_, d_));
    for (Index j = 0; j < d_ - 1; ++j) {
      scale.col(j).tail(d_ - 1 - j) = lambda.segment(below(j), d_ - 1 - j);
    }
    return scale;
  }

  Index d_;
};

}  // namespace

std::unique_ptr<Family> full_rank(Index d) {
  return std::make_unique<FullRank>(d);
}

}  // namespace vfe
