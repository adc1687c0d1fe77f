#include "vfe/data/level_codes.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(LevelCodes, NewLevelsComeAfterThoseKnown) {
  const std::vector<std::string> known{"red", "green"};
  LevelCodes codes(known);
  EXPECT_EQ(codes.find("green"), 1);
  EXPECT_EQ(codes.find("blue"), -1);
  EXPECT_EQ(codes.add("blue"), 2);
  EXPECT_EQ(codes.add("a"), 3);
  for (int i = 0; i < 1000; ++i) codes.add("level " + std::to_string(i));
  LevelCodes moved(std::move(codes));
  EXPECT_EQ(moved.find("blue"), 2);
  EXPECT_EQ(moved.find("level 999"), 1003);
  EXPECT_EQ(moved.name(0), "red");
  EXPECT_EQ(moved.name(3), "a");
  EXPECT_EQ(moved.name(4), "level 0");
}

}  // namespace
}  // namespace vfe
