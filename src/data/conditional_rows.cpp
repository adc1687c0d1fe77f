#include "vfe/data/conditional_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {
namespace {

constexpr Index most_rows = 1'000'000, default_points = 50;

std::vector<std::string> split(const std::string& text, char sign) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == sign) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

class Grid {
 public:
  Grid(const TableSchema& table, const WantedColumns& wanted,
       const std::map<std::string, NumberRange>& ranges)
      : table_(table), wanted_(wanted), ranges_(ranges), values_(static_cast<std::size_t>(table.size())) {
    for (const std::string& name : wanted.needed) {
      const Index column = table.find(name);
      const TableColumn& of = table[column];
      if (of.type == ColumnType::factor) set(column, {0.0});
      if (of.type == ColumnType::number || of.type == ColumnType::integer)
        set(column, {ranges.at(name).mean});
    }
  }

  /// `asked`: "--vary dose=0:10:50".
  Index read(const std::string& option, const std::string& text) {
    asked_ = option + " " + text;
    const std::size_t equals = text.find('=');
    const Index column = column_of(text.substr(0, equals));
    const bool has_values = equals != std::string::npos;
    if (!has_values && option == "--at") fail("expected COLUMN=VALUE");
    std::vector<double> values =
        has_values ? read_values(table_[column], text.substr(equals + 1)) : all(column);
    if (option == "--at" && values.size() != 1) fail("expected one value");
    if (wanted_.groups.contains(table_[column].name)) require_whole(values);
    set(column, std::move(values));
    return column;
  }

  TableRows rows(const std::vector<Index>& varied) const {
    for (const std::string& name : wanted_.needed) {
      if (!values_[static_cast<std::size_t>(table_.find(name))].empty()) continue;
      throw Error(Fault::usage,
                  fmt::format("predicting along a grid: \"{}\" is a matrix, which has no typical "
                              "row; give rows in a file",
                              name));
    }
    Index size = 1;
    for (const Index column : varied) {
      size *= std::ssize(values_[static_cast<std::size_t>(column)]);
      if (size > most_rows) {
        throw Error(Fault::usage,
                    fmt::format("predicting along a grid: found more than {} combinations", most_rows));
      }
    }
    TableRows rows = missing_rows(table_, size);
    const std::vector<Index> slots = table_.slots();
    for (Index column = 0; column < table_.size(); ++column) {
      const std::vector<double>& values = values_[static_cast<std::size_t>(column)];
      if (values.empty()) continue;
      Index stride = 1;  // rows for which a varied column stays as it is
      const auto place = std::ranges::find(varied, column);
      for (auto later = place; later != varied.end() && ++later != varied.end();)
        stride *= std::ssize(values_[static_cast<std::size_t>(*later)]);
      for (Index row = 0; row < size; ++row) {
        const auto k = static_cast<std::size_t>(row / stride % std::ssize(values));
        store(rows, table_[column].type, slots[static_cast<std::size_t>(column)], row, values[k]);
      }
    }
    return rows;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw Error(Fault::usage, fmt::format("{}: {}", asked_, found));
  }

  void require_whole(const std::vector<double>& values) const {
    for (const double value : values)
      if (value != std::nearbyint(value)) fail(fmt::format("found {}, expected a whole number", value));
  }

  void set(Index column, std::vector<double> values) {
    values_[static_cast<std::size_t>(column)] = std::move(values);
  }

  Index column_of(const std::string& name) const {
    std::vector<std::string> names(wanted_.needed.begin(), wanted_.needed.end());
    names.insert(names.end(), wanted_.groups.begin(), wanted_.groups.end());
    if (std::ranges::count(names, name) > 0) return table_.find(name);
    if (names.empty()) fail("the formula names no columns");
    fail(fmt::format("the formula names no column \"{}\"; the nearest are \"{}\"", name,
                     fmt::join(nearest(name, names), "\", \"")));
  }

  double number(const std::string& text) const {
    const ParsedField field = parse_field(text);
    if (field.kind != FieldKind::number) fail(fmt::format("found \"{}\", expected a number", text));
    return field.number;
  }

  std::vector<double> between(double low, double high, Index count) const {
    std::vector<double> values;
    for (Index k = 0; k < count; ++k) {
      const double share = count == 1 ? 0.0 : static_cast<double>(k) / static_cast<double>(count - 1);
      values.push_back((1.0 - share) * low + share * high);
    }
    return values;
  }

  std::vector<double> all(Index column) const {
    const TableColumn& of = table_[column];
    std::vector<double> values;
    for (std::size_t code = 0; code < of.levels.size(); ++code) values.push_back(static_cast<double>(code));
    if (of.type == ColumnType::factor) return values;
    const auto range = ranges_.find(of.name);
    if (range == ranges_.end()) fail("a column of numbers alone can be varied");
    return between(range->second.low, range->second.high, default_points);
  }

  std::vector<double> read_values(const TableColumn& of, const std::string& text) const {
    std::vector<double> values;
    if (of.type == ColumnType::matrix)
      fail(fmt::format("\"{}\" is a matrix, expected numbers or a factor", of.name));
    if (of.type == ColumnType::factor) {
      for (const std::string& level : split(text, ',')) {
        const auto found = std::ranges::find(of.levels, level);
        if (found == of.levels.end()) {
          fail(fmt::format("\"{}\" has no level \"{}\"; the nearest are \"{}\"", of.name, level,
                           fmt::join(nearest(level, of.levels), "\", \"")));
        }
        values.push_back(static_cast<double>(found - of.levels.begin()));
      }
      return values;
    }
    const std::vector<std::string> range = split(text, ':');
    if (range.size() == 1) {
      for (const std::string& value : split(text, ',')) values.push_back(number(value));
      return values;
    }
    if (range.size() != 3) fail("expected LOW:HIGH:COUNT");
    const double count = number(range[2]);
    if (!(count >= 1.0 && count <= static_cast<double>(most_rows)) || count != std::floor(count))
      fail(fmt::format("found {} as count, expected a whole number from 1 to {}", range[2], most_rows));
    return between(number(range[0]), number(range[1]), static_cast<Index>(count));
  }

  static void store(TableRows& rows, ColumnType type, Index slot, Index row, double value) {
    if (type == ColumnType::factor) {
      rows.codes(row, slot) = static_cast<std::int32_t>(value);
    } else if (type == ColumnType::integer) {
      rows.integers(row, slot) = static_cast<std::int64_t>(std::nearbyint(value));
    } else {
      std::get<TableRows::RowMajor<double>>(rows.numbers)(row, slot) = value;
    }
  }

  const TableSchema& table_;
  const WantedColumns& wanted_;
  const std::map<std::string, NumberRange>& ranges_;
  std::vector<std::vector<double>> values_;  ///< by column
  std::string asked_;
};

}  // namespace

ConditionalRows conditional_rows(const TableSchema& table, const WantedColumns& wanted,
                                 const std::map<std::string, NumberRange>& ranges,
                                 const std::vector<std::string>& vary, const std::vector<std::string>& at) {
  Grid grid(table, wanted, ranges);
  ConditionalRows result;
  const auto give = [&](Index column) { result.given.insert(table[column].name); };
  for (const std::string& text : at) give(grid.read("--at", text));
  for (const std::string& text : vary) {
    const Index column = grid.read("--vary", text);
    if (std::ranges::count(result.varied, column) > 0)
      throw Error(Fault::usage, fmt::format("--vary {}: the column is varied already", text));
    result.varied.push_back(column);
    give(column);
  }
  result.rows = grid.rows(result.varied);
  return result;
}

}  // namespace vfe
