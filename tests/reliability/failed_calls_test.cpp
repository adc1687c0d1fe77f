// Every call that puts a file on the disk fails once, and from there on for ever: one line, one exit code,
// and nothing half-written.
#include <gmock/gmock.h>

#include <cerrno>
#include <memory>

#include "cli/program.hpp"
#include "reliability/result_bits.hpp"
#include "reliability/tally.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

/// Calls that put files on the disk, or that read them.
enum class Of { writing, reading };

/// One failure of a command, in a folder of its own.
struct Failing {
  Failing(Of of, const std::string& arguments, const std::function<void(const fs::path&)>& prepare, int first,
          int error, bool lasting)
      : what(std::to_string(first) + (lasting ? " and all after: " : ": ") +
             (error < 0 ? "killed" : std::strerror(error))) {
    prepare(folder.path());
    job = std::make_unique<Job>(
        folder.path(),
        std::string("FAILING_CALLS='") + (of == Of::reading ? "1 " : "0 ") + std::to_string(first) + " " +
            std::to_string(error) + " " + (lasting ? "1 " : "0 ") + folder.path().string() +
            "' FAILING_CALLS_COUNT=count.txt LD_PRELOAD=" VFE_BINARY_DIR "/libraries/failing_calls.so " +
            vfe_command(arguments));
  }

  TemporaryFolder folder;
  std::string what;
  std::unique_ptr<Job> job;
};

std::vector<std::string> temporaries(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".tmp") found.push_back(entry.path().string());
  }
  return found;
}

using Failures = std::vector<std::pair<int, bool>>;  ///< errno, and whether all calls after fail too

/// Lets each call of a command fail in turn; `judge` sees the folder of each and whether it ended well.
void let_each_call_fail(const std::string& kind, Of of, const std::string& arguments,
                        const std::function<void(const fs::path&)>& prepare,
                        const std::function<void(const fs::path&, bool)>& judge,
                        const Failures& failures = {
                            {EIO, false}, {EIO, true}, {ENOSPC, false}, {ENOSPC, true}}) {
  Failing none(of, arguments, prepare, 0, 0, false);
  ASSERT_EQ(none.job->wait().code, 0);
  judge(none.folder.path(), true);
  const int calls = std::atoi(contents(none.folder / "count.txt").c_str());
  ASSERT_GT(calls, 5);

  int ended_well = 0;
  Tally tally(kind);
  std::vector<std::unique_ptr<Failing>> running;
  const auto finish = [&] {
    const std::unique_ptr<Failing> one = std::move(running.front());
    running.erase(running.begin());
    const Finished end = one->job->wait();
    SCOPED_TRACE(one->what + "\n" + end.err);
    tally.add();
    const bool told = end.code == 73 || end.code == 74;
    if (!(end.code == 0 || told) || end.messages().size() != (told ? 1U : 0U)) tally.lose(end.err);
    EXPECT_THAT(temporaries(one->folder.path()), testing::IsEmpty());
    judge(one->folder.path(), end.code == 0);
    ended_well += end.code == 0;
  };
  for (int call = 1; call <= calls; ++call) {
    for (const auto& [error, lasting] : failures) {
      running.push_back(std::make_unique<Failing>(of, arguments, prepare, call, error, lasting));
      if (running.size() == 4) finish();
    }
  }
  while (!running.empty()) finish();
  EXPECT_LT(ended_well, static_cast<int>(failures.size()) * calls);
}

/// A dataset and a configuration for a fit to run/.
void prepare_fit(const fs::path& folder) {
  static const TemporaryFolder made;
  if (!fs::exists(made / "data.h5"))
    vfe_run(made.path(), "simulate linear -o data.h5 --rows 200 --columns 2");
  fs::copy(made / "data.h5", folder / "data.h5");
  put(folder / "fit.toml",
      "[data]\nfile = \"data.h5\"\n[model]\ntype = \"linear\"\nformula = \"y\"\n[family]\ntype = "
      "\"full_rank\"\n"
      "[output]\ndirectory = \"run\"\ndraws = 100\n");
}

/// What a fit has left: whole files, and where there is a result, always the same one.
class LeftByAFit {
 public:
  void operator()(const fs::path& folder, bool ended_well) {
    std::vector<std::string> warnings;
    if (fs::exists(folder / "run")) read_checkpoint(folder / "run", warnings);
    EXPECT_THAT(warnings, testing::IsEmpty());
    // The last call of all that can fail syncs the folder: then the result may be there already.
    if (!fs::exists(folder / "run" / "result.h5")) {
      EXPECT_FALSE(ended_well);
      return;
    }
    const std::string found =
        std::get<std::string>(read_result(folder / "run" / "result.h5").attributes.at("draws_hash"));
    if (expected_.empty()) expected_ = found;
    EXPECT_EQ(found, expected_);
  }

 private:
  std::string expected_;
};

TEST(FailedCalls, C1AnyOfAFit) {
  LeftByAFit left;
  let_each_call_fail("call that writes in a fit fails", Of::writing, "fit fit.toml --accept-rejected --quiet",
                     prepare_fit, std::ref(left));
}

TEST(FailedCalls, C1AnyThatReadsInAFit) {
  LeftByAFit left;
  let_each_call_fail("call that reads in a fit fails", Of::reading, "fit fit.toml --accept-rejected --quiet",
                     prepare_fit, std::ref(left), {{EIO, false}, {EIO, true}});
}

TEST(FailedCalls, C1AnyOfAnImport) {
  std::string csv = "x,colour,y\n";
  for (int row = 0; row < 300; ++row) {
    csv += std::to_string(row % 17) + (row % 3 == 0 ? ",red," : ",blue,") + std::to_string(row % 5) + "\n";
  }
  std::uint64_t content = 0;
  let_each_call_fail(
      "call that writes in an import fails", Of::writing, "import table.csv -o data.h5 --quiet",
      [&](const fs::path& folder) { put(folder / "table.csv", csv); },
      [&](const fs::path& folder, bool ended_well) {
        EXPECT_EQ(contents(folder / "table.csv"), csv);
        if (!fs::exists(folder / "data.h5")) {
          EXPECT_FALSE(ended_well);
          return;
        }
        const Dataset file(folder / "data.h5");
        const DatasetSchema& schema = file.schema();
        if (content == 0) content = content_hash(file.read({0, schema.num_blocks()}), schema.blocks);
        EXPECT_EQ(schema.content, content);
      });
}

/// More than is kept in memory: HDF5 goes on after the failure, and has to get over it at the end of the
/// program too.
TEST(FailedCalls, C1AnyOfALargeDataset) {
  std::uint64_t size = 0;
  let_each_call_fail(
      "call that writes a large dataset fails", Of::writing,
      "simulate linear -o data.h5 --rows 60000 --columns 39 --block-rows 8192 --float64",
      [](const fs::path&) {},
      [&](const fs::path& folder, bool ended_well) {
        EXPECT_TRUE(!ended_well || fs::exists(folder / "data.h5"));
        if (!fs::exists(folder / "data.h5")) return;
        if (size == 0) size = fs::file_size(folder / "data.h5");
        EXPECT_EQ(fs::file_size(folder / "data.h5"), size);
        EXPECT_EQ(Dataset(folder / "data.h5").schema().num_rows(), 60000);
      },
      {{EIO, false}, {ENOSPC, true}});
}

/// Kills a command before each call that writes, and lets it run again: `content` of what it leaves then is
/// what an undisturbed one leaves.
void kill_before_each_call(const std::string& kind, const std::string& arguments, const std::string& again,
                           const std::function<void(const fs::path&)>& prepare,
                           const std::function<std::string(const fs::path&)>& content) {
  Failing none(Of::writing, arguments, prepare, 0, 0, false);
  ASSERT_EQ(none.job->wait().code, 0);
  const std::string expected = content(none.folder.path());
  const int calls = std::atoi(contents(none.folder / "count.txt").c_str());
  ASSERT_GT(calls, 5);
  Tally tally(kind);
  for (int call = 1; call <= calls;) {
    std::vector<std::unique_ptr<Failing>> together;
    for (; call <= calls && together.size() < 4; ++call) {
      together.push_back(std::make_unique<Failing>(Of::writing, arguments, prepare, call, -1, false));
    }
    for (const auto& one : together) {
      tally.add();
      if (one->job->wait().code != 128 + SIGKILL) tally.lose(one->what + " was not");
      one->job = std::make_unique<Job>(one->folder.path(), vfe_command(again));
    }
    for (const auto& one : together) {
      const Finished end = one->job->wait();
      if (end.code != 0) {
        tally.lose(one->what + ", then " + end.err);
      } else if (content(one->folder.path()) != expected) {
        tally.find_silent(one->what);
      }
      EXPECT_THAT(temporaries(one->folder.path()), testing::IsEmpty());
    }
  }
}

TEST(FailedCalls, KilledBetweenAnyTwoOfAFit) {
  kill_before_each_call(
      "kill -9 between any two calls that write of a fit, resumed",
      "fit fit.toml --accept-rejected --quiet --set output.checkpoint_every=10",
      "fit fit.toml --accept-rejected --quiet --set output.checkpoint_every=10 --resume", prepare_fit,
      [](const fs::path& folder) { return bits_of_groups(read_result(folder / "run" / "result.h5")); });
}

TEST(FailedCalls, KilledBetweenAnyTwoOfAnImport) {
  const std::string import = "import table.csv -o data.h5 --quiet";
  kill_before_each_call(
      "kill -9 between any two calls that write of an import, run again", import, import + " --overwrite",
      [](const fs::path& folder) { put(folder / "table.csv", "x,y\n1,2\n2,3\n3,5\n4,1\n"); },
      [](const fs::path& folder) {
        const Dataset file(folder / "data.h5");
        const DatasetSchema& schema = file.schema();
        const TableRows rows = file.read({0, schema.num_blocks()});
        return to_json(schema) + std::to_string(content_hash(rows, schema.blocks));
      });
}

}  // namespace
}  // namespace vfe
