#pragma once
#include <string>

#include "infer/chain_coordinates.hpp"
#include "infer/step_size.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/chains.hpp"

namespace vfe {

// What chains of a name have in State::memory, under keys that begin with the name: "progress"; "shift" and
// "scale", the metric of x; "flow", packed as a Proposal, if x is its noise; "points" (d x C, of x), their
// "point_gradients" and "point_values" (1 x C), of theta (absent until all starts are finite, when "moves" (1
// x 1) counts the moves towards the centre); of the trajectory under way "moving" (d x C, of x), "velocity"
// and "energy" (2 x C: log density at its start and the kinetic energy gained since; 1 if it diverged); of
// the second half of a warm-up block "warm" and "warm_gradients" (d x C t, of x); what is kept: "theta",
// "gradient", "log_joint".
std::string chain_key(const std::string& name, const char* what);

/// Where chains stand: their "progress" (a row).
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

  ChainProgress() = default;
  ChainProgress(const State& state, const std::string& name);
  void save(State& state, const std::string& name) const;

 private:
  /// All but the step.
  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.superchains, self.chains, self.iteration, self.trajectory, self.lengthened, self.leapfrogs,
        self.leapfrog, self.jittered, self.block, self.in_block, self.next_check, self.calls,
        self.calls_warm_up, self.divergences_warm_up, self.divergences, self.acceptance, self.enough,
        self.hopeless, self.in_sight);
  }
};

/// Where chains move: in u, theta = coordinates.theta(metric.apply(u)).
struct ChainSpace {
  ChainCoordinates coordinates;
  Affine metric;

  ChainSpace(const State& state, const std::string& name);
};

/// Of a draw for each superchain. Blocks 0 to 2 are those of the mode search, wide starts and probes.
Address chain_starts_address(std::uint64_t seed);

}  // namespace vfe
