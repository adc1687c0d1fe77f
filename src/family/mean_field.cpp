#include <cmath>

#include "family/gaussian.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

class MeanField final : public Family {
 public:
  explicit MeanField(Index d) : d_(d) {}

  std::string name() const override { return "mean_field"; }
  Index size() const override { return d_; }
  Index num_lambda() const override { return 2 * d_; }

  Vector init(ConstVec mean, double scale) const override {
    Vector lambda(2 * d_);
    lambda << mean, Vector::Constant(d_, std::log(scale));
    return lambda;
  }

  void transform(ConstVec lambda, ConstMat noise, Mat theta) const override {
    theta.noalias() = finite_exp(lambda.tail(d_)).asDiagonal() * noise;
    theta.colwise() += lambda.head(d_);
  }

  void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const override {
    grad_lambda.head(d_) += grad_theta.rowwise().sum();
    grad_lambda.tail(d_).array() +=
        grad_theta.cwiseProduct(noise).rowwise().sum().array() * finite_exp(lambda.tail(d_)).array();
  }

  Vector entropy(ConstVec lambda, ConstMat, Vec grad_lambda) const override {
    if (grad_lambda.size() > 0) grad_lambda.tail(d_).array() += 1.0;
    return Vector::Constant(1, 0.5 * static_cast<double>(d_) * (1.0 + log_two_pi) + lambda.tail(d_).sum());
  }

  void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const override {
    const Vector precision_root = finite_exp(-lambda.tail(d_));
    Matrix z = precision_root.asDiagonal() * (theta.colwise() - lambda.head(d_));
    const double constant = -0.5 * static_cast<double>(d_) * log_two_pi - lambda.tail(d_).sum();
    value = (constant - 0.5 * z.colwise().squaredNorm().array()).transpose();
    if (grad_theta.cols() > 0) z = -(precision_root.asDiagonal() * z);
    accept_finite(z, value, grad_theta);
  }

  Vector mean(ConstVec lambda) const override { return lambda.head(d_); }
  Vector standard_deviation(ConstVec lambda) const override { return finite_exp(lambda.tail(d_)); }
  bool dense() const override { return false; }

  Vector push_forward(ConstVec lambda, const Affine& map) const override {
    require_diagonal(map, d_, "mean_field");
    Vector moved(2 * d_);
    moved.head(d_) = map.apply(lambda.head(d_));
    moved.tail(d_) = lambda.tail(d_).array() + map.scale.col(0).array().abs().log();
    return moved;
  }

 private:
  Index d_;
};

}  // namespace

std::unique_ptr<Family> mean_field(Index d) {
  return std::make_unique<MeanField>(d);
}

}  // namespace vfe
