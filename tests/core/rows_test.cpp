#include "vfe/core/rows.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(Shard, CoversEveryBlockOnceAndEvenly) {
  for (const Index blocks : {0, 1, 2, 7, 64, 1000}) {
    for (const int ranks : {1, 2, 3, 7, 64, 1500}) {
      Index next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const BlockRange range = shard(blocks, rank, ranks);
        EXPECT_EQ(range.first, next);
        EXPECT_GE(range.size(), blocks / ranks);
        EXPECT_LE(range.size(), (blocks + ranks - 1) / ranks);
        next = range.last;
      }
      EXPECT_EQ(next, blocks);
    }
  }
}

// So that a step of systematic minibatches (every stride-th block) is as even as the whole.
TEST(Shard, StridedBlocksAreEvenWithinOne) {
  const Index blocks = 640;
  for (const int ranks : {2, 5, 16}) {
    for (Index offset = 0; offset < 10; ++offset) {
      Index fewest = blocks, most = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const BlockRange range = shard(blocks, rank, ranks);
        Index count = 0;
        for (Index b = offset; b < blocks; b += 10) count += b >= range.first && b < range.last;
        fewest = std::min(fewest, count);
        most = std::max(most, count);
      }
      EXPECT_LE(most - fewest, 1);
    }
  }
}

TEST(Schema, BlocksEndAtTheLastRow) {
  Schema schema;
  schema.rows = 25;
  schema.block_rows = 10;
  EXPECT_EQ(schema.num_blocks(), 3);
  EXPECT_EQ(schema.block(1), (std::pair<Index, Index>{10, 20}));
  EXPECT_EQ(schema.block(2), (std::pair<Index, Index>{20, 25}));
  EXPECT_EQ(Schema{}.num_blocks(), 0);
}

}  // namespace
}  // namespace vfe
