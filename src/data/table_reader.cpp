#include "vfe/data/table_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "data/iso_date.hpp"
#include "data/source_column.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/data/level_codes.hpp"

namespace vfe {
namespace {

/// A column that is read.
struct Read {
  const TableColumn* column = nullptr;
  bool is_needed = true;
  Index slot = 0;
  std::size_t field = 0;             // of a row
  std::optional<LevelCodes> levels;  // of a factor
};

}  // namespace

struct TableReader::Impl {
  CsvReader csv;
  TableSchema table;
  TableReaderOptions options;
  std::vector<Read> columns;
  std::vector<std::int64_t> lines;
  Index most_rows = 0, rows_read = 0;
  bool at_end = false;

  Impl(const std::filesystem::path& input, const TableSchema& of, const TableReaderOptions& how)
      : csv(input, how.format), table(of), options(how) {
    constexpr Index most_bytes = Index{8} << 20;
    Index cells = 0;
    for (const TableColumn& column : table.columns) cells += column.width;
    most_rows = std::clamp<Index>(most_bytes / (std::max<Index>(cells, 1) * Index{sizeof(double)}), 1,
                                  std::max<Index>(options.most_rows, 1));
  }

  void take(const std::string& name, bool needed);
  bool next_row();
  void read_row(TableRows& rows, Index row);
  double number(std::string_view text, const ParsedField& field, const Read& read) const;
  std::int64_t integer(std::string_view text, const ParsedField& field, const Read& read) const;
  std::int32_t code(std::string_view text, Read& read) const;
  [[noreturn]] void fail(const Read& read, const std::string& found) const;
};

void TableReader::Impl::take(const std::string& name, bool needed) {
  const Index at = table.find(name);
  if (at < 0)
    throw Error(Fault::bug, fmt::format("{}: reading the column \"{}\" of no table", csv.name(), name));
  const std::vector<std::string>& header = csv.header();
  const auto found = std::ranges::find(header, name);
  if (found == header.end()) {
    if (!needed) return;
    throw Error(Fault::data, fmt::format("{}: no column \"{}\", which is needed; the nearest are \"{}\"",
                                         csv.name(), name, fmt::join(nearest(name, header), "\", \"")));
  }
  Read read{&table[at], needed, table.slots()[static_cast<std::size_t>(at)],
            static_cast<std::size_t>(found - header.begin()), std::nullopt};
  if (read.column->type == ColumnType::matrix) {
    throw Error(Fault::data, fmt::format("{}: the column \"{}\" is a matrix of {} numbers each, expected a "
                                         "dataset, as no CSV file holds one",
                                         csv.name(), name, read.column->width));
  }
  if (read.column->type == ColumnType::factor) read.levels.emplace(read.column->levels);
  columns.push_back(std::move(read));
}

void TableReader::Impl::fail(const Read& read, const std::string& found) const {
  throw Error(Fault::data, fmt::format("{}, line {}, column \"{}\": {}", csv.name(), csv.line(),
                                       read.column->name, found));
}

double TableReader::Impl::number(std::string_view text, const ParsedField& field, const Read& read) const {
  if (field.kind == FieldKind::number) return field.number;
  if (looks_like_iso_date(text)) {
    if (const std::optional<double> days = days_of_iso_date(text)) return *days;
  }
  const std::string problem = unusable(text, field);
  fail(read, problem.empty() ? shown(text) + " is not a number, expected one" : problem);
}

std::int64_t TableReader::Impl::integer(std::string_view text, const ParsedField& field,
                                        const Read& read) const {
  const auto value = whole_number(text, {FieldKind::number, number(text, field, read)});
  if (!value)
    fail(read, shown(text) + " is not a whole number up to 2^53 (2^63 in plain digits), expected one");
  return *value;
}

std::int32_t TableReader::Impl::code(std::string_view text, Read& read) const {
  const ParsedField field = parse_field(text, options.fields);
  // A table of another program may have a level that means missing here.
  if (const std::int32_t found = read.levels->find(text); found >= 0) return found;
  if (field.kind == FieldKind::missing) return -1;
  if (field.kind == FieldKind::text) {
    if (const std::string problem = unusable(text, field); !problem.empty()) fail(read, problem);
  }
  if (options.groups.contains(read.column->name)) return read.levels->add(text);
  if (options.new_levels == NewLevels::refuse || !read.is_needed) {
    const std::vector<std::string> near = nearest(std::string(text), read.column->levels, 1);
    fail(read, fmt::format("{} is none of its {} levels{}{}", shown(text), read.column->levels.size(),
                           near.empty() ? "" : fmt::format("; the nearest is {}", shown(near.front())),
                           read.is_needed ? " (--new-levels reference takes it for the first)" : ""));
  }
  return 0;
}

void TableReader::Impl::read_row(TableRows& rows, Index row) {
  const auto fields = csv.fields();
  if (fields.size() != csv.header().size()) {
    throw Error(Fault::data, fmt::format("{}, line {}: {} fields, expected {} (as in the header)", csv.name(),
                                         csv.line(), fields.size(), csv.header().size()));
  }
  for (Read& read : columns) {
    const std::string_view text = fields[read.field];
    if (read.column->type == ColumnType::factor) {
      rows.codes(row, read.slot) = code(text, read);
      continue;
    }
    const ParsedField field = parse_field(text, options.fields);
    if (field.kind == FieldKind::missing) continue;
    if (read.column->type == ColumnType::integer) {
      rows.integers(row, read.slot) = integer(text, field, read);
    } else {
      std::get<TableRows::RowMajor<double>>(rows.numbers)(row, read.slot) = number(text, field, read);
    }
  }
  lines.push_back(csv.line());
}

TableReader::TableReader(const std::filesystem::path& input, const TableSchema& table,
                         const std::vector<std::string>& needed, const std::vector<std::string>& optional,
                         const TableReaderOptions& options)
    : impl_(std::make_unique<Impl>(input, table, options)) {
  for (const std::string& name : needed) impl_->take(name, true);
  for (const std::string& name : optional) impl_->take(name, false);
}

TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;

const std::string& TableReader::name() const {
  return impl_->csv.name();
}

bool TableReader::has(const std::string& column) const {
  return std::ranges::any_of(impl_->columns, [&](const Read& read) { return read.column->name == column; });
}

const std::string& TableReader::level(Index column, std::int32_t code) const {
  const auto found = std::ranges::find(impl_->columns, &impl_->table[column], &Read::column);
  return found->levels->name(code);
}

TableRows TableReader::next() {
  Impl& impl = *impl_;
  TableRows rows = missing_rows(impl.table, impl.most_rows);
  impl.lines.clear();
  Index count = 0;
  while (count < impl.most_rows && !impl.at_end) {
    impl.at_end = !impl.csv.next();
    if (!impl.at_end) impl.read_row(rows, count++);
  }
  rows.first_row = impl.rows_read;
  impl.rows_read += count;
  if (impl.rows_read == 0) {
    throw Error(Fault::data, fmt::format("{}: no rows after the header", impl.csv.name()));
  }
  if (count < impl.most_rows) keep_rows(rows, count);
  return rows;
}

const std::vector<std::int64_t>& TableReader::lines() const {
  return impl_->lines;
}

}  // namespace vfe
