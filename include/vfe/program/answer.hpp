#pragma once
#include <optional>

#include "vfe/config/config.hpp"
#include "vfe/core/state.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/program/sample.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// What an automatic fit came to.
struct Answer {
  Verdict verdict;
  /// What importance sampling pooled, or what chains kept, in all copies of a symmetric density: log_joint
  /// and log_weight, smoothed and normalised.
  OwnedDraws sample;
  std::optional<Moments> moments;  ///< of the judged values
};

/// [collective] Judges the sample that the stages of a finished state left, and computes the evidence: from
/// the weights, or by bridge sampling between the chains and draws of q. Empty if the ranks were asked to
/// stop meanwhile.
std::optional<Answer> answer_of(const Config& config, const Problem& problem, const State& state);

}  // namespace vfe
