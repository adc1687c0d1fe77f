// What the program says of arguments and files that it does not take.
#include "cli/wrong_usage.hpp"

#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(FaultsDWrongUsage, AnOptionTakesAllTheValuesThatFollow) {
  CLI::App app("", "import");
  std::string csv, output;
  std::vector<std::string> drop;
  bool quiet = false;
  app.add_option("CSV", csv)->required();
  app.add_option("-o,--output", output);
  app.add_option("--drop", drop)->allow_extra_args(false);
  app.add_flag("--quiet", quiet);
  const auto spread = [&](const std::vector<std::string>& arguments) {
    return with_repeated_options(app, arguments);
  };
  EXPECT_THAT(spread({"a.csv", "--drop", "x", "y", "-o", "b"}),
              ElementsAre("a.csv", "--drop", "x", "--drop", "y", "-o", "b"));
  EXPECT_THAT(spread({"--drop", "x", "y", "a.csv", "-o", "b"}),
              ElementsAre("--drop", "x", "--drop", "y", "a.csv", "-o", "b"));
  EXPECT_THAT(spread({"--drop", "x", "a.csv"}), ElementsAre("--drop", "x", "a.csv"));
  EXPECT_THAT(spread({"--drop=x", "a.csv", "--quiet"}), ElementsAre("--drop=x", "a.csv", "--quiet"));
  EXPECT_THAT(spread({"--quiet", "a.csv", "--drop", "x"}), ElementsAre("--quiet", "a.csv", "--drop", "x"));
}

TEST(WrongUsage, OptionsOfImportThatTheFormulaTookOverAreNamed) {
  CLI::App program("", "vfe");
  CLI::App* import = program.add_subcommand("import");
  std::string csv;
  import->add_option("CSV", csv)->required();
  const auto said = [&](const std::vector<std::string>& arguments) {
    return wrong_usage(program, arguments, CLI::ExtrasError(arguments));
  };
  EXPECT_EQ(
      said({"import", "a.csv", "--response", "y"}),
      "vfe import: --response is no option any more: the formula of the model names the response, offsets "
      "and weights");
  EXPECT_THAT(said({"import", "a.csv", "--weight=w"}),
              HasSubstr("--weight is no option any more: the formula"));
  EXPECT_THAT(said({"import", "--no-standardize", "a.csv"}), HasSubstr("models centre and scale"));
  EXPECT_THAT(said({"import", "a.csv", "--other"}), testing::Not(HasSubstr("any more")));
}

class FaultsProgram : public testing::Test {
 protected:
  FaultsProgram() {
    put(folder / "a.csv", "x,u,v,y\n1,2,3,0.5\n2,2,4,1.5\n3,5,1,1.0\n4,1,1,2.0\n");
    put_config(folder.path(), "linear");
  }
  void expect_refusal(const std::string& arguments, int code, const std::string& text) {
    const Finished found = vfe_run(folder.path(), arguments);
    EXPECT_EQ(found.code, code) << arguments << "\n" << found.err;
    EXPECT_THAT(found.messages(), ElementsAre(HasSubstr(text))) << found.err;
  }
  TemporaryFolder folder;
};

TEST_F(FaultsProgram, FaultsDNearestNamesAreOffered) {
  expect_refusal("fits fit.toml", 64, "vfe: unknown subcommand fits; did you mean fit?");
  expect_refusal("import a.csv -o a.h5 --drpo y", 64, "did you mean --drop?");
  expect_refusal("import a.csv -o a.h5 --encoding utf-8", 64, "did you mean utf8?");
  expect_refusal("import a.csv -o a.h5 --missing=dorp", 64, "did you mean drop?");
  expect_refusal("simulate gaussian -o s.h5", 64, "did you mean linear?");
  expect_refusal("fit fit.toml --set model.type=gaussian", 78, "did you mean \"linear\"?");
  expect_refusal("fit fit.toml --set model.type=logistik", 78, "did you mean \"logistic\"?");
  expect_refusal("fit fit.toml --set fit.mode=synchronos", 78, "did you mean \"synchronous\"?");
  expect_refusal("fit fit.toml --set fit.max_time=10min", 78, "did you mean \"10m\"?");
  expect_refusal("fit fit.toml --set 'fit.max_time=\"1 hour 30 minutes\"'", 78, "did you mean \"1h30m\"?");
}

TEST_F(FaultsProgram, FaultsDFilesAreCalledWhatTheyAre) {
  expect_refusal("fit a.csv", 78, "a.csv: is a table of text");
  ASSERT_EQ(vfe_run(folder.path(), "import a.csv -o a.h5 --drop u v").code, 0);
  expect_refusal("fit a.h5", 78, "a.h5: is an HDF5 file");
  expect_refusal("import a.h5 -o b.h5", 65, "a.h5: is an HDF5 file, such as a dataset");
  expect_refusal("fit fit.toml --set data.file=a.csv", 65,
                 "but text (vfe import makes a dataset of a CSV file)");
  expect_refusal("diagnose a.csv", 65, "a.csv: is not an HDF5 file");
  expect_refusal("fit fit.toml --set output.directory=~/run", 78, "a name without ~");
  EXPECT_FALSE(std::filesystem::exists(folder / "~"));
}

TEST_F(FaultsProgram, FaultsDTheTrueReasonOfAFolderThatCannotBe) {
  ASSERT_EQ(vfe_run(folder.path(), "simulate linear --rows 300 --columns 2 -o data.h5").code, 0);
  const Finished found = vfe_run(folder.path(), "fit fit.toml --set output.directory=/proc/vfe/run");
  EXPECT_EQ(found.code, 73) << found.err;
  EXPECT_THAT(found.messages(),
              ElementsAre(testing::AllOf(HasSubstr("creating the run folder /proc/vfe/run: "),
                                         testing::Not(HasSubstr("Not a directory")))));
}

TEST_F(FaultsProgram, FaultsA3OutputsAreNotReplacedUnasked) {
  const std::string import = "import a.csv -o a.h5";
  ASSERT_EQ(vfe_run(folder.path(), import).code, 0);
  expect_refusal(import, 73, "--overwrite replaces it");
  EXPECT_EQ(vfe_run(folder.path(), import + " --overwrite").code, 0);
  expect_refusal("import a.csv -o a.csv --overwrite", 64, "is an input of this command");
  expect_refusal("simulate linear -o a.h5", 73, "--overwrite replaces it");
  ASSERT_EQ(vfe_run(folder.path(), "simulate logistic --rows 300 --columns 2 -o data.h5").code, 0);
  ASSERT_EQ(vfe_run(folder.path(), "fit fit.toml --set model.type=logistic --quiet").code, 0);
  expect_refusal("predict run data.h5 -o data.h5 --overwrite", 64, "is an input of this command");
  expect_refusal("draws run -o run/result.h5 --overwrite", 64, "is an input of this command");
  expect_refusal("predict run data.h5 -o a.h5", 73, "--overwrite replaces it");
}

TEST_F(FaultsProgram, FaultsC5AFullStdoutIsAnError) {
  for (const char* arguments : {"schema", "--help", "--version", "import a.csv -o a.h5"}) {
    const Finished found = Job(folder.path(), vfe_command(arguments) + " > /dev/full").wait();
    EXPECT_EQ(found.code, 74) << arguments;
    EXPECT_THAT(found.messages(), ElementsAre(HasSubstr("writing to standard output"))) << found.err;
  }
}

TEST_F(FaultsProgram, FaultsC10LevelsDoNotReachTheTerminalRaw) {
  put(folder / "b.csv", "x,y\n1,a\x1b]0;owned\n2,b\xc2\x9b\n3,a\x1b]0;owned\n");
  const Finished found = vfe_run(folder.path(), "import b.csv -o b.h5");
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, testing::AllOf(HasSubstr("a\\u001b]0;owned"), testing::Not(HasSubstr("\x1b"))));
  const Finished told = vfe_run(folder.path(), "info b.h5");
  EXPECT_THAT(told.out, testing::AllOf(HasSubstr("b\\u009b"), testing::Not(HasSubstr("\x1b"))));
}

TEST_F(FaultsProgram, FaultsC6CodeInTheCurrentFolderIsNotRun) {
  std::filesystem::create_directories(folder / "httpstan" / "include" / "stan");
  put(folder / "httpstan" / "__init__.py", "");
  put(folder / "importlib.py", "open('ran', 'w')\n");
  put(folder / "httpstan" / "stanc", "#!/bin/sh\ntouch ran\n");
  std::filesystem::permissions(folder / "httpstan" / "stanc", std::filesystem::perms::all);
  put(folder / "m.stan", "parameters { real x; } model { x ~ normal(0, 1); }\n");
  const Finished found = vfe_run(folder.path(), "stan build m.stan");
  EXPECT_FALSE(std::filesystem::exists(folder / "ran"));
  EXPECT_THAT(found.err, testing::Not(HasSubstr((folder / "httpstan").string())));
}

TEST_F(FaultsProgram, FaultsA4EncodingsAreConverted) {
  put(folder / "l.csv",
      "x,gr\xfc\xdf"
      "e\n1,j\xe4\n2,nein\n3,j\xe4\n4,nein\n");
  expect_refusal("import l.csv -o l.h5", 65, "l.csv, line 1: the name of column 2");
  const Finished found = vfe_run(folder.path(), "import l.csv -o l.h5 --encoding latin1");
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("gr\xc3\xbc\xc3\x9f"
                                   "e"));
  put(folder / "n\xe4me.csv", "x,y\n1,2\n3,5\n");
  expect_refusal("import n\xe4me.csv -o n.h5", 65, "name is not UTF-8");
}

}  // namespace
}  // namespace vfe
