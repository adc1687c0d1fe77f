// Which stanc translates a program, and what is said where a newer one is needed. The stancs are scripts;
// their complaints are those of stanc 2.32 and 2.35.
#include "stan/stan_translate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.hpp"
#include "vfe/stan/stan_build.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string unknown_type =
    "Syntax error in 'model.stan', line 1, column 13 to column 31, parsing error:\n"
    "   -------------------------------------------------\n"
    "     1:  parameters { sum_to_zero_vector[3] u; }\n"
    "                      ^\n"
    "     2:  model { u ~ normal(0, 1); }\n"
    "   -------------------------------------------------\n"
    "\n"
    "Expected top-level variable declaration or \"}\".\n";

/// A complaint that marks `line`.
std::string complaint(const std::string& line, const std::string& what) {
  return "Semantic error in 'model.stan', line 1:\n   -----------\n     1:  " + line +
         "\n         ^\n   -----------\n\n" + what + "\n";
}

TEST(NewerStanAdvice, NamesTheStanThatBroughtTheWord) {
  const std::string advice = newer_stan_advice(unknown_type, "2.35.0");
  EXPECT_THAT(advice,
              AllOf(HasSubstr("sum_to_zero_vector needs Stan 2.36"), HasSubstr("this stanc is 2.35.0"),
                    HasSubstr("httpstan 4.17"), HasSubstr("CmdStan")));
  EXPECT_THAT(newer_stan_advice(complaint("tuple(real, real) t;", "Invalid type in declaration."), "2.32.2"),
              HasSubstr("tuple needs Stan 2.33"));
}

TEST(NewerStanAdvice, IsForUnknownFunctionsToo) {
  for (const char* what :
       {"A returning function was expected but an undeclared identifier 'sum_to_zero_constrain' was "
        "supplied.",
        "Ill-typed arguments to '~' statement. No function 'yule_simon_lpmf' was found when looking for "
        "distribution 'yule_simon'.",
        "Identifier 'jacobian' not in scope."}) {
    EXPECT_THAT(newer_stan_advice(complaint("x", what), "2.35.0"), HasSubstr("this stanc is 2.35.0")) << what;
    EXPECT_EQ(newer_stan_advice(complaint("x", what), "2.39.0"), "") << what;
  }
}

TEST(NewerStanAdvice, IsNotForWhatIsWrongInAnyStan) {
  EXPECT_EQ(newer_stan_advice(unknown_type, "2.36.0"), "");
  EXPECT_EQ(newer_stan_advice(unknown_type, "2.100.0"), "");
  EXPECT_EQ(newer_stan_advice(unknown_type, ""), "");  // a stanc that does not say
  EXPECT_EQ(newer_stan_advice(complaint("real tuples_of_x", "\";\" expected."), "2.32.0"), "");
  EXPECT_EQ(newer_stan_advice(complaint("x = y;", "Identifier 'y' not in scope."), "2.32.0"), "");
}

class TranslateStan : public testing::Test {
 protected:
  TranslateStan() { put(folder / "model.stan", "parameters { sum_to_zero_vector[3] u; }\n"); }

  /// A stanc of that version, which complains, or, without a complaint, writes its version to the output.
  StanTools stanc(const std::string& version, const std::string& says) {
    const fs::path home = folder / version;
    fs::create_directory(home);
    put(home / "says", says);
    put(home / "stanc", "#!/bin/bash\nif [ \"$1\" = --version ]; then echo 'stanc3 v" + version +
                            " (Unix)'; exit; fi\ncat '" + (home / "says").string() + "' >&2\n[ -s '" +
                            (home / "says").string() + "' ] && exit 1\necho " + version +
                            " > \"${2#--o=}\"\n");
    fs::permissions(home / "stanc", fs::perms::owner_all);
    StanTools tools;
    tools.name = "Stan " + version;
    tools.stanc = home / "stanc";
    return tools;
  }
  StanTranslation translate(const std::vector<StanTools>& choices) {
    return translate_stan(choices, folder / "model.stan", folder / "model.hpp",
                          [this](const std::string& line) { lines.push_back(line); });
  }
  TemporaryFolder folder;
  std::vector<std::string> lines;
};

TEST_F(TranslateStan, TheFirstChoiceIsTakenWhereItCan) {
  const StanTranslation found = translate({stanc("2.35.0", ""), stanc("2.39.0", "")});
  EXPECT_EQ(found.tools.name, "Stan 2.35.0");
  EXPECT_EQ(contents(folder / "model.hpp"), "2.35.0\n");
  EXPECT_THAT(lines, ElementsAre("using stanc3 v2.35.0 (Unix), Stan 2.35.0"));
}

TEST_F(TranslateStan, ANewerOneIsTakenForWhatTheFirstDoesNotKnow) {
  const StanTranslation found =
      translate({stanc("2.35.0", unknown_type), stanc("2.34.1", unknown_type), stanc("2.37.0", "")});
  EXPECT_EQ(found.tools.name, "Stan 2.37.0");
  EXPECT_EQ(contents(folder / "model.hpp"), "2.37.0\n");
  EXPECT_EQ(lines.size(), 2u);  // the older one is not asked
}

TEST_F(TranslateStan, WithoutANewerOneTheErrorSaysSo) {
  try {
    translate({stanc("2.35.0", unknown_type), stanc("2.34.1", unknown_type)});
    FAIL() << "nothing thrown";
  } catch (const StanBuildError& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("model.stan"), HasSubstr("Expected top-level variable"),
                                    HasSubstr("needs Stan 2.36"), testing::Not(HasSubstr("\n"))));
    EXPECT_THAT(error.output(), AllOf(HasSubstr("  ^\n"), HasSubstr("\nsum_to_zero_vector needs Stan 2.36")));
  }
}

TEST_F(TranslateStan, APlainErrorIsNotTriedAgain) {
  const std::string plain = complaint("real mu", "\";\" expected after variable declaration.");
  try {
    translate({stanc("2.35.0", plain), stanc("2.39.0", "")});
    FAIL() << "nothing thrown";
  } catch (const StanBuildError& error) {
    EXPECT_EQ(error.output(), plain);
  }
  EXPECT_EQ(lines.size(), 1u);
}

}  // namespace
}  // namespace vfe
