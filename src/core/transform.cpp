#include "core/transform.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <string>

#include "vfe/core/error.hpp"

// Formulas of the Stan reference manual, "Constraint transforms", kept in logarithms where products of many
// factors below one would underflow.
namespace vfe::transform {
namespace {

double log1p_exp(double x) {
  return x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double inv_logit(double x) {
  return x > 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x));
}
double logit(double p) {
  return std::log(p) - std::log1p(-p);
}
double log_sech_squared(double x) {
  const double size = std::abs(x);
  return 2.0 * (std::numbers::ln2 - size - std::log1p(std::exp(-2.0 * size)));
}

// 0 where the gradient is 0, even if the factor has overflowed.
double chain(double gradient, double factor) {
  return gradient == 0.0 ? 0.0 : gradient * factor;
}

[[noreturn]] void outside(const Parameter& parameter, const std::string& found) {
  throw Error(Fault::data,
              fmt::format("value of parameter \"{}\" is outside its support: {}", parameter.name, found));
}

// bounded

double constrain_bounded(const Parameter& p, double theta, double& value) {
  const double width = p.upper - p.lower;
  // From the nearer end, so that values close to either bound keep their digits.
  value = theta < 0.0 ? p.lower + width * inv_logit(theta) : p.upper - width * inv_logit(-theta);
  return std::log(width) - log1p_exp(-theta) - log1p_exp(theta);
}

double pull_back_bounded(const Parameter& p, double theta, double grad_value) {
  const double slope = (p.upper - p.lower) * inv_logit(theta) * inv_logit(-theta);
  return grad_value * slope - std::tanh(theta / 2.0);
}

// simplex: stick k of what is left is broken at inv_logit(theta_k - log(K - 1 - k)), so that theta = 0 is the
// uniform simplex.

double break_at(ConstVec theta, Index k) {
  return theta[k] - std::log(static_cast<double>(theta.size() - k));
}

double constrain_simplex(ConstVec theta, Vec value) {
  double log_left = 0.0, log_jacobian = 0.0;
  for (Index k = 0; k < theta.size(); ++k) {
    const double logit = break_at(theta, k);
    const double log_broken = -log1p_exp(-logit), log_kept = -log1p_exp(logit);
    value[k] = std::exp(log_left + log_broken);
    log_jacobian += log_left + log_broken + log_kept;
    log_left += log_kept;
  }
  value[theta.size()] = std::exp(log_left);
  return log_jacobian;
}

void pull_back_simplex(ConstVec theta, ConstVec grad_value, Vec grad_theta) {
  Vector value(theta.size() + 1);
  constrain_simplex(theta, value);
  double grad_log_left = grad_value[theta.size()] * value[theta.size()];
  for (Index k = theta.size() - 1; k >= 0; --k) {
    const double logit = break_at(theta, k);
    const double broken = inv_logit(logit), kept = inv_logit(-logit);
    const double grad_log_value = grad_value[k] * value[k];
    grad_theta[k] += (grad_log_value + 1.0) * kept - (grad_log_left + 1.0) * broken;
    grad_log_left += grad_log_value + 1.0;
  }
}

void unconstrain_simplex(const Parameter& p, ConstVec value, Vec theta) {
  for (Index k = 0; k < value.size(); ++k) {
    if (!(value[k] > 0.0)) outside(p, fmt::format("entry {} of a simplex is {}", k, value[k]));
  }
  if (!(std::abs(value.sum() - 1.0) < 1e-8))
    outside(p, fmt::format("a simplex sums to {:.17g}", value.sum()));
  double left = value[value.size() - 1];
  for (Index k = theta.size() - 1; k >= 0; --k) {
    theta[k] = std::log(value[k]) - std::log(left) + std::log(static_cast<double>(theta.size() - k));
    left += value[k];
  }
}

// ordered

double constrain_ordered(ConstVec theta, Vec value) {
  value[0] = theta[0];
  double log_jacobian = 0.0;
  for (Index k = 1; k < theta.size(); ++k) {
    value[k] = value[k - 1] + std::exp(theta[k]);
    log_jacobian += theta[k];
  }
  return log_jacobian;
}

void pull_back_ordered(ConstVec theta, ConstVec grad_value, Vec grad_theta) {
  double above = 0.0;
  for (Index k = theta.size() - 1; k >= 1; --k) {
    above += grad_value[k];
    grad_theta[k] += chain(above, std::exp(theta[k])) + 1.0;
  }
  grad_theta[0] += above + grad_value[0];
}

void unconstrain_ordered(const Parameter& p, ConstVec value, Vec theta) {
  if (!std::isfinite(value[0])) outside(p, fmt::format("entry 0 is {}", value[0]));
  theta[0] = value[0];
  for (Index k = 1; k < value.size(); ++k) {
    if (!(value[k] > value[k - 1]) || !std::isfinite(value[k])) {
      outside(p, fmt::format("entries {} and {} of an ordered vector are {} and {}", k - 1, k, value[k - 1],
                             value[k]));
    }
    theta[k] = std::log(value[k] - value[k - 1]);
  }
}

// correlation_cholesky: row i is a point of the unit half-sphere; its j-th entry is tanh(theta_ij) of the
// length that entries before it have left, and what is left in the end is the diagonal.

double constrain_correlation(Index size, ConstVec theta, Vec value) {
  value.setZero();
  double log_jacobian = 0.0;
  Index k = 0;
  for (Index i = 0; i < size; ++i) {
    double log_left = 0.0;  // of the squared length
    for (Index j = 0; j < i; ++j, ++k) {
      value[i * size + j] = std::tanh(theta[k]) * std::exp(0.5 * log_left);
      const double log_kept = log_sech_squared(theta[k]);
      log_jacobian += 0.5 * log_left + log_kept;
      log_left += log_kept;
    }
    value[i * size + i] = std::exp(0.5 * log_left);
  }
  return log_jacobian;
}

void pull_back_correlation(Index size, ConstVec theta, ConstVec grad_value, Vec grad_theta) {
  Vector value(size * size);
  constrain_correlation(size, theta, value);
  Index first = 0;  // theta of row i
  for (Index i = 0; i < size; first += i, ++i) {
    double log_left = 0.0;
    for (Index j = 0; j < i; ++j) log_left += log_sech_squared(theta[first + j]);
    double grad_log_left = 0.5 * grad_value[i * size + i] * value[i * size + i];
    for (Index j = i - 1; j >= 0; --j) {
      const double y = theta[first + j], log_kept = log_sech_squared(y);
      log_left -= log_kept;
      const double gradient = grad_value[i * size + j];
      grad_theta[first + j] +=
          gradient * std::exp(0.5 * log_left + log_kept) - 2.0 * std::tanh(y) * (grad_log_left + 1.0);
      grad_log_left += 0.5 * gradient * value[i * size + j] + 0.5;
    }
  }
}

void unconstrain_correlation(const Parameter& p, Index size, ConstVec value, Vec theta) {
  Index first = 0;
  for (Index i = 0; i < size; first += i, ++i) {
    const auto row = value.segment(i * size, size);
    if (!(row[i] > 0.0)) outside(p, fmt::format("diagonal entry {} is {}", i, row[i]));
    if (!(row.tail(size - 1 - i).array() == 0.0).all())
      outside(p, fmt::format("row {} is not lower triangular", i));
    if (!(std::abs(row.squaredNorm() - 1.0) < 1e-8)) {
      outside(p, fmt::format("row {} has length {:.17g} instead of 1", i, row.norm()));
    }
    double left = row[i];
    for (Index j = i - 1; j >= 0; --j) {
      theta[first + j] = std::asinh(row[j] / left);
      left = std::hypot(left, row[j]);
    }
  }
}

}  // namespace

void spread(const Parameter& p, double radius, Vec numbers) {
  for (Index k = 0; k < numbers.size(); ++k) {
    double& x = numbers[k];
    switch (p.transform) {
      case Transform::identity:
      case Transform::positive:
      case Transform::ordered:
        x = radius * (2.0 * x - 1.0);
        break;
      case Transform::bounded:
        x = logit(x);
        break;
      case Transform::simplex: {
        // Of a uniform simplex the share of what is left that comes first is Beta(1, m), m entries behind it.
        const double m = static_cast<double>(numbers.size() - k);
        x = logit(-std::expm1(std::log1p(-x) / m)) + std::log(m);
        break;
      }
      case Transform::correlation_cholesky:
        x = 0.5 * logit(x);
        break;
    }
  }
}

double constrain(const Parameter& p, ConstVec theta, Vec value) {
  switch (p.transform) {
    case Transform::identity:
      value[0] = theta[0];
      return 0.0;
    case Transform::positive:
      value[0] = p.lower + std::exp(theta[0]);
      return theta[0];
    case Transform::bounded:
      return constrain_bounded(p, theta[0], value[0]);
    case Transform::simplex:
      return constrain_simplex(theta, value);
    case Transform::ordered:
      return constrain_ordered(theta, value);
    case Transform::correlation_cholesky:
      return constrain_correlation(p.dimensions.back().size, theta, value);
  }
  throw Error(Fault::bug, "constraining by an unknown transform");
}

void pull_back(const Parameter& p, ConstVec theta, ConstVec grad_value, Vec grad_theta) {
  switch (p.transform) {
    case Transform::identity:
      grad_theta[0] += grad_value[0];
      return;
    case Transform::positive:
      grad_theta[0] += chain(grad_value[0], std::exp(theta[0])) + 1.0;
      return;
    case Transform::bounded:
      grad_theta[0] += pull_back_bounded(p, theta[0], grad_value[0]);
      return;
    case Transform::simplex:
      return pull_back_simplex(theta, grad_value, grad_theta);
    case Transform::ordered:
      return pull_back_ordered(theta, grad_value, grad_theta);
    case Transform::correlation_cholesky:
      return pull_back_correlation(p.dimensions.back().size, theta, grad_value, grad_theta);
  }
  throw Error(Fault::bug, "differentiating an unknown transform");
}

void unconstrain(const Parameter& p, ConstVec value, Vec theta) {
  switch (p.transform) {
    case Transform::identity:
      if (!std::isfinite(value[0])) outside(p, fmt::format("it is {}", value[0]));
      theta[0] = value[0];
      return;
    case Transform::positive:
      if (!(value[0] > p.lower) || !std::isfinite(value[0])) {
        outside(p, fmt::format("{} is not above {}", value[0], p.lower));
      }
      theta[0] = std::log(value[0] - p.lower);
      return;
    case Transform::bounded:
      if (!(value[0] > p.lower && value[0] < p.upper)) {
        outside(p, fmt::format("{} is not between {} and {}", value[0], p.lower, p.upper));
      }
      theta[0] = std::log(value[0] - p.lower) - std::log(p.upper - value[0]);
      return;
    case Transform::simplex:
      return unconstrain_simplex(p, value, theta);
    case Transform::ordered:
      return unconstrain_ordered(p, value, theta);
    case Transform::correlation_cholesky:
      return unconstrain_correlation(p, p.dimensions.back().size, value, theta);
  }
  throw Error(Fault::bug, "unconstraining by an unknown transform");
}

}  // namespace vfe::transform
