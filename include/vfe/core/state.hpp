#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "vfe/core/types.hpp"

namespace vfe {

/// All that a fit in progress is, equal on every rank; written out it is the checkpoint. Diagnostics never
/// live here.
struct State {
  std::uint64_t step = 0;                ///< steps done, over all stages
  std::string stage;                     ///< the stage under way; empty when all are finished
  Vector lambda;                         ///< parameters of q; empty until a stage has set them
  std::map<std::string, Matrix> memory;  ///< what the stages keep, by name

  bool finished() const { return step > 0 && stage.empty(); }
};

/// Hash of every bit of the state (XXH3).
std::uint64_t hash(const State& state);
/// Hash of the bits of a matrix.
std::uint64_t hash(ConstMat values);

}  // namespace vfe
