#include "run/fit_result.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "run/group_effects.hpp"
#include "run/row_groups.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/program/answer.hpp"
#include "vfe/program/auto_program.hpp"
#include "vfe/program/judged_values.hpp"
#include "vfe/program/matched_moments.hpp"
#include "vfe/program/sample.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/statistics/psis.hpp"
#include "vfe/statistics/weights.hpp"
#include "vfe/verdict/wide_draws.hpp"

namespace vfe {
namespace {

constexpr Index most_judged_draws = 4000;  ///< of q, by the verdict
constexpr double largest_variance = 1.5;   ///< of log weights that license an evidence in a rejected fit
constexpr double least_share = 0.95;       ///< of the mode that q is at: q has but one

/// [collective] Evaluates log f, and with it weights, at draws that are `begin`, ... of the result, and names
/// the first one that is not finite if none was before; false if the ranks were asked to stop.
bool evaluate(const Target& target, Index begin, OwnedDraws& draws, std::string& non_finite) {
  draws.log_joint.resize(draws.theta.cols());
  if (!log_joint_unless_stopped(target, draws.theta, draws.log_joint)) return false;
  draws.log_weight = draws.log_joint - draws.log_proposal;
  for (Index s = 0; s < draws.theta.cols() && non_finite.empty(); ++s) {
    if (std::isfinite(draws.log_joint(s))) continue;
    non_finite = fmt::format("draw {} of the result: {}", begin + s,
                             target.name_non_finite(Minibatch{}, draws.theta.col(s)));
  }
  return true;
}

/// What the stages know that the draws of q cannot show.
Objection objection_to(const State& state) {
  const auto in_words = [](const std::string& text) { return Objection{text, text}; };
  if (!state.get(left::converged)) return in_words("the last stage ended before it had converged");
  if (!state.get(left::base).definite) {
    return in_words("no proper mode was found: the density may be unbounded or flat");
  }
  if (const auto report = state.find(left::searched); report && !report->objection().empty()) {
    return report->objection();
  }
  const std::optional<SearchReport> searched = state.find(left::searched);
  const double share =
      state.get(left::found_modes).weight(0) / static_cast<double>(searched ? searched->copies : Index{1});
  if (share < least_share) {
    return in_words(fmt::format("the mode that q is at holds only {:.0f} % of the mass of the modes found",
                                100.0 * share));
  }
  return {};
}

/// [collective] What draws wider than q's find that q misses; nothing if the ranks were asked to stop.
std::optional<Objection> objection_by_wide_draws(const Config& config, const Target& target,
                                                 const Family& family, const State& state,
                                                 const OwnedDraws& of_q) {
  if (target.size() > most_wide_dimensions || !of_q.log_joint.array().isFinite().any()) return Objection{};
  const Vector mean = family.mean(state.lambda), sd = family.standard_deviation(state.lambda);
  const Student density = wider_than(mean, sd);
  const Address at{.seed = config.fit.seed, .purpose = Purpose::wide_result};
  OwnedDraws wide{.theta = density.draw(at, (of_q.size() + 1) / 2), .gradient = {}};
  wide.log_joint.resize(wide.size());
  if (!log_joint_unless_stopped(target, wide.theta, wide.log_joint)) return std::nullopt;
  const OwnedDraws all = in_one_sample(view(of_q), view(wide), density, family, state.lambda);
  return missed_by_q(view(all), view(of_q),
                     [&](Index i) { return target.parameters().unconstrained_name(i); });
}

/// Of draws that are as good as independent.
Moments moments_of_draws(ConstMat values) {
  const auto n = static_cast<double>(values.cols());
  Moments moments;
  moments.mean = values.rowwise().mean();
  moments.sd = moments.sd_error = Vector::Zero(values.rows());
  // Value by value: all squares at once would take as much memory as the draws.
  for (Index k = 0; k < values.rows(); ++k) {
    const Eigen::ArrayXd square = (values.row(k).array() - moments.mean(k)).square();
    const double variance = square.mean();
    moments.sd(k) = std::sqrt(variance);
    if (!(variance > 0.0)) continue;
    // That of the variance, over twice the sd.
    moments.sd_error(k) = 0.5 * std::sqrt((square - variance).square().sum()) / n / moments.sd(k);
  }
  moments.mean_error = moments.sd / std::sqrt(n);
  moments.used = moments.groups = values.cols();
  return moments;
}

std::uint64_t hash_of_values(const Group& group) {
  std::vector<double> values;
  for (const Variable& variable : group.variables) {
    values.insert(values.end(), variable.values.begin(), variable.values.end());
  }
  return hash(Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size())));
}

/// Draws of the posterior.
struct PosteriorDraws {
  Matrix theta, quantities = {};  ///< a column each
  std::vector<Variable> statistics = {};
  std::string moments = {};  ///< what was done for their moments
  bool matched = false;      ///< whether something was
};

/// [collective] What the file holds of them.
void put_draws(const Communicator& comm, const Config& config, const Problem& problem, PosteriorDraws draws,
               FitResult& result) {
  const Model& model = problem.model();
  auto& groups = result.file.groups;
  const std::size_t posterior = groups.size();
  groups.push_back(posterior_group(model, draws.quantities, draws.moments));
  result.draws_hash = hash_of_values(result.file.groups.back());
  result.draws = std::move(draws.quantities);
  result.file.attributes["moments_matched"] = std::int64_t{draws.matched};
  groups.push_back({"sample_stats", std::move(draws.statistics), sampled_attributes()});
  if (config.output.log_prior) {
    const std::vector<Parameter> terms = model.log_prior_terms();
    Matrix values(num_constrained(terms), draws.theta.cols());
    model.compute_log_prior_terms(draws.theta, values);
    groups.push_back(group_of_draws("log_prior", terms, values));
  }
  EffectsOfGroups effects = effects_of_groups(comm, config, problem, draws.theta);
  for (Variable& variable : effects.draws) groups[posterior].variables.push_back(std::move(variable));
  for (Group& group : effects.moments) groups.push_back(std::move(group));
  for (Group& group : row_groups(comm, config, problem, draws.theta)) groups.push_back(std::move(group));
}

/// Attributes and arrays of every result.
void put_q(const Config& config, const Problem& problem, const std::string& family, const State& state,
           FitResult& result) {
  auto& attributes = result.file.attributes;
  put_verdict(result.verdict, attributes);
  attributes["converged"] = std::int64_t{state.get(left::converged)};
  attributes["draws_hash"] = hexadecimal(result.draws_hash);
  attributes["lambda_hash"] = hexadecimal(hash(state.lambda));
  attributes["family"] = family;
  attributes["rank"] = std::int64_t{config.family.rank};
  result.file.arrays = problem.arrays();
  result.file.arrays["lambda"] = state.lambda;
  result.file.texts["parameters"] = to_json(problem.model().parameters());
}

std::optional<FitResult> make_result_of_q(const Communicator& comm, const Config& config,
                                          const Problem& problem, const Family& family, const State& state) {
  // The verdict takes no more draws than these; the others need densities only where weights choose from
  // them.
  const Index wanted = config.output.draws, judged = std::min(wanted, most_judged_draws);
  FitResult result;
  OwnedDraws draws = draw_from_q(family, state.lambda, config.fit.seed, 0, judged);
  if (!evaluate(problem.target(), 0, draws, result.non_finite)) return std::nullopt;
  const Model& model = problem.model();
  const Parameters& parameters = model.parameters();
  Matrix quantities(num_constrained(model.quantities()), draws.theta.cols());
  model.compute_quantities(draws.theta, config.fit.seed, 0, quantities);
  std::optional<Objection> objection = objection_to(state);
  if (objection->empty()) {
    objection = objection_by_wide_draws(config, problem.target(), family, state, draws);
    if (!objection) return std::nullopt;
  }
  const QUnderTest tested{view(draws), family.mean(state.lambda), family.standard_deviation(state.lambda),
                          quantities.topRows(num_judged_values(model)), *objection};
  const Index non_finite = tested.non_finite();

  result.verdict = judge(tested, [&](Index i) {
    return i < parameters.size() ? parameters.unconstrained_name(i)
                                 : entry_name(model.quantities(), i - parameters.size());
  });
  if (result.verdict.grade == Grade::rejected) result.verdict.advice = "family.type = \"auto\"";
  if (result.verdict.grade == Grade::rejected &&
      !(weights_of(tested.log_weight, "judging q").variance <= largest_variance)) {
    result.verdict.log_evidence = result.verdict.log_evidence_error = std::nan("");
    result.verdict.evidence_reason = "the weights do not license it";
  }
  const bool resampled = result.verdict.grade == Grade::corrected;
  if (wanted > judged) {
    OwnedDraws more = draw_from_q(family, state.lambda, config.fit.seed, static_cast<std::uint32_t>(judged),
                                  wanted - judged);
    if (resampled && !evaluate(problem.target(), judged, more, result.non_finite)) return std::nullopt;
    append(draws, view(more));
    quantities.resize(quantities.rows(), wanted);
    model.compute_quantities(draws.theta, config.fit.seed, 0, quantities);
  }
  std::vector<Index> chosen(static_cast<std::size_t>(wanted));
  std::iota(chosen.begin(), chosen.end(), Index{0});
  if (resampled) {
    chosen = draws_of_sample(psis(draws.log_weight).log_weights, wanted, config.fit.seed, 0);
  }
  const OwnedDraws given = select(view(draws), chosen);
  std::vector<Variable> statistics{draw_variable("log_q", given.log_proposal)};
  if (given.log_joint.size() > 0) {
    statistics.push_back(draw_variable("lp", given.log_joint));
    statistics.push_back(draw_variable("log_weight", given.log_weight));
  }
  put_draws(comm, config, problem,
            {given.theta, quantities(Eigen::all, chosen), std::move(statistics),
             "as drawn: those reported are of these draws"},
            result);
  put_q(config, problem, family.name(), state, result);
  result.moments = moments_of_draws(result.draws.topRows(num_judged_values(model)));
  result.file.attributes["resampled"] = std::int64_t{resampled};
  result.file.attributes["draws_non_finite"] = std::int64_t{non_finite};
  return result;
}

/// [collective] Evaluates log f at draws, those of equal `point` once; false if the ranks were asked to stop.
bool evaluate_points(const Target& target, const Matrix& theta, const std::vector<Index>& point,
                     Vector& log_joint) {
  std::map<Index, Index> place;  // of a point, among the draws that are evaluated
  std::vector<Index> draws;
  for (Index s = 0; s < theta.cols(); ++s) {
    if (place.emplace(point[static_cast<std::size_t>(s)], std::ssize(draws)).second) draws.push_back(s);
  }
  Vector values(std::ssize(draws));
  if (!log_joint_unless_stopped(target, theta(Eigen::all, draws), values)) return false;
  log_joint.resize(theta.cols());
  for (Index s = 0; s < theta.cols(); ++s) {
    log_joint(s) = values(place.at(point[static_cast<std::size_t>(s)]));
  }
  return true;
}

/// [collective] The draws of a sample that were chosen, with the moments of the answer where these are
/// certified. Empty if the ranks were asked to stop.
std::optional<PosteriorDraws> draws_of_answer(const Config& config, const Problem& problem,
                                              const Answer& answer, const std::vector<Index>& chosen) {
  const Model& model = problem.model();
  PosteriorDraws draws{.theta = answer.sample.theta(Eigen::all, chosen)};
  Vector log_joint = answer.sample.log_joint(chosen);
  draws.moments = "as drawn: none are certified";
  if (answer.verdict.grade == Grade::certified && answer.moments) {
    MatchedDraws matched = match_moments(model, *answer.moments, draws.theta);
    Vector at_matched;
    if (matched.names.empty()) {
      draws.moments = "as drawn: no parameter could be shifted and scaled by itself";
    } else if (!evaluate_points(problem.target(), matched.theta, chosen, at_matched)) {
      return std::nullopt;
    } else if (!at_matched.allFinite()) {
      draws.moments = "as drawn: shifted and scaled, some would have no finite density";
    } else {
      draws.theta = std::move(matched.theta);
      draws.moments = moments_matched(matched.names);
      draws.matched = true;
      log_joint = std::move(at_matched);
    }
  }
  draws.quantities.resize(num_constrained(model.quantities()), draws.theta.cols());
  model.compute_quantities(draws.theta, config.fit.seed, 0, draws.quantities);
  draws.statistics = {draw_variable("lp", log_joint)};
  return draws;
}

/// [collective] What the stages of an automatic fit came to.
std::optional<FitResult> make_result_of_sample(const Communicator& comm, const Config& config,
                                               const Problem& problem, const State& state) {
  std::optional<Answer> answer = answer_of(config, problem, state);
  if (!answer) return std::nullopt;
  FitResult result;
  result.verdict = answer->verdict;
  const OwnedDraws& sample = answer->sample;
  const std::vector<Index> chosen =
      draws_of_sample(sample.log_weight, config.output.draws, config.fit.seed, 0);
  const Model& model = problem.model();
  std::optional<PosteriorDraws> draws = draws_of_answer(config, problem, *answer, chosen);
  if (!draws) return std::nullopt;
  put_draws(comm, config, problem, *std::move(draws), result);
  put_q(config, problem, normal_family(state.lambda, sample.theta.rows()), state, result);
  put_sample(sample, result.file);
  if (answer->moments) {
    put_moments(*answer->moments, result.file);
    result.moments = std::move(*answer->moments);
  } else {
    result.moments = moments_of_draws(result.draws.topRows(num_judged_values(model)));
  }
  auto& attributes = result.file.attributes;
  attributes["resampled"] = std::int64_t{1};
  attributes["draws_repeated"] = share_repeated(chosen);
  attributes["draws_non_finite"] = std::int64_t{0};
  return result;
}

}  // namespace

std::optional<FitResult> make_result(const Communicator& comm, const Config& config, const Problem& problem,
                                     const Family& family, const State& state) {
  if (is_automatic(config)) return make_result_of_sample(comm, config, problem, state);
  return make_result_of_q(comm, config, problem, family, state);
}

}  // namespace vfe
