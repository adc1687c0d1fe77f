#include "vfe/commands/diagnose.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "run/grouped_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/run/result_attributes.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;

TEST(Diagnose, TellsVerdictAndCoefficientsOnTheUsersScale) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(300, 2);
  rows.names = {"age", "x2"};
  rows.x.col(0) = 40.0 + 10.0 * rows.x.col(0).array();
  write_dataset(folder / "data.h5", rows);
  const RunOutcome outcome = run_fit(small_config(folder));
  const Diagnosis diagnosis = diagnose(folder / "run");
  EXPECT_EQ(diagnosis.verdict.grade, outcome.fit.verdict.grade);
  EXPECT_EQ(diagnosis.verdict.free_energy, outcome.fit.verdict.free_energy);
  EXPECT_EQ(diagnosis.lambda_hash, hexadecimal(outcome.lambda_hash));
  EXPECT_EQ(diagnosis.draws_hash, hexadecimal(outcome.draws_hash));
  EXPECT_GT(diagnosis.gradients, diagnosis.gradients_sequential);

  std::vector<std::string> names;
  for (const Coefficient& coefficient : diagnosis.coefficients) names.push_back(coefficient.name);
  EXPECT_THAT(names, ElementsAre("intercept", "beta[age]", "beta[x2]", "sigma"));
  const Coefficient& age = diagnosis.coefficients[1];
  EXPECT_NEAR(age.mean, 0.025, 0.02);  // 0.25 per sd of 10
  EXPECT_NEAR(age.low, age.mean - 1.645 * age.sd, 0.2 * age.sd);
  EXPECT_NEAR(age.high, age.mean + 1.645 * age.sd, 0.2 * age.sd);
}

TEST(Diagnose, TellsGroupsApartFromCoefficients) {
  const TemporaryFolder folder;
  write_grouped_dataset(folder / "data.h5");
  run_fit(grouped_config(folder, "linear", "y ~ x + (1 | school) + (1 | colour)"));
  const Diagnosis diagnosis = diagnose(folder / "run");
  std::vector<std::string> names;
  for (const Coefficient& coefficient : diagnosis.coefficients) names.push_back(coefficient.name);
  EXPECT_THAT(names, ElementsAre("intercept", "beta[x]", "sigma"));
  EXPECT_EQ(diagnosis.nodes, 0);  // exactly
  ASSERT_EQ(diagnosis.groupings.size(), 2U);
  const GroupingDiagnosis& school = diagnosis.groupings[0];
  EXPECT_EQ(school.name, "school");
  EXPECT_TRUE(school.integrated);
  EXPECT_EQ(school.groups, grouped_schools);
  EXPECT_EQ(school.fewest, grouped_school_rows);
  EXPECT_EQ(school.most, grouped_school_rows);
  ASSERT_EQ(school.components.size(), 1U);
  EXPECT_EQ(school.components[0].name, "sd_school[intercept]");
  EXPECT_NEAR(school.components[0].mean, 1.0, 0.4);
  // 1 / (1 + 0.49)
  EXPECT_NEAR(school.share.value().mean, 0.67, 0.15);
  EXPECT_GT(school.share->low, 0.4);
  ASSERT_EQ(school.extremes.size(), 10U);
  std::vector<double> truth;
  for (Index g = 0; g < grouped_schools; ++g) truth.push_back(std::abs(grouped_effect(g)));
  std::ranges::sort(truth, std::greater());
  for (std::size_t i = 0; i < 10; ++i) {
    const GroupingDiagnosis::Extreme& extreme = school.extremes[i];
    if (i > 0) {
      EXPECT_LE(std::abs(extreme.mean), std::abs(school.extremes[i - 1].mean));
    }
    EXPECT_NEAR(extreme.mean, grouped_effect(std::stol(extreme.group) - 1000), 5.0 * extreme.sd);
    EXPECT_GT(std::abs(grouped_effect(std::stol(extreme.group) - 1000)), truth[20]);
  }
  EXPECT_FALSE(diagnosis.groupings[1].integrated);
  EXPECT_EQ(diagnosis.groupings[1].groups, 3);
  EXPECT_EQ(diagnosis.groupings[1].most, 80);
}

TEST(Diagnose, SaysWhyThereIsNoShareOfTheVariance) {
  const TemporaryFolder folder;
  write_grouped_dataset(folder / "data.h5");
  run_fit(grouped_config(folder, "student_t", "y ~ x + (1 | school)", {"output.group_effects=none"}));
  const Diagnosis diagnosis = diagnose(folder / "run");
  const GroupingDiagnosis& school = diagnosis.groupings.at(0);
  EXPECT_FALSE(school.share);
  EXPECT_THAT(school.share_of, testing::HasSubstr("a student_t response has no residual variance"));
  EXPECT_TRUE(school.extremes.empty());
  EXPECT_EQ(school.groups, 0);
}

TEST(Diagnose, RefusesAResultThatLacksAPart) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_rows(300, 2));
  run_fit(small_config(folder));
  const std::filesystem::path path = folder / "run" / "result.h5";
  const ResultFile whole = read_result(path);
  for (const std::string name : {"stages", "config", "parameters"}) {
    ResultFile less = whole;
    less.texts.erase(name);
    write_result(path, less);
    EXPECT_THAT(([&] { diagnose(path); }),
                testing::ThrowsMessage<Error>(testing::HasSubstr("/vfe/" + name + " is missing")));
  }
}

}  // namespace
}  // namespace vfe
