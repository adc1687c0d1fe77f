#pragma once
#include <cstdint>
#include <optional>

#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct TemperingOptions {
  Minibatch batch = {};      ///< all blocks; a part of them would give another posterior
  Index particles = 512;     ///< N, of all islands; half of them where the budget is short
  Index islands = 8;         ///< populations that are resampled each by itself; an even number
  Index first_draws = 8192;  ///< of the wide density, values alone, of which the first particles are taken
  double effective = 0.8;    ///< share of the particles that stay effective from a temperature to the next
  double least_effective = 0.5;  ///< the same where the budget is short
  double trajectory = 1.5;  ///< length in units of the metric, pi/2 being a quarter of a Gaussian's period
  Index max_leapfrogs = 5;  ///< of a trajectory; there is one at each temperature
  double acceptance = 0.8;  ///< aimed at
  std::uint64_t max_gradients = 15'000;
  std::uint64_t seed = 1;
};

/// A second opinion on the evidence, and on where it comes from.
struct TemperingReport {
  double temperature = 0.0;  ///< inverse one that the particles have reached; 1: the posterior
  Index temperatures = 0;    ///< that they went through
  std::uint64_t gradients = 0;
  /// [nats]; of the posterior if complete(). Its exponential has hardly a bias, so that this is rarely much
  /// too high (by 4.6 nats about once in a hundred at most, by Markov's inequality) but too low where no
  /// particle met a mode.
  double log_evidence = 0.0;
  /// From the spread of the islands [nats]; never above 1, where one island has all the mass.
  double log_evidence_error = 0.0;
  Vector shares;  ///< of the particles, by the mode of left::found_modes that is likeliest to be theirs; 1 in
                  ///< all
  double strange = 0.0;  ///< share of the particles that are far from every mode found
  /// d x k, the best of those, apart from each other: where further searches may start. They need not be near
  /// a mode of their own: a bent ridge has them too.
  Matrix strangers;

  bool complete() const { return temperature == 1.0; }
};

/// How far the particles came, as the stage leaves it.
struct Tempered {
  double temperature = 0.0;  ///< inverse
  Index temperatures = 0;
  std::uint64_t gradients = 0;

  static void each(auto& self, const auto& visit) {
    visit(self.temperature), visit(self.temperatures), visit(self.gradients);
  }
};

/// What "tempering" left; nothing where it has not run.
std::optional<TemperingReport> tempering_report(const State& state);

/// Whether a log evidence [nats] with its standard error can stand beside a report that is complete(): it may
/// be lower than the report's by 0.25 nats and four joint standard errors. That it is higher is no objection:
/// only what has missed a mode is too low, and a mode that a search has found but no particle met speaks
/// against the particles.
bool agrees(const TemperingReport& report, double log_evidence, double log_evidence_error);

/// Stage "tempering": particles go from a wide density p_0 to the posterior through p_0^(1-t) f^t (Neal 2001;
/// Del Moral, Doucet and Jasra 2006). p_0 is a Student t as wide as Target::draw_start() and the modes found
/// together; it has each of these within two sds but no bump there, so that the particles meet modes by
/// themselves. At each inverse temperature t they are resampled, each island by itself, and move by one
/// Hamiltonian trajectory in lockstep, a leapfrog step a call. The metric of one half of the islands comes
/// from the gradients of the other; step sizes differ between particles.
///
/// Needs left::base and left::found_modes; touches neither. Leaves what tempering_report() reads, (d + 1) x
/// N. Costs `first_draws` values, and gradients (20 seeds each; the error is the root mean square):
///
///                                                   gradients   error of the log evidence
///   d = 2 and 3, two to 30 modes                 1,500 to 8,400        0.02 to 0.1
///   d = 3, a peak in 1/200 of the domain              7,800               0.6
///   d = 20, two normals 8 sds apart             11,000 to 13,000       0.1 to 0.5
///   d = 60, one normal; two 8 sds apart              13,000             0.3; 0.6
///
/// No estimate was more than 4 standard errors too high. A mode with 9 / 10 of the mass that searches missed
/// made agrees() object in 17 and 18 of 20 (d = 20 and 12); one with a third of it shows in the strangers,
/// not in the evidence. The stage cannot see a mode so narrow that no first draw falls into its basin (sd
/// 0.02 at d = 2). Where `max_gradients` do not suffice it ends at an inverse temperature below 1; or it does
/// not begin, if the way from p_0 to the base says so (the base of a funnel, which is its neck, always does).
/// Throws Fault::bug if options make no sense.
std::unique_ptr<Stage> tempering(const Target& target, const TemperingOptions& options);

}  // namespace vfe
