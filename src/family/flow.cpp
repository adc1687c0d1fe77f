#include "vfe/family/flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "flow_features.hpp"
#include "vfe/core/error.hpp"
#include "vfe/family/student.hpp"

namespace vfe {
namespace {

constexpr Index chunk = 256;  // draws at a time, whose features stay in the cache

double clamp(double x, double limit) {
  return std::clamp(x, -limit, limit);
}

double log_cosh(double x) {
  return std::abs(x) + std::log1p(std::exp(-2.0 * std::abs(x))) - std::numbers::ln2;
}

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

Index num_squared(const std::vector<Flow::Conditional>& conditionals) {
  Index last = 0;
  for (std::size_t i = 0; i < conditionals.size(); ++i) {
    if (conditionals[i].quadratic) last = static_cast<Index>(i);
  }
  return last;
}

}  // namespace

/// The map at some draws, one in a row, coordinates in the order of the conditionals.
struct Flow::Pass {
  enum class From { noise, whitened };

  Matrix u;
  Matrix bent_z;     ///< asinh z
  Matrix bent_y;     ///< asinh y, y = (u - m) / exp(l)
  Matrix log_scale;  ///< l
  FlowFeatures features;

  /// From asinh z, or from u.
  Pass(const Flow& flow, const Matrix& given, From from)
      : u(given),
        bent_z(given),
        bent_y(given),
        log_scale(given.rows(), given.cols()),
        features(given.rows(), given.cols(), num_squared(flow.conditionals_), flow.reach_) {
    for (Index i = 0; i < given.cols(); ++i) {
      const Conditional& c = flow.conditionals_[static_cast<std::size_t>(i)];
      const Vector mean = features.mean(i, c.quadratic) * c.mean;
      log_scale.col(i) = features.log_scale(i) * c.log_scale;
      const double skew = clamp(c.skew, largest_skew);
      const double tail = std::exp(clamp(c.log_tail, largest_log_tail));
      for (Index s = 0; s < given.rows(); ++s) {
        const double l = clamp(log_scale(s, i), largest_log_scale);
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

  /// log |det du/dz| of draw s.
  double log_det(const std::vector<Conditional>& conditionals, Index s) const {
    double sum = 0.0;
    for (Index i = 0; i < u.cols(); ++i) {
      sum += log_scale(s, i) + log_cosh(bent_y(s, i)) - log_cosh(bent_z(s, i)) -
             clamp(conditionals[static_cast<std::size_t>(i)].log_tail, largest_log_tail);
    }
    return sum;
  }
};

Index Flow::num_mean_coefficients(Index i, bool quadratic) {
  return 1 + i + (quadratic ? i * (i + 1) / 2 : 0);
}

Flow::Flow(Affine base, std::vector<Index> order, std::vector<Conditional> conditionals, double nu,
           double reach)
    : base_(std::move(base)),
      order_(std::move(order)),
      conditionals_(std::move(conditionals)),
      nu_(nu),
      reach_(reach) {
  require_valid(Student{.base = base_, .nu = nu});
  const auto d = static_cast<std::size_t>(size());
  std::vector<Index> sorted = order_;
  std::sort(sorted.begin(), sorted.end());
  bool fits = std::isfinite(nu) && reach > 0.0 && reach <= largest_linear_feature && order_.size() == d &&
              conditionals_.size() == d;
  for (std::size_t i = 0; fits && i < d; ++i) {
    const Conditional& c = conditionals_[i];
    const auto index = static_cast<Index>(i);
    fits = sorted[i] == index && c.mean.size() == num_mean_coefficients(index, c.quadratic) &&
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
    const Pass pass(*this, bent, Pass::From::noise);
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
    const Pass pass(*this, u, Pass::From::whitened);
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
    const Pass pass(*this, u, Pass::From::whitened);
    for (Index s = 0; s < count; ++s) {
      double sum = constant - pass.log_det(conditionals_, s);
      for (Index i = 0; i < size(); ++i) sum += log_base(pass.bent_z(s, i), nu_);
      value(first + s) = std::isfinite(sum) ? sum : -std::numeric_limits<double>::infinity();
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
    const Pass pass(*this, bent, Pass::From::noise);
    for (Index s = 0; s < count; ++s) {
      value(first + s) = base_.log_det() + pass.log_det(conditionals_, s);
    }
    if (!with_gradient) continue;
    Eigen::ArrayXXd g = grad_u(order_, Eigen::seqN(first, count)).transpose();  // draws in rows
    const Eigen::ArrayXXd clipped = pass.features.log_scale(d).rightCols(d);
    // Where a limit holds a value fast, it passes no gradient.
    const Eigen::ArrayXXd square_moves = (pass.u.array().abs() < reach_).cast<double>();
    const Eigen::ArrayXXd linear_moves = (pass.u.array().abs() < largest_linear_feature).cast<double>();
    for (Index i = d - 1; i >= 0; --i) {
      const Conditional& c = conditionals_[static_cast<std::size_t>(i)];
      const double tail = std::exp(clamp(c.log_tail, largest_log_tail));
      const Eigen::ArrayXd y = pass.bent_y.col(i).array().sinh(), x = pass.bent_z.col(i).array();
      const Eigen::ArrayXd scale = pass.log_scale.col(i).array().exp();
      const Eigen::ArrayXd bend = 1.0 / (tail * x.cosh());  // d bent_y / dz
      grad_noise.row(i).segment(first, count) +=
          (g.col(i) * scale * pass.bent_y.col(i).array().cosh() * bend +
           pass.bent_y.col(i).array().tanh() * bend - x.tanh() / x.cosh())
              .matrix()
              .transpose();
      const Eigen::ArrayXd to_mean = g.col(i);
      const Eigen::ArrayXd to_scale =
          (g.col(i) * scale * y + 1.0) *
          (pass.log_scale.col(i).array().abs() < largest_log_scale).cast<double>();
      for (Index k = 0; k < i; ++k) {
        g.col(k) += to_scale * c.log_scale(k + 1) * square_moves.col(k);
        Index column = c.quadratic ? num_mean_coefficients(k, true) : k + 1;
        g.col(k) += to_mean * c.mean(column++) * linear_moves.col(k);
        if (!c.quadratic) continue;
        for (Index j = 0; j <= k; ++j, ++column) {
          g.col(k) += to_mean * c.mean(column) * clipped.col(j) * square_moves.col(k);
          g.col(j) += to_mean * c.mean(column) * clipped.col(k) * square_moves.col(j);
        }
      }
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
