#pragma once
// Needs what vfe/model/differentiable.hpp says.
#include <memory>
#include <utility>

#include "vfe/model/differentiate.hpp"
#include "vfe/model/local_function.hpp"
#include "vfe/model/positive_scale.hpp"
#include "vfe/model/second_order.hpp"

namespace vfe {

/// Densities of the groups of a block by automatic differentiation: forward and twice in the K latent
/// variables, of that backwards in all of z and x.
template <int K, class Function>
class DifferentiatedLocal final : public LocalDensity {
 public:
  DifferentiatedLocal(const Function& f, Index block, ConstVec x)
      : f_(f), block_(block), x_(x), grad_(Vector::Zero(x.size())) {}

  void evaluate(Index group, ConstMat z, Vec value, Mat slope) override {
    nodes_ = z;
    const VectorOf<Twice<double>> x = x_.template cast<Twice<double>>();
    for (Index n = 0; n < z.cols(); ++n) {
      const Twice<double> at = f_(block_, group, x, variables<double>(z.col(n)));
      value[n] = at.value();
      for (int i = 0; i < K; ++i) slope(i, n) = at.first(i);
    }
  }
  void add_gradient(Index group, ConstVec weight) override {
    const Tape tape;
    const VectorOf<Differentiable> x = x_.template cast<Differentiable>();
    Differentiable sum = 0.0;
    for (Index n = 0; n < nodes_.cols(); ++n) {
      const VectorOf<Differentiable> z = nodes_.col(n).template cast<Differentiable>();
      sum += weight[n] * Differentiable(f_(block_, group, x, z));
    }
    tape.gradient_of(sum);
    add_adjoints(x, grad_);
  }

  void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) override {
    at_ = z;
    curvature_.resize(K * K, z.cols());
    const VectorOf<Twice<double>> x = x_.template cast<Twice<double>>();
    for (Index g = 0; g < z.cols(); ++g) {
      const Twice<double> at = f_(block_, g, x, variables<double>(z.col(g)));
      for (int j = 0; j < K; ++j) {
        slope(j, g) = at.first(j);
        for (int i = 0; i < K; ++i) curvature_(i + j * K, g) = -at.second(i, j);
      }
      scale.col(g) = positive_scale(square(curvature_, g)).reshaped();
    }
    curvature = curvature_;
  }
  void differentiate_scale(ConstMat scale_weight, Mat slope) override {
    slope.setZero();
    const Vector no_direction = Vector::Zero(K);
    for (Index g = 0; g < at_.cols(); ++g) {
      const Tape tape;
      const VectorOf<Differentiable> x = x_.template cast<Differentiable>(), z = inputs(g);
      tape.gradient_of(expansion(g, x, z, no_direction, scale_weight));
      add_adjoints(z, slope.col(g));
    }
  }
  void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) override {
    for (Index g = 0; g < at_.cols(); ++g) {
      const Tape tape;
      const VectorOf<Differentiable> x = x_.template cast<Differentiable>(), z = inputs(g);
      tape.gradient_of(expansion(g, x, z, direction.col(g), scale_weight));
      add_adjoints(x, grad_);
    }
  }
  void pull_back(Vec grad) override { grad += grad_; }

 private:
  template <class Scalar>
  using Twice = SecondOrder<Scalar, K>;

  template <class Scalar>
  static VectorOf<Twice<Scalar>> variables(const VectorOf<Scalar>& z) {
    VectorOf<Twice<Scalar>> variables(K);
    for (int i = 0; i < K; ++i) variables[i] = Twice<Scalar>::variable(z[i], i);
    return variables;
  }
  static Matrix square(ConstMat all, Index group) { return all.col(group).reshaped(K, K); }
  static void add_adjoints(const VectorOf<Differentiable>& of, Vec grad) {
    for (Index i = 0; i < of.size(); ++i) grad[i] += of[i].adjoint();
  }

  VectorOf<Differentiable> inputs(Index group) const {
    return at_.col(group).template cast<Differentiable>();
  }
  /// direction . slope + weight : scale of a group, as it moves with x and z.
  Differentiable expansion(Index group, const VectorOf<Differentiable>& x, const VectorOf<Differentiable>& z,
                           ConstVec direction, ConstMat scale_weight) const {
    const Matrix weight = pull_back_positive_scale(square(curvature_, group), square(scale_weight, group));
    const Twice<Differentiable> at =
        f_(block_, group, x.template cast<Twice<Differentiable>>().eval(), variables<Differentiable>(z));
    Differentiable sum = 0.0;
    for (int j = 0; j < K; ++j) {
      sum += direction[j] * at.first(j);
      for (int i = 0; i < K; ++i) sum -= weight(i, j) * at.second(i, j);
    }
    return sum;
  }

  const Function& f_;
  Index block_;
  Vector x_, grad_;
  Matrix nodes_;           ///< where evaluate() was last
  Matrix at_, curvature_;  ///< where expand() was
};

/// The density of groups with K latent variables from f(block, group, x, z) = log p(y_g, z_g | x) [nats], the
/// density of z_g itself included, generic in the scalar, which x and z share:
///
///     differentiate_local<1>([&](Index block, Index group, const auto& x, const auto& z) {
///       using std::exp;
///       return -0.5 * z[0] * z[0] + counts[block][group] * x[0] * z[0] - exp(x[0] * z[0]);
///     });
///
/// For densities that are concave in z, with z in units of about its own sd: the rule is spread around one
/// mode, which is found from 0, and where there are more of them, the one that is found changes with x, and
/// the integral jumps. Where the curvature is not positive on the way, positive_scale() stands for it; where
/// no mode is found, the value is NaN. f is called as differentiate() says.
template <int K, class Function>
LocalFunction differentiate_local(Function f) {
  return {K, [f = std::move(f)](Index block, ConstVec x) -> std::unique_ptr<LocalDensity> {
            return std::make_unique<DifferentiatedLocal<K, Function>>(f, block, x);
          }};
}

}  // namespace vfe
