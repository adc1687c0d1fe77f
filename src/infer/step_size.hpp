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

  static constexpr Index packed_size = 5;
  Vector pack() const;
  explicit StepSize(ConstVec packed);

 private:
  double count_ = 0.0, shortfall_ = 0.0, anchor_ = 0.0, log_average_ = 0.0;
};

}  // namespace vfe
