#include "vfe/store/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : id_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (id_ >= 0) ::close(id_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int id() const { return id_; }
  bool is_open() const { return id_ >= 0; }
  int release() { return std::exchange(id_, -1); }
  /// False with errno set: some file systems tell of a full disk only here.
  bool close() { return ::close(std::exchange(id_, -1)) == 0; }

 private:
  int id_;
};

[[noreturn]] void fail(Fault fault, const char* doing, const std::filesystem::path& path) {
  throw Error(fault, fmt::format("{} {}: {}", doing, path.string(), std::strerror(errno)));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

std::filesystem::path followed(const std::filesystem::path& path) {
  constexpr int most_links = 40;  // as Linux
  std::filesystem::path target = path;
  std::error_code error;
  for (int i = 0; i < most_links; ++i) {
    if (!std::filesystem::is_symlink(std::filesystem::symlink_status(target, error))) return target;
    const std::filesystem::path next = std::filesystem::read_symlink(target, error);
    target = folder_of(target) / next;  // of an absolute one, itself
  }
  throw Error(Fault::cannot_create, fmt::format("creating {}: {}", path.string(), std::strerror(ELOOP)));
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), target_(followed(path_)) {
  temporary_ = target_;
  temporary_ += fmt::format(".{}.tmp", ::getpid());
  std::error_code ignored;
  if (!path_.has_filename() || std::filesystem::is_directory(target_, ignored)) {
    throw Error(Fault::cannot_create, fmt::format("creating {}: is a folder", path_.string()));
  }
  if (std::filesystem::exists(target_, ignored) && !std::filesystem::is_regular_file(target_, ignored)) {
    throw Error(Fault::cannot_create,
                fmt::format("creating {}: is no regular file but a device, pipe or socket", path_.string()));
  }
  remove_temporaries(folder_of(target_),
                     [&](const std::string& name) { return name == target_.filename().string(); });
  ::unlink(temporary_.c_str());  // of an earlier process of this number
  // Nothing that stands there is followed or written to.
  Descriptor made(temporary_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!made.is_open()) fail(Fault::cannot_create, "creating", path_);
  lock_ = made.release();
  ::flock(lock_, LOCK_EX | LOCK_NB);  // where the file system has locks
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
  ::close(lock_);
}

void AtomicFile::commit() {
  Descriptor file(temporary_, O_RDONLY);
  if (!file.is_open() || ::fsync(file.id()) != 0 || !file.close()) fail(Fault::io, "writing", path_);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(Fault::io, "writing", path_);
  committed_ = true;
  Descriptor folder(folder_of(target_), O_RDONLY | O_DIRECTORY);
  // EINVAL: a file system that cannot sync folders, and does not need to be asked.
  if (!folder.is_open() || (::fsync(folder.id()) != 0 && errno != EINVAL)) fail(Fault::io, "writing", path_);
}

void remove_temporaries(const std::filesystem::path& folder,
                        const std::function<bool(const std::string& name)>& of) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path name = entry->path().filename(), numbered = name.stem();
    if (name.extension() != ".tmp" || numbered.extension().empty() || !of(numbered.stem().string())) continue;
    const std::string number = numbered.extension().string().substr(1);
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) continue;
    const long process = std::strtol(number.c_str(), nullptr, 10);
    if (process > 0 && process <= std::numeric_limits<pid_t>::max() &&
        ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH)
      found.push_back(*entry);
  }
  for (const std::filesystem::path& path : found) {
    // One of another machine's processes holds its lock as long as it lives.
    const Descriptor file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (file.is_open() && ::flock(file.id(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  {
    Descriptor out(file.temporary(), O_WRONLY);
    if (!out.is_open()) fail(Fault::io, "writing", path);
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t written = ::write(out.id(), text.data() + done, text.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written == 0) errno = ENOSPC;
      if (written <= 0) fail(Fault::io, "writing", path);
      done += static_cast<std::size_t>(written);
    }
    if (!out.close()) fail(Fault::io, "writing", path);
  }
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  Descriptor in(path, O_RDONLY);
  if (!in.is_open()) fail(errno == ENOENT ? Fault::missing : Fault::io, "reading", path);
  if (struct stat status{}; ::fstat(in.id(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw Error(Fault::missing, fmt::format("reading {}: is a folder, expected a file", path.string()));
  }
  std::string text;
  for (char piece[1 << 16];;) {
    const ssize_t count = ::read(in.id(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(Fault::io, "reading", path);
    if (count == 0) return text;
    text.append(piece, static_cast<std::size_t>(count));
  }
}

}  // namespace vfe
