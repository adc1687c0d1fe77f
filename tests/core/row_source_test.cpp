#include "vfe/core/row_source.hpp"

#include <gmock/gmock.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

/// Rows 100, 101, ... of a dataset: its blocks 7 to 9.
Rows some_rows() {
  Rows rows;
  rows.first_row = 100;
  rows.first_block = 7;
  rows.blocks = Blocks::of_offsets({0, 2, 3, 8});
  rows.x = Rows::RowMajor<float>(Rows::RowMajor<float>::Random(8, 2));
  rows.y = Vector::LinSpaced(8, 0.0, 7.0);
  rows.weight = Vector::LinSpaced(8, 1.0, 2.0);
  return rows;
}

DesignSchema two_columns() {
  DesignSchema schema;
  schema.columns.resize(2);
  return schema;
}

TEST(RowsInMemory, AreReadInBlocks) {
  const Rows rows = some_rows();
  const auto& x = std::get<Rows::RowMajor<float>>(rows.x);
  const auto source = rows_in_memory(two_columns(), rows);
  EXPECT_EQ(source->first_block(), 7);
  EXPECT_EQ(source->blocks(), rows.blocks);
  EXPECT_EQ(source->reading(), RowSource::Reading::once);
  for (const BlockRange range : {BlockRange{0, 3}, BlockRange{1, 2}, BlockRange{2, 3}, BlockRange{3, 3}}) {
    const Rows read = source->read(range);
    const Index first = rows.blocks.first(range.first), size = rows.blocks.first(range.last) - first;
    EXPECT_EQ(read.first_row, 100 + first);
    EXPECT_EQ(read.first_block, 7 + range.first);
    EXPECT_EQ(read.blocks, rows.blocks.slice(range));
    EXPECT_EQ(std::get<Rows::RowMajor<float>>(read.x), x.middleRows(first, size));
    EXPECT_EQ(read.y, rows.y.segment(first, size));
    EXPECT_EQ(read.offset.size(), 0);
    EXPECT_EQ(read.weight, rows.weight.segment(first, size));
  }
}

TEST(RowsInMemory, OfDifferentShapesAreABug) {
  const auto refusal = [](void (*change)(Rows&)) {
    Rows rows = some_rows();
    change(rows);
    try {
      rows_in_memory(two_columns(), rows);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::bug);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal([](Rows& rows) { rows.y.resize(7); }), HasSubstr("7 responses"));
  EXPECT_THAT(refusal([](Rows& rows) { rows.x = Rows::RowMajor<double>(8, 3); }), HasSubstr("x is 8 x 3"));
  EXPECT_THAT(refusal([](Rows& rows) { rows.offset.resize(9); }), HasSubstr("9 offsets"));
  EXPECT_THAT(refusal([](Rows& rows) { rows.blocks = Blocks::of_equal(9, 3); }),
              HasSubstr("9 rows in blocks"));
}

TEST(RowsInMemory, MayBeNone) {
  const auto source = no_rows(two_columns());
  EXPECT_EQ(source->blocks().num_blocks(), 0);
  EXPECT_EQ(source->read({0, 0}).size(), 0);
}

}  // namespace
}  // namespace vfe
