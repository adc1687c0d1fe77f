#pragma once
#include <array>
#include <string>
#include <vector>

namespace vfe {

/// Likelihoods of a response given the linear predictor eta = offset + intercept + x beta, where x is the
/// design with all of its zeros.
/// For |eta| up to 1e4 every density and gradient is finite or at its limit: where the mean, or what the
/// response is in units of it, is no double (Poisson: eta above 709), the density is 0 (log density
/// -infinity, gradient 0).
///   linear             y ~ normal(eta, sigma)                       sigma unknown, or known
///   student_t          y ~ student_t(nu, eta, sigma)                nu estimated (gamma(2, 0.1)) or fixed
///   logistic           y in {0, 1}, log odds eta
///   poisson            y ~ poisson(exp eta)
///   negative_binomial  mean exp eta, variance mean + overdispersion mean^2
///   softmax            y in {0 .. K-1}, class 0 is the reference; intercept and beta per other class
///   binomial           y successes in so many trials, log odds eta
///   ordinal            y in {0 .. K-1}: P(y <= k) = 1 / (1 + exp(eta - cutpoints[k])); no intercept
///   zero_inflated_...  0 with probability zero_probability, else one of the count distributions above
///   hurdle_...         0 with probability zero_probability, else one of them given that it is above 0
///   gamma              y > 0: mean exp eta, variance mean^2 / shape
///   beta               0 < y < 1: log odds of the mean eta; beta(mean precision, (1 - mean) precision)
///   lognormal          log y ~ normal(eta, sigma)
///   exponential        y > 0: mean exp eta                          right-censored, or not
///   weibull            y > 0: P(y > t) = exp(-(t / exp eta)^shape)  likewise
enum class Likelihood {
  linear,
  student_t,
  logistic,
  poisson,
  negative_binomial,
  softmax,
  binomial,
  ordinal,
  zero_inflated_poisson,
  zero_inflated_negative_binomial,
  hurdle_poisson,
  hurdle_negative_binomial,
  gamma,
  beta,
  lognormal,
  exponential,
  weibull
};

/// A parameter of a response's distribution beside the linear predictor. The kernel and theta have its log;
/// of the probability, the log odds.
enum class ScaleKind { none, sigma, nu, overdispersion, zero_probability, shape, precision };

std::string to_string(ScaleKind kind);  ///< the name of the parameter

/// Where responses are.
enum class Support { real, binary, count, count_of_trials, classes, positive, unit };

struct LikelihoodTraits {
  Likelihood likelihood = Likelihood::linear;
  const char* name = "";
  Support support = Support::real;
  std::array<ScaleKind, 2> scales{ScaleKind::none, ScaleKind::none};
  bool takes_censoring = false;  ///< from the right
};

/// All of them, in the order of the enumeration.
const std::vector<LikelihoodTraits>& likelihoods();
const LikelihoodTraits& traits(Likelihood likelihood);

Likelihood likelihood_from_string(const std::string& name);  ///< throws Fault::config
std::string to_string(Likelihood likelihood);
bool is_real(Likelihood likelihood);       ///< whether the response is a real number (linear, student_t)
bool takes_levels(Likelihood likelihood);  ///< whether it may be a factor (logistic, softmax, ordinal)
bool has_classes(Likelihood likelihood);   ///< whether it is one of several classes (softmax, ordinal)

}  // namespace vfe
