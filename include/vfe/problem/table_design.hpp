#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/core/row_source.hpp"
#include "vfe/core/table_source.hpp"
#include "vfe/formula/design.hpp"

namespace vfe {

/// What the rows of a table are to a model: a formula's columns, and how numbers are coded.
struct TableDesign {
  std::shared_ptr<const Design> design;
  DesignSchema schema;
  std::vector<std::string> notes;  ///< what a person should know: columns that are constant, empty cells
};

/// [collective] The design that a formula makes of the rows of all ranks, of which `rows` are this one's. For
/// a built-in model numbers are centred and scaled by their mean and sd over all rows, so that priors mean
/// the same whatever the units; where nothing could take what centring takes away (neither an intercept nor a
/// term with a cell for every row; of a term with cells, no term of the same cells alone) they are not
/// centred, and through the origin they are scaled by their root mean square. A real response alike. So are
/// numbers of effects of groups, each grouping by its own intercept or lack of it. Without a `model` all is
/// as it is. Throws Fault::config (the formula), Fault::data (rows, named by `name_row`).
TableDesign fit_design(const Communicator& comm, const std::string& formula, const GlmOptions* model,
                       const TableSource& rows, const std::function<std::string(Index row)>& name_row);

/// The formula's part of a design that a result holds, over a table of those columns. Throws Fault::config.
std::shared_ptr<const Design> saved_design(const Config& config, const DesignSchema& schema,
                                           const TableSchema& table);

/// Throws RowError where a design could not be evaluated at some rows.
void refuse(const std::optional<UnusableValue>& unusable, const TableRows& rows);

/// What predictions take of rows of a table, as rows of a design; y is empty.
Rows coded_rows(const DesignSchema& schema, DesignRows design, bool single);

/// A shard of a table as rows of a design. Of each block that is read, in their order, it notes the first
/// time what is to be known of the shard as a whole.
class DesignSource final : public RowSource {
 public:
  DesignSource(TableDesign design, std::shared_ptr<const TableSource> table);

  const DesignSchema& schema() const override { return design_.schema; }
  Index first_block() const override { return table_->first_block(); }
  const Blocks& blocks() const override { return table_->blocks(); }
  /// Throws RowError too, where a value makes no number.
  Rows read(const BlockRange& blocks) const override;

  /// y of the rows read; gives them away.
  Vector take_response() { return std::move(response_); }
  Index rows_of_weight() const { return rows_of_weight_; }   ///< rows read whose weight is not 0
  double largest_offset() const { return largest_offset_; }  ///< of the rows read; 0 where there is none

 private:
  TableDesign design_;
  std::shared_ptr<const TableSource> table_;
  mutable std::mutex mutex_;
  mutable Index noted_ = 0;  ///< blocks
  mutable Vector response_;
  mutable Index rows_of_weight_ = 0;
  mutable double largest_offset_ = 0.0;
};

}  // namespace vfe
