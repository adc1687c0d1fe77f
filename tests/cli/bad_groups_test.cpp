// Groups of rows that cannot be, or that a fit has to live with.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cli/program.hpp"
#include "cli/refusal.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadGroups : public testing::Test {
 protected:
  BadGroups() {
    std::string table = "g,half,gap,room,one,id,x,y,z,k,n\n";
    for (int i = 0; i < 1200; ++i) {
      const int g = i % 40;
      table += fmt::format("{},{},{},{},same,p{},{},{},{},{},{}\n", g, g + 0.5,
                           i == 700 ? "" : std::to_string(g), i % 3 == 0 ? "back" : "front", i, i * i % 13,
                           0.1 * (i * 7 % 31) + g % 5, i % 2, i % 9, i == 77 ? 3 : 8);
    }
    put(folder / "t.csv", table);
    import("--group g", "data.h5");
  }

  void import(const std::string& options, const std::string& file) const {
    const Finished made = vfe_run(
        folder.path(), "import t.csv --missing keep --overwrite --block-rows 64 " + options + " -o " + file);
    ASSERT_EQ(made.code, 0) << made.err;
  }
  void put_fit(const std::string& model, const std::string& formula, const std::string& more = "",
               const std::string& file = "data.h5") const {
    put(folder / "fit.toml", "[data]\nfile = \"" + file + "\"\n[model]\ntype = \"" + model +
                                 "\"\nformula = \"" + formula + "\"\n" + more +
                                 "\n[output]\ndirectory = \"run\"\ndraws = 200\n");
  }
  void expect_refusal(const std::string& arguments, int code, const std::string& text, int ranks = 0) const {
    vfe::expect_refusal(folder.path(), arguments, code, text, ranks);
  }
  void expect_fit_refused(int code, const std::string& text, int ranks = 0) const {
    expect_refusal("fit fit.toml", code, text, ranks);
    EXPECT_FALSE(std::filesystem::exists(folder / "run" / "config.toml"));
  }

  TemporaryFolder folder;
};

TEST_F(BadGroups, AreNamedByWholeNumbersOrLevels) {
  expect_refusal("import t.csv --drop one --missing keep -o half.h5 --group half", 65,
                 "column \"half\": \"0.5\" names a group, expected a whole number");
  put_fit("linear", "y ~ x + (1 | half)");
  expect_fit_refused(65, "half is ", 2);
  expect_fit_refused(65, ".5, expected a whole number");
  put_fit("linear", "y ~ x + (1 | g + room)");
  expect_fit_refused(78, "g + room names no groups, expected factors or whole numbers, joined by : or /");
  put_fit("linear", "y ~ x + (1 | h)");
  expect_fit_refused(78, "no column \"h\"");
}

TEST_F(BadGroups, AreOfEveryRow) {
  expect_refusal("import t.csv --drop one -o gap.h5 --group gap", 65,
                 "line 702, column \"gap\": missing value");
  put_fit("linear", "y ~ x + (1 | gap)");
  expect_fit_refused(65, "(line 702 of t.csv): gap is missing, expected a whole number", 2);
  import("--group g --factor gap", "levels.h5");
  put_fit("linear", "y ~ x + (1 | gap)", "", "levels.h5");
  expect_fit_refused(65, "(line 702 of t.csv): gap is missing, expected a level", 2);
}

TEST_F(BadGroups, StandTogether) {
  put_fit("linear", "y ~ x + (1 | g:room)");
  expect_fit_refused(65,
                     "data.h5: the rows of each of the groups g:room must stand together, and the dataset's "
                     "are by g: import the table again with vfe import --group g/room",
                     2);
  import("", "any.h5");
  put_fit("linear", "y ~ x + (1 | room/g)", "", "any.h5");
  expect_fit_refused(65,
                     "the dataset's are in any order: import the table again with vfe import --group room/g");
  import("--group room/g", "rooms.h5");
  put_fit("linear", "y ~ x + (1 | g/room)", "", "rooms.h5");
  expect_fit_refused(65,
                     "the dataset's are by room/g: import the table again with vfe import --group g/room");
}

TEST_F(BadGroups, HaveModelsOfSomeResponsesAlone) {
  put_fit("softmax", "k ~ x + (1 | g)");
  expect_fit_refused(78,
                     "no softmax model of effects of the groups g; expected linear, student_t, logistic,");
  put_fit("gamma", "y ~ x + (1 | g)");
  expect_fit_refused(78, "no gamma model of effects of the groups g", 2);
  put_fit("linear", "y ~ x + (1 | g)", "prior = \"horseshoe\"");
  expect_fit_refused(78, "found a horseshoe prior beside effects of groups");
  put_fit("binomial", "k | trials(n) ~ x + (1 | g)");
  expect_fit_refused(
      65,
      "(line 79 of t.csv): response \"k\" is 5, expected a count 0, 1, 2, ... that is not above its trials");
}

TEST_F(BadGroups, HaveAFewEffects) {
  put_fit("logistic", "z ~ x + (x + k + n | g)");
  expect_fit_refused(
      78, "4 effects of the groups g, which cannot be integrated: expected at most 3 for a logistic");
  import("--group g/room", "nested.h5");
  put_fit("logistic", "z ~ x + (1 + x | g/room)", "", "nested.h5");
  expect_fit_refused(78, "4 effects of the groups g:room and g, which cannot be integrated");
  put_fit("linear", "y ~ x + (poly(half, 16) | g)");
  expect_fit_refused(
      78, "17 effects of the groups g, which cannot be integrated: expected at most 16 for a linear");
}

TEST_F(BadGroups, BesideOthersAreFew) {
  put_fit("linear", "y ~ x + (1 | g) + (1 | n)");
  expect_fit_refused(
      78,
      "effects of the groups n beside those of g, which are integrated: expected a factor of at most 2000 "
      "levels, whose effects are parameters, found groups without a list of levels");
}

TEST_F(BadGroups, AreNamedInPriorsAsInTheFormula) {
  put_fit("linear", "y ~ x + (1 + x | g)", "group_prior = { gg = \"exponential\" }");
  expect_fit_refused(78, "group_prior.gg names no groups or effect of groups of the formula", 2);
  put_fit("linear", "y ~ x + (1 + x | g)", "group_prior_scale = { \"g[k]\" = 2 }");
  expect_fit_refused(78, "group_prior_scale.g[k] names no groups or effect of groups of the formula");
  put_fit("linear", "y ~ x + (1 + x | g)", "correlation_prior = { \"g[x]\" = 2 }");
  expect_fit_refused(78, "correlation_prior.g[x] names no groups of the formula");
  put_fit("linear", "y ~ x", "group_prior_scale = 2");
  expect_fit_refused(
      78, "fit.toml:6: model.group_prior_scale does not apply here: only with effects of groups, (1 | g)");
}

TEST_F(BadGroups, OfOneAreNoted) {
  import("--group one", "one.h5");
  put_fit("linear", "y ~ x + (1 | one)", "", "one.h5");
  const Finished found = vfe_run(folder.path(), "check fit.toml", 2);
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out,
              HasSubstr("one has one group, so that its effects are not told from the coefficients"));
}

}  // namespace
}  // namespace vfe
