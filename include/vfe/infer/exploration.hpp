#pragma once
#include <optional>
#include <string>

#include "vfe/core/objection.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct ExplorationOptions {
  std::string name = "second_look";  ///< of a further look
  Minibatch batch = {};
  Index draws = 0;   ///< of each of the three proposals; 0: 512 up to five dimensions, above 64
  Index starts = 8;  ///< of searches, at the draws with the largest ratios f / proposal
  /// More searches above five dimensions, where these ratios say little or, above 30, only which draws are
  /// near the base: at draws of the two narrower proposals, whatever their density. 0: 32.
  Index far_starts = 0;
  Index history = 10;
  Index max_iterations = 200;
  double tolerance = 1e-5;  ///< on the Newton decrement of a search
  Index max_searches = 1000;
  std::uint64_t max_gradients =
      16'000;  ///< after which no more searches begin; twice as many with the end in sight
  std::uint64_t seed = 1;
};

/// Whether looking for modes has come to an end.
struct SearchReport {
  /// Of a further search ending in a mode that none has met.
  static constexpr double most_chance = 0.02;

  Index searches = 0;   ///< ended
  Index modes = 0;      ///< different ones that they ended in
  Index singles = 0;    ///< modes that one search alone ended in
  Index unweighed = 0;  ///< modes too many to have a Laplace approximation
  /// Images of the base that are other places, itself included: a symmetric density has as many copies of it.
  /// Modes are counted in one of them.
  Index copies = 1;

  /// That the next search ends in a mode not met before: the share of searches with a mode of their own (Good
  /// 1953, after Turing), with its standard error and one more for what no number can show.
  double chance() const;
  /// One mode, or small chances of another.
  bool ended() const;
  std::string describe() const;
  Objection objection() const;  ///< to any certificate; empty if there is none

  static void each(auto& self, const auto& visit) {
    visit(self.searches), visit(self.modes), visit(self.singles), visit(self.unweighed), visit(self.copies);
  }
};

/// Stage "exploration": looks for modes until the search has come to an end. First draws from Student t's
/// with five degrees of freedom, 3, 6 and 12 times as wide as the base that polish left, and searches from
/// those with the largest ratio of the density to their mixture. Where these and the searches of stage
/// "modes" ended in more than one mode, more of them from starts over the whole domain, half of them far out,
/// until the chance of meeting a new mode is small, or it is plain that it will not be. Every proper mode
/// joins left::found_modes with its Laplace weight (above d = 500, as if it were as wide as the base); the
/// heaviest becomes the base. Leaves left::searched and left::symmetries. Does nothing where the base is no
/// proper mode. Costs 3 `draws` values and, with one mode, 100 to 500 gradients; with M modes about 5 M
/// searches, and 2 d gradients for each. What none of these draws and searches comes near, it cannot see.
std::unique_ptr<Stage> exploration(const Target& target, const ExplorationOptions& options);

/// Stage of the given name: goes on where exploration ended, from what later stages saw against it: the draws
/// of importance sampling with the largest weights, or, before there are any, particles of tempering that are
/// far from all modes. What it finds joins the modes as there. Leaves left::found_by(name).
std::unique_ptr<Stage> further_look(const Target& target, const ExplorationOptions& options);

}  // namespace vfe
