#include "reference/traps.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/temporary_folder.hpp"

namespace vfe {
namespace {

Accuracy fit_trap(const ExactTarget& trap, int seed) {
  const TemporaryFolder folder;
  Config config;
  config.fit.seed = static_cast<std::uint64_t>(seed);
  config.output.directory = (folder / "run").string();
  return fit_exact_target(trap, config);
}

std::string to_text(const Accuracy& found) {
  return fmt::format("{}, mean off by {} sd, sds from {} to {} times the exact ones; {}",
                     to_string(found.grade), found.mean_error, found.sd_low, found.sd_high, found.reason);
}

/// With seeds 1 to `seeds`.
void expect_right_or_flagged(const ExactTarget& trap, int seeds) {
  for (int seed = 1; seed <= seeds; ++seed) {
    const Accuracy found = fit_trap(trap, seed);
    EXPECT_FALSE(found.wrong()) << trap.name << ", seed " << seed << ": " << to_text(found);
  }
}

void expect_right(const ExactTarget& trap, int seeds) {
  for (int seed = 1; seed <= seeds; ++seed) {
    const Accuracy found = fit_trap(trap, seed);
    EXPECT_TRUE(found.right() && trusted(found.grade))
        << trap.name << ", seed " << seed << ": " << to_text(found);
  }
}

std::string name_of(const testing::TestParamInfo<Trap>& trap) {
  return trap.param.name;
}

/// Those of seconds: far modes in 100 dimensions, and starts that meet but one of two, are left to the long
/// suite.
std::vector<Trap> quick_traps() {
  std::vector<Trap> list = traps();
  for (const Trap& trap : far_modes(2)) list.push_back(trap);
  for (const Index d : {20, 100})
    for (const Trap& trap : far_modes(d))
      if (!trap.name.ends_with("_aside")) list.push_back(trap);
  return list;
}

class Traps : public testing::TestWithParam<Trap> {};
TEST_P(Traps, IsRightOrFlagged) {
  const ExactTarget trap = GetParam().make();
  expect_right_or_flagged(trap, trap.model->parameters().size() < 10 ? 3 : 1);
}
INSTANTIATE_TEST_SUITE_P(Each, Traps, testing::ValuesIn(quick_traps()), name_of);

TEST(TrapsSolved, RotatedGaussianOfConditionAMillion) {
  expect_right(rotated_gaussian(100, 1e6, "gauss100_1e6"), 1);
}
TEST(TrapsSolved, PosteriorEqualToItsPrior) {
  expect_right(posterior_equal_to_its_prior(), 3);
}

// More modes than there are chains: nothing can be right within the budget, and the reason is that.
TEST(TrapsRejected, HundredsOfModes) {
  for (int seed = 1; seed <= 3; ++seed) {
    const Accuracy found = fit_trap(hundreds_of_modes(), seed);
    EXPECT_EQ(found.grade, Grade::rejected) << to_text(found);
    EXPECT_FALSE(found.failed) << to_text(found);
    EXPECT_THAT(found.reason,
                testing::AnyOf(testing::HasSubstr("chains disagree"), testing::HasSubstr("modes")))
        << to_text(found);
    EXPECT_LT(found.diagnosis.gradients, 600000);
  }
}

TEST(TrapsRejected, RisingDensity) {
  for (int seed = 1; seed <= 3; ++seed) {
    const Accuracy found = fit_trap(rising_density(), seed);
    EXPECT_EQ(found.grade, Grade::rejected) << to_text(found);
    EXPECT_THAT(found.reason, testing::HasSubstr("x[1]")) << to_text(found);
  }
}

class TrapsLong : public testing::TestWithParam<Trap> {};
TEST_P(TrapsLong, IsRightOrFlaggedTenTimes) {
  expect_right_or_flagged(GetParam().make(), 10);
}
INSTANTIATE_TEST_SUITE_P(Each, TrapsLong, testing::ValuesIn(all_traps()), name_of);

}  // namespace
}  // namespace vfe
