#pragma once
#include <cstdint>
#include <vector>

#include "vfe/statistics/draws.hpp"
#include "vfe/statistics/moments.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

/// The points that `count` draws of the posterior are, in random order: by systematic resampling, so that
/// none is repeated where weights are equal and there are enough. Another `step`, other draws.
std::vector<Index> draws_of_sample(ConstVec log_weight, Index count, std::uint64_t seed, std::uint32_t step);
/// The share of draws that are there before.
double share_repeated(const std::vector<Index>& chosen);

/// Draws that, by their weights, are a sample of the posterior, in a result file, /vfe/sample, and back:
/// theta, log_joint and log_weight; whether there is one.
void put_sample(const OwnedDraws& sample, ResultFile& file);
/// Throws Fault::data where it is none of points of this size.
OwnedDraws sample_of(const ResultFile& file, Index size);
bool has_sample(const ResultFile& file);

/// The quantiles whose moments a result holds.
std::vector<double> reported_probabilities();
/// Moments with their standard errors in a result file, /vfe/moments: of the judged values, in the order of
/// the entries of the posterior group.
void put_moments(const Moments& moments, ResultFile& file);
/// mean, sd and the quantiles alone; no values where there are none. Throws Fault::data where shapes
/// disagree.
Moments moments_of(const ResultFile& file);

}  // namespace vfe
