#pragma once
// Needs what vfe/model/differentiable.hpp says.
#include <concepts>
#include <mutex>
#include <utility>

#include "vfe/model/differentiable.hpp"
#include "vfe/model/function.hpp"

namespace vfe {

/// The one tape of the process, Sacado's: locked for as long as this lives, and empty at its beginning.
class Tape {
 public:
  Tape() : lock_(mutex()) { Sacado::Rad::ADcontext<double>::Gradcomp(0); }
  /// Sets the adjoints of everything that `result` was computed from.
  void gradient_of(const Differentiable& result) const {
    Sacado::Rad::ADvar<double> last(*result.node_);
    Sacado::Rad::ADvar<double>::Outvar_Gradcomp(last);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex only;
    return only;
  }
  std::scoped_lock<std::mutex> lock_;
};

/// What a function is differentiated in.
template <class Scalar>
using VectorOf = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// What can be differentiated: f(x), and f(block, x).
template <class Function>
concept DensityFunction = std::invocable<Function, VectorOf<Differentiable>>;
template <class Function>
concept BlockDensityFunction = std::invocable<Function, Index, VectorOf<Differentiable>>;

/// Value of f at x, and its gradient added to grad (unless empty) by automatic differentiation in reverse
/// mode. The tape is made anew in each call, so that f may branch on x.
template <class Function>
double evaluate_with_gradient(const Function& f, ConstVec x, Vec grad) {
  if (grad.size() == 0) return f(VectorOf<double>(x));
  const Tape tape;
  const VectorOf<Differentiable> inputs = x.cast<Differentiable>();
  const Differentiable result = f(inputs);
  tape.gradient_of(result);
  for (Index i = 0; i < x.size(); ++i) grad[i] += inputs[i].adjoint();
  return result.value();
}

/// A log density with its gradient from a function generic in the scalar:
///
///     make_model({{"x"}}, differentiate([](const auto& x) {
///       using std::exp;
///       return -exp(x[0]);
///     }));
///
/// f is called with a VectorOf<double> or, for the gradient, a VectorOf<Differentiable>, and must not keep
/// Differentiable numbers from call to call. A gradient costs six to eight times what a good one by hand does
/// where f is loops of functions, thirty to a hundred times where it is products with matrices of 50 to 500
/// columns (bench_differentiate). Threads take turns: use ranks.
template <DensityFunction Function>
LogDensity differentiate(Function f) {
  return [f = std::move(f)](ConstVec x, Vec grad) { return evaluate_with_gradient(f, x, grad); };
}

/// The same of the likelihood of a block, f(block, x).
template <BlockDensityFunction Function>
BlockLogDensity differentiate(Function f) {
  return [f = std::move(f)](Index block, ConstVec x, Vec grad) {
    return evaluate_with_gradient([&](const auto& at) { return f(block, at); }, x, grad);
  };
}

}  // namespace vfe
