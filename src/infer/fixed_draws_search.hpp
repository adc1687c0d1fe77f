#pragma once
#include <optional>
#include <string>

#include "vfe/infer/lbfgs.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/objective/free_energy.hpp"

namespace vfe {

/// Minimises the free energy at fixed draws by L-BFGS, a trial a call.
class FixedDrawsSearch {
 public:
  struct Limits {
    Index history, max_iterations;
    double tolerance;            ///< on the Newton decrement [nats]
    Index least_iterations = 0;  ///< before a small decrement means anything
  };
  /// Keeps references to objective and noise.
  FixedDrawsSearch(const FreeEnergy& objective, const Matrix& noise, const Limits& limits)
      : objective_(objective), noise_(noise), limits_(limits) {}

  /// [collective] A search from lambda; nothing, and a note of why, where a draw is not finite.
  std::optional<Lbfgs> begin(ConstVec lambda, Record& record) const;
  /// Continues one from Lbfgs::pack().
  Lbfgs go_on(ConstVec packed) const {
    return Lbfgs(packed, objective_.family().num_lambda(), limits_.history);
  }
  /// [collective] Evaluates the next trial. Returns whether it was accepted.
  bool advance(Lbfgs& search, Record& record) const;

  bool converged(const Lbfgs& search) const;
  bool ended(const Lbfgs& search) const;
  /// "converged", or how far it was from that.
  std::string outcome(const Lbfgs& search) const;

 private:
  const FreeEnergy& objective_;
  const Matrix& noise_;
  Limits limits_;
};

}  // namespace vfe
