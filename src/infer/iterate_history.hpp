#pragma once
#include <vector>

#include "vfe/core/state.hpp"

namespace vfe {

/// What is remembered of the iterates of a stochastic optimiser at one rate, in bounded memory: means over
/// consecutive batches of steps of equal length. When the room for batches is full, neighbours are joined and
/// the length doubles. At most
/// 1,000 evenly spread coordinates are diagnosed. A view of the state.
class IterateHistory {
 public:
  /// Begins a history of n numbers a step.
  static void begin(State& state, Index n);
  static void drop(State& state);
  explicit IterateHistory(State& state);

  /// Adds an iterate. Returns whether it completed a batch.
  bool add(ConstVec iterate);
  Index batches() const;       ///< complete ones
  Index steps() const;         ///< in them
  Index least_window() const;  ///< batches of the shortest window that is diagnosed: 200 steps or more

  /// Mean of the iterates in the newest batches.
  Vector average(Index window) const;
  /// The largest split R-hat over coordinates in the newest batches (Gelman et al. 2013).
  double split_rhat(Index window) const;
  /// Of five windows between the least one and 95 % of the batches, the one with the smallest R-hat; 0
  /// batches if there are too few.
  struct Window {
    Index batches = 0;
    double rhat = 0.0;
  };
  Window best_window() const;

  /// Standard errors of the average over a window by Geyer's initial positive sequence on the batch means,
  /// and effective sizes, of the coordinates diagnosed; `coordinate` says which they are.
  struct Accuracy {
    std::vector<Index> coordinate;
    Vector standard_error;
    double least_effective_size = 0.0;
  };
  Accuracy accuracy(Index window) const;

 private:
  Index diagnosed() const { return square_.rows(); }
  Index coordinate(Index k) const { return k * mean_.rows() / square_.rows(); }
  void join_neighbours();

  /// Of batches and steps.
  struct Counts {
    Index batches = 0;    ///< complete
    double length = 0.0;  ///< steps in a batch
    double begun = 0.0;   ///< steps in the batch under way

    static void each(auto& self, const auto& visit) {
      visit(self.batches), visit(self.length), visit(self.begun);
    }
  };
  static const Slot<Matrix> mean_slot_, square_slot_;
  static const Slot<Counts> counts_slot_;

  State& state_;
  Matrix& mean_;    ///< n x capacity
  Matrix& square_;  ///< coordinates diagnosed x capacity
  Counts counts_;
};

}  // namespace vfe
