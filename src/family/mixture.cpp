#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "family/gaussian.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

/// Share of the variance of the start that lies between the components.
constexpr double between = 0.5;
/// Of a normal that a fit starts at: a component of less would hardly move.
constexpr double least_weight = 0.05;

/// log sum exp of a row; -infinity where all are, or any is NaN.
double log_sum(const Eigen::Ref<const Eigen::RowVectorXd>& terms) {
  if (terms.array().isNaN().any()) return -infinity;
  const double largest = terms.maxCoeff();
  if (!std::isfinite(largest)) return -infinity;
  double sum = 0.0;
  for (const double x : terms) sum += std::exp(x - largest);
  return largest + std::log(sum);
}

class Mixture final : public Family {
 public:
  Mixture(std::shared_ptr<const Family> part, Index components)
      : part_(std::move(part)), components_(components), n_(part_->num_lambda()) {}

  std::string name() const override { return "mixture"; }
  Index size() const override { return part_->size(); }
  Index num_lambda() const override { return components_ * (1 + n_); }
  Index num_noise() const override { return size() + 1; }
  Index num_components() const override { return components_; }

  /// The means stand at orthogonal contrasts of mean 0 (cosines), one in each of the first coordinates; the
  /// components are narrower there by what lies between them.
  Vector init(ConstVec mean, double scale) const override {
    const Index spread = std::min(size(), components_ - 1);
    Vector sd = Vector::Constant(size(), scale);
    sd.head(spread) *= std::sqrt(1.0 - between);
    const double reach = scale * std::sqrt(2.0 * between);
    Vector lambda = Vector::Zero(num_lambda());
    for (Index k = 0; k < components_; ++k) {
      Vector centre = mean;
      const double at = std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(components_);
      for (Index i = 0; i < spread; ++i) centre(i) += reach * std::cos(static_cast<double>(i + 1) * at);
      own_in(lambda, k) = part_->push_forward(part_->init(Vector::Zero(size()), 1.0), Affine{centre, sd});
    }
    return lambda;
  }

  /// The more components of a normal, the less it needs another; those of one share its weight and start as
  /// in init(), within it. Normals without a component are left out.
  Vector init_at(const std::vector<Affine>& normals, ConstVec weights) const override {
    std::vector<Index> share(normals.size(), 0);
    for (Index k = 0; k < components_; ++k) {
      std::size_t neediest = 0;
      const auto need = [&](std::size_t j) {
        // One for each first, heaviest first.
        const double weight = weights(static_cast<Index>(j));
        return share[j] == 0 ? 1.0 + weight / weights.sum() : weight / weights.sum() / (1.0 + share[j]);
      };
      for (std::size_t j = 1; j < normals.size(); ++j) {
        if (need(j) > need(neediest)) neediest = j;
      }
      ++share[neediest];
    }
    Vector lambda(num_lambda());
    Index first = 0;
    for (std::size_t j = 0; j < normals.size(); ++j) {
      if (share[j] == 0) continue;
      const Mixture within(part_, share[j]);
      const Vector own_start = within.push_forward(within.init(Vector::Zero(size()), 1.0), normals[j]);
      const double weight = std::max(weights(static_cast<Index>(j)) / weights.sum(), least_weight);
      for (Index k = 0; k < share[j]; ++k, ++first) {
        lambda(first) = std::log(weight / static_cast<double>(share[j]));
        own_in(lambda, first) = within.own(own_start, k);
      }
    }
    return lambda;
  }

  Vector weights(ConstVec lambda) const override { return log_weights(lambda).array().exp(); }

  void pull_back_weights(ConstVec lambda, ConstVec grad_weights, Vec grad_lambda) const override {
    const Vector weight = weights(lambda);
    grad_lambda.head(components_).array() +=
        weight.array() * (grad_weights.array() - weight.dot(grad_weights));
  }

  void transform_component(Index k, ConstVec lambda, ConstMat noise, Mat theta) const override {
    part_->transform(own(lambda, k), noise.topRows(size()), theta);
  }

  void pull_back_component(Index k, ConstVec lambda, ConstMat noise, ConstMat grad_theta,
                           Vec grad_lambda) const override {
    part_->pull_back(own(lambda, k), noise.topRows(size()), grad_theta, own_in(grad_lambda, k));
  }

  void transform(ConstVec lambda, ConstMat noise, Mat theta) const override {
    const auto chosen = choose(lambda, noise);
    for (Index k = 0; k < components_; ++k) {
      const std::vector<Index>& columns = chosen[static_cast<std::size_t>(k)];
      if (columns.empty()) continue;
      Matrix drawn(size(), std::ssize(columns));
      transform_component(k, lambda, noise(Eigen::all, columns), drawn);
      theta(Eigen::all, columns) = drawn;
    }
  }

  void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const override {
    const auto chosen = choose(lambda, noise);
    for (Index k = 0; k < components_; ++k) {
      const std::vector<Index>& columns = chosen[static_cast<std::size_t>(k)];
      if (columns.empty()) continue;
      pull_back_component(k, lambda, noise(Eigen::all, columns), grad_theta(Eigen::all, columns),
                          grad_lambda);
    }
  }

  /// By draws of every component, with the whole derivative: through the draws and of log q at them.
  Vector entropy(ConstVec lambda, ConstMat noise, Vec grad_lambda) const override {
    const Index count = noise.cols();
    const Vector weight = weights(lambda);
    Vector terms = Vector::Zero(count);
    Matrix mean_log_q = Matrix::Zero(components_, 1);
    Vector gradient = Vector::Zero(grad_lambda.size());
    for (Index k = 0; k < components_; ++k) {
      Matrix theta(size(), count);
      transform_component(k, lambda, noise, theta);
      const Parts parts = densities(lambda, theta, grad_lambda.size() > 0);
      if (!parts.value.allFinite()) return Vector::Constant(1, -infinity);
      terms -= weight(k) * parts.value;
      if (grad_lambda.size() == 0) continue;
      mean_log_q(k) = parts.value.mean();
      const double share = weight(k) / static_cast<double>(count);
      const Matrix path = parts.gradient() * -share;
      pull_back_component(k, lambda, noise, path, gradient);
      for (Index j = 0; j < components_; ++j) add_score(j, lambda, theta, parts, -share, gradient);
    }
    if (grad_lambda.size() > 0) {
      pull_back_weights(lambda, -mean_log_q.col(0), gradient);
      if (!gradient.allFinite()) return Vector::Constant(1, -infinity);
      grad_lambda += gradient;
    }
    return terms;
  }

  void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const override {
    const Parts parts = densities(lambda, theta, grad_theta.cols() > 0);
    value = parts.value;
    accept_finite(grad_theta.cols() > 0 ? parts.gradient() : Matrix(size(), 0), value, grad_theta);
  }

  Vector mean(ConstVec lambda) const override {
    const Vector weight = weights(lambda);
    Vector sum = Vector::Zero(size());
    for (Index k = 0; k < components_; ++k) sum += weight(k) * part_->mean(own(lambda, k));
    return sum;
  }

  Vector standard_deviation(ConstVec lambda) const override {
    const Vector weight = weights(lambda), centre = mean(lambda);
    Vector sum = Vector::Zero(size());
    for (Index k = 0; k < components_; ++k) {
      sum += weight(k) * ((part_->mean(own(lambda, k)) - centre).cwiseAbs2() +
                          part_->standard_deviation(own(lambda, k)).cwiseAbs2());
    }
    return sum.cwiseSqrt();
  }

  Index location(Index i) const override {
    return i < components_ ? -1 : part_->location((i - components_) % n_);
  }
  bool dense() const override { return part_->dense(); }

  Vector push_forward(ConstVec lambda, const Affine& map) const override {
    Vector moved = lambda;
    for (Index k = 0; k < components_; ++k) own_in(moved, k) = part_->push_forward(own(lambda, k), map);
    return moved;
  }

 private:
  /// Densities at S points: log q, shares of the components in it, gradients of the components' own logs.
  struct Parts {
    Vector value;
    Matrix share;                      ///< S x K
    std::vector<Matrix> own_gradient;  ///< of each component, d x S; empty without gradients

    Matrix gradient() const {
      Matrix sum = Matrix::Zero(own_gradient[0].rows(), own_gradient[0].cols());
      for (std::size_t k = 0; k < own_gradient.size(); ++k) sum += shared(static_cast<Index>(k));
      return sum;
    }
    /// The part of component k in the gradient, 0 where it has no share (and may have overflowed).
    Matrix shared(Index k) const {
      Matrix part = own_gradient[static_cast<std::size_t>(k)];
      for (Index s = 0; s < part.cols(); ++s) {
        if (share(s, k) == 0.0) part.col(s).setZero();
        part.col(s) *= share(s, k);
      }
      return part;
    }
  };

  /// Component k's part of lambda, and of a vector to be written.
  Eigen::Ref<const Vector> own(ConstVec lambda, Index k) const {
    return lambda.segment(components_ + k * n_, n_);
  }
  Vec own_in(Vec lambda, Index k) const { return lambda.segment(components_ + k * n_, n_); }

  Vector log_weights(ConstVec lambda) const {
    const auto logits = lambda.head(components_);
    return logits.array() - log_sum(logits.transpose());
  }

  /// Which columns go to which component: by the last coordinate's cumulative probability.
  std::vector<std::vector<Index>> choose(ConstVec lambda, ConstMat noise) const {
    const Vector weight = weights(lambda);
    std::vector<std::vector<Index>> columns(static_cast<std::size_t>(components_));
    for (Index s = 0; s < noise.cols(); ++s) {
      double left = 0.5 * std::erfc(-noise(size(), s) / std::numbers::sqrt2) - weight(0);
      Index k = 0;
      while (k + 1 < components_ && left >= 0.0) left -= weight(++k);
      columns[static_cast<std::size_t>(k)].push_back(s);
    }
    return columns;
  }

  Parts densities(ConstVec lambda, ConstMat theta, bool with_gradients) const {
    const Vector log_weight = log_weights(lambda);
    Parts parts{Vector(theta.cols()), Matrix(theta.cols(), components_), {}};
    for (Index k = 0; k < components_; ++k) {
      Matrix gradient = Matrix::Zero(size(), with_gradients ? theta.cols() : 0);
      Vector value(theta.cols());
      part_->log_density(own(lambda, k), theta, value, gradient);
      parts.share.col(k) = value.array() + log_weight(k);
      if (with_gradients) parts.own_gradient.push_back(std::move(gradient));
    }
    for (Index s = 0; s < theta.cols(); ++s) {
      parts.value(s) = log_sum(parts.share.row(s));
      for (double& x : parts.share.row(s))
        x = std::isfinite(parts.value(s)) ? std::exp(x - parts.value(s)) : 0.0;
    }
    return parts;
  }

  /// Adds `factor` times the gradient in component j's parameters and weight of the sum of log q at fixed
  /// points. Where T(z; lambda) = theta is held, z moves: d log q_j / dlambda is minus the pull-back of its
  /// gradient in theta, and minus that of the entropy.
  void add_score(Index j, ConstVec lambda, const Matrix& theta, const Parts& parts, double factor,
                 Vector& gradient) const {
    Matrix noise = normal_map(own(lambda, j), size()).whiten(theta);
    for (Index s = 0; s < noise.cols(); ++s) {
      if (parts.share(s, j) == 0.0) noise.col(s).setZero();
    }
    const double share = factor * parts.share.col(j).sum();
    const Matrix weighted = -factor * parts.shared(j);
    part_->pull_back(own(lambda, j), noise, weighted, own_in(gradient, j));
    Vector of_entropy = Vector::Zero(n_);
    part_->entropy(own(lambda, j), noise, of_entropy);
    own_in(gradient, j) -= share * of_entropy;
    gradient(j) += share - factor * static_cast<double>(theta.cols()) * weights(lambda)(j);
  }

  std::shared_ptr<const Family> part_;
  Index components_, n_;
};

}  // namespace

std::unique_ptr<Family> mixture(Index d, Index components, const std::string& component) {
  if (component == "full_rank") return std::make_unique<Mixture>(full_rank(d), components);
  if (component == "mean_field") return std::make_unique<Mixture>(mean_field(d), components);
  throw Error(Fault::config,
              fmt::format("[family] component: found \"{}\", expected full_rank or mean_field", component));
}

}  // namespace vfe
