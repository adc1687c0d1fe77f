#pragma once
#include "vfe/core/types.hpp"

/// The dimensions at which ways of inference change, and other limits that several of them share: what is
/// chosen by size is chosen here, with its reason and what was measured.
namespace vfe::regimes {

/// Up to here draws of wide densities alone meet what is far from the mode; above, searches begin there too.
inline constexpr Index scattered = 5;
/// Up to here ratios of densities at draws of wide t's say where else mass is: above, the t's meet nothing.
/// Also how far fitting between rounds of importance sampling pays whatever the weights were.
inline constexpr Index weighed = 30;
/// The first choice of control variates up to here are all polynomials, d (d + 3) / 2 of them; above, those
/// of each value's own direction, and polynomials where these leave an error too large...
inline constexpr Index polynomials_first = 45;
/// ...up to here: 6 s and 250 MB at d = 60 with 8,192 draws, the time growing like d^4.
inline constexpr Index polynomials = 60;
/// Up to here q is a dense normal fitted at fixed draws, flows are fitted (seconds), and particles are
/// tempered; above, q is a diagonal normal in the better of two bases.
inline constexpr Index dense_fit = 60;
/// Above, another sweep of differences for a Hessian is dear, and worse scaled curvatures are taken.
inline constexpr Index cheap_hessian = 100;
/// Up to here spectra of curvatures are computed, which cost 50 Cholesky factors (d = 2,000: 100 s, not 7 s).
inline constexpr Index spectra = 200;
/// Above, half as many searches for modes (4); above `certified` 2.
inline constexpr Index many_searches = 300;
/// Up to here weights of a q with var(log w) of 1 or less are tried; above, chains come first unless it is
/// nearly exact.
inline constexpr Index importance = 300;
/// Up to here d x d matrices are made where there is a choice, 2 MB each: metrics of chains, Hessians of
/// further modes and of families that are not dense, q of a stochastic fit.
inline constexpr Index dense = 500;
/// Up to here coordinates are differenced one by one for a diagonal; above, along random directions.
inline constexpr Index differenced = 2000;
/// Up to here a fit is certified (d = 2,000, a Gaussian: 59 s and 770 MB); nothing larger was tried, and a
/// mean field with linear response is the answer there.
inline constexpr Index certified = 3000;

/// Nats below the best mode beyond which an end of a search can hold no mass that matters.
inline double reach(Index d) {
  return 12.0 + static_cast<double>(d);
}
/// Newton decrement [nats] up to which a point is at its mode: the density's rounding grows with d.
inline double decrement(Index d) {
  return 0.25 * static_cast<double>(d);
}

}  // namespace vfe::regimes
