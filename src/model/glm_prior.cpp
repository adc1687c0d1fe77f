#include "vfe/model/glm_prior.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <string>

#include "model/glm_impl.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/special.hpp"

namespace vfe {
namespace {

const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

// Adds the log density of normal(0, scale) at x, and its slope.
void add_normal(double x, double scale, double& value, double* slope) {
  const double z = x / scale;
  value -= 0.5 * z * z + std::log(scale) + half_log_two_pi;
  if (slope != nullptr) *slope -= z / scale;
}

// Adds the log density of log x, where x has the prior gamma(2, rate), and its slope.
void add_log_gamma(double rate, double log_x, double& value, double* slope) {
  const double scaled = rate * std::exp(log_x);
  value += 2.0 * std::log(rate) + 2.0 * log_x - scaled;
  if (slope != nullptr) *slope += 2.0 - scaled;
}

// The same for a probability, uniform, whose log odds are x.
void add_log_odds(double x, double& value, double* slope) {
  value -= std::abs(x) + 2.0 * std::log1p(std::exp(-std::abs(x)));
  if (slope != nullptr) *slope -= std::tanh(0.5 * x);
}

// Of nu (Juarez and Steel 2010) and shape, or precision.
double gamma_rate(ScaleKind kind) {
  return kind == ScaleKind::precision ? 0.02 : 0.1;
}

bool has_scale_prior(ScaleKind kind) {
  return kind == ScaleKind::sigma || kind == ScaleKind::overdispersion;
}

// What options say of every coefficient, by name or otherwise. A term speaks for all its coefficients, a
// coefficient's own name for itself, so the latter comes last.
template <class T>
std::vector<T> by_coefficient(const std::string& key, T otherwise, const std::map<std::string, T>& by_name,
                              const DesignSchema& schema) {
  std::vector<T> all(schema.columns.size(), otherwise);
  std::set<std::string> found;
  for (const std::string Column::*what : {&Column::source, &Column::name}) {
    for (const auto& [name, value] : by_name) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        if (schema.columns[j].*what != name) continue;
        all[j] = value;
        found.insert(name);
      }
    }
  }
  for (const auto& [name, value] : by_name) {
    if (found.contains(name)) continue;
    throw Error(Fault::config, fmt::format("model: {}.{} names no coefficient or term", key, name));
  }
  return all;
}

}  // namespace

CoefficientPrior::CoefficientPrior(PriorShape shape, double scale, double degrees_of_freedom)
    : shape_(shape),
      scale_(scale),
      degrees_of_freedom_(shape == PriorShape::cauchy ? 1.0 : degrees_of_freedom) {
  const double nu = degrees_of_freedom_;
  switch (shape) {
    case PriorShape::horseshoe:
      log_peak_ = -half_log_two_pi;
      return;
    case PriorShape::normal:
      log_peak_ = -std::log(scale) - half_log_two_pi;
      return;
    case PriorShape::student_t:
    case PriorShape::cauchy:
      log_peak_ = special::log_gamma_difference(0.5 * nu, 0.5) - 0.5 * std::log(nu * std::numbers::pi) -
                  std::log(scale);
      return;
    case PriorShape::laplace:
      log_peak_ = -std::log(2.0 * scale);
      return;
  }
}

void CoefficientPrior::add(double x, double& value, double* slope) const {
  const double z = x / scale_, nu = degrees_of_freedom_;
  switch (shape_) {
    case PriorShape::horseshoe:
      value += log_peak_ - 0.5 * x * x;
      if (slope != nullptr) *slope -= x;
      return;
    case PriorShape::normal:
      value += log_peak_ - 0.5 * z * z;
      if (slope != nullptr) *slope -= z / scale_;
      return;
    case PriorShape::student_t:
    case PriorShape::cauchy:
      value += log_peak_ - 0.5 * (nu + 1.0) * std::log1p(z * z / nu);
      if (slope != nullptr) *slope -= (nu + 1.0) * z / (nu + z * z) / scale_;
      return;
    case PriorShape::laplace:
      value += log_peak_ - std::abs(z);
      if (slope != nullptr && z != 0.0) *slope -= std::copysign(1.0 / scale_, z);
      return;
  }
}

double CoefficientPrior::draw(double normal, double u, double v) const {
  const double nu = degrees_of_freedom_;
  switch (shape_) {
    case PriorShape::horseshoe:
      return normal;
    case PriorShape::normal:
      return scale_ * normal;
    case PriorShape::student_t:
    case PriorShape::cauchy:
      // Bailey (1994): the polar method for t.
      return scale_ * std::sqrt(nu * std::expm1(-2.0 / nu * std::log(u))) *
             std::cos(2.0 * std::numbers::pi * v);
    case PriorShape::laplace:
      return std::copysign(scale_ * std::log(u), v - 0.5);
  }
  return 0.0;
}

void add_log_scale(ScalePrior prior, double prior_scale, double log_x, double& value, double* slope) {
  const double ratio = std::exp(log_x) / prior_scale;
  if (prior == ScalePrior::half_normal) {
    value += std::numbers::ln2 - half_log_two_pi - std::log(prior_scale) - 0.5 * ratio * ratio + log_x;
    if (slope != nullptr) *slope += 1.0 - ratio * ratio;
  } else {
    value += log_x - std::log(prior_scale) - ratio;
    if (slope != nullptr) *slope += 1.0 - ratio;
  }
}

void add_log_half_cauchy(double scale, double log_x, double& value, double* slope) {
  const double ratio = std::exp(log_x) / scale, square = ratio * ratio;
  // log(1 + ratio^2) by the larger, so that nothing overflows.
  const double log_tail = ratio > 1e8 ? 2.0 * (log_x - std::log(scale)) : std::log1p(square);
  value += std::log(2.0 / std::numbers::pi) + log_x - std::log(scale) - log_tail;
  if (slope != nullptr) *slope += ratio > 1e8 ? -1.0 : (1.0 - square) / (1.0 + square);
}

void add_log_slab(double log_x, double& value, double* slope) {
  const double precision = std::exp(-2.0 * log_x);
  value += std::log(8.0) - 4.0 * log_x - 2.0 * precision;
  if (slope != nullptr) *slope += 4.0 * precision - 4.0;
}

std::vector<CoefficientPrior> coefficient_priors(const GlmOptions& options, const DesignSchema& schema) {
  const auto shapes = by_coefficient("prior", options.prior, options.prior_by_name, schema);
  const auto scales = by_coefficient("prior_scale", options.prior_scale, options.prior_scale_by_name, schema);
  const auto degrees = by_coefficient("prior_degrees_of_freedom", options.prior_degrees_of_freedom,
                                      options.prior_degrees_of_freedom_by_name, schema);
  std::vector<CoefficientPrior> priors;
  for (std::size_t j = 0; j < shapes.size(); ++j) priors.emplace_back(shapes[j], scales[j], degrees[j]);
  return priors;
}

Vector coefficient_sds(const GlmOptions& options, const DesignSchema& schema) {
  const std::vector<CoefficientPrior> priors = coefficient_priors(options, schema);
  Vector sds(schema.num_columns());
  for (Index j = 0; j < sds.size(); ++j) {
    const CoefficientPrior& prior = priors[static_cast<std::size_t>(j)];
    if (prior.shape() != PriorShape::normal) return {};
    sds[j] = prior.scale();
  }
  return sds;
}

template <class ValueOf, class SlopeOf>
void Glm::Impl::add_priors(ConstVec theta, ValueOf value, SlopeOf slope) const {
  for (Index k = 0; k < layout.classes; ++k) {
    if (layout.intercept >= 0) {
      const Index i = layout.intercept + k;
      add_normal(theta[i], options.intercept_prior_scale, value(i), slope(i));
    }
    for (Index j = 0; j < layout.columns; ++j) {
      const Index i = layout.beta + k * layout.columns + j;
      priors[static_cast<std::size_t>(j)].add(theta[i], value(i), slope(i));
    }
  }
  if (layout.cutpoints >= 0) add_cutpoint_priors(theta, value, slope);
  if (layout.horseshoe()) {
    for (Index i = layout.local_scale; i < layout.global_scale; ++i)
      add_log_half_cauchy(1.0, theta[i], value(i), slope(i));
    const Index global = layout.global_scale, slab = layout.slab_scale;
    add_log_half_cauchy(options.prior_global_scale, theta[global], value(global), slope(global));
    add_log_slab(theta[slab], value(slab), slope(slab));
  }
  for (std::size_t k = 0; k < 2; ++k) {
    const ScaleKind kind = traits(options.likelihood).scales[k];
    const Index i = layout.scales[k];
    if (i < 0) continue;
    if (has_scale_prior(kind)) {
      add_log_scale(options.scale_prior, options.scale_prior_scale, theta[i], value(i), slope(i));
    } else if (kind == ScaleKind::zero_probability) {
      add_log_odds(theta[i], value(i), slope(i));
    } else {
      add_log_gamma(gamma_rate(kind), theta[i], value(i), slope(i));
    }
  }
}

// Of numbers put in order, which is one of as many orders as there are.
template <class ValueOf, class SlopeOf>
void Glm::Impl::add_cutpoint_priors(ConstVec theta, ValueOf value, SlopeOf slope) const {
  const Index first = layout.cutpoints, n = layout.num_cutpoints;
  Vector slopes = Vector::Zero(n);
  double cutpoint = theta[first];
  value(first) += special::log_gamma(static_cast<double>(n + 1));
  for (Index k = 0; k < n; ++k) {
    if (k > 0) {
      cutpoint += std::exp(theta[first + k]);
      value(first + k) += theta[first + k];
    }
    add_normal(cutpoint, options.intercept_prior_scale, value(first + k), &slopes[k]);
  }
  for (Index k = 0; k < n; ++k) {
    if (slope(first + k) == nullptr) return;
    const double above = slopes.tail(n - k).sum();
    *slope(first + k) += k == 0 ? above : above * std::exp(theta[first + k]) + 1.0;
  }
}

void Glm::log_prior(ConstMat theta, Vec value, Mat grad) const {
  for (Index s = 0; s < theta.cols(); ++s) {
    impl_->add_priors(
        theta.col(s), [&](Index) -> double& { return value[s]; },
        [&](Index i) { return grad.cols() > 0 ? &grad(i, s) : nullptr; });
  }
}

std::vector<Parameter> Glm::log_prior_terms() const {
  return parameters().list();
}

void Glm::compute_log_prior_terms(ConstMat theta, Mat values) const {
  values.setZero();
  for (Index s = 0; s < theta.cols(); ++s) {
    impl_->add_priors(
        theta.col(s), [&](Index i) -> double& { return values(i, s); },
        [](Index) -> double* { return nullptr; });
    // Without the log of the Jacobian.
    const GlmLayout& layout = impl_->layout;
    for (Index k = 1; k < layout.num_cutpoints; ++k)
      values(layout.cutpoints + k, s) -= theta(layout.cutpoints + k, s);
    for (Index i = layout.local_scale; layout.horseshoe() && i <= layout.slab_scale; ++i)
      values(i, s) -= theta(i, s);
    for (std::size_t k = 0; k < 2; ++k) {
      const Index i = layout.scales[k];
      if (i < 0) continue;
      const bool odds = traits(impl_->options.likelihood).scales[k] == ScaleKind::zero_probability;
      values(i, s) = odds ? 0.0 : values(i, s) - theta(i, s);
    }
  }
}

Vector Glm::draw_start(const Address& at, Reach reach) const {
  const GlmLayout& layout = impl_->layout;
  const GlmOptions& options = impl_->options;
  if (reach == Reach::near) return Model::draw_start(at, reach);
  const Index d = layout.parameters.size();
  Vector theta(d);
  const auto draw = [&](Index i) { return normal(at, static_cast<std::uint32_t>(i)); };
  // As many of them as wanted for a coordinate.
  const auto uniform_number = [&](Index i, Index which) {
    return uniform(at, static_cast<std::uint32_t>(i + (1 + which) * (d + d % 2)));
  };
  const auto exponential = [&](Index i, Index which) { return -std::log(uniform_number(i, which)); };
  for (Index k = 0; k < layout.classes; ++k) {
    if (layout.intercept >= 0) {
      theta(layout.intercept + k) = options.intercept_prior_scale * draw(layout.intercept + k);
    }
    for (Index j = 0; j < layout.columns; ++j) {
      const Index i = layout.beta + k * layout.columns + j;
      theta(i) = impl_->priors[static_cast<std::size_t>(j)].draw(draw(i), uniform_number(i, 0),
                                                                 uniform_number(i, 1));
    }
  }
  if (layout.cutpoints >= 0) {
    Vector cutpoints(layout.num_cutpoints);
    for (Index k = 0; k < cutpoints.size(); ++k)
      cutpoints[k] = options.intercept_prior_scale * draw(layout.cutpoints + k);
    std::sort(cutpoints.begin(), cutpoints.end());
    theta(layout.cutpoints) = cutpoints[0];
    for (Index k = 1; k < cutpoints.size(); ++k)
      theta(layout.cutpoints + k) = std::log(cutpoints[k] - cutpoints[k - 1]);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    const ScaleKind kind = traits(options.likelihood).scales[k];
    const Index i = layout.scales[k];
    if (i < 0) continue;
    if (has_scale_prior(kind)) {
      const double size =
          options.scale_prior == ScalePrior::half_normal ? std::abs(draw(i)) : exponential(i, 0);
      theta(i) = std::log(options.scale_prior_scale * size);
    } else if (kind == ScaleKind::zero_probability) {
      const double u = std::exp(-exponential(i, 0));
      theta(i) = std::log(u) - std::log1p(-u);
    } else {
      theta(i) = std::log((exponential(i, 0) + exponential(i, 1)) / gamma_rate(kind));
    }
  }
  if (layout.horseshoe()) {
    for (Index i = layout.local_scale; i <= layout.global_scale; ++i) {
      const double scale = i == layout.global_scale ? options.prior_global_scale : 1.0;
      theta(i) = std::log(scale * std::tan(0.5 * std::numbers::pi * uniform_number(i, 0)));
    }
    const Index i = layout.slab_scale;
    theta(i) = 0.5 * std::log(2.0 / (exponential(i, 0) + exponential(i, 1)));
  }
  return theta;
}

}  // namespace vfe
