#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// What random numbers are for: each user its own, so that no two share bits, whatever their seeds. Values
/// are part of every run's bits: never renumber, only append.
enum class Purpose : std::uint8_t {
  noise = 1,        ///< draws of q in stochastic steps
  minibatch,        ///< order of the systematic minibatches
  start,            ///< starts of the searches for modes
  shuffle,          ///< order of rows at import
  holdout,          ///< rows set aside at import
  truth,            ///< parameters of a simulated dataset
  simulate,         ///< rows of a simulated dataset
  result,           ///< draws of the finished q
  resample,         ///< importance resampling
  predict,          ///< posterior predictive draws
  check,            ///< points where gradients are checked
  generated,        ///< seeds of a Stan program's generated quantities
  proposal,         ///< draws of importance sampling's proposals
  chain,            ///< velocities, trajectories and acceptance of Markov chains
  fixed_noise,      ///< draws of q while fitting at fixed draws
  divergence,       ///< draws that tell how far two q are apart
  wide_start,       ///< where a normal may begin that has no proper mode
  curvature,        ///< directions along which a diagonal of second derivatives is probed
  scatter,          ///< draws by which exploration sees where the density stands out
  far_search,       ///< starts of its searches far from the base
  further_search,   ///< starts of its further rounds
  symmetry,         ///< points at which symmetries are tried
  wide_density,     ///< starts that the width of tempering's first density is taken from
  tempering_start,  ///< draws of that density
  tempering,        ///< momenta, acceptance and resampling of tempered particles
  weigh,            ///< draws by which q is weighed
  mixture,          ///< centres that the fit of a mixture begins with
  audit,            ///< starts of the chains that audit weighted draws
  chain_start,      ///< starts of chains around a normal
  spread_start,     ///< starts of the chains of the automatic fit
  flow_fit,         ///< order of the draws that a flow is fitted to
  bridge,           ///< draws of q for the evidence of chains
  sample_order,     ///< order of draws resampled by weight
  low_rank,         ///< first factor of the family
  coupling,         ///< halves and first coefficients of the family
  warp,             ///< draws for the moments of warped families
  shard_rows,       ///< order in which a Stan program's rows are cut into blocks
  shard_draws,      ///< points where its blocks are compared with the whole
  shard_choice,     ///< rows that are changed to see what depends on what
  replicate,        ///< responses of the rows fitted, at each draw of the result
  wide_result,      ///< wide draws that show what a finished q misses
  nodes,            ///< points where numbers of nodes of quadrature are compared
  group_effects,    ///< effects of groups at each draw of the result
  predict_groups,   ///< effects of groups that rows to be predicted are of
};

/// Where a random number stands. Numbers are a pure function of address and coordinate, so nothing is
/// streamed, split or saved, and no rank or thread is part of it (Salmon et al. 2011, Philox4x32-10).
struct Address {
  std::uint64_t seed = 0;  ///< below 2^56
  Purpose purpose = Purpose::noise;
  std::uint32_t step = 0;
  std::uint32_t draw = 0;
  std::uint32_t block = 0;
};

constexpr std::uint64_t max_seed = (std::uint64_t{1} << 56) - 1;

/// 128 random bits at (address, counter).
std::array<std::uint32_t, 4> random_bits(const Address& at, std::uint32_t counter);

/// Uniform on the open interval (0, 1): an odd multiple of 2^-53. Coordinates 2k and 2k + 1 share counter k.
double uniform(const Address& at, std::uint32_t coordinate);

/// Standard normal (Box and Muller); coordinates 2k and 2k + 1 are the pair made at counter k.
double normal(const Address& at, std::uint32_t coordinate);

/// Sets noise(i, s) = normal({seed, purpose, step, draw = first_draw + s, block}, i).
void fill_normal(Address at, Mat noise, std::uint32_t first_draw = 0);

/// A seeded permutation of 0..n-1 (Fisher and Yates), the same on every rank; n up to 2^32.
std::vector<Index> permutation(const Address& at, Index n);

/// A generator for the standard library's distributions, at the address' own counters 0 to 2^32 - 1.
class Stream {
 public:
  using result_type = std::uint64_t;
  explicit Stream(const Address& at) : at_(at) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

 private:
  Address at_;
  std::uint32_t next_ = 0;
};

}  // namespace vfe
