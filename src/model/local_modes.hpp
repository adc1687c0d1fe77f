#pragma once

/// How Newton's method looks for modes of latent variables.
namespace vfe::newton {

constexpr int most_steps = 100;
constexpr int plain_steps = 40;  ///< after which `scale` takes the curvature's place
constexpr double longest_step = 3.0, converged_step = 1e-9;
/// A step that leaves a slope behind it that is more than so much of the one before, and the other way, was
/// too long: half of it is taken instead.
constexpr double steepest = 0.5;

}  // namespace vfe::newton
