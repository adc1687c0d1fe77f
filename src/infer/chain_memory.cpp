#include "infer/chain_memory.hpp"

#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/family/proposal.hpp"
#include "vfe/infer/flow_fit.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_fitted = 8192;  // draws that a flow is fitted to
constexpr double reach = 6.0;              // of that flow, beyond all draws: where it ends chains diverge

void require_some(const ChainDraws& draws) {
  if (draws.theta.cols() == 0) throw Error(Fault::bug, "going on from chains: found none of their draws");
}

/// Starts are of the coordinates that the metric is of.
void place(State& state, const Affine& metric, ConstMat starts, const ChainSlots& slots) {
  state.put(slots.metric, metric);
  state.put(slots.points, starts);
}

}  // namespace

Matrix Packing<Flow>::pack(const Flow& value) {
  Proposal packed;
  packed.add(1.0, value);
  return packed.pack();
}

Flow Packing<Flow>::unpack(const Matrix& written) {
  return std::get<Flow>(Proposal(written.col(0)).component(0));
}

ChainSlots::ChainSlots(const std::string& name)
    : progress{name + "_progress"},
      flow{name + "_flow"},
      metric{name + "_metric"},
      points{name + "_points"},
      point_gradients{name + "_point_gradients"},
      point_values{name + "_point_values"},
      moves{name + "_moves"},
      moving{name + "_moving"},
      velocity{name + "_velocity"},
      energy{name + "_energy"},
      warm{name + "_warm"},
      warm_gradients{name + "_warm_gradients"},
      theta{name + "_theta"},
      gradient{name + "_gradient"},
      log_joint{name + "_log_joint"} {}

ChainSpace::ChainSpace(const State& state, const ChainSlots& slots)
    : coordinates(state.has(slots.flow) ? ChainCoordinates(state.get(slots.flow)) : ChainCoordinates()),
      metric(state.get(slots.metric)) {}

Address chain_starts_address(std::uint64_t seed) {
  return {.seed = seed, .purpose = Purpose::chain_start};
}

void place_chains(State& state, const Affine& metric, ConstMat starts, const std::string& name) {
  const ChainSlots slots(name);
  state.drop(slots.flow);
  place(state, metric, starts, slots);
}

void place_chains(State& state, const Flow& flow, ConstMat starts, const std::string& name) {
  const ChainSlots slots(name);
  state.put(slots.flow, flow);
  place(state, {Vector::Zero(flow.size()), Matrix::Ones(flow.size(), 1)}, flow.inverse(starts), slots);
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
  const ChainSlots slots(name);
  const ChainProgress progress = state.get(slots.progress);
  return {{.theta = state.get(slots.theta),
           .gradient = state.get(slots.gradient),
           .log_joint = state.get(slots.log_joint).row(0).transpose()},
          progress.superchains,
          progress.chains,
          state.has(slots.flow) ? state.get(slots.flow).base() : state.get(slots.metric),
          state.get_or(left::symmetries, {}),
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
  const ChainSlots own(name);
  state.drop(own.progress, own.flow, own.metric, own.points, own.point_gradients, own.point_values, own.moves,
             own.moving, own.velocity, own.energy, own.warm, own.warm_gradients, own.theta, own.gradient,
             own.log_joint);
}

ChainsSummary chains_summary(const State& state, const std::string& name) {
  const ChainSlots slots(name);
  const ChainProgress progress = state.get(slots.progress);
  const Index kept = state.get(slots.log_joint).cols() / progress.chains;
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
