#pragma once
#include "vfe/core/rows.hpp"

namespace vfe {

/// Products of the rows of a design with coefficients, one draw at a time, rows as they are read.
class DesignProducts {
 public:
  explicit DesignProducts(const DesignSchema& schema);

  Index num_coefficients() const { return num_coefficients_; }
  /// Adds x beta to the first rows of `eta`.
  void add_predictor(const Rows& rows, ConstVec coefficients, Vec eta) const;
  /// Adds x' residual, of the first rows of `residual`.
  void add_gradient(const Rows& rows, ConstVec residual, Vec grad) const;

 private:
  std::vector<DesignTerm> terms_;
  Index num_coefficients_;
};

}  // namespace vfe
