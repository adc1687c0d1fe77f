#include "vfe/commands/import_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "vfe/core/counted.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_levels = 20, longest = 80;  // that a reader would read

/// "3 factors: carrier (16 levels, reference 9E), ...": what the columns of a kind are, in a line.
std::string columns_of(const ImportReport& report, ImportedColumn::Kind kind, const char* noun) {
  std::vector<std::string> names;
  for (const ImportedColumn& column : report.columns) {
    if (column.kind != kind || column.constant || column.name == report.schema.response) continue;
    std::string name = shortened(column.name, longest);
    if (kind == ImportedColumn::Kind::factor) {
      name += fmt::format(" ({}, reference {})", counted(std::ssize(column.levels), "level"),
                          shortened(column.levels.front(), longest));
    }
    names.push_back(std::move(name));
  }
  if (names.empty()) return "";
  const Index count = std::ssize(names);
  if (names.size() > most_levels) {
    names.resize(most_levels);
    names.push_back(fmt::format("and {} more", count - std::ssize(names)));
  }
  return wrapped(fmt::format("{}: {}", counted(count, noun), fmt::join(names, ", ")), text_columns, 2) + "\n";
}

std::string missing_by_column(const ImportReport& report) {
  std::vector<std::string> counts;
  for (const ImportedColumn& column : report.columns) {
    if (column.missing == 0) continue;
    counts.push_back(fmt::format("{} {}", shortened(column.name, longest), column.missing));
  }
  return fmt::format("{}", fmt::join(counts, ", "));
}

std::string response_codes(const Schema& schema) {
  std::string text;
  const std::vector<std::string>& levels = schema.response_levels;
  for (std::size_t level = 0; level < std::min(levels.size(), most_levels); ++level) {
    text += fmt::format("response {}: {} is {}\n", schema.response, level, shortened(levels[level], longest));
  }
  if (levels.size() > most_levels) {
    text += fmt::format("response {}: and {} levels more\n", schema.response, levels.size() - most_levels);
  }
  const std::vector<double>& numbers = schema.response_numbers;
  // Who has 0 and 1 knows what they are, and of many numbers nobody means classes.
  if (numbers.size() >= 2 && numbers.size() <= most_levels && numbers != std::vector<double>{0.0, 1.0}) {
    text += fmt::format(
        "response {}: {} different whole numbers, {}; a softmax model takes them as its classes\n",
        schema.response, numbers.size(), fmt::join(numbers, ", "));
  }
  return text;
}

}  // namespace

std::string import_text(const ImportReport& report, const ImportOptions& options) {
  const Schema& schema = report.schema;
  using Kind = ImportedColumn::Kind;
  std::string text = columns_of(report, Kind::number, "number") + columns_of(report, Kind::date, "date") +
                     columns_of(report, Kind::factor, "factor") + response_codes(schema);
  if (report.rows_dropped > 0) {
    text += wrapped(fmt::format("{} of {} rows dropped for missing values: {}", report.rows_dropped,
                                report.rows_read, missing_by_column(report)),
                    text_columns, 2) +
            "\n";
  }
  if (report.rows_held_out > 0) {
    text += fmt::format("{} rows set aside in {}\n", report.rows_held_out, options.holdout_output.string());
  }
  return text + fmt::format("{}, {}, {} of {} in {} ({:.2g} s, {:.3g} rows/s)\n",
                            counted(schema.num_rows(), "row"), counted(schema.num_columns(), "column"),
                            counted(schema.num_blocks(), "block"), counted(schema.blocks.block_rows(), "row"),
                            options.output.string(), report.seconds,
                            static_cast<double>(report.rows_read) / std::max(report.seconds, 1e-9));
}

}  // namespace vfe
