#include "vfe/core/blocks.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(Blocks, EqualOnesEndAtTheLastRow) {
  const Blocks blocks = Blocks::of_equal(25, 10);
  EXPECT_TRUE(blocks.are_equal());
  EXPECT_EQ(blocks.num_blocks(), 3);
  EXPECT_EQ(blocks.num_rows(), 25);
  EXPECT_EQ(blocks.block_rows(), 10);
  EXPECT_THAT(blocks.offsets(), ElementsAre(0, 10, 20, 25));
  EXPECT_EQ(blocks.rows(1), 10);
  EXPECT_EQ(blocks.rows(2), 5);
  EXPECT_EQ(Blocks().num_blocks(), 0);
  EXPECT_EQ(Blocks::of_equal(0, 10).num_blocks(), 0);
  EXPECT_EQ(Blocks::of_equal(3, 10).block_rows(), 10);
  EXPECT_THROW(Blocks::of_equal(3, 0), Error);
}

TEST(Blocks, UnequalOnesAreWhereTheirOffsetsSay) {
  const Blocks blocks = Blocks::of_offsets({0, 4, 5, 12, 15});
  EXPECT_FALSE(blocks.are_equal());
  EXPECT_EQ(blocks.num_blocks(), 4);
  EXPECT_EQ(blocks.num_rows(), 15);
  EXPECT_EQ(blocks.block_rows(), 7);
  EXPECT_EQ(blocks.first(2), 5);
  EXPECT_EQ(blocks.last(2), 12);
  EXPECT_EQ(blocks.rows(1), 1);
  EXPECT_EQ(blocks.first(4), 15);
  EXPECT_EQ(Blocks::of_offsets({0, 10, 20, 25}), Blocks::of_equal(25, 10));
  EXPECT_EQ(Blocks::of_offsets({0}), Blocks());
}

TEST(Blocks, EveryRowIsInItsBlock) {
  for (const Blocks& blocks : {Blocks::of_equal(25, 10), Blocks::of_offsets({0, 4, 5, 12, 15})}) {
    for (Index b = 0; b < blocks.num_blocks(); ++b) {
      for (Index row = blocks.first(b); row < blocks.last(b); ++row)
        EXPECT_EQ(blocks.block_of(row), b) << row;
    }
  }
}

TEST(Blocks, SlicesCountFromTheirFirstRow) {
  const Blocks equal = Blocks::of_equal(25, 10), unequal = Blocks::of_offsets({0, 4, 5, 12, 15});
  EXPECT_THAT(equal.slice({1, 3}).offsets(), ElementsAre(0, 10, 15));
  EXPECT_THAT(unequal.slice({1, 4}).offsets(), ElementsAre(0, 1, 8, 11));
  EXPECT_THAT(unequal.slice({2, 3}).offsets(), ElementsAre(0, 7));
  for (const Blocks& blocks : {equal, unequal}) {
    EXPECT_EQ(blocks.slice({0, blocks.num_blocks()}), blocks);
    for (Index at = 0; at <= blocks.num_blocks(); ++at) EXPECT_EQ(blocks.slice({at, at}).num_rows(), 0);
  }
}

TEST(Blocks, DamagedOffsetsAreNamed) {
  const auto refusal = [](std::vector<Index> offsets) {
    try {
      Blocks::of_offsets(std::move(offsets));
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal({}), HasSubstr("found none, expected 0 first"));
  EXPECT_THAT(refusal({1, 2}), HasSubstr("entry 0 is 1, expected 0 first"));
  EXPECT_THAT(refusal({0, 3, 3}), HasSubstr("entry 2 is 3, expected more than the 3 before it"));
  EXPECT_THAT(refusal({0, 3, -1}), HasSubstr("entry 2 is -1"));
}

TEST(Blocks, C3ABlockMayHaveMoreRowsThanCanBeAdded) {
  constexpr Index most = std::numeric_limits<Index>::max();
  for (const Index rows : {Index{1}, Index{5}, most}) {
    const Blocks blocks = Blocks::of_equal(rows, most);
    EXPECT_EQ(blocks.num_blocks(), 1);
    EXPECT_EQ(blocks.first(1), rows);
    EXPECT_EQ(blocks.rows(0), rows);
  }
  EXPECT_EQ(Blocks::of_equal(most, most - 1).num_blocks(), 2);
  EXPECT_EQ(Blocks::of_equal(most, most - 1).rows(1), 1);
}

}  // namespace
}  // namespace vfe
