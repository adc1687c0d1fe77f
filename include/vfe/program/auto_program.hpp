#pragma once
#include <string>

#include "vfe/config/config.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/problem/problem.hpp"

namespace vfe {

/// Whether a fit escalates until its certificate holds: family "auto", all rows in every step.
bool is_automatic(const Config& config);

/// The stages of such a fit. Which of them run, dimension and what was found decide:
///
///   modes, polish, exploration        where the mass may be
///   tempering, second_look            where there are several modes: another opinion, and searches from it
///   quadrature                        how many nodes integrate effects of groups, where there are any
///   fixed_draws | diagonal_fit        a normal q: full rank up to 60 dimensions; above it diagonal, in the
///                                     better of two bases; above 3,000 mean field
///   weigh                             can importance sampling work?
///   importance, brief_audit | audit   weighted draws, and short chains that must agree with them
///   third_look, importance_again,     where weights failed: searches from the largest ones, and draws from
///   audit_again                       what these find
///   chains                            where the weights are not to be had, or are not enough
///   flow_chains, flow_chains_2        where these do not mix, or diverge: up to 60 dimensions, in the noise
///                                     of a flow fitted to those before
/// Problem and family (of the name fitted_family()) must outlive them.
Program auto_program(const Config& config, const Problem& problem, const Family& family);
/// Of the normal q that such a fit begins with.
std::string fitted_family(Index d);

/// Of a finished state: the name of the stage that sampled last, "importance" or one of chains; empty if none
/// did.
std::string sampled_by(const State& state);

/// Divergences of the chains of that name that speak of the posterior: all, or none where they are at most
/// one in 5,000 trajectories; in a flow's noise, which has edges of its own, one in 500.
Index telling_divergences(const State& state, const std::string& name);

}  // namespace vfe
