#pragma once
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/state.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// What a step reports, for people and the trace; never read back by the fit.
struct Record {
  std::string stage;
  double free_energy = 0.0;  ///< [nats]; in the mode search: -log f of the best start
  double std_error = 0.0;    ///< of free_energy; 0 where it is not an estimate
  double gradient_norm = 0.0;
  double rate = 0.0;     ///< step length, or the optimiser's rate
  Index draws = 0;       ///< draws evaluated in this step
  Index rows = 0;        ///< rows each of them was evaluated on
  Index non_finite = 0;  ///< draws that were not finite and were rolled back
  std::string note;      ///< "converged", "rate halved to 0.05", ...
};

/// One stage of inference: a state machine over State, run identically on every rank. A stage writes what
/// later stages need into State::memory under documented names and removes what only it needed.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::string name() const = 0;
  /// Prepares `state` (the memory left by earlier stages is there). Cheap and not collective.
  virtual void start(State& state) const = 0;
  /// [collective] One step: at most a few batched calls of the target. Returns what happened and sets
  /// `done` when the stage is finished. Throws Fault::numeric when it cannot go on; `state` is then the last
  /// good one.
  virtual Record advance(State& state, bool& done) const = 0;
};

/// Stages in their order, driven a step at a time, so that a run can be stopped and resumed between any two
/// steps with the same bits.
class Program {
 public:
  explicit Program(std::vector<std::unique_ptr<Stage>> stages);
  /// The state before the first step.
  State start() const;
  /// [collective] One step of the current stage; moves on to the next stage when it is done.
  Record advance(State& state) const;

 private:
  std::vector<std::unique_ptr<Stage>> stages_;
};

}  // namespace vfe
