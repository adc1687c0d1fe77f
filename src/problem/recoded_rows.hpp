#pragma once
#include <memory>
#include <utility>

#include "vfe/core/row_source.hpp"

namespace vfe {

/// The blocks of another source, coded as another schema says; how, read() of what derives from it says.
class RecodedRows : public RowSource {
 public:
  RecodedRows(Schema schema, std::shared_ptr<const RowSource> rows)
      : schema_(std::move(schema)), rows_(std::move(rows)) {}

  const Schema& schema() const final { return schema_; }
  Index first_block() const final { return rows_->first_block(); }
  const Blocks& blocks() const final { return rows_->blocks(); }
  Reading reading() const final { return rows_->reading(); }

 protected:
  const RowSource& stored() const { return *rows_; }

 private:
  Schema schema_;
  std::shared_ptr<const RowSource> rows_;
};

}  // namespace vfe
