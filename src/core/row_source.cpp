#include "vfe/core/row_source.hpp"

#include <fmt/format.h>

#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

class RowsInMemory final : public RowSource {
 public:
  RowsInMemory(DesignSchema schema, Rows rows) : schema_(std::move(schema)), rows_(std::move(rows)) {
    check_shapes();
  }

  const DesignSchema& schema() const override { return schema_; }
  Index first_block() const override { return rows_.first_block; }
  const Blocks& blocks() const override { return rows_.blocks; }

  Rows read(const BlockRange& blocks) const override {
    Rows some;
    const Index first = rows_.blocks.first(blocks.first);
    some.first_row = rows_.first_row + first;
    some.first_block = rows_.first_block + blocks.first;
    some.blocks = rows_.blocks.slice(blocks);
    const Index size = some.blocks.num_rows();
    std::visit([&](const auto& x) { some.x = std::decay_t<decltype(x)>(x.middleRows(first, size)); },
               rows_.x);
    some.y = rows_.y.segment(first, size);
    if (rows_.offset.size() > 0) some.offset = rows_.offset.segment(first, size);
    if (rows_.weight.size() > 0) some.weight = rows_.weight.segment(first, size);
    if (rows_.trials.size() > 0) some.trials = rows_.trials.segment(first, size);
    if (rows_.censoring.size() > 0) some.censoring = rows_.censoring.segment(first, size);
    const auto copy = [&](const auto& all, auto& part) {
      if (all.cols() > 0) part = all.middleRows(first, size);
    };
    copy(rows_.cells, some.cells);
    copy(rows_.effects, some.effects);
    copy(rows_.groups, some.groups);
    return some;
  }

 private:
  void check_shapes() const {
    const Index n = rows_.size(), p = schema_.num_numbers();
    const auto [x_rows, x_columns] =
        std::visit([](const auto& x) { return std::pair<Index, Index>(x.rows(), x.cols()); }, rows_.x);
    const auto optional = [n](const Vector& v) { return v.size() == 0 || v.size() == n; };
    const auto has = [n](const auto& all, Index columns) {
      return all.cols() == columns && (columns == 0 || all.rows() == n);
    };
    const bool has_groups =
        has(rows_.effects, schema_.num_effects()) && has(rows_.groups, std::ssize(schema_.keys));
    if (x_rows == n && x_columns == p && has(rows_.cells, schema_.num_indices()) && has_groups &&
        rows_.blocks.num_rows() == n && optional(rows_.offset) && optional(rows_.weight) &&
        optional(rows_.trials) && optional(rows_.censoring)) {
      return;
    }
    throw Error(
        Fault::bug,
        fmt::format("rows of a model disagree: x is {} x {}, cells {} x {}, {} responses, {} numbers and {} "
                    "indices in the schema, {} rows in blocks, {} offsets, {} weights, {} x {} numbers of "
                    "effects, {} x {} keys of groups",
                    x_rows, x_columns, rows_.cells.rows(), rows_.cells.cols(), n, p, schema_.num_indices(),
                    rows_.blocks.num_rows(), rows_.offset.size(), rows_.weight.size(), rows_.effects.rows(),
                    rows_.effects.cols(), rows_.groups.rows(), rows_.groups.cols()));
  }

  DesignSchema schema_;
  Rows rows_;
};

}  // namespace

std::shared_ptr<const RowSource> rows_in_memory(DesignSchema schema, Rows rows) {
  return std::make_shared<RowsInMemory>(std::move(schema), std::move(rows));
}

std::shared_ptr<const RowSource> no_rows(DesignSchema schema) {
  Rows none;
  none.x = Rows::RowMajor<double>(0, schema.num_numbers());
  none.cells.resize(0, schema.num_indices());
  none.effects.resize(0, schema.num_effects());
  none.groups.resize(0, std::ssize(schema.keys));
  return rows_in_memory(std::move(schema), std::move(none));
}

}  // namespace vfe
