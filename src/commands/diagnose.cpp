#include "vfe/commands/diagnose.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "commands/grouping_diagnosis.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/program/sample.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/result_attributes.hpp"

namespace vfe {
namespace {

/// Of each draw.
Index num_entries(const Variable& variable) {
  Index count = 1;
  for (std::size_t axis = 2; axis < variable.dimensions.size(); ++axis)
    count *= variable.dimensions[axis].size;
  return count;
}

/// The variable on the user's scale where the file has it there, else itself.
const Variable& on_users_scale(const Variable& variable, const Group& group) {
  const auto found = std::ranges::find(group.variables, variable.name + original_suffix, &Variable::name);
  return found == group.variables.end() ? variable : *found;
}

std::string name_without_suffix(const std::string& name) {
  return name.ends_with(original_suffix) ? name.substr(0, name.size() - original_suffix.size()) : name;
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
  const Index num_draws = num_sampled(variable);
  if (num_draws == 0) return;
  const Index size = static_cast<Index>(variable.values.size()) / num_draws;
  const Eigen::Map<const Matrix> values(variable.values.data(), size, num_draws);
  // Its axes after (chain, draw).
  const Parameter quantity{.name = name_without_suffix(variable.name),
                           .dimensions = {variable.dimensions.begin() + 2, variable.dimensions.end()}};
  for (Index i = 0; i < size; ++i) {
    Coefficient coefficient = summary(entry_name(quantity, i), values.row(i).transpose());
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
    const auto add = [&](const Variable& shown, std::vector<Coefficient>& list) {
      add_coefficients(shown, moments, first.at(shown.name), list);
    };
    for (const Variable& variable : group.variables) {
      if (variable.name.ends_with(original_suffix)) continue;
      if (saved.design && is_of_groups(variable.name, *saved.design)) continue;
      add(on_users_scale(variable, group), diagnosis.coefficients);
    }
    if (!saved.design) continue;
    for (const GroupEffects& effects : saved.design->effects) {
      GroupingDiagnosis grouping = diagnose_grouping(saved, group, effects);
      // Effects without correlations may have some on the user's scale.
      for (const char* of : {"sd_", "cor_"}) {
        for (const std::string& suffix : {original_suffix, std::string()}) {
          const auto found = std::ranges::find(group.variables, of + effects.name + suffix, &Variable::name);
          if (found == group.variables.end()) continue;
          add(*found, grouping.components);
          break;
        }
      }
      diagnosis.groupings.push_back(std::move(grouping));
    }
  }
  if (attributes.contains("nodes")) diagnosis.nodes = count_of(attributes, "nodes");
  diagnosis.stages = stage_costs_from_json(text_of(saved.file, "stages"));
  return diagnosis;
}

}  // namespace vfe
