#include "vfe/commands/prior_predictive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/statistics/quantile.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

const std::vector<double> probabilities{0.01, 0.05, 0.5, 0.95, 0.99};

/// Blocks of this rank's shard, of the dataset's that are taken: every so many.
std::vector<Index> own_blocks(const Problem& problem, Index most_rows) {
  const Blocks& all = problem.design()->blocks;
  const Index wanted = std::clamp<Index>(most_rows / all.block_rows(), 1, all.num_blocks());
  const Index stride = (all.num_blocks() + wanted - 1) / wanted;
  const Index first = problem.model().first_block();
  std::vector<Index> own;
  for (Index b = 0; b < problem.model().blocks(); ++b)
    if ((first + b) % stride == 0) own.push_back(b);
  return own;
}

Matrix draws_of_prior(const Config& config, const Model& model, Index count) {
  Matrix theta(model.parameters().size(), count);
  for (Index s = 0; s < count; ++s) {
    theta.col(s) = model.draw_start(
        {.seed = config.fit.seed, .purpose = Purpose::replicate, .draw = static_cast<std::uint32_t>(s)},
        Reach::far);
  }
  return theta;
}

std::vector<double> quantiles(std::vector<double> values) {
  std::ranges::sort(values);
  std::vector<double> found;
  for (const double probability : probabilities) found.push_back(sorted_quantile(values, probability));
  return found;
}

std::vector<double> shares(const std::vector<double>& codes, std::size_t levels) {
  std::vector<double> found(levels, 0.0);
  for (const double code : codes)
    found[static_cast<std::size_t>(code)] += 1.0 / static_cast<double>(codes.size());
  return found;
}

}  // namespace

PriorReport draw_prior(const Communicator& comm, const Config& config, const PriorOptions& options) {
  if (!config.model.is_glm()) {
    throw Error(
        Fault::usage,
        fmt::format("drawing from the prior: found model.type = {}, expected a likelihood: of another "
                    "model the prior is its own business",
                    config.model.type));
  }
  if (config.model.has_groups()) {
    throw Error(Fault::usage,
                fmt::format("drawing from the prior: found effects of groups, \"{}\", of which there are no "
                            "draws of the prior; expected a formula without",
                            config.model.formula));
  }
  const Problem problem(comm, config);
  const Model& model = problem.model();
  const Matrix theta = draws_of_prior(config, model, options.draws);
  std::vector<double> own, own_observed;  // row by row, all draws of each
  comm.collectively("drawing from the prior", [&] {
    for (const Index block : own_blocks(problem, options.most_rows)) {
      const Address address{.seed = config.fit.seed, .purpose = Purpose::replicate};
      const Matrix responses = model.predict(block, theta, address, false).value().response;
      Index first = 0;
      for (Index b = 0; b < block; ++b) first += model.rows(b);
      for (Index row = 0; row < responses.rows(); ++row) {
        for (Index s = 0; s < responses.cols(); ++s) own.push_back(responses(row, s));
        own_observed.push_back(problem.response()[first + row]);
      }
    }
  });
  const std::vector<double> all = comm.gather(std::span<const double>(own)),
                            observed = comm.gather(std::span<const double>(own_observed));
  PriorReport report{.rows = std::ssize(observed), .draws = options.draws, .probabilities = probabilities};
  comm.on_root("writing draws of the prior", [&] {
    report.levels = problem.design()->response_levels;
    if (report.levels.empty()) {
      report.expected = quantiles(all);
      report.observed = quantiles(observed);
    } else {
      report.expected_shares = shares(all, report.levels.size());
      report.observed_shares = shares(observed, report.levels.size());
    }
    Index size = 0;
    for (const Parameter& parameter : model.quantities()) size += parameter.num_constrained();
    Matrix values(size, theta.cols());
    model.compute_quantities(theta, config.fit.seed, 0, values);

    const Dimension rows{"obs_id", report.rows, {}};
    Variable predicted{"y", sampling_dimensions(theta.cols()), {}};
    predicted.dimensions.push_back(rows);
    for (Index s = 0; s < theta.cols(); ++s)
      for (Index row = 0; row < report.rows; ++row)
        predicted.values.push_back(all[static_cast<std::size_t>(row * theta.cols() + s)]);
    ResultFile file;
    file.groups = {group_of_draws("prior", model.quantities(), values),
                   {"prior_predictive", {std::move(predicted)}, sampled_attributes()},
                   {"observed_data", {{"y", {rows}, observed}}}};
    file.attributes["version"] = std::string(VFE_VERSION);
    file.texts["config"] = to_toml(config);
    write_result(options.output, file);
  });
  return report;
}

std::string to_text(const PriorReport& report) {
  std::string text = fmt::format("{} draws of the prior, {} rows: responses\n", report.draws, report.rows);
  if (!report.levels.empty()) {
    text += fmt::format("{:>20} {:>12} {:>12}\n", "", "expected", "observed");
    for (std::size_t k = 0; k < report.levels.size(); ++k)
      text += fmt::format("{:>20} {:>11.1f}% {:>11.1f}%\n", report.levels[k],
                          100.0 * report.expected_shares[k], 100.0 * report.observed_shares[k]);
    return text;
  }
  text += fmt::format("{:>12}", "");
  for (const double probability : report.probabilities)
    text += fmt::format("{:>11.0f}%", 100.0 * probability);
  for (const auto& [name, values] :
       {std::pair("expected", &report.expected), std::pair("observed", &report.observed)}) {
    text += fmt::format("\n{:<12}", name);
    for (const double value : *values) text += fmt::format("{:>12.4g}", value);
  }
  return text + "\n";
}

}  // namespace vfe
