#include "model/nested_integral.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/local_modes.hpp"
#include "model/scale_gradient.hpp"

namespace vfe {
namespace {

const double log_two_pi = std::log(2.0 * std::numbers::pi);

}  // namespace

struct NestedIntegral::Arrow {
  Small outer;  // k1 x k1, the rest of elimination: after eliminate()
  std::vector<Eigen::LLT<Small>> inner;
  std::vector<Small> cross, tilt;  // k1 x k2: B_c, and M_c = B_c D_c^-1
  Eigen::LLT<Small> rest;
  bool definite = true;

  /// Solves for (u, v_c), right sides in `u` and the columns of `v`.
  void solve(SmallVector& u, Matrix& v, Index first) const {
    for (std::size_t c = 0; c < inner.size(); ++c) u -= tilt[c] * v.col(first + static_cast<Index>(c));
    u = rest.solve(u).eval();
    for (std::size_t c = 0; c < inner.size(); ++c) {
      const Index g = first + static_cast<Index>(c);
      const SmallVector right = v.col(g) - cross[c].transpose() * u;
      v.col(g) = inner[c].solve(right);
    }
  }
};

NestedIntegral::NestedIntegral(LocalDensity& density, const GaussHermite& outer, const GaussHermite& inner,
                               const std::vector<Index>& first)
    : density_(density),
      outer_(outer),
      inner_(inner),
      first_(first),
      k1_(outer.nodes.rows()),
      k2_(inner.nodes.rows()),
      k_(k1_ + k2_),
      groups_(first.back()),
      u_(Matrix::Zero(k1_, outers())),
      v_(Matrix::Zero(k2_, groups_)),
      slope_(k_, groups_),
      curvature_(k_ * k_, groups_),
      scale_(k_ * k_, groups_),
      points_(k_, outer.nodes.cols() * inner.nodes.cols()),
      point_slope_(k_, points_.cols()),
      at_point_(points_.cols()) {}

NestedIntegral::Arrow NestedIntegral::arrow(const Matrix& of, Index outer) const {
  Arrow arrow;
  arrow.outer = Small::Identity(k1_, k1_);
  for (Index g = first_[static_cast<std::size_t>(outer)]; g < first_[static_cast<std::size_t>(outer) + 1];
       ++g) {
    const Eigen::Map<const Matrix> all(of.data() + g * k_ * k_, k_, k_);
    arrow.inner.emplace_back(Small(all.bottomRightCorner(k2_, k2_)));
    arrow.definite = arrow.definite && arrow.inner.back().info() == Eigen::Success;
    if (!arrow.definite) return arrow;
    arrow.cross.emplace_back(all.topRightCorner(k1_, k2_));
    arrow.tilt.emplace_back(arrow.inner.back().solve(Small(arrow.cross.back().transpose())).transpose());
    arrow.outer += all.topLeftCorner(k1_, k1_) - arrow.tilt.back() * arrow.cross.back().transpose();
  }
  arrow.rest.compute(arrow.outer);
  arrow.definite = arrow.rest.info() == Eigen::Success;
  return arrow;
}

bool NestedIntegral::find_modes() {
  Matrix z(k_, groups_), steps_u = Matrix::Zero(k1_, outers()), steps_v = Matrix::Zero(k2_, groups_);
  Vector rise = Vector::Zero(outers());
  for (int i = 0; i < newton::most_steps; ++i) {
    for (Index o = 0; o < outers(); ++o) {
      for (Index g = first_[static_cast<std::size_t>(o)]; g < first_[static_cast<std::size_t>(o) + 1]; ++g)
        z.col(g) << u_.col(o), v_.col(g);
    }
    density_.expand(z, slope_, curvature_, scale_);
    double longest = 0.0;
    for (Index o = 0; o < outers(); ++o) {
      const Index begin = first_[static_cast<std::size_t>(o)],
                  size = first_[static_cast<std::size_t>(o) + 1] - begin;
      SmallVector by_u = slope_.block(0, begin, k1_, size).rowwise().sum() - u_.col(o);
      Matrix by_v = slope_.bottomRows(k2_);
      const double along = by_u.dot(steps_u.col(o)) +
                           by_v.middleCols(begin, size).cwiseProduct(steps_v.middleCols(begin, size)).sum();
      auto of_v = steps_v.middleCols(begin, size);
      const auto length = [&] {
        return std::max(steps_u.col(o).lpNorm<Eigen::Infinity>(), of_v.lpNorm<Eigen::Infinity>());
      };
      if (along < -newton::steepest * rise[o]) {
        rise[o] *= 0.5;
        steps_u.col(o) *= 0.5;
        of_v *= 0.5;
        u_.col(o) -= steps_u.col(o);
        v_.middleCols(begin, size) -= of_v;
        longest = std::max(longest, length());
        continue;
      }
      Arrow own = arrow(i < newton::plain_steps ? curvature_ : scale_, o);
      if (!own.definite) own = arrow(scale_, o);
      if (!own.definite) return false;
      const SmallVector slope_u = by_u;
      const Matrix slope_v = by_v.middleCols(begin, size);
      own.solve(by_u, by_v, begin);
      steps_u.col(o) = by_u;
      of_v = by_v.middleCols(begin, size);
      const double found = length();
      if (!std::isfinite(found)) return false;
      const double share = found > newton::longest_step ? newton::longest_step / found : 1.0;
      steps_u.col(o) *= share;
      of_v *= share;
      longest = std::max(longest, share * found);
      if (found <= newton::converged_step) {  // where it stands is where it was expanded
        steps_u.col(o).setZero();
        of_v.setZero();
        rise[o] = 0.0;
        continue;
      }
      rise[o] = slope_u.dot(steps_u.col(o)) + slope_v.cwiseProduct(of_v).sum();
      u_.col(o) += steps_u.col(o);
      v_.middleCols(begin, size) += of_v;
    }
    if (longest <= newton::converged_step) return true;
  }
  return false;
}

bool NestedIntegral::factor() {
  log_det_ = Vector::Zero(outers());
  for (Index o = 0; o < outers(); ++o) {
    Arrow own = arrow(scale_, o);
    if (!own.definite) return false;
    const auto inverse_of = [&](const Eigen::LLT<Small>& factor) {
      log_det_[o] += factor.matrixLLT().diagonal().array().log().sum();
      Small inverse = Small::Identity(factor.rows(), factor.rows());
      factor.matrixU().solveInPlace(inverse);
      return inverse;
    };
    outer_inverse_.push_back(inverse_of(own.rest));
    for (std::size_t c = 0; c < own.inner.size(); ++c) {
      inner_inverse_.push_back(inverse_of(own.inner[c]));
      tilt_.push_back(std::move(own.tilt[c]));
    }
  }
  return true;
}

void NestedIntegral::set_points(Index outer, Index group) {
  const auto g = static_cast<std::size_t>(group);
  const Index nodes = inner_.nodes.cols();
  const Matrix about = inner_inverse_[g] * inner_.nodes;
  for (Index i = 0; i < outer_.nodes.cols(); ++i) {
    const SmallVector moved = outer_inverse_[static_cast<std::size_t>(outer)] * outer_.nodes.col(i);
    auto points = points_.middleCols(i * nodes, nodes);
    points.topRows(k1_).colwise() = SmallVector(u_.col(outer) + moved);
    points.bottomRows(k2_) = about;
    points.bottomRows(k2_).colwise() += SmallVector(v_.col(group) - tilt_[g].transpose() * moved);
  }
}

bool NestedIntegral::sum(Vec value) {
  const Index outer_nodes = outer_.nodes.cols(), nodes = inner_.nodes.cols();
  for (Index o = 0; o < outers(); ++o) {
    Vector log_sum(outer_nodes);
    for (Index i = 0; i < outer_nodes; ++i) {
      const SmallVector u = u_.col(o) + outer_inverse_[static_cast<std::size_t>(o)] * outer_.nodes.col(i);
      log_sum[i] =
          outer_.log_weights[i] - 0.5 * u.squaredNorm() - 0.5 * static_cast<double>(k1_) * log_two_pi;
    }
    double constant = -log_det_[o] + 0.5 * static_cast<double>(k1_) * log_two_pi;
    for (Index g = first_[static_cast<std::size_t>(o)]; g < first_[static_cast<std::size_t>(o) + 1]; ++g) {
      set_points(o, g);
      density_.evaluate(g, points_, at_point_, point_slope_);
      for (Index i = 0; i < outer_nodes; ++i) {
        const auto at = at_point_.segment(i * nodes, nodes).array();
        log_sum[i] += at[0] + std::log((at - at[0] + inner_.log_weights.array()).exp().sum());
      }
      constant += 0.5 * static_cast<double>(k2_) * log_two_pi;
    }
    const Eigen::ArrayXd weight = (log_sum.array() - log_sum[0]).exp();
    share_.emplace_back(weight / weight.sum());
    value[o] = log_sum[0] + std::log(weight.sum()) + constant;
  }
  return value.allFinite();
}

Vector NestedIntegral::shares(Index outer, Index group) {
  const Vector& share = share_[static_cast<std::size_t>(outer)];
  const Index nodes = inner_.nodes.cols();
  set_points(outer, group);
  density_.evaluate(group, points_, at_point_, point_slope_);
  Vector shares(points_.cols());
  for (Index i = 0; i < share.size(); ++i) {
    const auto at = at_point_.segment(i * nodes, nodes).array();
    const Eigen::ArrayXd own = (at - at[0] + inner_.log_weights.array()).exp();
    shares.segment(i * nodes, nodes) = own * (share[i] / own.sum());
  }
  return shares;
}

void NestedIntegral::moments(Mat first, Mat second) {
  for (Index o = 0; o < outers(); ++o) {
    for (Index g = first_[static_cast<std::size_t>(o)]; g < first_[static_cast<std::size_t>(o) + 1]; ++g) {
      const Vector share = shares(o, g);
      const auto v = points_.bottomRows(k2_);
      first.col(g) = v * share;
      second.col(g) = (v * share.asDiagonal() * v.transpose()).reshaped();
    }
  }
}

// As in BlockIntegral, by the derivatives of both factors and of M_c = B_c D_c^-1, S = A - sum M_c B_c'.
void NestedIntegral::add_gradient(Vec grad) {
  const Index outer_nodes = outer_.nodes.cols(), nodes = inner_.nodes.cols();
  Matrix scale_weight = Matrix::Zero(k_ * k_, groups_), by_mode(k_, groups_), by_v(k2_, groups_);
  Matrix by_u = Matrix::Zero(k1_, outers());
  for (Index o = 0; o < outers(); ++o) {
    const Index begin = first_[static_cast<std::size_t>(o)], end = first_[static_cast<std::size_t>(o) + 1];
    const Vector& share = share_[static_cast<std::size_t>(o)];
    const Small& outer_inverse = outer_inverse_[static_cast<std::size_t>(o)];
    Matrix slope_u(k1_, outer_nodes);  // of u at each node, v_c moving along
    for (Index i = 0; i < outer_nodes; ++i) {
      const SmallVector u = u_.col(o) + outer_inverse * outer_.nodes.col(i);
      slope_u.col(i) = -share[i] * u;
      by_u.col(o) -= share[i] * u;
    }
    std::vector<Small> by_tilt;
    for (Index g = begin; g < end; ++g) {
      const auto c = static_cast<std::size_t>(g);
      const Vector weight = shares(o, g);
      density_.add_gradient(g, weight);
      const Matrix weighted = point_slope_ * weight.asDiagonal();
      by_v.col(g) = weighted.bottomRows(k2_).rowwise().sum();
      by_u.col(o) += weighted.topRows(k1_).rowwise().sum();
      Small products = Small::Zero(k2_, k2_);
      by_tilt.emplace_back(Small::Zero(k1_, k2_));
      for (Index i = 0; i < outer_nodes; ++i) {
        const auto of_node = weighted.middleCols(i * nodes, nodes);
        products += inner_.nodes * of_node.bottomRows(k2_).transpose();
        const SmallVector sum_v = of_node.bottomRows(k2_).rowwise().sum();
        const SmallVector moved = outer_inverse * outer_.nodes.col(i);
        by_tilt.back() -= moved * sum_v.transpose();
        slope_u.col(i) += of_node.topRows(k1_).rowwise().sum() - tilt_[c] * sum_v;
      }
      Eigen::Map<Matrix>(scale_weight.data() + g * k_ * k_, k_, k_).bottomRightCorner(k2_, k2_) =
          scale_gradient<Small>(products, inner_inverse_[c]);
    }
    const Small of_outer = scale_gradient<Small>(outer_.nodes * slope_u.transpose(), outer_inverse);
    for (Index g = begin; g < end; ++g) {
      const auto c = static_cast<std::size_t>(g);
      const Small& tilt = tilt_[c];
      const Small precision = inner_inverse_[c] * inner_inverse_[c].transpose();  // D_c^-1
      const Small through_tilt = by_tilt[static_cast<std::size_t>(g - begin)] * precision;
      Eigen::Map<Matrix> weight(scale_weight.data() + g * k_ * k_, k_, k_);
      const Small of_cross = -2.0 * of_outer * tilt + through_tilt;
      const Small of_inner = tilt.transpose() * through_tilt;
      weight.topLeftCorner(k1_, k1_) = of_outer;
      weight.topRightCorner(k1_, k2_) = 0.5 * of_cross;
      weight.bottomLeftCorner(k2_, k1_) = 0.5 * of_cross.transpose();
      weight.bottomRightCorner(k2_, k2_) +=
          tilt.transpose() * of_outer * tilt - 0.5 * (of_inner + of_inner.transpose());
    }
  }
  density_.differentiate_scale(scale_weight, by_mode);
  by_v += by_mode.bottomRows(k2_);
  Matrix direction(k_, groups_);
  for (Index o = 0; o < outers(); ++o) {
    const Index begin = first_[static_cast<std::size_t>(o)],
                size = first_[static_cast<std::size_t>(o) + 1] - begin;
    SmallVector u = by_u.col(o) + by_mode.block(0, begin, k1_, size).rowwise().sum();
    const Arrow own = arrow(curvature_, o);
    own.solve(u, by_v, begin);
    direction.block(0, begin, k1_, size).colwise() = u;
  }
  direction.bottomRows(k2_) = by_v;
  density_.add_expansion_gradient(direction, scale_weight);
  density_.pull_back(grad);
}

bool NestedIntegral::compute(Vec value, Vec grad) {
  if (!find_modes() || !factor() || !sum(value)) return false;
  if (grad.size() > 0) add_gradient(grad);
  return true;
}

}  // namespace vfe
