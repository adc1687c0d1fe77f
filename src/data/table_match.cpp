#include "vfe/data/table_match.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {
namespace {

const char* name_of(ColumnType type) {
  switch (type) {
    case ColumnType::number:
      return "numbers";
    case ColumnType::factor:
      return "a factor";
    case ColumnType::integer:
      return "whole numbers";
    case ColumnType::matrix:
      return "a matrix";
  }
  return "";
}

bool is_one_number(ColumnType type) {
  return type == ColumnType::number || type == ColumnType::integer;
}

}  // namespace

TableMatch::TableMatch(const TableSchema& from, const TableSchema& to, const WantedColumns& wanted,
                       NewLevels new_levels, const std::string& file)
    : from_(from),
      to_(to),
      from_slots_(from.slots()),
      to_slots_(to.slots()),
      groups_(wanted.groups),
      new_levels_(new_levels) {
  for (Index to_column = 0; to_column < to.size(); ++to_column) {
    const TableColumn& column = to[to_column];
    const bool is_needed = wanted.needed.contains(column.name);
    if (!is_needed && !wanted.optional.contains(column.name)) continue;
    Source source{to_column, from.find(column.name), is_needed};
    if (source.from < 0) {
      if (!is_needed) continue;
      std::vector<std::string> names;
      for (const TableColumn& other : from.columns) names.push_back(other.name);
      throw Error(Fault::data,
                  fmt::format("{}: no column \"{}\", which the formula names; the nearest are \"{}\"", file,
                              column.name, fmt::join(nearest(column.name, names), "\", \"")));
    }
    const TableColumn& found = from[source.from];
    const bool fits = column.type == found.type ||
                      (is_one_number(column.type) && is_one_number(found.type)) ||
                      (column.type == ColumnType::factor && is_one_number(found.type));
    if (!fits) {
      throw Error(Fault::data, fmt::format("{}: column \"{}\" is {}, expected {} as in the fit", file,
                                           column.name, name_of(found.type), name_of(column.type)));
    }
    if (column.width != found.width) {
      throw Error(Fault::data, fmt::format("{}: column \"{}\" has a width of {}, expected {} as in the fit",
                                           file, column.name, found.width, column.width));
    }
    if (column.type == ColumnType::factor) {
      source.levels.emplace(to_[to_column].levels);
      for (const std::string& level : found.levels) source.codes.push_back(source.levels->find(level));
    }
    sources_.push_back(std::move(source));
  }
}

bool TableMatch::has(const std::string& column) const {
  return std::ranges::any_of(sources_, [&](const Source& source) { return to_[source.to].name == column; });
}

const std::string& TableMatch::level(Index column, std::int32_t code) const {
  const auto found = std::ranges::find(sources_, column, &Source::to);
  return found->levels->name(code);
}

std::int32_t TableMatch::code(Source& source, const std::string& level, std::int64_t row) const {
  const std::vector<std::string>& known = to_[source.to].levels;
  const std::int32_t found = source.levels->find(level);
  if (found >= 0) return found;
  if (groups_.contains(to_[source.to].name)) return source.levels->add(level);
  if (source.is_needed && new_levels_ == NewLevels::reference) return 0;
  throw RowError(
      row,
      fmt::format("column \"{}\" has the level \"{}\", which the fit did not know; the nearest are "
                  "\"{}\" (--new-levels reference takes it for \"{}\")",
                  from_[source.from].name, level, fmt::join(nearest(level, known), "\", \""), known.front()));
}

void TableMatch::match_codes(Source& source, const TableRows& rows, TableRows& matched) const {
  const TableColumn& from = from_[source.from];
  auto codes = matched.codes.col(to_slots_[static_cast<std::size_t>(source.to)]);
  const auto stored = [&, slot = from_slots_[static_cast<std::size_t>(source.from)]](Index row) {
    return rows.codes(row, slot);
  };
  if (from.type == ColumnType::factor) {
    for (Index row = 0; row < rows.num_rows; ++row) {
      if (stored(row) < 0) continue;
      const auto level = static_cast<std::size_t>(stored(row));
      std::int32_t& known = source.codes[level];
      if (known < 0) known = code(source, from.levels[level], rows.first_row + row);
      codes[row] = known;
    }
    return;
  }
  const Vector values = numbers_of(source, rows);
  for (Index row = 0; row < rows.num_rows; ++row) {
    if (std::isnan(values[row])) continue;
    codes[row] = code(source, fmt::format("{}", values[row]), rows.first_row + row);
  }
}

Vector TableMatch::numbers_of(const Source& source, const TableRows& rows) const {
  const Index slot = from_slots_[static_cast<std::size_t>(source.from)];
  Vector values(rows.num_rows);
  if (from_[source.from].type == ColumnType::number) {
    rows.read_number(slot, values);
  } else {
    rows.read_integer(slot, values);
  }
  return values;
}

TableRows TableMatch::operator()(const TableRows& rows) {
  TableRows matched = missing_rows(to_, rows.num_rows);
  matched.first_row = rows.first_row;
  matched.first_block = rows.first_block;
  auto& numbers = std::get<TableRows::RowMajor<double>>(matched.numbers);
  for (Source& source : sources_) {
    const Index to = to_slots_[static_cast<std::size_t>(source.to)];
    const Index from = from_slots_[static_cast<std::size_t>(source.from)];
    const ColumnType type = to_[source.to].type;
    if (type == ColumnType::factor) {
      match_codes(source, rows, matched);
      continue;
    }
    if (type == ColumnType::matrix) {
      Matrix values(rows.num_rows, to_[source.to].width);
      rows.read_matrix(from, values);
      matched.matrices[static_cast<std::size_t>(to)] = TableRows::RowMajor<double>(values);
      continue;
    }
    if (type == ColumnType::integer && from_[source.from].type == type) {
      matched.integers.col(to) = rows.integers.col(from);
      continue;
    }
    const Vector values = numbers_of(source, rows);
    if (type == ColumnType::number) {
      numbers.col(to) = values;
      continue;
    }
    for (Index row = 0; row < rows.num_rows; ++row) {
      if (std::isnan(values[row])) continue;
      if (values[row] != std::nearbyint(values[row])) {
        throw RowError(rows.first_row + row, fmt::format("column \"{}\" is {}, expected a whole number",
                                                         to_[source.to].name, values[row]));
      }
      matched.integers(row, to) = static_cast<std::int64_t>(values[row]);
    }
  }
  return matched;
}

}  // namespace vfe
