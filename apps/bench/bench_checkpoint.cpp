// The time of a checkpoint at d = 10,000 of a mean-field fit in stochastic mode: lambda and the optimiser's
// memory. Run: build/release/bench/bench_checkpoint [folder]     (default: the current one; the file system
// matters)
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/optimizer.hpp"
#include "vfe/store/checkpoint.hpp"

int main(int argc, char** argv) {
  const std::filesystem::path folder =
      std::filesystem::path(argc > 1 ? argv[1] : ".") / "bench_checkpoint.scratch";
  std::filesystem::create_directories(folder);

  constexpr vfe::Index d = 10000;
  const auto family = vfe::mean_field(d);
  const vfe::Index num_lambda = family->num_lambda();
  const auto random = [](vfe::Index rows, vfe::Index columns, std::uint32_t step) {
    vfe::Matrix values(rows, columns);
    vfe::fill_normal({.seed = 1, .step = step}, values);
    return values;
  };
  vfe::Checkpoint checkpoint;
  checkpoint.config = std::string(2000, '#');
  checkpoint.state.stage = "stochastic";
  checkpoint.state.lambda = random(num_lambda, 1, 1);
  checkpoint.state.memory["base_shift"] = random(d, 1, 2);
  checkpoint.state.memory["base_scale"] = random(d, 1, 3);
  checkpoint.state.memory["optimizer"] =
      random(vfe::make_optimizer("averaged_adam")->memory(num_lambda), 1, 4);
  // What the stopping rule remembers, at its largest: averaged iterates of a window of 200 records.
  checkpoint.state.memory["window"] = random(num_lambda, 200, 5);

  for (const bool with_window : {true, false}) {
    if (!with_window) checkpoint.state.memory.erase("window");
    vfe::Index numbers = checkpoint.state.lambda.size();
    for (const auto& [name, values] : checkpoint.state.memory) numbers += values.size();
    std::vector<double> seconds;
    for (int i = 0; i < 21; ++i) {
      checkpoint.state.step = static_cast<std::uint64_t>(100 * seconds.size() + (with_window ? 1 : 50));
      const auto start = std::chrono::steady_clock::now();
      vfe::write_checkpoint(folder, checkpoint);
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(seconds.begin(), seconds.end());
    fmt::print("mean_field d = {}: {:.1f} MB, median {:.1f} ms, worst of {} {:.1f} ms{}\n", d, 8e-6 * numbers,
               1e3 * seconds[seconds.size() / 2], seconds.size(), 1e3 * seconds.back(),
               with_window ? " (with a window of 200 iterates)" : "");
  }
  std::filesystem::remove_all(folder);
}
