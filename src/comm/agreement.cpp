#include "vfe/comm/agreement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

namespace vfe {

std::string name_different_ranks(const Communicator& comm, std::uint64_t hash) {
  const std::vector<std::string> hashes = comm.gather(fmt::format("{:016x}", hash));
  std::string text;
  if (comm.is_root()) {
    std::map<std::string, std::size_t> count;
    for (const std::string& each : hashes) ++count[each];
    std::string usual = hashes.front();
    for (const auto& [each, ranks] : count) {
      if (ranks > count[usual]) usual = each;
    }
    std::vector<std::size_t> different;
    for (std::size_t rank = 0; rank < hashes.size(); ++rank) {
      if (hashes[rank] != usual) different.push_back(rank);
    }
    const std::size_t shown = std::min<std::size_t>(different.size(), 16);
    text = fmt::format(
        "rank{} {}{} differ{} from the other {}", different.size() == 1 ? "" : "s",
        fmt::join(different.begin(), different.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
        shown < different.size() ? ", ..." : "", different.size() == 1 ? "s" : "",
        hashes.size() - different.size());
  }
  return comm.broadcast(text);
}

void expect_same_on_ranks(const Communicator& comm, std::uint64_t hash, Fault fault,
                          const std::string& line) {
  auto lowest = static_cast<std::int64_t>(hash), highest = lowest;
  comm.min({&lowest, 1});
  comm.max({&highest, 1});
  if (lowest != highest) throw Error(fault, fmt::format("{}: {}", line, name_different_ranks(comm, hash)));
}

void refuse_lonely_task(const Communicator& comm, const char* variable) {
  const char* const text = std::getenv(variable);
  const int tasks = text == nullptr ? 0 : std::atoi(text);
  if (comm.size() > 1 || tasks <= 1 || std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr) return;
  throw Error(
      Fault::usage,
      fmt::format("starting: found one of {} tasks of Slurm that knows of no other rank, expected to be "
                  "started by mpirun, or by srun --mpi=pmix; for one process alone, by srun -n 1",
                  tasks));
}

}  // namespace vfe
