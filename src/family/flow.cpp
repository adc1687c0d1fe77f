#include "vfe/family/flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "family/flow_pass.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/family/student.hpp"

namespace vfe {
namespace {

constexpr Index chunk = 256;  // draws at a time, whose features stay in the cache

/// log(1 + sinh(v)^2 / nu), also where the sinh would overflow.
double log_one_plus_sinh_squared(double v, double nu) {
  const double size = std::abs(v);
  if (size > 20.0) return 2.0 * (size - std::numbers::ln2) - std::log(nu);
  const double z = std::sinh(size);
  return std::log1p(z * z / nu);
}

/// log density of the t in one dimension at sinh(v).
double log_base(double v, double nu) {
  return std::lgamma(0.5 * (nu + 1.0)) - std::lgamma(0.5 * nu) - 0.5 * std::log(nu * std::numbers::pi) -
         0.5 * (nu + 1.0) * log_one_plus_sinh_squared(v, nu);
}

}  // namespace

Index Flow::num_mean_coefficients(Index i, bool quadratic, Index squared) {
  const Index multiplied = quadratic ? std::min(i, squared) : 0;
  return 1 + i + multiplied * (multiplied + 1) / 2;
}

Flow::Flow(Affine base, std::vector<Index> order, std::vector<Conditional> conditionals, double nu,
           double reach, Index squared)
    : base_(std::move(base)),
      order_(std::move(order)),
      conditionals_(std::move(conditionals)),
      nu_(nu),
      reach_(reach),
      squared_(std::min(squared, base_.size())) {
  require_valid(Student{.base = base_, .nu = nu});
  const auto d = static_cast<std::size_t>(size());
  std::vector<Index> sorted = order_;
  std::sort(sorted.begin(), sorted.end());
  bool fits = std::isfinite(nu) && squared >= 0 && reach > 0.0 && reach <= largest_linear_feature &&
              order_.size() == d && conditionals_.size() == d;
  for (std::size_t i = 0; fits && i < d; ++i) {
    const Conditional& c = conditionals_[i];
    const auto index = static_cast<Index>(i);
    fits = sorted[i] == index && c.mean.size() == num_mean_coefficients(index, c.quadratic, squared) &&
           c.log_scale.size() == index + 1;
    if (fits && !(c.mean.allFinite() && c.log_scale.allFinite() && std::isfinite(c.skew) &&
                  std::isfinite(c.log_tail))) {
      throw Error(Fault::numeric,
                  fmt::format("making a flow: found parameters of conditional {} that are not finite", i));
    }
  }
  if (!fits) {
    throw Error(Fault::bug, fmt::format("making a flow of size {}: found order, conditionals, degrees of "
                                        "freedom or a reach that do not fit",
                                        d));
  }
}

Flow Flow::identity(const Affine& base, double nu) {
  std::vector<Index> order(static_cast<std::size_t>(base.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::vector<Conditional> conditionals;
  for (Index i = 0; i < base.size(); ++i) {
    conditionals.push_back({.mean = Vector::Zero(i + 1), .log_scale = Vector::Zero(i + 1)});
  }
  return {base, std::move(order), std::move(conditionals), nu};
}

Matrix Flow::transform(ConstMat noise) const {
  Matrix u(size(), noise.cols());
  for (Index first = 0; first < noise.cols(); first += chunk) {
    const Index count = std::min(chunk, noise.cols() - first);
    const Matrix bent =
        noise.middleCols(first, count).transpose().unaryExpr([](double z) { return std::asinh(z); });
    const FlowPass pass(conditionals_, bent, FlowPass::From::noise, reach_, squared_);
    for (Index i = 0; i < size(); ++i) {
      u.row(order_[static_cast<std::size_t>(i)]).segment(first, count) = pass.u.col(i);
    }
  }
  return base_.apply(u);
}

Matrix Flow::inverse(ConstMat theta) const {
  const Matrix v = base_.whiten(theta);
  Matrix noise(size(), theta.cols());
  for (Index first = 0; first < theta.cols(); first += chunk) {
    const Index count = std::min(chunk, theta.cols() - first);
    const Matrix u = v(order_, Eigen::seqN(first, count)).transpose();
    const FlowPass pass(conditionals_, u, FlowPass::From::whitened, reach_, squared_);
    noise.middleCols(first, count) = pass.bent_z.transpose().unaryExpr([](double x) { return std::sinh(x); });
  }
  return noise;
}

Vector Flow::log_density(ConstMat theta) const {
  const Matrix v = base_.whiten(theta);
  const double constant = -base_.log_det();
  Vector value(theta.cols());
  for (Index first = 0; first < theta.cols(); first += chunk) {
    const Index count = std::min(chunk, theta.cols() - first);
    const Matrix u = v(order_, Eigen::seqN(first, count)).transpose();
    const FlowPass pass(conditionals_, u, FlowPass::From::whitened, reach_, squared_);
    for (Index s = 0; s < count; ++s) {
      double sum = constant - pass.log_det(conditionals_, s);
      for (Index i = 0; i < size(); ++i) sum += log_base(pass.bent_z(s, i), nu_);
      value(first + s) = std::isfinite(sum) ? sum : -infinity;
    }
  }
  return value;
}

Vector Flow::log_det(ConstMat noise) const {
  Matrix none(size(), 0);
  return log_det(noise, none, none);
}

Vector Flow::log_det(ConstMat noise, ConstMat grad_theta, Mat grad_noise) const {
  const Index d = size();
  const bool with_gradient = grad_noise.cols() > 0;
  Matrix grad_u;
  if (with_gradient) grad_u = base_.pull_back(grad_theta);
  Vector value(noise.cols());
  for (Index first = 0; first < noise.cols(); first += chunk) {
    const Index count = std::min(chunk, noise.cols() - first);
    const Matrix bent =
        noise.middleCols(first, count).transpose().unaryExpr([](double z) { return std::asinh(z); });
    const FlowPass pass(conditionals_, bent, FlowPass::From::noise, reach_, squared_);
    for (Index s = 0; s < count; ++s) {
      value(first + s) = base_.log_det() + pass.log_det(conditionals_, s);
    }
    if (!with_gradient) continue;
    const Matrix grad = grad_u(order_, Eigen::seqN(first, count)).transpose();
    const FlowPass::Gradients moves = pass.pull_back(conditionals_, grad, 1.0);
    for (Index i = 0; i < d; ++i) {
      const Eigen::ArrayXd x = pass.bent_z.col(i).array();
      const double tail = tail_of(conditionals_[static_cast<std::size_t>(i)]);
      grad_noise.row(i).segment(first, count) +=
          ((moves.bent_y.col(i).array() / tail - x.tanh()) / x.cosh()).matrix().transpose();
    }
  }
  return value;
}

Matrix Flow::noise_at(const Address& at, Index count) const {
  Matrix z(size(), count);
  Address where = at;
  for (Index s = 0; s < count; ++s) {
    where.draw = at.draw + static_cast<std::uint32_t>(s);
    for (Index i = 0; i < size(); ++i) {
      // Box and Muller's method for the t distribution (Bailey 1994).
      const auto coordinate = static_cast<std::uint32_t>(2 * i);
      const double radius = std::sqrt(nu_ * std::expm1(-2.0 / nu_ * std::log(uniform(where, coordinate))));
      z(i, s) = radius * std::cos(2.0 * std::numbers::pi * uniform(where, coordinate + 1));
    }
  }
  return z;
}

Matrix Flow::draw(const Address& at, Index count) const {
  return transform(noise_at(at, count));
}

}  // namespace vfe
