#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "vfe/comm/communicator.hpp"

namespace vfe {
namespace {

int run_here(const std::function<int(const Communicator&)>& program) {
  int argc = 0;
  char** argv = nullptr;
  return run(argc, argv, program);
}

// What stderr receives on this rank while `work` runs.
std::string printed(const std::function<void()>& work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

TEST(RunMpi, ReturnsTheProgramsCode) {
  EXPECT_EQ(run_here([](const Communicator&) { return 0; }), 0);
  EXPECT_EQ(run_here([](const Communicator& comm) { return comm.is_root() ? 2 : 0; }), 2);
}

TEST(RunMpi, AnErrorOfAllIsPrintedOnceByRankZero) {
  const bool root = Communicator::world().is_root();
  int code = 0;
  std::string text = printed([&] {
    code =
        run_here([](const Communicator&) -> int { throw Error(Fault::config, "key \"stpes\" is unknown"); });
  });
  EXPECT_EQ(code, 78);
  EXPECT_EQ(text, root ? "vfe: key \"stpes\" is unknown\n" : "");
  text = printed([&] {
    code = run_here([](const Communicator& comm) -> int {
      comm.on_root("reading the configuration", [] { throw Error(Fault::missing, "fit.toml is not there"); });
      return 0;
    });
  });
  EXPECT_EQ(code, 66);
  EXPECT_EQ(text, root ? "vfe: while reading the configuration: fit.toml is not there\n" : "");
}

TEST(RunMpi, ARankThatFailsLastFailsForAll) {
  const bool root = Communicator::world().is_root();
  const int last = Communicator::world().size() - 1;
  int code = 0;
  const std::string text = printed([&] {
    code = run_here([last](const Communicator& comm) {
      if (comm.rank() == last) throw std::runtime_error("disk on fire");
      return 0;
    });
  });
  EXPECT_EQ(code, 70);
  const std::string where = last > 0 ? " (on rank " + std::to_string(last) + ")" : "";
  EXPECT_EQ(text, root ? "vfe: disk on fire" + where + "\n" : "");
}

// Started by the test below, in a job of its own.
TEST(RunMpi, DISABLED_OneRankFailsWhileOthersWait) {
  run_here([](const Communicator& comm) {
    if (comm.rank() == 1) throw Error(Fault::data, "row 17 is broken");
    comm.barrier();
    return 0;
  });
}

TEST(Run, ARankThatFailsAloneEndsTheJob) {
  const std::string command =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout 60 " VFE_MPIEXEC
      " --oversubscribe -n 3 /proc/" +
      std::to_string(getpid()) +
      "/exe --mpi --gtest_also_run_disabled_tests --gtest_filter=RunMpi.DISABLED_OneRankFailsWhileOthersWait "
      "2>&1";
  FILE* job = popen(command.c_str(), "r");
  ASSERT_NE(job, nullptr);
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), job))
    output.append(buffer.data(), size);
  const int status = pclose(job);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 65) << output;
  const std::string line = "vfe: row 17 is broken (on rank 1)\n";
  const auto found = output.find(line);
  ASSERT_NE(found, std::string::npos) << output;
  EXPECT_EQ(output.find("vfe: ", found + 1), std::string::npos) << output;
}

}  // namespace
}  // namespace vfe
