#include "vfe/run/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <limits>
#include <regex>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

std::string reason(int code) {
  return std::generic_category().message(code);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// A killed job's processes may outlive its mpirun by a moment: how long a resumption waits for them.
constexpr std::chrono::milliseconds patience{3000}, poll_interval{20};

/// When a process began, in clock ticks since boot (field 22 of /proc/<pid>/stat); empty where unknown,
/// "gone" of one that has ended but not been waited for. A pid alone may have been given to another process
/// since.
std::string process_start(long pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = text.rfind(')');  // the second field may hold blanks
  if (name_end == std::string::npos) return "";
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    rest >> field;
    if (i == 3 && (field == "Z" || field == "X")) return "gone";
  }
  return rest ? field : "";
}

/// Who holds a lock.
struct Holder {
  std::string host;
  long pid = 0;
  std::string start;

  static Holder self() { return {host_name(), ::getpid(), process_start(::getpid())}; }
  std::string line() const { return fmt::format("{} {} {}\n", host, pid, start); }
  bool alive_here() const {
    if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return false;
    const std::string found = process_start(pid);
    return found != "gone" && (start.empty() || found == start);
  }
};

Holder read_holder(int descriptor) {
  std::array<char, 512> bytes{};
  const ssize_t size = ::pread(descriptor, bytes.data(), bytes.size() - 1, 0);
  std::istringstream text(size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : "");
  Holder holder;
  text >> holder.host >> holder.pid >> holder.start;
  // No process has such a number: what is written there is nobody's lock, and kill() would mean others by it.
  if (holder.pid <= 0 || holder.pid > std::numeric_limits<pid_t>::max()) return {};
  return holder;
}

/// The files of a run in a folder: complete, or its temporaries.
std::vector<fs::path> run_files(const fs::path& folder, bool temporaries = false) {
  static const std::string names =
      R"((config\.toml|result\.h5|trace\.jsonl|log\.txt|report\.html|checkpoint\.\d+\.h5))";
  static const std::regex complete(names), temporary(names + R"(\.\d+\.tmp)");
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (std::regex_match(entry.path().filename().string(), temporaries ? temporary : complete))
      files.push_back(entry.path());
  }
  return files;
}

/// Whoever can write in the folder could make us write elsewhere: what is added to must be a file.
void refuse_links(const fs::path& file) {
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(file, ignored);
  if (!fs::exists(status) || fs::is_regular_file(status)) return;
  throw Error(
      Fault::cannot_create,
      fmt::format("opening {}: is {}, expected a file of the run: remove it and try again", file.string(),
                  fs::is_symlink(status) ? "a link to " + fs::read_symlink(file, ignored).string()
                                         : "no regular file"));
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& path, Existing existing) : path_(path) {
  std::error_code error;
  fs::create_directories(path_, error);
  std::error_code unknown;  // apart from the one above, which says why
  if (error || !fs::is_directory(path_, unknown)) {
    const bool is_file = fs::exists(path_, unknown) && !fs::is_directory(path_, unknown);
    throw Error(Fault::cannot_create,
                fmt::format("creating the run folder {}: {}", path_.string(),
                            is_file ? "is a file" : reason(error ? error.value() : ENOTDIR)));
  }
  lock();
  try {
    // Of killed writers: none writes here but who holds the lock.
    for (const fs::path& file : run_files(path_, true)) fs::remove(file, error);
    if (existing == Existing::resume) {
      refuse_links(log());
      refuse_links(trace());
    }
    if (existing == Existing::refuse && !run_files(path_).empty()) {
      throw Error(Fault::cannot_create,
                  fmt::format("the run folder {} holds a run: give --resume to continue it, --overwrite to "
                              "replace it, or another output.directory",
                              path_.string()));
    }
  } catch (...) {
    ::unlink((path_ / "lock").c_str());
    ::close(descriptor_);
    throw;
  }
}

RunDirectory::~RunDirectory() {
  ::unlink((path_ / "lock").c_str());
  ::close(descriptor_);
}

void RunDirectory::lock() {
  const fs::path file = path_ / "lock";
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    refuse_links(file);
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor_ < 0) {
      throw Error(Fault::cannot_create, fmt::format("creating {}: {}", file.string(), reason(errno)));
    }
    // A file system without kernel locks leaves only what the file says.
    const bool held = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    const Holder holder = read_holder(descriptor_);
    const bool here = holder.host == host_name();
    if (held || (here && holder.alive_here()) || (!holder.host.empty() && !here)) {
      ::close(descriptor_);
      if (here && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(poll_interval);
        continue;
      }
      const std::string advice =
          here || held ? ""
                       : fmt::format("; if that process is gone, remove {} and try again", file.string());
      throw Error(Fault::cannot_create,
                  fmt::format("the run folder {} is in use by process {} on host {}{}", path_.string(),
                              holder.pid, holder.host.empty() ? "unknown" : holder.host, advice));
    }
    // The holder before us may have removed the file between our open and our lock.
    struct stat opened {
    }, present{};
    if (::fstat(descriptor_, &opened) == 0 && ::stat(file.c_str(), &present) == 0 &&
        opened.st_ino == present.st_ino) {
      break;
    }
    ::close(descriptor_);
  }
  const std::string line = Holder::self().line();
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    const int code = errno;
    ::unlink(file.c_str());
    ::close(descriptor_);
    throw Error(Fault::cannot_create, fmt::format("writing {}: {}", file.string(), reason(code)));
  }
}

void RunDirectory::clear() const {
  for (const fs::path& file : run_files(path_)) {
    std::error_code error;
    fs::remove(file, error);
    if (error) {
      throw Error(Fault::cannot_create,
                  fmt::format("removing {} of an earlier run: {}", file.string(), error.message()));
    }
  }
}

}  // namespace vfe
