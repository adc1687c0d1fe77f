#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "vfe/infer/stage.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// Where the integral over effects of groups stands beside that of the next rule.
struct QuadratureCheck {
  Index nodes = 1;      ///< for each effect
  double change = 0.0;  ///< of the sum of log integrals [nats]
  bool enough = true;

  std::string describe() const;  ///< "7 nodes for each effect; the next rule moves the log density by ..."
};

/// Nodes that searches for modes make do with.
constexpr Index pilot_nodes = 3;
/// The next of the numbers of nodes that are tried, 1, 3, 5, 7, 9, 11, 15; 0 above the last.
Index more_nodes(Index nodes);

/// Stage "quadrature": chooses the fewest nodes for which the sum of log integrals moves by less than 0.01
/// nats to the next number (from one node to five), and the mode of theta by less than 0.02 sd, at the mode
/// and four draws of left::base; the last where none will do, or the base is no proper mode. At least
/// left::least_nodes. Leaves left::nodes, and the model with them. `target` is of `model`, which must not be
/// quadratic.
std::unique_ptr<Stage> quadrature(const Target& target, Integrated& model, std::uint64_t seed);

/// [collective] Whether as many nodes as the model has will do at draws of theta (d x S): the next rule would
/// move the sum of log integrals by less than 0.02 nats on average, and by that from draw to draw (the change
/// is the larger of mean and sd), which no mean of theta can follow by more than 0.02 sd.
QuadratureCheck check_quadrature(const Target& target, Integrated& model, ConstMat theta);

}  // namespace vfe
