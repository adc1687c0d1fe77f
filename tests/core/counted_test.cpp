#include "vfe/core/counted.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(FaultsDCounted, OneIsNotSeveral) {
  EXPECT_EQ(counted(1, "block"), "1 block");
  EXPECT_EQ(counted(0, "block"), "0 blocks");
  EXPECT_EQ(counted(17, "row"), "17 rows");
}

}  // namespace
}  // namespace vfe
