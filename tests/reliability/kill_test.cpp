// Runs that are killed, stopped and resumed on other numbers of ranks: the same bits in the end.
#include <dirent.h>
#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <set>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

constexpr int steps = 600;

/// The ranks that an mpirun has started on this machine.
std::vector<pid_t> ranks_of(pid_t mpirun) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const long pid = std::strtol(entry.path().filename().c_str(), nullptr, 10);
    if (pid <= 0) continue;
    const std::string stat = contents(entry.path() / "stat");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    if (std::strtol(stat.c_str() + name_end + 4, nullptr, 10) == mpirun &&
        stat.substr(0, name_end).ends_with("(vfe")) {
      found.push_back(static_cast<pid_t>(pid));
    }
  }
  return found;
}

class Reliability : public testing::Test {
 protected:
  Reliability() {
    EXPECT_EQ(
        vfe_run(folder.path(), "simulate logistic -o data.h5 --rows 20000 --columns 8 --block-rows 256").code,
        0);
    put_config(folder.path(), "logistic", long_fit(steps));
    EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --quiet --accept-rejected").code, 0);
    expected = hashes(folder.path());
    std::filesystem::remove_all(folder / "run");
  }

  std::string fit_command(int ranks) const {
    return vfe_command("fit fit.toml --resume --quiet --accept-rejected", ranks);
  }

  void expect_same_bits_after_resuming(int ranks) {
    const Finished resumed = Job(folder.path(), fit_command(ranks)).wait();
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(hashes(folder.path()), expected);
  }

  TemporaryFolder folder;
  std::string expected;
};

TEST_F(Reliability, KilledAtRandomAndResumedOnOtherRanks) {
  std::mt19937 random(20240607);
  for (const auto& [before, after] : std::vector<std::pair<int, int>>{{2, 3}, {3, 1}, {1, 2}, {4, 2}}) {
    std::filesystem::remove_all(folder / "run");
    int killed = 0;
    for (int ranks : {before, after}) {
      Job job(folder.path(), fit_command(ranks));
      const std::uint64_t from = newest_step(folder.path());
      const std::uint64_t goal = from + 20 + random() % (steps / 4);
      wait_until([&] { return newest_step(folder.path()) >= goal || !job.running(); });
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
      const std::vector<pid_t> pids = ranks == 0 ? std::vector<pid_t>{} : ranks_of(job.pid());
      if (!pids.empty() && job.running()) {
        ASSERT_EQ(pids.size(), static_cast<std::size_t>(ranks));
        ::kill(pids[random() % pids.size()], SIGKILL);
        EXPECT_NE(job.wait().code, 0);
        ++killed;
      }
    }
    EXPECT_GT(killed, 0);
    EXPECT_FALSE(std::filesystem::exists(folder / "run" / "result.h5"));
    expect_same_bits_after_resuming(after);
  }
}

TEST_F(Reliability, AStanProgramInShardsIsKilledAndResumedOnOtherRanks) {
  std::string x, y;
  for (int row = 0; row < 600; ++row) {
    x += (row == 0 ? "" : ",") + std::to_string(row % 7 - 3);
    y += (row == 0 ? "" : ",") + std::to_string((row * row) % 11 - 5);
  }
  put(folder / "data.json", R"({"N":600,"x":[)" + x + R"(],"y":[)" + y + "]}");
  put(folder / "fit.toml", "[model]\ntype = \"stan\"\nlibrary = \"" VFE_BINARY_DIR
                           "/libraries/stan_regression.so\"\ndata = \"data.json\"\n"
                           "shard = { size = \"N\", rows = [\"x\", \"y\"] }\n[data]\nblocks = 60\n"
                           "[output]\ndirectory = \"run\"\ndraws = 200\ncheckpoint_every = 20\n[fit]\n" +
                               long_fit(steps));
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --quiet --accept-rejected").code, 0);
  expected = hashes(folder.path());
  std::filesystem::remove_all(folder / "run");
  Job job(folder.path(), fit_command(2));
  ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) >= 40 || !job.running(); }));
  const std::vector<pid_t> pids = ranks_of(job.pid());
  ASSERT_EQ(pids.size(), 2U);
  ::kill(pids[1], SIGKILL);
  EXPECT_NE(job.wait().code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "result.h5"));
  expect_same_bits_after_resuming(3);
}

/// Of what the trace says.
std::set<std::string> stages_in(const std::filesystem::path& trace) {
  std::set<std::string> names;
  std::ifstream file(trace);
  for (std::string line; std::getline(file, line);) {
    const std::string key = "\"stage\":\"";
    const std::size_t at = line.find(key);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + key.size();
    names.insert(line.substr(begin, line.find('"', begin) - begin));
  }
  return names;
}

TEST_F(Reliability, AnAutomaticFitIsKilledOnItsWayThroughItsStages) {
  EXPECT_EQ(vfe_run(folder.path(),
                    "simulate logistic --overwrite -o data.h5 --rows 130 --columns 64 --block-rows 32")
                .code,
            0);
  put(folder / "fit.toml",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"logistic\"\n"
      "[output]\ndirectory = \"run\"\ndraws = 200\ncheckpoint_every = 1\n");
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --quiet --accept-rejected").code, 0);
  expected = hashes(folder.path());
  const std::uint64_t last = newest_step(folder.path());
  std::filesystem::remove_all(folder / "run");
  const std::vector<int> ranks{2, 3, 1, 4};
  constexpr std::uint64_t kills = 8;
  std::set<std::string> stages;
  std::uint64_t killed = 0;
  for (std::uint64_t k = 0; k < kills; ++k) {
    Job job(folder.path(), fit_command(ranks[k % ranks.size()]));
    const std::uint64_t goal = (2 * k + 1) * last / (2 * kills);
    wait_until([&] { return newest_step(folder.path()) >= goal || !job.running(); });
    const std::vector<pid_t> pids = ranks_of(job.pid());
    if (pids.empty() || !job.running()) continue;
    ::kill(pids[k % pids.size()], SIGKILL);
    EXPECT_NE(job.wait().code, 0);
    stages.merge(stages_in(folder / "run" / "trace.jsonl"));
    ++killed;
  }
  EXPECT_GE(killed, kills / 2);
  EXPECT_TRUE(stages.contains("chains")) << "killed before the chains had begun";
  expect_same_bits_after_resuming(2);
}

TEST_F(Reliability, StoppedByASignalAndResumed) {
  for (const int signal : {SIGUSR1, SIGTERM}) {
    std::filesystem::remove_all(folder / "run");
    Job job(folder.path(), fit_command(2));
    ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > 0 || !job.running(); }));
    ASSERT_TRUE(job.running());
    ::kill(job.pid(), signal);
    const Finished stopped = job.wait();
    if (signal == SIGUSR1) {
      EXPECT_EQ(stopped.code, 75) << stopped.err;
      EXPECT_THAT(stopped.messages(), testing::ElementsAre(HasSubstr("run again with --resume")));
      EXPECT_FALSE(std::filesystem::exists(folder / "run" / "result.h5"));
    }  // TERM reaches the ranks a second later: a fast machine may have finished
    expect_same_bits_after_resuming(3);
  }
}

TEST_F(Reliability, ACheckpointOnRequestDoesNotStop) {
  put_config(folder.path(), "logistic", long_fit(steps));
  const std::string rarely =
      vfe_command("fit fit.toml --resume --quiet --accept-rejected --set output.checkpoint_every=1000000", 2);
  Job job(folder.path(), rarely);
  ASSERT_TRUE(
      wait_until([&] { return std::filesystem::exists(folder / "run" / "trace.jsonl") || !job.running(); }));
  ::kill(job.pid(), SIGUSR2);
  ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > 0 || !job.running(); }));
  EXPECT_LT(newest_step(folder.path()), static_cast<std::uint64_t>(steps));
  EXPECT_EQ(job.wait().code, 0);
  EXPECT_EQ(hashes(folder.path()), expected);
}

TEST_F(Reliability, StoppedByTheClockAndResumed) {
  const Finished stopped =
      vfe_run(folder.path(), "fit fit.toml --resume --accept-rejected --set fit.max_time=0.05", 2);
  EXPECT_EQ(stopped.code, 75) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("stopped by fit.max_time"));
  EXPECT_GT(newest_step(folder.path()), 0U);
  expect_same_bits_after_resuming(1);
}

}  // namespace
}  // namespace vfe
