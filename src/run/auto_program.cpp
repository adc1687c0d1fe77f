#include "run/auto_program.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "run/judged_values.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/audit.hpp"
#include "vfe/infer/chains.hpp"
#include "vfe/infer/diagonal_fit.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/flow_fit.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/infer/weigh.hpp"
#include "vfe/verdict/psis.hpp"

namespace vfe {
namespace {

constexpr Index most_full_rank = 60, most_sampled = 3000;  // dimensions
constexpr Index most_weighed = 30;  // dimension up to which adaptation is worth while whatever the weights
constexpr Index superchains = 32;
constexpr std::uint64_t gradients_before_flow = 40'000, gradients_flow = 230'000, gradients_high = 500'000;
constexpr double careful_acceptance = 0.9;  // of the last chains, for small steps where others diverged
constexpr Index trajectories_per_divergence = 4000;
const std::vector<std::string> chain_stages{"chains", "flow_chains", "flow_chains_2"};
constexpr Index audit_chains = 48;
constexpr double audit_inflation = 2.0;
// Of the starts of chains in many dimensions. Two modes 8 sds apart at d = 100 went unnoticed with starts
// from the one that was found.
constexpr double far_share = 1.0 / 3.0, far_inflation = 3.0;

// Addresses of Purpose::start: blocks below 8 are those of the mode search, wide starts and chains alone.
constexpr std::uint32_t audit_block = 8, chains_block = 9;

double flag(const State& state, const std::string& name) {
  const auto found = state.memory.find(name);
  return found == state.memory.end() ? 0.0 : found->second(0, 0);
}

bool has_proper_mode(const State& state) {
  return flag(state, "base_definite") != 0.0;
}

/// Whether weights of draws of q, or of what can be fitted to them, are worth a try.
bool weights_may_do(const State& state, Index d) {
  if (!has_proper_mode(state)) return false;
  const double variance = weighed_variance(state);
  if (d <= most_weighed) return true;
  return variance <= (d <= most_full_rank ? 1.5 : 1.0) && d <= 300;
}

bool weights_do(const State& state) {
  return flag(state, "importance_enough") != 0.0 && flag(state, "audit_passed") != 0.0;
}

/// Smoothed weights of a pool, none above `largest` of their sum.
Vector capped(const WeightedPool& pool, double largest) {
  return psis(pool.log_weight()).log_weights.cwiseMin(std::log(largest));
}

Affine whitening_of(const WeightedPool& pool) {
  return whitening(pool.theta, psis(pool.log_weight()).log_weights, pool.whitening);
}

Matrix drawn_by_weight(const WeightedPool& pool, double largest, const Address& at, Index count) {
  return pool.theta(Eigen::all, resample(capped(pool, largest), count, uniform(at, 0)));
}

/// `count` draws of the modes found, the first of them replaced by q, with at least two of each.
Matrix drawn_from_modes(const State& state, const Affine& q, const Address& at, Index count) {
  const Proposal found = found_modes(state);
  Proposal around;
  for (Index c = 0; c < found.num_components(); ++c) {
    const double share = std::max(found.weight(c), 2.0 / static_cast<double>(count));
    around.add(share, c == 0 ? Student{q} : std::get<Student>(found.component(c)));
  }
  return around.draw(at, count);
}

void prepare_audit(State& state, std::uint64_t seed) {
  const WeightedPool pool = weighted_pool(state);
  const Address at{.seed = seed, .purpose = Purpose::start, .block = audit_block};
  Matrix starts(pool.theta.rows(), audit_chains);
  starts.leftCols(audit_chains / 2) = drawn_by_weight(pool, 1.0, at, audit_chains / 2);
  // The others twice as far from the mode that is nearest: chains this short keep to their modes, so each
  // must have its share of them.
  const Proposal found = found_modes(state);
  Address elsewhere = at;
  elsewhere.step = 1;
  Matrix far = drawn_by_weight(pool, 1.0, elsewhere, audit_chains / 2);
  for (Index c = 0; c < far.cols(); ++c) {
    Vector centre = pool.whitening.shift;
    double least = pool.whitening.whiten(far.col(c)).norm();
    for (Index k = 0; k < found.num_components(); ++k) {
      const Vector& mode = std::get<Student>(found.component(k)).base.shift;
      const double distance = pool.whitening.whiten(far.col(c) - mode + pool.whitening.shift).norm();
      if (distance >= least) continue;
      least = distance;
      centre = mode;
    }
    far.col(c) = centre + audit_inflation * (far.col(c) - centre);
  }
  starts.rightCols(audit_chains / 2) = far;
  place_chains(state, whitening_of(pool), starts, "audit");
}

/// Errors within which pool and short chains must agree, in joint standard errors.
constexpr double audit_errors = 5.0;

AuditRule audit_rule(const JudgedValues& values) {
  return [values](const WeightedPool& pool, const ChainDraws& draws) {
    return disagreement(certify(pool, pool.whitening, values).moments,
                        certify(draws, 0, draws.metric, values).moments, audit_errors, values);
  };
}

void prepare_chains(State& state, Index d, std::uint64_t seed) {
  const Address at{.seed = seed, .purpose = Purpose::start, .block = chains_block};
  Affine metric = normal_map(state.lambda, d);
  Matrix points;
  if (state.memory.contains("importance_enough")) {
    const WeightedPool pool = weighted_pool(state);
    metric = whitening_of(pool);
    points = drawn_by_weight(pool, 1.0 / superchains, at, superchains);
  } else {
    points = drawn_from_modes(state, metric, at, superchains);
  }
  place_chains(state, metric, superchain_starts(points, superchains, 2), "chains");
}

void prepare_flow_chains(State& state, const std::string& from, const std::string& name) {
  const ChainDraws draws = chain_draws(state, from);
  place_chains(state, flow_of_chains(draws), superchain_starts(last_points(draws), superchains, 2), name);
}

/// Whether chains of that name ended with all that is asked of them.
bool chains_do(const State& state, const std::string& name) {
  return chains_summary(state, name).enough && telling_divergences(state, name) == 0;
}

std::unique_ptr<Stage> fit_of_q(const Config& config, const Target& target, const Family& family) {
  const Index d = target.size();
  if (d > most_full_rank && d <= most_sampled) {
    DiagonalFitOptions options;
    options.seed = config.fit.seed;
    return diagonal_fit(target, options);
  }
  FixedDrawsOptions options;
  options.draws = std::clamp<Index>(4 * d, 32, 256);  // above 3,000 dimensions as many as memory likes
  options.max_iterations = 60;
  options.seed = config.fit.seed;
  return fixed_draws(target, family, options);
}

}  // namespace

bool is_automatic(const Config& config) {
  return config.family.type == "auto" && config.fit.mode == Mode::synchronous;
}

std::string fitted_family(Index d) {
  return d <= most_sampled ? "full_rank" : "mean_field";
}

Program auto_program(const Config& config, const Problem& problem, const Family& family) {
  const Target& target = problem.target();
  const Index d = target.size();
  const std::uint64_t seed = config.fit.seed;
  const JudgedValues values = judged_values(problem.model());
  const bool sampled = d <= most_sampled;
  const std::string sampling = config.fit.sampling;

  std::vector<Place> places;
  places.emplace_back(modes(target, {.seed = seed}));
  places.emplace_back(polish(target, {.diagonal = !sampled, .seed = seed}));
  places.emplace_back(exploration(target, {.seed = seed}));
  places.emplace_back(fit_of_q(config, target, family));
  places.emplace_back(weigh(target, {.seed = seed}));
  if (!sampled) return Program(std::move(places));

  // Where a flow takes longer to fit than chains to run, one round must do.
  const Index rounds = d <= most_weighed ? ImportanceOptions{}.max_rounds : 1;
  places.emplace_back(importance(target, {.max_rounds = rounds, .rule = pool_rule(values), .seed = seed}),
                      [d, sampling](const State& state) {
                        return sampling == "importance" || (sampling == "auto" && weights_may_do(state, d));
                      });
  places.emplace_back(
      audit(target, {.chains = audit_chains, .rule = audit_rule(values), .seed = seed}),
      [](const State& state) { return flag(state, "importance_enough") != 0.0; },
      [seed](State& state) { prepare_audit(state, seed); });
  if (sampling == "importance") return Program(std::move(places));
  const bool flows = d <= most_full_rank;
  ChainsOptions options;
  options.superchains = superchains;
  options.rule = chain_rule(values);
  options.seed = seed;
  options.name = chain_stages.front();
  options.max_gradients = flows ? gradients_before_flow : gradients_high;
  places.emplace_back(
      chains(target, options), [](const State& state) { return !weights_do(state); },
      [d, seed](State& state) { prepare_chains(state, d, seed); });
  options.max_gradients = gradients_flow;
  for (std::size_t k = 1; flows && k < chain_stages.size(); ++k) {
    const std::string before = chain_stages[k - 1], name = chain_stages[k];
    options.name = name;
    if (k + 1 == chain_stages.size()) options.acceptance = careful_acceptance;
    places.emplace_back(
        chains(target, options),
        [before](const State& state) {
          return sampled_by(state) == before && has_proper_mode(state) && !chains_do(state, before);
        },
        [before, name](State& state) { prepare_flow_chains(state, before, name); });
  }
  return Program(std::move(places));
}

Index telling_divergences(const State& state, const std::string& name) {
  const ChainsSummary summary = chains_summary(state, name);
  if (name == chain_stages.front()) return summary.divergences;
  const Index trajectories = chain_draws(state, name).theta.cols();
  return summary.divergences * trajectories_per_divergence <= trajectories ? 0 : summary.divergences;
}

std::string sampled_by(const State& state) {
  for (auto name = chain_stages.rbegin(); name != chain_stages.rend(); ++name) {
    if (state.memory.contains(*name + "_theta")) return *name;
  }
  return state.memory.contains("importance_enough") ? "importance" : "";
}

}  // namespace vfe
