#include "vfe/run/diagnose.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "run/small_fit.hpp"
#include "vfe/run/saved_fit.hpp"
#include "vfe/statistics/quantile.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Diagnose, TellsVerdictAndCoefficientsOnTheUsersScale) {
  const TemporaryFolder folder;
  Schema schema = small_schema(2);
  schema.columns[0] = numeric("age", 40.0, 10.0);
  write_dataset(folder / "data.h5", schema, small_rows(300, 2));
  const RunOutcome outcome = run_fit(small_config(folder));
  const Diagnosis diagnosis = diagnose(folder / "run");
  EXPECT_EQ(diagnosis.verdict.grade, outcome.fit.verdict.grade);
  EXPECT_EQ(diagnosis.verdict.free_energy, outcome.fit.verdict.free_energy);
  EXPECT_EQ(diagnosis.lambda_hash, hexadecimal(outcome.lambda_hash));
  EXPECT_GT(diagnosis.gradients, diagnosis.gradients_sequential);

  std::vector<std::string> names;
  for (const Coefficient& coefficient : diagnosis.coefficients) names.push_back(coefficient.name);
  EXPECT_THAT(names, ElementsAre("intercept", "beta[age]", "beta[x2]", "sigma"));
  const Coefficient& age = diagnosis.coefficients[1];
  EXPECT_NEAR(age.mean, 0.025, 0.02);  // 0.25 per sd of 10
  EXPECT_NEAR(age.low, age.mean - 1.645 * age.sd, 0.2 * age.sd);
  EXPECT_NEAR(age.high, age.mean + 1.645 * age.sd, 0.2 * age.sd);

  const std::string text = to_text(diagnosis);
  EXPECT_THAT(text, HasSubstr(to_string(outcome.fit.verdict.grade) + ": " + outcome.fit.verdict.reason));
  EXPECT_THAT(text, HasSubstr("\nbeta[age] "));
  const nlohmann::json json = nlohmann::json::parse(to_json(diagnosis));
  EXPECT_EQ(json["verdict"], to_string(outcome.fit.verdict.grade));
  EXPECT_EQ(json["draws_hash"], hexadecimal(outcome.draws_hash));
  EXPECT_EQ(json["coefficients"][1]["name"], "beta[age]");
  EXPECT_EQ(json["coefficients"][1]["mean"], age.mean);
}

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> values = {1.0, 2.0, 4.0, 8.0, 16.0};  // numpy.quantile gives the same
  EXPECT_EQ(sorted_quantile(values, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(sorted_quantile(values, 0.05), 1.2);
  EXPECT_EQ(sorted_quantile(values, 0.5), 4.0);
  EXPECT_DOUBLE_EQ(sorted_quantile(values, 0.9), 12.8);
  EXPECT_EQ(sorted_quantile(values, 1.0), 16.0);
  EXPECT_EQ(sorted_quantile(std::vector<double>{3.0}, 0.95), 3.0);
}

}  // namespace
}  // namespace vfe
