#include "vfe/commands/diagnose.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
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
