#include "model/mixed_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>

#include "model/row_expansion.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/special.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/model/glm_prior.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {
namespace {

constexpr Index most_promoted_levels = 2000, most_quadrature_effects = 3, most_effects = 16;

Dimension effect_dimension(const GroupEffects& effects) {
  Dimension dimension{effects.name + "_effect", effects.size(), {}};
  for (const Column& column : effects.columns) dimension.labels.push_back(column.name);
  return dimension;
}

/// "intercept,x"
Dimension pair_dimension(const GroupEffects& effects) {
  Dimension dimension{effects.name + "_pair", 0, {}};
  for (std::size_t i = 1; i < effects.columns.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      dimension.labels.push_back(effects.columns[j].name + "," + effects.columns[i].name);
  dimension.size = std::ssize(dimension.labels);
  return dimension;
}

Parameter correlation_parameter(const GroupEffects& effects) {
  if (effects.size() == 2) {
    return {.name = "cor_" + effects.name,
            .dimensions = {pair_dimension(effects)},
            .transform = Transform::bounded,
            .lower = -1.0,
            .upper = 1.0};
  }
  Dimension rows = effect_dimension(effects), columns = rows;
  columns.name += "_2";
  return {.name = "cor_cholesky_" + effects.name,
          .dimensions = {rows, columns},
          .transform = Transform::correlation_cholesky};
}

Parameter correlation_quantity(const std::string& name, const GroupEffects& effects) {
  return {.name = name,
          .dimensions = {pair_dimension(effects)},
          .transform = Transform::bounded,
          .lower = -1.0,
          .upper = 1.0};
}

Parameter positive(const std::string& name, const Dimension& dimension) {
  return {.name = name, .dimensions = {dimension}, .transform = Transform::positive, .lower = 0.0};
}

/// What options say, by grouping or effect.
template <class T>
std::vector<T> by_effect(const std::map<std::string, T>& by_name, T otherwise, const GroupEffects& effects) {
  std::vector<T> all(static_cast<std::size_t>(effects.size()), otherwise);
  const auto of_grouping = by_name.find(effects.name);
  if (of_grouping != by_name.end()) std::fill(all.begin(), all.end(), of_grouping->second);
  for (std::size_t j = 0; j < all.size(); ++j) {
    const auto found = by_name.find(fmt::format("{}[{}]", effects.name, effects.columns[j].name));
    if (found != by_name.end()) all[j] = found->second;
  }
  return all;
}

template <class T>
void require_known(const std::string& key, const std::map<std::string, T>& by_name, bool effects_too,
                   const DesignSchema& schema) {
  for (const auto& [name, value] : by_name) {
    const bool is_known = std::ranges::any_of(schema.effects, [&](const GroupEffects& effects) {
      return effects.name == name ||
             (effects_too && std::ranges::any_of(effects.columns, [&](const Column& column) {
                return fmt::format("{}[{}]", effects.name, column.name) == name;
              }));
    });
    if (is_known) continue;
    throw Error(Fault::config, fmt::format("model: {}.{} names no {} of the formula", key, name,
                                           effects_too ? "groups or effect of groups" : "groups"));
  }
}

void require_positive(const std::string& key, double value) {
  if (value > 0.0 && std::isfinite(value)) return;
  throw Error(Fault::config, fmt::format("model: {} is {}, expected a positive number", key, value));
}

void require_valid(const GlmOptions& options, const DesignSchema& schema) {
  require_known("group_prior", options.group_prior_by_name, true, schema);
  require_known("group_prior_scale", options.group_prior_scale_by_name, true, schema);
  require_known("correlation_prior", options.correlation_prior_by_name, false, schema);
  require_positive("group_prior_scale", options.group_prior_scale);
  require_positive("correlation_prior", options.correlation_prior);
  for (const auto& [name, scale] : options.group_prior_scale_by_name)
    require_positive("group_prior_scale." + name, scale);
  for (const auto& [name, shape] : options.correlation_prior_by_name)
    require_positive("correlation_prior." + name, shape);
}

/// Levels of a grouping whose effects could be parameters; 0: of no such.
Index num_levels(const GroupEffects& effects, const DesignSchema& schema) {
  return effects.keys.size() == 1 ? schema.keys[static_cast<std::size_t>(effects.keys.front())].num_levels
                                  : 0;
}

std::string shown(const GroupEffects& effects) {
  return fmt::format("effects of the groups {}", effects.name);
}

void require_integrable(const GlmOptions& options, const GroupEffects& effects, const GroupEffects* outer) {
  const bool exact = options.likelihood == Likelihood::linear;
  const Index most = exact ? most_effects : most_quadrature_effects;
  const Index size = effects.size() + (outer == nullptr ? 0 : outer->size());
  if (size <= most) return;
  throw Error(Fault::config,
              fmt::format("model: {} {}{}, which cannot be integrated: expected at most {} for a {} response",
                          size, shown(effects), outer == nullptr ? "" : " and " + outer->name, most,
                          to_string(options.likelihood)));
}

void require_few_levels(const GroupEffects& effects, const GroupEffects& integrated,
                        const DesignSchema& schema) {
  const Index levels = num_levels(effects, schema);
  if (levels > 0 && levels <= most_promoted_levels) return;
  throw Error(
      Fault::config,
      fmt::format("model: {} beside those of {}, which are integrated: expected a factor of at most {} "
                  "levels, whose effects are parameters, found {}",
                  shown(effects), integrated.name, most_promoted_levels,
                  levels > 0 ? fmt::format("{} levels", levels) : "groups without a list of levels"));
}

// log of the integral of |C|^(shape - 1) over correlation matrices of n (Lewandowski et al. 2009, eq. 16).
double log_correlation_volume(Index n, double shape) {
  double sum = 0.0;
  for (Index k = 1; k < n; ++k) {
    const double left = static_cast<double>(n - k), a = shape + 0.5 * (left - 1.0);
    const double log_beta = 2.0 * special::log_gamma(a) - special::log_gamma(2.0 * a);
    sum += (2.0 * shape - 2.0 + left) * left * std::numbers::ln2 + left * log_beta;
  }
  return sum;
}

}  // namespace

std::size_t integrated_effects(const DesignSchema& schema) {
  const auto size = [&](const GroupEffects& effects) {
    const Index levels = num_levels(effects, schema);
    return std::pair(effects.keys.size(), levels == 0 ? std::numeric_limits<Index>::max() : levels);
  };
  const auto most =
      std::max_element(schema.effects.begin(), schema.effects.end(),
                       [&](const GroupEffects& a, const GroupEffects& b) { return size(a) < size(b); });
  return static_cast<std::size_t>(most - schema.effects.begin());
}

std::optional<std::size_t> outer_effects(const DesignSchema& schema) {
  const std::vector<Index>& inner = schema.effects[integrated_effects(schema)].keys;
  std::optional<std::size_t> most;
  for (std::size_t e = 0; e < schema.effects.size(); ++e) {
    const std::vector<Index>& keys = schema.effects[e].keys;
    const bool holds = keys.size() < inner.size() && std::ranges::all_of(keys, [&](Index key) {
                         return std::ranges::count(inner, key) > 0;
                       });
    if (holds && (!most || keys.size() > schema.effects[*most].keys.size())) most = e;
  }
  return most;
}

Matrix EffectsLayout::correlation_factor(ConstVec theta) const {
  Matrix lower = Matrix::Identity(size, size);
  if (correlations.size() == 0) return lower;
  Vector values(correlations.num_constrained());
  correlations.constrain(theta.segment(correlation, correlations.size()), values);
  if (size == 2) {
    lower(1, 0) = values[0];
    lower(1, 1) = std::sqrt((1.0 - values[0]) * (1.0 + values[0]));
  } else {
    lower = Eigen::Map<const Rows::RowMajor<double>>(values.data(), size, size);
  }
  return lower;
}

Matrix EffectsLayout::factor(ConstVec theta) const {
  return theta.segment(sd, size).array().exp().matrix().asDiagonal() * correlation_factor(theta);
}

void EffectsLayout::pull_back(ConstVec theta, ConstMat by_factor, Vec grad) const {
  const Vector sds = theta.segment(sd, size).array().exp();
  const Matrix lower = correlation_factor(theta);
  grad.segment(sd, size) += sds.cwiseProduct((by_factor.cwiseProduct(lower)).rowwise().sum());
  if (correlations.size() == 0) return;
  const Matrix by_lower = sds.asDiagonal() * by_factor;
  Vector by_values(correlations.num_constrained());
  if (size == 2) {
    // d sqrt(1 - r^2) / dr; at its ends the slope of the transform is 0 faster.
    const double r = lower(1, 0), rest = lower(1, 1);
    by_values[0] = by_lower(1, 0) - (rest > 0.0 ? by_lower(1, 1) * r / rest : 0.0);
  } else {
    Eigen::Map<Rows::RowMajor<double>>(by_values.data(), size, size) = by_lower;
  }
  // pull_back() adds the gradient of the Jacobian, which is the prior's.
  const auto own = theta.segment(correlation, correlations.size());
  Vector slope = Vector::Zero(correlations.size()), of_jacobian = slope;
  correlations.pull_back(own, by_values, slope);
  correlations.pull_back(own, Vector::Zero(by_values.size()), of_jacobian);
  grad.segment(correlation, correlations.size()) += slope - of_jacobian;
}

void EffectsLayout::add_log_prior(ConstVec theta, Vec of_sds, double& of_correlations, bool jacobian,
                                  Vec grad) const {
  const bool wants_gradient = grad.size() > 0;
  for (Index j = 0; j < size; ++j) {
    const auto i = static_cast<std::size_t>(j);
    add_log_scale(sd_priors[i], sd_scales[i], theta[sd + j], of_sds[j],
                  wants_gradient ? &grad[sd + j] : nullptr);
    if (!jacobian) of_sds[j] -= theta[sd + j];
  }
  if (correlations.size() == 0) return;
  const auto own = theta.segment(correlation, correlations.size());
  Vector values(correlations.num_constrained()), by_values = Vector::Zero(values.size());
  const double log_jacobian = correlations.constrain(own, values);
  of_correlations -= log_correlation_volume(size, correlation_shape);
  if (jacobian) of_correlations += log_jacobian;
  if (size == 2) {
    const double r = values[0], power = correlation_shape - 1.0;
    if (power != 0.0) of_correlations += power * (std::log1p(-r) + std::log1p(r));
    by_values[0] = power * (1.0 / (1.0 + r) - 1.0 / (1.0 - r));
  } else {
    for (Index i = 1; i < size; ++i) {
      const double power = static_cast<double>(size - i - 1) + 2.0 * correlation_shape - 2.0;
      const double diagonal = values[i * size + i];
      if (power != 0.0) of_correlations += power * std::log(diagonal);
      by_values[i * size + i] = power / diagonal;
    }
  }
  if (wants_gradient) correlations.pull_back(own, by_values, grad.segment(correlation, correlations.size()));
}

Eigen::Map<const Matrix> EffectsLayout::latents(ConstVec theta) const {
  return {theta.data() + latent, size, levels};
}

Matrix EffectsLayout::effects_at(ConstVec theta) const {
  return is_centred() ? Matrix(latents(theta)) : factor(theta) * latents(theta);
}

void EffectsLayout::pull_back_effects(ConstVec theta, ConstMat by_effects, Vec grad) const {
  Eigen::Map<Matrix> by_latents(grad.data() + latent, size, levels);
  if (is_centred()) {
    by_latents += by_effects;
    return;
  }
  by_latents.noalias() += factor(theta).transpose() * by_effects;
  pull_back(theta, by_effects * latents(theta).transpose(), grad);
}

void EffectsLayout::add_log_prior_of_latents(ConstVec theta, double& value, Vec grad) const {
  const auto count = static_cast<double>(levels);
  value -= count * static_cast<double>(size) * 0.5 * std::log(2.0 * std::numbers::pi);
  if (!is_centred()) {
    value -= 0.5 * latents(theta).squaredNorm();
    if (grad.size() > 0) grad.segment(latent, size * levels) -= theta.segment(latent, size * levels);
    return;
  }
  const Matrix own = factor(theta);
  const Matrix z = own.triangularView<Eigen::Lower>().solve(Matrix(latents(theta)));
  value -= 0.5 * z.squaredNorm() + count * own.diagonal().array().log().sum();
  if (grad.size() == 0) return;
  const Matrix slope = own.transpose().triangularView<Eigen::Upper>().solve(z);
  Eigen::Map<Matrix>(grad.data() + latent, size, levels) -= slope;
  Matrix by_factor = slope * z.transpose();
  by_factor.diagonal() -= count * own.diagonal().cwiseInverse();
  by_factor.triangularView<Eigen::StrictlyUpper>().setZero();
  pull_back(theta, by_factor, grad);
}

MixedLayout mixed_layout(const GlmOptions& options, const DesignSchema& schema, Index first_coordinate) {
  require_valid(options, schema);
  if (!glm_kernel::can_expand(options.likelihood)) {
    throw Error(Fault::config,
                fmt::format("model: no {} model of {}; expected linear, student_t, logistic, binomial, "
                            "poisson or negative_binomial",
                            to_string(options.likelihood), shown(schema.effects.front())));
  }
  MixedLayout layout;
  layout.integrated = integrated_effects(schema);
  layout.outer = outer_effects(schema);
  const GroupEffects& integrated = schema.effects[layout.integrated];
  const GroupEffects* outer = layout.outer ? &schema.effects[*layout.outer] : nullptr;
  require_integrable(options, integrated, outer);
  Index next = first_coordinate;
  std::vector<Parameter> originals, latents;
  const bool is_scaled = is_real(options.likelihood) && schema.response_scale != 1.0;
  for (const GroupEffects& effects : schema.effects) {
    const bool is_parameter = &effects != &integrated && &effects != outer;
    if (is_parameter) require_few_levels(effects, integrated, schema);
    EffectsLayout own{.effects = &effects, .size = effects.size(), .sd = next};
    own.sd_priors = by_effect(options.group_prior_by_name, options.group_prior, effects);
    own.sd_scales = by_effect(options.group_prior_scale_by_name, options.group_prior_scale, effects);
    const auto shape = options.correlation_prior_by_name.find(effects.name);
    own.correlation_shape =
        shape == options.correlation_prior_by_name.end() ? options.correlation_prior : shape->second;
    const bool has_correlations = effects.correlated && effects.size() > 1;
    own.has_original_sds = is_scaled || std::ranges::any_of(effects.columns, [](const Column& column) {
                             return column.centre != 0.0 || column.scale != 1.0;
                           });
    layout.parameters.push_back(positive("sd_" + effects.name, effect_dimension(effects)));
    layout.quantities.push_back(layout.parameters.back());
    next += own.size;
    if (has_correlations) {
      const Parameter parameter = correlation_parameter(effects);
      own.correlations = Parameters({parameter});
      own.correlation = next;
      next += own.correlations.size();
      layout.parameters.push_back(parameter);
      layout.quantities.push_back(correlation_quantity("cor_" + effects.name, effects));
      if (effects.size() > 2) latents.push_back(parameter);
    }
    own.has_original_correlations =
        own.has_original_sds && effects.size() > 1 && (effects.correlated || effects.has_intercept);
    if (own.has_original_sds)
      originals.push_back(positive("sd_" + effects.name + original_suffix, effect_dimension(effects)));
    if (own.has_original_correlations)
      originals.push_back(correlation_quantity("cor_" + effects.name + original_suffix, effects));
    if (is_parameter) {
      const GroupKey& key = schema.keys[static_cast<std::size_t>(effects.keys.front())];
      own.latent = next;
      own.levels = key.num_levels;
      next += own.levels * own.size;
      Parameter latent{.name = (effects.centred ? "b_" : "z_") + effects.name,
                       .dimensions = {{effects.name, own.levels, key.levels}, effect_dimension(effects)}};
      layout.parameters.push_back(latent);
      latents.push_back(std::move(latent));
    }
    layout.groupings.push_back(std::move(own));
  }
  for (auto* more : {&originals, &latents})
    layout.quantities.insert(layout.quantities.end(), more->begin(), more->end());
  return layout;
}

EffectMoments effects_of(ConstMat factor) {
  const Index size = factor.rows();
  EffectMoments moments{factor.rowwise().norm(), Vector(size * (size - 1) / 2)};
  Index pair = 0;
  for (Index i = 1; i < size; ++i)
    for (Index j = 0; j < i; ++j)
      moments.correlation[pair++] = factor.row(i).dot(factor.row(j)) / (moments.sd[i] * moments.sd[j]);
  return moments;
}

Matrix original_factor(const GroupEffects& effects, ConstMat factor, double response_scale) {
  Matrix original = factor;
  for (Index j = 0; j < effects.size(); ++j)
    original.row(j) /= effects.columns[static_cast<std::size_t>(j)].scale;
  // The intercept takes what centring takes away.
  for (Index j = 1; effects.has_intercept && j < effects.size(); ++j)
    original.row(0) -= effects.columns[static_cast<std::size_t>(j)].centre * original.row(j);
  return original * response_scale;
}

}  // namespace vfe
