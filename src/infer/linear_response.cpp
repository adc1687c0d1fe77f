#include "vfe/infer/linear_response.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "vfe/family/family.hpp"
#include "vfe/objective/free_energy.hpp"

namespace vfe {
namespace {

constexpr double difference = 1e-3;  // length of the steps of the differences, preconditioned

/// The free energy around a mean-field fit, in coordinates v = P^-1/2 (lambda - fit) in which its Hessian is
/// about I.
class Neighbourhood {
 public:
  Neighbourhood(const Target& target, ConstVec lambda, const LinearResponseOptions& options)
      : family_(mean_field(target.size())),
        objective_(target, *family_, {Vector::Zero(target.size()), Matrix::Ones(target.size(), 1)},
                   Gradient::closed_entropy),
        noise_(whitened_noise(target.size(), options.draws, options.seed)),
        lambda_(lambda),
        root_(lambda.size()) {
    // Diagonal blocks at the optimum of a normal: 1 / sd^2 for the means, 2 for the log sds.
    root_ << family_->standard_deviation(lambda), Vector::Constant(target.size(), std::sqrt(0.5));
  }

  Index size() const { return lambda_.size(); }
  double scale(Index i) const { return root_(i); }

  /// The Hessian times v. Not finite where a draw is not.
  Vector product(ConstVec v) const {
    const double step = difference / v.norm();
    return (gradient(step * v) - gradient(-step * v)) / (2.0 * step);
  }

 private:
  Vector gradient(ConstVec v) const {
    const Estimate found = objective_.estimate(lambda_ + root_.cwiseProduct(v), noise_);
    if (!std::isfinite(found.value)) return Vector::Constant(size(), found.value);
    return root_.cwiseProduct(found.grad);
  }

  std::unique_ptr<Family> family_;
  FreeEnergy objective_;
  Matrix noise_;
  Vector lambda_, root_;
};

struct Entry {
  double value = 0.0;  ///< of the inverse, from below
  Index products = 0;
  bool converged = false;
};

/// The i-th diagonal entry of the inverse of a symmetric positive definite matrix by conjugate gradients
/// (Hestenes and Stiefel 1952): they go for the solution x of A x = e_i, whose entry i only grows.
Entry inverse_entry(const Neighbourhood& around, Index i, const LinearResponseOptions& options) {
  Entry entry;
  Vector residual = Vector::Unit(around.size(), i), direction = residual;
  double squared = 1.0;
  while (entry.products < options.max_products) {
    const Vector product = around.product(direction);
    ++entry.products;
    const double curvature = direction.dot(product);
    if (!(curvature > 0.0) || !product.allFinite()) return entry;
    const double length = squared / curvature;
    entry.value += length * squared;
    residual -= length * product;
    const double before = std::exchange(squared, residual.squaredNorm());
    entry.converged = std::sqrt(squared) <= options.tolerance;
    if (entry.converged) return entry;
    direction = residual + squared / before * direction;
  }
  return entry;
}

}  // namespace

LinearResponse linear_response(const Target& target, ConstVec lambda, const std::vector<Index>& coordinates,
                               const LinearResponseOptions& options) {
  const Neighbourhood around(target, lambda, options);
  LinearResponse result{Vector(std::ssize(coordinates)), {}, 0};
  for (const Index j : coordinates) {
    const Entry entry = inverse_entry(around, j, options);
    const double inflation = entry.converged ? entry.value : std::max(1.0, entry.value);
    result.sd(std::ssize(result.converged)) = around.scale(j) * std::sqrt(inflation);
    result.converged.push_back(entry.converged);
    result.gradients += static_cast<std::uint64_t>(2 * entry.products * options.draws);
  }
  return result;
}

}  // namespace vfe
