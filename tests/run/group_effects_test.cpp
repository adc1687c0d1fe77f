// Effects of groups in the result of a run.
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "run/error_of.hpp"
#include "run/grouped_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GroupEffectsInResults : public testing::Test {
 protected:
  GroupEffectsInResults() { write_grouped_dataset(folder / "data.h5"); }
  ResultFile result() const { return read_result(folder / "run" / "result.h5"); }

  TemporaryFolder folder;
};

std::vector<std::string> names_of(const Variable& variable) {
  std::vector<std::string> names;
  for (const Dimension& dimension : variable.dimensions) names.push_back(dimension.name);
  return names;
}

std::set<std::string> group_names(const ResultFile& file) {
  std::set<std::string> names;
  for (const Group& group : file.groups) names.insert(group.name);
  return names;
}

TEST_F(GroupEffectsInResults, HaveDrawsAndMomentsByName) {
  run_fit(grouped_config(folder, "logistic", "z ~ x + (1 + x | school) + (1 | colour)"));
  const ResultFile file = result();
  const Variable& draws = file.variable("posterior", "r_school");
  EXPECT_THAT(names_of(draws), ElementsAre("chain", "draw", "school", "school_effect"));
  ASSERT_EQ(draws.dimensions[2].labels.size(), static_cast<std::size_t>(grouped_schools));
  EXPECT_EQ(draws.dimensions[2].labels[0], "1000");
  EXPECT_EQ(draws.dimensions[2].labels[3], "1003");
  EXPECT_THAT(draws.dimensions[3].labels, ElementsAre("intercept", "x"));
  const Variable& mean = file.variable("group_effects", "r_school_mean");
  EXPECT_THAT(names_of(mean), ElementsAre("school", "school_effect"));
  EXPECT_THAT(file.variable("group_effects", "rows_school").values,
              testing::Each(static_cast<double>(grouped_school_rows)));

  const Variable& colour = file.variable("posterior", "r_colour");
  EXPECT_THAT(names_of(colour), ElementsAre("chain", "draw", "colour", "colour_effect"));
  EXPECT_THAT(colour.dimensions[2].labels, ElementsAre("red", "green", "blue"));
  EXPECT_THAT(file.variable("group_effects", "rows_colour").values, ElementsAre(80, 80, 80));
  EXPECT_GT(std::get<std::int64_t>(file.attributes.at("nodes")), 3);

  // Draws have the moments, which are of other draws of theta: within their errors.
  const Variable& sd = file.variable("group_effects", "r_school_sd");
  const Index effects = std::ssize(mean.values), count = 1000;
  const Eigen::Map<const Matrix> values(draws.values.data(), effects, count);
  for (Index i = 0; i < effects; ++i) {
    const auto k = static_cast<std::size_t>(i);
    EXPECT_NEAR(values.row(i).mean(), mean.values[k], 6.0 * sd.values[k] / std::sqrt(256.0));
    const double of_draws = std::sqrt((values.row(i).array() - mean.values[k]).square().mean());
    EXPECT_NEAR(of_draws / sd.values[k], 1.0, 0.25);
  }
  // Those that are parameters are these, draw by draw.
  const Variable& parameters = file.variable("posterior", "b_colour");
  for (std::size_t k = 0; k < 3 * 1000; ++k) EXPECT_NEAR(colour.values[k], parameters.values[k], 1e-12);
}

TEST_F(GroupEffectsInResults, OfInnerGroupsAreNamedByBothKeys) {
  run_fit(grouped_config(folder, "linear", "y ~ x + (1 | school:room)", {"output.draws=100"}));
  const ResultFile file = result();
  const Variable& mean = file.variable("group_effects", "r_school:room_mean");
  EXPECT_THAT(names_of(mean), ElementsAre("school:room", "school:room_effect"));
  ASSERT_EQ(mean.dimensions[0].labels.size(), static_cast<std::size_t>(2 * grouped_schools));
  EXPECT_EQ(mean.dimensions[0].labels[0], "1000:front");
  EXPECT_EQ(mean.dimensions[0].labels[3], "1001:back");
}

TEST_F(GroupEffectsInResults, AreThoseThatTheirRowsShow) {
  run_fit(grouped_config(folder, "linear", "y ~ x + (1 | school)"));
  const ResultFile file = result();
  const std::vector<double>& mean = file.variable("group_effects", "r_school_mean").values;
  const std::vector<double>& sd = file.variable("group_effects", "r_school_sd").values;
  double square = 0.0;
  for (Index g = 0; g < grouped_schools; ++g) {
    const auto k = static_cast<std::size_t>(g);
    square += std::pow((mean[k] - grouped_effect(g)) / sd[k], 2);
  }
  // Chi squared, but for what the effects have in common.
  EXPECT_GT(square, 0.3 * grouped_schools);
  EXPECT_LT(square, 2.5 * grouped_schools);
}

TEST_F(GroupEffectsInResults, OfGroupsLargerThanABlockAreTheSame) {
  const std::vector<std::string> overrides{"output.draws=100"};
  const RunOutcome few = run_fit(grouped_config(folder, "logistic", "z ~ x + (1 | school)", overrides));
  const ResultFile expected = result();
  write_grouped_dataset(folder / "data.h5", grouped_school_rows / 2);
  ASSERT_EQ(Dataset(folder / "data.h5").schema().num_blocks(), grouped_schools);
  const RunOutcome many =
      run_fit(grouped_config(folder, "logistic", "z ~ x + (1 | school)", overrides), Existing::overwrite);
  EXPECT_NEAR(many.fit.verdict.free_energy, few.fit.verdict.free_energy, 1e-6);
  const ResultFile found = result();
  EXPECT_EQ(found.variable("group_effects", "r_school_mean").dimensions[0].labels,
            expected.variable("group_effects", "r_school_mean").dimensions[0].labels);
  for (const char* name : {"r_school_mean", "r_school_sd"}) {
    EXPECT_THAT(
        found.variable("group_effects", name).values,
        testing::Pointwise(testing::DoubleNear(1e-6), expected.variable("group_effects", name).values));
  }
}

void expect_same(const ResultFile& found, const ResultFile& expected) {
  ASSERT_EQ(group_names(found), group_names(expected));
  for (const Group& group : expected.groups)
    for (const Variable& variable : group.variables)
      EXPECT_EQ(found.variable(group.name, variable.name).values, variable.values) << variable.name;
}

TEST_F(GroupEffectsInResults, OfAnotherKeyAreMadeAnew) {
  const std::string formula = "z ~ x + (1 | school) + (1 | colour)";
  run_fit(grouped_config(folder, "logistic", formula));
  const ResultFile at_once = result();
  run_fit(grouped_config(folder, "logistic", formula, {"output.group_effects=none"}), Existing::resume);
  EXPECT_FALSE(group_names(result()).contains("group_effects"));
  EXPECT_THROW(result().variable("posterior", "r_school"), Error);
  run_fit(grouped_config(folder, "logistic", formula, {"output.group_effects=draws"}), Existing::resume);
  expect_same(result(), at_once);
}

TEST_F(GroupEffectsInResults, LogLikelihoodsAreByGroup) {
  run_fit(grouped_config(folder, "logistic", "z ~ x + (1 | school)",
                         {"output.log_likelihood=true", "output.log_prior=true"}));
  const ResultFile file = result();
  const Variable& values = file.variable("log_likelihood", "y");
  EXPECT_THAT(names_of(values), ElementsAre("chain", "draw", "school"));
  EXPECT_EQ(values.dimensions[2].labels[1], "1001");
  EXPECT_FALSE(group_names(file).contains("observed_data"));
  // Together they are the log joint density less the prior's and that of the Jacobian, log sd.
  const auto draws_of = [&](const char* group, const char* name) {
    const std::vector<double>& found = file.variable(group, name).values;
    return Matrix(Eigen::Map<const Matrix>(found.data(), std::ssize(found) / 1000, 1000));
  };
  Eigen::RowVectorXd expected =
      draws_of("sample_stats", "lp") - draws_of("posterior", "sd_school").array().log().matrix();
  for (const char* name : {"intercept", "beta", "sd_school"})
    expected -= draws_of("log_prior", name).colwise().sum();
  const Eigen::Map<const Matrix> by_group(values.values.data(), grouped_schools, 1000);
  EXPECT_LT((by_group.colwise().sum() - expected).cwiseAbs().maxCoeff(), 1e-9);
}

TEST_F(GroupEffectsInResults, WhatCannotBeSaidIsRefusedBeforeFitting) {
  const auto expect_refused = [&](const std::vector<std::string>& overrides, const std::string& expected) {
    const Config config = grouped_config(folder, "logistic", "z ~ x + (1 | school)", overrides);
    EXPECT_THAT(error_of([&] { run_fit(config); }).what(), HasSubstr(expected));
    EXPECT_FALSE(std::filesystem::exists(folder / "run" / "trace.jsonl"));
  };
  expect_refused({"output.posterior_predictive=true"}, "output.posterior_predictive: found true");
  expect_refused({"output.group_effects=draws", "output.draws=10000000"},
                 "output.group_effects: 10000000 draws of 40 effects take 3.2 GB");
  expect_refused({"output.log_likelihood=true", "output.draws=10000000"}, "10000000 draws of 40 groups");
}

TEST(GroupEffectsInResultsMpi, AreTheSameBitsAsOfOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_grouped_dataset(own / "data.h5");
  const std::string shared = world.broadcast(own.path().string());
  const std::string formula = "z ~ x + (1 + x | school) + (1 | colour)";
  std::vector<std::string> overrides{"output.log_likelihood=true", "output.draws=200"};
  run_fit(grouped_config(own, "logistic", formula, overrides), Existing::overwrite);
  overrides.push_back("data.file=" + shared + "/data.h5");
  overrides.push_back("output.directory=" + shared + "/together");
  overrides.push_back("fit.threads=2");
  run_fit(world, grouped_config(own, "logistic", formula, overrides),
          {.existing = Existing::overwrite, .quiet = true});
  expect_same(read_result(shared + "/together/result.h5"), read_result(own / "run" / "result.h5"));
  world.barrier();
}

}  // namespace
}  // namespace vfe
