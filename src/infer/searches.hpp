#pragma once
#include <optional>
#include <vector>

#include "vfe/family/affine.hpp"
#include "vfe/infer/lbfgs.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct SearchOptions {
  Minibatch batch = {};
  Index history = 10;
  Index max_iterations = 200;
  double tolerance = 1e-5;  ///< on the Newton decrement
  /// The coordinates u that the searches move in, theta = map(u); theta itself if there is none.
  std::optional<Affine> map = {};
};

/// Minimisations of -log f in lockstep. Their whole state is `packed`, an Lbfgs in each column.
class Searches {
 public:
  /// Keeps a reference to the target. `packed` may have no columns.
  Searches(const Target& target, const SearchOptions& options, Matrix packed = {});

  Index size() const { return packed_.cols(); }
  Lbfgs at(Index k) const;  ///< in the coordinates of the map
  bool running(Index k) const;
  bool ended(Index k) const;         ///< converged or stuck: not for want of iterations
  bool running() const;              ///< any
  std::vector<Index> order() const;  ///< lowest f first
  const Matrix& packed() const { return packed_; }

  /// What the starts, and all points evaluated, were like.
  struct Outcome {
    std::vector<bool> begun;  ///< by start: it was finite, and its search is now the last
    Index draws = 0, non_finite = 0;
  };
  /// [collective] A trial of every search under way, and new searches from `starts` (d x n, n may be 0), in
  /// one call.
  Outcome advance(ConstMat starts);
  Outcome advance() { return advance(Matrix(target_.size(), 0)); }

 private:
  const Target& target_;
  SearchOptions options_;
  Matrix packed_;
};

}  // namespace vfe
