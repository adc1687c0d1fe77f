#pragma once
#include <memory>

#include "vfe/core/rows.hpp"

namespace vfe {

/// Where a model gets the rows of its shard from, in whole blocks; it need not know whether they are in
/// memory or in a file.
class RowSource {
 public:
  /// Whether a model keeps what it has read, or reads a block anew whenever it needs it, since the shard is
  /// larger than memory.
  enum class Reading { once, each_time };

  virtual ~RowSource() = default;
  virtual const DesignSchema& schema() const = 0;  ///< of the whole dataset
  virtual Index first_block() const = 0;           ///< of the shard, in the dataset
  virtual const Blocks& blocks() const = 0;        ///< of the shard, counted from its first row
  virtual Reading reading() const { return Reading::once; }
  /// The rows of some blocks of the shard, numbered from 0; the caller's to change. Thread-safe. Throws
  /// Fault::data, Fault::io.
  virtual Rows read(const BlockRange& blocks) const = 0;
};

/// Rows that are in memory. Each read copies: who keeps the source beside what was read of it holds both.
/// Throws Fault::bug where the parts of the rows have different shapes.
std::shared_ptr<const RowSource> rows_in_memory(DesignSchema schema, Rows rows);
/// The source of a shard of no blocks.
std::shared_ptr<const RowSource> no_rows(DesignSchema schema);

}  // namespace vfe
