#pragma once
#include <sys/types.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/program.hpp"

namespace vfe {

/// The ranks that an mpirun has started on this machine.
inline std::vector<pid_t> ranks_of(pid_t mpirun) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const long pid = std::strtol(entry.path().filename().c_str(), nullptr, 10);
    if (pid <= 0) continue;
    const std::string stat = contents(entry.path() / "stat");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    if (std::strtol(stat.c_str() + name_end + 4, nullptr, 10) == mpirun &&
        stat.substr(0, name_end).ends_with("(vfe")) {
      found.push_back(static_cast<pid_t>(pid));
    }
  }
  return found;
}

/// Whether a process runs: what is dead and not yet waited for does not.
inline bool is_alive(pid_t pid) {
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.substr(name_end + 2, 1) != "Z";
}

/// Waits for an mpirun. That of Open MPI 4.1 may hang at its own end, in a lock of PMIx, where a rank has
/// died while MPI came up: it is killed when none of its ranks has been there for ten seconds.
inline Finished end_of_mpirun(Job& job) {
  for (bool seen_without = false; !wait_until([&] { return !job.running(); }, 10.0);) {
    const bool without = std::ranges::none_of(ranks_of(job.pid()), is_alive);
    if (without && seen_without) ::kill(job.pid(), SIGKILL);
    seen_without = without;
  }
  return job.wait();
}

}  // namespace vfe
