#pragma once
#include <string>
#include <vector>

#include "stan/child_process.hpp"

namespace vfe {

std::vector<std::string> lines_of(const std::string& text);

/// Without white space at both ends.
std::string trimmed(const std::string& line);

/// Throws Fault::stopped, naming what was being done, where a signal ended the program.
void check_not_stopped(const ChildResult& result, const std::string& doing);

}  // namespace vfe
