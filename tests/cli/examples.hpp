#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.hpp"

namespace vfe {

inline const std::filesystem::path examples = std::filesystem::path(VFE_SOURCE_DIR) / "apps" / "examples";

/// What follows "Run:" at the top of an example, a command a line.
inline std::vector<std::string> run_lines(const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream text(contents(examples / name));
  for (std::string line; std::getline(text, line);) {
    const std::size_t run = line.find("Run: ");
    if (lines.empty() && run == std::string::npos) continue;
    // The next commands stand below the first one.
    const std::size_t indent = line.find_first_not_of("/*! ");
    if (!lines.empty() && (indent == std::string::npos || indent < 7)) break;
    std::string command = lines.empty() ? line.substr(run + 5) : line.substr(indent);
    if (command.ends_with(" */")) command.resize(command.size() - 3);
    lines.push_back(command);
  }
  return lines;
}

/// A folder that looks like the project's.
class ExamplesFolder : public testing::Test {
 protected:
  ExamplesFolder() {
    std::filesystem::create_directory(folder / "build");
    std::filesystem::create_directory_symlink(VFE_BINARY_DIR, folder / "build" / "release");
    for (const char* name : {"apps", "include"}) {
      std::filesystem::create_directory_symlink(std::filesystem::path(VFE_SOURCE_DIR) / name, folder / name);
    }
  }

  /// Runs the example; the last thing that it said, lines that were broken whole again.
  std::string run(const std::string& name) {
    const std::vector<std::string> lines = run_lines(name);
    EXPECT_GE(lines.size(), 2u) << name << " does not say how it is run";
    std::string said;
    for (const std::string& line : lines) {
      const Finished finished = Job(folder.path(), line).wait();
      EXPECT_EQ(finished.code, 0) << line << "\n" << finished.err;
      said = finished.out;
    }
    for (std::size_t at = 0; (at = said.find("\n  ", at)) != std::string::npos;) said.replace(at, 3, " ");
    return said;
  }

  TemporaryFolder folder;
};

}  // namespace vfe
