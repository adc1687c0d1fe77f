#include "data/row_order.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// x of x * (odd) = 1 modulo 2^64, by Newton's iteration.
std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t x = odd;  // right in 3 bits
  for (int i = 0; i < 5; ++i) x *= 2 - odd * x;
  return x;
}

/// x of x ^ (x >> shift) = number.
std::uint64_t unshifted(std::uint64_t number, int shift) {
  std::uint64_t x = number;
  for (int known = shift; known < 64; known += shift) x = number ^ (x >> shift);
  return x;
}

TEST(RowOrder, ScramblesWithoutTwoNumbersMeeting) {
  Stream random({.seed = 3});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    for (const std::uint64_t number : {i, i << 52, random()}) {
      std::uint64_t back = unshifted(scrambled(number), 31);
      back = unshifted(back * inverse(0x94d049bb133111eb), 27);
      back = unshifted(back * inverse(0xbf58476d1ce4e5b9), 30);
      EXPECT_EQ(back, number);
    }
  }
}

/// The keys of row 7, line 9, with these cells, grouped by the third and in that by the first.
std::vector<std::uint64_t> keys(std::vector<std::uint64_t> cells, std::uint64_t seed = 1) {
  const RowOrder order(seed, 0.0, {2, 0});
  EXPECT_EQ(order.num_keys(), 4u);
  cells.insert(cells.begin(), order.num_keys(), 0);
  order.set_keys(cells, 7, 9);
  EXPECT_EQ(order.line(cells), 9);
  EXPECT_FALSE(order.is_aside(cells));
  cells.resize(order.num_keys());
  return cells;
}

TEST(RowOrder, KeysAreOfTheGroupsThenOfTheRow) {
  const std::vector<std::uint64_t> one = keys({5, 6, 7});
  EXPECT_EQ(keys({5, 0, 7}), one);  // the cell of no group
  const std::vector<std::uint64_t> of_other_inner = keys({4, 6, 7}), of_other_outer = keys({5, 6, 8});
  EXPECT_EQ(of_other_inner[0], one[0]);
  EXPECT_NE(of_other_inner[1], one[1]);
  EXPECT_NE(of_other_outer[0], one[0]);
  EXPECT_NE(of_other_outer[1], one[1]);  // classes are not in the same order in every school
  EXPECT_EQ(of_other_outer[2], one[2]);
  const std::vector<std::uint64_t> of_other_seed = keys({5, 6, 7}, 2);
  for (const std::size_t k : {0u, 1u, 2u}) EXPECT_NE(of_other_seed[k], one[k]);
}

TEST(RowOrder, GroupsAreInNoOrder) {
  // Of numbers in a row, rises and falls are as frequent; sd of their number is sqrt(n / 12).
  int rises = 0;
  std::set<std::uint64_t> leading;
  for (std::uint64_t group = 0; group < 12000; ++group) {
    rises += keys({0, 0, group})[0] < keys({0, 0, group + 1})[0];
    leading.insert(keys({0, 0, group})[0] >> 56);
  }
  EXPECT_NEAR(rises, 6000, 5 * 32);
  EXPECT_EQ(leading.size(), 256u);  // all buckets of a sorter
}

TEST(RowOrder, SetsTheSameRowsAsideWhateverTheirGroups) {
  const RowOrder plain(1, 0.25, {}), grouped(1, 0.25, {0});
  int aside = 0;
  for (Index row = 0; row < 4000; ++row) {
    std::vector<std::uint64_t> a(3), b(4);
    plain.set_keys(a, row, row);
    grouped.set_keys(b, row, row);
    EXPECT_EQ(a[0], b[1]);
    EXPECT_EQ(plain.is_aside(a), grouped.is_aside(b));
    aside += plain.is_aside(a);
  }
  EXPECT_NEAR(aside, 1000, 5 * 28);
}

}  // namespace
}  // namespace vfe
