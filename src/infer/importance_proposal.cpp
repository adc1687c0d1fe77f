#include "infer/importance_proposal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/flow_fit.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/mixture_fit.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double least_share = 0.05;            // of a mode
constexpr double least_share_of_others = 0.25;  // of many modes together
constexpr double heavy_tails = 5.0;             // degrees of freedom of probes and mixtures
constexpr double fitted_share = 0.8;            // of what the probes leave
constexpr double tail_share = 0.3;              // of the flows
constexpr double most_inflation = 1.5;
constexpr double least_ess_for_tails = 300.0, least_tail_ess = 100.0;
constexpr double hopeless_khat = 1.0;  // weights without a mean
constexpr double negligible = 1e-12;   // a weight, against the largest
constexpr Index most_draws = 8192;     // in a fit

/// Degrees of freedom of a t in the place of a normal: fewer than d would cost most of the draws.
double tails_of(Index d) {
  return std::max(7.0, static_cast<double>(d));
}
double fitted_tails(Index d) {
  return d > regimes::weighed ? static_cast<double>(d) : heavy_tails;
}

/// q, and the modes that it does not stand for.
Proposal unfitted(const Affine& q, const Proposal& modes) {
  const auto laplace = [&](Index k) -> const Affine& { return std::get<Student>(modes.component(k)).base; };
  Index own = 0;
  double nearest = INFINITY;
  for (Index k = 0; k < modes.num_components(); ++k) {
    const double distance = q.whiten(laplace(k).shift).norm();
    if (distance < nearest) {
      nearest = distance;
      own = k;
    }
  }
  Proposal result;
  const double others = std::max(1.0, static_cast<double>(modes.num_components() - 1));
  for (Index k = 0; k < modes.num_components(); ++k) {
    result.add(std::max(modes.weight(k), std::min(least_share, least_share_of_others / others)),
               Student{.base = k == own ? q : laplace(k), .nu = tails_of(q.size())});
  }
  return result;
}

/// `main` and, with `share` in all, probes around q.
Proposal with_probes(const Proposal& main, const Affine& q, double share) {
  constexpr std::array<double, 3> inflations{2.0, 4.0, 10.0};
  Proposal result;
  if (q.size() > regimes::weighed) share = 0.0;
  result.add(1.0 - share, main);
  for (const double inflation : inflations) {
    result.add(share / inflations.size(), Student{.base = q, .nu = heavy_tails}.inflated(inflation));
  }
  return result;
}

/// Four fifths of what was fitted, the rest in case it misses something: the start, and q somewhat wider.
Proposal around(const Proposal& fitted, const Proposal& start, const Affine& q) {
  const double inflation = std::min(most_inflation, 1.0 + 3.0 / std::sqrt(static_cast<double>(q.size())));
  Proposal main;
  main.add(fitted_share, fitted);
  main.add((1.0 - fitted_share) / 2.0, start);
  main.add((1.0 - fitted_share) / 2.0, Student{.base = q, .nu = fitted_tails(q.size())}.inflated(inflation));
  return main;
}

/// The draws with a weight that matters, weights truncated; of very many, evenly spread ones.
OwnedDraws sample_of(const WeightedPool& pool) {
  const Vector weight = normalised_weights(pool.log_weight, "fitting a proposal");
  const double most = 1.0 / std::sqrt(static_cast<double>(weight.size()));  // their mean being 1 / N
  const double least = negligible * weight.maxCoeff();
  std::vector<Index> kept;
  for (Index s = 0; s < weight.size(); ++s) {
    if (weight(s) > least) kept.push_back(s);
  }
  const Index count = std::min(std::ssize(kept), most_draws);
  std::vector<Index> thinned;
  for (Index k = 0; k < count; ++k) {
    thinned.push_back(kept[static_cast<std::size_t>(k * std::ssize(kept) / count)]);
  }
  OwnedDraws sample{.theta = pool.theta(Eigen::all, thinned), .gradient = {}};
  sample.log_weight.resize(sample.size());
  for (Index k = 0; k < sample.log_weight.size(); ++k) {
    sample.log_weight(k) = std::log(std::min(weight(thinned[static_cast<std::size_t>(k)]), most));
  }
  return sample;
}

/// What `fit` gives; nothing where it fails numerically.
template <class Fit>
auto attempt(const Fit& fit) -> std::optional<decltype(fit())> {
  try {
    return fit();
  } catch (const Error& error) {
    if (error.fault() != Fault::numeric) throw;
    return std::nullopt;
  }
}

/// Fits to the pool, and judges fits by the draws that they have not seen.
class ProposalFit {
 public:
  ProposalFit(const WeightedPool& pool, const PoolCheck& check, const Parameters& parameters,
              const ImportanceOptions& options, Index num_modes)
      : q_(pool.whitening),
        round_(pool.rounds),
        ess_(check.ess),
        parameters_(parameters),
        options_(options),
        components_(std::max<Index>(3, num_modes + 1)),
        sample_(sample_of(pool)) {
    std::vector<Index> seen, held_out;
    for (Index s = 0; s < sample_.theta.cols(); ++s) (s % 3 == 0 ? held_out : seen).push_back(s);
    if (seen.empty()) seen = held_out;
    seen_ = select(view(sample_), seen);
    held_out_ = select(view(sample_), held_out);
    held_out_weight_ = normalised_weights(held_out_.log_weight, "judging a proposal");
  }

  /// Whichever is best of the start, a t and, where these are not too many dimensions for one, a flow; a
  /// mixture where the flow is not.
  FittedProposal one_mode(const Proposal& start) const {
    FittedProposal best{start, "q"};
    double best_score = score(start);
    consider([&](const OwnedDraws& sample) { return moments(sample); }, best, best_score);
    if (q_.size() > options_.most_flow) return best;
    const std::optional<FlowFit> flow = attempt([&] { return fit_a_flow(sample_.log_weight); });
    if (flow && flow->held_out > best_score) return flows(*flow);
    consider([&](const OwnedDraws& sample) { return mixture(sample); }, best, best_score);
    return best;
  }

  /// A mixture; with the modes' own approximations where these do as well on draws that it has not seen.
  FittedProposal several_modes(const Proposal& start) const {
    FittedProposal best{start, "the modes"};
    double best_score = score(start);
    consider([&](const OwnedDraws& sample) { return mixture(sample); }, best, best_score);
    if (best.kind != "the modes") return best;
    if (auto fitted = attempt([&] { return mixture(sample_); })) {
      best.proposal.add(1.0, fitted->proposal);
      best.kind += " and " + fitted->kind;
    }
    return best;
  }

 private:
  /// Replaces the best by what `fit` makes of all draws, if what it makes of two thirds does better on the
  /// others.
  template <class Fit>
  void consider(const Fit& fit, FittedProposal& best, double& best_score) const {
    const auto candidate = attempt([&] { return fit(seen_); });
    if (!candidate) return;
    const double value = score(candidate->proposal);
    if (!(value > best_score)) return;
    if (auto fitted = attempt([&] { return fit(sample_); })) {
      best = std::move(*fitted);
      best_score = value;
    }
  }

  double score(const Proposal& proposal) const {
    return held_out_weight_.dot(proposal.log_density(held_out_.theta));
  }

  FittedProposal moments(const OwnedDraws& sample) const {
    FittedProposal result{{}, "a t"};
    result.proposal.add(
        1.0, Student{.base = whitening(sample.theta, sample.log_weight, q_), .nu = tails_of(q_.size())});
    return result;
  }

  FittedProposal mixture(const OwnedDraws& sample) const {
    MixtureFit fit = fit_mixture(sample.theta, sample.log_weight, q_,
                                 {.components = components_,
                                  .nu = fitted_tails(q_.size()),
                                  .seed = options_.seed,
                                  .step = static_cast<std::uint32_t>(round_)});
    std::string kind = fmt::format("a mixture of {}", fit.mixture.num_components());
    return {std::move(fit.mixture), std::move(kind)};
  }

  FlowFit fit_a_flow(ConstVec log_weight) const {
    return fit_flow(sample_.theta, log_weight, whitening(sample_.theta, log_weight, q_));
  }

  /// The flow and, if there are enough draws, one that looks after the tails of the constrained values.
  FittedProposal flows(const FlowFit& flow) const {
    std::optional<FlowFit> tail;
    if (ess_ > least_ess_for_tails) {
      Matrix values(parameters_.num_constrained(), sample_.theta.cols());
      for (Index s = 0; s < values.cols(); ++s) parameters_.constrain(sample_.theta.col(s), values.col(s));
      tail = attempt([&] { return fit_a_flow(tail_log_weights(values, sample_.log_weight)); });
    }
    FittedProposal result{{}, "a flow"};
    if (tail && tail->ess > least_tail_ess) {
      result.proposal.add(1.0 - tail_share, flow.flow);
      result.proposal.add(tail_share, tail->flow);
      result.kind = "two flows";
    } else {
      result.proposal.add(1.0, flow.flow);
    }
    return result;
  }

  const Affine& q_;
  Index round_;
  double ess_;
  const Parameters& parameters_;
  const ImportanceOptions& options_;
  Index components_;
  OwnedDraws sample_, seen_, held_out_;
  Vector held_out_weight_;
};

}  // namespace

Proposal first_proposal(const State& state, const ImportanceOptions& options) {
  const Proposal modes = state.get(left::found_modes);
  const Affine q = normal_map(state.lambda, modes.size());
  return with_probes(unfitted(q, modes), q, options.probes);
}

FittedProposal fit_proposal(const State& state, const WeightedPool& pool, const PoolCheck& check,
                            const Parameters& parameters, const ImportanceOptions& options) {
  const Affine& q = pool.whitening;
  const Proposal modes = state.get(left::found_modes), start = unfitted(q, modes);
  const ProposalFit fit(pool, check, parameters, options, modes.num_components());
  const bool simple = modes.num_components() == 1 && check.khat < hopeless_khat;
  const FittedProposal fitted = simple ? fit.one_mode(start) : fit.several_modes(start);

  return {with_probes(around(fitted.proposal, start, q), q, options.probes / 3.0), fitted.kind};
}

}  // namespace vfe
