#include "vfe/core/blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {

BlockRange shard(Index num_blocks, int rank, int num_ranks) {
  return {num_blocks * rank / num_ranks, num_blocks * (rank + 1) / num_ranks};
}

Blocks Blocks::of_equal(Index rows, Index block_rows) {
  if (rows < 0 || block_rows < 0 || (rows > 0 && block_rows == 0)) {
    throw Error(Fault::bug, fmt::format("cutting {} rows into blocks of {}", rows, block_rows));
  }
  Blocks blocks;
  blocks.rows_ = rows;
  blocks.block_rows_ = block_rows;
  return blocks;
}

Blocks Blocks::of_offsets(std::vector<Index> offsets) {
  if (offsets.empty() || offsets.front() != 0) {
    throw Error(Fault::data,
                fmt::format("block offsets: {}, expected 0 first",
                            offsets.empty() ? "found none" : fmt::format("entry 0 is {}", offsets.front())));
  }
  Index most = 0;
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] <= offsets[i - 1]) {
      throw Error(Fault::data,
                  fmt::format("block offsets: entry {} is {}, expected more than the {} before it", i,
                              offsets[i], offsets[i - 1]));
    }
    most = std::max(most, offsets[i] - offsets[i - 1]);
  }
  const Blocks equal = of_equal(offsets.back(), most);
  if (equal.offsets() == offsets) return equal;
  Blocks blocks = equal;
  blocks.offsets_ = std::move(offsets);
  return blocks;
}

Index Blocks::num_blocks() const {
  if (!are_equal()) return static_cast<Index>(offsets_.size()) - 1;
  return rows_ == 0 ? 0 : (rows_ - 1) / block_rows_ + 1;
}

Index Blocks::first(Index block) const {
  if (!are_equal()) return offsets_[static_cast<std::size_t>(block)];
  return block < num_blocks() ? block * block_rows_ : rows_;
}

Index Blocks::block_of(Index row) const {
  if (are_equal()) return row / block_rows_;
  return std::upper_bound(offsets_.begin(), offsets_.end(), row) - offsets_.begin() - 1;
}

std::vector<Index> Blocks::offsets() const {
  if (!are_equal()) return offsets_;
  std::vector<Index> all;
  for (Index b = 0; b <= num_blocks(); ++b) all.push_back(first(b));
  return all;
}

Blocks Blocks::slice(const BlockRange& range) const {
  if (are_equal()) return of_equal(first(range.last) - first(range.first), block_rows_);
  std::vector<Index> some(offsets_.begin() + range.first, offsets_.begin() + range.last + 1);
  for (Index& offset : some) offset -= first(range.first);
  return of_offsets(std::move(some));
}

}  // namespace vfe
