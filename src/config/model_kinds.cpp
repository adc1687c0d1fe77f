#include "vfe/config/model_kinds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {
namespace {

/// The row of a likelihood of Glm.
ModelKind glm(Likelihood likelihood, ModelKind kind = {}) {
  for (const ScaleKind scale : traits(likelihood).scales) {
    if (scale == ScaleKind::sigma || scale == ScaleKind::overdispersion) kind.has_scale = true;
  }
  kind.name = to_string(likelihood);
  kind.called = "a likelihood";
  kind.meaning = "the likelihood of the response given the linear predictor";
  kind.form = ModelForm::glm;
  kind.likelihood = likelihood;
  kind.tells_prior = kind.takes_dataset = kind.needs_dataset = kind.takes_formula = true;
  return kind;
}

}  // namespace

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kinds{
      glm(Likelihood::linear, {.takes_known_sigma = true}),
      glm(Likelihood::student_t, {.takes_degrees_of_freedom = true}),
      glm(Likelihood::logistic),
      glm(Likelihood::poisson),
      glm(Likelihood::negative_binomial),
      glm(Likelihood::softmax),
      glm(Likelihood::binomial),
      glm(Likelihood::ordinal),
      glm(Likelihood::zero_inflated_poisson),
      glm(Likelihood::zero_inflated_negative_binomial),
      glm(Likelihood::hurdle_poisson),
      glm(Likelihood::hurdle_negative_binomial),
      glm(Likelihood::gamma),
      glm(Likelihood::beta),
      glm(Likelihood::lognormal),
      glm(Likelihood::exponential),
      glm(Likelihood::weibull),
      {.name = "stan",
       .called = "a Stan program",
       .meaning = "a Stan program",
       .form = ModelForm::stan,
       .takes_library = true,
       .takes_source = true,
       .takes_json = true,
       .takes_shard = true},
      {.name = "plugin",
       .called = "a plugin",
       .meaning = "a library with the functions of vfe_model.h",
       .form = ModelForm::plugin,
       .tells_prior = true,
       .takes_dataset = true,
       .takes_formula = true,
       .takes_library = true,
       .takes_options = true},
      {.name = "function",
       .called = "a function",
       .meaning = "a C++ program's own",
       .form = ModelForm::function},
  };
  return kinds;
}

const ModelKind* find_model_kind(const std::string& name) {
  const auto found = std::ranges::find(model_kinds(), name, &ModelKind::name);
  return found == model_kinds().end() ? nullptr : &*found;
}

std::string model_meant(const std::string& name) {
  static const std::map<std::string, std::string> other_names{{"gaussian", "linear"},
                                                              {"normal", "linear"},
                                                              {"ols", "linear"},
                                                              {"lm", "linear"},
                                                              {"identity", "linear"},
                                                              {"student", "student_t"},
                                                              {"t", "student_t"},
                                                              {"robust", "student_t"},
                                                              {"bernoulli", "logistic"},
                                                              {"binary", "logistic"},
                                                              {"logit", "logistic"},
                                                              {"count", "poisson"},
                                                              {"log", "poisson"},
                                                              {"negbin", "negative_binomial"},
                                                              {"nb", "negative_binomial"},
                                                              {"multinomial", "softmax"},
                                                              {"categorical", "softmax"},
                                                              {"multiclass", "softmax"},
                                                              {"proportional_odds", "ordinal"},
                                                              {"cumulative", "ordinal"},
                                                              {"ordered_logistic", "ordinal"},
                                                              {"zip", "zero_inflated_poisson"},
                                                              {"zinb", "zero_inflated_negative_binomial"},
                                                              {"log_normal", "lognormal"},
                                                              {"survival", "weibull"}};
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (const auto found = other_names.find(lower); found != other_names.end()) return found->second;
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) names.push_back(kind.name);
  return meant(name, names);
}

const ModelKind& model_kind(const std::string& name) {
  if (const ModelKind* found = find_model_kind(name)) return *found;
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) names.push_back(kind.name);
  throw Error(Fault::config,
              fmt::format("model.type: found \"{}\", expected one of {}", name, fmt::join(names, ", ")));
}

}  // namespace vfe
