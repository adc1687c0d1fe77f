#include "problem/conditional_normal.hpp"

#include <gtest/gtest.h>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

TEST(ConditionalNormalOfRows, TermsOfCellsAreTheDesignWithItsZeros) {
  constexpr Index n = 9;
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(n, 4);
  schema.terms = {{.name = "a", .index = 0, .num_cells = 3},
                  {.name = "x:a", .column = 0, .index = 0, .num_cells = 3, .first_coefficient = 3},
                  {.name = "x", .column = 0, .first_coefficient = 6}};
  for (const char* name : {"a1", "a2", "a3", "x:a1", "x:a2", "x:a3", "x"})
    schema.columns.push_back({.name = name});
  Rows rows;
  rows.blocks = schema.blocks;
  Matrix x(n, 2);
  fill_normal({.seed = 1}, x);
  rows.x = Rows::RowMajor<double>(x.leftCols(1));
  rows.y = x.col(1);
  rows.weight = Vector::LinSpaced(n, 0.5, 2.0);
  rows.cells.resize(n, 1);
  for (Index i = 0; i < n; ++i) rows.cells(i, 0) = static_cast<std::int32_t>(i % 4) - 1;

  DesignSchema zeros_schema = schema;
  zeros_schema.terms.clear();
  Rows zeros = rows;
  zeros.x = dense_design(schema, rows);
  zeros.cells.resize(0, 0);
  const GlmOptions options{.likelihood = Likelihood::linear, .prior_scale_by_name = {{"x:a2", 0.3}}};
  const auto numbers_of = [&](const DesignSchema& of, const Rows& its) {
    return conditional_normal(Communicator::self(), options, *rows_in_memory(of, its), n).value().numbers();
  };
  const Matrix found = numbers_of(schema, rows);
  EXPECT_EQ(found.rows(), 8 + 2);  // with the intercept
  EXPECT_EQ(found, numbers_of(zeros_schema, zeros));
}

}  // namespace
}  // namespace vfe
