// Bad input to the real program: one line, the right exit code, no hang, earlier files intact.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <hdf5.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "cli/program.hpp"
#include "cli/refusal.hpp"
#include "run/small_fit.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class BadInputProgram : public testing::Test {
 protected:
  BadInputProgram() {
    simulate("data.h5", "logistic --rows 2000 --columns 3");
    put_config(folder.path());
  }

  void simulate(const std::string& file, const std::string& arguments) {
    const Finished made = vfe_run(folder.path(), "simulate " + arguments + " --overwrite -o " + file);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  void expect_refusal(const std::string& arguments, int code, const std::string& text, int ranks = 0) const {
    vfe::expect_refusal(folder.path(), arguments, code, text, ranks);
  }

  TemporaryFolder folder;
};

TEST_F(BadInputProgram, WrongUsage) {
  EXPECT_EQ(vfe_run(folder.path(), "").code, 64);
  EXPECT_EQ(vfe_run(folder.path(), "fit").code, 64);
  EXPECT_EQ(vfe_run(folder.path(), "fitt fit.toml").code, 64);
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --frobnicate").code, 64);
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --resume --overwrite").code, 64);
  EXPECT_EQ(vfe_run(folder.path(), "simulate quantum -o x.h5").code, 64);
  expect_refusal("schema fitt", 64, "unknown table fitt");
}

TEST_F(BadInputProgram, HelpVersionAndSchemaNeedNoMpi) {
  // An MPI that cannot start: what brings it up fails.
  const auto without_mpi = [&](const std::string& arguments) {
    return Job(folder.path(), "OMPI_MCA_pml=none " + vfe_command(arguments).substr(5)).wait();
  };
  EXPECT_NE(without_mpi("check fit.toml").code, 0);
  EXPECT_EQ(without_mpi("--help").code, 0);
  EXPECT_THAT(without_mpi("fit --help").out, HasSubstr("--resume"));
  EXPECT_THAT(without_mpi("--version").out, StartsWith("vfe "));
  EXPECT_THAT(without_mpi("schema").out, HasSubstr("checkpoint_every"));
}

TEST_F(BadInputProgram, Configuration) {
  expect_refusal("fit nothere.toml", 66, "nothere.toml");
  put_config(folder.path(), "logistic", "sede = 1\n");
  expect_refusal("fit fit.toml", 78, "fit.toml:11: unknown key fit.sede; did you mean fit.seed?", 2);
  put_config(folder.path(), "logistic", "seed = \"one\"\n");
  expect_refusal("check fit.toml", 78, "fit.seed: found \"one\", expected a whole number");
  put_config(folder.path());
  expect_refusal("fit fit.toml --set fit.threads=0", 78, "fit.threads: found 0");
  expect_refusal("fit fit.toml --set model.prior_scale.x9=1", 78, "x9");
  EXPECT_FALSE(fs::exists(folder / "run" / "config.toml"));
}

TEST_F(BadInputProgram, DataFiles) {
  expect_refusal("fit fit.toml --set data.file=nothere.h5", 66, "nothere.h5", 2);
  put(folder / "text.h5", "a,b\n1,2\n");
  expect_refusal("fit fit.toml --set data.file=text.h5", 65, "text.h5", 2);
  const std::string whole = contents(folder / "data.h5");
  put(folder / "short.h5", whole.substr(0, whole.size() / 2));
  expect_refusal("fit fit.toml --set data.file=short.h5", 65, "short.h5", 2);
  put(folder / "empty.h5", "");
  expect_refusal("fit fit.toml --set data.file=empty.h5", 65, "empty.h5");
  put(folder / "newer.h5", whole);
  const hid_t file = H5Fopen((folder / "newer.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t version = H5Aopen(file, "version", H5P_DEFAULT);
  const std::int64_t next = 99;
  H5Awrite(version, H5T_NATIVE_INT64, &next);
  H5Aclose(version);
  H5Fclose(file);
  expect_refusal("fit fit.toml --set data.file=newer.h5", 65, "version 99", 2);
}

TEST_F(BadInputProgram, ValuesOfTheData) {
  SmallTable rows = small_rows(300, 2);
  rows.y = (rows.y.array() > 0.5).cast<double>();
  rows.x(290, 1) = std::nan("");
  write_dataset(folder / "nan.h5", rows);
  // Only the last of the ranks meets it: all end, one line.
  for (int ranks : {1, 2, 3}) {
    expect_refusal("fit fit.toml --set data.file=nan.h5", 65, "row 290: x2 is missing", ranks);
  }
  expect_refusal("fit fit.toml --set model.type=poisson --set data.file=negative.h5", 66, "negative.h5");
  simulate("real.h5", "linear --rows 500 --columns 2");
  expect_refusal("fit fit.toml --set data.file=real.h5", 65, "row 0", 2);
  std::ofstream(folder / "classes.csv") << "x,y\n1,0\n2,1\n3,2\n4,1\n";
  ASSERT_EQ(vfe_run(folder.path(), "import classes.csv -o classes.h5").code, 0);
  expect_refusal("fit fit.toml --set data.file=classes.h5", 65,
                 "(line 4 of classes.csv): response \"y\" is 2", 2);
  rows = small_rows(300, 2);
  rows.weight = Vector::Zero(300);
  write_dataset(folder / "unweighted.h5", rows);
  expect_refusal(
      "fit fit.toml --set model.type=linear --set data.file=unweighted.h5 --set 'model.formula=y | "
      "weights(w) ~ x1'",
      65, "weights of all 300 rows", 2);
}

TEST_F(BadInputProgram, Formulas) {
  std::string table = "y,x,colour,one,mol weight\n";
  for (int i = 0; i < 40; ++i)
    table += fmt::format("{},{},{},same,{}\n", i % 7, i - 3, i % 3 == 0 ? "red" : "blue", i % 5);
  put(folder / "t.csv", table);
  ASSERT_EQ(vfe_run(folder.path(), "import t.csv -o t.h5").code, 0);
  const auto expect = [&](const std::string& formula, int code, const std::string& line, int ranks = 0) {
    expect_refusal(
        "fit fit.toml --set data.file=t.h5 --set model.type=linear --set 'model.formula=" + formula + "'",
        code, line, ranks);
  };
  expect("y ~ xx", 78, "no column \"xx\"; the columns are y, x, colour, one, mol weight", 2);
  expect("y ~ log(colour)", 78, "\"colour\" is a factor, expected a number");
  expect("y ~ log(x)", 65, "of t.csv): log(x): log of ", 2);
  expect("y ~ one", 78, "the factor \"one\" has one level, \"same\"");
  expect("y ~ x + y", 78, "the response \"y\" among the terms");
  expect("y ~ mol weight", 78, "character 9: found \"weight\"");
  expect("y ~ (x", 78, "found the end, expected an operator or \")\"");
  expect("y ~ (1 | colour + x)", 78, "colour + x names no groups, expected factors or whole numbers");
  expect("colour ~ x", 65, "response \"colour\" is ");
  expect("y | trials(x) ~ colour", 65, "the rows have trials, expected none");
  expect("y ~ poly(x, 50)", 65, "its values determine no degree above", 2);
  expect_refusal("fit fit.toml --set data.file=t.h5 --set model.type=logistic --set 'model.formula=y ~ 0'",
                 78, "no parameters");
  const Finished aliased = vfe_run(folder.path(),
                                   "check fit.toml --set data.file=t.h5 --set model.type=linear --set "
                                   "'model.formula=y ~ x + I(2*x) + `mol weight`'");
  EXPECT_EQ(aliased.code, 0) << aliased.err;
  EXPECT_THAT(aliased.out, HasSubstr("columns that others add up to"));
}

TEST_F(BadInputProgram, MoreRanksThanBlocksWork) {
  simulate("small.h5", "logistic --rows 300 --columns 2");
  put_config(folder.path(), "logistic");
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml --set data.file=small.h5", 1).code, 0);
  const std::string expected = hashes(folder.path());
  const Finished found = vfe_run(folder.path(), "fit fit.toml --overwrite --set data.file=small.h5", 5);
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(hashes(folder.path()), expected);
}

TEST_F(BadInputProgram, OutputFolders) {
  expect_refusal("fit fit.toml --set output.directory=/proc/vfe", 73, "/proc/vfe", 2);
  put(folder / "file", "mine");
  expect_refusal("fit fit.toml --set output.directory=file", 73, "is a file", 2);
  EXPECT_EQ(contents(folder / "file"), "mine");
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml").code, 0);
  const std::string before = contents(folder / "run" / "result.h5");
  expect_refusal("fit fit.toml", 73, "give --resume to continue it, --overwrite to replace it", 2);
  expect_refusal("fit fit.toml --overwrite --set data.file=nothere.h5", 66, "nothere.h5", 2);
  EXPECT_EQ(contents(folder / "run" / "result.h5"), before);
  expect_refusal("draws run -o nowhere/more.h5", 73, "nowhere/more.h5");
  expect_refusal("diagnose nowhere", 66, "nowhere");
}

TEST_F(BadInputProgram, ASecondRunInALiveFolder) {
  put_config(folder.path(), "logistic", long_fit(100000000));
  Job first(folder.path(), vfe_command("fit fit.toml", 2));
  ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > 0; }));
  std::string holder;
  std::ifstream(folder / "run" / "lock") >> holder;
  expect_refusal("fit fit.toml --resume", 73, "in use by process", 2);
  expect_refusal("fit fit.toml --overwrite", 73, "on host " + holder);
  ASSERT_TRUE(first.running());
  ::kill(first.pid(), SIGUSR1);
  EXPECT_EQ(first.wait().code, 75);
}

TEST_F(BadInputProgram, AFullDisk) {
  put_config(folder.path(), "logistic", long_fit(4000));
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml").code, 0);
  const std::string expected = hashes(folder.path());
  // Not --overwrite: files that it has yet to remove would look like those of the fit under way.
  fs::remove_all(folder / "run");
  // Once the fit is under way, the files of rank 0 cannot grow any more.
  for (const auto& [ranks, flag] : {std::pair(2, ""), std::pair(1, "--resume")}) {
    const std::uint64_t before = newest_step(folder.path());
    Job job(folder.path(), vfe_command(std::string("fit fit.toml ") + flag, ranks));
    ASSERT_TRUE(wait_until([&] { return newest_step(folder.path()) > before; }));
    std::string host;
    pid_t pid = 0;
    std::ifstream(folder / "run" / "lock") >> host >> pid;
    ASSERT_GT(pid, 0);
    const rlimit none_beyond{4096, 4096};
    ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, &none_beyond, nullptr), 0);
    const Finished full = job.wait();
    EXPECT_EQ(full.code, 74) << full.err;
    EXPECT_THAT(full.messages(), testing::ElementsAre(HasSubstr("File too large"))) << full.err;
    EXPECT_FALSE(fs::exists(folder / "run" / "result.h5"));
    EXPECT_GT(newest_step(folder.path()), before);
  }
  const Finished resumed = vfe_run(folder.path(), "fit fit.toml --resume", 2);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(hashes(folder.path()), expected);
}

TEST_F(BadInputProgram, DamagedCheckpoints) {
  put_config(folder.path(), "logistic", long_fit(200));
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml").code, 0);
  const std::string expected = hashes(folder.path());
  fs::remove(folder / "run" / "result.h5");
  std::vector<fs::path> checkpoints;
  for (const auto& entry : fs::directory_iterator(folder / "run")) {
    if (entry.path().filename().string().starts_with("checkpoint.")) checkpoints.push_back(entry.path());
  }
  ASSERT_THAT(checkpoints, SizeIs(2));
  const fs::path newest =
      folder / "run" / ("checkpoint." + std::to_string(newest_step(folder.path())) + ".h5");
  const fs::path older = checkpoints[0] == newest ? checkpoints[1] : checkpoints[0];
  const auto flip = [](const fs::path& file) {
    std::string bytes = contents(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    put(file, bytes);
  };
  // The newest is cut short: the one before it serves, with a warning.
  const std::string whole = contents(newest);
  put(newest, whole.substr(0, whole.size() / 3));
  const std::string good_older = contents(older);
  const Finished resumed = vfe_run(folder.path(), "fit fit.toml --resume", 2);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("vfe: warning: "), HasSubstr(newest.filename().string())));
  EXPECT_EQ(hashes(folder.path()), expected);
  // Both are bad.
  fs::remove(folder / "run" / "result.h5");
  put(newest, "not a checkpoint");
  put(older, good_older);
  flip(older);
  expect_refusal("fit fit.toml --resume", 76, "checkpoint", 2);
}

TEST_F(BadInputProgram, WhatChangedSinceTheCheckpoint) {
  put_config(folder.path(), "logistic", long_fit(300));
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml --set fit.max_time=0.000001").code, 75);
  expect_refusal("fit fit.toml --resume --set fit.seed=2", 78, "fit.seed: 1 in the checkpoint, 2 now", 2);
  expect_refusal("fit fit.toml --resume --set model.prior_scale=1", 78,
                 "model.prior_scale: 2.5 in the checkpoint, 1 now");
  simulate("data.h5", "logistic --rows 2000 --columns 3 --seed 5");
  expect_refusal("fit fit.toml --resume", 76, "other data than data.h5", 2);
}

TEST_F(BadInputProgram, StanBuildWithoutStanSaysWhatToInstall) {
  const fs::path home = ::getpwuid(::getuid())->pw_dir;
  if (fs::exists(home / ".cmdstan") || fs::exists(home / ".bridgestan")) {
    GTEST_SKIP() << "there is a Stan in the home folder";
  }
  put(folder / "model.stan", "model {}\n");
  const Finished found =
      Job(folder.path(), "PATH=/nonexistent exec " VFE_PROGRAM " stan build model.stan -o model.so").wait();
  EXPECT_EQ(found.code, 66);
  ASSERT_EQ(found.messages().size(), 1u);
  EXPECT_THAT(found.messages()[0], HasSubstr("pip install httpstan"));
  EXPECT_FALSE(fs::exists(folder / "model.so"));
}

}  // namespace
}  // namespace vfe
