#pragma once
#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "run/temporary_folder.hpp"

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

}  // namespace vfe
