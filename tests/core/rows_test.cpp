#include "vfe/core/rows.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

/// y ~ x + colour + colour:x, three colours of which the first is the reference.
DesignSchema by_colour() {
  DesignSchema schema;
  for (const char* name : {"x", "colour[green]", "colour[red]", "colour[green]:x", "colour[red]:x"})
    schema.columns.push_back({.name = name});
  schema.terms = {{.name = "x", .column = 0},
                  {.name = "colour", .index = 0, .num_cells = 2, .first_coefficient = 1},
                  {.name = "colour:x", .column = 0, .index = 0, .num_cells = 2, .first_coefficient = 3}};
  return schema;
}

TEST(Design, HasTheNumbersAndIndicesOfItsTerms) {
  EXPECT_EQ(by_colour().num_numbers(), 1);
  EXPECT_EQ(by_colour().num_indices(), 1);
  DesignSchema plain;
  plain.columns.resize(3);
  EXPECT_EQ(plain.num_numbers(), 3);
  EXPECT_EQ(plain.num_indices(), 0);
}

TEST(Design, WrittenOutHasAColumnForEachCoefficient) {
  Rows rows;
  rows.x = Rows::RowMajor<float>(Rows::RowMajor<float>{{2.0f}, {3.0f}, {5.0f}});
  rows.cells.resize(3, 1);
  rows.cells << -1, 0, 1;
  rows.y = Vector::Zero(3);
  const Rows::RowMajor<double> expected{{2, 0, 0, 0, 0}, {3, 1, 0, 3, 0}, {5, 0, 1, 0, 5}};
  EXPECT_EQ(dense_design(by_colour(), rows), expected);
}

}  // namespace
}  // namespace vfe
