// Runs that are killed, stopped and resumed on other numbers of ranks: the same bits in the end.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "cli/program.hpp"
#include "reliability/ranks_of.hpp"
#include "reliability/result_bits.hpp"
#include "reliability/tally.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

constexpr int steps = 300;

/// "lambda draws", the hashes of the finished fit in run/, the groups of its result, and how many nodes
/// effects of groups are integrated with.
std::string bits_of_run(const std::filesystem::path& folder) {
  const ResultFile file = read_result(folder / "run" / "result.h5");
  const auto nodes = file.attributes.find("nodes");
  return hashes(folder) + bits_of_groups(file) +
         (nodes == file.attributes.end() ? "" : std::to_string(std::get<std::int64_t>(nodes->second)));
}

/// Factors, which the model holds as indices, and what interacts with them.
const std::string formula = "y ~ g * x1 + h + poly(x2, 2) + g:h";

std::string simulate_by_formula(const std::string& model) {
  return "simulate " + model + " -o data.h5 --formula '" + formula + "' --levels g=3 --levels h=5 ";
}

void prepare_logistic(const std::filesystem::path& folder) {
  EXPECT_EQ(vfe_run(folder, simulate_by_formula("logistic") + "--rows 6000 --block-rows 256").code, 0);
  put_config(folder, "logistic", long_fit(steps), formula);
}

void prepare_automatic(const std::filesystem::path& folder) {
  EXPECT_EQ(vfe_run(folder, "simulate logistic -o data.h5 --rows 130 --columns 64 --block-rows 32").code, 0);
  put(folder / "fit.toml",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"logistic\"\nformula = \"y\"\n"
      "[output]\ndirectory = \"run\"\ndraws = 200\ncheckpoint_every = 10\n");
}

void prepare_outputs(const std::filesystem::path& folder) {
  EXPECT_EQ(vfe_run(folder, simulate_by_formula("poisson") + "--rows 2000 --block-rows 128").code, 0);
  put(folder / "fit.toml", "[data]\nfile = \"data.h5\"\n[model]\ntype = \"poisson\"\nformula = \"" + formula +
                               "\"\n[output]\ndirectory = \"run\"\n"
                               "draws = 1000\ncheckpoint_every = 3\nlog_likelihood = true\nlog_prior = true\n"
                               "posterior_predictive = true\n");
}

/// Classes by name, columns as they are in the table, through the origin of its units.
void prepare_raw_softmax(const std::filesystem::path& folder) {
  std::string table = "age,income,class\n";
  std::mt19937 random(5);
  for (int row = 0; row < 3000; ++row) {
    const unsigned age = 18 + random() % 60, income = 900 + random() % 4000;
    const unsigned score = age * 40 + income + random() % 2000;
    table += std::to_string(age) + "," + std::to_string(income) +
             (score < 3800   ? ",low\n"
              : score < 5200 ? ",middle\n"
                             : ",high\n");
  }
  put(folder / "table.csv", table);
  EXPECT_EQ(vfe_run(folder, "import table.csv -o data.h5 --block-rows 128").code, 0);
  put(folder / "fit.toml",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"softmax\"\nformula = \"class ~ . - 1\"\n"
      "[output]\ndirectory = \"run\"\ndraws = 200\ncheckpoint_every = 3\n");
}

void prepare_groups(const std::filesystem::path& folder, const std::string& model, const std::string& terms,
                    const std::string& more) {
  EXPECT_EQ(vfe_run(folder, "simulate " + model + " -o data.h5 --formula '" + terms + "' " + more).code, 0);
  put(folder / "fit.toml", "[data]\nfile = \"data.h5\"\n[model]\ntype = \"" + model + "\"\nformula = \"" +
                               terms + "\"\n[output]\ndirectory = \"run\"\ndraws = 200\n" +
                               "checkpoint_every = 3\n");
}

void prepare_mixed(const std::filesystem::path& folder) {
  // Enough groups for an sd that is surely not 0: another fit would take many more steps.
  prepare_groups(folder, "logistic", "y ~ x1 + (1 | g)", "--levels g=100 --rows 1200 --block-rows 64");
}

/// Effects of groups within groups.
void prepare_nested(const std::filesystem::path& folder) {
  prepare_groups(folder, "poisson", "y ~ x1 + (1 | a/b)",
                 "--levels a=12 --levels b=3 --rows 300 --block-rows 32");
}

/// Effects that are integrated beside those of a factor, which are parameters.
void prepare_crossed(const std::filesystem::path& folder) {
  prepare_groups(folder, "linear", "y ~ x1 + (1 | g) + (1 | h)",
                 "--levels g=40 --levels h=5 --rows 260 --block-rows 32");
}

class Reliability : public testing::Test {
 protected:
  /// What the uninterrupted fit finds, and how long it takes.
  void prepare(const std::function<void(const std::filesystem::path&)>& of) {
    of(folder.path());
    const auto start = std::chrono::steady_clock::now();
    const Finished whole = Job(folder.path(), fit_command(2)).wait();
    ASSERT_EQ(whole.code, 0) << whole.err;
    duration = std::chrono::steady_clock::now() - start;
    expected = bits_of_run(folder.path());
    std::filesystem::remove_all(folder / "run");
  }

  std::string fit_command(int ranks, const std::string& more = "") const {
    return vfe_command("fit fit.toml --resume --quiet --accept-rejected " + more, ranks);
  }

  void expect_same_bits_after_resuming(int ranks) {
    const Finished resumed = Job(folder.path(), fit_command(ranks)).wait();
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_TRUE(bits_of_run(folder.path()) == expected);
  }

  /// Kills a rank, or all of the job, at any moment of the fit; false where it had ended before.
  bool kill_once(std::mt19937& random, int ranks) {
    Job job(folder.path(), fit_command(ranks));
    std::this_thread::sleep_for(duration * (static_cast<double>(random() % 1000) / 1200.0));
    if (!job.running()) return false;
    const std::vector<pid_t> pids = ranks_of(job.pid());
    if (pids.empty() || random() % 4 == 0) {
      ::kill(job.pid(), SIGKILL);
      for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    } else {
      ::kill(pids[random() % pids.size()], SIGKILL);
    }
    const bool hit = end_of_mpirun(job).code != 0;
    // mpirun may be gone before the last of its ranks, which holds the lock of the folder.
    EXPECT_TRUE(wait_until([&] { return std::ranges::none_of(pids, is_alive); }));
    return hit;
  }

  /// Kills fits, each up to twice on its way, and resumes them on other numbers of ranks.
  void survive(const std::string& kind, int kills, unsigned seed) {
    Tally tally(kind);
    std::mt19937 random(seed);
    const auto ranks = [&] { return 1 + static_cast<int>(random() % 4); };
    for (int attempt = 0; tally.tried() < kills && attempt < 3 * kills; ++attempt) {
      std::filesystem::remove_all(folder / "run");
      for (int hit = 0; hit < 2 && tally.tried() < kills && kill_once(random, ranks()); ++hit) tally.add();
      const int last = ranks();
      const Finished resumed = Job(folder.path(), fit_command(last)).wait();
      if (resumed.code != 0) {
        tally.lose(resumed.err);
      } else if (bits_of_run(folder.path()) != expected) {
        tally.find_silent("resumed on " + std::to_string(last) + " ranks");
      }
    }
    EXPECT_EQ(tally.tried(), kills);
  }

  TemporaryFolder folder;
  std::string expected;
  std::chrono::duration<double> duration{};
};

class ReliabilityLong : public Reliability {};

const std::string kills_of_stochastic = "kill -9 of a fit in stochastic mode, resumed on other ranks";
const std::string kills_of_automatic = "kill -9 of an automatic fit, resumed on other ranks";
const std::string kills_of_outputs =
    "kill -9 of a fit with log_likelihood, log_prior and posterior_predictive, resumed on other ranks";
const std::string kills_of_raw =
    "kill -9 of a softmax fit of raw columns without intercept, resumed on other ranks";
const std::string kills_of_mixed = "kill -9 of a fit with effects of groups, resumed on other ranks";

TEST_F(Reliability, KilledStochasticFits) {
  prepare(prepare_logistic);
  survive(kills_of_stochastic, 10, 1);
}
TEST_F(Reliability, KilledAutomaticFits) {
  prepare(prepare_automatic);
  survive(kills_of_automatic, 10, 2);
}
TEST_F(Reliability, KilledFitsWithOutputGroups) {
  prepare(prepare_outputs);
  survive(kills_of_outputs, 10, 3);
}
TEST_F(Reliability, KilledRawSoftmaxFits) {
  prepare(prepare_raw_softmax);
  survive(kills_of_raw, 10, 4);
}
TEST_F(Reliability, KilledMixedFits) {
  prepare(prepare_mixed);
  survive(kills_of_mixed, 5, 5);
}
TEST_F(ReliabilityLong, KilledStochasticFits) {
  prepare(prepare_logistic);
  survive(kills_of_stochastic, 100, 11);
}
TEST_F(ReliabilityLong, KilledAutomaticFits) {
  prepare(prepare_automatic);
  survive(kills_of_automatic, 100, 12);
}
TEST_F(ReliabilityLong, KilledFitsWithOutputGroups) {
  prepare(prepare_outputs);
  survive(kills_of_outputs, 100, 13);
}
TEST_F(ReliabilityLong, KilledRawSoftmaxFits) {
  prepare(prepare_raw_softmax);
  survive(kills_of_raw, 100, 14);
}
TEST_F(ReliabilityLong, KilledMixedFits) {
  prepare(prepare_mixed);
  survive(kills_of_mixed, 100, 15);
}

TEST_F(Reliability, TheSameBitsOnOneToFourRanks) {
  Tally tally("fit of another kind on 1, 2, 3, 4 ranks of one thread or two");
  const std::vector<int> all{1, 2, 3, 4}, some{1, 3};
  for (const auto& [of, counts] : {std::pair(&prepare_logistic, all), std::pair(&prepare_automatic, all),
                                   std::pair(&prepare_outputs, all), std::pair(&prepare_raw_softmax, all),
                                   std::pair(&prepare_mixed, all), std::pair(&prepare_nested, some),
                                   std::pair(&prepare_crossed, some)}) {
    std::filesystem::remove(folder / "data.h5");
    prepare(of);
    for (const int ranks : counts) {
      tally.add();
      std::filesystem::remove_all(folder / "run");
      const std::string threads = ranks % 2 == 0 ? "1" : "2";
      const Finished end = Job(folder.path(), fit_command(ranks, "--set fit.threads=" + threads)).wait();
      if (end.code != 0) tally.lose(end.err);
      if (end.code == 0 && bits_of_run(folder.path()) != expected) tally.find_silent(std::to_string(ranks));
    }
    std::filesystem::remove_all(folder / "run");
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
  expected = bits_of_run(folder.path());
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

/// Of what the trace says: stages, and the first step of each.
std::map<std::string, std::uint64_t> stages_in(const std::filesystem::path& trace) {
  std::map<std::string, std::uint64_t> stages;
  std::ifstream file(trace);
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object()) continue;  // torn
    stages.try_emplace(record.value("stage", ""), record.value("step", std::uint64_t{0}));
  }
  return stages;
}

TEST_F(Reliability, AnAutomaticFitIsKilledOnItsWayThroughItsStages) {
  prepare_automatic(folder.path());
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --quiet --accept-rejected").code, 0);
  expected = bits_of_run(folder.path());
  const std::uint64_t last = newest_step(folder.path());
  std::filesystem::remove_all(folder / "run");
  const std::vector<int> ranks{2, 3, 1, 4};
  constexpr std::uint64_t kills = 8;
  std::map<std::string, std::uint64_t> stages;
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

TEST_F(Reliability, AMixedFitIsKilledBeforeAndAfterItsChoiceOfNodes) {
  prepare_mixed(folder.path());
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --quiet --accept-rejected").code, 0);
  expected = bits_of_run(folder.path());
  const auto stages = stages_in(folder / "run" / "trace.jsonl");
  ASSERT_TRUE(stages.contains("quadrature"));
  const std::uint64_t choice = stages.at("quadrature");
  ASSERT_LT(newest_step(folder.path()), 2 * (choice - 1));
  // The only checkpoint before the end is that of the step before the choice, or of the choice.
  for (const std::uint64_t step : {choice - 1, choice}) {
    std::filesystem::remove_all(folder / "run");
    Job job(folder.path(), fit_command(2, "--set output.checkpoint_every=" + std::to_string(step)));
    ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > 0 || !job.running(); }));
    const std::vector<pid_t> pids = ranks_of(job.pid());
    ASSERT_EQ(pids.size(), 2U);
    ::kill(pids[step % 2], SIGKILL);
    EXPECT_NE(end_of_mpirun(job).code, 0);
    ASSERT_TRUE(wait_until([&] { return std::ranges::none_of(pids, is_alive); }));
    EXPECT_EQ(newest_step(folder.path()), step);
    expect_same_bits_after_resuming(3);
  }
}

TEST_F(Reliability, StoppedByASignalAndResumed) {
  prepare(prepare_logistic);
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
  prepare(prepare_logistic);
  const std::string rarely =
      vfe_command("fit fit.toml --resume --quiet --accept-rejected --set output.checkpoint_every=1000000", 2);
  Job job(folder.path(), rarely);
  ASSERT_TRUE(
      wait_until([&] { return std::filesystem::exists(folder / "run" / "trace.jsonl") || !job.running(); }));
  ::kill(job.pid(), SIGUSR2);
  ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > 0 || !job.running(); }));
  EXPECT_LT(newest_step(folder.path()), static_cast<std::uint64_t>(steps));
  EXPECT_EQ(job.wait().code, 0);
  EXPECT_TRUE(bits_of_run(folder.path()) == expected);
}

TEST_F(Reliability, StoppedByTheClockAndResumed) {
  prepare(prepare_logistic);
  const Finished stopped =
      vfe_run(folder.path(), "fit fit.toml --resume --accept-rejected --set fit.max_time=0.05", 2);
  EXPECT_EQ(stopped.code, 75) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("stopped by fit.max_time"));
  EXPECT_GT(newest_step(folder.path()), 0U);
  expect_same_bits_after_resuming(1);
}

}  // namespace
}  // namespace vfe
