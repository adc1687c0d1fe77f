#include "vfe/commands/import_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "vfe/core/counted.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_columns = 20, longest = 80;  // that a reader would read

using Kind = ImportedColumn::Kind;

std::vector<const ImportedColumn*> columns_of(const ImportReport& report, Kind kind) {
  std::vector<const ImportedColumn*> columns;
  for (const ImportedColumn& column : report.columns) {
    if (column.kind == kind) columns.push_back(&column);
  }
  return columns;
}

/// What is said of each, after a comma; of many only how many more there are.
template <class Say>
std::string list_of(const std::vector<const ImportedColumn*>& columns, Say say) {
  std::vector<std::string> list;
  for (const ImportedColumn* column : columns) {
    if (list.size() == most_columns) {
      list.push_back(fmt::format("and {} more", columns.size() - list.size()));
      break;
    }
    list.push_back(say(*column));
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string name_of(const ImportedColumn& column) {
  return shortened(column.name, longest);
}

std::string line(const std::string& text) {
  return wrapped(text, text_columns, 2) + "\n";
}

/// "12 numbers, 3 factors (carrier 16 levels, origin 3, dest 105), 1 dropped: all distinct text "smiles"".
std::string columns_text(const ImportReport& report) {
  std::vector<std::string> parts;
  for (const auto& [kind, noun] :
       {std::pair{Kind::number, "number"}, {Kind::date, "date"}, {Kind::integer, "integer"}}) {
    const Index count = std::ssize(columns_of(report, kind));
    if (count > 0) parts.push_back(counted(count, noun));
  }
  const std::vector<const ImportedColumn*> factors = columns_of(report, Kind::factor);
  if (!factors.empty()) {
    bool first = true;
    const std::string list = list_of(factors, [&](const ImportedColumn& column) {
      const Index levels = std::ssize(column.levels);
      return fmt::format("{} {}", name_of(column),
                         std::exchange(first, false) ? counted(levels, "level") : std::to_string(levels));
    });
    parts.push_back(fmt::format("{} ({})", counted(std::ssize(factors), "factor"), list));
  }
  for (const auto& [kind, why] :
       {std::pair{Kind::text, "all distinct text"}, {Kind::empty, "without any value"}}) {
    const std::vector<const ImportedColumn*> dropped = columns_of(report, kind);
    if (dropped.empty()) continue;
    const std::string list =
        list_of(dropped, [](const ImportedColumn& column) { return "\"" + name_of(column) + "\""; });
    parts.push_back(fmt::format("{} dropped: {} {}", dropped.size(), why, list));
  }
  return line(fmt::format("{}", fmt::join(parts, ", ")));
}

/// "references: carrier 9E, origin EWR".
std::string references_text(const ImportReport& report) {
  const std::vector<const ImportedColumn*> factors = columns_of(report, Kind::factor);
  if (factors.empty()) return "";
  return line(fmt::format("{}: {}", factors.size() == 1 ? "reference" : "references",
                          list_of(factors, [](const ImportedColumn& column) {
                            return fmt::format("{} {}", name_of(column),
                                               shortened(column.levels.front(), longest));
                          })));
}

/// "age 12, colour 3": of the columns of the table.
std::string missing_by_column(const ImportReport& report) {
  std::vector<const ImportedColumn*> columns;
  for (const ImportedColumn& column : report.columns) {
    if (column.missing > 0 && column.kind != Kind::text && column.kind != Kind::empty)
      columns.push_back(&column);
  }
  return list_of(columns, [](const ImportedColumn& column) {
    return fmt::format("{} {}", name_of(column), column.missing);
  });
}

std::string missing_text(const ImportReport& report) {
  const std::string columns = missing_by_column(report);
  if (columns.empty()) return "";
  if (report.rows_dropped == 0) return line("missing values kept: " + columns);
  return line(fmt::format("{} of {} rows dropped for missing values: {}", report.rows_dropped,
                          report.rows_read, columns));
}

}  // namespace

std::string import_text(const ImportReport& report, const ImportOptions& options) {
  const DatasetSchema& schema = report.schema;
  std::string text = columns_text(report) + references_text(report) + missing_text(report);
  if (report.rows_held_out > 0) {
    text += fmt::format("{} rows set aside in {}\n", report.rows_held_out, options.holdout_output.string());
  }
  if (!schema.grouped_by.empty())
    text += line(printable(fmt::format("grouped by {}", fmt::join(schema.grouped_by, ", "))));
  return text + fmt::format("{}, {}, {} of {}{} in {} ({:.2g} s, {:.3g} rows/s)\n",
                            counted(schema.num_rows(), "row"), counted(schema.table.size(), "column"),
                            counted(schema.num_blocks(), "block"), schema.blocks.are_equal() ? "" : "up to ",
                            counted(schema.blocks.block_rows(), "row"), options.output.string(),
                            report.seconds,
                            static_cast<double>(report.rows_read) / std::max(report.seconds, 1e-9));
}

}  // namespace vfe
