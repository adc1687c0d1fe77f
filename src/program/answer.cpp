#include "vfe/program/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "vfe/core/numbers.hpp"
#include "vfe/family/family.hpp"
#include "vfe/family/student.hpp"
#include "vfe/infer/chains.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/linear_response.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/infer/tempering.hpp"
#include "vfe/infer/weigh.hpp"
#include "vfe/program/auto_program.hpp"
#include "vfe/program/judged_values.hpp"
#include "vfe/statistics/bridge.hpp"
#include "vfe/statistics/psis.hpp"
#include "vfe/statistics/weights.hpp"
#include "vfe/verdict/certificate.hpp"

namespace vfe {
namespace {

constexpr Index bridge_draws = 2048;
constexpr double largest_bridge_error = 0.5;  // [nats]
constexpr Index most_corrected = 32;          // coordinates

/// Of a normal, spread over the copies of a symmetric density.
Vector log_density_of_normal(const Symmetries& group, const Affine& normal, ConstMat theta) {
  return log_density_of_copies(group, theta, [&](ConstMat x) { return Student{normal}.log_density(x); });
}

/// Of `draws` with these weights.
OwnedDraws sample_of_all_copies(const Symmetries& symmetries, const Draws& draws, const Vector& log_weight) {
  if (symmetries.size() == 1) return {draws.theta, {}, draws.log_joint, {}, log_weight};
  const Matrix no_gradient;
  const Draws own{draws.theta, no_gradient, draws.log_joint, {}, log_weight};
  Symmetrised all = symmetrise(symmetries, own);
  all.log_weight.array() -= std::log(static_cast<double>(all.copies));
  return all;
}

MomentOptions reported() {
  return {.probabilities = reported_probabilities()};
}

void refuse_evidence(const std::string& reason, Verdict& verdict) {
  verdict.log_evidence = verdict.log_evidence_error = nan;
  verdict.evidence_reason = reason;
}

/// F of the normal q, from draws that its fit has not seen.
void put_free_energy(const State& state, Verdict& verdict) {
  const Vector log_weight = state.get(left::weighed);
  verdict.free_energy = -log_weight.mean();
  verdict.free_energy_error = std::sqrt(weighed_variance(state) / static_cast<double>(log_weight.size()));
  verdict.log_evidence_lower = -verdict.free_energy;
}

void put_certificate(const Certificate& certificate, const State& state, Verdict& verdict) {
  const std::optional<SearchReport> report = state.find(left::searched);
  const Objection objection = report ? report->objection() : Objection{};
  const Index copies = report ? report->copies : 1;
  verdict.grade = certificate.holds && objection.empty() ? Grade::certified : Grade::rejected;
  verdict.reason = objection.empty() ? certificate.reason : objection.reason;
  verdict.plain = objection.empty() ? certificate.plain : objection.plain;
  if (verdict.grade == Grade::certified && copies > 1) {
    verdict.reason +=
        fmt::format("; sampled in one of {} symmetric copies, the draws spread over all", copies);
  }
  verdict.mean_standard_error = certificate.moments.largest_mean_error();
  verdict.sd_standard_error = certificate.moments.largest_sd_error();
}

/// No certificate beside tempered particles that found more of the mass.
void object_by_tempering(const State& state, Verdict& verdict) {
  const std::optional<TemperingReport> report = tempering_report(state);
  if (verdict.grade != Grade::certified || !report || !report->complete()) return;
  if (agrees(*report, verdict.log_evidence, verdict.log_evidence_error)) return;
  verdict.grade = Grade::rejected;
  verdict.reason = fmt::format(
      "the log evidence is {:.2f} +- {:.2g}, but {:.2f} +- {:.2g} by particles that came from a wide "
      "density: a part of the posterior is missing",
      verdict.log_evidence, verdict.log_evidence_error, report->log_evidence, report->log_evidence_error);
  verdict.plain = "a part of the posterior is missing";
}

/// No certificate for weighted draws that short chains did not confirm, where there was nothing else to
/// sample by.
void object_by_audit(const State& state, Verdict& verdict) {
  const AuditOutcome outcome = state.get_or(left::audited, AuditOutcome::none);
  if (verdict.grade != Grade::certified || outcome == AuditOutcome::passed) return;
  verdict.grade = Grade::rejected;
  if (outcome == AuditOutcome::failed) {
    verdict.reason = "short Markov chains find other moments than the weighted draws: " + verdict.reason;
    verdict.plain = "short Markov chains contradict the weighted draws";
  } else {
    verdict.reason = "no short Markov chains have checked the weighted draws: " + verdict.reason;
    verdict.plain = "nothing has checked the weighted draws";
  }
}

Answer by_importance(const State& state, const JudgedValues& values) {
  const WeightedPool pool = weighted_pool(state);
  Certificate certificate = certify(pool, pool.whitening, values, reported());
  Answer answer;
  Verdict& verdict = answer.verdict;
  put_certificate(certificate, state, verdict);
  put_free_energy(state, verdict);
  verdict.khat = certificate.khat;
  verdict.khat_limit = certificate.khat_limit;
  verdict.ess = certificate.ess;

  const Vector& log_weight = pool.log_weight;
  const Weights weights = weights_of(log_weight, "estimating the evidence");
  verdict.log_evidence = weights.log_mean;
  verdict.log_evidence_error = weights.log_mean_error;
  const Vector of_q = pool.log_joint - log_density_of_normal(pool.symmetries, pool.whitening, pool.theta);
  verdict.log_evidence_upper = 0.0;
  for (Index s = 0; s < of_q.size(); ++s) {
    const double weight = weights.normalised(s);
    if (weight > 0.0) verdict.log_evidence_upper += weight * of_q(s);
  }
  verdict.evidence_reason = fmt::format("from {} weighted draws", log_weight.size());
  object_by_tempering(state, verdict);
  object_by_audit(state, verdict);
  if (verdict.grade == Grade::certified) {
    verdict.reason += "; short Markov chains agree";
  } else {
    refuse_evidence("the weights do not license it", verdict);
  }
  answer.sample = sample_of_all_copies(pool.symmetries, pool, psis(log_weight).log_weights);
  answer.moments = std::move(certificate.moments);
  return answer;
}

/// [collective] Log weights of draws of q; empty if the ranks were asked to stop.
std::optional<Vector> weigh_for_bridge(const Target& target, const Symmetries& group, const Student& q,
                                       std::uint64_t seed) {
  const Matrix theta = q.draw({.seed = seed, .purpose = Purpose::bridge}, bridge_draws);
  Vector log_joint(bridge_draws);
  if (!log_joint_unless_stopped(target, theta, log_joint)) return std::nullopt;
  return log_joint - log_density_of_normal(group, q.base, theta);
}

/// How many independent draws the mean of `values` over the chains is worth, from its spread between
/// superchains.
double effective_draws(ConstVec values, const ChainDraws& draws) {
  const Index each = draws.chains / draws.superchains;
  Vector sums = Vector::Zero(draws.superchains);
  for (Index s = 0; s < values.size(); ++s) sums(s % draws.chains / each) += values(s);
  const double k = static_cast<double>(draws.superchains), n = static_cast<double>(values.size());
  const Vector means = sums * (k / n);
  const double of_mean = (means.array() - means.mean()).square().sum() / (k - 1.0) / k;
  const double variance = (values.array() - values.mean()).square().mean();
  return of_mean > 0.0 ? std::clamp(variance / of_mean, 1.0, n) : n;
}

void put_bridge(ConstVec of_q, const ChainDraws& draws, const Student& q, Verdict& verdict) {
  const Vector of_chains = draws.log_joint - log_density_of_normal(draws.symmetries, q.base, draws.theta);
  const BridgeEstimate found = bridge(of_q, of_chains, effective_draws(of_chains, draws));
  verdict.log_evidence = found.log_evidence;
  verdict.log_evidence_error = found.error;
  verdict.log_evidence_lower = found.lower;
  verdict.log_evidence_upper = found.upper;
  verdict.evidence_reason =
      fmt::format("by bridge sampling between the chains and {} draws of a normal", bridge_draws);
  if (!found.converged || !(found.error <= largest_bridge_error)) {
    refuse_evidence(fmt::format("bridge sampling leaves it open by {:.1f} nats", found.error), verdict);
  } else if (verdict.grade != Grade::certified) {
    refuse_evidence("the chains do not license it", verdict);
  }
}

std::optional<Answer> by_chains(const Config& config, const Problem& problem, const State& state,
                                const std::string& name, const JudgedValues& values) {
  const ChainDraws draws = chain_draws(state, name);
  const Index divergences = telling_divergences(state, name);
  Certificate certificate = certify(draws, divergences, draws.metric, values, reported());
  Answer answer;
  Verdict& verdict = answer.verdict;
  put_certificate(certificate, state, verdict);
  put_free_energy(state, verdict);
  verdict.khat = verdict.khat_limit = nan;
  verdict.ess = 0.0;
  verdict.rhat = certificate.rhat;
  verdict.rhat_limit = certificate.rhat_limit;
  if (divergences > 0 && problem.model().has_scales()) {
    verdict.advice =
        "a parameterisation in which scales and what they scale are independent (non-centred), or tighter "
        "priors on scales";
  }

  // Its metric was fitted to draws of the warm-up alone.
  const Student q{draws.metric};
  const std::optional<Vector> of_q = weigh_for_bridge(problem.target(), draws.symmetries, q, config.fit.seed);
  if (!of_q) return std::nullopt;
  put_bridge(*of_q, draws, q, verdict);
  object_by_tempering(state, verdict);
  const double n = static_cast<double>(draws.theta.cols());
  answer.sample = sample_of_all_copies(draws.symmetries, draws, Vector::Constant(draws.size(), -std::log(n)));
  answer.moments = std::move(certificate.moments);
  return answer;
}

/// The coordinates of the smallest parameters: those that all data speak of, whose sds mean field gets wrong.
std::vector<Index> global_coordinates(const Parameters& parameters) {
  std::vector<std::size_t> by_size(parameters.list().size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::ranges::stable_sort(by_size, {},
                           [&](std::size_t i) { return parameters.list()[i].num_unconstrained(); });
  std::vector<Index> coordinates;
  for (const std::size_t i : by_size) {
    const Index size = parameters.list()[i].num_unconstrained();
    if (std::ssize(coordinates) + size > most_corrected) break;
    for (Index k = 0; k < size; ++k) coordinates.push_back(parameters.first_unconstrained(i) + k);
  }
  std::ranges::sort(coordinates);
  return coordinates;
}

/// [collective] Too many dimensions to sample: draws of the mean-field q, the sds of the global parameters
/// corrected.
std::optional<Answer> approximate(const Config& config, const Problem& problem, const State& state) {
  const Target& target = problem.target();
  const Index d = target.size(), count = config.output.draws;
  const std::vector<Index> globals = global_coordinates(target.parameters());
  const LinearResponse response = linear_response(target, state.lambda, globals, {.seed = config.fit.seed});
  Affine q = normal_map(state.lambda, d);
  Index corrected = 0;
  for (std::size_t k = 0; k < globals.size(); ++k) {
    if (!response.converged[k]) continue;
    q.scale(globals[k], 0) = response.sd(static_cast<Index>(k));
    ++corrected;
  }
  Answer answer;
  OwnedDraws& sample = answer.sample;
  sample.theta = Student{q}.draw({.seed = config.fit.seed, .purpose = Purpose::result}, count);
  sample.log_joint.resize(count);
  if (!log_joint_unless_stopped(target, sample.theta, sample.log_joint)) return std::nullopt;
  sample.log_weight = Vector::Constant(count, -std::log(static_cast<double>(count)));
  Verdict& verdict = answer.verdict;
  verdict.grade = Grade::approximate;
  verdict.reason = fmt::format(
      "independent normals, too many dimensions ({}) to sample; the sds of {} of {} global coordinates are "
      "corrected by linear response; means and sds are not checked against the posterior",
      d, corrected, globals.size());
  verdict.plain = "there are too many parameters to check the approximation, independent normals";
  verdict.advice = "integrating local parameters out: what matters may be had exactly with fewer";
  put_free_energy(state, verdict);
  refuse_evidence("mean field only bounds it, by minus the free energy", verdict);
  return answer;
}

std::string advice_for(const State& state) {
  const std::optional<SearchReport> report = state.find(left::searched);
  if (report && !report->objection().empty()) {
    return "priors, or constraints such as an order, that leave fewer modes; data that tell them apart";
  }
  if (state.get(left::found_modes).num_components() > 1) {
    return "priors, or constraints such as an order, that leave fewer modes; another fit.seed shows whether "
           "it was "
           "chance";
  }
  if (!state.get(left::base).definite) {
    return "priors that keep the posterior proper and away from infinite densities; a parameter that the "
           "data "
           "say nothing of shows in the summary as one with an enormous sd";
  }
  return "another parameterisation or tighter priors; another fit.seed shows whether it was chance";
}

}  // namespace

std::optional<Answer> answer_of(const Config& config, const Problem& problem, const State& state) {
  const JudgedValues values = judged_values(problem.model());
  const std::string by = sampled_by(state);
  std::optional<Answer> answer = by.empty()           ? approximate(config, problem, state)
                                 : by == "importance" ? by_importance(state, values)
                                                      : by_chains(config, problem, state, by, values);
  if (answer && answer->verdict.grade == Grade::rejected && answer->verdict.advice.empty()) {
    answer->verdict.advice = advice_for(state);
  }
  return answer;
}

}  // namespace vfe
