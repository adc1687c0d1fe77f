#include "run/row_groups.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "run/group_effects.hpp"
#include "vfe/core/error.hpp"
#include "vfe/run/posterior.hpp"

namespace vfe {
namespace {

constexpr double most_bytes = 2e9;
constexpr Index draws_at_once = 64;
constexpr double largest_whole = 9007199254740992.0;  ///< 2^53

std::vector<std::string> keys_asked_for(const Config& config) {
  std::vector<std::string> keys;
  if (config.output.log_likelihood) keys.push_back("output.log_likelihood");
  if (config.output.posterior_predictive) keys.push_back("output.posterior_predictive");
  return keys;
}

/// Sets values (rows of the block x draws) at draws that are `first`, ... of the result.
using OfBlock = std::function<void(Index block, ConstMat theta, Index first, Mat values)>;

/// Rows, or groups of them, of which a result holds numbers.
struct Units {
  Dimension dimension;
  std::function<Index(Index block)> count;  ///< of this rank's blocks
};

/// [collective] "y" over (chain, draw, units).
Variable variable_by_unit(const Communicator& comm, const Model& model, const Units& units, ConstMat theta,
                          const OfBlock& of_block) {
  Variable variable{"y", sampling_dimensions(theta.cols()), {}};
  variable.dimensions.push_back(units.dimension);
  if (comm.is_root()) {
    variable.values.reserve(static_cast<std::size_t>(theta.cols()) *
                            static_cast<std::size_t>(units.dimension.size));
  }
  Index own_units = 0;
  for (Index block = 0; block < model.blocks(); ++block) own_units += units.count(block);
  for (Index first = 0; first < theta.cols(); first += draws_at_once) {
    const Index count = std::min(draws_at_once, theta.cols() - first);
    Matrix own(own_units, count);
    Index begin = 0;
    for (Index block = 0; block < model.blocks(); ++block) {
      Matrix values(units.count(block), count);
      of_block(block, theta.middleCols(first, count), first, values);
      own.middleRows(begin, values.rows()) = values;
      begin += values.rows();
    }
    // Shards are runs of rows in the order of the ranks.
    for (Index s = 0; s < count; ++s) {
      const std::vector<double> all =
          comm.gather(std::span<const double>(own.col(s).data(), static_cast<std::size_t>(own.rows())));
      variable.values.insert(variable.values.end(), all.begin(), all.end());
    }
  }
  return variable;
}

/// [collective] The log likelihood of each group, its effects integrated out.
Group log_likelihood_by_group(const Communicator& comm, const Problem& problem, const Integrated& model,
                              ConstMat theta) {
  const LocalModel& local = model.local();
  const Units groups{group_dimension(comm, problem, local), [&](Index block) { return local.groups(block); }};
  Group group{"log_likelihood", {}, sampled_attributes()};
  group.attributes["unit"] =
      fmt::format("the rows of a group ({}) together, its effects integrated: loo leaves a group out",
                  groups.dimension.name);
  group.variables.push_back(
      variable_by_unit(comm, model, groups, theta, [&](Index block, ConstMat at, Index, Mat values) {
        for (Index s = 0; s < at.cols(); ++s) model.log_likelihood_groups(block, at.col(s), values.col(s));
      }));
  return group;
}

/// Counts and classes are stored as what they are: ArviZ then draws bars, not densities.
void store_whole(const Config& config, Variable& variable) {
  variable.whole =
      !is_real(config.model.glm.likelihood) && std::ranges::all_of(variable.values, [](double y) {
        return std::abs(y) <= largest_whole && y == std::round(y);
      });
}

}  // namespace

std::vector<Group> row_groups(const Communicator& comm, const Config& config, const Problem& problem,
                              ConstMat theta) {
  std::vector<Group> groups;
  if (keys_asked_for(config).empty()) return groups;
  const Model& model = problem.model();
  if (const Integrated* integrated = problem.integrated()) {
    groups.push_back(log_likelihood_by_group(comm, problem, *integrated, theta));
    return groups;
  }
  const Units rows{{"obs_id", problem.target().num_rows(), {}},
                   [&](Index block) { return model.rows(block); }};
  const auto add_by_row = [&](const std::string& name, const OfBlock& of_block) {
    groups.push_back({name, {variable_by_unit(comm, model, rows, theta, of_block)}, sampled_attributes()});
  };
  if (config.output.log_likelihood) {
    add_by_row("log_likelihood", [&](Index block, ConstMat at, Index, Mat values) {
      for (Index s = 0; s < at.cols(); ++s) model.log_likelihood_rows(block, at.col(s), values.col(s));
    });
  }
  if (config.output.posterior_predictive) {
    add_by_row("posterior_predictive", [&](Index block, ConstMat at, Index first, Mat values) {
      const Address address{
          .seed = config.fit.seed, .purpose = Purpose::replicate, .draw = static_cast<std::uint32_t>(first)};
      values = model.predict(block, at, address, false).value().response;
    });
    store_whole(config, groups.back().variables.front());
  }
  const Vector& y = problem.response();
  Variable observed{"y",
                    {rows.dimension},
                    comm.gather(std::span<const double>(y.data(), static_cast<std::size_t>(y.size())))};
  store_whole(config, observed);
  groups.push_back({"observed_data", {std::move(observed)}});
  return groups;
}

void check_row_groups(const Communicator& comm, const Config& config, const Problem& problem) {
  const std::vector<std::string> keys = keys_asked_for(config);
  const Integrated* integrated = problem.integrated();
  if (integrated != nullptr && config.output.posterior_predictive) {
    throw Error(Fault::config,
                "output.posterior_predictive: found true, with effects of groups, whose responses a fit does "
                "not simulate; expected false (vfe predict tells their means and quantiles)");
  }
  if (integrated != nullptr && config.output.log_likelihood && integrated->local().num_outer_latents() > 0) {
    throw Error(
        Fault::config,
        fmt::format("output.log_likelihood: found true, with effects of {} within other groups; expected "
                    "false",
                    integrated->local().grouping().name));
  }
  const Index units =
      integrated == nullptr ? problem.target().num_rows() : num_groups(comm, integrated->local());
  const double bytes = 8.0 * static_cast<double>(config.output.draws) * static_cast<double>(units) *
                       static_cast<double>(keys.size());
  if (bytes <= most_bytes) return;
  throw Error(
      Fault::config,
      fmt::format("{}: {} draws of {} {} take {:.1f} GB, expected at most 2 GB: set {} to false, or "
                  "lower output.draws",
                  fmt::join(keys, " and "), config.output.draws, units,
                  integrated == nullptr ? "rows" : "groups", bytes / 1e9, keys.size() > 1 ? "one" : "it"));
}

}  // namespace vfe
