// No gradient by hand: the growth of a population, year by year, differentiated automatically.
// Run: build/release/examples/3_differentiate
//      mpirun -n 2 build/release/examples/3_differentiate
#include <cmath>
#include <cstdio>

#include "vfe/model/differentiate.hpp"
#include "vfe/vfe.hpp"

// Logarithms of fifty yearly counts, off by 10 %: simulated with start 20, rate 0.25, capacity 1,000.
vfe::Vector simulated_counts() {
  vfe::Vector log_counts(50);
  double size = 20.0;
  for (vfe::Index year = 0; year < log_counts.size(); ++year) {
    const double error = vfe::normal({.purpose = vfe::Purpose::simulate}, static_cast<std::uint32_t>(year));
    log_counts[year] = std::log(size) + 0.1 * error;
    size += 0.25 * size * (1.0 - size / 1000.0);
  }
  return log_counts;
}

int main(int argc, char** argv) {
  return vfe::run(argc, argv, [](const vfe::Communicator& comm) {
    // 1. The log density at x = start, rate, capacity, generic in the kind of number. Loops, branches
    //    and functions are as for doubles; `using std::log` is for log to be found for both kinds.
    const auto log_density = [log_counts = simulated_counts()](const auto& x) {
      using std::log;
      auto value = -x[0] / 100.0 - x[1] - x[2] / 5000.0;  // exponential priors
      auto size = x[0];
      for (const double log_count : log_counts) {
        if (size <= 0.0) return 0.0 * size - INFINITY;  // extinct, but seen
        const auto z = (log_count - log(size)) / 0.1;
        value -= 0.5 * z * z;
        size += x[1] * size * (1.0 - size / x[2]);
      }
      return value;
    };

    // 2. The model.
    const auto positive = vfe::Transform::positive;
    const auto model =
        vfe::make_model({{"start", {}, positive}, {"rate", {}, positive}, {"capacity", {}, positive}},
                        vfe::differentiate(log_density));

    // 3. The fit. Every rank holds all counts, and takes a share of the draws.
    const vfe::Fit found =
        vfe::fit(comm, *model, {.directory = "3_differentiate", .existing = vfe::Existing::overwrite});
    if (comm.is_root()) std::puts(found.verdict.reason.c_str());
    return vfe::trusted(found.verdict.grade) ? 0 : 2;
  });
}
