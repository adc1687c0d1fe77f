#include "vfe/run/run_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const fs::path& path, Existing existing) {
  try {
    RunDirectory directory(path, existing);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::cannot_create);
    return error.what();
  }
  return "accepted";
}

std::string this_host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// The pid of a process that is no more.
long gone() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(RunDirectory, CreatesTheFolderAndItsParents) {
  const TemporaryFolder folder;
  {
    const RunDirectory directory(folder / "a/b/run", Existing::refuse);
    EXPECT_TRUE(fs::is_directory(folder / "a/b/run"));
    EXPECT_EQ(directory.result(), folder / "a/b/run" / "result.h5");
    EXPECT_THAT(contents(folder / "a/b/run" / "lock"), HasSubstr(this_host()));
  }
  EXPECT_TRUE(fs::is_empty(folder / "a/b/run"));
}

TEST(RunDirectory, ResumeStartsWhereThereIsNothing) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal(folder / "run", Existing::resume), "accepted");
}

TEST(RunDirectory, RefusesAnEarlierRunAndNamesBothFlags) {
  const TemporaryFolder folder;
  put(folder / "checkpoint.12.h5", "x");
  EXPECT_THAT(refusal(folder.path(), Existing::refuse),
              AllOf(HasSubstr("--resume"), HasSubstr("--overwrite")));
  EXPECT_FALSE(fs::exists(folder / "lock"));
  EXPECT_EQ(refusal(folder.path(), Existing::resume), "accepted");
}

TEST(RunDirectory, OtherFilesAreNoRun) {
  const TemporaryFolder folder;
  put(folder / "notes.txt", "mine");
  EXPECT_EQ(refusal(folder.path(), Existing::refuse), "accepted");
}

TEST(RunDirectory, ClearRemovesOnlyTheFilesOfARun) {
  const TemporaryFolder folder;
  for (const char* ours : {"config.toml", "result.h5", "trace.jsonl", "log.txt", "checkpoint.7.h5",
                           "checkpoint.8.h5.123.tmp", "report.html"}) {
    put(folder / ours, "x");
  }
  for (const char* theirs : {"checkpoint.h5", "my.result.h5", "notes.txt", "fit.toml"})
    put(folder / theirs, "x");
  const RunDirectory directory(folder.path(), Existing::overwrite);
  EXPECT_TRUE(fs::exists(folder / "result.h5"));  // still there: the new run may yet fail to start
  directory.clear();
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path())) left.push_back(entry.path().filename());
  EXPECT_THAT(
      left, testing::UnorderedElementsAre("checkpoint.h5", "my.result.h5", "notes.txt", "fit.toml", "lock"));
}

/// The lock is held: whoever left these is gone, whatever process has its number now.
TEST(RunDirectory, C9RemovesWhatKilledWritersLeft) {
  const TemporaryFolder folder;
  for (const char* ours :
       {"config.toml.123.tmp", "result.h5.1.tmp", "report.html.9.tmp", "checkpoint.8.h5.7.tmp"})
    put(folder / ours, "half");
  for (const char* theirs : {"notes.txt.123.tmp", "result.h5.tmp", "result.h5.x.tmp"})
    put(folder / theirs, "x");
  for (const Existing existing : {Existing::refuse, Existing::resume}) {
    const RunDirectory directory(folder.path(), existing);
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(folder.path())) left.push_back(entry.path().filename());
    EXPECT_THAT(
        left, testing::UnorderedElementsAre("notes.txt.123.tmp", "result.h5.tmp", "result.h5.x.tmp", "lock"));
    put(folder / "result.h5.1.tmp", "half");
  }
}

TEST(RunDirectory, C14LinksInAFolderMadeBySomeoneElseAreRefusedByName) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "run");
  put(folder / "theirs", "precious");
  for (const char* name : {"log.txt", "trace.jsonl", "lock"}) {
    for (const char* target : {"theirs", "absent"}) {
      fs::create_symlink(folder / target, folder / "run" / name);
      EXPECT_THAT(
          refusal(folder / "run", Existing::resume),
          AllOf(HasSubstr((folder / "run" / name).string()), HasSubstr("is a link to"), HasSubstr(target)));
      EXPECT_EQ(contents(folder / "theirs"), "precious");
      EXPECT_FALSE(fs::exists(folder / "absent"));
      fs::remove(folder / "run" / name);
    }
  }
  EXPECT_EQ(refusal(folder / "run", Existing::resume), "accepted");
  ASSERT_EQ(::mkfifo((folder / "run" / "log.txt").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder / "run", Existing::resume), HasSubstr("log.txt: is no regular file"));
}

TEST(RunDirectory, C12ALockOfNoProcessIsNone) {
  const TemporaryFolder folder;
  for (const std::string text : {"0", "-1", "99999999999", "x"}) {
    for (const std::string& host : {this_host(), std::string("some-other-node")}) {
      put(folder / "lock", host + " " + text + "\n");
      EXPECT_EQ(refusal(folder.path(), Existing::resume), "accepted") << host << " " << text;
    }
  }
}

TEST(RunDirectory, ASecondRunIsRefusedAndTheFirstNamed) {
  const TemporaryFolder folder;
  auto first = std::make_unique<RunDirectory>(folder.path(), Existing::refuse);
  const std::string line = refusal(folder.path(), Existing::resume);
  EXPECT_THAT(line, AllOf(HasSubstr(std::to_string(::getpid())), HasSubstr(this_host())));
  first.reset();
  EXPECT_EQ(refusal(folder.path(), Existing::resume), "accepted");
}

TEST(RunDirectory, TakesOverTheLockOfADeadProcess) {
  const TemporaryFolder folder;
  put(folder / "lock", this_host() + " " + std::to_string(gone()) + " 1\n");
  const RunDirectory directory(folder.path(), Existing::resume);
  EXPECT_THAT(contents(folder / "lock"), HasSubstr(std::to_string(::getpid())));
}

TEST(RunDirectory, WaitsForAHolderThatIsAboutToEnd) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const RunDirectory directory(folder.path(), Existing::refuse);
    ::usleep(300000);
    ::_exit(0);  // as if killed: the lock's file stays; nor is the process waited for yet
  }
  while (contents(folder / "lock").empty()) ::usleep(1000);
  EXPECT_EQ(refusal(folder.path(), Existing::resume), "accepted");
  ::waitpid(child, nullptr, 0);
}

TEST(RunDirectory, AReusedPidIsNoHolder) {
  const TemporaryFolder folder;
  put(folder / "lock", this_host() + " " + std::to_string(::getppid()) + " 1\n");  // began in another tick
  EXPECT_EQ(refusal(folder.path(), Existing::resume), "accepted");
  put(folder / "lock", this_host() + " " + std::to_string(::getppid()) + "\n");
  EXPECT_THAT(refusal(folder.path(), Existing::resume), HasSubstr(std::to_string(::getppid())));
}

TEST(RunDirectory, AnEmptyLockHasNoHolder) {
  const TemporaryFolder folder;
  put(folder / "lock", "");
  EXPECT_EQ(refusal(folder.path(), Existing::refuse), "accepted");
}

TEST(RunDirectory, ALockFromAnotherHostIsRefusedAndTheWayOutNamed) {
  const TemporaryFolder folder;
  put(folder / "lock", "some-other-node 4711 5\n");
  EXPECT_THAT(refusal(folder.path(), Existing::resume),
              AllOf(HasSubstr("4711"), HasSubstr("some-other-node"), HasSubstr("remove"),
                    HasSubstr((folder / "lock").string())));
  EXPECT_TRUE(fs::exists(folder / "lock"));
}

TEST(RunDirectory, RefusesAFileAndWhatCannotBeMade) {
  const TemporaryFolder folder;
  put(folder / "file", "x");
  EXPECT_THAT(refusal(folder / "file", Existing::refuse), HasSubstr("is a file"));
  EXPECT_THAT(refusal(folder / "file/run", Existing::refuse), HasSubstr((folder / "file/run").string()));
  EXPECT_THAT(refusal("/proc/vfe_run", Existing::refuse), HasSubstr("/proc/vfe_run"));
  EXPECT_EQ(contents(folder / "file"), "x");
}

}  // namespace
}  // namespace vfe
