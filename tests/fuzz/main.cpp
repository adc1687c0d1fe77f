// Feeds damaged inputs to what reads them. Each is a function of target, seed and number, and is read in a
// process that may crash or hang without an end to the others.
// Run: fuzz TARGET [--inputs 1000] [--seed 1] [--first 0]
// Prints one line for each input that is lost and one with the counts; exit code 1 where any is lost.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "fuzz/targets.hpp"
#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr std::chrono::seconds patience{20};
constexpr long most_memory = 2L << 20;  // KiB

struct Options {
  std::string target;
  std::uint64_t inputs = 1000, seed = 1, first = 0;
};

/// What the processes tell one another.
struct Shared {
  std::atomic<std::uint64_t> next, taken, refused, lost;
};

void say(const Options& options, std::uint64_t input, const std::string& what) {
  fmt::print(stderr, "{} --seed {} --first {} --inputs 1: {}\n", options.target, options.seed, input, what);
}

/// What a reader did wrong, or nothing.
std::string wrong_of(Target& target, Mutator& mutator, Shared& shared) {
  try {
    target.attempt(mutator);
    ++shared.taken;
  } catch (const Error& error) {
    ++shared.refused;
    if (error.fault() == Fault::bug) return fmt::format("said to be a bug: {}", error.what());
  } catch (const std::exception& error) {
    return fmt::format("{}: {}", typeid(error).name(), error.what());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss > most_memory ? fmt::format("took {} KiB", usage.ru_maxrss) : "";
}

/// In a process of its own.
int read_inputs(const Options& options, Target& target, Shared& shared) {
  while (shared.next < options.first + options.inputs) {
    Mutator mutator(options.seed * 1000003 + shared.next);
    if (const std::string wrong = wrong_of(target, mutator, shared); !wrong.empty()) {
      say(options, shared.next, "lost: " + wrong);
      ++shared.lost;
      if (wrong.starts_with("took")) return (++shared.next, EXIT_SUCCESS);
    }
    ++shared.next;
  }
  return EXIT_SUCCESS;
}

/// Waits for a process as long as it goes on from input to input; what ended it, or nothing.
std::string end_of(pid_t process, const Shared& shared) {
  std::uint64_t seen = shared.next;
  auto since = std::chrono::steady_clock::now();
  for (int status = 0;; std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
    if (::waitpid(process, &status, WNOHANG) == process) {
      if (WIFSIGNALED(status)) return strsignal(WTERMSIG(status));
      return WEXITSTATUS(status) == 0 ? "" : fmt::format("exit code {}", WEXITSTATUS(status));
    }
    const auto now = std::chrono::steady_clock::now();
    if (seen != shared.next) {
      seen = shared.next;
      since = now;
    } else if (now - since > patience) {
      ::kill(process, SIGKILL);
      ::waitpid(process, &status, 0);
      return "hangs";
    }
  }
}

int fuzz(const Options& options) {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return EXIT_FAILURE;
  auto& shared = *new (memory) Shared{};
  shared.next = options.first;
  const TemporaryFolder folder;
  const std::unique_ptr<Target> target = targets().at(options.target)(folder.path());
  std::uint64_t told = 0;
  while (shared.next < options.first + options.inputs) {
    const pid_t process = ::fork();
    if (process == 0) std::exit(read_inputs(options, *target, shared));
    const std::string end = end_of(process, shared);
    if (end.empty()) continue;
    const std::uint64_t input = shared.next++;
    if (end == fmt::format("exit code {}", static_cast<int>(Fault::data))) {  // CrashGuard
      say(options, input, "a crash of HDF5, told in one line");
      ++told;
      continue;
    }
    say(options, input, "lost: " + end);
    ++shared.lost;
  }
  fmt::print("{}: {} inputs of seed {}: {} taken, {} refused, {} crashes of HDF5 told in one line, {} lost\n",
             options.target, options.inputs, options.seed, shared.taken.load(), shared.refused.load(), told,
             shared.lost.load());
  const bool of_both_kinds = options.inputs < 100 || (shared.taken > 0 && shared.refused > 0);
  return shared.lost == 0 && of_both_kinds ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main_of(const std::vector<std::string>& arguments) {
  Options options;
  std::map<std::string, std::uint64_t*> numbers = {
      {"--inputs", &options.inputs}, {"--seed", &options.seed}, {"--first", &options.first}};
  bool understood = !arguments.empty() && arguments.size() % 2 == 1 && targets().contains(arguments[0]);
  for (std::size_t i = 1; understood && i < arguments.size(); i += 2) {
    understood = numbers.contains(arguments[i]);
    if (understood) *numbers.at(arguments[i]) = std::strtoull(arguments[i + 1].c_str(), nullptr, 10);
  }
  if (understood) {
    options.target = arguments[0];
    return fuzz(options);
  }
  fmt::print(stderr, "usage: fuzz TARGET [--inputs 1000] [--seed 1] [--first 0]; targets:");
  for (const auto& [name, make] : targets()) fmt::print(stderr, " {}", name);
  fmt::print(stderr, "\n");
  return static_cast<int>(Fault::usage);
}

}  // namespace
}  // namespace vfe

int main(int argc, char** argv) {
  return vfe::main_of({argv + 1, argv + argc});
}
