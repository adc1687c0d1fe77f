#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Minimises a smooth function by L-BFGS with a weak-Wolfe bisection (Lewis and Overton 2013), a step at a
/// time: the caller evaluates where trial() says and tells the result. Several can so advance in lockstep on
/// one batched call. The whole state is one flat vector, pack().
class Lbfgs {
 public:
  /// A minimisation at x with value f and gradient g there. `history` pairs are remembered.
  Lbfgs(ConstVec x, double f, ConstVec g, Index history);
  /// Continues from pack().
  Lbfgs(ConstVec packed, Index n, Index history);
  static Index packed_size(Index n, Index history);
  static Index history_of(Index packed_size, Index n);
  Vector pack() const;

  /// Where to evaluate next.
  Vector trial() const;
  /// The value and gradient there; a value that is not finite is a failed decrease. Returns whether the
  /// trial was accepted (an iteration done).
  bool tell(double f, ConstVec g);

  const Vector& x() const { return x_; }
  double f() const { return f_; }
  const Vector& g() const { return g_; }
  Index iterations() const { return iterations_; }
  double step_length() const { return step_; }
  /// Newton decrement -g' direction of the next step: affine invariant, what to stop on.
  double decrement() const { return -slope_; }
  /// The line search found no acceptable point in 40 trials.
  bool stuck() const { return stuck_; }
  /// The inverse Hessian estimate times v.
  Vector apply_inverse_hessian(ConstVec v) const { return apply_inverse_hessian(v, stored_); }
  /// The whole estimate (n x n, symmetric), and its diagonal alone.
  Matrix inverse_hessian() const;
  Vector inverse_hessian_diagonal() const;

 private:
  Vector apply_inverse_hessian(ConstVec v, Index pairs) const;  ///< with the oldest `pairs` only
  double initial_scale() const;  ///< of the estimate before any pair: s'y / y'y of the newest
  void new_direction();
  void remember(ConstVec s, ConstVec y);

  Index history_ = 0, stored_ = 0, iterations_ = 0, trials_ = 0;
  bool stuck_ = false;
  double f_ = 0.0, slope_ = 0.0, step_ = 1.0, low_ = 0.0, high_ = 0.0;  ///< high < 0: no upper bracket yet
  Vector x_, g_, direction_;
  Matrix s_, y_;  ///< n x history, oldest first
};

}  // namespace vfe
