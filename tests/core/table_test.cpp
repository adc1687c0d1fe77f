#include "vfe/core/table.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace vfe {
namespace {

TableSchema schema() {
  return {{{"logp", ColumnType::number},
           {"colour", ColumnType::factor, {"red", "green"}},
           {"fp", ColumnType::matrix, {}, 3},
           {"tpsa", ColumnType::number},
           {"rings", ColumnType::integer}}};
}

TEST(Table, SlotsCountColumnsOfOneType) {
  EXPECT_EQ(schema().slots(), (std::vector<Index>{0, 0, 0, 1, 0}));
  EXPECT_EQ(schema().count(ColumnType::number), 2);
  EXPECT_EQ(schema().find("tpsa"), 3);
  EXPECT_EQ(schema().find("Tpsa"), -1);
}

TEST(Table, TypesAndTheirWords) {
  for (const ColumnType type :
       {ColumnType::number, ColumnType::factor, ColumnType::integer, ColumnType::matrix}) {
    EXPECT_EQ(column_type_from_string(to_string(type)), type);
  }
  EXPECT_STREQ(to_string(ColumnType::integer), "integer");
  EXPECT_EQ(column_type_from_string("text"), std::nullopt);
}

TEST(Table, RowsToBeFilledAreMissing) {
  const TableRows rows = missing_rows(schema(), 2);
  Vector values(2);
  rows.read_number(1, values);
  EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]));
  rows.read_integer(0, values);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(rows.codes(1, 0), -1);
  ASSERT_EQ(rows.matrices.size(), 1u);
  Matrix fingerprint(2, 3);
  rows.read_matrix(0, fingerprint);
  EXPECT_TRUE(std::isnan(fingerprint(1, 2)));
}

TEST(Table, RowsBeyondSomeAreTakenAway) {
  TableRows rows = missing_rows(schema(), 3);
  rows.codes.col(0) << 0, 1, 1;
  keep_rows(rows, 2);
  EXPECT_EQ(rows.num_rows, 2);
  EXPECT_EQ(rows.codes, (Eigen::Matrix<std::int32_t, 2, 1>(0, 1)));
  Vector values(2);
  rows.read_number(1, values);
  EXPECT_EQ(rows.integers.rows(), 2);
  Matrix fingerprint(2, 3);
  rows.read_matrix(0, fingerprint);
}

TEST(Table, EitherPrecisionIsReadAsItIsStored) {
  TableRows rows = missing_rows(schema(), 2);
  TableRows::RowMajor<float> x(2, 2);
  x << 0.1f, 2.0f, 3.0f, 4.0f;
  rows.numbers = x;
  rows.integers << 7, TableRows::missing_integer;
  Vector values(2);
  rows.read_number(0, values);
  EXPECT_EQ(values[0], double(0.1f));
  EXPECT_EQ(values[1], 3.0);
  rows.read_integer(0, values);
  EXPECT_EQ(values[0], 7.0);
  EXPECT_TRUE(std::isnan(values[1]));
}

}  // namespace
}  // namespace vfe
