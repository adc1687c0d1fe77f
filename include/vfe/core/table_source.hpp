#pragma once
#include <memory>

#include "vfe/core/table.hpp"

namespace vfe {

/// Where the rows of a shard of a dataset come from, in whole blocks.
class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual const DatasetSchema& schema() const = 0;  ///< of the whole dataset
  virtual Index first_block() const = 0;            ///< of the shard, in the dataset
  virtual const Blocks& blocks() const = 0;         ///< of the shard, counted from its first row
  /// The rows of some blocks of the shard, numbered from 0. Thread-safe. Throws Fault::data, Fault::io.
  virtual TableRows read(const BlockRange& blocks) const = 0;
};

/// A shard that is in memory: rows from rows.first_block on, cut into `blocks`.
std::shared_ptr<const TableSource> table_in_memory(DatasetSchema schema, TableRows rows, Blocks blocks);
/// A table of which no row is known.
std::shared_ptr<const TableSource> no_table_rows(DatasetSchema schema);

}  // namespace vfe
