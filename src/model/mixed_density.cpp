#include <cmath>
#include <numbers>

#include "model/mixed_impl.hpp"
#include "model/row_density.hpp"

namespace vfe {
namespace {

const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

}  // namespace

MixedDensity::MixedDensity(const Mixed::Impl& model, const GroupedRows& block, ConstVec theta)
    : model_(model),
      block_(block),
      theta_(theta),
      size_(model.integrated().size),
      groups_(block.groups()),
      factor_(model.integrated().factor(theta)),
      constants_(draw_constants(model.options, model.fixed_layout, theta)),
      predictor_(model.predictor(block, theta)),
      eta_(predictor_),
      row_sums_(size_, groups_),
      value_(block.padded),
      slope_(block.padded),
      expanded_sums_(size_, groups_),
      expanded_slope_(block.padded),
      curvature_(block.padded),
      spread_(block.padded),
      spread_slope_(block.padded),
      residual_(Vector::Zero(block.padded)),
      by_factor_(Matrix::Zero(size_ * size_, groups_)) {
  for (std::size_t k = 0; k < 2; ++k) {
    if (model.fixed_layout.scales[k] < 0) continue;
    for (std::array<Vector, 2>* of : {&by_scale_, &slope_by_scale_, &spread_by_scale_})
      (*of)[k].resize(block.padded);
  }
  by_scales_ = Matrix::Zero(2, groups_);
}

void MixedDensity::set_predictor(ConstMat z) {
  const Matrix effects = factor_ * z;
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    for (Index i = begin; i < end; ++i) eta_[i] = predictor_[i] + block_.numbers(i, 0) * effects(0, g);
    for (Index j = 1; j < size_; ++j)
      for (Index i = begin; i < end; ++i) eta_[i] += block_.numbers(i, j) * effects(j, g);
  }
}

template <class Sum>
void MixedDensity::sum_rows(Index group, const Vector& of, Sum&& sum) const {
  const auto [begin, end] = block_.rows_of(group);
  for (Index j = 0; j < size_; ++j) {
    double total = 0.0;
    for (Index i = begin; i < end; ++i) total += block_.numbers(i, j) * of[i];
    sum[j] = total;
  }
}

template <class Sum>
void MixedDensity::sum_squares(Index group, const Vector& of, Sum&& sum) const {
  const auto [begin, end] = block_.rows_of(group);
  for (Index j = 0; j < size_; ++j) {
    for (Index k = 0; k <= j; ++k) {
      double total = 0.0;
      for (Index i = begin; i < end; ++i) total += block_.numbers(i, j) * block_.numbers(i, k) * of[i];
      sum(j, k) = sum(k, j) = total;
    }
  }
}

namespace {

glm_kernel::RowTask row_task(const Mixed::Impl& model, const GroupedRows& block, const Vector& eta,
                             const glm_kernel::DrawConstants& constants) {
  return {model.options.likelihood, block.padded,        eta.data(), block.y.data(),
          block.beside.data(),      block.weight.data(), &constants};
}

double* data_of(Vector& of) {
  return of.size() > 0 ? of.data() : nullptr;
}

}  // namespace

void MixedDensity::evaluate(ConstMat z, Vec value, Mat slope) {
  set_predictor(z);
  evaluated_at_ = z;
  glm_kernel::evaluate(row_task(model_, block_, eta_, constants_),
                       {value_.data(), slope_.data(), {data_of(by_scale_[0]), data_of(by_scale_[1])}});
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    double sum = 0.0;
    for (Index i = begin; i < end; ++i) sum += value_[i] + block_.data_terms[i];
    value[g] = sum - 0.5 * z.col(g).squaredNorm() - static_cast<double>(size_) * half_log_two_pi;
    sum_rows(g, slope_, row_sums_.col(g));
  }
  slope.noalias() = factor_.transpose() * row_sums_;
  slope -= z;
}

void MixedDensity::add_gradient(ConstVec weight) {
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    for (Index i = begin; i < end; ++i) residual_[i] += weight[g] * slope_[i];
    for (std::size_t k = 0; k < 2; ++k) {
      if (by_scale_[k].size() == 0) continue;
      by_scales_(static_cast<Index>(k), g) += weight[g] * by_scale_[k].segment(begin, end - begin).sum();
    }
    double* by_factor = by_factor_.data() + g * size_ * size_;
    for (Index k = 0; k < size_; ++k) {
      const double weighted = weight[g] * evaluated_at_(k, g);
      for (Index j = 0; j < size_; ++j) by_factor[k * size_ + j] += weighted * row_sums_(j, g);
    }
  }
}

void MixedDensity::multiply_gradient(ConstVec factor) {
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    for (Index i = begin; i < end; ++i) residual_[i] *= factor[g];
  }
  by_scales_ *= factor.asDiagonal();
  by_factor_ *= factor.asDiagonal();
}

void MixedDensity::expand(ConstMat z, Mat slope, Mat curvature, Mat scale) {
  set_predictor(z);
  expanded_at_ = z;
  glm_kernel::expand(row_task(model_, block_, eta_, constants_),
                     {expanded_slope_.data(),
                      curvature_.data(),
                      spread_.data(),
                      spread_slope_.data(),
                      {data_of(slope_by_scale_[0]), data_of(slope_by_scale_[1])},
                      {data_of(spread_by_scale_[0]), data_of(spread_by_scale_[1])}});
  const bool is_concave = glm_kernel::is_concave(model_.options.likelihood);
  Matrix sum(size_, size_);
  const auto set = [&](const Vector& of, Index g, Mat to) {
    sum_squares(g, of, sum);
    Eigen::Map<Matrix> square(to.data() + g * to.outerStride(), size_, size_);
    square = factor_.transpose() * sum * factor_;
    square.diagonal().array() += 1.0;
  };
  for (Index g = 0; g < groups_; ++g) {
    sum_rows(g, expanded_slope_, expanded_sums_.col(g));
    set(spread_, g, scale);
    if (!is_concave) set(curvature_, g, curvature);
  }
  if (is_concave) curvature = scale;
  slope.noalias() = factor_.transpose() * expanded_sums_;
  slope -= z;
}

void MixedDensity::differentiate_scale(ConstMat scale_weight, Mat slope) {
  spread_weight_.resize(block_.padded);
  Vector weighted = Vector::Zero(block_.padded);
  Matrix sums(size_, groups_);
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    const Eigen::Map<const Matrix> weight(scale_weight.data() + g * scale_weight.outerStride(), size_, size_);
    const Matrix of_rows = factor_ * weight * factor_.transpose();
    for (Index i = begin; i < end; ++i) {
      double total = 0.0;
      for (Index j = 0; j < size_; ++j)
        for (Index k = 0; k < size_; ++k)
          total += block_.numbers(i, j) * of_rows(j, k) * block_.numbers(i, k);
      spread_weight_[i] = total;
      weighted[i] = total * spread_slope_[i];
    }
    sum_rows(g, weighted, sums.col(g));
  }
  slope.noalias() = factor_.transpose() * sums;
}

void MixedDensity::add_expansion_gradient(ConstMat direction, ConstMat scale_weight) {
  const Matrix moved = factor_ * direction;
  Vector by_predictor = Vector::Zero(block_.padded);
  Vector sum(size_);
  Matrix spread(size_, size_);
  for (Index g = 0; g < groups_; ++g) {
    const auto [begin, end] = block_.rows_of(g);
    for (Index i = begin; i < end; ++i) {
      double along = 0.0;
      for (Index j = 0; j < size_; ++j) along += block_.numbers(i, j) * moved(j, g);
      by_predictor[i] = spread_slope_[i] * spread_weight_[i] - curvature_[i] * along;
      residual_[i] += by_predictor[i];
      for (std::size_t k = 0; k < 2; ++k) {
        if (slope_by_scale_[k].size() == 0) continue;
        by_scales_(static_cast<Index>(k), g) +=
            slope_by_scale_[k][i] * along + spread_by_scale_[k][i] * spread_weight_[i];
      }
    }
    const Eigen::Map<const Matrix> weight(scale_weight.data() + g * scale_weight.outerStride(), size_, size_);
    sum_rows(g, by_predictor, sum);
    sum_squares(g, spread_, spread);
    Eigen::Map<Matrix>(by_factor_.data() + g * size_ * size_, size_, size_) +=
        sum * expanded_at_.col(g).transpose() + expanded_sums_.col(g) * direction.col(g).transpose() +
        2.0 * spread * factor_ * weight;
  }
}

void MixedDensity::pull_back(Vec grad) {
  model_.pull_back(block_, theta_, residual_, grad);
  const Vector by_factor = by_factor_.rowwise().sum(), by_scales = by_scales_.rowwise().sum();
  model_.integrated().pull_back(theta_, Eigen::Map<const Matrix>(by_factor.data(), size_, size_), grad);
  for (std::size_t k = 0; k < 2; ++k) {
    const Index coordinate = model_.fixed_layout.scales[k];
    if (coordinate >= 0) grad[coordinate] += by_scales[static_cast<Index>(k)];
  }
}

}  // namespace vfe
