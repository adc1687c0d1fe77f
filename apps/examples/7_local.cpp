// Latent variables of groups, integrated out: how long implants last, with hospitals that differ; Weibull.
// Run: build/release/examples/7_local
//      mpirun -n 2 build/release/examples/7_local
#include <cmath>
#include <cstdio>
#include <random>

#include "vfe/model/differentiate_local.hpp"
#include "vfe/vfe.hpp"

using vfe::Index;
constexpr Index num_blocks = 8, hospitals = 10, implants = 12;  // of a block, of a hospital
constexpr double end = 6.0;                                     // of the study [years]
constexpr double truth[] = {1.5, 5.0, 0.7};                     // shape, scale, spread

// Simulated years [hospital, implant], cut off at the end: those of a block depend on its number alone.
vfe::Matrix years_of_block(Index block) {
  vfe::Stream stream({.purpose = vfe::Purpose::simulate, .block = static_cast<std::uint32_t>(block)});
  std::normal_distribution<double> normal;
  vfe::Matrix years(hospitals, implants);
  for (Index i = 0; i < hospitals; ++i) {
    const double ratio = std::exp(-truth[2] * normal(stream) / truth[0]);
    std::weibull_distribution<double> weibull(truth[0], truth[1] * ratio);
    for (Index j = 0; j < implants; ++j) years(i, j) = std::min(end, weibull(stream));
  }
  return years;
}

int main(int argc, char** argv) {
  return vfe::run(argc, argv, [](const vfe::Communicator& comm) {
    // 1. This rank's share of the blocks.
    const vfe::BlockRange own = vfe::shard(num_blocks, comm.rank(), comm.size());
    std::vector<vfe::Matrix> years;
    for (Index block = own.first; block < own.last; ++block) years.push_back(years_of_block(block));

    // 2. The log density of a hospital's years and z: hazards are exp(spread z) times as high, z ~ normal(0,
    // 1).
    const auto log_density = [&](Index block, Index hospital, const auto& x, const auto& z) {
      using std::exp, std::log;
      auto value = -0.5 * z[0] * z[0];
      for (const double t : years[block].row(hospital)) {
        const auto log_ratio = log(t / x[1]), log_hazard = x[2] * z[0];
        value -= exp(x[0] * log_ratio + log_hazard);
        if (t < end) value += log(x[0] / x[1]) + (x[0] - 1.0) * log_ratio + log_hazard;
      }
      return value;
    };
    const auto log_prior = [](const auto& x) { return -x[0] - x[1] / 10.0 - x[2]; };  // exponential

    // 3. The model, with z integrated out by seven nodes of each hospital.
    const auto positive = vfe::Transform::positive;
    const vfe::Integrated model(
        vfe::make_local_model({{"shape", {}, positive}, {"scale", {}, positive}, {"spread", {}, positive}},
                              vfe::differentiate(log_prior), {.name = "hospital", .effects = {"z"}},
                              std::vector(years.size(), std::vector(hospitals, implants)),
                              vfe::differentiate_local<1>(log_density)),
        7);

    // 4. The fit. result.h5 has the hospitals' z as well.
    const vfe::Fit found =
        vfe::fit(comm, model, {.directory = "7_local", .existing = vfe::Existing::overwrite});
    for (Index k = 0; comm.is_root() && k < 3; ++k)
      std::printf("%s: %.3f +- %.3f, truth %g\n", found.names[k].c_str(), found.moments.mean[k],
                  found.moments.sd[k], truth[k]);
    if (comm.is_root()) std::puts(found.verdict.reason.c_str());
    return vfe::trusted(found.verdict.grade) ? 0 : 2;
  });
}
