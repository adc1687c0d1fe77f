#include "vfe/problem/group_names.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(GroupNames, AreLevelsOrNumbersOfAllKeys) {
  DatasetSchema schema;
  schema.table.columns = {{"school", ColumnType::integer}, {"room", ColumnType::factor, {"front", "back"}}};
  const std::int64_t codes[] = {-1003, 1}, unknown[] = {5, 2};
  EXPECT_EQ(GroupNames({"school", "room"}, schema).name(codes), "-1003:back");
  EXPECT_EQ(GroupNames({"room"}, schema).name(codes + 1), "back");
  EXPECT_EQ(GroupNames({"school", "room"}, schema).name(unknown), "5:2");
  EXPECT_EQ(GroupNames({"school", "room"}, std::nullopt).name(codes), "-1003:1");
}

}  // namespace
}  // namespace vfe
