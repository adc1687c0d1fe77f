#include "vfe/verdict/verdict.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <optional>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/statistics/limits.hpp"
#include "vfe/statistics/psis.hpp"
#include "vfe/statistics/rounding.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double mean_error_limit = 0.02, sd_error_limit = 0.0125;  // standard errors of the weighted moments

/// An importance estimate and its standard error.
struct Moment {
  double value = 0.0, error = 0.0;
};

/// Mean of `weighted` with the controls, columns of mean zero under q, regressed out.
Moment controlled_mean(const Eigen::ArrayXd& weighted, const Eigen::MatrixX2d& controls) {
  const double n = static_cast<double>(weighted.size());
  const Eigen::MatrixX2d spread = controls.rowwise() - controls.colwise().mean();
  const Eigen::Matrix2d gram = spread.transpose() * spread;
  const Eigen::Vector2d slope = gram.ldlt().solve(spread.transpose() * (weighted - weighted.mean()).matrix());
  const Eigen::ArrayXd rest = weighted - (controls * slope).array();
  const double value = rest.mean();
  return {value, std::sqrt((rest - value).square().sum() / n / n)};
}

/// Mean and sd of a coordinate of the posterior, in units of q: z = (theta - mean of q) / sd of q.
std::pair<Moment, Moment> posterior_moments(const Eigen::ArrayXd& weight, const Eigen::ArrayXd& z) {
  Eigen::MatrixX2d controls(z.size(), 2);
  controls << z, z.square() - 1.0;
  // The weights are self-normalised, so each integrand is centred before it is weighted (delta method).
  const double rough_mean = (weight * z).mean();
  const Eigen::ArrayXd square = (z - rough_mean).square();
  const double rough_variance = (weight * square).mean();
  Moment mean = controlled_mean(weight * (z - rough_mean), controls);
  Moment variance = controlled_mean(weight * (square - rough_variance), controls);
  // The second moment was about rough_mean; the better mean is off it by mean.value.
  variance.value += rough_variance - mean.value * mean.value;
  mean.value += rough_mean;
  const double sd = std::sqrt(std::max(variance.value, std::numeric_limits<double>::min()));
  return {mean, {sd, variance.error / (2.0 * sd)}};
}

/// Coordinate i of theta in units of q, or from d on a value in units of its own draws.
std::optional<Eigen::ArrayXd> standardise(const QUnderTest& tested, Index i) {
  const Index d = tested.theta.rows();
  if (i < d) return (tested.theta.row(i).transpose().array() - tested.mean[i]) / tested.sd[i];
  const Eigen::ArrayXd x = tested.values.row(i - d).transpose().array();
  const double mean = x.mean(), sd = std::sqrt((x - mean).square().mean());
  if (!std::isfinite(sd) || constant_to_rounding(sd, mean)) return std::nullopt;
  return (x - mean) / sd;
}

void summarise_weights(const QUnderTest& tested, Verdict& verdict) {
  const Vector& log_weight = tested.log_weight;
  const double n = static_cast<double>(log_weight.size());
  const Weights weights = weights_of(log_weight, "judging q");
  verdict.log_evidence = weights.log_mean;
  verdict.log_evidence_error = weights.log_mean_error;
  if (tested.non_finite() > 0) {
    verdict.free_energy = infinity;
    verdict.free_energy_error = nan;
  } else {
    verdict.free_energy = -log_weight.mean();
    verdict.free_energy_error = std::sqrt((log_weight.array() + verdict.free_energy).square().sum() / n / n);
  }
}

}  // namespace

std::string to_string(Grade grade) {
  switch (grade) {
    case Grade::certified:
      return "certified";
    case Grade::corrected:
      return "corrected";
    case Grade::approximate:
      return "approximate";
    case Grade::rejected:
      break;
  }
  return "rejected";
}

Grade grade_from_string(const std::string& name) {
  for (Grade grade : {Grade::certified, Grade::corrected, Grade::approximate, Grade::rejected})
    if (name == to_string(grade)) return grade;
  throw Error(
      Fault::data,
      fmt::format("verdict '{}' is unknown; expected certified, corrected, approximate or rejected", name));
}

bool trusted(Grade grade) {
  return grade == Grade::certified || grade == Grade::corrected;
}

Verdict judge(const QUnderTest& tested, const std::function<std::string(Index)>& name) {
  Verdict verdict;
  const Index num_draws = tested.log_weight.size();
  verdict.khat_limit = khat_threshold(num_draws);
  if (!(tested.log_weight.maxCoeff() > -infinity)) {
    verdict.khat = verdict.free_energy = infinity;
    verdict.log_evidence = -infinity;
    verdict.reason = fmt::format("the log density is not finite at any of the {} draws of q", num_draws);
    verdict.plain = "the log density is not finite at any draw";
    return verdict;
  }
  summarise_weights(tested, verdict);
  const Psis smoothed = psis(tested.log_weight);
  verdict.ess = smoothed.ess;
  verdict.khat = smoothed.khat;

  // Per coordinate and value: how far q is from the posterior, and how well the weights know the posterior.
  const Eigen::ArrayXd weight = smoothed.log_weights.array().exp() * static_cast<double>(num_draws);
  double worst_mean = -1.0, worst_sd = -1.0, worst_mean_error = 0.0, worst_sd_error = 0.0;
  Index mean_at = 0, sd_at = 0, error_at = 0;
  for (Index i = 0; i < tested.theta.rows() + tested.values.rows(); ++i) {
    const std::optional<Eigen::ArrayXd> standardised = standardise(tested, i);
    if (!standardised) continue;
    const Eigen::ArrayXd& z = *standardised;
    const auto [mean, sd] = posterior_moments(weight, z);
    const double mean_error = (std::abs(mean.value) + 3.0 * mean.error) / sd.value;
    const double ratio = 1.0 / sd.value;
    const double sd_error = std::abs(ratio - 1.0) + 3.0 * sd.error * ratio;
    if (mean_error > worst_mean)
      worst_mean = mean_error, mean_at = i, verdict.mean_error = std::abs(mean.value) / sd.value;
    if (sd_error > worst_sd) worst_sd = sd_error, sd_at = i, verdict.sd_ratio = ratio;
    if (std::max(mean.error / mean_error_limit, sd.error / sd_error_limit) / sd.value >
        std::max(worst_mean_error / mean_error_limit, worst_sd_error / sd_error_limit)) {
      worst_mean_error = mean.error / sd.value, worst_sd_error = sd.error / sd.value, error_at = i;
    }
  }

  const std::string tail = fmt::format("k-hat {:.2f} (limit {:.2f}), weight ESS {:.0f} of {} draws",
                                       verdict.khat, verdict.khat_limit, verdict.ess, num_draws);
  const bool weights_pass = verdict.khat <= verdict.khat_limit && verdict.ess >= limits::ess;
  // Weights without a finite variance make errors look smaller than they are.
  const double share = verdict.khat > limits::finite_variance_khat ? 0.5 : 1.0;
  const bool estimates_pass =
      worst_mean_error <= share * mean_error_limit && worst_sd_error <= share * sd_error_limit;
  const bool q_passes = worst_mean <= share * limits::mean && worst_sd <= share * limits::sd;
  const std::string distance = fmt::format(
      "its mean is off by up to {:.3f} posterior sd ({}) and its sd is {:.3f} times the posterior's ({})",
      verdict.mean_error, name(mean_at), verdict.sd_ratio, name(sd_at));
  if (!tested.objection.empty()) {
    verdict.reason = fmt::format("{}; {}", tested.objection.reason, tail);
    verdict.plain = tested.objection.plain;
  } else if (static_cast<double>(tested.non_finite()) > limits::outside * static_cast<double>(num_draws)) {
    verdict.reason =
        fmt::format("the log density is not finite at {} of {} draws of q (limit {} of them); {}",
                    tested.non_finite(), num_draws, limits::outside, tail);
    verdict.plain = "the density ends within the region of the posterior, or cannot be computed there";
  } else if (!weights_pass) {
    verdict.reason = fmt::format("q does not cover the posterior: {}", tail);
    verdict.plain = "the approximation does not cover the posterior";
  } else if (tested.non_finite() == 0 && q_passes) {
    verdict.grade = Grade::certified;
    verdict.reason = fmt::format("q agrees with the posterior: {}; {}", tail, distance);
  } else if (estimates_pass) {
    verdict.grade = Grade::corrected;
    verdict.reason = tested.non_finite() > 0
                         ? fmt::format(
                               "the log density is not finite at {} draws of q, but the weights of the "
                               "others are good: {}",
                               tested.non_finite(), tail)
                         : fmt::format("q is off ({}), but its weighted draws are good: {}", distance, tail);
  } else {
    verdict.reason = fmt::format(
        "the weighted draws know the posterior too poorly to say: "
        "standard errors {:.3f} sd of the mean (limit {}) and {:.4f} of the sd (limit {}) for {}; {}",
        worst_mean_error, share * mean_error_limit, worst_sd_error, share * sd_error_limit, name(error_at),
        tail);
    verdict.plain = "the approximation is off, and its weighted draws do not tell by how much";
  }
  return verdict;
}

}  // namespace vfe
