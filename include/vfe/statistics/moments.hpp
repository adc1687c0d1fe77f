#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/types.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/statistics/draws.hpp"

namespace vfe {

/// Control variates for posterior expectations: functions whose mean is zero under the posterior, each made
/// of a polynomial P by Stein's identity, laplacian P + gradient P . gradient log f, in whitened coordinates
/// u (Assaraf and Caffarel 1999; Mira, Solgi and Imparato 2013).
enum class ControlVariates {
  none,
  /// Three for each value: the powers 1 to 3 of a.u, a being the value's own direction.
  own,
  quadratic,  ///< all polynomials of degree 1 and 2 in u: d (d + 3) / 2
  cubic,      ///< of degree 1 to 3
};
std::string to_string(ControlVariates set);

struct MomentOptions {
  std::vector<double> probabilities = {};  ///< of the quantiles wanted, in (0, 1)
  /// Control variates to use. If empty: "own", "quadratic" where there are 2.5 draws (4 if grouped) for each,
  /// and for d <= 6 "cubic" where there are 4; of these the set with the smallest errors over all values.
  std::optional<ControlVariates> control_variates = {};
  /// P x K, the values at the modes of a posterior that has several: how far its tails reach is then told by
  /// distances from the nearest, for a mode apart is no tail. No columns: from the mean.
  Matrix centres = {};
  /// P, for each value the coordinate of theta of which it is a monotone function, or -1: "own" is then
  /// free of the noise, and the cost of order N d^2, of finding its direction by regression. Empty: all -1.
  std::vector<Index> coordinate = {};
};

/// Whether the identities hold by which control variates have mean zero. They do not where the density ends
/// at a boundary without a transform, where a gradient or the weights are wrong, or where draws stop short of
/// the tails. A mode apart from the others that no draw has seen goes unnoticed.
struct SteinCheck {
  /// |mean| / standard error, over all control variates computed, and over the sums of them that were used:
  /// what they move a mean by, over the joint standard error.
  double largest = 0.0;
  double limit = 0.0;  ///< exceeded with probability 0.001 or less where all is well
  Index num_features = 0;
  bool passed() const { return largest <= limit; }
};

/// Posterior moments of P values and their standard errors, in the values' own units.
struct Moments {
  Vector mean, mean_error;
  Vector sd, sd_error;
  Matrix quantiles, quantile_errors;  ///< a row for each probability, P columns
  /// k-hat of weight times squared distance from the mean, and of that distance over draws resampled by
  /// weight, with their standard errors. 0 where the distances end soon after the tail begins, as those of a
  /// bounded value do. Above 0.5 there is no fourth moment, and sd_error means nothing.
  Vector weighted_tail, weighted_tail_error, resampled_tail, resampled_tail_error;
  ControlVariates control_variates = ControlVariates::none;  ///< the set chosen
  SteinCheck stein;                                          ///< over all sets tried
  double ess = 0.0;          ///< of the weights of the draws used, 1 / sum w^2
  Index used = 0;            ///< draws
  Index groups = 0;          ///< independent groups of them; as many as draws if these are independent
  Index non_finite = 0;      ///< draws with a weight but with theta, gradient or a value that is not finite
  double lost_weight = 0.0;  ///< the share of the weights that these had

  /// Over the values that vary; 0 if none does. Errors are in units of sd.
  double largest_mean_error() const;
  double largest_sd_error() const;
  double largest_weighted_tail() const;
  double largest_resampled_tail() const;
};

/// Of `values` (P x N), with the draws' weights, Pareto smoothed (psis()) say, a sample of the posterior,
/// from importance sampling or from chains. Needs theta and gradients.
///
/// Every expectation is estimated twice, by the weighted mean and with control variates, and the estimate
/// with the smaller error is kept. Their coefficients are fitted (ridge regression) in each of five folds on
/// the draws of the others, groups kept whole, so that errors are honest. Errors are those of the weighted
/// residuals, or of their sums over groups, and then those of `groups` numbers: their quantiles are Student's
/// with groups - 1 degrees of freedom. They are no smaller than 0.03 of the plain ones, except where they
/// vanish: residuals that small are wrong by what rare draws would show. `whitening` should map N(0, I) to
/// about the posterior; a wrong one costs accuracy, not truth, and a noisy one much of it.
///
/// A Gaussian posterior's moments are exact: with "quadratic" whatever the draws, with "own" where the
/// whitening is its own. Draws with a share of the weights below 1e-14, or something not finite, are passed
/// over. A value that is constant has sd and errors 0. Errors are infinite, and the Stein check fails, with
/// fewer than 20 draws or 2 groups. Scales of values do not matter.
///
/// Time, with Q quantiles and F features: N F^2 + (N + F) F P (2 + Q) (quadratic), N P (2 + Q) + N d^2 (own;
/// without d^2 if the whitening is diagonal and every coordinate is given). Memory: 48 F^2 + 16 N P (2 + Q)
/// bytes beside 16 N d + 8 N P, or for own the latter (twice 16 N d if the whitening is dense). All ranks do
/// the same. Measured with P = d, Q = 3 on one core: d = 26, N = 1,024, quadratic 0.13 s; d = 60, N = 8,192,
/// quadratic 6 s and 250 MB (with "own" alone 0.2 s); d = 2,000, N = 4,096, own 5 s and 190 MB, with a dense
/// whitening 11 s and 380 MB. Throws Fault::numeric if a log weight is NaN or +infinity or no draw is left,
/// Fault::bug if sizes disagree.
Moments estimate_moments(const Draws& draws, ConstMat values, const Affine& whitening,
                         const MomentOptions& options = {});

}  // namespace vfe
