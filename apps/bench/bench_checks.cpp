// What the checks at the start and the end of a fit cost: the content hash of the rows, the agreement of the
// ranks on file, configuration and state, the hashes and the seal of the result; as a share of the fit.
// Run: [mpirun -n 2] build/release/bench/bench_checks [rows] [columns]     (1000000 x 28; scratch: 250 MB)
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "vfe/comm/agreement.hpp"
#include "vfe/core/state.hpp"
#include "vfe/data/simulate.hpp"
#include "vfe/run/fit.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"
#include "vfe/toml/read_config.hpp"

namespace {

template <class Work>
double seconds_of(const vfe::Communicator& comm, const Work& work) {
  comm.barrier();
  const auto start = std::chrono::steady_clock::now();
  work();
  comm.barrier();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int bench(const vfe::Communicator& comm, vfe::Index rows, vfe::Index columns) {
  const std::filesystem::path folder = "bench_checks.scratch";
  comm.on_root("making the data", [&] { std::filesystem::create_directories(folder); });
  const vfe::DatasetSchema schema =
      vfe::simulate(comm, {.output = folder / "data.h5", .rows = rows, .columns = columns});
  const vfe::Config config =
      vfe::parse_config(fmt::format("[data]\nfile = \"{0}/data.h5\"\n[model]\ntype = \"logistic\"\nformula = "
                                    "\"y\"\n[output]\ndirectory = \"{0}/run\"\n",
                                    folder.string()),
                        "bench");
  const double fit = seconds_of(
      comm, [&] { vfe::run_fit(comm, config, {.existing = vfe::Existing::overwrite, .quiet = true}); });

  const vfe::Dataset file(folder / "data.h5");
  const vfe::BlockRange range = vfe::shard(schema.num_blocks(), comm.rank(), comm.size());
  const vfe::TableRows own = file.read(range);
  std::uint64_t content = 0;
  const double hashing =
      seconds_of(comm, [&] { content = comm.sum(vfe::content_hash(own, schema.blocks.slice(range))); });
  vfe::State state;
  state.lambda = vfe::Vector::Ones((columns + 1) * (columns + 4) / 2);
  const double agreement = seconds_of(comm, [&] {
    for (const std::string& text : {vfe::to_json(schema), vfe::to_toml(config)}) {
      vfe::expect_same_on_ranks(comm, std::hash<std::string>()(text), vfe::Fault::data, "file");
    }
    vfe::expect_same_on_ranks(comm, vfe::hash(state), vfe::Fault::bug, "state");
  });
  const double result = seconds_of(comm, [&] {  // the seal, and the hash of the draws with what reads them
    const vfe::ResultFile result_file = vfe::read_result(folder / "run" / "result.h5");
    for (const auto& [name, values] : result_file.arrays) vfe::hash(values);
  });
  if (comm.is_root()) {
    fmt::print(
        "{} x {} on {} ranks: fit {:.3f} s; content hash {:.4f} s, agreement {:.5f} s, result read and "
        "hashed {:.4f} s: {:.2f} % of the fit ({})\n",
        rows, columns, comm.size(), fit, hashing, agreement, result,
        100.0 * (hashing + agreement + result) / fit, content == schema.content ? "same" : "DIFFERENT");
    std::filesystem::remove_all(folder);
  }
  return content == schema.content ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const vfe::Index rows = argc > 1 ? std::atol(argv[1]) : 1000000;
  const vfe::Index columns = argc > 2 ? std::atol(argv[2]) : 28;
  return vfe::run(argc, argv, [&](const vfe::Communicator& comm) { return bench(comm, rows, columns); });
}
