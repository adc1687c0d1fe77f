#include "vfe/data/import.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>

#include "data/import_request.hpp"
#include "data/record_sorter.hpp"
#include "data/row_order.hpp"
#include "data/source_column.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/notice.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/data/csv.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// ---- reading ----

/// Rows that cannot be used: the first in full, the lines of the first ten, the number of all.
struct BadRows {
  std::string first;
  std::vector<std::int64_t> lines;
  Index count = 0;

  void add(std::int64_t line, const std::string& what) {
    constexpr std::size_t max_lines = 10;
    if (count++ == 0) first = what;
    if (lines.size() < max_lines) lines.push_back(line);
  }
  std::string others() const {
    if (count == 1) return "";
    return fmt::format("; {} bad rows in all, on lines {}{}", count, fmt::join(lines, ", "),
                       count > static_cast<Index>(lines.size()) ? ", ..." : "");
  }
};

/// A line on a terminal that tells how far the reading is; nothing where stderr is no terminal.
class ProgressLine {
 public:
  ProgressLine(const std::filesystem::path& input, bool quiet)  // of standard input no share is known
      : shown_(!quiet && ::isatty(STDERR_FILENO) == 1), start_(Clock::now()), last_(start_) {
    std::error_code unknown;
    if (std::filesystem::is_regular_file(input, unknown)) size_ = std::filesystem::file_size(input, unknown);
  }
  ~ProgressLine() {
    if (printed_) notice("\r\033[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(Index rows, std::uint64_t bytes) {
    constexpr Index every = Index{1} << 14;  // the clock is not for free
    if (!shown_ || rows % every != 0 || seconds_since(last_) < 0.25) return;
    last_ = Clock::now();
    const double rate = static_cast<double>(rows) / seconds_since(start_);
    const std::string share =
        size_ == 0
            ? ""
            : fmt::format(" {:3.0f} %,", 100.0 * static_cast<double>(bytes) / static_cast<double>(size_));
    notice(fmt::format("\rimporting:{} {} rows, {:.0f} rows/s\033[K", share, rows, rate));
    printed_ = true;
  }

 private:
  bool shown_, printed_ = false;
  Clock::time_point start_, last_;
  std::uintmax_t size_ = 0;
};

using Left = SourceColumn::Left;

/// Pass 1: every row becomes a record, the keys of its place and a cell of each column; the columns learn
/// their levels and ranges. Reads to the end even after a bad row, to count them all. Whether the table has a
/// column of texts is known at the end only: rows that lack nothing but texts wait for it.
class RowReader {
 public:
  RowReader(const ImportOptions& options, const RowOrder& order, CsvReader& csv,
            std::vector<SourceColumn>& columns, RecordSorter& sorter)
      : options_(options),
        order_(order),
        csv_(csv),
        columns_(columns),
        sorter_(sorter),
        waiting_(folder_of(options.output), order.num_keys() + columns.size(), order.num_keys(),
                 options.memory / 4),
        record_(order.num_keys() + columns.size()),
        missing_by_column_(columns.size()),
        first_missing_(columns.size()) {}

  void read() {
    ProgressLine progress(options_.input, options_.quiet);
    while (csv_.next()) {
      ++rows_read_;
      judge();
      progress.update(rows_read_, csv_.bytes_read());
    }
    if (rows_read_ == 0) throw Error(Fault::data, fmt::format("{}: no rows after the header", csv_.name()));
    if (bad_.count > 0) throw Error(Fault::data, bad_.first + bad_.others());
    for (SourceColumn& column : columns_) column.settle();
    waiting_.drain([&](std::span<const std::uint64_t> record) {
      lacks_a_column_of_the_table(record) ? void(++rows_missing_) : keep(record);
    });
    check_rows();
  }

  const std::vector<Index>& missing_by_column() const { return missing_by_column_; }
  Index rows_read() const { return rows_read_; }
  Index rows_dropped() const { return rows_missing_; }
  Index rows_kept() const { return rows_kept_; }
  Index rows_set_aside() const { return rows_set_aside_; }

 private:
  /// Whether the table has rows, none of which lacks what it must have.
  void check_rows() const {
    if (std::ranges::none_of(columns_, [](const SourceColumn& c) { return c.left() == Left::in; }))
      throw Error(Fault::data,
                  fmt::format("{}: no column left, all are of texts that are nearly all different, or "
                              "empty (--factor COLUMN keeps one)",
                              csv_.name()));
    if (rows_missing_ > 0 && options_.missing == Missing::error)
      throw Error(Fault::data,
                  fmt::format("{}; {} of {} rows have missing values (--missing drop leaves them out, "
                              "--missing keep stores them as missing): {}",
                              first_missing(), rows_missing_, rows_read_, fmt::join(missing_counts(), ", ")));
    if (rows_kept_ + rows_set_aside_ == 0)
      throw Error(Fault::data,
                  fmt::format("{}: no rows left, all {} have missing values", csv_.name(), rows_read_));
    if (rows_kept_ == 0 || (options_.holdout > 0.0 && rows_set_aside_ == 0))
      throw Error(Fault::data,
                  fmt::format("{}: a holdout of {} sets aside {} of {} rows, expected some on either side",
                              csv_.name(), options_.holdout, rows_set_aside_, rows_kept_ + rows_set_aside_));
  }

  std::string first_missing() const {
    std::size_t first = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (first_missing_[i] == 0 || columns_[i].left() != Left::in) continue;
      if (first == columns_.size() || first_missing_[i] < first_missing_[first]) first = i;
    }
    return fmt::format("{}: missing value", where(columns_[first], first_missing_[first]));
  }

  /// "age 12", of the columns that miss most.
  std::vector<std::string> missing_counts() const {
    constexpr std::size_t most = 10;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (missing_by_column_[i] > 0 && columns_[i].left() == Left::in) order.push_back(i);
    }
    std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return missing_by_column_[i]; });
    std::vector<std::string> counts;
    for (const std::size_t i : order) {
      if (counts.size() == most) {
        counts.emplace_back("...");
        break;
      }
      counts.push_back(fmt::format("{} {}", columns_[i].name(), missing_by_column_[i]));
    }
    return counts;
  }

  std::string where(const SourceColumn& column, std::int64_t line) const {
    return fmt::format("{}, line {}, column \"{}\"", csv_.name(), line, column.name());
  }

  /// Of a row that has its groups.
  bool is_missing(std::span<const Cell> cells, std::size_t column) const {
    return cells[column] == missing_cell && !columns_[column].is_group();
  }

  bool lacks_a_column_of_the_table(std::span<const std::uint64_t> record) const {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].left() == Left::in && is_missing(order_.cells(record), i)) return true;
    return false;
  }

  /// Reads the fields of the row into the cells of record_; false where one of them is bad.
  bool read_fields() {
    const auto fields = csv_.fields();
    if (fields.size() != csv_.header().size()) {
      bad_.add(csv_.line(), fmt::format("{}, line {}: {} fields, expected {} (as in the header)", csv_.name(),
                                        csv_.line(), fields.size(), csv_.header().size()));
      return false;
    }
    const std::span<Cell> cells = order_.cells(std::span(record_));
    lacks_group_ = false;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      SourceColumn& column = columns_[i];
      const std::string_view field = fields[column.position()];
      cells[i] = missing_cell;
      switch (column.read(field, csv_.line(), options_.fields, cells[i])) {
        case SourceColumn::Status::value:
          if (column.is_factor()) cells[i] = column.code(field, [&] { return where(column, csv_.line()); });
          break;
        case SourceColumn::Status::missing:
          if (missing_by_column_[i]++ == 0) first_missing_[i] = csv_.line();
          lacks_group_ = lacks_group_ || column.is_group();
          if (!column.is_group() || options_.missing != Missing::keep) break;
          bad_.add(csv_.line(), fmt::format("{}: missing value, but every row must have its group (--missing "
                                            "drop leaves such rows out)",
                                            where(column, csv_.line())));
          return false;
        case SourceColumn::Status::bad:
          bad_.add(csv_.line(), fmt::format("{}: {}", where(column, csv_.line()), column.problem()));
          return false;
      }
    }
    return true;
  }

  void judge() {
    if (!read_fields() || bad_.count > 0) return;  // the import can only fail: the rest is read to count
    order_.set_keys(record_, rows_read_ - 1, csv_.line());
    const std::span<const Cell> cells = order_.cells(std::span(record_));
    bool lacks = lacks_group_, waits = false;
    for (std::size_t i = 0; i < columns_.size() && options_.missing != Missing::keep; ++i) {
      if (columns_[i].left() != Left::in || !is_missing(cells, i)) continue;
      (columns_[i].may_be_dropped() ? waits : lacks) = true;
    }
    if (lacks) {
      ++rows_missing_;
    } else if (waits) {
      waiting_.add(record_);
    } else {
      keep(record_);
    }
  }

  void keep(std::span<const std::uint64_t> record) {
    const bool aside = order_.is_aside(record);
    const std::span<const Cell> cells = order_.cells(record);
    ++(aside ? rows_set_aside_ : rows_kept_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!is_missing(cells, i)) columns_[i].count(cells[i], aside);
    }
    sorter_.add(record);
  }

  const ImportOptions& options_;
  const RowOrder& order_;
  CsvReader& csv_;
  std::vector<SourceColumn>& columns_;
  RecordSorter &sorter_, waiting_;
  std::vector<std::uint64_t> record_;
  bool lacks_group_ = false;  // the row of record_
  BadRows bad_;
  std::vector<Index> missing_by_column_;
  std::vector<std::int64_t> first_missing_;  // by column: the line
  Index rows_read_ = 0, rows_missing_ = 0, rows_kept_ = 0, rows_set_aside_ = 0;
};

// ---- writing ----

ColumnType type_of(const SourceColumn& column) {
  return column.is_factor()    ? ColumnType::factor
         : column.is_integer() ? ColumnType::integer
                               : ColumnType::number;
}

DatasetSchema make_schema(const ImportOptions& options, const ChosenColumns& chosen, Index rows,
                          std::vector<std::string>& notes) {
  DatasetSchema schema;
  schema.single = options.single;
  schema.grouped_by = chosen.groups;
  for (const SourceColumn& column : chosen.columns) {
    if (column.left() != Left::in) continue;
    schema.table.columns.push_back(
        {.name = column.name(), .type = type_of(column), .levels = column.levels()});
    const std::string note = schema.single ? column.single_note() : "";
    if (note.empty()) continue;
    schema.single = false;
    notes.push_back(note);
  }
  schema.has_line = true;
  schema.shuffle_seed = options.seed;
  schema.source = options.input == "-" ? "standard input" : options.input.filename().string();
  schema.blocks = Blocks::of_equal(
      0, options.block_rows > 0
             ? options.block_rows
             : default_block_rows(schema.table.count(ColumnType::number), schema.single, rows));
  return schema;
}

/// A dataset being written: records in, rows out.
class TableOutput {
 public:
  TableOutput(const std::filesystem::path& path, const DatasetSchema& schema, const RowOrder& order,
              const std::vector<SourceColumn>& columns)
      : schema_(schema), order_(order), columns_(columns), writer_(path, schema) {
    writer_.set_command("import");
    constexpr Index batch_bytes = Index{8} << 20;
    const Index row_bytes = schema.table.size() * Index{sizeof(double)};
    batch_ = std::clamp<Index>(batch_bytes / row_bytes, 1, 8192);
    rows_ = missing_rows(schema.table, batch_);
  }

  void add(std::span<const std::uint64_t> record) {
    if (std::ssize(lines_) == batch_) flush();
    const Index row = std::ssize(lines_);
    auto& numbers = std::get<TableRows::RowMajor<double>>(rows_.numbers);
    const std::span<const Cell> cells = order_.cells(record);
    Index number = 0, factor = 0, integer = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const SourceColumn& column = columns_[i];
      if (column.left() != Left::in) continue;
      if (column.is_factor()) {
        rows_.codes(row, factor++) = cells[i] == missing_cell ? -1 : column.level(cells[i]);
      } else if (column.is_integer()) {
        rows_.integers(row, integer++) = std::bit_cast<std::int64_t>(cells[i]);
      } else {
        numbers(row, number++) = std::bit_cast<double>(cells[i]);
      }
    }
    lines_.push_back(order_.line(record));
  }

  DatasetSchema finish() {
    flush();
    return writer_.finish();
  }

 private:
  void flush() {
    const Index filled = std::ssize(lines_);
    if (filled < batch_) keep_rows(rows_, filled);
    writer_.append(rows_, lines_);
    lines_.clear();
  }

  const DatasetSchema schema_;
  const RowOrder& order_;
  const std::vector<SourceColumn>& columns_;
  DatasetWriter writer_;
  Index batch_ = 0;
  TableRows rows_;  // those that have a line are filled
  std::vector<std::int64_t> lines_;
};

/// The columns' places in a record's cells.
std::vector<std::size_t> places_of(const std::vector<std::string>& names,
                                   const std::vector<SourceColumn>& columns) {
  std::vector<std::size_t> places;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(columns, name, [](const SourceColumn& c) { return c.name(); });
    places.push_back(static_cast<std::size_t>(found - columns.begin()));
  }
  return places;
}

ImportedColumn imported(const SourceColumn& column, Index missing) {
  using Kind = ImportedColumn::Kind;
  const Kind kind = column.left() == Left::text    ? Kind::text
                    : column.left() == Left::empty ? Kind::empty
                    : column.is_factor()           ? Kind::factor
                    : column.is_integer()          ? Kind::integer
                    : column.is_date()             ? Kind::date
                                                   : Kind::number;
  return {column.name(), kind, column.levels(), missing};
}

}  // namespace

ImportReport import_csv(const ImportOptions& options) {
  const Clock::time_point start = Clock::now();
  validate(options);
  CsvReader csv(options.input, options.format);
  ChosenColumns chosen = choose_columns(options, csv.header());
  std::vector<SourceColumn>& columns = chosen.columns;
  const RowOrder order(options.seed, options.holdout, places_of(chosen.groups, columns));
  RecordSorter sorter(folder_of(options.output), order.num_keys() + columns.size(), order.num_keys(),
                      options.memory);
  RowReader reader(options, order, csv, columns, sorter);
  reader.read();

  ImportReport report;
  report.rows_read = reader.rows_read();
  report.rows_dropped = reader.rows_dropped();
  report.rows_held_out = reader.rows_set_aside();
  if (csv.has_row_names())
    report.notes.emplace_back(
        "the first field of every row has no name in the header: taken as the names of rows, and left out");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    try {
      columns[i].finish(report.warnings);
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", csv.name(), error.what()));
    }
    report.columns.push_back(imported(columns[i], reader.missing_by_column()[i]));
    const std::string note = columns[i].likeness_note();
    if (!note.empty()) report.notes.push_back(note);
  }

  const DatasetSchema schema = make_schema(options, chosen, reader.rows_kept(), report.notes);
  TableOutput kept(options.output, schema, order, columns);
  std::optional<TableOutput> held_out;
  if (options.holdout > 0.0) held_out.emplace(options.holdout_output, schema, order, columns);
  sorter.drain([&](std::span<const std::uint64_t> record) {
    (order.is_aside(record) ? *held_out : kept).add(record);
  });
  if (held_out) held_out->finish();
  report.schema = kept.finish();
  report.seconds = seconds_since(start);
  return report;
}

Index default_block_rows(Index columns, bool single, Index rows) {
  // Below 512 rows the exact sum of a block's gradient would cost a wide table more than 5 % of its products.
  constexpr Index least = 256, least_wide = 512, most_bytes = Index{1} << 20, draws = 16, enough_blocks = 32;
  const Index stored = single ? sizeof(float) : sizeof(double);
  const Index row_bytes = columns * stored + 2 * draws * Index{sizeof(double)};
  Index block = least;
  const auto small = [&](Index size) { return size <= least_wide || size * row_bytes <= most_bytes; };
  const auto enough = [&](Index size) { return rows == 0 || size * enough_blocks <= rows; };
  while (small(2 * block) && enough(2 * block)) block *= 2;
  return block;
}

}  // namespace vfe
