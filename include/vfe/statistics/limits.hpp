#pragma once

/// What every verdict asks for.
namespace vfe::limits {

/// Errors of a moment that is called right, in sds of the posterior: of a mean, and of a sd (relative).
inline constexpr double mean = 0.1, sd = 0.05;
/// Effective draws below which weights say nothing.
inline constexpr double ess = 100.0;
/// Of the weights' tail: with a heavier one their variance is infinite, and errors look smaller than they
/// are.
inline constexpr double finite_variance_khat = 0.5;
/// Share of q where the density may not be finite: where it ends without a transform, or cannot be computed,
/// weights know nothing of what is beyond.
inline constexpr double outside = 1e-3;

}  // namespace vfe::limits
