#include <Eigen/Dense>
#include <cmath>

#include "family/gaussian.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

/// What the Woodbury identity needs of the covariance D + F F', D = diag(sd^2): with A = D^-1/2 F,
/// (D + F F')^-1 = D^-1/2 (I - A M^-1 A') D^-1/2 and det = det D det M, where M = I + A' A.
struct Woodbury {
  Vector precision_root;        ///< 1 / sd
  Matrix scaled;                ///< A, d x rank
  Eigen::LLT<Matrix> cholesky;  ///< of M, rank x rank
  double half_log_det;          ///< of M [nats]; not finite if M could not be factorised
};

class LowRank final : public Family {
 public:
  LowRank(Index d, Index rank) : d_(d), rank_(rank) {}

  std::string name() const override { return "low_rank"; }
  Index size() const override { return d_; }
  Index num_lambda() const override { return d_ * (2 + rank_); }
  Index num_noise() const override { return d_ + rank_; }

  /// A zero factor would be a saddle: the free energy is even in F, so its gradient there is zero and no
  /// optimiser would ever leave. The factor starts instead with rows of length 0.01 scale in fixed
  /// pseudo-random directions, which the independent part makes room for: the sds are exact.
  Vector init(ConstVec mean, double scale) const override {
    constexpr double size = 0.01;
    Matrix factor(d_, rank_);
    fill_normal(Address{.purpose = Purpose::low_rank}, factor);
    factor.rowwise().normalize();
    Vector lambda(num_lambda());
    lambda.head(d_) = mean;
    lambda.segment(d_, d_).setConstant(std::log(scale) + 0.5 * std::log1p(-size * size));
    lambda.tail(d_ * rank_) = (size * scale) * factor.reshaped();
    return lambda;
  }

  void transform(ConstVec lambda, ConstMat noise, Mat theta) const override {
    theta.noalias() = factor(lambda) * noise.bottomRows(rank_);
    theta += finite_exp(lambda.segment(d_, d_)).asDiagonal() * noise.topRows(d_);
    theta.colwise() += lambda.head(d_);
  }

  void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const override {
    grad_lambda.head(d_) += grad_theta.rowwise().sum();
    grad_lambda.segment(d_, d_).array() +=
        grad_theta.cwiseProduct(noise.topRows(d_)).rowwise().sum().array() *
        finite_exp(lambda.segment(d_, d_)).array();
    grad_factor(grad_lambda).noalias() += grad_theta * noise.bottomRows(rank_).transpose();
  }

  Vector entropy(ConstVec lambda, ConstMat, Vec grad_lambda) const override {
    const Woodbury w = woodbury(lambda);
    if (!std::isfinite(w.half_log_det)) return Vector::Constant(1, -infinity);
    if (grad_lambda.size() > 0) {
      const Matrix solved = w.cholesky.solve(w.scaled.transpose()).transpose();  // A M^-1
      grad_lambda.segment(d_, d_).array() += 1.0 - w.scaled.cwiseProduct(solved).rowwise().sum().array();
      grad_factor(grad_lambda) += w.precision_root.asDiagonal() * solved;
    }
    return Vector::Constant(1, 0.5 * static_cast<double>(d_) * (1.0 + log_two_pi) +
                                   lambda.segment(d_, d_).sum() + w.half_log_det);
  }

  void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const override {
    const Woodbury w = woodbury(lambda);
    // With v = M^-1 A' y, the mean of z given theta, y' (I - A M^-1 A') y = |y - A v|^2 + |v|^2: a sum of
    // squares, where the difference of squares would cancel.
    Matrix residual = w.precision_root.asDiagonal() * (theta.colwise() - lambda.head(d_));
    const Matrix v = w.cholesky.solve(w.scaled.transpose() * residual);
    residual.noalias() -= w.scaled * v;
    const double constant =
        -0.5 * static_cast<double>(d_) * log_two_pi - lambda.segment(d_, d_).sum() - w.half_log_det;
    value =
        (constant - 0.5 * (residual.colwise().squaredNorm() + v.colwise().squaredNorm()).array()).transpose();
    if (grad_theta.cols() > 0) residual = -(w.precision_root.asDiagonal() * residual);
    accept_finite(residual, value, grad_theta);
  }

  Vector mean(ConstVec lambda) const override { return lambda.head(d_); }

  Vector standard_deviation(ConstVec lambda) const override {
    const Vector independent = finite_exp(lambda.segment(d_, d_)), shared = factor(lambda).rowwise().norm();
    return independent.binaryExpr(shared, [](double a, double b) { return std::hypot(a, b); });
  }

  bool dense() const override { return false; }

  Vector push_forward(ConstVec lambda, const Affine& map) const override {
    require_diagonal(map, d_, "low_rank");
    const Matrix moved_factor = map.scale.col(0).asDiagonal() * factor(lambda);
    Vector moved(num_lambda());
    moved.head(d_) = map.apply(lambda.head(d_));
    moved.segment(d_, d_) = lambda.segment(d_, d_).array() + map.scale.col(0).array().abs().log();
    moved.tail(d_ * rank_) = moved_factor.reshaped();
    return moved;
  }

 private:
  Eigen::Map<const Matrix> factor(ConstVec lambda) const { return {lambda.data() + 2 * d_, d_, rank_}; }
  Eigen::Map<Matrix> grad_factor(Vec grad_lambda) const { return {grad_lambda.data() + 2 * d_, d_, rank_}; }

  Woodbury woodbury(ConstVec lambda) const {
    Woodbury w;
    w.precision_root = finite_exp(-lambda.segment(d_, d_));
    w.scaled = w.precision_root.asDiagonal() * factor(lambda);
    Matrix inner = Matrix::Identity(rank_, rank_);
    inner.selfadjointView<Eigen::Lower>().rankUpdate(w.scaled.transpose());
    w.cholesky.compute(inner);
    w.half_log_det =
        w.cholesky.info() == Eigen::Success ? w.cholesky.matrixLLT().diagonal().array().log().sum() : nan;
    return w;
  }

  Index d_, rank_;
};

}  // namespace

std::unique_ptr<Family> low_rank(Index d, Index rank) {
  return std::make_unique<LowRank>(d, rank);
}

}  // namespace vfe
