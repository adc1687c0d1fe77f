#include "cli/manual.hpp"

#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(Manual, TellsCommandsKeysAndExitCodesAndTakesNoTextForOrders) {
  CLI::App program("does things.", "tool");
  CLI::App* run = program.add_subcommand("run", "Run \\it");
  std::string file, how;
  run->add_option("FILE", file, ".file, 'quoted'")->required();
  run->add_option("--how", how, "The way")->check(CLI::IsMember({"well", "badly"}));
  const std::string page = manual(program, {{"fit", "seed", "a number; default 1", "Seed."}});
  EXPECT_THAT(page, HasSubstr("\n.SS \"\\fBtool run\\fR \\fIFILE\\fR\"\nRun \\eit.\n"));
  EXPECT_THAT(page, HasSubstr("\n\\fIFILE\\fR\n\\&.file, \\(aqquoted\\(aq\n"));
  EXPECT_THAT(page, HasSubstr("\n\\fB\\-\\-how\\fR well|badly\nThe way\n"));
  EXPECT_THAT(page, HasSubstr("\n.SS \"[fit]\"\n.TP\n\\fBseed\\fR\na number; default 1.\nSeed.\n"));
  EXPECT_THAT(page, HasSubstr("\n\\fB75\\fR\nstopped early"));
}

TEST(ManualProgram, IsAPageWithoutFaults) {
  const TemporaryFolder folder;
  const Finished printed = vfe_run(folder.path(), "man");
  ASSERT_EQ(printed.code, 0) << printed.err;
  for (const char* command : {"import", "simulate", "check", "fit", "draws", "predict", "diagnose", "info",
                              "stan build", "schema", "man", "completion"}) {
    EXPECT_THAT(printed.out, HasSubstr("\n.SS \"\\fBvfe " + std::string(command) + "\\fR"));
  }
  // Every line that begins with a dot is one of these.
  std::istringstream lines(printed.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.')) continue;
    EXPECT_THAT(line, testing::MatchesRegex("\\.(TH|SH|SS|TP|B)( .*)?"));
  }
  put(folder / "vfe.1", printed.out);
  const Finished rendered =
      Job(folder.path(), "type groff >/dev/null || exit 77; groff -man -ww -Tutf8 vfe.1").wait();
  if (rendered.code == 77) GTEST_SKIP() << "no groff";
  EXPECT_EQ(rendered.code, 0);
  EXPECT_EQ(rendered.err, "");
  EXPECT_THAT(rendered.out, HasSubstr("stopped early, checkpoint written: run again with --resume\n"));
}

}  // namespace
}  // namespace vfe
