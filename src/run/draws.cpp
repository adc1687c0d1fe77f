#include "vfe/run/draws.hpp"

#include <fmt/format.h>

#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/problem.hpp"
#include "vfe/run/saved_fit.hpp"

namespace vfe {

Verdict write_draws(const DrawsOptions& options) {
  const SavedFit saved = read_saved_fit(options.run, WithDraws::no);
  const Index first = options.seed ? 0 : saved.config.output.draws;
  if (options.count < 1 || options.count > std::numeric_limits<std::uint32_t>::max() - first) {
    throw Error(Fault::usage,
                fmt::format("drawing from {}: found {} draws, expected 1 to {}", options.run.string(),
                            options.count, std::numeric_limits<std::uint32_t>::max() - first));
  }
  const DrawsOfQ draws =
      draw_from_q(*saved.family, saved.lambda, options.seed.value_or(saved.config.fit.seed),
                  static_cast<std::uint32_t>(first), options.count);
  ResultFile file;
  const std::unique_ptr<const Model> model = model_without_rows(saved.config, saved.schema, saved.parameters);
  Matrix quantities(num_constrained(model->quantities()), options.count);
  model->compute_quantities(draws.theta, options.seed.value_or(saved.config.fit.seed),
                            static_cast<std::uint32_t>(first), quantities);
  file.groups.push_back(posterior_group(model->quantities(), quantities));
  file.groups.push_back({"sample_stats", {draw_variable("log_q", draws.log_q)}});
  file.attributes = saved.file.attributes;  // whose draws these are
  file.attributes["resampled"] = std::int64_t{0};
  file.attributes.erase("draws_hash");
  file.texts = saved.file.texts;
  file.arrays["lambda"] = saved.lambda;
  write_result(options.output, file);
  return saved.verdict;
}

}  // namespace vfe
