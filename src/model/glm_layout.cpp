#include "vfe/model/glm_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr std::array<std::pair<Likelihood, const char*>, 6> likelihood_names = {{
    {Likelihood::linear, "linear"},
    {Likelihood::student_t, "student_t"},
    {Likelihood::logistic, "logistic"},
    {Likelihood::poisson, "poisson"},
    {Likelihood::negative_binomial, "negative_binomial"},
    {Likelihood::softmax, "softmax"},
}};

std::vector<std::string> class_labels(const Schema& schema) {
  std::vector<std::string> labels = schema.response_levels;
  for (Index k = static_cast<Index>(labels.size()); k < schema.response_classes; ++k) {
    labels.push_back(std::to_string(k));
  }
  if (labels.size() < 2) {
    throw Error(Fault::data,
                fmt::format("softmax model of response \"{}\": the dataset names {} classes, expected at "
                            "least 2 (attributes response_levels or response_classes)",
                            schema.response, labels.size()));
  }
  labels.erase(labels.begin());
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

void require_valid(const GlmOptions& options) {
  require_positive(options.prior_scale, "prior_scale");
  require_positive(options.intercept_prior_scale, "intercept_prior_scale");
  require_positive(options.scale_prior_scale, "scale_prior_scale");
  for (const auto& [name, scale] : options.prior_scale_by_name)
    require_positive(scale, "prior_scale." + name);
  if (options.known_sigma) require_positive(*options.known_sigma, "known_sigma");
  if (options.degrees_of_freedom) require_positive(*options.degrees_of_freedom, "degrees_of_freedom");
}

bool is_centred(const GlmLayout& layout, const Schema& schema) {
  return layout.response_centre != 0.0 ||
         std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const Column& column) { return column.centre != 0.0; });
}

bool is_standardised(const GlmLayout& layout, const Schema& schema) {
  return layout.response_centre != 0.0 || layout.response_scale != 1.0 ||
         std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const Column& column) { return column.centre != 0.0 || column.scale != 1.0; });
}

void require_levels(Likelihood likelihood, const Schema& schema) {
  const std::vector<std::string>& levels = schema.response_levels;
  if (likelihood != Likelihood::logistic || levels.empty() || levels.size() == 2) return;
  throw Error(Fault::data, fmt::format("logistic model of response \"{}\": the dataset names {} levels, "
                                       "expected two{}",
                                       schema.response, levels.size(),
                                       levels.size() > 2 ? " (model.type = \"softmax\" takes more)" : ""));
}

}  // namespace

Likelihood likelihood_from_string(const std::string& name) {
  std::string known;
  for (const auto& [likelihood, its_name] : likelihood_names) {
    if (name == its_name) return likelihood;
    known += known.empty() ? its_name : std::string(", ") + its_name;
  }
  throw Error(Fault::config, fmt::format("model type is \"{}\", expected one of {}", name, known));
}

std::string to_string(Likelihood likelihood) {
  for (const auto& [value, name] : likelihood_names) {
    if (value == likelihood) return name;
  }
  throw Error(Fault::bug, fmt::format("likelihood {} has no name", static_cast<int>(likelihood)));
}

bool is_real(Likelihood likelihood) {
  return likelihood == Likelihood::linear || likelihood == Likelihood::student_t;
}

bool takes_levels(Likelihood likelihood) {
  return likelihood == Likelihood::logistic || likelihood == Likelihood::softmax;
}

GlmLayout glm_layout(const GlmOptions& options, const Schema& schema) {
  require_valid(options);
  const Likelihood likelihood = options.likelihood;
  GlmLayout layout;
  layout.columns = schema.num_columns();
  require_levels(likelihood, schema);
  if (is_real(likelihood)) {
    layout.response_centre = schema.response_centre;
    layout.response_scale = schema.response_scale;
    if (!(layout.response_scale > 0.0)) {
      throw Error(Fault::data, fmt::format("response \"{}\": its scale is {}, expected a positive number",
                                           schema.response, layout.response_scale));
    }
  }
  std::vector<Dimension> classes, coefficients;
  if (likelihood == Likelihood::softmax) {
    const std::vector<std::string> labels = class_labels(schema);
    layout.classes = static_cast<Index>(labels.size());
    classes.push_back({"class", layout.classes, labels});
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
  if (options.intercept) layout.intercept = add({.name = "intercept", .dimensions = classes});
  layout.beta = next;
  if (layout.columns > 0) add({.name = "beta", .dimensions = coefficients});
  const bool noise =
      likelihood == Likelihood::student_t || (likelihood == Likelihood::linear && !options.known_sigma);
  if (noise) layout.sigma = add(positive("sigma"));
  if (likelihood == Likelihood::student_t && !options.degrees_of_freedom) layout.nu = add(positive("nu"));
  if (likelihood == Likelihood::negative_binomial) layout.overdispersion = add(positive("overdispersion"));
  if (list.empty()) {
    throw Error(Fault::config,
                "model: no parameters, since the dataset has no columns and intercept is false");
  }
  layout.parameters = Parameters(std::move(list));

  layout.quantities = layout.parameters.list();
  if (is_standardised(layout, schema)) {
    layout.original_intercept = options.intercept || is_centred(layout, schema);
    if (layout.original_intercept) {
      layout.quantities.push_back({.name = "intercept" + original_suffix, .dimensions = classes});
    }
    if (layout.columns > 0)
      layout.quantities.push_back({.name = "beta" + original_suffix, .dimensions = coefficients});
    if (noise) layout.quantities.push_back(positive("sigma" + original_suffix));
  }
  return layout;
}

Vector coefficient_scales(const GlmOptions& options, const Schema& schema) {
  Vector scales = Vector::Constant(schema.num_columns(), options.prior_scale);
  const auto assign = [&](const std::string Column::*what, const std::string& name, double scale) {
    bool found = false;
    for (Index j = 0; j < schema.num_columns(); ++j) {
      if (schema.columns[static_cast<std::size_t>(j)].*what != name) continue;
      scales[j] = scale;
      found = true;
    }
    return found;
  };
  std::vector<std::string> of_source;
  // A source speaks for all its columns, a column's own name for itself, so the latter comes last.
  for (const auto& [name, scale] : options.prior_scale_by_name) {
    if (assign(&Column::source, name, scale)) of_source.push_back(name);
  }
  for (const auto& [name, scale] : options.prior_scale_by_name) {
    const bool source = std::find(of_source.begin(), of_source.end(), name) != of_source.end();
    if (!assign(&Column::name, name, scale) && !source) {
      throw Error(Fault::config, fmt::format("model: prior_scale.{} names no column of the dataset", name));
    }
  }
  return scales;
}

Parameters glm_parameters(const GlmOptions& options, const Schema& schema) {
  return glm_layout(options, schema).parameters;
}

}  // namespace vfe
