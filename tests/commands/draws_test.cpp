#include "vfe/commands/draws.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/non_centred.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

class Draws : public testing::Test {
 protected:
  Draws() {
    write_dataset(folder / "data.h5", small_rows(300, 2));
    outcome = run_fit(small_config(folder));
    std::filesystem::remove(folder / "data.h5");  // neither model nor data is needed any more
  }
  ResultFile draw(Index count, std::optional<std::uint64_t> seed = {}) const {
    write_draws({folder / "run", folder / "more.h5", count, seed});
    return read_result(folder / "more.h5");
  }

  TemporaryFolder folder;
  RunOutcome outcome;
};

TEST_F(Draws, WithTheFitsSeedTheyAreTheFitsDraws) {
  ASSERT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;
  const ResultFile before = read_result(folder / "run" / "result.h5"), again = draw(500, 1);
  for (const char* name : {"intercept", "beta", "sigma", "intercept_original", "beta_original"}) {
    const Variable &a = before.variable("posterior", name), &b = again.variable("posterior", name);
    ASSERT_EQ(a.values.size(), b.values.size()) << name;
    EXPECT_EQ(a.dimensions, b.dimensions) << name;
    for (std::size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-12) << name;
  }
  const Variable &a = before.variable("sample_stats", "log_q"), &b = again.variable("sample_stats", "log_q");
  for (std::size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-10);
}

TEST_F(Draws, EveryFamilyComesBackFromItsResult) {
  write_dataset(folder / "data.h5", small_rows(300, 2));
  for (const char* family :
       {"type=mean_field", "type=low_rank", "type=mixture", "type=flow", "type=coupling"}) {
    std::vector<std::string> overrides{std::string("family.") + family};
    if (overrides[0] == "family.type=mixture") {
      overrides.insert(overrides.end(), {"family.components=2", "family.component=mean_field"});
    }
    run_fit(small_config(folder, overrides), Existing::overwrite);
    const ResultFile before = read_result(folder / "run" / "result.h5");
    const SavedFit saved = read_saved_fit(folder / "run", WithDraws::yes);
    EXPECT_EQ("type=" + saved.family->name(), family);
    // Resampled draws stand in another order.
    if (std::get<std::int64_t>(before.attributes.at("resampled")) != 0) continue;
    const ResultFile again = draw(500, 1);
    const Variable &a = before.variable("posterior", "beta"), &b = again.variable("posterior", "beta");
    ASSERT_EQ(a.values.size(), b.values.size()) << family;
    for (std::size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-12) << family;
  }
}

TEST_F(Draws, OfAFitOfFewRowsTheyAreOfTheCoefficients) {
  write_dataset(folder / "data.h5", small_rows(7, 6));
  run_fit(small_config(folder, {"family.type=auto"}), Existing::overwrite);
  ResultFile before = read_result(folder / "run" / "result.h5");
  ASSERT_TRUE(before.arrays.contains(conditional_normal_name));
  const ResultFile again = draw(500, 1);
  for (const char* name : {"intercept", "beta", "sigma"}) {
    const Variable &a = before.variable("posterior", name), &b = again.variable("posterior", name);
    ASSERT_EQ(a.values.size(), b.values.size()) << name;
    for (std::size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-9) << name;
  }
  // Of another model.
  before.arrays[conditional_normal_name].conservativeResize(4, Eigen::NoChange);
  write_result(folder / "run" / "result.h5", before);
  try {
    draw(500);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("expected those of 7 coefficients"));
  }
}

TEST_F(Draws, WithoutASeedTheyAreOthersOfTheSameQ) {
  const ResultFile more = draw(4000);
  const SavedFit saved = read_saved_fit(folder / "run", WithDraws::yes);
  const Variable& beta = more.variable("posterior", "beta");
  const Variable& first = saved.file.variable("posterior", "beta");
  EXPECT_NE(beta.values[0], first.values[0]);
  for (Index j = 0; j < 2; ++j) {
    const Eigen::Map<const Matrix> values(beta.values.data(), 2, 4000);
    const double sd = saved.family->standard_deviation(saved.lambda)[1 + j];
    EXPECT_NEAR(values.row(j).mean(), saved.family->mean(saved.lambda)[1 + j], 4.0 * sd / std::sqrt(4000.0));
    const double spread = std::sqrt((values.row(j).array() - values.row(j).mean()).square().mean());
    EXPECT_NEAR(spread / sd, 1.0, 0.05);
  }
}

TEST_F(Draws, OfACertifiedFitHaveItsMoments) {
  write_dataset(folder / "data.h5", small_rows(300, 2));
  const RunOutcome fitted = run_fit(small_config(folder, {"family.type=auto"}), Existing::overwrite);
  ASSERT_EQ(fitted.fit.verdict.grade, Grade::certified) << fitted.fit.verdict.reason;
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>{}, {1}}) {
    const ResultFile more = draw(500, seed);
    const Variable& beta = more.variable("posterior", "beta");
    const Eigen::Map<const Matrix> values(beta.values.data(), 2, 500);
    for (Index j = 0; j < 2; ++j) {
      EXPECT_NEAR(values.row(j).mean(), fitted.fit.moments.mean[1 + j], 1e-9);
      const double squares = (values.row(j).array() - values.row(j).mean()).square().sum();
      EXPECT_NEAR(std::sqrt(squares / 499.0) / fitted.fit.moments.sd[1 + j], 1.0, 1e-9);
      // The fit's own with its seed, others without.
      const double difference = (values.row(j) - fitted.fit.draws.row(1 + j)).cwiseAbs().maxCoeff();
      EXPECT_EQ(difference < 1e-12, seed.has_value());
    }
    EXPECT_EQ(more.groups.size(), 1U);  // nobody knows their densities
  }
  // Ten draws are as they were drawn.
  EXPECT_EQ(draw(8).groups.size(), 2U);
}

TEST_F(Draws, AreOnTheUsersScaleToo) {
  const ResultFile more = draw(10);
  const DesignSchema design = *read_saved_fit(folder / "run", WithDraws::no).design;
  const Variable& beta = more.variable("posterior", "beta");
  const Variable& original = more.variable("posterior", "beta_original");
  for (std::size_t s = 0; s < 10; ++s) {
    for (std::size_t j = 0; j < 2; ++j) {
      EXPECT_NEAR(original.values[2 * s + j],
                  beta.values[2 * s + j] * design.response_scale / design.columns[j].scale, 1e-12);
    }
  }
}

TEST_F(Draws, SayWhatIsMissing) {
  const auto fault_of = [](const DrawsOptions& options) {
    try {
      write_draws(options);
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::bug;
  };
  EXPECT_EQ(fault_of({folder / "nothing", folder / "more.h5", 10, {}}), Fault::missing);
  std::filesystem::create_directory(folder / "empty");
  EXPECT_EQ(fault_of({folder / "empty", folder / "more.h5", 10, {}}), Fault::missing);
  EXPECT_EQ(fault_of({folder / "run", folder / "no/such/more.h5", 10, {}}), Fault::cannot_create);
  EXPECT_EQ(fault_of({folder / "run", folder / "more.h5", 0, {}}), Fault::usage);
}

}  // namespace
}  // namespace vfe
