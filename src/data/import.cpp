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
#include <set>

#include "data/import_request.hpp"
#include "data/record_sorter.hpp"
#include "data/source_column.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/notice.hpp"
#include "vfe/core/random.hpp"
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

constexpr std::uint64_t set_aside = std::uint64_t{1} << 63;

/// First word of a row's record: its place in the shuffled order; rows set aside come after all others.
std::uint64_t sort_key(const ImportOptions& options, Index row) {
  const auto number = static_cast<std::uint64_t>(row);
  Address at{
      .seed = options.seed, .purpose = Purpose::shuffle, .step = static_cast<std::uint32_t>(number >> 32)};
  const auto low = static_cast<std::uint32_t>(number);
  const auto bits = random_bits(at, low);
  const std::uint64_t place = ((std::uint64_t{bits[0]} << 32) | bits[1]) >> 1;
  if (options.holdout == 0.0) return place;
  at.purpose = Purpose::holdout;
  return uniform(at, low) < options.holdout ? place | set_aside : place;
}

/// Pass 1: every row becomes a record {sort key, line, value of each column}, the columns learn their levels
/// and moments. Reads to the end even after a bad row, to count them all.
class RowReader {
 public:
  RowReader(const ImportOptions& options, CsvReader& csv, std::vector<SourceColumn>& columns,
            RecordSorter& sorter)
      : options_(options),
        csv_(csv),
        columns_(columns),
        sorter_(sorter),
        record_(2 + columns.size()),
        missing_by_column_(columns.size()) {}

  void read() {
    ProgressLine progress(options_.input, options_.quiet);
    while (csv_.next()) {
      if (judge()) keep();
      progress.update(++rows_read_, csv_.bytes_read());
    }
    if (rows_read_ == 0) throw Error(Fault::data, fmt::format("{}: no rows after the header", csv_.name()));
    if (bad_.count > 0) throw Error(Fault::data, bad_.first + bad_.others());
    if (missing_.count > 0 && !options_.drop_missing)
      throw Error(Fault::data,
                  fmt::format("{}; {} of {} rows have missing values (--missing drop leaves them out): {}",
                              missing_.first, missing_.count, rows_read_, fmt::join(missing_counts(), ", ")));
    if (rows_kept_ + rows_set_aside_ == 0)
      throw Error(Fault::data,
                  fmt::format("{}: no rows left, all {} have missing values", csv_.name(), rows_read_));
    if (rows_kept_ == 0 || (options_.holdout > 0.0 && rows_set_aside_ == 0))
      throw Error(Fault::data,
                  fmt::format("{}: a holdout of {} sets aside {} of {} rows, expected some on either side",
                              csv_.name(), options_.holdout, rows_set_aside_, rows_kept_ + rows_set_aside_));
  }

  const std::vector<Index>& missing_by_column() const { return missing_by_column_; }
  Index rows_read() const { return rows_read_; }
  Index rows_dropped() const { return missing_.count; }
  Index rows_kept() const { return rows_kept_; }
  Index rows_set_aside() const { return rows_set_aside_; }

 private:
  /// "age 12", of the columns that miss most.
  std::vector<std::string> missing_counts() const {
    constexpr std::size_t most = 10;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (missing_by_column_[i] > 0) order.push_back(i);
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

  std::string where(const SourceColumn& column) const {
    return fmt::format("{}, line {}, column \"{}\"", csv_.name(), csv_.line(), column.name());
  }

  /// Whether the row can be used; its numbers are then in record_.
  bool judge() {
    const auto fields = csv_.fields();
    if (fields.size() != csv_.header().size()) {
      bad_.add(csv_.line(), fmt::format("{}, line {}: {} fields, expected {} (as in the header)", csv_.name(),
                                        csv_.line(), fields.size(), csv_.header().size()));
      return false;
    }
    const SourceColumn* missing = nullptr;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      SourceColumn& column = columns_[i];
      double number = 0.0;
      switch (column.read(fields[column.position()], csv_.line(), options_.fields, number)) {
        case SourceColumn::Status::value:
          record_[2 + i] = std::bit_cast<std::uint64_t>(number);
          break;
        case SourceColumn::Status::missing:
          if (!missing) missing = &column;
          ++missing_by_column_[i];
          break;
        case SourceColumn::Status::bad:
          bad_.add(csv_.line(), fmt::format("{}: {}", where(column), column.problem()));
          return false;
      }
    }
    if (!missing) return true;
    missing_.add(csv_.line(), missing_.count > 0 ? "" : fmt::format("{}: missing value", where(*missing)));
    return false;
  }

  void keep() {
    const std::uint64_t key = sort_key(options_, rows_read_);
    const bool aside = (key & set_aside) != 0;
    ++(aside ? rows_set_aside_ : rows_kept_);
    const double inverse_count = 1.0 / static_cast<double>(rows_kept_);
    record_[0] = key;
    record_[1] = static_cast<std::uint64_t>(csv_.line());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      SourceColumn& column = columns_[i];
      if (column.is_factor())
        record_[2 + i] =
            std::bit_cast<std::uint64_t>(column.code(csv_.fields()[column.position()], where(column)));
      const double value = std::bit_cast<double>(record_[2 + i]);
      if (column.role() == Role::response) column.see_class(value);
      if (!aside) column.count(value, inverse_count);
    }
    // After a bad row the import can only fail; the rest is read to count the others.
    if (bad_.count == 0 && (missing_.count == 0 || options_.drop_missing)) sorter_.add(record_);
  }

  const ImportOptions& options_;
  CsvReader& csv_;
  std::vector<SourceColumn>& columns_;
  RecordSorter& sorter_;
  std::vector<std::uint64_t> record_;
  BadRows bad_, missing_;
  std::vector<Index> missing_by_column_;
  Index rows_read_ = 0, rows_kept_ = 0, rows_set_aside_ = 0;
};

// ---- writing ----

/// Whether single precision, where it was asked for, keeps what the predictors say; if not, warns.
bool single_will_do(const ImportOptions& options, const std::vector<SourceColumn>& columns,
                    std::vector<std::string>& warnings) {
  constexpr double most_rounding = 1e-3;  // of a standard deviation
  for (const SourceColumn& column : columns) {
    if (!options.single || column.role() != Role::predictor) continue;
    const double rounding = column.single_rounding();
    if (!(rounding > most_rounding)) continue;
    warnings.push_back(
        fmt::format("column \"{}\": single precision would round its values by up to {:.2g} of their "
                    "standard deviation; the columns are stored in double precision",
                    column.name(), rounding));
    return false;
  }
  return options.single;
}

Schema make_schema(const ImportOptions& options, const std::vector<SourceColumn>& columns, Index rows,
                   bool single) {
  Schema schema;
  std::set<std::string> names;
  for (const SourceColumn& column : columns) {
    if (column.role() == Role::offset) schema.has_offset = true;
    if (column.role() == Role::weight) schema.has_weight = true;
    if (column.role() == Role::response) {
      schema.response = column.name();
      schema.response_levels = column.levels();
      schema.response_centre = column.centre();
      schema.response_scale = column.scale();
      schema.response_classes = column.classes();
      schema.response_numbers = column.numbers();
      if (!options.standardize && !column.is_factor()) schema.response_moments = column.moments();
    }
    if (column.role() != Role::predictor) continue;
    for (const Column& made : column.design()) {
      if (!names.insert(made.name).second)
        throw Error(Fault::data,
                    fmt::format("{}: two columns would be called \"{}\"; rename one, or leave it out "
                                "with --drop",
                                options.input.string(), made.name));
      schema.columns.push_back(made);
      if (!options.standardize) schema.moments.push_back(column.moments());
    }
  }
  schema.single = single;
  schema.has_line = true;
  schema.shuffle_seed = options.seed;
  schema.source = options.input == "-" ? "standard input" : options.input.filename().string();
  schema.blocks = Blocks::of_equal(0, options.block_rows > 0
                                          ? options.block_rows
                                          : default_block_rows(schema.num_columns(), schema.single, rows));
  return schema;
}

/// A dataset being written: records in, coded rows out.
class DatasetOutput {
 public:
  DatasetOutput(const ImportOptions& options, const std::filesystem::path& path, const Schema& schema,
                const std::vector<SourceColumn>& columns)
      : options_(options), schema_(schema), columns_(columns), writer_(path, schema) {
    writer_.set_command("import");
    constexpr Index batch_bytes = Index{8} << 20;
    const Index row_bytes = std::max<Index>(schema.num_columns(), 1) * Index{sizeof(double)};
    batch_ = std::clamp<Index>(batch_bytes / row_bytes, 1, 8192);
    start_batch();
  }

  void add(std::span<const std::uint64_t> record) {
    lines_.push_back(static_cast<std::int64_t>(record[1]));
    double* coded = x_.data() + filled_ * x_.cols();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const SourceColumn& column = columns_[i];
      const double value = std::bit_cast<double>(record[2 + i]);
      switch (column.role()) {
        case Role::predictor:
          column.encode(value, {coded, column.width()});
          coded += column.width();
          break;
        case Role::response:
          rows_.y[filled_] = column.plain(value);
          break;
        case Role::offset:
          rows_.offset[filled_] = column.plain(value);
          break;
        case Role::weight:
          rows_.weight[filled_] = column.plain(value);
          break;
      }
    }
    check_range();
    if (++filled_ == batch_) flush();
  }

  Schema finish() {
    flush();
    return writer_.finish();
  }

 private:
  /// Whether the row just coded fits the storage.
  void check_range() const {
    const double most =
        schema_.single ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    const auto row = x_.row(filled_);
    if ((row.array().abs() <= most).all()) return;
    for (Index j = 0; j < row.size(); ++j)
      if (!(std::abs(row[j]) <= most))
        throw Error(Fault::data, fmt::format("{}, line {}, column \"{}\": {} does not fit the storage{}",
                                             options_.input.string(), lines_.back(),
                                             schema_.columns[static_cast<std::size_t>(j)].name, row[j],
                                             schema_.single ? " (--float64 would do)" : ""));
  }

  void start_batch() {
    x_.resize(batch_, schema_.num_columns());
    rows_.y.resize(batch_);
    if (schema_.has_offset) rows_.offset.resize(batch_);
    if (schema_.has_weight) rows_.weight.resize(batch_);
    filled_ = 0;
    lines_.clear();
  }

  void flush() {
    if (filled_ == 0) return;
    x_.conservativeResize(filled_, Eigen::NoChange);
    rows_.y.conservativeResize(filled_);
    if (schema_.has_offset) rows_.offset.conservativeResize(filled_);
    if (schema_.has_weight) rows_.weight.conservativeResize(filled_);
    rows_.x = std::move(x_);
    writer_.append(rows_, lines_);
    start_batch();
  }

  const ImportOptions& options_;
  const Schema schema_;
  const std::vector<SourceColumn>& columns_;
  DatasetWriter writer_;
  Index batch_ = 0, filled_ = 0;
  Rows rows_;
  Rows::RowMajor<double> x_;  // of rows_; the writer rounds to what is stored
  std::vector<std::int64_t> lines_;
};

}  // namespace

ImportReport import_csv(const ImportOptions& options) {
  const Clock::time_point start = Clock::now();
  validate(options);
  CsvReader csv(options.input, options.format);
  std::vector<SourceColumn> columns = choose_columns(options, csv.header());
  RecordSorter sorter(folder_of(options.output), static_cast<Index>(2 + columns.size()), options.memory);
  RowReader reader(options, csv, columns, sorter);
  reader.read();

  ImportReport report;
  report.rows_read = reader.rows_read();
  report.rows_dropped = reader.rows_dropped();
  report.rows_held_out = reader.rows_set_aside();
  if (csv.has_row_names())
    report.notes.emplace_back(
        "the first field of every row has no name in the header: taken as the names of rows, and left out");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    SourceColumn& column = columns[i];
    try {
      column.finish(reader.rows_kept(), options.standardize, report.warnings);
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", csv.name(), error.what()));
    }
    using Kind = ImportedColumn::Kind;
    report.columns.push_back({column.name(),
                              column.is_factor() ? Kind::factor
                              : column.is_date() ? Kind::date
                                                 : Kind::number,
                              column.levels(), column.role() == Role::predictor && column.is_constant(),
                              reader.missing_by_column()[i]});
    const std::string note = column.likeness_note(reader.rows_kept() + reader.rows_set_aside());
    if (!note.empty()) report.notes.push_back(note);
  }

  const bool single = single_will_do(options, columns, report.warnings);
  const Schema schema = make_schema(options, columns, reader.rows_kept(), single);
  DatasetOutput kept(options, options.output, schema, columns);
  std::optional<DatasetOutput> held_out;
  if (options.holdout > 0.0) held_out.emplace(options, options.holdout_output, schema, columns);
  sorter.drain([&](std::span<const std::uint64_t> record) {
    ((record[0] & set_aside) != 0 ? *held_out : kept).add(record);
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
