#include <cmath>
#include <utility>

#include "family/gaussian.hpp"
#include "family/warp.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

constexpr Index pairs_for_moments = 2048;

/// theta = base(W(noise)), the base an affine map of its own.
class Warped final : public Family {
 public:
  Warped(std::string name, std::unique_ptr<Family> base, std::unique_ptr<Warp> warp)
      : name_(std::move(name)), base_(std::move(base)), warp_(std::move(warp)), n_(base_->num_lambda()) {}

  std::string name() const override { return name_; }
  Index size() const override { return base_->size(); }
  Index num_lambda() const override { return n_ + warp_->num_coefficients(); }

  Vector init(ConstVec mean, double scale) const override {
    Vector lambda(num_lambda());
    lambda << base_->init(mean, scale), warp_->init();
    return lambda;
  }

  void transform(ConstVec lambda, ConstMat noise, Mat theta) const override {
    base_->transform(lambda.head(n_), warp(lambda, noise).v, theta);
  }

  void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const override {
    Vector gradient = Vector::Zero(num_lambda());
    base_->pull_back(lambda.head(n_), warp(lambda, noise).v, grad_theta, gradient.head(n_));
    const Matrix grad_v = normal_map(lambda.head(n_), size()).pull_back(grad_theta);
    warp_->pull_back(coefficients(lambda), noise, grad_v, 0.0, gradient.tail(num_lambda() - n_));
    grad_lambda += without_nan(gradient);
  }

  Vector entropy(ConstVec lambda, ConstMat noise, Vec grad_lambda) const override {
    if (grad_lambda.size() > 0) {
      Vector gradient = Vector::Zero(num_lambda());
      base_->entropy(lambda.head(n_), noise, gradient.head(n_));
      warp_->pull_back(coefficients(lambda), noise, Matrix::Zero(size(), noise.cols()),
                       1.0 / static_cast<double>(noise.cols()), gradient.tail(num_lambda() - n_));
      grad_lambda += without_nan(gradient);
    }
    Vector none;
    const double of_base = base_->entropy(lambda.head(n_), noise, none)(0);
    return warp(lambda, noise).log_det.array() + of_base;
  }

  void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const override {
    const Affine map = normal_map(lambda.head(n_), size());
    Matrix grad_v(size(), grad_theta.cols());
    warp_->log_density(coefficients(lambda), map.whiten(theta), value, grad_v);
    // The sum of the logs of the sds, not log_det(): they may be too small to be numbers.
    value.array() -= 0.5 * static_cast<double>(size()) * log_two_pi + lambda.segment(size(), size()).sum();
    if (grad_theta.cols() > 0) unwhiten(map, grad_v);
    accept_finite(grad_v, value, grad_theta);
  }

  Vector mean(ConstVec lambda) const override {
    return base_->mean(lambda.head(n_)) + spread(lambda, warp(lambda, fixed_noise()).v).rowwise().mean();
  }

  Vector standard_deviation(ConstVec lambda) const override {
    // Relative to what the same draws make of the base alone, which is known.
    const Matrix noise = fixed_noise();
    const auto rough = [](const Matrix& x) {
      return Vector((x.colwise() - x.rowwise().mean()).rowwise().norm());
    };
    const Vector ratio =
        rough(spread(lambda, warp(lambda, noise).v)).cwiseQuotient(rough(spread(lambda, noise)));
    return base_->standard_deviation(lambda.head(n_)).cwiseProduct(ratio);
  }

  bool affine() const override { return false; }
  bool dense() const override { return base_->dense(); }

  Vector push_forward(ConstVec lambda, const Affine& map) const override {
    Vector moved(num_lambda());
    moved.head(n_) = base_->push_forward(lambda.head(n_), map);
    // The base keeps its diagonal positive: v changes sign with the map's.
    const Vector diagonal = map.diagonal() ? Vector(map.scale.col(0)) : Vector(map.scale.diagonal());
    const Vector signs = diagonal.unaryExpr([](double x) { return x < 0.0 ? -1.0 : 1.0; });
    moved.tail(num_lambda() - n_) = warp_->reflect(coefficients(lambda), signs);
    return moved;
  }

 private:
  struct Warping {
    Matrix v;
    Vector log_det;
  };

  Warping warp(ConstVec lambda, ConstMat noise) const {
    Warping result{Matrix(size(), noise.cols()), Vector(noise.cols())};
    warp_->forward(coefficients(lambda), noise, result.v, result.log_det);
    return result;
  }

  Eigen::VectorBlock<const Eigen::Ref<const Vector>> coefficients(ConstVec lambda) const {
    return lambda.tail(num_lambda() - n_);
  }

  Matrix spread(ConstVec lambda, const Matrix& v) const {
    return normal_map(lambda.head(n_), size()).stretch(v);
  }

  static void unwhiten(const Affine& map, Matrix& grad) {
    if (map.diagonal()) {
      grad.array().colwise() /= map.scale.col(0).array();
    } else {
      map.scale.triangularView<Eigen::Lower>().transpose().solveInPlace(grad);
    }
  }

  /// Antithetic pairs, of unit variance in every coordinate.
  Matrix fixed_noise() const {
    Matrix half(size(), pairs_for_moments);
    fill_normal(Address{.purpose = Purpose::warp}, half);
    half.array().colwise() /=
        (half.rowwise().squaredNorm() / static_cast<double>(pairs_for_moments)).array().sqrt();
    Matrix noise(size(), 2 * pairs_for_moments);
    noise << half, -half;
    return noise;
  }

  std::string name_;
  std::unique_ptr<Family> base_;
  std::unique_ptr<Warp> warp_;
  Index n_;
};

}  // namespace

std::unique_ptr<Family> flow(Index d) {
  return std::make_unique<Warped>("flow", full_rank(d), sinh_arcsinh_warp(d));
}

std::unique_ptr<Family> coupling(Index d, Index units) {
  return std::make_unique<Warped>("coupling", mean_field(d), coupling_warp(d, units));
}

}  // namespace vfe
