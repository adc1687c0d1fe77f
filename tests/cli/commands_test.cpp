// The subcommands as people use them, from a CSV file to predictions.
#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandsProgram : public testing::Test {
 protected:
  CommandsProgram() {
    std::string csv = "id,dose,sex,response\n";
    for (int i = 0; i < 400; ++i) {
      const double dose = 0.1 * (i % 37), noise = 0.01 * ((i * 7919) % 101 - 50);
      csv += std::to_string(i) + "," + std::to_string(dose) + "," + (i % 3 == 0 ? "female" : "male") + "," +
             std::to_string(2.0 + 3.0 * dose + (i % 3 == 0 ? -1.0 : 0.0) + noise) + "\n";
    }
    put(folder / "trial.csv", csv);
    put_config(folder.path(), "linear", "", "response ~ dose + sex");
  }
  Finished vfe(const std::string& arguments, int ranks = 0) {
    return vfe_run(folder.path(), arguments, ranks);
  }

  TemporaryFolder folder;
};

TEST_F(CommandsProgram, FromCsvToPredictions) {
  const Finished imported =
      vfe("import trial.csv -o data.h5 --drop id --holdout 0.25 --holdout-output test.h5 "
          "--quiet");
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, AllOf(HasSubstr("1 factor (sex 2 levels)"), HasSubstr("reference: sex female"),
                                  HasSubstr("rows set aside in test.h5"), HasSubstr(" rows, 3 columns")));
  const Finished checked = vfe("check fit.toml");
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("gradient: agrees"));
  const Finished fitted = vfe("fit fit.toml --quiet", 2);
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_THAT(fitted.err, IsEmpty());
  EXPECT_THAT(fitted.out, AllOf(HasSubstr("free energy "), HasSubstr("run/result.h5")));
  const Finished diagnosed = vfe("diagnose run");
  const bool usable = diagnosed.out.starts_with("usable: ");
  EXPECT_EQ(diagnosed.code, usable ? 0 : 2);
  EXPECT_THAT(diagnosed.out, AllOf(HasSubstr("\nbeta[dose] "), HasSubstr("\nbeta[sex[male]] ")));
  EXPECT_THAT(fitted.out, HasSubstr(diagnosed.out.substr(0, diagnosed.out.find('\n'))));
  const Finished drawn = vfe("draws run -n 50 -o more.h5");
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_EQ(drawn.messages().empty(), diagnosed.out.find("\ncertified: ") != std::string::npos);
  for (int ranks : {1, 3}) {
    const Finished predicted =
        vfe("predict run test.h5 -o predictions" + std::to_string(ranks) + ".h5", ranks);
    EXPECT_EQ(predicted.code, 0) << predicted.err;
    EXPECT_THAT(predicted.out,
                AllOf(HasSubstr(" rows, 200 draws"), HasSubstr("RMSE 0.2"), HasSubstr("90 % interval")));
  }
  put(folder / "new.csv", "sex,dose\nmale,1.5\nfemale,2.5\n");
  const Finished predicted = vfe("predict run new.csv -o new_predictions.csv");
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_THAT(predicted.out, HasSubstr("2 rows, 200 draws\nno responses to judge the predictions by\n"));
  EXPECT_THAT(contents(folder / "new_predictions.csv"),
              testing::StartsWith("line,mean,mean_q5,mean_q95,sd,"));
  EXPECT_EQ(vfe("predict run --vary dose=0:3:4 --vary sex -o grid.csv").code, 0);
  EXPECT_THAT(contents(folder / "grid.csv"),
              AllOf(testing::StartsWith("dose,sex,mean,"), HasSubstr("\n0,female,"), HasSubstr("\n3,male,")));
  EXPECT_EQ(vfe("predict run -o nothing.csv").code, 64);
}

TEST_F(CommandsProgram, ProgressGoesToStderrAsPlainLinesWhereItIsNoTerminal) {
  ASSERT_EQ(vfe("import trial.csv -o data.h5 --drop id").code, 0);
  const Finished fitted = vfe("fit fit.toml", 2);
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_THAT(fitted.err, AllOf(HasSubstr("modes (1 of at most "), HasSubstr("fixed_draws ("),
                                testing::Not(HasSubstr("\x1b"))));
}

TEST_F(CommandsProgram, InfoTellsWhatFilesHold) {
  ASSERT_EQ(vfe("import trial.csv -o data.h5 --drop id").code, 0);
  ASSERT_EQ(vfe("fit fit.toml --quiet").code, 0);
  const Finished dataset = vfe("info data.h5");
  EXPECT_EQ(dataset.code, 0) << dataset.err;
  EXPECT_THAT(dataset.out,
              AllOf(HasSubstr("dataset: data.h5\n400 rows in "), HasSubstr("\n  dose: numbers, 0 to 3.6\n"),
                    HasSubstr("\n  sex: 2 levels: female, male\n"),
                    testing::ContainsRegex("\nmade by: vfe [0-9.]+ import\nsource: trial.csv\n")));
  const Finished result = vfe("info run");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("result: run/result.h5\nusable: "), HasSubstr("\nparameters: intercept, ")));
  const Finished checkpoint =
      vfe("info run/checkpoint." + std::to_string(newest_step(folder.path())) + ".h5");
  EXPECT_EQ(checkpoint.code, 0) << checkpoint.err;
  EXPECT_THAT(
      checkpoint.out,
      HasSubstr(
          ", all stages done\nfit: linear, family auto, synchronous, data data.h5, response ~ dose + sex\n"));
  EXPECT_THAT(vfe("info data.h5 --json").out, HasSubstr("{\n  \"kind\": \"dataset\",\n"));
  EXPECT_EQ(vfe("info trial.csv").code, 65);
  EXPECT_EQ(vfe("info nowhere").code, 66);
}

TEST_F(CommandsProgram, ResumeStartsWhereNothingIsAndEndsWhereAllIsDone) {
  ASSERT_EQ(vfe("import trial.csv -o data.h5 --drop id").code, 0);
  EXPECT_EQ(vfe("fit fit.toml --resume").code, 0);
  const std::string before = hashes(folder.path());
  const Finished again = vfe("fit fit.toml --resume");
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.out, HasSubstr("finished before"));
  EXPECT_EQ(vfe("fit fit.toml --overwrite").code, 0);
  EXPECT_EQ(hashes(folder.path()), before);
}

TEST_F(CommandsProgram, PathsMayHoldBlanks) {
  std::filesystem::create_directory(folder / "my data");
  ASSERT_EQ(vfe("import trial.csv -o 'my data/a b.h5' --drop id").code, 0);
  ASSERT_EQ(vfe("fit fit.toml --set 'data.file=my data/a b.h5' --set 'output.directory=my run'").code, 0);
  EXPECT_EQ(vfe("draws 'my run' -n 10 -o 'my data/m o.h5'").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "my data/m o.h5"));
}

}  // namespace
}  // namespace vfe
