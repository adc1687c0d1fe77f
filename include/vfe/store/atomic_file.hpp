#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace vfe {

/// A file that appears whole or not at all: write to temporary(), then commit() (fsync, rename, fsync of the
/// folder). Without commit() the temporary is removed and what stood at `path` before stays. Of a link, what
/// it leads to is replaced.
class AtomicFile {
 public:
  /// Makes the temporary, empty, so that what cannot be written is known at once, and removes those that
  /// killed processes left beside it. Throws Fault::cannot_create, also for what is there and no regular
  /// file: a rename would replace a device.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& temporary() const { return temporary_; }  ///< in the folder of the target
  void commit();  ///< throws Fault::io with the system's reason

 private:
  std::filesystem::path path_, target_, temporary_;
  bool committed_ = false;
  int lock_ = -1;  ///< descriptor of the temporary, locked: its process lives
};

/// Removes the temporaries, <name>.<pid>.tmp, of files in `folder` whose name is one of those asked for, and
/// whose process is gone: there is none of that number here, and none elsewhere that holds the lock.
void remove_temporaries(const std::filesystem::path& folder,
                        const std::function<bool(const std::string& name)>& of);
/// Where a path leads, links followed, whether a file is there or not. Throws Fault::cannot_create for links
/// that lead nowhere.
std::filesystem::path followed(const std::filesystem::path& path);

/// Writes a small text file that way. Throws Fault::cannot_create or Fault::io.
void write_file(const std::filesystem::path& path, const std::string& text);
/// Throws Fault::missing (of a folder, too) or Fault::io.
std::string read_file(const std::filesystem::path& path);

}  // namespace vfe
