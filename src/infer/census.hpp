#pragma once
#include "vfe/family/affine.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// The modes that searches have ended in.
struct MetModes {
  Matrix points;    ///< d x M
  Vector f;         ///< M, -log f
  Vector searches;  ///< M, that ended there
  Vector weighed;   ///< M, 1 where the mode has a Laplace approximation already

  MetModes() = default;
  explicit MetModes(ConstMat packed);
  Matrix pack() const;
  Index size() const { return f.size(); }
};
inline const Slot<MetModes> census_slot{"census"};

/// Enters where searches have ended into census_slot, one entry for each mode: two ends are at one mode where
/// log f has no barrier on the segment between them, or between one and an image of the other.
class Census {
 public:
  /// Distances are in units of `metric`, a mode's own width, and only choose what is compared.
  Census(const Target& target, const Minibatch& batch, Affine metric, Symmetries symmetries);

  /// Where searches have ended, or modes that are known.
  struct Ends {
    Matrix points;    ///< d x n
    Vector f;         ///< n, -log f
    Vector searches;  ///< n, that ended there
    bool known;       ///< all of them have Laplace approximations
    /// n: whether it is an end. One that is none, of a search that ran out of iterations, counts for the mode
    /// that it is on its way to, if that is known, or not at all.
    std::vector<bool> ended;
  };
  /// [collective] Costs values, no gradients: none for points that are near a mode entered before. Returns
  /// the number of draws evaluated.
  Index enter(Ends ends, State& state) const;
  /// [collective] Enters all modes anew: images of one another become one.
  Index fold(State& state) const;

 private:
  /// [collective] Whether there is no barrier between columns of `from` and `to`; `f` is the higher of the
  /// two values.
  std::vector<bool> connected(ConstMat from, ConstMat to, ConstVec f) const;

  const Target& target_;
  Minibatch batch_;
  Affine metric_;
  Symmetries symmetries_;
};

/// Indices of values in ascending order.
std::vector<Index> lowest_first(ConstVec f);

}  // namespace vfe
