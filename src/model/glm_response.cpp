#include "model/glm_response.hpp"

#include <cmath>
#include <utility>

#include "vfe/core/special.hpp"

namespace vfe {

using glm_kernel::DrawConstants;

PreparedRows prepare_response(Likelihood likelihood, const GlmLayout& layout, Rows raw) {
  PreparedRows rows{std::move(raw), {}};
  switch (traits(likelihood).support) {
    case Support::real:
      rows.y = (rows.y.array() - layout.response_centre) / layout.response_scale;
      rows.offset /= layout.response_scale;
      break;
    case Support::count_of_trials:
      rows.beside = std::move(rows.trials);
      break;
    case Support::positive:
      rows.y = rows.y.array().log();
      rows.beside = std::move(rows.censoring);
      break;
    case Support::unit:
      rows.beside = (-rows.y.array()).log1p();
      rows.y = rows.y.array().log();
      break;
    default:
      break;
  }
  return rows;
}

double data_term(Likelihood likelihood, const GlmLayout& layout, const PreparedRows& rows, Index row) {
  const double y = rows.y[row], beside = rows.beside.size() > 0 ? rows.beside[row] : 0.0;
  const auto log_factorial = [](double n) { return n < 2.0 ? 0.0 : special::log_gamma(n + 1.0); };
  switch (traits(likelihood).support) {
    case Support::real:
      return -std::log(layout.response_scale);
    case Support::count:
      return -log_factorial(y);
    case Support::count_of_trials:
      return log_factorial(beside) - log_factorial(y) - log_factorial(beside - y);
    case Support::positive:
      return beside == 0.0 ? -y : 0.0;  // of a density of log y; of one that is censored, a probability
    case Support::unit:
      return -y - beside;
    default:
      return 0.0;
  }
}

DrawConstants draw_constants(const GlmOptions& options, const GlmLayout& layout, ConstVec theta) {
  const auto scale = [&](std::size_t which, double otherwise) {
    return layout.scales[which] < 0 ? otherwise : std::exp(theta[layout.scales[which]]);
  };
  const auto coordinate = [&](std::size_t which) { return theta[layout.scales[which]]; };
  switch (options.likelihood) {
    case Likelihood::linear:
      return glm_kernel::linear_constants(
          scale(0, options.known_sigma.value_or(1.0) / layout.response_scale));
    case Likelihood::lognormal:
      return glm_kernel::linear_constants(scale(0, 1.0));
    case Likelihood::student_t:
      return glm_kernel::student_t_constants(scale(0, 1.0),
                                             scale(1, options.degrees_of_freedom.value_or(1.0)));
    case Likelihood::negative_binomial:
      return glm_kernel::negative_binomial_constants(coordinate(0));
    case Likelihood::zero_inflated_poisson:
    case Likelihood::hurdle_poisson:
      return glm_kernel::with_zeros({}, coordinate(0));
    case Likelihood::zero_inflated_negative_binomial:
    case Likelihood::hurdle_negative_binomial:
      return glm_kernel::with_zeros(glm_kernel::negative_binomial_constants(coordinate(0)), coordinate(1));
    case Likelihood::ordinal:
      return glm_kernel::ordinal_constants(theta.segment(layout.cutpoints, layout.num_cutpoints));
    case Likelihood::gamma:
      return glm_kernel::gamma_constants(coordinate(0));
    case Likelihood::beta:
      return glm_kernel::beta_constants(coordinate(0));
    case Likelihood::exponential:
      return glm_kernel::weibull_constants(0.0);
    case Likelihood::weibull:
      return glm_kernel::weibull_constants(coordinate(0));
    case Likelihood::logistic:
    case Likelihood::poisson:
    case Likelihood::softmax:
    case Likelihood::binomial:
      return {};
  }
  return {};
}

}  // namespace vfe
