#pragma once
#include "vfe/formula/needs.hpp"

namespace vfe {

/// How one need is met: what is added up in each pass, and what follows from it.
class DesignStatistics::Search {
 public:
  virtual ~Search() = default;
  /// Sums of the shape that the pass needs.
  virtual NeedSums begin(const std::vector<Vector>& statistics) const = 0;
  virtual std::optional<UnusableValue> add(const TableRows& rows, const std::vector<Vector>& statistics,
                                           NeedSums& sums) const = 0;
  /// Returns the answer where that was the last pass.
  virtual std::optional<Vector> end(const NeedSums& sums) = 0;

  static std::unique_ptr<Search> of(const DesignNeed& need);
};

}  // namespace vfe
