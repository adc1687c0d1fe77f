#include "model/mixed_density.hpp"

#include <cmath>
#include <numbers>

#include "model/group_density.hpp"
#include "model/row_expansion.hpp"

namespace vfe {
namespace {

const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

double* data_of(Vector& of) {
  return of.size() > 0 ? of.data() : nullptr;
}

/// A k x k matrix of a group.
template <int K, class All>
auto square_of(All& all, Index k, Index group) {
  using Square = Eigen::Matrix<double, K, K>;
  using Mapped =
      std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(all.data())>>, const Square, Square>;
  return Eigen::Map<Mapped>(all.data() + group * all.outerStride(), k, k);
}

}  // namespace

template <int K>
MixedDensity<K>::MixedDensity(const Mixed::Impl& model, const GroupedRows& block, ConstVec theta)
    : model_(model),
      block_(block),
      theta_(theta),
      size_(model.num_latents()),
      outer_(model.num_outer()),
      groups_(block.groups()),
      factor_(model.factor(theta)),
      constants_(draw_constants(model.options, model.fixed_layout, theta)),
      predictor_(model.predictor(block, theta)),
      expanded_sums_(size_, groups_),
      eta_(predictor_),
      expanded_slope_(block.padded),
      curvature_(block.padded),
      spread_(block.padded),
      spread_slope_(block.padded),
      residual_(Vector::Zero(block.padded)),
      by_factor_(Square::Zero(size_, size_)) {
  for (std::size_t k = 0; k < 2; ++k) {
    if (model.fixed_layout.scales[k] < 0) continue;
    slope_by_scale_[k].resize(block.padded);
    spread_by_scale_[k].resize(block.padded);
  }
}

template <int K>
auto MixedDensity<K>::sum_rows(Index group, const Vector& of) const -> Effects {
  const auto [begin, end] = block_.rows_of(group);
  Effects sum = Effects::Zero(size_);
  for (Index i = begin; i < end; ++i) sum += numbers(i).transpose() * of[i];
  return sum;
}

template <int K>
auto MixedDensity<K>::sum_squares(Index group, const Vector& of) const -> Square {
  const auto [begin, end] = block_.rows_of(group);
  Square sum = Square::Zero(size_, size_);
  for (Index i = begin; i < end; ++i) sum += (of[i] * numbers(i).transpose()) * numbers(i);
  return sum;
}

template <int K>
void MixedDensity<K>::evaluate(Index group, ConstMat z, Vec value, Mat slope) {
  const auto [begin, end] = block_.rows_of(group);
  const Index padded =
      (z.cols() + glm_kernel::group_points - 1) / glm_kernel::group_points * glm_kernel::group_points;
  if (padded != points_) {
    points_ = padded;
    at_ = EffectRows::Zero(size_, padded);
    effects_.resize(size_, padded);
    effect_slope_.resize(size_, padded);
    value_.resize(padded);
    for (std::size_t k = 0; k < 2; ++k)
      if (slope_by_scale_[k].size() > 0) by_scale_[k].resize(padded);
  }
  if (slope_.rows() < end - begin || slope_.cols() != padded) slope_.resize(end - begin, padded);
  at_.leftCols(z.cols()) = z;
  effects_.noalias() = factor_ * at_;
  glm_kernel::GroupTask task;
  task.likelihood = model_.options.likelihood;
  task.rows = end - begin;
  task.effects = size_;
  task.points = padded;
  task.predictor = predictor_.data() + begin;
  task.numbers = block_.numbers.data() + begin;
  task.numbers_stride = block_.numbers.outerStride();
  task.y = block_.y.data() + begin;
  task.beside = block_.beside.data() + begin;
  task.weight = block_.weight.data() + begin;
  task.constants = &constants_;
  task.at = effects_.data();
  glm_kernel::evaluate(
      task,
      {value_.data(), effect_slope_.data(), {data_of(by_scale_[0]), data_of(by_scale_[1])}, slope_.data()});
  const double constant = block_.data_terms[group] - static_cast<double>(size_ - outer_) * half_log_two_pi;
  const auto own = z.bottomRows(size_ - outer_);
  value = value_.head(z.cols()) - 0.5 * own.colwise().squaredNorm().transpose();
  value.array() += constant;
  slope.noalias() = factor_.transpose() * effect_slope_.leftCols(z.cols());
  slope.bottomRows(size_ - outer_) -= own;
}

template <int K>
void MixedDensity<K>::add_gradient(Index group, ConstVec weight) {
  const auto [begin, end] = block_.rows_of(group);
  // What was padded may hold anything that is finite.
  value_.setZero();
  value_.head(weight.size()) = weight;
  glm_kernel::add_residuals(slope_.data(), value_.data(), end - begin, points_, residual_.data() + begin);
  for (std::size_t k = 0; k < 2; ++k)
    if (by_scale_[k].size() > 0) by_scales_[k] += by_scale_[k].head(weight.size()).dot(weight);
  for (Index n = 0; n < weight.size(); ++n)
    by_factor_ += (weight[n] * effect_slope_.col(n)) * at_.col(n).transpose();
}

template <int K>
void MixedDensity<K>::expand(ConstMat z, Mat slope, Mat curvature, Mat scale) {
  expanded_at_ = z;
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    const Effects effects = factor_ * expanded_at_.col(g);
    for (Index i = begin; i < end; ++i) eta_[i] = predictor_[i] + numbers(i).dot(effects);
  }
  glm_kernel::expand({model_.options.likelihood, block_.padded, eta_.data(), block_.y.data(),
                      block_.beside.data(), block_.weight.data(), &constants_},
                     {expanded_slope_.data(),
                      curvature_.data(),
                      spread_.data(),
                      spread_slope_.data(),
                      {data_of(slope_by_scale_[0]), data_of(slope_by_scale_[1])},
                      {data_of(spread_by_scale_[0]), data_of(spread_by_scale_[1])}});
  const bool is_concave = glm_kernel::is_concave(model_.options.likelihood);
  // The normal density of the group's own latents; that of an outer group's is not a group's.
  Square own = Square::Identity(size_, size_);
  own.topLeftCorner(outer_, outer_).setZero();
  for (Index g = 0; g < groups_; ++g) {
    expanded_sums_.col(g) = sum_rows(g, expanded_slope_);
    slope.col(g) = factor_.transpose() * expanded_sums_.col(g) - own * expanded_at_.col(g);
    square_of<K>(scale, size_, g) = factor_.transpose() * sum_squares(g, spread_) * factor_ + own;
    if (is_concave) continue;
    square_of<K>(curvature, size_, g) = factor_.transpose() * sum_squares(g, curvature_) * factor_ + own;
  }
  if (is_concave) curvature = scale;
}

template <int K>
void MixedDensity<K>::differentiate_scale(ConstMat scale_weight, Mat slope) {
  spread_weight_.setZero(block_.padded);
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    const Square of_rows = factor_ * square_of<K>(scale_weight, size_, g) * factor_.transpose();
    Effects sum = Effects::Zero(size_);
    for (Index i = begin; i < end; ++i) {
      spread_weight_[i] = (numbers(i) * of_rows).dot(numbers(i));
      sum += numbers(i).transpose() * (spread_weight_[i] * spread_slope_[i]);
    }
    slope.col(g) = factor_.transpose() * sum;
  }
}

template <int K>
void MixedDensity<K>::add_expansion_gradient(ConstMat direction, ConstMat scale_weight) {
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    const Effects towards = direction.col(g), moved = factor_ * towards;
    Effects sum = Effects::Zero(size_);
    for (Index i = begin; i < end; ++i) {
      const double along = numbers(i).dot(moved);
      const double by_predictor = spread_slope_[i] * spread_weight_[i] - curvature_[i] * along;
      residual_[i] += by_predictor;
      sum += numbers(i).transpose() * by_predictor;
      for (std::size_t k = 0; k < 2; ++k) {
        if (slope_by_scale_[k].size() == 0) continue;
        by_scales_[k] += slope_by_scale_[k][i] * along + spread_by_scale_[k][i] * spread_weight_[i];
      }
    }
    by_factor_ += sum * expanded_at_.col(g).transpose() + expanded_sums_.col(g) * towards.transpose() +
                  2.0 * sum_squares(g, spread_) * factor_ * square_of<K>(scale_weight, size_, g);
  }
}

template <int K>
void MixedDensity<K>::pull_back(Vec grad) {
  model_.pull_back(block_, theta_, residual_, grad);
  const Index inner = size_ - outer_;
  model_.integrated().pull_back(theta_, by_factor_.bottomRightCorner(inner, inner), grad);
  if (outer_ > 0) model_.outer()->pull_back(theta_, by_factor_.topLeftCorner(outer_, outer_), grad);
  for (std::size_t k = 0; k < 2; ++k) {
    const Index coordinate = model_.fixed_layout.scales[k];
    if (coordinate >= 0) grad[coordinate] += by_scales_[k];
  }
}

template class MixedDensity<1>;
template class MixedDensity<2>;
template class MixedDensity<3>;
template class MixedDensity<Eigen::Dynamic>;

}  // namespace vfe
