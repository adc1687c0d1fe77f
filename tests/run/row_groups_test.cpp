#include <gmock/gmock.h>

#include <cmath>

#include "run/error_of.hpp"
#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

const std::vector<std::string> everything = {"family.type=auto", "output.log_likelihood=true",
                                             "output.log_prior=true", "output.posterior_predictive=true"};

class RowGroups : public testing::Test {
 protected:
  RowGroups() { write_dataset(folder / "data.h5", small_rows(300, 3)); }
  ResultFile result() const { return read_result(folder / "run" / "result.h5"); }

  TemporaryFolder folder;
};

/// Given a draw, responses are independent normals around its linear predictors: standardised, they are
/// standard normals, over rows and over draws.
TEST_F(RowGroups, SimulatedResponsesAreThoseOfTheirDraws) {
  run_fit(small_config(folder, everything));
  const ResultFile file = result();
  const auto values = [&](const char* group, const char* name, Index size) {
    return Eigen::Map<const Matrix>(file.variable(group, name).values.data(), size, 500);
  };
  const Matrix x = small_rows(300, 3).x;
  Matrix eta = x * values("posterior", "beta_original", 3);
  eta.rowwise() += values("posterior", "intercept_original", 1).row(0);
  const Eigen::ArrayXXd noise = (values("posterior_predictive", "y", 300) - eta).array().rowwise() /
                                values("posterior", "sigma_original", 1).row(0).array();
  EXPECT_NEAR(noise.mean(), 0.0, 4.0 / std::sqrt(150000.0));
  EXPECT_NEAR(noise.square().mean(), 1.0, 4.0 * std::sqrt(2.0 / 150000.0));
  EXPECT_LT((noise.rowwise().mean() * std::sqrt(500.0)).abs().maxCoeff(), 5.0);
  EXPECT_LT((noise.colwise().mean() * std::sqrt(300.0)).abs().maxCoeff(), 5.0);
  EXPECT_EQ(file.variable("observed_data", "y").values.size(), 300U);
}

void expect_same_groups(const ResultFile& found, const ResultFile& expected) {
  ASSERT_EQ(found.groups.size(), expected.groups.size());
  for (std::size_t g = 0; g < found.groups.size(); ++g) {
    ASSERT_EQ(found.groups[g].variables.size(), expected.groups[g].variables.size());
    for (std::size_t v = 0; v < found.groups[g].variables.size(); ++v) {
      EXPECT_EQ(found.groups[g].variables[v].values, expected.groups[g].variables[v].values)
          << found.groups[g].name << " " << found.groups[g].variables[v].name;
    }
  }
}

TEST_F(RowGroups, WhatIsAskedForLaterIsTheSame) {
  run_fit(small_config(folder, everything));
  const ResultFile at_once = result();
  EXPECT_EQ(at_once.groups.size(), 6U);
  run_fit(small_config(folder, {"family.type=auto"}), Existing::overwrite);
  EXPECT_EQ(result().groups.size(), 2U);
  run_fit(small_config(folder, everything), Existing::resume);
  expect_same_groups(result(), at_once);
}

TEST(RowGroupsMpi, AreTheSameBitsAsOfOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_dataset(own / "data.h5", small_rows(300, 3));
  const std::string shared = world.broadcast(own.path().string());
  run_fit(small_config(own, everything), Existing::overwrite);
  std::vector<std::string> overrides = everything;
  overrides.push_back("data.file=" + shared + "/data.h5");
  overrides.push_back("output.directory=" + shared + "/together");
  run_fit(world, small_config(own, overrides), {.existing = Existing::overwrite, .quiet = true});
  expect_same_groups(read_result(shared + "/together/result.h5"), read_result(own / "run" / "result.h5"));
  world.barrier();
}

TEST_F(RowGroups, BeyondTwoGigabytesAreRefusedBeforeFitting) {
  const Config config = small_config(folder, {"output.log_likelihood=true", "output.draws=1000000"});
  EXPECT_THAT(error_of([&] { run_fit(config); }).what(), HasSubstr("2.4 GB"));
  const Config both = small_config(
      folder, {"output.log_likelihood=true", "output.posterior_predictive=true", "output.draws=500000"});
  EXPECT_THAT(error_of([&] { run_fit(both); }).what(),
              HasSubstr("output.log_likelihood and output.posterior_predictive: 500000 draws"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "trace.jsonl"));
}

}  // namespace
}  // namespace vfe
