#include "infer/flow_objective.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

Matrix moment_factor(const Matrix& features, ConstVec weight, double ridge) {
  const Index k = features.cols();
  const Matrix weighted = weight.cwiseSqrt().asDiagonal() * features;
  Matrix moments = Matrix::Zero(k, k);
  moments.selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
  // Columns that nearly depend on one another are told apart only as far as rounding allows.
  moments.diagonal().array() += ridge + 1e-9 * (1.0 + moments.diagonal().maxCoeff());
  return Eigen::LLT<Matrix>(moments).matrixL();
}

}  // namespace

FeatureMoments::FeatureMoments(const FlowFeatures& features, ConstVec weight, Index d, Index last_quadratic,
                               double ridge)
    : quadratic(moment_factor(features.mean(last_quadratic, true), weight, ridge)),
      linear(moment_factor(features.mean(d, false), weight, ridge)),
      clipped(moment_factor(features.log_scale(d), weight, ridge)) {}

FlowObjective::FlowObjective(const FlowFeatures& features, const Vector& u, const Vector& weight, Index i,
                             bool quadratic, double nu, double ridge, double stronger)
    : features_(features),
      u_(u),
      weight_(weight),
      i_(i),
      quadratic_(quadratic),
      nu_(nu),
      num_mean_(Flow::num_mean_coefficients(i, quadratic, features.squared())),
      num_scale_(i + 1),
      ridge_(Vector::Constant(num_mean_ + num_scale_ + 2, 0.2 * ridge)) {
  ridge_.head(num_mean_) *= stronger;
  ridge_.segment(num_mean_, num_scale_).setConstant(stronger * ridge);
  ridge_(0) = ridge_(num_mean_) = 0.0;
}

double FlowObjective::evaluate(ConstVec parameters, Vec grad) const {
  const double skew = parameters(num_mean_ + num_scale_), log_tail = parameters(num_mean_ + num_scale_ + 1);
  const double kept_skew = std::clamp(skew, -Flow::largest_skew, Flow::largest_skew);
  const double kept_tail = std::clamp(log_tail, -Flow::largest_log_tail, Flow::largest_log_tail);
  const double tail = std::exp(kept_tail);
  const auto mean_features = features_.mean(i_, quadratic_);
  const auto scale_features = features_.log_scale(i_);
  const Vector mean = mean_features * parameters.head(num_mean_);
  const Eigen::ArrayXd free_scale = (scale_features * parameters.segment(num_mean_, num_scale_)).array();
  const Eigen::ArrayXd l = free_scale.max(-Flow::largest_log_scale).min(Flow::largest_log_scale);

  // In logarithms and exponentials alone, which are vectorised. Overflow makes the value infinite or not a
  // number, which the line search steps back from.
  const Eigen::ArrayXd shrink = (-l).exp();
  const Eigen::ArrayXd y = (u_ - mean).array() * shrink;
  const Eigen::ArrayXd root = (1.0 + y.square()).sqrt();
  const Eigen::ArrayXd bent = y.sign() * (y.abs() + root).log();  // asinh y
  const Eigen::ArrayXd v = tail * bent - kept_skew;               // asinh z
  const Eigen::ArrayXd grown = v.exp();
  const Eigen::ArrayXd z = 0.5 * (grown - 1.0 / grown), cosh = 0.5 * (grown + 1.0 / grown);
  const Eigen::ArrayXd spread = 1.0 + z.square() / nu_;
  const double value =
      (weight_.array() * (0.5 * (nu_ + 1.0) * spread.log() - (cosh / root).log() + l)).sum() -
      kept_tail;  // but for the constant of the t

  const Eigen::ArrayXd to_v = (nu_ + 1.0) / nu_ * z * cosh / spread - z / cosh;
  const Eigen::ArrayXd to_y = weight_.array() * (to_v * tail / root + y / root.square());
  const Eigen::ArrayXd to_l =
      (weight_.array() - y * to_y) * (free_scale.abs() < Flow::largest_log_scale).cast<double>();
  grad.head(num_mean_).noalias() = mean_features.transpose() * (-shrink * to_y).matrix();
  grad.segment(num_mean_, num_scale_).noalias() = scale_features.transpose() * to_l.matrix();
  grad(num_mean_ + num_scale_) = std::abs(skew) < Flow::largest_skew ? -(weight_.array() * to_v).sum() : 0.0;
  grad(num_mean_ + num_scale_ + 1) =
      std::abs(log_tail) < Flow::largest_log_tail ? tail * (weight_.array() * to_v * bent).sum() - 1.0 : 0.0;
  grad += ridge_.cwiseProduct(parameters);
  return value + 0.5 * parameters.dot(ridge_.cwiseProduct(parameters));
}

Vector FlowObjective::start(const FeatureMoments& moments) const {
  const auto features = features_.mean(i_, quadratic_);
  const auto factor = mean_factor(moments);
  Vector coefficients = features.transpose() * weight_.cwiseProduct(u_);
  factor.triangularView<Eigen::Lower>().solveInPlace(coefficients);
  factor.transpose().triangularView<Eigen::Upper>().solveInPlace(coefficients);
  const double variance = weight_.dot((u_ - features * coefficients).cwiseAbs2());
  const double of_noise = nu_ > 2.0 ? nu_ / (nu_ - 2.0) : 1.0;
  Vector result = Vector::Zero(num_parameters());
  result.head(num_mean_) = coefficients;
  result(num_mean_) = std::clamp(0.5 * std::log(variance / of_noise), -0.9 * Flow::largest_log_scale,
                                 0.9 * Flow::largest_log_scale);
  return result;
}

Vector FlowObjective::unwhiten(ConstVec step, const FeatureMoments& moments, const Vector& start) const {
  Vector result = step;
  auto mean = result.head(num_mean_);
  mean_factor(moments).transpose().triangularView<Eigen::Upper>().solveInPlace(mean);
  mean *= std::exp(start(num_mean_));
  auto log_scale = result.segment(num_mean_, num_scale_);
  moments.clipped.topLeftCorner(num_scale_, num_scale_)
      .transpose()
      .triangularView<Eigen::Upper>()
      .solveInPlace(log_scale);
  return result;
}

Vector FlowObjective::pull_back(ConstVec grad, const FeatureMoments& moments, const Vector& start) const {
  Vector result = grad;
  auto mean = result.head(num_mean_);
  mean_factor(moments).triangularView<Eigen::Lower>().solveInPlace(mean);
  mean *= std::exp(start(num_mean_));
  auto log_scale = result.segment(num_mean_, num_scale_);
  moments.clipped.topLeftCorner(num_scale_, num_scale_)
      .triangularView<Eigen::Lower>()
      .solveInPlace(log_scale);
  return result;
}

Flow::Conditional FlowObjective::conditional(ConstVec parameters) const {
  return {.quadratic = quadratic_,
          .mean = parameters.head(num_mean_),
          .log_scale = parameters.segment(num_mean_, num_scale_),
          .skew = parameters(num_mean_ + num_scale_),
          .log_tail = parameters(num_mean_ + num_scale_ + 1)};
}

}  // namespace vfe
