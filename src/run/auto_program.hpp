#pragma once
#include <string>

#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/run/config.hpp"
#include "vfe/run/problem.hpp"

namespace vfe {

/// Whether a fit escalates until its certificate holds: family "auto", all rows in every step.
bool is_automatic(const Config& config);

/// The stages of such a fit. Which of them run, dimension and what was found decide:
///
///   modes, polish, exploration        where the mass may be
///   fixed_draws | diagonal_fit        a normal q: full rank up to 60 dimensions; above it diagonal, in the
///                                     better of two bases; above 3,000 mean field
///   weigh                             can importance sampling work?
///   importance, audit                 weighted draws, and short chains that must agree with them
///   chains, then flow_chains          where the weights are not to be had, or are not enough
/// Problem and family (of the name fitted_family()) must outlive them.
Program auto_program(const Config& config, const Problem& problem, const Family& family);
/// Of the normal q that such a fit begins with.
std::string fitted_family(Index d);

/// How a sample of the posterior was come by.
enum class SampledBy { nothing, importance, chains, flow_chains };
/// Of a finished state: the last stage that sampled.
SampledBy sampled_by(const State& state);
/// The name of the stage whose chains these are.
std::string chains_name(SampledBy by);

}  // namespace vfe
