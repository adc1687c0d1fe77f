#pragma once
#include <string>

#include "infer/chain_coordinates.hpp"
#include "infer/step_size.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/chains.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {

/// Where chains stand: their progress.
struct ChainProgress {
  Index superchains = 0, chains = 0;
  double iteration = 0.0;   ///< over warm-up and sampling: the address of the random numbers
  double trajectory = 0.0;  ///< mean length
  Index lengthened = 0;     ///< iterations kept when it last was
  Index leapfrogs = 0;      ///< of the trajectory under way; 0 between trajectories
  Index leapfrog = 0;       ///< done of them
  double jittered = 0.0;    ///< step size of this trajectory
  Index block = 0;          ///< of warm-up; their number in sampling
  Index in_block = 0;       ///< iterations done
  Index next_check = 0;     ///< iterations kept at the next check
  double calls = 0.0, calls_warm_up = 0.0;
  Index divergences_warm_up = 0, divergences = 0;
  double acceptance = 0.0;  ///< sum over the iterations kept
  bool enough = false;
  bool hopeless = false;  ///< the rule saw no use in going on
  bool in_sight = false;  ///< the end, at the last check
  StepSize step;

  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.superchains, self.chains, self.iteration, self.trajectory, self.lengthened, self.leapfrogs,
        self.leapfrog, self.jittered, self.block, self.in_block, self.next_check, self.calls,
        self.calls_warm_up, self.divergences_warm_up, self.divergences, self.acceptance, self.enough,
        self.hopeless, self.in_sight);
    StepSize::each(self.step, visit);
  }
};

template <>
struct Packing<Flow> {
  static Matrix pack(const Flow& value);  ///< as a Proposal of one component
  static Flow unpack(const Matrix& written);
};

/// What chains of a name keep.
struct ChainSlots {
  explicit ChainSlots(const std::string& name);

  Slot<ChainProgress> progress;
  Slot<Flow> flow;      ///< if x is its noise
  Slot<Affine> metric;  ///< of x
  Slot<Matrix> points;  ///< d x C, of x
  /// Of theta, d x C and 1 x C; empty until all starts are finite.
  Slot<Matrix> point_gradients, point_values;
  Slot<Index> moves;  ///< of starts towards the centre, until then
  // Of the trajectory under way:
  Slot<Matrix> moving;    ///< d x C, of x
  Slot<Matrix> velocity;  ///< velocity_rows(d) x C
  Slot<Matrix>
      energy;  ///< 2 x C: log density at its start and the kinetic energy gained since; 1 if it diverged
  // Of the second half of a warm-up block, d x C t, of x:
  Slot<Matrix> warm, warm_gradients;
  // What is kept, see ChainDraws:
  Slot<Matrix> theta, gradient, log_joint;
};

/// Where chains move: in u, theta = coordinates.theta(metric.apply(u)).
struct ChainSpace {
  ChainCoordinates coordinates;
  Affine metric;

  ChainSpace(const State& state, const ChainSlots& slots);
};

/// Of a draw for each superchain.
Address chain_starts_address(std::uint64_t seed);

}  // namespace vfe
