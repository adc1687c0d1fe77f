#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/data/level_codes.hpp"

namespace vfe {

/// What becomes of a level of a needed factor that a fit did not know; those of others are refused.
enum class NewLevels {
  refuse,
  reference,  ///< it counts as the first one
};

/// The columns of one table that another's are taken from.
struct WantedColumns {
  std::set<std::string> needed;
  std::set<std::string> optional;  ///< missing in every row where they are not there
  /// Of these: what names groups. New levels get codes after those of the table.
  std::set<std::string> groups = {};
};

/// Rows of one table as rows of another: columns by name, levels by name, whole numbers and numbers for one
/// another, the text of a number for a level.
class TableMatch {
 public:
  /// Throws Fault::data where `from` lacks a needed column (the nearest ones are named), or has one of
  /// another kind or width. `file` begins the line.
  TableMatch(const TableSchema& from, const TableSchema& to, const WantedColumns& wanted,
             NewLevels new_levels, const std::string& file);
  TableMatch(const TableMatch&) = delete;

  /// Columns that are not wanted are missing. Throws RowError where a level is new and not to be.
  TableRows operator()(const TableRows& rows);

  /// Whether there is that column, of those wanted.
  bool has(const std::string& column) const;
  /// The name of a level of a factor that is matched.
  const std::string& level(Index column, std::int32_t code) const;

 private:
  struct Source {
    Index to = 0, from = 0;  ///< columns
    bool is_needed = true;
    std::optional<LevelCodes> levels = {};  ///< of a factor
    std::vector<std::int32_t> codes = {};   ///< between factors: by code
  };
  std::int32_t code(Source& source, const std::string& level, std::int64_t row) const;
  void match_codes(Source& source, const TableRows& rows, TableRows& matched) const;
  /// Of a column of numbers or whole numbers.
  Vector numbers_of(const Source& source, const TableRows& rows) const;

  const TableSchema from_, to_;
  std::vector<Index> from_slots_, to_slots_;
  std::set<std::string> groups_;
  NewLevels new_levels_;
  std::vector<Source> sources_;
};

}  // namespace vfe
