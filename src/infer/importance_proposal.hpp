#pragma once
#include <string>

#include "vfe/core/parameters.hpp"
#include "vfe/core/state.hpp"
#include "vfe/infer/importance.hpp"

namespace vfe {

/// A proposal for the next round, and what was fitted for it: "a flow", "a mixture of 3", ...
struct FittedProposal {
  Proposal proposal;
  std::string kind;
};

/// Fits a proposal to the pool, with a part left to what the first round drew from, so that what the fit
/// loses is still seen. Weights are truncated at sqrt(N) times their mean (Ionides 2008): a fit should not
/// follow a few draws. Makes no call of the target; equal on every rank.
FittedProposal fit_proposal(const State& state, const WeightedPool& pool, const PoolCheck& check,
                            const Parameters& parameters, const ImportanceOptions& options);

}  // namespace vfe
