#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Blocks [first, last) of a dataset.
struct BlockRange {
  Index first = 0, last = 0;
  Index size() const { return last - first; }
};

/// The shard of `rank`: a run of blocks, equal within one block, for any number of ranks.
BlockRange shard(Index num_blocks, int rank, int num_ranks);

/// How rows are cut into blocks: block b is the rows [first(b), last(b)), at least one, and the blocks stand
/// one after the other from row 0 on. Blocks of equal length take no memory each.
class Blocks {
 public:
  Blocks() = default;  ///< none
  /// Blocks of `block_rows` rows; the last may be shorter. Throws Fault::bug where there are rows and
  /// block_rows is below 1.
  static Blocks of_equal(Index rows, Index block_rows);
  /// Block b is the rows [offsets[b], offsets[b + 1]). Throws Fault::data, naming the entry, unless the
  /// offsets begin at 0 and each is above the one before.
  static Blocks of_offsets(std::vector<Index> offsets);

  Index num_blocks() const;
  Index num_rows() const { return rows_; }  ///< of all blocks
  Index first(Index block) const;           ///< of num_blocks(): the number of rows
  Index last(Index block) const { return first(block + 1); }
  Index rows(Index block) const { return last(block) - first(block); }
  /// The block that a row belongs to.
  Index block_of(Index row) const;
  /// No block has more rows. Where blocks are equal all but the last have as many.
  Index block_rows() const { return block_rows_; }
  bool are_equal() const { return offsets_.empty(); }
  /// first(b) of every block, then the number of rows.
  std::vector<Index> offsets() const;
  /// Some of the blocks; rows count from the first of them.
  Blocks slice(const BlockRange& range) const;

  bool operator==(const Blocks&) const = default;

 private:
  Index rows_ = 0, block_rows_ = 0;
  std::vector<Index> offsets_;  ///< empty where blocks are equal
};

}  // namespace vfe
