#include "vfe/run/diagnose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "run/quantile.hpp"
#include "vfe/run/saved_fit.hpp"

namespace vfe {
namespace {

const std::string original = "_original";  // the suffix of what Glm::quantities() names on the user's scale

/// The variable on the user's scale where the file has it there, else itself.
const Variable& on_users_scale(const Variable& variable, const Group& group) {
  const auto found = std::ranges::find(group.variables, variable.name + original, &Variable::name);
  return found == group.variables.end() ? variable : *found;
}

std::string name_without_suffix(const std::string& name) {
  return name.ends_with(original) ? name.substr(0, name.size() - original.size()) : name;
}

void add_coefficients(const Variable& variable, std::vector<Coefficient>& list) {
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
      list.push_back(std::move(coefficient));
      continue;
    }
    coefficient.mean = values.row(i).mean();
    coefficient.sd = std::sqrt((values.row(i).array() - coefficient.mean).square().sum() /
                               static_cast<double>(std::max<Index>(num_draws - 1, 1)));
    std::ranges::sort(draws);
    coefficient.low = sorted_quantile(draws, 0.05);
    coefficient.high = sorted_quantile(draws, 0.95);
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
    for (const Variable& variable : group.variables) {
      if (!variable.name.ends_with(original)) {
        add_coefficients(on_users_scale(variable, group), diagnosis.coefficients);
      }
    }
  }
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
  text += fmt::format("\n{:<{}} {:>12} {:>12} {:>12} {:>12}\n", "", width, "mean", "sd", "5 %", "95 %");
  for (const Coefficient& coefficient : shown) {
    text += fmt::format("{:<{}} {:>12.5g} {:>12.5g} {:>12.5g} {:>12.5g}\n", coefficient.name, width,
                        coefficient.mean, coefficient.sd, coefficient.low, coefficient.high);
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
  json["gradients"] = diagnosis.gradients;
  json["gradients_sequential"] = diagnosis.gradients_sequential;
  json["non_finite"] = diagnosis.non_finite;
  json["seconds"] = diagnosis.seconds;
  json["lambda_hash"] = diagnosis.lambda_hash;
  json["draws_hash"] = diagnosis.draws_hash;
  json["coefficients"] = nlohmann::ordered_json::array();
  for (const Coefficient& coefficient : diagnosis.coefficients) {
    json["coefficients"].push_back({{"name", coefficient.name},
                                    {"mean", coefficient.mean},
                                    {"sd", coefficient.sd},
                                    {"q5", coefficient.low},
                                    {"q95", coefficient.high}});
  }
  return json.dump(2) + "\n";
}

}  // namespace vfe
