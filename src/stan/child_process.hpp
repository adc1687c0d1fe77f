#pragma once
#include <string>
#include <vector>

namespace vfe {

/// What a program that we ran left behind.
struct ChildResult {
  bool started = false;  ///< false: there is no such program
  int code = -1;         ///< exit code, where it ended by itself
  int signal = 0;        ///< that ended it, or 0
  std::string out, err;
};

/// Runs a program, found on PATH where its name has no slash, without a shell and without input, and waits
/// for it. SIGINT, SIGTERM and SIGHUP that come meanwhile are for the program and all that it has started:
/// they end it, and the caller can clean up. Throws Fault::io where the system cannot start processes.
ChildResult run_child(const std::vector<std::string>& words);

}  // namespace vfe
