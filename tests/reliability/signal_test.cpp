// Signals at every moment of a fit, from the first line of main on: a stop with a checkpoint, or nothing
// lost.
#include <gmock/gmock.h>

#include <algorithm>

#include "cli/program.hpp"
#include "reliability/ranks_of.hpp"
#include "reliability/result_bits.hpp"
#include "reliability/tally.hpp"

namespace vfe {
namespace {

/// Whether a process has told the system what to do with a signal.
bool minds(pid_t pid, int signal) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::uint64_t minded = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigIgn:") || line.starts_with("SigCgt:")) {
      minded |= std::strtoull(line.c_str() + 7, nullptr, 16);
    }
  }
  return ((minded >> (signal - 1)) & 1) != 0;
}

class Signals : public testing::Test {
 protected:
  Signals() {
    EXPECT_EQ(
        vfe_run(folder.path(), "simulate logistic -o data.h5 --rows 8000 --columns 8 --block-rows 256").code,
        0);
    put_config(folder.path(), "logistic", long_fit(250));
  }

  std::string command(int ranks) const {
    return vfe_command("fit fit.toml --resume --quiet --accept-rejected", ranks);
  }
  std::string bits() const { return bits_of_groups(read_result(folder / "run" / "result.h5")); }

  /// Sends each signal at `moments` moments of fits on this many ranks (0: without mpirun), to one rank.
  void survive(const std::string& kind, int ranks, int moments) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(Job(folder.path(), command(ranks)).wait().code, 0);
    const auto duration = std::chrono::steady_clock::now() - start;
    const std::string expected = bits();
    Tally tally(kind);
    for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP}) {
      for (int moment = 0; moment < moments; ++moment) {
        std::filesystem::remove_all(folder / "run");
        Job job(folder.path(), command(ranks));
        std::vector<pid_t> pids{job.pid()};
        const bool begun = wait_until([&] {
          if (ranks > 0) pids = ranks_of(job.pid());
          return !job.running() || (std::ssize(pids) == std::max(ranks, 1) &&
                                    std::ranges::all_of(pids, [](pid_t pid) { return minds(pid, SIGUSR1); }));
        });
        ASSERT_TRUE(begun);
        std::this_thread::sleep_for(duration * moment / moments);
        if (!job.running()) continue;
        ::kill(pids[static_cast<std::size_t>(moment) % pids.size()], signal);
        tally.add();
        judge(ranks == 0 ? job.wait() : end_of_mpirun(job), signal, ranks, tally);
        const Finished resumed = Job(folder.path(), command(ranks == 0 ? 0 : 3)).wait();
        if (resumed.code != 0) {
          tally.lose(std::string(strsignal(signal)) + ", then " + resumed.err);
        } else if (bits() != expected) {
          tally.find_silent(strsignal(signal));
        }
      }
    }
    EXPECT_GE(tally.tried(), 3 * moments);
  }

  TemporaryFolder folder;

 private:
  static void judge(const Finished& end, int signal, int ranks, Tally& tally) {
    const bool asks_to_wait = signal == SIGUSR1 || signal == SIGUSR2;
    const bool stopped = end.code == 75 && end.messages().size() == 1 && signal != SIGUSR2;
    // Before a fit listens, while MPI comes up, the others end it as they end any program.
    const bool ended = !asks_to_wait && (ranks > 0 ? end.code != 0 : end.code == 128 + signal);
    if (end.code != 0 && !stopped && !ended) {
      tally.lose(std::string(strsignal(signal)) + ": ends with " + std::to_string(end.code) + " " + end.err);
    }
  }
};

class SignalsLong : public Signals {};

TEST_F(Signals, AtAnyMomentOfAFit) {
  survive("signal (USR1, USR2, TERM, INT, HUP) at any moment of a fit, start of MPI included", 0, 6);
}

TEST_F(Signals, ToOneOfTwoRanks) {
  survive("signal to one of two ranks at any moment, resumed on three", 2, 3);
}

TEST_F(SignalsLong, AtAnyMomentOfAFit) {
  survive("signal (USR1, USR2, TERM, INT, HUP) at any moment of a fit, start of MPI included", 0, 30);
}

}  // namespace
}  // namespace vfe
