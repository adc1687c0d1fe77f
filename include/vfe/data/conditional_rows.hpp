#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/core/table.hpp"
#include "vfe/data/table_match.hpp"

namespace vfe {

/// Rows in which some columns take given values while the others stay where they are typical.
struct ConditionalRows {
  TableRows rows;
  std::vector<Index> varied;    ///< columns, in the order in which they were asked for
  std::set<std::string> given;  ///< columns that `vary` or `at` names
};

/// Every combination of the values that `vary` says, the last of them running fastest: "dose=0:10:50" (50
/// numbers from 0 to 10), "dose=1,2,5", "dose" (50 numbers over the range of the fit), "sex" (all levels),
/// "sex=f,m". Other columns are as `at` says ("sex=f"), or at their mean over the rows of the fit, whole
/// numbers at the nearest, factors at their first level; what names groups is missing. Of the wanted columns
/// alone. Throws Fault::usage, one line for each mistake.
ConditionalRows conditional_rows(const TableSchema& table, const WantedColumns& wanted,
                                 const std::map<std::string, NumberRange>& ranges,
                                 const std::vector<std::string>& vary, const std::vector<std::string>& at);

}  // namespace vfe
