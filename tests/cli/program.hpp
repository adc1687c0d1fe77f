#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "run/temporary_folder.hpp"

namespace vfe {

/// What a finished program left behind.
struct Finished {
  int code = -1;  ///< exit code; 128 + signal where a signal ended it
  std::string out, err;

  /// Lines of err that begin with "vfe: ".
  std::vector<std::string> messages() const {
    std::vector<std::string> found;
    std::istringstream text(err);
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("vfe: ")) found.push_back(line);
    }
    return found;
  }
};

/// A shell command in a folder, running beside the test. Its output goes to files in the folder.
class Job {
 public:
  Job(const std::filesystem::path& folder, const std::string& command) : folder_(folder) {
    static int count = 0;
    name_ = "job" + std::to_string(count++);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
      ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
      const std::string line =
          "cd '" + folder.string() + "' && exec >" + name_ + ".out 2>" + name_ + ".err; " + command;
      ::execl("/bin/bash", "bash", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~Job() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Of the command: begun with `exec`, it is the shell's own.
  pid_t pid() const { return pid_; }
  bool running() {
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) end(status);
    return pid_ > 0;
  }
  Finished wait() {
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, 0) == pid_) end(status);
    return {code_, contents(folder_ / (name_ + ".out")), contents(folder_ / (name_ + ".err"))};
  }

 private:
  void end(int status) {
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    pid_ = -1;
  }

  std::filesystem::path folder_;
  std::string name_;
  pid_t pid_ = -1;
  int code_ = -1;
};

/// The program with arguments, on this many ranks; 0: without mpirun.
inline std::string vfe_command(const std::string& arguments, int ranks = 0) {
  std::string program = VFE_PROGRAM;
  program += " " + arguments;
  if (ranks == 0) return "exec " + program;
  return std::string("exec ") + VFE_MPIEXEC + " --oversubscribe --bind-to none -n " + std::to_string(ranks) +
         " " + program;
}

inline Finished vfe_run(const std::filesystem::path& folder, const std::string& arguments, int ranks = 0) {
  return Job(folder, vfe_command(arguments, ranks)).wait();
}

/// Waits until `condition` holds; false after `seconds`.
template <class Condition>
bool wait_until(const Condition& condition, double seconds = 60.0) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// A configuration of data.h5 in fit.toml; `more` is TOML that follows [fit].
inline void put_config(const std::filesystem::path& folder, const std::string& model = "logistic",
                       const std::string& more = "", const std::string& formula = "y") {
  put(folder / "fit.toml",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"" + model + "\"\nformula = \"" + formula +
          "\"\n[output]\ndirectory = \"run\"\ndraws = 200\ncheckpoint_every = 20\n[fit]\n" + more);
}

/// A fit that lasts for thousands of steps unless it is stopped; ends at `steps`.
inline std::string long_fit(int steps) {
  return "mode = \"stochastic\"\nblocks_per_step = 16\ndraws_per_step = 128\nrate = 0.01\nmax_steps = " +
         std::to_string(steps) + "\n";
}

/// "lambda draws", the hashes of the finished fit in run/.
inline std::string hashes(const std::filesystem::path& folder) {
  const Finished found = vfe_run(folder, "diagnose run --json");
  const auto value = [&](const std::string& key) {
    const std::size_t at = found.out.find("\"" + key + "\": \"");
    return at == std::string::npos ? "no " + key : found.out.substr(at + key.size() + 5, 16);
  };
  return value("lambda_hash") + " " + value("draws_hash");
}

/// The newest checkpoint's step in run/, or 0.
inline std::uint64_t newest_step(const std::filesystem::path& folder) {
  std::uint64_t newest = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run", ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("checkpoint.") && name.ends_with(".h5")) {
      newest = std::max<std::uint64_t>(newest, std::strtoull(name.c_str() + 11, nullptr, 10));
    }
  }
  return newest;
}

}  // namespace vfe
