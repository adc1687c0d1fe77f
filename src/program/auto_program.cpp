#include "vfe/program/auto_program.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "vfe/family/family.hpp"
#include "vfe/infer/audit.hpp"
#include "vfe/infer/chains.hpp"
#include "vfe/infer/diagonal_fit.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/flow_fit.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/infer/tempering.hpp"
#include "vfe/infer/weigh.hpp"
#include "vfe/program/inference_program.hpp"
#include "vfe/program/judged_values.hpp"
#include "vfe/program/leaning_scales.hpp"
#include "vfe/statistics/psis.hpp"

namespace vfe {
namespace {

// Variance of log weights up to which what is fitted between rounds mends them. Beyond it the weights of
// eight schools looked good (k-hat 0.4, 20,000 effective draws) with an sd of tau 4.4 % too small: q's misfit
// grew with tau, and where tau is largest hardly a draw was where it should have been.
constexpr double most_mended = 2.0;
constexpr double nearly_exact = 0.3;  // variance of log weights of q
constexpr double least_share_of_one_mode = 0.95;
constexpr double least_share_started = 1e-4;  // of a mode that chains must start from
constexpr Index superchains = 16;
constexpr std::uint64_t gradients_before_flow = 25'000, gradients_in_sight = 100'000,
                        gradients_before_next_flow = 100'000, gradients_flow = 300'000,
                        gradients_high = 120'000, gradients_high_in_sight = 500'000;
constexpr double careful_acceptance = 0.9;  // of chains in a flow, which has edges: for small steps
// For each of which one may diverge: in theta's own coordinates it is a place that the chains hardly enter,
// in a flow's noise one of the flow's edges.
constexpr Index trajectories_per_divergence = 5000, trajectories_per_divergence_in_flow = 500;
const std::vector<std::string> chain_stages{"chains", "flow_chains", "flow_chains_2"};
/// Of the audit; where q itself is nearly the posterior, fewer and shorter chains would notice as much.
struct AuditSize {
  const char* name;
  Index chains, warm_up_iterations, iterations;
};
constexpr AuditSize full_audit{"audit", 48, 6, 8}, brief_audit{"brief_audit", 16, 4, 6},
    audit_again{"audit_again", 48, 6, 8};
constexpr double audit_inflation = 2.0;
// Of the starts of chains in many dimensions. Two modes 8 sds apart at d = 100 went unnoticed with starts
// from the one that was found.
constexpr double far_share = 1.0 / 3.0, far_inflation = 3.0;

/// What has sampled so far.
struct Sampling {
  Index pools = 0;   ///< importance sampling, from the first draw on, anew after a look
  Index chains = 0;  ///< of chain_stages

  static void each(auto& self, const auto& visit) { visit(self.pools), visit(self.chains); }
};
const Slot<Sampling> sampling_slot{"sampling"};

Sampling sampling_of(const State& state) {
  return state.get_or(sampling_slot, {});
}

void begin_pool(State& state) {
  Sampling sampling = sampling_of(state);
  ++sampling.pools;
  state.put(sampling_slot, sampling);
}

void begin_chains(State& state, std::size_t which) {
  Sampling sampling = sampling_of(state);
  sampling.chains = static_cast<Index>(which) + 1;
  state.put(sampling_slot, sampling);
}

/// Whether weights of draws of q, or of what can be fitted to them, are worth a try.
bool weights_may_do(const State& state, Index d) {
  if (!state.get(left::base).definite) return false;
  const double variance = weighed_variance(state);
  if (d <= regimes::weighed)
    return variance <= most_mended || state.get(left::found_modes).num_components() > 1;
  return d <= regimes::importance ? variance <= 1.0 : variance <= nearly_exact;
}

/// Whether what is to be sampled is known: else no certificate can come of it, and sampling is not worth
/// much.
bool search_ended(const State& state) {
  const std::optional<SearchReport> report = state.find(left::searched);
  return !report || report->objection().empty();
}

/// Whether q is nearly the posterior, as far as its own draws and searches tell.
bool is_nearly_exact(const State& state) {
  const std::optional<SearchReport> report = state.find(left::searched);
  return report && report->modes == 1 && weighed_variance(state) <= nearly_exact;
}

bool has_strangers(const State& state) {
  const std::optional<TemperingReport> report = tempering_report(state);
  return report && report->complete() && report->strange > 0.0;
}

bool weights_do(const State& state) {
  return state.get_or(left::importance_enough, false) &&
         state.get_or(left::audited, AuditOutcome::none) == AuditOutcome::passed;
}

/// Smoothed weights of a pool, none above `largest` of their sum.
Vector capped(const WeightedPool& pool, double largest) {
  return psis(pool.log_weight).log_weights.cwiseMin(std::log(largest));
}

Affine whitening_of(const WeightedPool& pool) {
  return whitening(pool.theta, psis(pool.log_weight).log_weights, pool.whitening);
}

Matrix drawn_by_weight(const WeightedPool& pool, double largest, const Address& at, Index count) {
  return pool.theta(Eigen::all, resample(capped(pool, largest), count, uniform(at, 0)));
}

/// `count` draws of the modes found, the first of them replaced by q, with at least two of each.
Matrix drawn_from_modes(const State& state, const Affine& q, const Address& at, Index count) {
  const Proposal found = state.get(left::found_modes);
  Proposal around;
  for (Index c = 0; c < found.num_components(); ++c) {
    const double share = std::max(found.weight(c), 2.0 / static_cast<double>(count));
    around.add(share, c == 0 ? Student{q} : std::get<Student>(found.component(c)));
  }
  return around.draw(at, count);
}

void prepare_audit(State& state, std::uint64_t seed, const std::string& name, Index audit_chains) {
  const WeightedPool pool = weighted_pool(state);
  const Address at{.seed = seed, .purpose = Purpose::audit};
  Matrix starts(pool.theta.rows(), audit_chains);
  starts.leftCols(audit_chains / 2) = drawn_by_weight(pool, 1.0, at, audit_chains / 2);
  // The others twice as far from the mode that is nearest: chains this short keep to their modes, so each
  // must have its share of them.
  const Proposal found = state.get(left::found_modes);
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
  place_chains(state, whitening_of(pool), starts, name);
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
  const Address at{.seed = seed, .purpose = Purpose::spread_start};
  Affine metric = normal_map(state.lambda, d);
  Matrix points;
  begin_chains(state, 0);
  if (sampling_of(state).pools > 0) {
    const WeightedPool pool = weighted_pool(state);
    metric = whitening_of(pool);
    points = drawn_by_weight(pool, 1.0 / superchains, at, superchains);
    // Of several modes each has its superchains, whatever its weight: those that do not mix must show.
    const Proposal found = state.get(left::found_modes);
    Index next = 0;
    for (Index k = 0; k < found.num_components() && found.num_components() > 1; ++k) {
      if (found.weight(k) < least_share_started) continue;
      for (Index copy = 0; copy < 2 && next < superchains; ++copy) {
        points.col(next++) = std::get<Student>(found.component(k)).base.shift;
      }
    }
  } else {
    points = drawn_from_modes(state, metric, at, superchains);
  }
  place_chains(state, metric, superchain_starts(points, superchains, 2), "chains");
}

void prepare_flow_chains(State& state, std::size_t which) {
  begin_chains(state, which);
  const ChainDraws draws = chain_draws(state, chain_stages[which - 1]);
  place_chains(state, flow_of_chains(draws), superchain_starts(last_points(draws), superchains, 2),
               chain_stages[which]);
}

/// Whether chains of that name ended with all that is asked of them.
bool chains_do(const State& state, const std::string& name) {
  return chains_summary(state, name).enough && telling_divergences(state, name) == 0;
}

/// Whether chains that did not do would in a flow's noise: those that keep to modes of their own would not,
/// nor those that a flow has brought no nearer to their end.
bool flow_may_help(const State& state, const std::string& before) {
  const ChainsSummary summary = chains_summary(state, before);
  if (summary.hopeless || state.get(left::found_modes).num_components() > 1) return false;
  return before == chain_stages.front() || summary.enough || summary.in_sight;
}

/// Which of the audits the time has come for.
bool is_due(const State& state, const AuditSize& size) {
  if (!state.get_or(left::importance_enough, false) || !search_ended(state)) return false;
  if (state.get_or(left::audited, AuditOutcome::none) != AuditOutcome::none) return false;
  if (sampling_of(state).pools > 1) return size.name == std::string(audit_again.name);
  return size.name == std::string(is_nearly_exact(state) ? brief_audit.name : full_audit.name);
}

void add_audit(const Config& config, const Target& target, const JudgedValues& values, const AuditSize& size,
               std::vector<Place>& places) {
  const std::uint64_t seed = config.fit.seed;
  places.emplace_back(
      audit(target, {.name = size.name,
                     .chains = size.chains,
                     .warm_up_iterations = size.warm_up_iterations,
                     .iterations = size.iterations,
                     .rule = audit_rule(values),
                     .seed = seed}),
      [size](const State& state) { return is_due(state, size); },
      [seed, size](State& state) { prepare_audit(state, seed, size.name, size.chains); });
}

std::unique_ptr<Stage> fit_of_q(const Config& config, const Target& target, const Family& family) {
  const Index d = target.size();
  if (d > regimes::dense_fit && d <= regimes::certified) {
    DiagonalFitOptions options;
    options.seed = config.fit.seed;
    return diagonal_fit(target, options);
  }
  FixedDrawsOptions options;
  options.draws = std::clamp<Index>(4 * d, 32, 256);  // above regimes::certified as many as memory likes
  options.max_iterations = 40;
  options.tolerance = 0.01;  // nats that neither weights nor chains would notice
  options.seed = config.fit.seed;
  return fixed_draws(target, family, options);
}

/// When weights are enough: of effects of groups besides where their standard errors have errors that are
/// finite, which is up to k-hat 0.25 or so, and with least_draws().
PoolRule rule_of_weights(const Model& model, const JudgedValues& values) {
  return [&model, rule = pool_rule(values)](const WeightedPool& pool) {
    constexpr double largest_khat = 0.3;
    PoolCheck check = rule(pool);
    if (dynamic_cast<const Integrated*>(&model) == nullptr) return check;
    const Index least = least_draws(model, pool.theta, pool.log_weight);
    check.shortfall =
        std::max(check.shortfall, static_cast<double>(least) / static_cast<double>(pool.size()));
    check.enough = check.enough && check.khat <= largest_khat && pool.size() >= least;
    return check;
  };
}

/// When chains are: likewise.
ChainRule rule_of_chains(const Model& model, const JudgedValues& values) {
  return [&model, rule = chain_rule(values)](const ChainDraws& draws) {
    ChainCheck check = rule(draws);
    const Index least = least_draws(model, draws.theta, Vector());
    check.shortfall =
        std::max(check.shortfall, static_cast<double>(least) / static_cast<double>(draws.theta.cols()));
    check.enough = check.enough && draws.theta.cols() >= least;
    return check;
  };
}

}  // namespace

bool is_automatic(const Config& config) {
  return config.family.type == "auto" && config.fit.mode == Mode::synchronous;
}

std::string fitted_family(Index d) {
  return d <= regimes::certified ? "full_rank" : "mean_field";
}

Program auto_program(const Config& config, const Problem& problem, const Family& family) {
  const Target& target = problem.target();
  const Index d = target.size();
  const std::uint64_t seed = config.fit.seed;
  const JudgedValues values = judged_values(problem.model());
  const bool sampled = d <= regimes::certified;
  const std::string sampling = config.fit.sampling;

  std::vector<Place> places;
  places.emplace_back(modes(target, {.seed = seed}));
  places.emplace_back(polish(target, {.diagonal = !sampled, .seed = seed}));
  places.emplace_back(exploration(target, {.seed = seed}));
  if (d <= regimes::dense_fit) {
    places.emplace_back(tempering(target, {.seed = seed}), [](const State& state) {
      const std::optional<SearchReport> report = state.find(left::searched);
      return report && report->modes > 1 && search_ended(state);
    });
    places.emplace_back(further_look(target, {.name = "second_look", .seed = seed}), has_strangers);
  }
  add_quadrature(config, problem, places);
  places.emplace_back(fit_of_q(config, target, family));
  places.emplace_back(weigh(target, {.seed = seed}));
  if (!sampled) return Program(std::move(places));

  // Where a flow takes longer to fit than chains to run, one round must do; where q is nearly exact, and
  // nothing fitted, more draws of it are all that may be missing.
  const Index rounds = d <= regimes::weighed || d > regimes::importance ? ImportanceOptions{}.max_rounds : 1;
  places.emplace_back(
      importance(
          target,
          {.max_rounds_of_one_mode = rounds, .rule = rule_of_weights(problem.model(), values), .seed = seed}),
      [d, sampling](const State& state) {
        return sampling == "importance" || (sampling == "auto" && weights_may_do(state, d));
      },
      begin_pool);
  add_audit(config, target, values, brief_audit, places);
  add_audit(config, target, values, full_audit, places);
  // What weights saw elsewhere stands until it is explained.
  places.emplace_back(further_look(target, {.name = "third_look", .seed = seed}), [](const State& state) {
    return sampling_of(state).pools > 0 && !weights_do(state) && search_ended(state);
  });
  places.emplace_back(
      importance(target, {.name = "importance_again",
                          .max_rounds_of_one_mode = rounds,
                          .rule = rule_of_weights(problem.model(), values),
                          .seed = seed}),
      [](const State& state) { return state.get_or(left::found_by("third_look"), 0) > 0; }, begin_pool);
  add_audit(config, target, values, audit_again, places);
  if (sampling == "importance") return Program(std::move(places));
  const bool flows = d <= regimes::dense_fit;
  ChainsOptions options;
  options.superchains = superchains;
  options.rule = rule_of_chains(problem.model(), values);
  options.seed = seed;
  options.name = chain_stages.front();
  options.max_gradients = flows ? gradients_before_flow : gradients_high;
  options.max_gradients_in_sight = flows ? gradients_in_sight : gradients_high_in_sight;
  places.emplace_back(
      chains(target, options),
      [](const State& state) {
        if (weights_do(state)) return false;
        if (sampling_of(state).pools == 0) return true;
        // Chains do not go from mode to mode, and would not say more than the weights that failed.
        return search_ended(state) && state.get(left::found_modes).weight(0) >= least_share_of_one_mode;
      },
      [d, seed](State& state) { prepare_chains(state, d, seed); });
  options.max_gradients = gradients_before_next_flow;
  options.max_gradients_in_sight = gradients_flow;
  options.acceptance = careful_acceptance;
  for (std::size_t k = 1; flows && k < chain_stages.size(); ++k) {
    const std::string before = chain_stages[k - 1];
    options.name = chain_stages[k];
    places.emplace_back(
        chains(target, options),
        [before](const State& state) {
          return sampled_by(state) == before && !chains_do(state, before) && flow_may_help(state, before);
        },
        [k](State& state) { prepare_flow_chains(state, k); });
  }
  return Program(std::move(places));
}

Index telling_divergences(const State& state, const std::string& name) {
  const Index divergences = chains_summary(state, name).divergences;
  const Index each =
      name == chain_stages.front() ? trajectories_per_divergence : trajectories_per_divergence_in_flow;
  return divergences * each <= chain_draws(state, name).theta.cols() ? 0 : divergences;
}

std::string sampled_by(const State& state) {
  const Sampling sampling = sampling_of(state);
  if (sampling.chains > 0 && !weights_do(state)) {
    return chain_stages[static_cast<std::size_t>(sampling.chains) - 1];
  }
  return sampling.pools > 0 ? "importance" : "";
}

}  // namespace vfe
