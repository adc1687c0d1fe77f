#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// The groups that simulated rows stand in, known by their number alone: no table of groups is held. Group k
/// of the outer ones is rows in a run, from a half to one and a half of its share of them; in it rows of an
/// inner group are as many as of the others.
class SimulatedGroups {
 public:
  /// `levels`: of the columns that name groups. Rows are grouped by the columns of the grouping that has most
  /// groups, of those that hold no other, and further in by those of groupings that hold it. No effects: no
  /// groups. Throws Fault::usage for more groups than rows.
  SimulatedGroups(const std::vector<GroupTerms>& effects, const TableSchema& table,
                  const std::map<std::string, Index>& levels, Index rows, std::uint64_t seed);

  /// The columns, the outer first; empty: rows are in no groups.
  const std::vector<Index>& columns() const { return columns_; }
  /// As DatasetWriter closes them.
  Blocks blocks(Index block_rows) const;
  /// Sets those columns of rows. Integers count from 1.
  void set(TableRows& rows) const;

 private:
  Index begin(Index group) const;  ///< its first row; of counts_[0]: the number of rows
  Index group_of(Index row) const;

  Index rows_;
  std::uint64_t seed_;
  TableSchema table_;
  std::vector<Index> columns_, slots_, counts_;  ///< by level, the outer first; counts_: of groups
};

}  // namespace vfe
