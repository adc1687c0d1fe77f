#include "vfe/data/table_match.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TableSchema fitted() {
  return {{{"dose", ColumnType::number},
           {"sex", ColumnType::factor, {"f", "m"}},
           {"count", ColumnType::integer},
           {"hour", ColumnType::factor, {"8", "9", "10.5"}},
           {"fp", ColumnType::matrix, {}, 2},
           {"unused", ColumnType::number},
           {"y", ColumnType::number}}};
}

const WantedColumns wanted{{"dose", "sex", "count", "hour", "fp"}, {"y"}};

TableSchema offered() {
  return {{{"hour", ColumnType::number},
           {"sex", ColumnType::factor, {"m", "x", "f"}},
           {"dose", ColumnType::integer},
           {"count", ColumnType::number},
           {"other", ColumnType::factor, {"a", "b"}},
           {"fp", ColumnType::matrix, {}, 2}}};
}

/// Two rows of it.
TableRows rows() {
  TableRows rows = missing_rows(offered(), 2);
  rows.first_row = 40;
  rows.numbers = TableRows::RowMajor<float>{{9.0f, 7.0f}, {10.5f, NAN}};
  rows.codes << 0, 1, 2, -1;
  rows.integers << 3, TableRows::missing_integer;
  rows.matrices[0] = TableRows::RowMajor<double>{{1, 0}, {0, 1}};
  return rows;
}

std::string refusal(const TableSchema& from, const TableRows& of, NewLevels new_levels = NewLevels::refuse) {
  try {
    TableMatch(from, fitted(), wanted, new_levels, "new.h5")(of);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.what();
  }
  return "accepted";
}

TEST(TableMatch, TakesColumnsAndLevelsByName) {
  const TableRows found = TableMatch(offered(), fitted(), wanted, NewLevels::refuse, "new.h5")(rows());
  EXPECT_EQ(found.first_row, 40);
  const auto& numbers = std::get<TableRows::RowMajor<double>>(found.numbers);
  EXPECT_EQ(numbers(0, 0), 3.0);
  EXPECT_TRUE(std::isnan(numbers(1, 0)));
  EXPECT_TRUE(numbers.rightCols(2).array().isNaN().all());  // unused, and y, which is not there
  EXPECT_EQ(found.codes, (Eigen::MatrixXi{{1, 1}, {0, 2}}));
  EXPECT_EQ(found.integers(0, 0), 7);
  EXPECT_EQ(found.integers(1, 0), TableRows::missing_integer);
  EXPECT_EQ(std::get<TableRows::RowMajor<double>>(found.matrices[0]), (Matrix{{1, 0}, {0, 1}}));
}

TEST(TableMatch, ALevelThatIsNewIsNamedOrTheReference) {
  TableRows of = rows();
  of.codes(1, 0) = 1;
  EXPECT_EQ(
      refusal(offered(), of),
      "row 41: column \"sex\" has the level \"x\", which the fit did not know; the nearest are \"f\", \"m\" "
      "(--new-levels reference takes it for \"f\")");
  EXPECT_EQ(refusal(offered(), of, NewLevels::reference), "accepted");
  of = rows();
  std::get<TableRows::RowMajor<float>>(of.numbers)(0, 0) = 11.0f;
  EXPECT_THAT(refusal(offered(), of), HasSubstr("row 40: column \"hour\" has the level \"11\""));
}

TEST(TableMatch, NewLevelsOfWhatNamesGroupsHaveCodesAfterTheOthers) {
  const TableSchema from = offered();
  TableMatch match(from, fitted(), {{}, {"sex", "hour", "count"}, {"sex", "hour", "count"}},
                   NewLevels::refuse, "new.h5");
  TableRows of = rows();
  of.codes << 1, 1, 2, -1;
  of.numbers = TableRows::RowMajor<float>{{9.0f, 7.0f}, {11.5f, NAN}};
  const TableRows found = match(of);
  EXPECT_EQ(found.codes, (Eigen::MatrixXi{{2, 1}, {0, 3}}));
  EXPECT_EQ(match.level(1, 2), "x");
  EXPECT_EQ(match.level(1, 0), "f");
  EXPECT_EQ(match.level(3, 3), "11.5");
  EXPECT_EQ(match(of).codes, found.codes);
  EXPECT_TRUE(match.has("count"));
  EXPECT_FALSE(match.has("dose"));
  of.numbers = TableRows::RowMajor<float>{{9.0f, 7.5f}, {9.0f, 1.0f}};
  EXPECT_THROW(match(of), RowError);
}

TEST(TableMatch, WhatIsNeededMustBeThereAndOfItsKind) {
  TableSchema from = offered();
  from.columns[2].name = "doses";
  EXPECT_EQ(
      refusal(from, rows()),
      "new.h5: no column \"dose\", which the formula names; the nearest are \"doses\", \"hour\", \"sex\"");
  from = offered();
  from.columns[2] = {"dose", ColumnType::factor, {"low"}};
  EXPECT_THAT(refusal(from, rows()),
              HasSubstr("column \"dose\" is a factor, expected numbers as in the fit"));
  from = offered();
  from.columns[5].width = 3;
  EXPECT_THAT(refusal(from, rows()), HasSubstr("column \"fp\" has a width of 3, expected 2 as in the fit"));
  TableRows half = rows();
  std::get<TableRows::RowMajor<float>>(half.numbers)(0, 1) = 7.5f;
  EXPECT_EQ(refusal(offered(), half), "row 40: column \"count\" is 7.5, expected a whole number");
}

}  // namespace
}  // namespace vfe
