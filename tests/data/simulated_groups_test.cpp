#include "data/simulated_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Columns a, b, c of 3, 40, 7 groups; b is of whole numbers.
const std::map<std::string, Index> levels = {{"a", 3}, {"b", 40}, {"c", 7}};
TableSchema table() {
  return {{{.name = "a", .type = ColumnType::factor, .levels = {"u", "v", "w"}},
           {.name = "b", .type = ColumnType::integer},
           {.name = "c", .type = ColumnType::factor, .levels = {"1", "2", "3", "4", "5", "6", "7"}},
           {.name = "x"},
           {.name = "y"}}};
}

SimulatedGroups groups(const std::string& terms, Index rows = 1000) {
  return {expand_terms(parse_formula("y ~ x + " + terms), table()).effects, table(), levels, rows, 1};
}

TableRows all_rows(const SimulatedGroups& of, Index rows) {
  TableRows all = missing_rows(table(), rows);
  of.set(all);
  return all;
}

TEST(SimulatedGroups, RowsStandInTheGroupingOfMostGroups) {
  EXPECT_THAT(groups("x").columns(), IsEmpty());
  EXPECT_THAT(groups("(1 | a)").columns(), ElementsAre(0));
  EXPECT_THAT(groups("(1 | a) + (x | b) + (1 | c)").columns(), ElementsAre(1));
  EXPECT_THAT(groups("(1 | c / a)").columns(), ElementsAre(2, 0));
  EXPECT_THAT(groups("(1 | a / b / c)").columns(), ElementsAre(0, 1, 2));
  EXPECT_THAT(groups("(1 | b) + (1 | a / c)").columns(), ElementsAre(1));
  EXPECT_THAT(groups("(1 | a) + (1 | b) + (1 | a:b)").columns(), ElementsAre(1, 0));
  EXPECT_THAT(groups("(1 | a:c)").columns(), ElementsAre(0, 2));
}

TEST(SimulatedGroups, EachHasARunOfRowsOfAHalfToOneAndAHalfOfItsShare) {
  const SimulatedGroups of = groups("(1 | b)", 4000);
  const TableRows rows = all_rows(of, 4000);
  std::vector<Index> sizes(40);
  for (Index row = 0; row < 4000; ++row) {
    const Index group = rows.integers(row, 0) - 1;
    ++sizes.at(static_cast<std::size_t>(group));
    EXPECT_GE(group, row == 0 ? 0 : rows.integers(row - 1, 0) - 1);
  }
  for (const Index size : sizes) {
    EXPECT_GE(size, 49);
    EXPECT_LE(size, 151);
  }
  EXPECT_LT(*std::ranges::min_element(sizes), 80);
  EXPECT_GT(*std::ranges::max_element(sizes), 120);
  EXPECT_THAT(rows.codes.reshaped(), testing::Each(-1));
}

TEST(SimulatedGroups, NeedNoRowsButTheirOwn) {
  const SimulatedGroups of = groups("(1 | b / c)");
  const TableRows rows = all_rows(of, 1000);
  for (const Index first : {0, 1, 17, 500, 999}) {
    TableRows some = missing_rows(table(), std::min<Index>(60, 1000 - first));
    some.first_row = first;
    of.set(some);
    EXPECT_EQ(some.integers, rows.integers.middleRows(first, some.num_rows));
    EXPECT_EQ(some.codes, rows.codes.middleRows(first, some.num_rows));
  }
}

TEST(SimulatedGroups, OfOneRowEach) {
  const TableRows rows = all_rows(groups("(1 | b)", 40), 40);
  EXPECT_GE(rows.integers(0, 0), 1);
  EXPECT_LE(rows.integers(39, 0), 40);
  for (Index row = 1; row < 40; ++row) EXPECT_GE(rows.integers(row, 0), rows.integers(row - 1, 0));
  try {
    groups("(1 | b)", 39);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("40 groups of b in 39 rows"));
  }
}

TEST(SimulatedGroups, ShareTheRowsOfOneFurtherOutside) {
  const TableRows rows = all_rows(groups("(1 | a / c)", 700), 700);
  for (Index row = 1; row < 700; ++row) {
    if (rows.codes(row, 0) == rows.codes(row - 1, 0)) {
      EXPECT_GE(rows.codes(row, 1), rows.codes(row - 1, 1));
    } else {
      EXPECT_EQ(rows.codes(row, 1), 0);
      EXPECT_EQ(rows.codes(row - 1, 1), 6);
    }
  }
  for (int a = 0; a < 3; ++a) {
    const auto in_a = (rows.codes.col(0).array() == a).eval();
    for (int c = 0; c < 7; ++c) {
      const Index count = (in_a && rows.codes.col(1).array() == c).count();
      EXPECT_NEAR(static_cast<double>(count), static_cast<double>(in_a.count()) / 7.0, 1.0);
    }
  }
}

TEST(SimulatedGroups, BlocksEndWhereAGroupDoes) {
  const SimulatedGroups of = groups("(1 | b / a)", 2000);
  const TableRows rows = all_rows(of, 2000);
  for (const Index block_rows : {1, 30, 100, 2000, 5000}) {
    Index first = 0;
    std::vector<Index> expected = {0};  // at the first end at or past block_rows
    for (Index row = 1; row <= 2000; ++row) {
      const bool is_end = row == 2000 || rows.integers(row, 0) != rows.integers(row - 1, 0);
      if (!is_end || (row - first < block_rows && row < 2000)) continue;
      expected.push_back(row);
      first = row;
    }
    EXPECT_EQ(of.blocks(block_rows).offsets(), expected) << block_rows;
  }
  EXPECT_EQ(groups("x").blocks(30), Blocks::of_equal(1000, 30));
}

}  // namespace
}  // namespace vfe
