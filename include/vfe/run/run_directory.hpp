#pragma once
#include <filesystem>
#include <string>

namespace vfe {

/// What to do with a run that is already there.
enum class Existing { refuse, resume, overwrite };

/// The folder of a run, locked by this process for as long as the object lives. The file `lock` names host,
/// pid and the process' start; the kernel's lock on it ends with the process, so one left by a process that
/// is gone on this host is taken over; one of a live process is waited for, 3 s. A lock from another host
/// cannot be checked: it is refused. Rank 0 only.
class RunDirectory {
 public:
  /// Creates it where needed, removes the temporaries of killed writers, and changes nothing else. Throws
  /// Fault::cannot_create: is a file; not writable; holds a run and `refuse` (names --resume and
  /// --overwrite); is locked (names host and pid); `resume` and log or trace are no files but links to some.
  RunDirectory(const std::filesystem::path& path, Existing existing);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// Removes the files of an earlier run, and only those. Throws Fault::cannot_create.
  void clear() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path result() const { return path_ / "result.h5"; }
  std::filesystem::path trace() const { return path_ / "trace.jsonl"; }
  std::filesystem::path log() const { return path_ / "log.txt"; }

 private:
  void lock();

  std::filesystem::path path_;
  int descriptor_ = -1;  ///< of the lock file
};

}  // namespace vfe
