#include "infer/chain_memory.hpp"

#include <array>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/family/proposal.hpp"
#include "vfe/infer/flow_fit.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_fitted = 8192;  // draws that a flow is fitted to
constexpr double reach = 6.0;              // of that flow, beyond all draws: where it ends chains diverge

constexpr std::array all_keys = {"progress",       "shift",           "scale",        "flow",
                                 "points",         "point_gradients", "point_values", "moves",
                                 "moving",         "velocity",        "energy",       "warm",
                                 "warm_gradients", "theta",           "gradient",     "log_joint"};

bool in_flow(const State& state, const std::string& name) {
  return state.memory.contains(chain_key(name, "flow"));
}

Flow flow_of(const State& state, const std::string& name) {
  return std::get<Flow>(Proposal(state.memory.at(chain_key(name, "flow")).col(0)).component(0));
}

Affine metric_of(const State& state, const std::string& name) {
  return {state.memory.at(chain_key(name, "shift")).col(0), state.memory.at(chain_key(name, "scale"))};
}

void require_some(const ChainDraws& draws) {
  if (draws.theta.cols() == 0) throw Error(Fault::bug, "going on from chains: found none of their draws");
}

/// Starts are of the coordinates that the metric is of.
void place(State& state, const Affine& metric, ConstMat starts, const std::string& name) {
  state.memory[chain_key(name, "shift")] = metric.shift;
  state.memory[chain_key(name, "scale")] = metric.scale;
  state.memory[chain_key(name, "points")] = starts;
}

}  // namespace

std::string chain_key(const std::string& name, const char* what) {
  return name + "_" + what;
}

ChainProgress::ChainProgress(const State& state, const std::string& name) {
  const Matrix& row = state.memory.at(chain_key(name, "progress"));
  Index next = 0;
  each(*this, [&](auto& field) { field = static_cast<std::decay_t<decltype(field)>>(row(next++)); });
  step = StepSize(row.rightCols(StepSize::packed_size).transpose());
}

void ChainProgress::save(State& state, const std::string& name) const {
  std::vector<double> row;
  each(*this, [&](const auto& field) { row.push_back(static_cast<double>(field)); });
  for (const double number : step.pack()) row.push_back(number);
  state.memory[chain_key(name, "progress")] =
      Eigen::Map<const Matrix>(row.data(), 1, static_cast<Index>(row.size()));
}

ChainSpace::ChainSpace(const State& state, const std::string& name)
    : coordinates(in_flow(state, name) ? ChainCoordinates(flow_of(state, name)) : ChainCoordinates()),
      metric(metric_of(state, name)) {}

Address chain_starts_address(std::uint64_t seed) {
  return {.seed = seed, .purpose = Purpose::chain_start};
}

void place_chains(State& state, const Affine& metric, ConstMat starts, const std::string& name) {
  state.memory.erase(chain_key(name, "flow"));
  place(state, metric, starts, name);
}

void place_chains(State& state, const Flow& flow, ConstMat starts, const std::string& name) {
  Proposal packed;
  packed.add(1.0, flow);
  state.memory[chain_key(name, "flow")] = packed.pack();
  place(state, {Vector::Zero(flow.size()), Matrix::Ones(flow.size(), 1)}, flow.inverse(starts), name);
}

Matrix superchain_starts(ConstMat points, Index superchains, Index chains_per_superchain) {
  Matrix starts(points.rows(), superchains * chains_per_superchain);
  for (Index c = 0; c < starts.cols(); ++c) {
    starts.col(c) = points.col(c / chains_per_superchain % points.cols());
  }
  return starts;
}

Matrix superchain_starts(const Family& family, ConstVec lambda, Index superchains,
                         Index chains_per_superchain, std::uint64_t seed) {
  Matrix noise(family.num_noise(), superchains), points(family.size(), superchains);
  fill_normal(chain_starts_address(seed), noise);
  family.transform(lambda, noise, points);
  return superchain_starts(points, superchains, chains_per_superchain);
}

ChainDraws chain_draws(const State& state, const std::string& name) {
  const ChainProgress progress(state, name);
  return {progress.superchains,
          progress.chains,
          state.memory.at(chain_key(name, "theta")),
          state.memory.at(chain_key(name, "gradient")),
          state.memory.at(chain_key(name, "log_joint")),
          in_flow(state, name) ? flow_of(state, name).base() : metric_of(state, name),
          symmetries_of(state),
          1,
          centres_of_modes(state)};
}

Matrix last_points(const ChainDraws& draws) {
  require_some(draws);
  const Index each = draws.chains / draws.superchains;
  return draws.theta.rightCols(draws.chains)(Eigen::all, Eigen::seqN(0, draws.superchains, each));
}

Flow flow_of_chains(const ChainDraws& draws) {
  require_some(draws);
  // In random order, for of what is fitted every third draw is held out.
  std::vector<Index> chosen = permutation({.purpose = Purpose::flow_fit}, draws.theta.cols());
  if (chosen.size() > most_fitted) chosen.resize(most_fitted);
  Matrix theta = draws.theta(Eigen::all, chosen), no_gradient(theta.rows(), 0);
  fold(draws.symmetries, draws.metric, theta, no_gradient);
  const Vector log_weight = Vector::Zero(theta.cols());
  return fit_flow(theta, log_weight, whitening(theta, log_weight, draws.metric), {.reach = reach}).flow;
}

void drop_chains(State& state, const std::string& name) {
  for (const char* what : all_keys) state.memory.erase(chain_key(name, what));
}

ChainsSummary chains_summary(const State& state, const std::string& name) {
  const ChainProgress progress(state, name);
  const Index kept = state.memory.at(chain_key(name, "log_joint")).cols() / progress.chains;
  return {
      .iterations = kept,
      .step = progress.step.step,
      .trajectory = progress.trajectory,
      .calls = static_cast<std::uint64_t>(progress.calls),
      .gradients = static_cast<std::uint64_t>(progress.calls) * static_cast<std::uint64_t>(progress.chains),
      .gradients_warm_up =
          static_cast<std::uint64_t>(progress.calls_warm_up) * static_cast<std::uint64_t>(progress.chains),
      .divergences_warm_up = progress.divergences_warm_up,
      .divergences = progress.divergences,
      .acceptance = kept > 0 ? progress.acceptance / static_cast<double>(kept) : 0.0,
      .enough = progress.enough,
      .hopeless = progress.hopeless,
      .in_sight = progress.in_sight};
}

}  // namespace vfe
