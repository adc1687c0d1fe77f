#pragma once
#include <string>

#include "vfe/core/state.hpp"

namespace vfe {

// What the stage has in State::memory, under keys that begin with "tempering_": "progress"; "shift",
// "scale" and "nu" (1 x 1), the wide density; "islands" (1 x K, log evidence by island); "values" (1 x n,
// log f of the first draws so far, then of the particles, 1 x N); "points" and "gradients" (d x N, the
// latter of log f); of a trajectory under way "metric" (d x 2 d, the factor of the curvature for either
// half of the islands), "moving" (d x 2 N: x, momentum) and "energy" (2 x N: energy at its start, with the
// sign of the log density; -infinity if it diverged); at its end "end_values" and "end_gradients". What is
// left: "tempered" (1 x (3 + K): inverse temperature, number of temperatures, gradients, log evidence by
// island) and "tempered_particles" ((d + 1) x N: theta and log f, by island; no columns where none was
// evaluated).
std::string tempering_key(const char* what);

/// Where the particles stand.
struct TemperingProgress {
  double temperature = 0.0;  ///< inverse
  double temperatures = 0.0;
  double gradients = 0.0;
  double particles = 0.0;                  ///< N; 0 until it is planned
  double effective = 0.0;                  ///< share that a temperature leaves
  double leapfrog = 0.0, leapfrogs = 0.0;  ///< done, and in all, of the trajectory under way; 0 between them
  double step = 0.0;                       ///< size of a leapfrog step in units of the metric

  TemperingProgress() = default;
  explicit TemperingProgress(const State& state);
  void save(State& state) const;
  Index count() const { return static_cast<Index>(particles); }

 private:
  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.temperature, self.temperatures, self.gradients, self.particles, self.effective, self.leapfrog,
        self.leapfrogs, self.step);
  }
};

}  // namespace vfe
