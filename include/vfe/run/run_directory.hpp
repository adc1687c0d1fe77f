#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace vfe {

/// What to do with a run that is already there.
enum class Existing { refuse, resume, overwrite };

/// The folder of a run, locked by this process for as long as the object lives (a lock file that names host
/// and pid; a lock left by a process that is gone on this host is taken over). Rank 0 only.
class RunDirectory {
 public:
  /// Creates it where needed. Throws Fault::cannot_create (is a file, not writable, holds a run and `refuse`:
  /// names --resume and --overwrite; is locked: names host and pid). `overwrite` removes the old run's files,
  /// and only those.
  RunDirectory(const std::filesystem::path& path, Existing existing);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path result() const { return path_ / "result.h5"; }
  std::filesystem::path trace() const { return path_ / "trace.jsonl"; }
  std::filesystem::path log() const { return path_ / "log.txt"; }

 private:
  std::filesystem::path path_;
};

}  // namespace vfe
