#include "family/flow_pass.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vfe {
namespace {

double clamp(double x, double limit) {
  return std::clamp(x, -limit, limit);
}

Index last_quadratic(const FlowPass::Conditionals& conditionals) {
  Index last = 0;
  for (std::size_t i = 0; i < conditionals.size(); ++i) {
    if (conditionals[i].quadratic) last = static_cast<Index>(i);
  }
  return last;
}

}  // namespace

double log_cosh(double x) {
  return std::abs(x) + std::log1p(std::exp(-2.0 * std::abs(x))) - std::numbers::ln2;
}

double skew_of(const Flow::Conditional& conditional) {
  return clamp(conditional.skew, Flow::largest_skew);
}

double tail_of(const Flow::Conditional& conditional) {
  return std::exp(clamp(conditional.log_tail, Flow::largest_log_tail));
}

FlowPass::FlowPass(const Conditionals& conditionals, const Matrix& given, From from, double reach_of_flow,
                   Index squared_in_flow)
    : u(given),
      bent_z(given),
      bent_y(given),
      log_scale(given.rows(), given.cols()),
      reach(reach_of_flow),
      squared(squared_in_flow),
      features(given.rows(), given.cols(), squared, last_quadratic(conditionals), reach) {
  for (Index i = 0; i < given.cols(); ++i) {
    const Flow::Conditional& c = conditionals[static_cast<std::size_t>(i)];
    Vector mean = Vector::Zero(given.rows());
    if (c.mean.size() > 0) mean = features.mean(i, c.quadratic) * c.mean;
    log_scale.col(i) = features.log_scale(i) * c.log_scale;
    const double skew = skew_of(c), tail = tail_of(c);
    for (Index s = 0; s < given.rows(); ++s) {
      const double l = clamp(log_scale(s, i), Flow::largest_log_scale);
      log_scale(s, i) = l;
      if (from == From::noise) {
        bent_y(s, i) = (bent_z(s, i) + skew) / tail;
        u(s, i) = mean(s) + std::exp(l) * std::sinh(bent_y(s, i));
      } else {
        bent_y(s, i) = std::asinh((u(s, i) - mean(s)) * std::exp(-l));
        bent_z(s, i) = tail * bent_y(s, i) - skew;
      }
    }
    features.append(u.col(i));
  }
}

double FlowPass::log_det(const Conditionals& conditionals, Index s) const {
  double sum = 0.0;
  for (Index i = 0; i < u.cols(); ++i) {
    sum += log_scale(s, i) + log_cosh(bent_y(s, i)) - log_cosh(bent_z(s, i)) -
           std::log(tail_of(conditionals[static_cast<std::size_t>(i)]));
  }
  return sum;
}

FlowPass::Gradients FlowPass::pull_back(const Conditionals& conditionals, const Matrix& grad_u,
                                        double grad_log_det) const {
  const Index d = u.cols();
  Gradients result{grad_u, Matrix(u.rows(), d), Matrix(u.rows(), d)};
  auto g = result.mean.array();
  const Eigen::ArrayXXd clipped = features.log_scale(d).rightCols(d);
  // Where a limit holds a value fast, it passes no gradient.
  const Eigen::ArrayXXd square_moves = (u.array().abs() < reach).cast<double>();
  const Eigen::ArrayXXd linear_moves = (u.array().abs() < Flow::largest_linear_feature).cast<double>();
  for (Index i = d - 1; i >= 0; --i) {
    const Flow::Conditional& c = conditionals[static_cast<std::size_t>(i)];
    const Eigen::ArrayXd y = bent_y.col(i).array(), scale = log_scale.col(i).array().exp();
    result.bent_y.col(i) = g.col(i) * scale * y.cosh() + grad_log_det * y.tanh();
    result.log_scale.col(i) = (g.col(i) * scale * y.sinh() + grad_log_det) *
                              (log_scale.col(i).array().abs() < Flow::largest_log_scale).cast<double>();
    const auto to_scale = result.log_scale.col(i).array();
    for (Index k = 0; k < i; ++k) {
      g.col(k) += to_scale * c.log_scale(k + 1) * square_moves.col(k);
      if (c.mean.size() == 0) continue;
      Index column = c.quadratic ? Flow::num_mean_coefficients(k, true, squared) : k + 1;
      g.col(k) += g.col(i) * c.mean(column++) * linear_moves.col(k);
      if (!c.quadratic || k >= squared) continue;
      for (Index j = 0; j <= k; ++j, ++column) {
        g.col(k) += g.col(i) * c.mean(column) * clipped.col(j) * square_moves.col(k);
        g.col(j) += g.col(i) * c.mean(column) * clipped.col(k) * square_moves.col(j);
      }
    }
  }
  return result;
}

}  // namespace vfe
