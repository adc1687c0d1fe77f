#include "vfe/infer/lbfgs.hpp"

#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

constexpr double sufficient_decrease = 1e-4;   // Armijo
constexpr double sufficient_flattening = 0.9;  // weak Wolfe
constexpr Index trials_for_wolfe = 12;         // from then on any sufficient decrease will do
constexpr Index trials_at_most = 40;
constexpr double least_curvature = 1e-10;  // cosine between s and y of a pair worth remembering
constexpr Index num_scalars = 9;           // of the packed form

}  // namespace

Lbfgs::Lbfgs(ConstVec x, double f, ConstVec g, Index history)
    : history_(history), f_(f), x_(x), g_(g), s_(Matrix::Zero(x.size(), history)), y_(s_) {
  new_direction();
}

Index Lbfgs::packed_size(Index n, Index history) {
  return num_scalars + 3 * n + 2 * n * history;
}

Index Lbfgs::history_of(Index packed_size, Index n) {
  return (packed_size - num_scalars - 3 * n) / (2 * n);
}

Lbfgs::Lbfgs(ConstVec packed, Index n, Index history)
    : history_(history),
      stored_(static_cast<Index>(packed(0))),
      iterations_(static_cast<Index>(packed(1))),
      trials_(static_cast<Index>(packed(2))),
      stuck_(packed(3) != 0.0),
      f_(packed(4)),
      slope_(packed(5)),
      step_(packed(6)),
      low_(packed(7)),
      high_(packed(8)),
      x_(packed.segment(num_scalars, n)),
      g_(packed.segment(num_scalars + n, n)),
      direction_(packed.segment(num_scalars + 2 * n, n)),
      s_(packed.segment(num_scalars + 3 * n, n * history).reshaped(n, history)),
      y_(packed.tail(n * history).reshaped(n, history)) {}

Vector Lbfgs::pack() const {
  Vector packed(packed_size(x_.size(), history_));
  packed << static_cast<double>(stored_), static_cast<double>(iterations_), static_cast<double>(trials_),
      stuck_ ? 1.0 : 0.0, f_, slope_, step_, low_, high_, x_, g_, direction_, s_.reshaped(), y_.reshaped();
  return packed;
}

Vector Lbfgs::trial() const {
  return x_ + step_ * direction_;
}

bool Lbfgs::tell(double f, ConstVec g) {
  ++trials_;
  const bool decreased = std::isfinite(f) && f <= f_ + sufficient_decrease * step_ * slope_;
  if (!decreased) {
    high_ = step_;
  } else if (g.dot(direction_) < sufficient_flattening * slope_ && trials_ < trials_for_wolfe) {
    low_ = step_;
  } else {
    const Vector s = step_ * direction_;
    remember(s, g - g_);
    x_ += s;
    f_ = f;
    g_ = g;
    ++iterations_;
    new_direction();
    return true;
  }
  if (trials_ >= trials_at_most) stuck_ = true;
  step_ = high_ < 0.0 ? 2.0 * step_ : 0.5 * (low_ + high_);
  return false;
}

void Lbfgs::remember(ConstVec s, ConstVec y) {
  // Without this much positive curvature the pair would make the estimate indefinite, or blow it up.
  if (!(s.dot(y) > least_curvature * s.norm() * y.norm())) return;
  if (stored_ == history_) {
    for (Index j = 0; j + 1 < history_; ++j) {
      s_.col(j) = s_.col(j + 1);
      y_.col(j) = y_.col(j + 1);
    }
    --stored_;
  }
  s_.col(stored_) = s;
  y_.col(stored_) = y;
  ++stored_;
}

double Lbfgs::initial_scale() const {
  if (stored_ == 0) return 1.0;
  const auto y = y_.col(stored_ - 1);
  return s_.col(stored_ - 1).dot(y) / y.squaredNorm();
}

Vector Lbfgs::apply_inverse_hessian(ConstVec v, Index pairs) const {
  Vector q = v, weight(pairs);
  for (Index j = pairs - 1; j >= 0; --j) {
    weight(j) = s_.col(j).dot(q) / s_.col(j).dot(y_.col(j));
    q -= weight(j) * y_.col(j);
  }
  q *= initial_scale();
  for (Index j = 0; j < pairs; ++j) {
    q += s_.col(j) * (weight(j) - y_.col(j).dot(q) / s_.col(j).dot(y_.col(j)));
  }
  return q;
}

Matrix Lbfgs::inverse_hessian() const {
  const Index n = x_.size();
  Matrix h(n, n);
  for (Index i = 0; i < n; ++i) h.col(i) = apply_inverse_hessian(Vector::Unit(n, i));
  return 0.5 * (h + h.transpose());
}

Vector Lbfgs::inverse_hessian_diagonal() const {
  // Each pair takes H to (I - r s y') H (I - r y s') + r s s', r = 1 / s'y.
  Vector diagonal = Vector::Constant(x_.size(), initial_scale());
  for (Index j = 0; j < stored_; ++j) {
    const auto s = s_.col(j).array();
    const double r = 1.0 / s_.col(j).dot(y_.col(j));
    const Vector hy = apply_inverse_hessian(y_.col(j), j);
    diagonal.array() += r * s * (s * (1.0 + r * y_.col(j).dot(hy)) - 2.0 * hy.array());
  }
  return diagonal;
}

void Lbfgs::new_direction() {
  direction_ = -apply_inverse_hessian(g_);
  slope_ = g_.dot(direction_);
  if (!(slope_ < 0.0)) {  // rounding has spoiled the estimate: start it afresh
    stored_ = 0;
    direction_ = -g_;
    slope_ = g_.dot(direction_);
  }
  const double length = g_.norm();
  step_ = stored_ > 0 || length <= 1.0 ? 1.0 : 1.0 / length;
  low_ = 0.0;
  high_ = -1.0;
  trials_ = 0;
}

}  // namespace vfe
