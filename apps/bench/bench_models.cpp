// Time of a gradient of the log joint density, configuration by configuration, side by side: the same model
// built in, as a plugin, as a Stan program. The configurations must be of the same data and parameters: their
// densities are compared. Run: build/release/bench/bench_models FIRST.toml SECOND.toml...
// (apps/bench/bench_stan makes them)
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/toml/read_config.hpp"

namespace {

using Clock = std::chrono::steady_clock;
constexpr vfe::Index draws = 16;
constexpr int rounds = 7;

struct Timed {
  std::string name;
  std::unique_ptr<vfe::Problem> problem;
  double seconds = INFINITY;  ///< of the best round
  vfe::Vector value{draws};
  vfe::Matrix grad;
};

int bench(const vfe::Communicator& comm, int argc, char** argv) {
  std::vector<Timed> models;
  for (int i = 1; i < argc; ++i) {
    models.push_back({.name = argv[i]});
    models.back().problem = std::make_unique<vfe::Problem>(comm, vfe::read_config(argv[i], {}));
  }
  const vfe::Index d = models.front().problem->target().size();
  vfe::Matrix theta(d, draws);
  vfe::fill_normal({.seed = 1}, theta);
  theta *= 0.1;
  for (int round = 0; round < rounds; ++round) {
    for (Timed& model : models) {
      model.grad.resize(d, draws);
      const auto begin = Clock::now();
      model.problem->target().log_joint(vfe::Minibatch{}, theta, model.value, model.grad);
      model.seconds = std::min(model.seconds, std::chrono::duration<double>(Clock::now() - begin).count());
    }
  }
  if (!comm.is_root()) return 0;
  const Timed& first = models.front();
  fmt::print("{:<24} {:>12} {:>20} {:>8} {:>22} {:>22}\n", "model", "ms a draw", "ns a row and draw", "ratio",
             "relative difference", "of the gradient");
  for (const Timed& model : models) {
    fmt::print("{:<24} {:>12.3f} {:>20.2f} {:>8.2f} {:>22.1e} {:>22.1e}\n", model.name,
               1e3 * model.seconds / draws,
               1e9 * model.seconds / draws / static_cast<double>(first.problem->target().num_rows()),
               model.seconds / first.seconds,
               ((model.value - first.value).array() / first.value.array()).abs().maxCoeff(),
               (model.grad - first.grad).norm() / first.grad.norm());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_models FIRST.toml SECOND.toml...\n");
    return 64;
  }
  return vfe::run(argc, argv, [&](const vfe::Communicator& comm) { return bench(comm, argc, argv); });
}
