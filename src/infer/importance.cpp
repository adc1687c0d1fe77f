#include "vfe/infer/importance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "infer/importance_proposal.hpp"
#include "infer/pool.hpp"
#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/weigh.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr Index draws_per_call = 256;
constexpr Index least_batch = 1024;
constexpr Index most_first_draws = 4096;
constexpr double almost_exact = 0.1;  // variance of log weights of q
constexpr Index few_draws = 512;
constexpr Index enough_to_tell = 15'000;  // draws after which weights that have no variance will not get one
constexpr Index rounds_to_tell = 2;       // what more draws would bring
constexpr double least_share_of_best = 0.5;
constexpr double margin = 1.15;                      // on the draws that the shortfall asks for
constexpr double sound_khat = 0.7, sound_ess = 0.3;  // where the shortfall can be believed

/// How often the draws of each round count: once in the first, twice in the second, and so on; not at all
/// where a later round had more than twice its share of effective draws. Not where an earlier one had: a
/// round that meets what those before have missed has few. `log_weight` is of each draw under its own round's
/// proposal.
Vector round_counts(const Vector& log_weight, const Matrix& draws) {
  Vector share(draws.cols());
  Index first = 0;
  for (Index r = 0; r < draws.cols(); ++r) {
    const auto count = static_cast<Index>(draws(r));
    const Vector own = log_weight.segment(first, count);
    const bool any = own.maxCoeff() > -INFINITY;
    share(r) = any ? effective_size(normalised_weights(own, "weighing a round")) / draws(r) : 0.0;
    first += count;
  }
  Vector counts(draws.cols());
  for (Index r = 0; r < draws.cols(); ++r) {
    const double best_from_here = share.tail(draws.cols() - r).maxCoeff();
    counts(r) = share(r) >= least_share_of_best * best_from_here ? static_cast<double>(r + 1) : 0.0;
  }
  return counts;
}

class Importance final : public Stage {
 public:
  Importance(const Target& target, const ImportanceOptions& options) : target_(target), options_(options) {
    if (options.first_draws < 0 || options.max_rounds < 1 ||
        !(options.probes >= 0.0 && options.probes < 1.0)) {
      throw Error(Fault::bug,
                  fmt::format("importance sampling: found {} first draws, {} rounds, a share of {} "
                              "for probes; expected at least 0, 1 and a share below 1",
                              options.first_draws, options.max_rounds, options.probes));
    }
  }

  std::string name() const override { return options_.name; }

  void start(State& state) const override {
    const Index d = target_.size();
    state.put(pool::whitening, normal_map(state.lambda, d));
    for (const auto& drawn : {pool::theta, pool::gradient}) state.put(drawn, Matrix(d, 0));
    for (const auto& row : {pool::log_density, pool::log_joint, pool::draws}) state.put(row, Matrix(1, 0));
    state.drop(left::importance_enough, left::audited);
    begin_round(state, first_proposal(state, options_), first_draws(state));
  }

  Step advance(State& state) const override {
    Step record;
    record.rows = target_.num_rows(options_.batch);
    evaluate(state, record);
    record.share = static_cast<double>(state.get(pool::log_joint).cols()) /
                   static_cast<double>(state.get(pool::theta).cols());
    if (state.get(pool::log_joint).cols() == state.get(pool::theta).cols()) {
      end_round(state, record);
    }
    return record;
  }

 private:
  Index first_draws(const State& state) const {
    if (options_.first_draws > 0) return options_.first_draws;
    // Draws of a q that is nearly the posterior say all with their control variates.
    if (state.has(left::weighed) && state.get(left::found_modes).num_components() == 1) {
      const double variance = weighed_variance(state);
      if (variance <= almost_exact) return few_draws;
    }
    const auto d = static_cast<double>(target_.size());
    Index n = least_batch;
    while (n < most_first_draws && static_cast<double>(n) < 2.5 * d * (d + 3.0) / 2.0) n *= 2;
    return n;
  }

  void begin_round(State& state, const Proposal& proposal, Index count) const {
    Matrix theta = proposal.draw({.seed = options_.seed,
                                  .purpose = Purpose::proposal,
                                  .step = static_cast<std::uint32_t>(state.get(pool::draws).cols())},
                                 count);
    // Of a symmetric density one copy is sampled, and weighed as if all were.
    const Symmetries group = state.get_or(left::symmetries, {});
    const Affine q = state.get(pool::whitening);
    Matrix no_gradient(theta.rows(), 0);
    fold(group, q, theta, no_gradient);
    state.append(pool::theta, theta);
    const Proposal drawn_from = proposal.stratified(count);
    // A draw so far out that it has no density counts for nothing.
    const Vector density = log_density_of_copies(group, theta, [&](ConstMat x) {
                             return drawn_from.log_density(x);
                           }).unaryExpr([](double x) { return std::isfinite(x) ? x : INFINITY; });
    state.append(pool::log_density, density.transpose());
    state.append(pool::draws, Matrix::Constant(1, 1, static_cast<double>(count)));
  }

  /// [collective] One call, at the next draws of the round.
  void evaluate(State& state, Record& record) const {
    const Matrix& theta = state.get(pool::theta);
    const Index first = state.get(pool::log_joint).cols(),
                count = std::min(draws_per_call, theta.cols() - first);
    Matrix gradient(theta.rows(), count);
    Vector value(count);
    target_.log_joint(options_.batch, theta.middleCols(first, count), value, gradient);
    state.append(pool::log_joint, value.transpose());
    state.append(pool::gradient, gradient);
    record.draws = count;
    record.non_finite = count - value.array().isFinite().count();
    // Any part of a round is like the whole.
    const auto density = state.get(pool::log_density).row(0).segment(first, count);
    put_evidence(weights_of(value - density.transpose(), "estimating the evidence"), record);
  }

  /// -log Z and its standard error.
  static void put_evidence(const Weights& weights, Record& record) {
    record.free_energy = -weights.log_mean;
    record.std_error = weights.log_mean_error;
  }

  void end_round(State& state, Step& record) const {
    const WeightedPool pool = weighted_pool(state);
    const Vector& log_weight = pool.log_weight;
    const Weights weights = weights_of(log_weight, "estimating the evidence");
    put_evidence(weights, record);
    const Index total = log_weight.size();
    record.note = fmt::format("round {}: {} draws", pool.rounds, total);
    const bool any = weights.ess > 0.0;
    PoolCheck check;
    if (!any) {
      record.note += ", none with a finite density";
    } else if (options_.rule) {
      check = options_.rule(pool);
      record.note += fmt::format(", {:.0f} effective", check.ess);
      if (!check.note.empty()) record.note += "; " + check.note;
    }
    const std::optional<SearchReport> searched = state.find(left::searched);
    const bool in_vain = searched && !searched->objection().empty();
    const bool last_of_one =
        state.get(left::found_modes).num_components() == 1 && pool.rounds >= options_.max_rounds_of_one_mode;
    const bool stays_unsound = total >= enough_to_tell && check.khat > sound_khat;
    const bool poor = (check.ess < options_.hopeless * static_cast<double>(total) &&
                       (pool.rounds > 1 || target_.size() > options_.most_flow)) ||
                      (pool.rounds > rounds_to_tell &&
                       draws_needed(check, total) > static_cast<double>(options_.worthwhile));
    if (check.enough || !any || !options_.rule || poor || in_vain || stays_unsound || last_of_one ||
        pool.rounds >= options_.max_rounds || total + least_batch > options_.max_draws) {
      state.put(left::importance_enough, check.enough);
      record.done = true;
      return;
    }
    const FittedProposal next = fit_proposal(state, pool, check, target_.parameters(), options_);
    const Index count = next_draws(pool, check, state.get(pool::draws));
    begin_round(state, next.proposal, count);  // after this `pool` is out of date
    record.note += fmt::format("; {} more from {}", count, next.kind);
  }

  /// In all, as far as the shortfall can be believed; else 0.
  static double draws_needed(const PoolCheck& check, Index total) {
    const auto n = static_cast<double>(total);
    const bool sound =
        check.khat <= sound_khat && check.ess > sound_ess * n && std::isfinite(check.shortfall);
    return sound ? margin * n * check.shortfall : 0.0;
  }

  Index next_draws(const WeightedPool& pool, const PoolCheck& check, const Matrix& draws) const {
    const auto total = static_cast<double>(pool.theta.cols());
    double count = 2.0 * draws(draws.cols() - 1);
    if (const double needed = draws_needed(check, pool.theta.cols()); needed > 0.0) {
      count = std::min(count, needed - total);
    }
    return std::min(std::max(static_cast<Index>(count), least_batch), options_.max_draws - pool.theta.cols());
  }

  const Target& target_;
  ImportanceOptions options_;
};

}  // namespace

std::unique_ptr<Stage> importance(const Target& target, const ImportanceOptions& options) {
  return std::make_unique<Importance>(target, options);
}

WeightedPool weighted_pool(const State& state) {
  const Matrix& draws = state.get(pool::draws);
  const Vector log_joint = state.get(pool::log_joint).row(0).transpose();
  Vector log_proposal = state.get(pool::log_density).row(0).transpose();
  const Vector counts = round_counts(log_joint - log_proposal, draws);
  const double total = counts.dot(draws.row(0));
  Index first = 0;
  for (Index r = 0; r < draws.cols(); ++r) {
    const auto count = static_cast<Index>(draws(r));
    log_proposal.segment(first, count).array() -= std::log(counts(r) * draws.sum() / total);
    first += count;
  }
  return {{.theta = state.get(pool::theta),
           .gradient = state.get(pool::gradient),
           .log_joint = log_joint,
           .log_proposal = log_proposal,
           .log_weight = log_joint - log_proposal},
          state.get(pool::whitening),
          draws.cols(),
          state.get_or(left::symmetries, {}),
          centres_of_modes(state)};
}

}  // namespace vfe
