#include "vfe/core/counted.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(FaultsDCounted, OneIsNotSeveral) {
  EXPECT_EQ(counted(1, "block"), "1 block");
  EXPECT_EQ(counted(0, "block"), "0 blocks");
  EXPECT_EQ(counted(17, "row"), "17 rows");
}

TEST(Listed, ShowsNoMoreThanAReaderWouldRead) {
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed({"a", "b", "c"}, 3), "a, b, c");
  EXPECT_EQ(listed({"a", "b", "c"}, 2), "a, b, ... (3 in all)");
}

}  // namespace
}  // namespace vfe
