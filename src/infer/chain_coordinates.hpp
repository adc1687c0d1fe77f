#pragma once
#include <optional>

#include "vfe/family/flow.hpp"

namespace vfe {

/// The coordinates x in which chains move: theta itself, or the noise of a flow, theta = flow.transform(x)
/// (Hoffman et al. 2019), in which a posterior that the flow has learned is nearly a standard normal.
class ChainCoordinates {
 public:
  ChainCoordinates() = default;
  explicit ChainCoordinates(Flow flow) : flow_(std::move(flow)) {}

  Matrix theta(ConstMat x) const;
  /// Makes of log f (S) and its gradient (d x S) at theta(x) the log density of x and its gradient.
  void pull_back(ConstMat x, Vec value, Mat gradient) const;

 private:
  std::optional<Flow> flow_;
};

}  // namespace vfe
