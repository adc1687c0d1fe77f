#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/data/csv.hpp"
#include "vfe/data/table_match.hpp"

namespace vfe {

struct TableReaderOptions {
  CsvFormat format;
  FieldFormat fields;
  NewLevels new_levels = NewLevels::refuse;
  Index most_rows = 4096;  ///< read at once; fewer of a wide table
  /// Columns that name groups: new levels get codes after those of the table.
  std::set<std::string> groups = {};
};

/// Reads a CSV file (what is read: CsvReader) as rows of a known table, some at a time, in their order.
/// Columns are matched by name; a field is read as its column is of: a number or a date (days since
/// 1970-01-01), a whole number, a level. Columns that are not needed are not looked at.
class TableReader {
 public:
  /// `needed` and `optional` name columns of `table`, each once; those that are optional may be absent.
  /// Throws what CsvReader throws, and Fault::data where a needed column is absent (the nearest ones are
  /// offered) or a matrix, which no CSV has, Fault::bug for a name that is not the table's.
  TableReader(const std::filesystem::path& input, const TableSchema& table,
              const std::vector<std::string>& needed, const std::vector<std::string>& optional,
              const TableReaderOptions& options = {});
  ~TableReader();
  TableReader(TableReader&&) noexcept;

  const std::string& name() const;  ///< of the file, for messages
  /// Whether the file has that column, of those asked for.
  bool has(const std::string& column) const;
  /// The name of a level of a factor that is read.
  const std::string& level(Index column, std::int32_t code) const;
  /// The next rows: of all columns of the table, missing where a column is not read or a field is; none at
  /// the end. Throws Fault::data naming file, line and column of a field that is no value of its column (of a
  /// level: with the nearest one), of a row with another number of fields than the header, and for a file
  /// without rows; Fault::io.
  TableRows next();
  /// Of the rows last read.
  const std::vector<std::int64_t>& lines() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vfe
