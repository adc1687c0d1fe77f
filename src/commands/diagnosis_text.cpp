#include "vfe/commands/diagnosis_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

/// A number with the digits that its standard error supports; all that matter where the error is not known.
std::string digits(double value, double error) {
  if (!std::isfinite(value) || !(error > 0.0) || !std::isfinite(error)) return fmt::format("{:.5g}", value);
  const int decimals = -static_cast<int>(std::floor(std::log10(error)));
  if (decimals > 12 || std::abs(value) >= 1e9) return fmt::format("{:.5g}", value);
  // No more than six figures: an error can be next to nothing, as for a Gaussian posterior.
  const int before = std::abs(value) >= 1.0 ? static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1
                     : value == 0.0         ? 0
                                            : static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(decimals, 0, std::max(0, 6 - before)));
}

std::string stage_table(const std::vector<StageCost>& stages) {
  std::string text = fmt::format("\n{:<12} {:>10} {:>8} {:>8}\n", "stage", "gradients", "calls", "seconds");
  for (const StageCost& stage : stages) {
    text += fmt::format("{:<12} {:>10} {:>8} {:>8.2f}  {}\n", stage.stage, stage.cost.gradients,
                        stage.cost.calls, stage.cost.seconds, stage.note);
  }
  return text;
}

}  // namespace

std::string verdict_text(const Verdict& verdict) {
  std::string text = fmt::format("{}: {}\n", to_string(verdict.grade), verdict.reason);
  if (!verdict.advice.empty()) text += fmt::format("to try: {}\n", verdict.advice);
  text +=
      fmt::format("free energy of q {:.3f} +- {:.1g} nats", verdict.free_energy, verdict.free_energy_error);
  if (std::isnan(verdict.log_evidence)) {
    text += fmt::format("; no log evidence: {}\n", verdict.evidence_reason);
    return text;
  }
  text +=
      fmt::format("; log evidence {:.3f} +- {:.1g} nats", verdict.log_evidence, verdict.log_evidence_error);
  if (!verdict.evidence_reason.empty()) text += fmt::format(", {}", verdict.evidence_reason);
  constexpr double telling = 3.0;  // [nats] that a bound may be away and still say something
  const double away = std::max(verdict.log_evidence - verdict.log_evidence_lower,
                               verdict.log_evidence_upper - verdict.log_evidence);
  if (std::isfinite(verdict.log_evidence_lower) && away <= telling) {
    text +=
        fmt::format(" (between {:.3f} and {:.3f})", verdict.log_evidence_lower, verdict.log_evidence_upper);
  }
  return text + "\n";
}

std::string to_text(const Diagnosis& diagnosis) {
  std::string text = verdict_text(diagnosis.verdict);
  text += fmt::format("cost: {} gradients, {} calls in sequence, {:.1f} s\n", diagnosis.gradients,
                      diagnosis.gradients_sequential, diagnosis.seconds);
  if (diagnosis.non_finite > 0) {
    text += fmt::format("{} draws had no finite log density\n", diagnosis.non_finite);
  }
  constexpr std::size_t most = 200;  // parameters come first, what a model derives from them after
  const std::span<const Coefficient> shown(diagnosis.coefficients.data(),
                                           std::min(most, diagnosis.coefficients.size()));
  std::size_t width = 12;
  const auto label = [](const Coefficient& c) { return shortened(printable(c.name), 80); };
  for (const Coefficient& coefficient : shown) width = std::max(width, label(coefficient).size());
  text += stage_table(diagnosis.stages);
  const bool with_errors =
      std::ranges::any_of(shown, [](const Coefficient& c) { return !std::isnan(c.mean_error); });
  text += fmt::format("\n{:<{}} {:>12} {:>9} {:>12} {:>9} {:>12} {:>12}\n", "", width, "mean",
                      with_errors ? "+-" : "", "sd", with_errors ? "+-" : "", "5 %", "95 %");
  const auto error = [](double e) { return std::isnan(e) ? std::string() : fmt::format("{:.1g}", e); };
  for (const Coefficient& c : shown) {
    text += fmt::format("{:<{}} {:>12} {:>9} {:>12} {:>9} {:>12} {:>12}\n", label(c), width,
                        digits(c.mean, c.mean_error), error(c.mean_error), digits(c.sd, c.sd_error),
                        error(c.sd_error), digits(c.low, c.low_error), digits(c.high, c.high_error));
  }
  if (shown.size() < diagnosis.coefficients.size()) {
    text += fmt::format("and {} more: --json lists all\n", diagnosis.coefficients.size() - shown.size());
  }
  return text;
}

std::string to_json(const Diagnosis& diagnosis) {
  nlohmann::ordered_json json;
  const Verdict& verdict = diagnosis.verdict;
  json["verdict"] = to_string(verdict.grade);
  json["reason"] = verdict.reason;
  json["khat"] = verdict.khat;
  json["khat_limit"] = verdict.khat_limit;
  json["ess"] = verdict.ess;
  json["free_energy"] = verdict.free_energy;
  json["free_energy_error"] = verdict.free_energy_error;
  json["log_evidence"] = verdict.log_evidence;
  json["log_evidence_error"] = verdict.log_evidence_error;
  json["log_evidence_lower"] = verdict.log_evidence_lower;
  json["log_evidence_upper"] = verdict.log_evidence_upper;
  json["evidence_reason"] = verdict.evidence_reason;
  json["advice"] = verdict.advice;
  json["mean_standard_error"] = verdict.mean_standard_error;
  json["sd_standard_error"] = verdict.sd_standard_error;
  json["rhat"] = verdict.rhat;
  json["rhat_limit"] = verdict.rhat_limit;
  json["gradients"] = diagnosis.gradients;
  json["gradients_sequential"] = diagnosis.gradients_sequential;
  json["non_finite"] = diagnosis.non_finite;
  json["seconds"] = diagnosis.seconds;
  json["lambda_hash"] = diagnosis.lambda_hash;
  json["draws_hash"] = diagnosis.draws_hash;
  json["stages"] = nlohmann::ordered_json::parse(to_json(diagnosis.stages));
  json["coefficients"] = nlohmann::ordered_json::array();
  for (const Coefficient& coefficient : diagnosis.coefficients) {
    json["coefficients"].push_back({{"name", coefficient.name},
                                    {"mean", coefficient.mean},
                                    {"mean_error", coefficient.mean_error},
                                    {"sd", coefficient.sd},
                                    {"sd_error", coefficient.sd_error},
                                    {"q5", coefficient.low},
                                    {"q5_error", coefficient.low_error},
                                    {"q95", coefficient.high},
                                    {"q95_error", coefficient.high_error}});
  }
  return json.dump(2) + "\n";
}

}  // namespace vfe
