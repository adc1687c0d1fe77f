#include "vfe/model/integrated.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "model/local_modes.hpp"
#include "model/nested_integral.hpp"
#include "model/scale_gradient.hpp"
#include "model/with_size.hpp"

namespace vfe {
namespace {

const double log_two_pi = std::log(2.0 * std::numbers::pi);

template <int K>
using Square = Eigen::Matrix<double, K, K>;
template <int K>
using Latents = Eigen::Matrix<double, K, 1>;

template <int K>
Eigen::Map<const Square<K>> square(const Matrix& all, Index k, Index group) {
  return {all.data() + group * k * k, k, k};
}

/// Sets Newton's step of a group; false where there is none. Where the density is not concave, `scale` takes
/// the curvature's place: always, once Newton's own steps have had their time.
template <int K>
bool newton_step(const LocalModes& at, Index k, Index group, bool plain, Latents<K>& step) {
  const Eigen::LLT<Square<K>> own(square<K>(plain ? at.curvature : at.scale, k, group));
  if (own.info() == Eigen::Success) {
    step = own.solve(at.slope.col(group));
  } else {
    const Eigen::LLT<Square<K>> other(square<K>(at.scale, k, group));
    if (other.info() != Eigen::Success) return false;
    step = other.solve(at.slope.col(group));
  }
  const double length = step.template lpNorm<Eigen::Infinity>();
  if (!std::isfinite(length)) return false;
  if (length > newton::longest_step) step *= newton::longest_step / length;
  return true;
}

/// Newton's method for all groups of a block side by side.
template <int K>
void find_modes(LocalDensity& density, LocalModes& modes) {
  const Index k = modes.mode.rows(), groups = modes.mode.cols();
  Matrix steps = Matrix::Zero(k, groups);  // that led to where the groups stand
  Vector rise = Vector::Zero(groups);      // slope along these where they began
  Latents<K> step(k);
  for (int i = 0; i < newton::most_steps; ++i) {
    density.expand(modes.mode, modes.slope, modes.curvature, modes.scale);
    double longest = 0.0;
    for (Index g = 0; g < groups; ++g) {
      if (modes.slope.col(g).dot(steps.col(g)) < -newton::steepest * rise[g]) {
        rise[g] *= 0.5;
        steps.col(g) *= 0.5;
        modes.mode.col(g) -= steps.col(g);
        longest = std::max(longest, steps.col(g).template lpNorm<Eigen::Infinity>());
        continue;
      }
      if (!newton_step<K>(modes, k, g, i < newton::plain_steps, step)) return;
      const double length = step.template lpNorm<Eigen::Infinity>();
      longest = std::max(longest, length);
      if (length <= newton::converged_step) {  // where it stands is where it was expanded
        steps.col(g).setZero();
        rise[g] = 0.0;
        continue;
      }
      steps.col(g) = step;
      rise[g] = modes.slope.col(g).dot(step);
      modes.mode.col(g) += step;
    }
    if (longest <= newton::converged_step) {
      modes.found = true;
      return;
    }
  }
}

/// The rule over a block at one theta. With W = C C' the scale of a group at its mode m, z = m + C'^-1 x at
/// node x, and log integral = log sum over nodes of exp(log weight + log density at z) - log det C + const.
template <int K>
class BlockIntegral {
 public:
  BlockIntegral(LocalDensity& density, const GaussHermite& rule, Index k, Index groups)
      : density_(density),
        rule_(rule),
        k_(k),
        groups_(groups),
        modes_(find_local_modes(density, k, groups)) {}

  /// Sets the log integral of each group, and adds their gradient by theta unless it is empty; false where
  /// they cannot be computed.
  bool compute(Vec value, Vec grad) {
    const bool wants_gradient = grad.size() > 0;
    if (!modes_.found || !factor()) return false;
    // By expand() at the mode, before evaluate() is anywhere else.
    if (!sum_over_nodes(wants_gradient)) return false;
    for (Index g = 0; g < groups_; ++g) {
      value[g] =
          reference_[g] + std::log(sums_[g]) - log_det_[g] + 0.5 * static_cast<double>(k_) * log_two_pi;
    }
    if (!value.allFinite()) return false;
    if (wants_gradient) add_gradient(grad);
    return true;
  }

 private:
  // Columns of inverse_ are C'^-1.
  bool factor() {
    inverse_.resize(k_ * k_, groups_);
    log_det_.resize(groups_);
    for (Index g = 0; g < groups_; ++g) {
      const Eigen::LLT<Square<K>> factor(square<K>(modes_.scale, k_, g));
      if (factor.info() != Eigen::Success) return false;
      log_det_[g] = factor.matrixLLT().diagonal().array().log().sum();
      Eigen::Map<Square<K>> inverse(inverse_.data() + g * k_ * k_, k_, k_);
      inverse.setIdentity();
      factor.matrixU().solveInPlace(inverse);
    }
    return true;
  }

  // Adds the gradient at nodes that stand still.
  bool sum_over_nodes(bool wants_gradient) {
    const Index nodes = rule_.nodes.cols();
    sums_.resize(groups_);
    reference_.resize(groups_);
    if (wants_gradient) {
      slope_sum_.resize(k_, groups_);
      product_sum_.resize(k_ * k_, groups_);
    }
    Eigen::Matrix<double, K, Eigen::Dynamic> z(k_, nodes), weighted(k_, nodes);
    Matrix slope(k_, nodes);
    Vector at_node(nodes), weight(nodes);
    for (Index g = 0; g < groups_; ++g) {
      z = square<K>(inverse_, k_, g) * rule_.nodes;
      z.colwise() += Latents<K>(modes_.mode.col(g));
      density_.evaluate(g, z, at_node, slope);
      reference_[g] = at_node[0];  // at the mode itself, where their number is odd
      weight = (at_node.array() - reference_[g] + rule_.log_weights.array()).exp();
      sums_[g] = weight.sum();
      if (!wants_gradient) continue;
      weight /= sums_[g];
      density_.add_gradient(g, weight);
      weighted = slope * weight.asDiagonal();
      slope_sum_.col(g) = weighted.rowwise().sum();
      Eigen::Map<Square<K>>(product_sum_.data() + g * k_ * k_, k_, k_).noalias() =
          rule_.nodes * weighted.transpose();
    }
    return sums_.allFinite() && reference_.allFinite();
  }

  // Adds the rest: nodes move with the mode and with C, which moves with the mode and theta.
  void add_gradient(Vec grad) {
    Matrix scale_weight(k_ * k_, groups_), by_mode(k_, groups_), direction(k_, groups_);
    for (Index g = 0; g < groups_; ++g) {
      Eigen::Map<Square<K>>(scale_weight.data() + g * k_ * k_, k_, k_) =
          scale_gradient<Square<K>>(square<K>(product_sum_, k_, g), square<K>(inverse_, k_, g));
    }
    density_.differentiate_scale(scale_weight, by_mode);
    for (Index g = 0; g < groups_; ++g) {
      const Latents<K> moved = slope_sum_.col(g) + by_mode.col(g);
      direction.col(g) = square<K>(modes_.curvature, k_, g).partialPivLu().solve(moved);
    }
    density_.add_expansion_gradient(direction, scale_weight);
    density_.pull_back(grad);
  }

  LocalDensity& density_;
  const GaussHermite& rule_;
  Index k_, groups_;
  LocalModes modes_;
  Matrix inverse_, slope_sum_, product_sum_;
  Vector sums_, reference_, log_det_;
};

}  // namespace

LocalModes find_local_modes(LocalDensity& density, Index latents, Index groups) {
  LocalModes modes{Matrix::Zero(latents, groups), Matrix(latents, groups), Matrix(latents * latents, groups),
                   Matrix(latents * latents, groups)};
  with_size(latents, [&](auto size) { find_modes<size>(density, modes); });
  return modes;
}

Integrated::Integrated(std::shared_ptr<const LocalModel> local, Index nodes) : local_(std::move(local)) {
  set_nodes(nodes);
}

void Integrated::set_nodes(Index nodes) {
  nodes_ = nodes;
  const Index outer = local_->num_outer_latents();
  rule_ = gauss_hermite(nodes, local_->num_latents() - outer);
  outer_rule_ = gauss_hermite(nodes, outer);
}

Index Integrated::units(Index block) const {
  return local_->num_outer_latents() > 0 ? std::ssize(local_->outer_groups(block)) - 1
                                         : local_->groups(block);
}

bool Integrated::integrate(Index block, ConstVec theta, Vec value, Vec grad) const {
  const std::unique_ptr<LocalDensity> density = local_->at(block, theta);
  if (local_->num_outer_latents() > 0) {
    const std::vector<Index> first = local_->outer_groups(block);
    return NestedIntegral(*density, outer_rule_, rule_, first).compute(value, grad);
  }
  const Index k = local_->num_latents(), groups = local_->groups(block);
  return with_size(
      k, [&](auto size) { return BlockIntegral<size>(*density, rule_, k, groups).compute(value, grad); });
}

void Integrated::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  Vector of_units(units(block)), no_gradient;
  for (Index s = 0; s < theta.cols(); ++s) {
    Vec slope = grad.cols() > 0 ? Vec(grad.col(s)) : Vec(no_gradient);
    const bool is_computed = integrate(block, theta.col(s), of_units, slope);
    value[s] += is_computed ? of_units.sum() : std::numeric_limits<double>::quiet_NaN();
  }
}

void Integrated::log_likelihood_groups(Index block, ConstVec theta, Vec value) const {
  Vector no_gradient;
  if (!integrate(block, theta, value, no_gradient))
    value.setConstant(std::numeric_limits<double>::quiet_NaN());
}

std::string Integrated::explain(Index block, ConstVec theta) const {
  Vector of_units(units(block)), no_gradient;
  if (integrate(block, theta, of_units, no_gradient)) return {};
  return fmt::format(
      "the effects of its groups could not be integrated: no mode in {} steps, or a density that is not "
      "finite",
      newton::most_steps);
}

}  // namespace vfe
