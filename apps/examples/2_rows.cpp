// Data in blocks, spread over the ranks: survival times, Weibull, cut off at the end of the study.
// Run: build/release/examples/2_rows
//      mpirun -n 2 build/release/examples/2_rows
#include <cmath>
#include <cstdio>
#include <random>

#include "vfe/vfe.hpp"

using vfe::Index;
constexpr Index num_blocks = 64, block_rows = 500;
constexpr double end = 2.0;  // of the study

// Simulated, with shape 1.5 and scale 1.2. A block depends on nothing but its number.
vfe::Vector times_of_block(Index block) {
  vfe::Stream stream({.purpose = vfe::Purpose::simulate, .block = static_cast<std::uint32_t>(block)});
  std::weibull_distribution<double> weibull(1.5, 1.2);
  vfe::Vector times(block_rows);
  for (double& time : times) time = std::min(end, weibull(stream));
  return times;
}

// The log likelihood of the times of a block at x = shape, scale. Adds its gradient, if asked for.
double log_likelihood(const vfe::Vector& times, vfe::ConstVec x, vfe::Vec grad) {
  const Eigen::ArrayXd seen = (times.array() < end).cast<double>(), log_ratio = (times.array() / x[1]).log();
  const Eigen::ArrayXd hazard = (x[0] * log_ratio).exp();
  if (grad.size() > 0) {
    grad[0] += (seen * (1.0 / x[0] + log_ratio) - hazard * log_ratio).sum();
    grad[1] += (hazard - seen).sum() * x[0] / x[1];
  }
  return (seen * (std::log(x[0] / x[1]) + (x[0] - 1.0) * log_ratio) - hazard).sum();
}

double log_prior(vfe::ConstVec x, vfe::Vec grad) {  // both exponential
  if (grad.size() > 0) grad.array() -= 1.0;
  return -x.sum();
}

int main(int argc, char** argv) {
  return vfe::run(argc, argv, [](const vfe::Communicator& comm) {
    // 1. This rank's share of the blocks: a run of consecutive ones.
    const vfe::BlockRange own = vfe::shard(num_blocks, comm.rank(), comm.size());
    std::vector<vfe::Vector> times;
    for (Index block = own.first; block < own.last; ++block) times.push_back(times_of_block(block));

    // 2. The model of this share, and the fit: the same to the last bit on any number of ranks.
    const auto positive = vfe::Transform::positive;
    const auto model = vfe::make_model(
        {{"shape", {}, positive}, {"scale", {}, positive}}, log_prior, std::vector(times.size(), block_rows),
        [&](Index b, vfe::ConstVec x, vfe::Vec grad) { return log_likelihood(times[b], x, grad); });
    const vfe::Fit found =
        vfe::fit(comm, *model, {.directory = "2_rows", .existing = vfe::Existing::overwrite});
    if (comm.is_root()) std::puts(found.verdict.reason.c_str());
    return vfe::trusted(found.verdict.grade) ? 0 : 2;
  });
}
