#include "vfe/commands/draws.hpp"

#include <fmt/format.h>

#include <limits>

#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/non_centred.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/program/matched_moments.hpp"
#include "vfe/program/sample.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/result_attributes.hpp"

namespace vfe {

DrawsReport write_draws(const DrawsOptions& options) {
  const SavedFit saved = read_saved_fit(options.run, WithDraws::no);
  const Index first = options.seed ? 0 : saved.config.output.draws;
  if (options.count < 1 || options.count > std::numeric_limits<std::uint32_t>::max() - first) {
    throw Error(Fault::usage,
                fmt::format("drawing from {}: found {} draws, expected 1 to {}", options.run.string(),
                            options.count, std::numeric_limits<std::uint32_t>::max() - first));
  }
  const std::uint64_t seed = options.seed.value_or(saved.config.fit.seed);
  DrawsReport report{.verdict = saved.verdict, .of_q = !has_sample(saved.file)};
  ResultFile file;
  Matrix theta;
  std::vector<Variable> statistics;
  std::string moments = "as drawn";
  const std::unique_ptr<const Model> model =
      model_without_rows({saved.config, saved.table, saved.design, saved.parameters, saved.file.arrays});
  if (!report.of_q) {
    const OwnedDraws sample = sample_of(saved.file, saved.parameters.size());
    const std::vector<Index> chosen =
        draws_of_sample(sample.log_weight, options.count, seed, options.seed ? 0 : 1);
    theta = sample.theta(Eigen::all, chosen);
    MatchedDraws matched{theta, {}};
    if (count_of(saved.file.attributes, "moments_matched") != 0) {
      matched = match_moments(*model, moments_of(saved.file), theta);
    }
    if (matched.names.empty()) {
      statistics = {draw_variable("lp", sample.log_joint(chosen))};
    } else {  // without the rows nobody knows their density
      theta = std::move(matched.theta);
      moments = moments_matched(matched.names);
    }
    file.attributes["moments_matched"] = std::int64_t{!matched.names.empty()};
    report.repeated = share_repeated(chosen);
    file.attributes["draws_repeated"] = report.repeated;
  } else {
    OwnedDraws draws =
        draw_from_q(*saved.family, saved.lambda, seed, static_cast<std::uint32_t>(first), options.count);
    theta = std::move(draws.theta);
    statistics = {draw_variable("log_q", draws.log_proposal)};
  }
  Matrix quantities(num_constrained(model->quantities()), options.count);
  model->compute_quantities(theta, seed, static_cast<std::uint32_t>(first), quantities);
  file.groups.push_back(posterior_group(*model, quantities, moments));
  if (!statistics.empty()) file.groups.push_back({"sample_stats", statistics, sampled_attributes()});
  file.attributes.insert(saved.file.attributes.begin(),
                         saved.file.attributes.end());  // whose draws these are
  file.attributes["resampled"] = std::int64_t{!report.of_q};
  file.attributes.erase("draws_hash");
  file.texts = saved.file.texts;
  for (const char* name : {"lambda", conditional_normal_name}) {
    const auto array = saved.file.arrays.find(name);
    if (array != saved.file.arrays.end()) file.arrays.insert(*array);
  }
  write_result(options.output, file);
  return report;
}

}  // namespace vfe
