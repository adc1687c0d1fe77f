#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// What a model says of the responses of n rows at S draws, in the response's own unit.
struct Prediction {
  /// What a response is, which says how predictions of it are judged.
  enum class Kind {
    number,   ///< a real number or a count
    binary,   ///< 0 or 1
    classes,  ///< 0 .. K-1
  };
  Kind kind = Kind::number;
  Matrix mean;  ///< n x S: E[y | theta], or the location where there is none; of classes: probability of the
                ///< one observed
  Matrix response;     ///< n x S: y simulated
  Matrix log_density;  ///< n x S: log p(y | theta) of the y observed [nats], weight not applied; or empty
  std::vector<Matrix> probability;  ///< of classes: n x S for each, class 0 first; otherwise empty
};

}  // namespace vfe
