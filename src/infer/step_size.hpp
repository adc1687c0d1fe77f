#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Adaptation of the step size of chains in lockstep by dual averaging (Nesterov 2009; Hoffman and Gelman
/// 2014) with faster constants than theirs: one update averages over many chains.
struct StepSize {
  double step = 0.0;  ///< of the next iteration

  StepSize() = default;
  explicit StepSize(double first) { restart(first); }
  void restart(double first);
  /// Learns from the acceptance probabilities of an iteration.
  void update(ConstVec acceptance, double aim);
  /// Ends the adaptation: the step becomes the average.
  void settle();

  static void each(auto& self, const auto& visit) {
    visit(self.step), visit(self.count_), visit(self.shortfall_), visit(self.anchor_),
        visit(self.log_average_);
  }

 private:
  double count_ = 0.0, shortfall_ = 0.0, anchor_ = 0.0, log_average_ = 0.0;
};

}  // namespace vfe
