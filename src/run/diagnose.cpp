#include "vfe/run/diagnose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "vfe/program/sample.hpp"
#include "vfe/run/saved_fit.hpp"
#include "vfe/statistics/quantile.hpp"

namespace vfe {
namespace {

const std::string original = "_original";  // the suffix of what Glm::quantities() names on the user's scale

/// Of each draw.
Index num_entries(const Variable& variable) {
  Index count = 1;
  for (std::size_t axis = 2; axis < variable.dimensions.size(); ++axis)
    count *= variable.dimensions[axis].size;
  return count;
}

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

/// The variable on the user's scale where the file has it there, else itself.
const Variable& on_users_scale(const Variable& variable, const Group& group) {
  const auto found = std::ranges::find(group.variables, variable.name + original, &Variable::name);
  return found == group.variables.end() ? variable : *found;
}

std::string name_without_suffix(const std::string& name) {
  return name.ends_with(original) ? name.substr(0, name.size() - original.size()) : name;
}

/// Puts the moments of value `at` where the result has them.
void put_moments(const Moments& moments, Index at, Coefficient& coefficient) {
  if (at >= moments.mean.size()) return;
  coefficient.mean = moments.mean(at);
  coefficient.mean_error = moments.mean_error(at);
  coefficient.sd = moments.sd(at);
  coefficient.sd_error = moments.sd_error(at);
  coefficient.low = moments.quantiles(0, at);
  coefficient.low_error = moments.quantile_errors(0, at);
  coefficient.high = moments.quantiles(moments.quantiles.rows() - 1, at);
  coefficient.high_error = moments.quantile_errors(moments.quantiles.rows() - 1, at);
}

/// `first` is the variable's first entry among all values.
void add_coefficients(const Variable& variable, const Moments& moments, Index first,
                      std::vector<Coefficient>& list) {
  const Index num_draws = variable.dimensions.at(1).size;
  if (num_draws == 0) return;
  const Index size = static_cast<Index>(variable.values.size()) / num_draws;
  const Eigen::Map<const Matrix> values(variable.values.data(), size, num_draws);
  // Its axes after (chain, draw).
  const Parameter quantity{.name = name_without_suffix(variable.name),
                           .dimensions = {variable.dimensions.begin() + 2, variable.dimensions.end()}};
  for (Index i = 0; i < size; ++i) {
    std::vector<double> draws(static_cast<std::size_t>(num_draws));
    for (Index s = 0; s < num_draws; ++s) draws[static_cast<std::size_t>(s)] = values(i, s);
    Coefficient coefficient;
    coefficient.name = entry_name(quantity, i);
    if (values.row(i).hasNaN()) {  // a quantity of the model that could not be computed for some draw
      coefficient.mean = coefficient.sd = coefficient.low = coefficient.high = std::nan("");
      put_moments(moments, first + i, coefficient);
      list.push_back(std::move(coefficient));
      continue;
    }
    coefficient.mean = values.row(i).mean();
    coefficient.sd = std::sqrt((values.row(i).array() - coefficient.mean).square().sum() /
                               static_cast<double>(std::max<Index>(num_draws - 1, 1)));
    std::ranges::sort(draws);
    coefficient.low = sorted_quantile(draws, 0.05);
    coefficient.high = sorted_quantile(draws, 0.95);
    put_moments(moments, first + i, coefficient);
    list.push_back(std::move(coefficient));
  }
}

}  // namespace

Diagnosis diagnose(const std::filesystem::path& run) {
  const SavedFit saved = read_saved_fit(run, WithDraws::yes);
  const auto& attributes = saved.file.attributes;
  Diagnosis diagnosis;
  diagnosis.verdict = saved.verdict;
  diagnosis.lambda_hash = hexadecimal(hash_of(attributes, "lambda_hash"));
  diagnosis.draws_hash = hexadecimal(hash_of(attributes, "draws_hash"));
  diagnosis.seconds = number_of(attributes, "seconds");
  diagnosis.gradients = count_of(attributes, "gradients");
  diagnosis.gradients_sequential = count_of(attributes, "gradients_sequential");
  diagnosis.non_finite = count_of(attributes, "non_finite");
  for (const Group& group : saved.file.groups) {
    if (group.name != "posterior") continue;
    const Moments moments = moments_of(saved.file);
    std::map<std::string, Index> first;
    Index entries = 0;
    for (const Variable& variable : group.variables) {
      first[variable.name] = entries;
      entries += num_entries(variable);
    }
    for (const Variable& variable : group.variables) {
      if (variable.name.ends_with(original)) continue;
      const Variable& shown = on_users_scale(variable, group);
      add_coefficients(shown, moments, first.at(shown.name), diagnosis.coefficients);
    }
  }
  diagnosis.stages = stage_costs_from_json(saved.file.texts.at("stages"));
  return diagnosis;
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
  for (const Coefficient& coefficient : shown) width = std::max(width, coefficient.name.size());
  text += stage_table(diagnosis.stages);
  const bool with_errors =
      std::ranges::any_of(shown, [](const Coefficient& c) { return !std::isnan(c.mean_error); });
  text += fmt::format("\n{:<{}} {:>12} {:>9} {:>12} {:>9} {:>12} {:>12}\n", "", width, "mean",
                      with_errors ? "+-" : "", "sd", with_errors ? "+-" : "", "5 %", "95 %");
  const auto error = [](double e) { return std::isnan(e) ? std::string() : fmt::format("{:.1g}", e); };
  for (const Coefficient& c : shown) {
    text += fmt::format("{:<{}} {:>12} {:>9} {:>12} {:>9} {:>12} {:>12}\n", c.name, width,
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
