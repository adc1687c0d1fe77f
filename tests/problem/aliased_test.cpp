#include "problem/aliased.hpp"

#include <gmock/gmock.h>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Index num_rows = 90;

/// y ~ a + b + c + colour, three colours, of which the first is the reference.
DesignSchema schema(bool has_intercept = true) {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(num_rows, 16);
  for (const char* name : {"a", "b", "c", "colour[green]", "colour[red]"})
    schema.columns.push_back({.name = name});
  for (Index j = 0; j < 3; ++j) schema.terms.push_back({.column = j, .first_coefficient = j});
  schema.terms.push_back({.index = 0, .num_cells = 2, .first_coefficient = 3});
  schema.has_intercept = has_intercept;
  return schema;
}

/// Of this rank.
std::vector<std::string> aliased(const Matrix& numbers, const Communicator& comm = Communicator::self(),
                                 bool has_intercept = true) {
  const Blocks blocks = schema().blocks;
  const BlockRange own = shard(blocks.num_blocks(), comm.rank(), comm.size());
  const Index first = blocks.first(own.first), count = blocks.first(own.last) - first;
  Rows rows;
  rows.first_block = own.first;
  rows.first_row = first;
  rows.blocks = blocks.slice(own);
  rows.x = Rows::RowMajor<double>(numbers.middleRows(first, count));
  rows.cells.resize(count, 1);
  for (Index i = 0; i < count; ++i) rows.cells(i, 0) = static_cast<std::int32_t>((first + i) % 3) - 1;
  rows.y = Vector::Zero(count);
  return aliased_coefficients(comm, *rows_in_memory(schema(has_intercept), rows));
}

Matrix normals() {
  Matrix x(num_rows, 3);
  fill_normal({.seed = 8, .purpose = Purpose::simulate}, x);
  return x;
}

TEST(Aliased, NamesTheLastOfColumnsThatAddUp) {
  Matrix x = normals();
  EXPECT_THAT(aliased(x), IsEmpty());
  x.col(2) = 2.0 * x.col(0) - x.col(1);
  EXPECT_THAT(aliased(x), ElementsAre("c"));
  x.col(2).array() += 1e-3 * normals().col(2).array();
  EXPECT_THAT(aliased(x), IsEmpty());
  x.col(1).setConstant(4.0);
  EXPECT_THAT(aliased(x), ElementsAre("b"));
  EXPECT_THAT(aliased(x, Communicator::self(), false), IsEmpty());
  x.col(1).setZero();
  EXPECT_THAT(aliased(x), IsEmpty());
}

TEST(Aliased, KnowsTheIndicatorsOfAFactor) {
  Matrix x = normals();
  for (Index i = 0; i < num_rows; ++i) x(i, 0) = i % 3 == 0 ? 1.0 : 0.0;  // the reference
  EXPECT_THAT(aliased(x), ElementsAre("colour[red]"));
}

TEST(AliasedMpi, AllRanksKnowTheSame) {
  Matrix x = normals();
  x.col(2) = x.col(0) + x.col(1);
  EXPECT_THAT(aliased(x, Communicator::world()), ElementsAre("c"));
}

}  // namespace
}  // namespace vfe
