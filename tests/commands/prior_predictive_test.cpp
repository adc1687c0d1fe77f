#include "vfe/commands/prior_predictive.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(PriorPredictive, OfALinearModelIsNormalAboutTheMean) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(300, 2);
  rows.y = 50.0 + 10.0 * rows.y.array();
  write_dataset(folder / "data.h5", rows);
  const Config config = small_config(
      folder, {"model.known_sigma=0.001", "model.prior_scale=2", "model.intercept_prior_scale=1"});
  const PriorReport report =
      draw_prior(Communicator::self(), config, {.output = folder / "prior.h5", .draws = 4000});
  EXPECT_EQ(report.rows, 300);
  const ResultFile file = read_result(folder / "prior.h5");
  const std::vector<double>& beta = file.variable("prior", "beta").values;
  double square = 0.0;
  for (const double b : beta) square += b * b / static_cast<double>(beta.size());
  EXPECT_NEAR(std::sqrt(square), 2.0, 0.06);
  // Over rows and draws: variance 1 + 2 * 4 of the standardised response.
  const double sd = std::sqrt((rows.y.array() - rows.y.mean()).square().sum() / 299.0);
  EXPECT_NEAR(report.expected[2], rows.y.mean(), 0.15 * sd);
  const std::vector<double>& y = file.variable("prior_predictive", "y").values;
  ASSERT_EQ(y.size(), 1200000U);
  double second = 0.0;
  for (const double value : y) second += std::pow((value - rows.y.mean()) / sd, 2) / 1200000.0;
  EXPECT_NEAR(second, 9.0, 0.6);
  EXPECT_EQ(file.variable("observed_data", "y").values[299], rows.y[299]);
  EXPECT_THAT(to_text(report), HasSubstr("expected"));
}

TEST(PriorPredictive, OfClassesAreShares) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(300, 2);
  rows.y = (rows.y.array() > 0.0).cast<double>();
  rows.levels = {"no", "yes"};
  write_dataset(folder / "data.h5", rows);
  const PriorReport report = draw_prior(Communicator::self(), small_config(folder, {"model.type=logistic"}),
                                        {.output = folder / "prior.h5", .draws = 2000});
  EXPECT_NEAR(report.expected_shares[0], 0.5, 0.05);
  EXPECT_NEAR(report.observed_shares[1], rows.y.mean(), 1e-12);
  EXPECT_THAT(to_text(report), HasSubstr("yes"));
}

TEST(PriorPredictive, TakesSomeBlocksOfManyRows) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_rows(3000, 1));
  const PriorReport report = draw_prior(Communicator::self(), small_config(folder),
                                        {.output = folder / "prior.h5", .draws = 8, .most_rows = 320});
  EXPECT_EQ(report.rows, 5 * 64);
}

TEST(PriorPredictive, OfAnotherModelIsRefused) {
  Config config;
  config.model.type = "plugin";
  EXPECT_THROW(draw_prior(Communicator::self(), config, {}), Error);
}

TEST(PriorPredictive, OfEffectsOfGroupsIsRefused) {
  const TemporaryFolder folder;
  try {
    draw_prior(Communicator::self(), small_config(folder, {"model.formula=y ~ x1 + (1 | school)"}), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("found effects of groups, \"y ~ x1 + (1 | school)\""));
  }
}

TEST(PriorPredictiveMpi, SameBitsOnAnyNumberOfRanks) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_dataset(own / "data.h5", small_rows(1000, 2));
  const std::string shared = world.broadcast(own.path().string());
  draw_prior(Communicator::self(), small_config(own), {.output = own / "alone.h5", .draws = 16});
  draw_prior(world, small_config(own, {"data.file=" + shared + "/data.h5"}),
             {.output = shared + "/together.h5", .draws = 16});
  world.barrier();
  for (const char* group : {"prior", "prior_predictive"}) {
    const char* name = std::string_view(group) == "prior" ? "beta" : "y";
    EXPECT_EQ(read_result(shared + "/together.h5").variable(group, name).values,
              read_result(own / "alone.h5").variable(group, name).values);
  }
  world.barrier();
}

}  // namespace
}  // namespace vfe
