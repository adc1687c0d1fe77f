#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Nested R-hat (Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari and Gelman 2024, Bayesian Analysis): do
/// superchains, each of chains with one start, agree? `values` of one quantity are chains x iterations, the
/// chains of a superchain next to each other. 1 where all values are equal; +infinity where one is not finite
/// or superchains stand still in different places. Throws Fault::bug unless there are two superchains or
/// more of equally many chains.
double nested_rhat(ConstMat values, Index superchains);

/// The larger of nested R-hat of the rank-normalised values and of the rank-normalised |x - median| (Vehtari
/// et al. 2021), which needs no moments and sees differences of scale too.
double rank_nested_rhat(ConstMat values, Index superchains);

/// R-hat of sequences of one quantity from their means and the mean variance within: the root of `least` +
/// variance of the means / within. `least` is 1; in the R-hat of Gelman et al. (2013) 1 - 1 / n, n being the
/// length of a sequence. +infinity where nothing varies within and the means differ.
double rhat(ConstVec means, double within, double least = 1.0);

/// What nested R-hat must stay below for each of `quantities`: sqrt(1 + 0.02 x / (K - 1)), x the chi-square
/// quantile of K - 1 degrees at 1 - 0.01 / (2 quantities). Were the means of superchains normal with 0.02
/// times the variance within, all quantities would pass, and their distances from the median, with
/// probability 0.99.
double nested_rhat_limit(Index superchains, Index quantities);

}  // namespace vfe
