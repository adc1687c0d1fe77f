#include "commands/grouping_diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "vfe/run/posterior.hpp"
#include "vfe/statistics/quantile.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_extremes = 10;

const Variable* find(const Group& group, const std::string& name) {
  const auto found = std::ranges::find(group.variables, name, &Variable::name);
  return found == group.variables.end() ? nullptr : &*found;
}

/// The first entry of a variable, by draw.
Vector first_entries(const Variable& variable) {
  const Index draws = num_sampled(variable);
  const Index size = draws == 0 ? 0 : std::ssize(variable.values) / draws;
  if (size == 0) return {};
  return Eigen::Map<const Matrix>(variable.values.data(), size, draws).row(0).transpose();
}

/// Of the response about its linear predictor, by draw, in the model's units; empty where it has none.
Vector residual_variance(const SavedFit& fit, const Group& posterior, Index draws) {
  const GlmOptions& glm = fit.config.model.glm;
  switch (glm.likelihood) {
    case Likelihood::linear: {
      if (const Variable* sigma = find(posterior, "sigma")) return first_entries(*sigma).cwiseAbs2();
      if (!glm.known_sigma) return {};
      const double sigma = *glm.known_sigma / fit.design->response_scale;
      return Vector::Constant(draws, sigma * sigma);
    }
    case Likelihood::logistic:
    case Likelihood::binomial:
      return Vector::Constant(draws, std::numbers::pi * std::numbers::pi / 3.0);
    default:
      return {};
  }
}

/// Intercepts vary where the numbers of other effects are 0 as the model takes them.
std::string where_numbers_are(const DesignSchema& design) {
  bool others = false, centred = false;
  for (const GroupEffects& effects : design.effects) {
    others = others || (effects.has_intercept && effects.size() > 1);
    centred =
        centred || std::ranges::any_of(effects.columns, [](const Column& c) { return c.centre != 0.0; });
  }
  return !others   ? ""
         : centred ? ", where the numbers of the other effects are at their means"
                   : ", where the numbers of the other effects are 0";
}

/// Sets the share of a grouping's intercepts of the variance of those of all groupings and the residual's.
void set_share(const SavedFit& fit, const Group& posterior, const GroupEffects& effects,
               GroupingDiagnosis& diagnosis) {
  const DesignSchema& design = *fit.design;
  const Likelihood likelihood = fit.config.model.glm.likelihood;
  Vector own, total;
  for (const GroupEffects& each : design.effects) {
    const Variable* sd = find(posterior, "sd_" + each.name);
    if (sd == nullptr || !each.has_intercept) continue;
    const Vector variance = first_entries(*sd).cwiseAbs2();
    if (total.size() == 0) total = residual_variance(fit, posterior, variance.size());
    if (total.size() != variance.size()) break;
    total += variance;
    if (each.name == effects.name) own = variance;
  }
  if (!effects.has_intercept) {
    diagnosis.share_of = "no share of the variance, as its effects have no intercept";
  } else if (own.size() == 0) {
    diagnosis.share_of = fmt::format(
        "no share of the variance: a {} response has no residual variance on the scale of the effects",
        to_string(likelihood));
  } else {
    diagnosis.share = summary("share", own.cwiseQuotient(total));
    // Of independent draws, of something like a normal.
    const double error = diagnosis.share->sd / std::sqrt(static_cast<double>(own.size()));
    diagnosis.share->mean_error = error;
    diagnosis.share->sd_error = error / std::numbers::sqrt2;
    diagnosis.share->low_error = diagnosis.share->high_error = 2.0 * error;
    diagnosis.share_of =
        fmt::format("share: of intercepts of {}, in the variance of all groups' and {}{}", effects.name,
                    likelihood == Likelihood::linear ? "the residual's" : "pi^2/3, the logistic residual's",
                    where_numbers_are(design));
  }
}

/// Sets the groups with the largest effects.
void set_extremes(const Group& moments, GroupingDiagnosis& diagnosis) {
  const Variable* mean = find(moments, "r_" + diagnosis.name + "_mean");
  const Variable* sd = find(moments, "r_" + diagnosis.name + "_sd");
  const Variable* rows = find(moments, "rows_" + diagnosis.name);
  if (mean == nullptr || sd == nullptr || rows == nullptr || mean->dimensions.size() != 2) return;
  const Dimension &groups = mean->dimensions[0], &effects = mean->dimensions[1];
  const auto count = static_cast<std::size_t>(groups.size), width = static_cast<std::size_t>(effects.size);
  if (sd->values.size() != mean->values.size() || rows->values.size() != count || count == 0) return;
  diagnosis.groups = groups.size;
  const auto [fewest, most] = std::ranges::minmax(rows->values);
  diagnosis.fewest = static_cast<Index>(fewest);
  diagnosis.most = static_cast<Index>(most);
  diagnosis.first_effect = effects.labels.empty() ? "0" : effects.labels.front();
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t g) { return std::isnan(mean->values[g * width]); });
  const std::size_t shown = std::min(most_extremes, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      const double of_a = std::abs(mean->values[a * width]);
                      const double of_b = std::abs(mean->values[b * width]);
                      return of_a > of_b || (of_a == of_b && a < b);
                    });
  order.resize(shown);
  for (const std::size_t g : order) {
    diagnosis.extremes.push_back({.group = groups.labels.empty() ? fmt::format("{}", g) : groups.labels[g],
                                  .rows = static_cast<Index>(rows->values[g]),
                                  .mean = mean->values[g * width],
                                  .sd = sd->values[g * width]});
  }
}

}  // namespace

Coefficient summary(const std::string& name, ConstVec draws) {
  Coefficient summary;
  summary.name = name;
  if (draws.hasNaN()) {
    summary.mean = summary.sd = summary.low = summary.high = std::nan("");
    return summary;
  }
  summary.mean = draws.mean();
  summary.sd = std::sqrt((draws.array() - summary.mean).square().sum() /
                         static_cast<double>(std::max<Index>(draws.size() - 1, 1)));
  std::vector<double> sorted(draws.begin(), draws.end());
  std::ranges::sort(sorted);
  summary.low = sorted_quantile(sorted, 0.05);
  summary.high = sorted_quantile(sorted, 0.95);
  return summary;
}

bool is_of_groups(const std::string& variable, const DesignSchema& design) {
  return std::ranges::any_of(design.effects, [&](const GroupEffects& effects) {
    return std::ranges::any_of(std::array{"sd_", "cor_", "cor_cholesky_", "z_", "b_", "r_"},
                               [&](const char* of) { return variable == of + effects.name; });
  });
}

GroupingDiagnosis diagnose_grouping(const SavedFit& fit, const Group& posterior,
                                    const GroupEffects& effects) {
  GroupingDiagnosis diagnosis{.name = effects.name};
  diagnosis.integrated =
      find(posterior, "z_" + effects.name) == nullptr && find(posterior, "b_" + effects.name) == nullptr;
  set_share(fit, posterior, effects, diagnosis);
  for (const Group& group : fit.file.groups)
    if (group.name == "group_effects") set_extremes(group, diagnosis);
  return diagnosis;
}

}  // namespace vfe
