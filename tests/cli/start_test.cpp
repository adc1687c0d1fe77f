// How the program begins: ranks that were started differently, streams that are closed, signals that come too
// early.
#include <gmock/gmock.h>
#include <hdf5.h>

#include "cli/program.hpp"
#include "run/small_fit.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class StartProgram : public testing::Test {
 protected:
  StartProgram() {
    simulate("data.h5", 1);
    put_config(folder.path());
  }

  void simulate(const std::string& file, int seed, const std::string& more = "--rows 2000 --columns 3") {
    const Finished made = vfe_run(folder.path(), "simulate logistic " + more + " --seed " +
                                                     std::to_string(seed) + " --overwrite -o " + file);
    ASSERT_EQ(made.code, 0) << made.err;
  }
  Finished run(const std::string& command) { return Job(folder.path(), command).wait(); }
  /// One rank with each command line.
  Finished run_two(const std::string& first, const std::string& second) {
    const std::string program = VFE_PROGRAM;
    return run("exec timeout 60 " VFE_MPIEXEC " --oversubscribe --bind-to none -n 1 " + program + " " +
               first + " : -n 1 " + program + " " + second);
  }
  /// Two ranks that begin in the folders r0 and r1.
  Finished run_apart(const std::string& arguments) {
    return run("exec timeout 60 " VFE_MPIEXEC
               " --oversubscribe --bind-to none -n 2 bash -c 'cd r$OMPI_COMM_WORLD_RANK; "
               "exec " +
               std::string(VFE_PROGRAM) + " " + arguments + "'");
  }

  TemporaryFolder folder;
};

TEST_F(StartProgram, FaultC7RanksWithDifferentCommandLines) {
  Finished found = run_two("fit fit.toml --set fit.seed=1", "fit fit.toml --set fit.seed=2");
  EXPECT_EQ(found.code, 78);
  EXPECT_THAT(found.messages(), ElementsAre(AllOf(HasSubstr("\"fit.seed=2\""), HasSubstr("\"fit.seed=1\""),
                                                  HasSubstr("rank 1"))));
  found = run_two("fit fit.toml", "fit fit.toml --resume");
  EXPECT_EQ(found.code, 78);
  EXPECT_THAT(found.messages(), ElementsAre(AllOf(HasSubstr("\"--resume\""), HasSubstr("nothing more"))));
  EXPECT_FALSE(fs::exists(folder / "run"));
}

TEST_F(StartProgram, FaultA11RanksThatSeeDifferentFiles) {
  for (const char* rank : {"r0", "r1"}) {
    fs::create_directory(folder / rank);
    fs::copy_file(folder / "fit.toml", folder / rank / "fit.toml");
  }
  simulate("r0/data.h5", 1);
  for (const char* other :
       {"--rows 2000 --columns 3", "--rows 2000 --columns 4", "--rows 1999 --columns 3"}) {
    simulate("r1/data.h5", 2, other);
    Finished found = run_apart("fit fit.toml --overwrite");
    EXPECT_EQ(found.code, 65) << other;
    EXPECT_THAT(found.messages(), ElementsAre(AllOf(HasSubstr("expected the same file on every rank"),
                                                    HasSubstr("rank 1 differs"))))
        << found.err;
  }
  // Files of other programs need not have a hash of their content.
  simulate("r1/data.h5", 2);
  for (const char* rank : {"r0", "r1"}) {
    const hid_t file = H5Fopen((folder / rank / "data.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(H5Adelete(file, "content_hash"), 0);
    H5Fclose(file);
  }
  const Finished found = run_apart("fit fit.toml --overwrite");
  EXPECT_EQ(found.code, 65);
  EXPECT_THAT(found.messages(), ElementsAre(HasSubstr("rank 1 differs"))) << found.err;
}

TEST_F(StartProgram, FaultC13TasksOfSlurmThatDoNotSeeEachOther) {
  for (const char* environment : {"SLURM_NTASKS=2", "SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2"}) {
    const Finished found = run(std::string(environment) + " exec " VFE_PROGRAM " fit fit.toml");
    EXPECT_EQ(found.code, 64) << environment;
    EXPECT_THAT(found.messages(), ElementsAre(AllOf(HasSubstr("one of 2 tasks"), HasSubstr("--mpi=pmix"))));
  }
  // One process of a step of its own, and what needs no other rank, run.
  EXPECT_EQ(run("SLURM_STEP_NUM_TASKS=1 SLURM_NTASKS=2 exec " VFE_PROGRAM " fit fit.toml").code, 0);
  EXPECT_EQ(run("SLURM_NTASKS=2 exec " VFE_PROGRAM " diagnose run").code, 0);
}

TEST_F(StartProgram, FaultC4StreamsThatAreClosedOrFullEndNoFit) {
  for (const char* streams : {"2>&-", "2>/dev/full", "<&- 2>&-"}) {
    const Finished found = run("exec " VFE_PROGRAM " fit fit.toml --overwrite " + std::string(streams));
    EXPECT_EQ(found.code, 0) << streams;
    EXPECT_EQ(vfe_run(folder.path(), "diagnose run").code, 0) << streams;
  }
  // A pipe whose reader has gone.
  EXPECT_EQ(run("exec 3> >(exit); sleep 0.3; exec " VFE_PROGRAM " fit fit.toml --overwrite 2>&3").code, 0);
  put(folder / "table.csv", "x,y\n1,0\n2,1\n3,0\n4,1\n5,1\n");
  for (const char* streams : {"2>&-", "2>/dev/full", "0<&- 1>&- 2>&-"}) {
    fs::remove(folder / "table.h5");
    EXPECT_EQ(run("exec " VFE_PROGRAM " import table.csv -o table.h5 " + std::string(streams)).code, 0)
        << streams;
    EXPECT_TRUE(fs::exists(folder / "table.h5")) << streams;
  }
}

/// Whether the process ignores or handles requests: before its main function no program does.
bool heeds_requests(pid_t pid) {
  const std::string status = contents("/proc/" + std::to_string(pid) + "/status");
  std::uint64_t heeded = 0;
  for (const std::string field : {"SigIgn:", "SigCgt:"}) {
    const std::size_t at = status.find(field);
    if (at != std::string::npos) heeded |= std::stoull(status.substr(at + field.size()), nullptr, 16);
  }
  return (heeded >> (SIGUSR1 - 1) & 1U) != 0 && (heeded >> (SIGUSR2 - 1) & 1U) != 0;
}

TEST_F(StartProgram, FaultC8SignalsWhileMpiComesUpAreIgnored) {
  put_config(folder.path(), "logistic", long_fit(400));
  for (int k = 0; k < 8; ++k) {
    Job job(folder.path(), vfe_command("fit fit.toml --overwrite"));
    ASSERT_TRUE(wait_until([&] { return heeds_requests(job.pid()); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(30 * k));
    ::kill(job.pid(), k % 2 == 0 ? SIGUSR2 : SIGUSR1);
    const int code = job.wait().code;
    EXPECT_TRUE(code == 0 || code == 2 || code == 75) << code << " after " << 30 * k << " ms of main";
  }
}

TEST_F(StartProgram, FaultA1AFinishedRunIsNotTakenForThatOfOtherData) {
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml").code, 0);
  const std::string before = hashes(folder.path());
  EXPECT_THAT(vfe_run(folder.path(), "fit fit.toml --resume").out, HasSubstr("nothing to do"));
  simulate("other.h5", 2);
  for (const char* how : {"fit fit.toml --resume --set data.file=other.h5", "fit fit.toml --resume"}) {
    const Finished found = vfe_run(folder.path(), how);
    EXPECT_EQ(found.code, 76) << how;
    EXPECT_THAT(found.messages(),
                ElementsAre(AllOf(HasSubstr("other data than"), HasSubstr("then, "), HasSubstr("now"))))
        << found.err;
    fs::copy_file(folder / "other.h5", folder / "data.h5", fs::copy_options::overwrite_existing);
  }
  fs::remove(folder / "data.h5");
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --resume").code, 66);
  EXPECT_EQ(hashes(folder.path()), before);
}

TEST_F(StartProgram, AFitThatIsRejectedEndsWithTwo) {
  put_config(folder.path(), "logistic", long_fit(3));
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml").code, 2);
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --resume").code, 2);
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --resume --accept-rejected").code, 0);
}

}  // namespace
}  // namespace vfe
