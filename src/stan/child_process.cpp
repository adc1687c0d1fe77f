#include "stan/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include "vfe/core/error.hpp"

extern "C" char** environ;  // what the child inherits

namespace vfe {
namespace {

constexpr std::array forwarded = {SIGINT, SIGTERM, SIGHUP};

/// The process group that signals are for. Only one child runs at a time.
volatile sig_atomic_t child_group = 0;

void forward(int signal) {
  const int before = errno;
  if (child_group > 0) ::kill(-static_cast<pid_t>(child_group), signal);
  errno = before;
}

/// Forwards signals for as long as it lives. They wait until deliver(), so that none is lost between the
/// start of the child and the moment its id is known.
class Forwarding {
 public:
  Forwarding() {
    sigset_t waiting;
    sigemptyset(&waiting);
    for (const int signal : forwarded) sigaddset(&waiting, signal);
    ::pthread_sigmask(SIG_BLOCK, &waiting, &mask_);
    struct sigaction action = {};
    action.sa_handler = forward;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < forwarded.size(); ++i) ::sigaction(forwarded[i], &action, &before_[i]);
  }
  ~Forwarding() {
    child_group = 0;
    for (std::size_t i = 0; i < forwarded.size(); ++i) ::sigaction(forwarded[i], &before_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  void deliver(pid_t group) {
    child_group = group;
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  const sigset_t& mask() const { return mask_; }

 private:
  sigset_t mask_;
  std::array<struct sigaction, forwarded.size()> before_;
};

/// A file without a name that takes what the child prints.
class Captured {
 public:
  Captured() : file_(std::tmpfile(), &std::fclose) {
    if (!file_) throw Error(Fault::io, fmt::format("creating a temporary file: {}", std::strerror(errno)));
  }
  int id() const { return ::fileno(file_.get()); }
  std::string text() const {
    std::rewind(file_.get());
    std::string all;
    char piece[4096];
    while (const std::size_t count = std::fread(piece, 1, sizeof piece, file_.get()))
      all.append(piece, count);
    return all;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// posix_spawn's two descriptions of how the child is to be set up.
struct Setup {
  Setup(int out, int err, const sigset_t& mask) {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setsigmask(&attributes, &mask);
    // What vfe ignores (files beyond a limit), the child must not: it would not see the error.
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGXFSZ);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Setup() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

}  // namespace

ChildResult run_child(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  const Captured out, err;
  Forwarding signals;
  const Setup setup(out.id(), err.id(), signals.mask());
  ChildResult result;
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, arguments[0], &setup.files, &setup.attributes, arguments.data(), environ);
  if (failed == ENOENT || failed == EACCES || failed == ENOTDIR) return result;
  if (failed != 0) {
    throw Error(Fault::io, fmt::format("starting {}: {}", words.front(), std::strerror(failed)));
  }
  signals.deliver(child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.started = true;
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.out = out.text();
  result.err = err.text();
  return result;
}

}  // namespace vfe
