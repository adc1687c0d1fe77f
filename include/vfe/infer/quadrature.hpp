#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "vfe/core/state.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// Where the integral over effects of groups stands beside that of finer rules.
struct QuadratureCheck {
  Index most_nodes = 1;     ///< for each effect, in any group
  double mean_nodes = 1.0;  ///< over groups
  double change = 0.0;      ///< of the sum of log integrals, were every group to take the next number [nats]
  bool enough = true;

  std::string describe() const;
};

/// Nodes that searches for modes make do with.
constexpr Index pilot_nodes = 3;

/// Stage "quadrature": gives each group of rows the nodes that it needs at the mode: the sum over groups of
/// what their next numbers of nodes would move is below 0.005 nats (times left::nodes_share), what they move
/// together at the mode and four draws of left::base below 0.01 nats, and the mode of theta by less than 0.02
/// sd. Leaves left::nodes_at and left::nodes_tolerance, and the model with the nodes. `target` is of `model`,
/// which must not be quadratic.
std::unique_ptr<Stage> quadrature(const Target& target, Integrated& model, std::uint64_t seed);

/// Sets the nodes that a state has come to: those of its stage "quadrature", before it pilot_nodes.
void set_nodes(const State& state, Integrated& model);
/// The state that a fit begins with anew where the nodes of a finished one were too few: from `first`, its
/// first state, with a smaller left::nodes_share. False where that is as small as can be.
bool ask_for_more_nodes(const State& finished, State& first);

/// [collective] Whether the model's nodes will do at draws of theta (d x S): the next numbers would move the
/// sum of log integrals by less than 0.02 nats on average, and by that from draw to draw (the change is the
/// larger of mean and sd), which no mean of theta can follow by more than 0.02 sd.
QuadratureCheck check_quadrature(const Target& target, Integrated& model, ConstMat theta);

}  // namespace vfe
