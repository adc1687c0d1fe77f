#include "vfe/model/glm_likelihood.hpp"

#include <fmt/format.h>

#include "vfe/core/error.hpp"

namespace vfe {

const std::vector<LikelihoodTraits>& likelihoods() {
  using enum ScaleKind;
  static const std::vector<LikelihoodTraits> all{
      {Likelihood::linear, "linear", Support::real, {sigma, none}},
      {Likelihood::student_t, "student_t", Support::real, {sigma, nu}},
      {Likelihood::logistic, "logistic", Support::binary},
      {Likelihood::poisson, "poisson", Support::count},
      {Likelihood::negative_binomial, "negative_binomial", Support::count, {overdispersion, none}},
      {Likelihood::softmax, "softmax", Support::classes},
      {Likelihood::binomial, "binomial", Support::count_of_trials},
      {Likelihood::ordinal, "ordinal", Support::classes},
      {Likelihood::zero_inflated_poisson, "zero_inflated_poisson", Support::count, {zero_probability, none}},
      {Likelihood::zero_inflated_negative_binomial,
       "zero_inflated_negative_binomial",
       Support::count,
       {overdispersion, zero_probability}},
      {Likelihood::hurdle_poisson, "hurdle_poisson", Support::count, {zero_probability, none}},
      {Likelihood::hurdle_negative_binomial,
       "hurdle_negative_binomial",
       Support::count,
       {overdispersion, zero_probability}},
      {Likelihood::gamma, "gamma", Support::positive, {shape, none}},
      {Likelihood::beta, "beta", Support::unit, {precision, none}},
      {Likelihood::lognormal, "lognormal", Support::positive, {sigma, none}},
      {Likelihood::exponential, "exponential", Support::positive, {none, none}, true},
      {Likelihood::weibull, "weibull", Support::positive, {shape, none}, true},
  };
  return all;
}

const LikelihoodTraits& traits(Likelihood likelihood) {
  return likelihoods().at(static_cast<std::size_t>(likelihood));
}

std::string to_string(ScaleKind kind) {
  switch (kind) {
    case ScaleKind::none:
      return "";
    case ScaleKind::sigma:
      return "sigma";
    case ScaleKind::nu:
      return "nu";
    case ScaleKind::overdispersion:
      return "overdispersion";
    case ScaleKind::zero_probability:
      return "zero_probability";
    case ScaleKind::shape:
      return "shape";
    case ScaleKind::precision:
      return "precision";
  }
  throw Error(Fault::bug, fmt::format("scale {} has no name", static_cast<int>(kind)));
}

Likelihood likelihood_from_string(const std::string& name) {
  std::string known;
  for (const LikelihoodTraits& one : likelihoods()) {
    if (name == one.name) return one.likelihood;
    known += known.empty() ? one.name : std::string(", ") + one.name;
  }
  throw Error(Fault::config, fmt::format("model type is \"{}\", expected one of {}", name, known));
}

std::string to_string(Likelihood likelihood) {
  return traits(likelihood).name;
}

bool is_real(Likelihood likelihood) {
  return traits(likelihood).support == Support::real;
}

bool has_classes(Likelihood likelihood) {
  return traits(likelihood).support == Support::classes;
}

bool takes_levels(Likelihood likelihood) {
  return has_classes(likelihood) || traits(likelihood).support == Support::binary;
}

}  // namespace vfe
