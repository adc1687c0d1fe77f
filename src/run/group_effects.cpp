#include "run/group_effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>
#include <span>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/model/local_effects.hpp"
#include "vfe/problem/group_names.hpp"
#include "vfe/run/posterior.hpp"

namespace vfe {
namespace {

constexpr double most_bytes = 2e9;
constexpr Index most_effects_unasked = 2000;  ///< of whose draws a result holds without being asked
constexpr Index most_moment_draws = 256;      ///< of theta
constexpr Index draws_at_once = 64;

/// Calls work(block), blocks shared out among threads; what was thrown first is thrown at the end.
template <class Work>
void for_blocks(const Config& config, Index blocks, const Work& work) {
  std::exception_ptr thrown;
  std::mutex mutex;
#pragma omp parallel for num_threads(config.fit.threads) schedule(dynamic)
  for (Index block = 0; block < blocks; ++block) {
    try {
      work(block);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
}

/// [collective] Those of all ranks, in the order of the dataset, on rank 0.
std::vector<double> gathered(const Communicator& comm, ConstMat own) {
  return comm.gather(std::span<const double>(own.data(), static_cast<std::size_t>(own.size())));
}

Dimension effect_dimension(const Grouping& grouping) {
  return {grouping.name + "_effect", std::ssize(grouping.effects), grouping.effects};
}

/// This rank's groups, and the moments and draws of their effects.
class OwnGroups {
 public:
  OwnGroups(const Communicator& comm, const Config& config, const Integrated& model)
      : config_(config),
        model_(model.local()),
        rule_(gauss_hermite(moment_nodes, model_.num_latents() - model_.num_outer_latents())),
        size_(std::ssize(model_.grouping().effects)) {
    for (Index block = 0; block < model_.blocks(); ++block)
      first_.push_back(first_.back() + model_.groups(block));
    std::vector<std::int64_t> blocks(static_cast<std::size_t>(comm.size()), 0);
    const auto rank = static_cast<std::size_t>(comm.rank());
    blocks[rank] = model_.blocks();
    comm.sum(blocks);
    for (std::size_t r = 0; r < rank; ++r) first_block_ += static_cast<Index>(blocks[r]);
  }

  Index count() const { return first_.back(); }

  /// Means and sds, effects x groups.
  struct Moments {
    Matrix mean, sd;
  };

  /// By the law of total variance, over draws of theta that are equally far apart.
  Moments moments(ConstMat theta) const {
    const Index draws = num_moment_draws(theta.cols());
    Moments moments{Matrix::Zero(size_, count()), Matrix::Zero(size_, count())};
    for_blocks(config_, model_.blocks(), [&](Index block) {
      auto mean = moments.mean.middleCols(first_of(block), model_.groups(block));
      auto variance = moments.sd.middleCols(first_of(block), model_.groups(block));
      Matrix squares = Matrix::Zero(mean.rows(), mean.cols());
      for (Index s = 0; s < draws; ++s) {
        const LocalMoments at = local_moments(model_, block, theta.col(s * theta.cols() / draws), rule_);
        const Matrix apart = at.mean - mean;
        mean += apart / static_cast<double>(s + 1);
        squares += apart.cwiseProduct(at.mean - mean);
        variance += (at.variance - variance) / static_cast<double>(s + 1);
      }
      variance += squares / static_cast<double>(std::max<Index>(draws - 1, 1));
    });
    moments.sd = moments.sd.cwiseSqrt();
    return moments;
  }

  /// At draws of theta that are `first`, ... of the result: a column of effects x groups for each.
  Matrix draws(ConstMat theta, Index first) const {
    Matrix all(size_ * count(), theta.cols());
    for_blocks(config_, model_.blocks(), [&](Index block) {
      Address at{.seed = config_.fit.seed,
                 .purpose = Purpose::group_effects,
                 .block = static_cast<std::uint32_t>(first_block_ + block)};
      for (Index s = 0; s < theta.cols(); ++s) {
        at.draw = static_cast<std::uint32_t>(first + s);
        const Matrix effects = draw_local_effects(model_, block, theta.col(s), at);
        all.col(s).segment(size_ * first_of(block), effects.size()) = effects.reshaped();
      }
    });
    return all;
  }

  /// Of each group.
  Vector rows() const {
    Vector rows(count());
    for (Index block = 0; block < model_.blocks(); ++block) {
      Index group = first_of(block);
      for (const Index of_group : model_.group_rows(block)) rows[group++] = static_cast<double>(of_group);
    }
    return rows;
  }

  std::string moments_in_words(Index draws) const {
    return fmt::format(
        "means over {} draws of the parameters of the moments given them, {}", num_moment_draws(draws),
        model_.is_quadratic() ? "which are exact"
                              : fmt::format("by quadrature with {} nodes of each effect", moment_nodes));
  }

 private:
  static Index num_moment_draws(Index draws) { return std::min(draws, most_moment_draws); }
  Index first_of(Index block) const { return first_[static_cast<std::size_t>(block)]; }

  const Config& config_;
  const LocalModel& model_;
  const GaussHermite rule_;
  const Index size_;  ///< effects of a group
  std::vector<Index> first_{0};
  Index first_block_ = 0;  ///< in the dataset
};

/// Puts what is known of a grouping's effects into a result, as far as it is asked for.
class Output {
 public:
  Output(const Config& config, Index num_draws) : config_(config), num_draws_(num_draws) {}

  bool wants_draws(Index effects) const {
    const double bytes = 8.0 * static_cast<double>(num_draws_) * static_cast<double>(effects);
    return config_.output.group_effects == "draws" ||
           (effects <= most_effects_unasked && bytes <= most_bytes);
  }

  void add_draws(const Grouping& grouping, const Dimension& groups, std::vector<double> values) {
    Variable variable{"r_" + grouping.name, sampling_dimensions(num_draws_), std::move(values)};
    variable.dimensions.push_back(groups);
    variable.dimensions.push_back(effect_dimension(grouping));
    effects_.draws.push_back(std::move(variable));
  }

  void add_moments(const Grouping& grouping, const Dimension& groups, std::vector<double> mean,
                   std::vector<double> sd, std::vector<double> rows) {
    if (effects_.moments.empty()) effects_.moments.push_back({"group_effects", {}});
    std::vector<Variable>& variables = effects_.moments.back().variables;
    const std::vector<Dimension> both{groups, effect_dimension(grouping)};
    variables.push_back({"r_" + grouping.name + "_mean", both, std::move(mean)});
    variables.push_back({"r_" + grouping.name + "_sd", both, std::move(sd)});
    variables.push_back({"rows_" + grouping.name, {groups}, std::move(rows), true});
  }

  void say(const Grouping& grouping, const std::string& how) {
    effects_.moments.back().attributes["moments_" + grouping.name] = how;
  }

  EffectsOfGroups take() { return std::move(effects_); }

 private:
  const Config& config_;
  Index num_draws_;
  EffectsOfGroups effects_;
};

/// [collective]
void add_integrated(const Communicator& comm, const Config& config, const Problem& problem,
                    const Integrated& model, ConstMat theta, Output& output) {
  const Grouping grouping = model.local().grouping();
  const OwnGroups own(comm, config, model);
  const Dimension groups = group_dimension(comm, problem, model.local());
  OwnGroups::Moments moments;
  comm.collectively("making the moments of the effects of groups", [&] { moments = own.moments(theta); });
  std::vector<double> mean = gathered(comm, moments.mean), sd = gathered(comm, moments.sd);
  output.add_moments(grouping, groups, std::move(mean), std::move(sd), gathered(comm, own.rows()));
  output.say(grouping, own.moments_in_words(theta.cols()));
  const Index effects = groups.size * std::ssize(grouping.effects);
  if (!output.wants_draws(effects) || model.local().num_outer_latents() > 0) return;
  std::vector<double> values;
  if (comm.is_root()) values.reserve(static_cast<std::size_t>(effects * theta.cols()));
  for (Index first = 0; first < theta.cols(); first += draws_at_once) {
    const Index count = std::min(draws_at_once, theta.cols() - first);
    Matrix draws;
    comm.collectively("drawing the effects of groups",
                      [&] { draws = own.draws(theta.middleCols(first, count), first); });
    for (Index s = 0; s < count; ++s) {
      const std::vector<double> all = gathered(comm, draws.col(s));
      values.insert(values.end(), all.begin(), all.end());
    }
  }
  output.add_draws(grouping, groups, std::move(values));
}

/// [collective] Of effects that are parameters.
void add_parameters(const Communicator& comm, const LocalModel& model, std::size_t which, ConstMat theta,
                    Output& output) {
  const Grouping grouping = model.parameter_groupings()[which];
  const Dimension groups{grouping.name, std::ssize(grouping.groups), grouping.groups};
  std::vector<std::int64_t> rows(grouping.groups.size(), 0);
  for (Index block = 0; block < model.blocks(); ++block) model.count_parameter_rows(which, block, rows);
  comm.sum(rows);
  if (!comm.is_root()) return;
  const Index effects = groups.size * std::ssize(grouping.effects);
  const bool wants_draws = output.wants_draws(effects);
  std::vector<double> draws;
  Vector mean = Vector::Zero(effects), squares = Vector::Zero(effects);
  for (Index s = 0; s < theta.cols(); ++s) {
    const Vector at = model.parameter_effects(which, theta.col(s)).reshaped();
    const Vector apart = at - mean;
    mean += apart / static_cast<double>(s + 1);
    squares += apart.cwiseProduct(at - mean);
    if (wants_draws) draws.insert(draws.end(), at.begin(), at.end());
  }
  const Vector sd = (squares / static_cast<double>(std::max<Index>(theta.cols() - 1, 1))).cwiseSqrt();
  output.add_moments(grouping, groups, {mean.begin(), mean.end()}, {sd.begin(), sd.end()},
                     {rows.begin(), rows.end()});
  output.say(grouping, "those of the draws");
  if (wants_draws) output.add_draws(grouping, groups, std::move(draws));
}

}  // namespace

Index num_groups(const Communicator& comm, const LocalModel& model) {
  std::int64_t count = 0;
  for (Index block = 0; block < model.blocks(); ++block) count += model.groups(block);
  comm.sum({&count, 1});
  return static_cast<Index>(count);
}

Dimension group_dimension(const Communicator& comm, const Problem& problem, const LocalModel& model) {
  const Grouping grouping = model.grouping();
  Dimension dimension{grouping.name, num_groups(comm, model), {}};
  if (grouping.keys.empty()) return dimension;
  std::string own;  // bytes of codes, key after key, group after group
  for (Index block = 0; block < model.blocks(); ++block) {
    const GroupCodes codes = model.group_codes(block).transpose();
    own.append(reinterpret_cast<const char*>(codes.data()),
               static_cast<std::size_t>(codes.size()) * sizeof(std::int64_t));
  }
  const GroupNames names(grouping.keys, problem.table());
  std::vector<std::int64_t> codes(grouping.keys.size());
  const std::size_t bytes = codes.size() * sizeof(std::int64_t);
  if (comm.is_root()) dimension.labels.reserve(static_cast<std::size_t>(dimension.size));
  for (const std::string& piece : comm.gather(own)) {
    for (std::size_t at = 0; at < piece.size(); at += bytes) {
      std::memcpy(codes.data(), piece.data() + at, bytes);
      dimension.labels.push_back(names.name(codes.data()));
    }
  }
  return dimension;
}

EffectsOfGroups effects_of_groups(const Communicator& comm, const Config& config, const Problem& problem,
                                  ConstMat theta) {
  const Integrated* model = problem.integrated();
  if (model == nullptr || config.output.group_effects == "none") return {};
  Output output(config, theta.cols());
  add_integrated(comm, config, problem, *model, theta, output);
  for (std::size_t which = 0; which < model->local().parameter_groupings().size(); ++which)
    add_parameters(comm, model->local(), which, theta, output);
  return output.take();
}

void check_size_of_group_effects(const Communicator& comm, const Config& config, const Problem& problem) {
  const Integrated* model = problem.integrated();
  if (model == nullptr || config.output.group_effects != "draws") return;
  const LocalModel& local = model->local();
  if (local.num_outer_latents() > 0) {
    throw Error(
        Fault::config,
        fmt::format("output.group_effects: found \"draws\", with effects of {} within other groups, of "
                    "which there are moments alone; expected \"moments\" or \"none\"",
                    local.grouping().name));
  }
  Index effects = num_groups(comm, local) * std::ssize(local.grouping().effects);
  for (const Grouping& grouping : local.parameter_groupings())
    effects += std::ssize(grouping.groups) * std::ssize(grouping.effects);
  const double bytes = 8.0 * static_cast<double>(config.output.draws) * static_cast<double>(effects);
  if (bytes <= most_bytes) return;
  throw Error(
      Fault::config,
      fmt::format("output.group_effects: {} draws of {} effects take {:.1f} GB, expected at most 2 GB: "
                  "set it to \"moments\", or lower output.draws",
                  config.output.draws, effects, bytes / 1e9));
}

}  // namespace vfe
