// What bash makes of the script that the program prints.
#include "cli/completion.hpp"

#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class CompletionProgram : public testing::Test {
 protected:
  /// What is offered for the last of the words.
  std::vector<std::string> offers(const std::string& words) {
    put(folder / "ask.sh",
        "set -eu\n. <(" + std::string(VFE_PROGRAM) + " completion bash)\nCOMP_WORDS=(vfe " + words +
            ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_vfe\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    const Finished finished = Job(folder.path(), "bash ask.sh").wait();
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.err, "");
    std::vector<std::string> list;
    std::istringstream text(finished.out);
    for (std::string line; std::getline(text, line);) {
      if (!line.empty()) list.push_back(line);
    }
    return list;
  }

  TemporaryFolder folder;
};

TEST_F(CompletionProgram, CompletesSubcommandsAndOptions) {
  EXPECT_THAT(offers("di"), ElementsAre("diagnose"));
  EXPECT_THAT(offers("''"), IsSupersetOf({"import", "fit", "stan", "info"}));
  EXPECT_THAT(offers("--ver"), ElementsAre("--version"));
  EXPECT_THAT(offers("fit --re"), ElementsAre("--resume"));
  EXPECT_THAT(offers("import a.csv --mis"), ElementsAre("--missing"));
  EXPECT_THAT(offers("diagnose -"), Contains("--json"));
  EXPECT_THAT(offers("diagnose -"), Not(Contains("--resume")));
  EXPECT_THAT(offers("stan ''"), ElementsAre("build"));
  EXPECT_THAT(offers("stan build --cxx"), ElementsAre("--cxxflags"));
}

TEST_F(CompletionProgram, CompletesKeysAndWords) {
  EXPECT_THAT(offers("fit fit.toml --set fit.max_t"), ElementsAre("fit.max_time="));
  EXPECT_THAT(offers("check fit.toml --set model.t"), Contains("model.type="));
  EXPECT_THAT(offers("import a.csv --encoding l"), ElementsAre("latin1"));
  EXPECT_THAT(offers("simulate logi"), ElementsAre("logistic"));
  EXPECT_THAT(offers("completion ''"), ElementsAre("bash"));
}

TEST_F(CompletionProgram, LeavesFilesToTheShell) {
  EXPECT_THAT(offers("fit fit"), IsEmpty());
  EXPECT_THAT(offers("diagnose ''"), IsEmpty());
  EXPECT_THAT(offers("nosuch -"), IsEmpty());
}

}  // namespace
}  // namespace vfe
