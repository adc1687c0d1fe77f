#pragma once
#include <filesystem>
#include <vector>

namespace vfe {

/// Judges the file that a command is to write, before any work. Throws Fault::usage where it is one of the
/// command's inputs under whatever name (of an input that is a folder, one of its files), and
/// Fault::cannot_create where it is there and no regular file, or read-only, or there at all without
/// `overwrite`. Links are followed.
void check_output(const std::filesystem::path& output, bool overwrite,
                  const std::vector<std::filesystem::path>& inputs);

}  // namespace vfe
