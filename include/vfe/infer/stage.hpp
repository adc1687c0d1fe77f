#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/numbers.hpp"
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
  /// Of the steps, draws or gradients that the stage may take, as it sees it now: what is done. It may end
  /// before. NaN where it knows no such limit.
  double share = nan;
  /// Which stage of the program it is, counted from 1, and how many there are; those that may be left out
  /// count.
  Index place = 0, places = 0;
  bool all_run = false;  ///< none of them may be left out
};

/// What a stage did, and whether there is no more for it to do.
struct Step : Record {
  bool done = false;
};

/// One stage of inference: a state machine over State, run identically on every rank. A stage leaves what
/// later stages need in the slots of vfe/infer/left.hpp, and drops what only it needed.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::string name() const = 0;
  /// Prepares `state` (the memory left by earlier stages is there). Cheap and not collective.
  virtual void start(State& state) const = 0;
  /// [collective] One step: at most a few batched calls of the target. Throws Fault::numeric when it cannot
  /// go on; `state` is then the last good one.
  virtual Step advance(State& state) const = 0;
};

/// A stage's place in a program.
struct Place {
  Place(std::unique_ptr<Stage> what, std::function<bool(const State&)> condition = {},
        std::function<void(State&)> preparation = {})
      : stage(std::move(what)), when(std::move(condition)), prepare(std::move(preparation)) {}

  std::unique_ptr<Stage> stage;
  std::function<bool(const State&)> when;  ///< whether what came before makes it worth while; empty: always
  std::function<void(State&)> prepare;     ///< runs before its start(); cheap and not collective
};

/// Stages in their order, driven a step at a time, so that a run can be stopped and resumed between any two
/// steps with the same bits. The first one always runs.
class Program {
 public:
  explicit Program(std::vector<Place> places);
  /// The state before the first step.
  State start() const;
  /// [collective] One step of the current stage; when that is done, moves on to the next whose time has come.
  Record advance(State& state) const;

 private:
  void enter(State& state, std::vector<Place>::const_iterator place) const;

  std::vector<Place> places_;
};

}  // namespace vfe
