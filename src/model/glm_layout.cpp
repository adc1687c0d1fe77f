#include "vfe/model/glm_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/model/glm_prior.hpp"

namespace vfe {
namespace {

std::vector<std::string> class_labels(Likelihood likelihood, const DesignSchema& schema) {
  std::vector<std::string> labels = schema.response_levels;
  const std::size_t least = likelihood == Likelihood::ordinal ? 3 : 2;
  if (labels.size() < least) {
    throw Error(Fault::data, fmt::format("{} model of response \"{}\": found {} levels, expected at least {}",
                                         to_string(likelihood), schema.response, labels.size(), least));
  }
  return labels;
}

void require_positive(double value, const std::string& key) {
  if (!(value > 0.0) || !std::isfinite(value)) {
    throw Error(Fault::config, fmt::format("model: {} is {}, expected a positive number", key, value));
  }
}

Parameter positive(const std::string& name) {
  Parameter parameter{.name = name, .dimensions = {}, .transform = Transform::positive};
  parameter.lower = 0.0;
  return parameter;
}

Parameter scale_parameter(ScaleKind kind) {
  if (kind != ScaleKind::zero_probability) return positive(to_string(kind));
  return {.name = to_string(kind), .transform = Transform::bounded, .lower = 0.0, .upper = 1.0};
}

/// Whether a scale is what the options say.
bool is_known(const GlmOptions& options, ScaleKind kind) {
  return kind == ScaleKind::none ||
         (kind == ScaleKind::sigma && options.likelihood == Likelihood::linear && options.known_sigma) ||
         (kind == ScaleKind::nu && options.degrees_of_freedom);
}

std::vector<Index> shrunk_coefficients(const GlmOptions& options, const DesignSchema& schema) {
  std::vector<Index> shrunk;
  const std::vector<CoefficientPrior> priors = coefficient_priors(options, schema);
  for (Index j = 0; j < schema.num_columns(); ++j)
    if (priors[static_cast<std::size_t>(j)].shape() == PriorShape::horseshoe) shrunk.push_back(j);
  return shrunk;
}

/// "low|middle": the names of what is between the classes.
Dimension cutpoint_dimension(const std::vector<std::string>& labels) {
  Dimension dimension{"cutpoint", static_cast<Index>(labels.size()) - 1, {}};
  for (std::size_t k = 1; k < labels.size(); ++k) dimension.labels.push_back(labels[k - 1] + "|" + labels[k]);
  return dimension;
}

void require_valid(const GlmOptions& options) {
  require_positive(options.prior_scale, "prior_scale");
  require_positive(options.prior_degrees_of_freedom, "prior_degrees_of_freedom");
  require_positive(options.prior_global_scale, "prior_global_scale");
  require_positive(options.intercept_prior_scale, "intercept_prior_scale");
  require_positive(options.scale_prior_scale, "scale_prior_scale");
  for (const auto& [name, scale] : options.prior_scale_by_name)
    require_positive(scale, "prior_scale." + name);
  for (const auto& [name, number] : options.prior_degrees_of_freedom_by_name)
    require_positive(number, "prior_degrees_of_freedom." + name);
  if (options.known_sigma) require_positive(*options.known_sigma, "known_sigma");
  if (options.degrees_of_freedom) require_positive(*options.degrees_of_freedom, "degrees_of_freedom");
}

// Whether anything was taken from what is constant.
bool is_centred(const GlmLayout& layout, const DesignSchema& schema) {
  return layout.response_centre != 0.0 ||
         std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const Column& column) { return column.centre != 0.0 && column.absorber < 0; });
}

bool is_standardised(const GlmLayout& layout, const DesignSchema& schema) {
  return layout.response_centre != 0.0 || layout.response_scale != 1.0 ||
         std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const Column& column) { return column.centre != 0.0 || column.scale != 1.0; });
}

void require_levels(Likelihood likelihood, const DesignSchema& schema) {
  const std::vector<std::string>& levels = schema.response_levels;
  if (likelihood != Likelihood::logistic || levels.empty() || levels.size() == 2) return;
  throw Error(Fault::data, fmt::format("logistic model of response \"{}\": the dataset names {} levels, "
                                       "expected two{}",
                                       schema.response, levels.size(),
                                       levels.size() > 2 ? " (model.type = \"softmax\" takes more)" : ""));
}

}  // namespace

GlmLayout glm_layout(const GlmOptions& options, const DesignSchema& schema) {
  require_valid(options);
  const Likelihood likelihood = options.likelihood;
  GlmLayout layout;
  layout.columns = schema.num_columns();
  const bool ordinal = likelihood == Likelihood::ordinal, has_intercept = options.intercept && !ordinal;
  if (!options.intercept && !ordinal) layout.constant_term = schema.constant_term;
  require_levels(likelihood, schema);
  if (is_real(likelihood)) {
    layout.response_centre = schema.response_centre;
    layout.response_scale = schema.response_scale;
    if (!(layout.response_scale > 0.0)) {
      throw Error(Fault::data, fmt::format("response \"{}\": its scale is {}, expected a positive number",
                                           schema.response, layout.response_scale));
    }
  }
  std::vector<Dimension> classes, coefficients, cutpoints;
  if (has_classes(likelihood)) {
    std::vector<std::string> labels = class_labels(likelihood, schema);
    if (ordinal) {
      cutpoints.push_back(cutpoint_dimension(labels));
      layout.num_cutpoints = cutpoints[0].size;
    } else {
      labels.erase(labels.begin());
      layout.classes = static_cast<Index>(labels.size());
      classes.push_back({"class", layout.classes, std::move(labels)});
    }
  }
  coefficients = classes;
  std::vector<std::string> names;
  for (const Column& column : schema.columns) names.push_back(column.name);
  coefficients.push_back({"predictor", layout.columns, names});

  std::vector<Parameter> list;
  Index next = 0;
  const auto add = [&](Parameter parameter) {
    const Index begin = next;
    next += parameter.num_constrained();
    list.push_back(std::move(parameter));
    return begin;
  };
  if (has_intercept) layout.intercept = add({.name = "intercept", .dimensions = classes});
  layout.beta = next;
  layout.shrunk = shrunk_coefficients(options, schema);
  if (layout.columns > 0) add({.name = layout.horseshoe() ? "z_beta" : "beta", .dimensions = coefficients});
  if (ordinal) {
    layout.cutpoints = add({.name = "cutpoints", .dimensions = cutpoints, .transform = Transform::ordered});
  }
  const std::array<ScaleKind, 2> kinds = traits(likelihood).scales;
  for (std::size_t i = 0; i < 2; ++i)
    if (!is_known(options, kinds[i])) layout.scales[i] = add(scale_parameter(kinds[i]));
  if (kinds[0] == ScaleKind::sigma) layout.sigma = layout.scales[0];
  if (layout.horseshoe()) {
    Parameter local = positive("local_scale");
    local.dimensions = classes;
    local.dimensions.push_back({"shrunk", static_cast<Index>(layout.shrunk.size()), {}});
    for (const Index j : layout.shrunk)
      local.dimensions.back().labels.push_back(names[static_cast<std::size_t>(j)]);
    layout.local_scale = add(local);
    layout.global_scale = add(positive("global_scale"));
    layout.slab_scale = add(positive("slab_scale"));
  }
  if (list.empty()) {
    throw Error(Fault::config, "model: no parameters: there are neither columns nor an intercept");
  }
  layout.parameters = Parameters(std::move(list));

  layout.quantities = layout.parameters.list();
  for (Parameter& quantity : layout.quantities)
    if (quantity.name == "z_beta") quantity.name = "beta";
  if (is_standardised(layout, schema)) {
    layout.original_intercept =
        has_intercept || (!ordinal && layout.constant_term < 0 && is_centred(layout, schema));
    if (layout.original_intercept) {
      layout.quantities.push_back({.name = "intercept" + original_suffix, .dimensions = classes});
    }
    if (layout.columns > 0)
      layout.quantities.push_back({.name = "beta" + original_suffix, .dimensions = coefficients});
    if (ordinal) {
      layout.quantities.push_back(
          {.name = "cutpoints" + original_suffix, .dimensions = cutpoints, .transform = Transform::ordered});
    }
    if (is_real(likelihood) && layout.sigma >= 0)
      layout.quantities.push_back(positive("sigma" + original_suffix));
  }
  return layout;
}

Parameters glm_parameters(const GlmOptions& options, const DesignSchema& schema) {
  return glm_layout(options, schema).parameters;
}

}  // namespace vfe
