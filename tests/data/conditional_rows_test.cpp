#include "vfe/data/conditional_rows.hpp"

#include <gmock/gmock.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TableSchema table{{{"y", ColumnType::number},
                         {"dose", ColumnType::number},
                         {"sex", ColumnType::factor, {"f", "m"}},
                         {"age", ColumnType::integer},
                         {"fp", ColumnType::matrix, {}, 2}}};
const std::map<std::string, NumberRange> ranges{{"dose", {0.0, 2.0, 49.0}}, {"age", {20.0, 41.6, 80.0}}};

ConditionalRows grid(const std::vector<std::string>& vary, const std::vector<std::string>& at = {}) {
  return conditional_rows(table, {{"dose", "sex", "age"}, {}}, ranges, vary, at);
}

Vector dose(const TableRows& rows) {
  Vector values(rows.num_rows);
  rows.read_number(1, values);
  return values;
}

std::string refusal(const std::vector<std::string>& vary, const std::vector<std::string>& at = {}) {
  try {
    grid(vary, at);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    return error.what();
  }
  return "accepted";
}

TEST(ConditionalRows, OtherColumnsAreTypical) {
  const ConditionalRows found = grid({"dose=0:10:5"});
  EXPECT_THAT(found.varied, ElementsAre(1));
  EXPECT_EQ(dose(found.rows), (Vector{{0.0, 2.5, 5.0, 7.5, 10.0}}));
  EXPECT_TRUE((found.rows.codes.array() == 0).all());
  EXPECT_TRUE((found.rows.integers.array() == 42).all());
}

TEST(ConditionalRows, EveryCombinationTheLastRunningFastest) {
  const ConditionalRows found = grid({"sex", "dose=1,4,9"}, {"age=30"});
  EXPECT_THAT(found.varied, ElementsAre(2, 1));
  EXPECT_EQ(dose(found.rows), (Vector{{1, 4, 9, 1, 4, 9}}));
  EXPECT_EQ(found.rows.codes.col(0).transpose(), (Eigen::RowVectorXi{{0, 0, 0, 1, 1, 1}}));
  EXPECT_TRUE((found.rows.integers.array() == 30).all());
}

TEST(ConditionalRows, AColumnAloneRunsOverItsRange) {
  const Vector values = dose(grid({"dose"}).rows);
  ASSERT_EQ(values.size(), 50);
  EXPECT_EQ(values[0], 0.0);
  EXPECT_EQ(values[49], 49.0);
  EXPECT_EQ(grid({"sex=m"}).rows.codes(0, 0), 1);
  EXPECT_EQ(dose(grid({}, {"dose=-3"}).rows), (Vector{{-3.0}}));
}

TEST(ConditionalRows, WhatNamesGroupsIsMissingUnlessItIsGiven) {
  const auto of_groups = [](const std::vector<std::string>& vary, const std::vector<std::string>& at) {
    return conditional_rows(table, {{"dose"}, {}, {"sex", "age"}}, ranges, vary, at);
  };
  const ConditionalRows typical = of_groups({"dose=1"}, {});
  EXPECT_EQ(typical.rows.codes(0, 0), -1);
  EXPECT_EQ(typical.rows.integers(0, 0), TableRows::missing_integer);
  EXPECT_THAT(typical.given, ElementsAre("dose"));
  const ConditionalRows given = of_groups({"sex"}, {"age=33"});
  EXPECT_THAT(given.rows.codes.reshaped(), ElementsAre(0, 1));
  EXPECT_THAT(given.rows.integers.reshaped(), ElementsAre(33, 33));
  EXPECT_THAT(given.given, ElementsAre("age", "sex"));
  EXPECT_THROW(of_groups({}, {"age=33.5"}), Error);
}

TEST(ConditionalRows, EachMistakeIsOneLine) {
  EXPECT_EQ(
      refusal({"dosis=1"}),
      "--vary dosis=1: the formula names no column \"dosis\"; the nearest are \"dose\", \"sex\", \"age\"");
  EXPECT_EQ(refusal({"sex=x"}), "--vary sex=x: \"sex\" has no level \"x\"; the nearest are \"f\", \"m\"");
  EXPECT_EQ(refusal({"dose=a"}), "--vary dose=a: found \"a\", expected a number");
  EXPECT_EQ(refusal({"dose=1:2"}), "--vary dose=1:2: expected LOW:HIGH:COUNT");
  EXPECT_THAT(refusal({"dose=1:2:0"}), HasSubstr("found 0 as count"));
  EXPECT_THAT(refusal({"dose=0:1:1000", "age=0:1:2000"}), HasSubstr("more than 1000000 combinations"));
  EXPECT_EQ(refusal({"dose", "dose=1"}), "--vary dose=1: the column is varied already");
  EXPECT_EQ(refusal({}, {"dose"}), "--at dose: expected COLUMN=VALUE");
  EXPECT_EQ(refusal({}, {"dose=1,2"}), "--at dose=1,2: expected one value");
  EXPECT_THROW(conditional_rows(table, {{"fp"}, {}}, ranges, {}, {}), Error);
}

}  // namespace
}  // namespace vfe
