#include "vfe/core/table_source.hpp"

#include <utility>

namespace vfe {
namespace {

class TableInMemory final : public TableSource {
 public:
  TableInMemory(DatasetSchema schema, TableRows rows, Blocks blocks)
      : schema_(std::move(schema)), rows_(std::move(rows)), blocks_(std::move(blocks)) {}

  const DatasetSchema& schema() const override { return schema_; }
  Index first_block() const override { return rows_.first_block; }
  const Blocks& blocks() const override { return blocks_; }
  TableRows read(const BlockRange& blocks) const override {
    const Index first = blocks_.first(blocks.first);
    TableRows rows = rows_.some(first, blocks_.first(blocks.last) - first);
    rows.first_block = rows_.first_block + blocks.first;
    return rows;
  }

 private:
  DatasetSchema schema_;
  TableRows rows_;
  Blocks blocks_;
};

}  // namespace

std::shared_ptr<const TableSource> table_in_memory(DatasetSchema schema, TableRows rows, Blocks blocks) {
  return std::make_shared<TableInMemory>(std::move(schema), std::move(rows), std::move(blocks));
}

std::shared_ptr<const TableSource> no_table_rows(DatasetSchema schema) {
  TableRows none = missing_rows(schema.table, 0);
  return table_in_memory(std::move(schema), std::move(none), {});
}

}  // namespace vfe
