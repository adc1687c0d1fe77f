#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "vfe/core/error.hpp"

namespace vfe {

struct StanBuildOptions {
  std::filesystem::path source;        ///< the Stan program
  std::filesystem::path output;        ///< the shared library
  std::vector<std::string> cxx_flags;  ///< after our own, so that they win
  /// Where stanc and Stan's headers are: an httpstan package, a virtual environment or site-packages folder
  /// that holds one, a CmdStan or a BridgeStan tree. Empty: the httpstan of the `python3` on PATH, else the
  /// newest of ~/.cmdstan/cmdstan-* and ~/.bridgestan/bridgestan-*; for a program with something that its
  /// stanc does not know and a newer one may, the next of these that is newer.
  std::filesystem::path stan;
  std::function<void(const std::string& line)> progress;  ///< told what is used, before the long work
};

struct StanBuildReport {
  std::string tools;     ///< what was used, for people
  double seconds = 0.0;  ///< that translating and compiling took
  std::string warnings;  ///< stanc's, in its own lines
};

/// stanc or the compiler refuses. what() is one line; `doing` is what was being done, `output` what the tool
/// says of it, in its own lines.
class StanBuildError : public Error {
 public:
  StanBuildError(Fault fault, const std::string& doing, const std::string& line, std::string output)
      : Error(fault, doing + ": " + line), doing_(doing), output_(std::move(output)) {}
  const std::string& doing() const noexcept { return doing_; }
  const std::string& output() const noexcept { return output_; }

 private:
  std::string doing_, output_;
};

/// Compiles a Stan program, together with our wrapper of Stan's model class, into a library that StanLibrary
/// loads. The output appears whole or not at all; nothing else is left behind. Takes about half a minute and
/// 1.8 GB. Throws Fault::missing where there is no source, no stanc and headers (with what to install) or no
/// C++ compiler; StanBuildError with Fault::data where the program is wrong, and with Fault::cannot_create
/// where the compiler fails; Fault::cannot_create where the output cannot be made; Fault::stopped when a
/// signal ended it.
StanBuildReport build_stan(const StanBuildOptions& options);

/// Whether `library` is there and not older than `source` and the files that it includes. Throws
/// Fault::missing where there is no source.
bool stan_library_is_current(const std::filesystem::path& source, const std::filesystem::path& library);

}  // namespace vfe
