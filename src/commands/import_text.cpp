#include "vfe/commands/import_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "vfe/core/counted.hpp"
#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_levels = 20, longest = 80;  // that a reader would read

std::string reference_levels(const Schema& schema) {
  std::string text;
  std::vector<std::string> sources;
  for (const Column& column : schema.columns) {
    if (column.level.empty() || std::ranges::count(sources, column.source) > 0) continue;
    sources.push_back(column.source);
    text +=
        fmt::format("factor {}: reference level {}\n", column.source, shortened(column.reference, longest));
  }
  return text;
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
  std::string text = reference_levels(schema) + response_codes(schema);
  if (report.rows_dropped > 0) {
    text += fmt::format("{} of {} rows dropped for missing values\n", report.rows_dropped, report.rows_read);
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
