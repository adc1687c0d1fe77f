#pragma once
#include "vfe/model/integrated.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// How far the integral over effects of groups is from that of the next rule, in nats summed over groups.
struct NodeCheck {
  Index nodes = 1;      ///< of each effect
  double change = 0.0;  ///< largest of means over points and standard deviation between them [nats]
  bool enough = true;
};

/// The numbers of nodes that are tried: 1, 3, 5, 7, 9, 11, 15. The next one of them; 0 above the last.
Index more_nodes(Index nodes);

/// [collective] The fewest nodes for which the sum of log integrals moves by less than 0.01 nats to the next,
/// and the mode of theta by less than 0.02 sd, at the mode and a few points about it of Laplace's
/// approximation; the last one where none will do, or there is no proper mode. Leaves the model with them.
/// One where log densities are quadratic. `target` is of `model`.
NodeCheck choose_nodes(Target& target, Integrated& model, std::uint64_t seed);

/// [collective] Whether as many nodes as the model has will do at draws of theta (d x S): the next rule would
/// move the sum of log integrals by less than 0.02 nats on average, and by that from draw to draw, which no
/// mean of theta can follow by more than 0.02 sd.
NodeCheck check_nodes(const Target& target, Integrated& model, ConstMat theta);

}  // namespace vfe
