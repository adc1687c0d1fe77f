#include "vfe/commands/diagnosis_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "vfe/core/counted.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/wrapped.hpp"

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

std::string line(const std::string& text) {
  return wrapped(text, text_columns, 2) + "\n";
}

std::string stage_table(const std::vector<StageCost>& stages) {
  std::string text = fmt::format("{:<12} {:>10} {:>8} {:>8}\n", "stage", "gradients", "calls", "seconds");
  for (const StageCost& stage : stages) {
    const std::string costs = fmt::format("{:<12} {:>10} {:>8} {:>8.2f}", stage.stage, stage.cost.gradients,
                                          stage.cost.calls, stage.cost.seconds);
    text += wrapped(stage.note.empty() ? costs : costs + "  " + printable(stage.note), text_columns,
                    costs.size() + 2) +
            "\n";
  }
  return text;
}

/// Names on the left, numbers on the right, as wide as they are; a name that leaves the numbers no room has a
/// line of its own.
class CoefficientTable {
 public:
  explicit CoefficientTable(std::span<const Coefficient> shown) {
    const bool with_errors =
        std::ranges::any_of(shown, [](const Coefficient& c) { return !std::isnan(c.mean_error); });
    const std::string error = with_errors ? "+-" : "";
    add({"", "mean", error, "sd", error, "5 %", "95 %"});
    const auto of_error = [](double e) { return std::isnan(e) ? std::string() : fmt::format("{:.1g}", e); };
    for (const Coefficient& c : shown) {
      add({shortened(printable(c.name), text_columns - 20), digits(c.mean, c.mean_error),
           of_error(c.mean_error), digits(c.sd, c.sd_error), of_error(c.sd_error), digits(c.low, c.low_error),
           digits(c.high, c.high_error)});
    }
  }

  std::string text() const {
    std::size_t numbers = 0;
    for (std::size_t k = 1; k < widths_.size(); ++k) numbers += widths_[k];
    const std::size_t names = std::min(widths_[0], text_columns - numbers);
    std::string text;
    for (const Row& row : rows_) {
      const bool apart = num_columns(row[0]) > names;
      text += apart ? row[0] + "\n" + std::string(names, ' ')
                    : row[0] + std::string(names - num_columns(row[0]), ' ');
      for (std::size_t k = 1; k < row.size(); ++k) text += fmt::format("{:>{}}", row[k], widths_[k]);
      text += "\n";
    }
    return text;
  }

 private:
  using Row = std::array<std::string, 7>;

  void add(Row row) {
    for (std::size_t k = 0; k < row.size(); ++k) {
      widths_[k] = std::max(widths_[k], num_columns(row[k]) + (k == 0 ? 0 : gap));
    }
    rows_.push_back(std::move(row));
  }

  static constexpr std::size_t gap = 2;
  std::array<std::size_t, 7> widths_{};
  std::vector<Row> rows_;
};

/// "12 groups of 3 to 40 rows"
std::string sizes_of(const GroupingDiagnosis& grouping) {
  if (grouping.groups == 0) return "groups";
  const std::string rows = grouping.fewest == grouping.most
                               ? counted(grouping.most, "row")
                               : fmt::format("{} to {} rows", grouping.fewest, grouping.most);
  return fmt::format("{} of {}", counted(grouping.groups, "group"), rows);
}

/// Means and sds to about a hundredth of the sd, which is what draws of parameters leave them.
std::string extreme_table(const GroupingDiagnosis& grouping) {
  std::string text = line(fmt::format("the {} of largest |mean| of {}:", grouping.extremes.size(),
                                      printable(grouping.first_effect)));
  std::size_t names = 0;
  std::vector<std::string> shown;
  for (const GroupingDiagnosis::Extreme& extreme : grouping.extremes) {
    shown.push_back("  " + shortened(printable(extreme.group), text_columns - 40));
    names = std::max(names, num_columns(shown.back()));
  }
  text += fmt::format("{}{:>11}{:>11}{:>9}\n", std::string(names, ' '), "mean", "sd", "rows");
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const GroupingDiagnosis::Extreme& extreme = grouping.extremes[i];
    const double error = 0.01 * extreme.sd;
    text += fmt::format("{}{}{:>11}{:>11}{:>9}\n", shown[i], std::string(names - num_columns(shown[i]), ' '),
                        digits(extreme.mean, error), digits(extreme.sd, error), extreme.rows);
  }
  return text;
}

std::string grouping_text(const GroupingDiagnosis& grouping, std::int64_t nodes) {
  std::string how = "effects are parameters";
  if (grouping.integrated)
    how = nodes > 0 ? "effects integrated by " + counted(nodes, "node") : "effects integrated exactly";
  std::string text = line(fmt::format("{}: {}, {}", printable(grouping.name), sizes_of(grouping), how));
  std::vector<Coefficient> components = grouping.components;
  if (grouping.share) components.push_back(*grouping.share);
  text += CoefficientTable(components).text() + line(grouping.share_of);
  if (!grouping.extremes.empty()) text += extreme_table(grouping);
  return text;
}

nlohmann::ordered_json json_of(const Coefficient& coefficient) {
  return {{"name", coefficient.name},
          {"mean", coefficient.mean},
          {"mean_error", coefficient.mean_error},
          {"sd", coefficient.sd},
          {"sd_error", coefficient.sd_error},
          {"q5", coefficient.low},
          {"q5_error", coefficient.low_error},
          {"q95", coefficient.high},
          {"q95_error", coefficient.high_error}};
}

nlohmann::ordered_json json_of(const GroupingDiagnosis& grouping) {
  nlohmann::ordered_json json{{"name", grouping.name},
                              {"integrated", grouping.integrated},
                              {"groups", grouping.groups},
                              {"rows_fewest", grouping.fewest},
                              {"rows_most", grouping.most}};
  json["components"] = nlohmann::ordered_json::array();
  for (const Coefficient& component : grouping.components) json["components"].push_back(json_of(component));
  json["share"] = grouping.share ? json_of(*grouping.share) : nlohmann::ordered_json();
  json["share_of"] = grouping.share_of;
  json["extremes_of"] = grouping.first_effect;
  json["extremes"] = nlohmann::ordered_json::array();
  for (const GroupingDiagnosis::Extreme& extreme : grouping.extremes) {
    json["extremes"].push_back(
        {{"group", extreme.group}, {"mean", extreme.mean}, {"sd", extreme.sd}, {"rows", extreme.rows}});
  }
  return json;
}

}  // namespace

std::string usability(const Verdict& verdict) {
  if (!trusted(verdict.grade)) {
    return fmt::format("not usable: {}{}", verdict.plain,
                       verdict.advice.empty() ? "" : "; try " + verdict.advice);
  }
  const bool evidence = !std::isnan(verdict.log_evidence);
  return fmt::format("usable: means, sds, quantiles{}{}",
                     evidence ? ", predictions and evidence" : " and predictions; no evidence",
                     verdict.grade == Grade::corrected ? " (draws reweighted)" : "");
}

std::string verdict_text(const Verdict& verdict) {
  std::string text = line(fmt::format("{}: {}", to_string(verdict.grade), verdict.reason));
  const std::string free_energy =
      fmt::format("free energy of q {:.3f} +- {:.1g} nats", verdict.free_energy, verdict.free_energy_error);
  if (std::isnan(verdict.log_evidence)) {
    return text + line(fmt::format("{}; no log evidence: {}", free_energy, verdict.evidence_reason));
  }
  std::string evidence =
      fmt::format("log evidence {:.3f} +- {:.1g} nats", verdict.log_evidence, verdict.log_evidence_error);
  if (!verdict.evidence_reason.empty()) evidence += ", " + verdict.evidence_reason;
  constexpr double telling = 3.0;  // [nats] that a bound may be away and still say something
  const double away = std::max(verdict.log_evidence - verdict.log_evidence_lower,
                               verdict.log_evidence_upper - verdict.log_evidence);
  if (std::isfinite(verdict.log_evidence_lower) && away <= telling) {
    evidence +=
        fmt::format(" (between {:.3f} and {:.3f})", verdict.log_evidence_lower, verdict.log_evidence_upper);
  }
  return text + line(free_energy) + line(evidence);
}

std::string to_text(const Diagnosis& diagnosis) {
  std::string text = line(usability(diagnosis.verdict));
  constexpr std::size_t most = 200;  // parameters come first, what a model derives from them after
  const std::span<const Coefficient> shown(diagnosis.coefficients.data(),
                                           std::min(most, diagnosis.coefficients.size()));
  text += "\n" + CoefficientTable(shown).text();
  if (shown.size() < diagnosis.coefficients.size()) {
    text += fmt::format("and {} more: --json lists all\n", diagnosis.coefficients.size() - shown.size());
  }
  for (const GroupingDiagnosis& grouping : diagnosis.groupings)
    text += "\n" + grouping_text(grouping, diagnosis.nodes);
  text += "\n" + stage_table(diagnosis.stages) + "\n" + verdict_text(diagnosis.verdict);
  text += fmt::format("cost: {} gradients, {} calls in sequence, {:.1f} s\n", diagnosis.gradients,
                      diagnosis.gradients_sequential, diagnosis.seconds);
  if (diagnosis.non_finite > 0) {
    text += fmt::format("{} draws had no finite log density\n", diagnosis.non_finite);
  }
  return text;
}

std::string to_json(const Diagnosis& diagnosis) {
  nlohmann::ordered_json json;
  const Verdict& verdict = diagnosis.verdict;
  json["verdict"] = to_string(verdict.grade);
  json["usability"] = usability(verdict);
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
    json["coefficients"].push_back(json_of(coefficient));
  }
  if (!diagnosis.groupings.empty()) {
    json["nodes"] = diagnosis.nodes;
    json["groupings"] = nlohmann::ordered_json::array();
    for (const GroupingDiagnosis& grouping : diagnosis.groupings)
      json["groupings"].push_back(json_of(grouping));
  }
  return json.dump(2) + "\n";
}

}  // namespace vfe
