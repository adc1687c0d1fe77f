// Models in libraries, as the program runs them: what goes wrong in code of others.
#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string library(const std::string& name) {
  return std::string(VFE_BINARY_DIR) + "/libraries/" + name + ".so";
}

class LibraryProgram : public testing::Test {
 protected:
  void put_model(const std::string& type, const std::string& file, const std::string& more = "") {
    put(folder / "fit.toml", "[model]\ntype = \"" + type + "\"\nlibrary = \"" + file + "\"\n" + more +
                                 "[output]\ndirectory = \"run\"\ndraws = 200\n");
  }
  void put_plugin_fault(const std::string& fault) {
    put_model("plugin", library("plugin_faulty"), "options = \"" + fault + "\"\n");
  }
  void put_stan(const std::string& name, const std::string& json = "{}", const std::string& more = "") {
    put(folder / "data.json", json);
    put_model("stan", library(name), "data = \"data.json\"\n" + more);
  }
  Finished vfe(const std::string& arguments, int ranks = 0) {
    return vfe_run(folder.path(), arguments, ranks);
  }

  void expect_refusal(const std::string& arguments, int code, const std::string& text, int ranks = 0) {
    const Finished found = vfe(arguments, ranks);
    EXPECT_EQ(found.code, code) << arguments << "\n" << found.err;
    EXPECT_THAT(found.messages(), testing::ElementsAre(HasSubstr(text))) << found.err;
  }

  TemporaryFolder folder;
};

TEST_F(LibraryProgram, RefusesWhatIsNoModel) {
  for (const char* type : {"plugin", "stan"}) {
    put_model(type, "absent.so");
    expect_refusal("fit fit.toml", 66, "absent.so", 2);
    put(folder / "text.so", "not a library");
    put_model(type, "./text.so");
    expect_refusal("check fit.toml", 65, "text.so", 2);
  }
  put_model("plugin", library("plugin_other_version"));
  expect_refusal("check fit.toml", 65, "version");
  put_model("plugin", library("plugin_incomplete"));
  expect_refusal("check fit.toml", 65, "vfe_model_");
  put_stan("stan_version");
  expect_refusal("check fit.toml", 65, "version");
  put_stan("stan_lacks_symbol");
  expect_refusal("check fit.toml", 65, "bs_");
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "result.h5"));
}

TEST_F(LibraryProgram, SaysWhatTheLibrarySays) {
  put_plugin_fault("start");
  expect_refusal("fit fit.toml", 65, "is not for starting", 3);
  put_stan("stan_throws");
  expect_refusal("fit fit.toml", 65, "stan_throws", 2);
  put_stan("stan_no_parameters");
  expect_refusal("fit fit.toml", 65, "no parameters", 2);
}

TEST_F(LibraryProgram, DrawsThatFailAreCountedAndNamed) {
  put_plugin_fault("draws");  // above 1 the normal density cannot be computed
  const Finished fitted = vfe("fit fit.toml", 2);
  EXPECT_EQ(fitted.code, 2) << fitted.err;
  const Finished diagnosed = vfe("diagnose run");
  EXPECT_EQ(diagnosed.code, 2) << diagnosed.out;
  EXPECT_THAT(diagnosed.out, HasSubstr("had no finite log density"));
  EXPECT_THAT(contents(folder / "run" / "log.txt"), HasSubstr("above 1, value nan: unconstrained x"));
  put_stan("stan_fails");  // the mode is where the density ends: half of any q is without
  expect_refusal("fit fit.toml --overwrite", 3, "sqrt: theta is negative (in 'fails.stan', line 7)", 2);
}

TEST_F(LibraryProgram, NothingButNaNIsANumericFailure) {
  put_plugin_fault("nan");
  expect_refusal("fit fit.toml", 3, "none of", 2);
  expect_refusal("check fit.toml", 3, "finite at only 0 of 50 points");
  put_stan("stan_nan");
  expect_refusal("fit fit.toml --overwrite", 3, "none of", 2);
}

TEST_F(LibraryProgram, CheckNamesTheWrongDerivative) {
  put_plugin_fault("gradient");
  expect_refusal("check fit.toml", 65, "worst in unconstrained x", 2);
}

// No hang, and no success: what ends the process from within ends the job.
TEST_F(LibraryProgram, ExitAndCrashEndTheJob) {
  put_plugin_fault("exit");
  expect_refusal("fit fit.toml", 70, "called exit()");
  EXPECT_EQ(vfe("fit fit.toml --overwrite", 3).code, 70);
  put_plugin_fault("crash");
  EXPECT_NE(vfe("fit fit.toml --overwrite", 3).code, 0);
  EXPECT_GT(vfe("fit fit.toml --overwrite").code, 127);
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "result.h5"));
}

// A file system that shows ranks different files under one name.
TEST_F(LibraryProgram, EveryRankMustSeeTheSameLibrary) {
  put_model("stan", "model.so");
  for (const char* rank : {"a", "b"}) std::filesystem::create_directory(folder / rank);
  std::filesystem::copy_file(library("stan_nan"), folder / "a" / "model.so");
  std::filesystem::copy_file(library("stan_many"), folder / "b" / "model.so");
  const std::string part =
      " --wdir a -n 1 " VFE_PROGRAM " fit ../fit.toml : --wdir b -n 2 " VFE_PROGRAM " fit ../fit.toml";
  const Finished found =
      Job(folder.path(), std::string("exec ") + VFE_MPIEXEC + " --oversubscribe --bind-to none" + part)
          .wait();
  EXPECT_EQ(found.code, 65) << found.err;
  EXPECT_THAT(found.messages(), testing::ElementsAre(HasSubstr("rank 0 differs from the other 2")))
      << found.err;
}

TEST_F(LibraryProgram, FiveThousandParametersAreFitted) {
  put_stan("stan_many", "{}", "[family]\ntype = \"mean_field\"\n");
  const Finished fitted = vfe("fit fit.toml --accept-rejected --set fit.max_time=120s", 2);
  EXPECT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_THAT(vfe("diagnose run").out, HasSubstr("and 4801 more"));
}

TEST_F(LibraryProgram, PrintsToTheLogAndNotToTheScreen) {
  put_stan("stan_prints");
  const Finished fitted = vfe("fit fit.toml", 2);
  EXPECT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_THAT(contents(folder / "run" / "log.txt"), HasSubstr("the model prints: "));
  EXPECT_THAT(fitted.out + fitted.err, Not(HasSubstr("the model prints")));
}

TEST_F(LibraryProgram, TheSameBitsOnAnyRanks) {
  const std::string rows = R"({"N":6,"x":[-2,-1,0,1,2,3],"y":[1,0,2,3,5,4]})";
  put_stan("stan_regression", rows);
  std::vector<std::string> whole, sharded;
  for (const int ranks : {0, 2, 3}) {
    ASSERT_EQ(vfe("fit fit.toml --overwrite", ranks).code, 0);
    whole.push_back(hashes(folder.path()));
  }
  put_stan("stan_regression", rows, "shard = { size = \"N\", rows = [\"x\", \"y\"] }\n[data]\nblocks = 3\n");
  for (const int ranks : {0, 2, 3}) {
    ASSERT_EQ(vfe("fit fit.toml --overwrite", ranks).code, 0);
    sharded.push_back(hashes(folder.path()));
  }
  EXPECT_THAT(whole, testing::Each(whole[0]));
  EXPECT_THAT(sharded, testing::Each(sharded[0]));
  EXPECT_EQ(vfe("check fit.toml", 2).code, 0);
  // More draws are those that would have followed, by the library's own transforms.
  EXPECT_EQ(vfe("draws run -n 100 -o more.h5").code, 0);
}

TEST_F(LibraryProgram, CheckNamesWhatIsNoSumOverRows) {
  const std::string shard = "shard = { size = \"N\", rows = [\"x\", \"y\"] }\n";
  const std::string rows = R"("N": 9, "x": [-2, -1, 0, 1, 2, 3, 5, 4, 7], "y": [1, 0, 2, 3, 5, 4, 1, 2, 3]})";
  put_stan("stan_regression", "{\"divide\": 1, " + rows, shard);
  expect_refusal("check fit.toml", 65, "is not a sum over its rows: N", 2);
  put_stan("stan_regression", "{\"mean\": 1, " + rows, shard);
  expect_refusal("check fit.toml", 65, "is not a sum over its rows: x", 2);
}

}  // namespace
}  // namespace vfe
