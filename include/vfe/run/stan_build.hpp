#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace vfe {

struct StanBuildOptions {
  std::filesystem::path source;        ///< the Stan program
  std::filesystem::path output;        ///< the shared library
  std::vector<std::string> cxx_flags;  ///< after our own, so that they win
  /// Where stanc and Stan's headers are: an httpstan package, a virtual environment or site-packages folder
  /// that holds one, a CmdStan or a BridgeStan tree. Empty: the httpstan of the `python3` on PATH, else the
  /// newest of ~/.cmdstan/cmdstan-* and ~/.bridgestan/bridgestan-*.
  std::filesystem::path stan;
};

struct StanBuildReport {
  std::string tools;                  ///< what was used, for people
  double seconds = 0.0;               ///< that translating and compiling took
  std::vector<std::string> warnings;  ///< stanc's, in its own lines
};

/// Compiles a Stan program, together with our wrapper of Stan's model class, into a library that StanLibrary
/// loads. The output appears whole or not at all; nothing else is left behind. Takes about a minute and 1.5
/// GB. Throws Fault::missing where there is no source, no stanc and headers (with what to install) or no C++
/// compiler; Fault::data with stanc's message where the program is wrong; Fault::cannot_create where the
/// output cannot be made; Fault::config with the last lines of a compiler that fails.
StanBuildReport build_stan(const StanBuildOptions& options);

/// Whether `library` is there and not older than `source`. Throws Fault::missing where there is no source.
bool stan_library_is_current(const std::filesystem::path& source, const std::filesystem::path& library);

}  // namespace vfe
