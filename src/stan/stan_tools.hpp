#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vfe {

/// What it takes to make a library of a Stan program.
struct StanTools {
  std::string name;  ///< for people: what it is, and where
  std::filesystem::path stanc;
  std::vector<std::filesystem::path> includes;   ///< folders of headers
  std::vector<std::filesystem::path> libraries;  ///< files to link
};

/// Those in a folder: an httpstan package, or what holds one (site-packages, a virtual environment); a
/// CmdStan or a BridgeStan tree. Nothing where it is none of these. Throws Fault::missing where a part is
/// missing (named).
std::optional<StanTools> stan_tools_in(const std::filesystem::path& folder);

/// Those in `folder`, or, where it is empty, all that are found, the preferred ones first: the httpstan of
/// the `python3` on PATH, ~/.cmdstan/cmdstan-* and ~/.bridgestan/bridgestan-*, of each the newest first.
/// Never empty. Throws Fault::missing with what to install.
std::vector<StanTools> find_stan_tools(const std::filesystem::path& folder);

}  // namespace vfe
