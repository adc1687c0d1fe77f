#pragma once
#include <signal.h>

#include <array>
#include <filesystem>
#include <string>

namespace vfe::hdf5 {

/// HDF5 crashes on some damage that no checksum tells of: files of other programs need not have any. While
/// one of these lives, a crash of this process ends it with one line that names the file and the exit code of
/// Fault::data; nothing that HDF5 may have spoilt is used again. For a thread at a time; may be nested.
class CrashGuard {
 public:
  explicit CrashGuard(const std::filesystem::path& file);
  ~CrashGuard();
  CrashGuard(const CrashGuard&) = delete;
  CrashGuard& operator=(const CrashGuard&) = delete;

 private:
  static constexpr std::array<int, 4> signals = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
  std::string line_;
  const std::string* outer_line_;
  stack_t outer_stack_;
  std::array<struct sigaction, signals.size()> outer_;
};

}  // namespace vfe::hdf5
