#include "reference/traps.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "run/temporary_folder.hpp"

namespace vfe {
namespace {

Accuracy fit_trap(const ExactTarget& trap) {
  const TemporaryFolder folder;
  Config config;
  config.output.directory = (folder / "run").string();
  return fit_exact_target(trap, config);
}

std::string to_text(const Accuracy& found) {
  return fmt::format("{}, mean off by {} sd, sds from {} to {} times the exact ones; {}",
                     to_string(found.grade), found.mean_error, found.sd_low, found.sd_high, found.reason);
}

void expect_right_or_flagged(const ExactTarget& trap) {
  const Accuracy found = fit_trap(trap);
  EXPECT_FALSE(found.wrong()) << to_text(found);
}

void expect_right(const ExactTarget& trap) {
  const Accuracy found = fit_trap(trap);
  EXPECT_TRUE(found.right() && trusted(found.grade)) << to_text(found);
}

TEST(Traps, Banana) {
  expect_right_or_flagged(banana());
}
TEST(Traps, Funnel) {
  expect_right_or_flagged(funnel());
}
TEST(Traps, TwoModesSixSdApart) {
  expect_right_or_flagged(two_modes_six_sd_apart());
}
TEST(Traps, TwoModesTenSdApart) {
  expect_right_or_flagged(two_modes_ten_sd_apart());
}
TEST(Traps, SpikeInASlab) {
  expect_right_or_flagged(spike_in_a_slab(1));
}
TEST(Traps, SpikeInASlabInThePlane) {
  expect_right_or_flagged(spike_in_a_slab(2));
}
TEST(Traps, StudentWithThreeDegreesOfFreedom) {
  expect_right_or_flagged(student_with_three_degrees_of_freedom());
}
TEST(Traps, BoundaryWithoutATransform) {
  expect_right_or_flagged(boundary_without_a_transform());
}
TEST(Traps, RotatedGaussianOfConditionAMillion) {
  expect_right(rotated_gaussian(100, 1e6, "gauss100_1e6"));
}
TEST(Traps, IllScaledLogistic) {
  expect_right_or_flagged(ill_scaled_logistic());
}
TEST(Traps, FlatDirection) {
  expect_right_or_flagged(flat_direction());
}
TEST(Traps, RegionWithoutADensity) {
  expect_right_or_flagged(region_without_a_density());
}

}  // namespace
}  // namespace vfe
