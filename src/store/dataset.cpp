#include "vfe/store/dataset.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>

#include "store/dataset_parts.hpp"
#include "store/hdf5.hpp"
#include "store/hdf5_crash.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

std::string shown(const std::string& text) {
  return fmt::format("\"{}\"", one_line(printable(shortened(text, 60))));
}

/// The parts that are the columns of a table.
class TableParts : public DatasetParts {
 public:
  using DatasetParts::DatasetParts;

  void check_version() const {
    const std::int64_t found = version();
    if (found == 1 || (found == dataset_version && hdf5::exists(file(), "x"))) {
      fail("is a dataset of version 1 (a finished design matrix); import its source again with this version");
    }
    if (found != dataset_version) {
      fail(fmt::format("dataset version {}, this program reads version {}", found, dataset_version));
    }
  }

  /// All but the widths of matrices, which are those of what is stored.
  TableSchema columns() const {
    const std::vector<std::string> names = texts("columns/name"), types = texts("columns/type");
    if (names.empty()) fail("has no /columns/name, expected the names of the columns");
    if (!types.empty() && types.size() != names.size()) {
      fail(fmt::format("/columns/type has {} entries, /columns/name has {}", types.size(), names.size()));
    }
    TableSchema table;
    std::unordered_set<std::string_view> seen;
    Index factors = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) fail(fmt::format("column {} has an empty name", i));
      if (!seen.insert(names[i]).second) fail(fmt::format("two columns are named {}", shown(names[i])));
      TableColumn column{.name = names[i],
                         .type = types.empty() ? ColumnType::number : type(types[i], names[i])};
      if (column.type == ColumnType::factor) column.levels = levels(factors++, names[i]);
      table.columns.push_back(std::move(column));
    }
    return table;
  }

  /// The columns of `table` that name groups of rows.
  std::vector<std::string> groups(const TableSchema& table) const {
    std::vector<std::string> names = texts("grouped_by");
    std::unordered_set<std::string_view> seen;
    for (const std::string& name : names) {
      const Index column = table.find(name);
      if (column < 0) fail(fmt::format("/grouped_by names {}, which is no column of the table", shown(name)));
      if (!seen.insert(name).second) fail(fmt::format("/grouped_by names {} twice", shown(name)));
      const ColumnType found = table[column].type;
      if (found == ColumnType::factor || found == ColumnType::integer) continue;
      fail(fmt::format("/grouped_by names {}, a column of type {}, expected factor or integer", shown(name),
                       to_string(found)));
    }
    return names;
  }

  /// A dataset of rows x `width` (-1: whatever it has) that holds `what`; nothing where `width` is 0. All
  /// such have the same rows: num_rows().
  hdf5::Handle cells(const std::string& name, Index width, const std::string& what) {
    if (!hdf5::exists(file(), name)) {
      if (width == 0) return {};
      fail(fmt::format("has no /{}, expected rows x {}: {}", name,
                       width < 0 ? "width" : std::to_string(width), what));
    }
    hdf5::Handle dataset = hdf5::open_dataset(file(), name);
    const hdf5::Shape shape = hdf5::stored_shape(dataset);
    if (shape.size() != 2) {
      fail(fmt::format("/{} has {} axes, expected rows x {}: {}", name, shape.size(),
                       width < 0 ? "width" : std::to_string(width), what));
    }
    if (width >= 0 && shape[1] != static_cast<hsize_t>(width)) {
      fail(fmt::format("/{} has {} columns, expected {}: {}", name, shape[1], width, what));
    }
    if (width < 0 && shape[1] == 0)
      fail(fmt::format("/{} has no columns, expected at least one: {}", name, what));
    if (width == 0) return {};
    if (shape[0] == 0) fail(fmt::format("has no rows: /{} is empty", name));
    if (first_.empty()) {
      first_ = name;
      num_rows_ = static_cast<Index>(shape[0]);
    }
    if (static_cast<Index>(shape[0]) != num_rows_) {
      fail(fmt::format("/{} has {} rows, /{} has {}", name, shape[0], first_, num_rows_));
    }
    return dataset;
  }
  Index num_rows() const { return num_rows_; }

 private:
  ColumnType type(const std::string& word, const std::string& column) const {
    const std::optional<ColumnType> found = column_type_from_string(word);
    if (found) return *found;
    fail(fmt::format("column {}: its type is {}, expected number, factor, integer or matrix", shown(column),
                     shown(word)));
  }

  std::vector<std::string> levels(Index slot, const std::string& column) const {
    std::vector<std::string> list = texts(fmt::format("levels/{}", slot));
    if (list.empty()) {
      fail(fmt::format("has no levels of the factor {}, expected /levels/{}", shown(column), slot));
    }
    std::unordered_set<std::string_view> seen;
    for (const std::string& level : list) {
      if (level.empty())
        fail(fmt::format("/levels/{}: a level of the factor {} is empty", slot, shown(column)));
      if (!seen.insert(level).second) {
        fail(
            fmt::format("/levels/{}: two levels of the factor {} are {}", slot, shown(column), shown(level)));
      }
    }
    return list;
  }

  std::string first_;  // of the datasets opened
  Index num_rows_ = 0;
};

/// By slot: the columns of a type.
std::vector<Index> columns_of(const TableSchema& table, ColumnType type) {
  std::vector<Index> columns;
  for (Index j = 0; j < table.size(); ++j)
    if (table[j].type == type) columns.push_back(j);
  return columns;
}

bool is_single(const hdf5::Handle& dataset) {
  return hdf5::kind(dataset) != hdf5::Kind::real;  // small integers too
}

template <class T>
void read_rows(const hdf5::Handle& dataset, const TableRows& rows, TableRows::RowMajor<T>& values) {
  if (!dataset) return;
  hdf5::read_rows(dataset, static_cast<hsize_t>(rows.first_row), static_cast<hsize_t>(rows.num_rows),
                  values.data());
}

TableRows::Numbers read_numbers(const hdf5::Handle& dataset, const TableRows& rows, Index width,
                                bool single) {
  const auto of = [&]<class T>(T) -> TableRows::Numbers {
    TableRows::RowMajor<T> values(rows.num_rows, width);
    read_rows(dataset, rows, values);
    return values;
  };
  return single ? of(0.0f) : of(0.0);
}

std::uint64_t hash_block(const TableRows& rows, Index first, Index count, Index block) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_64bits_reset_withSeed(state.get(), static_cast<XXH64_hash_t>(block));
  const auto add = [&](const auto& all) {  // in the order of the file
    const TableRows::RowMajor<typename std::decay_t<decltype(all)>::Scalar> values =
        all.middleRows(first, count);
    XXH3_64bits_update(state.get(), values.data(),
                       static_cast<std::size_t>(values.size()) * sizeof *values.data());
  };
  std::visit(add, rows.numbers);
  add(rows.codes);
  add(rows.integers);
  for (const TableRows::Numbers& matrix : rows.matrices) std::visit(add, matrix);
  return XXH3_64bits_digest(state.get());
}

}  // namespace

struct Dataset::Impl {
  std::filesystem::path path;
  DatasetSchema schema;
  std::vector<Index> numbers_of, factors_of, matrices_of;  // by slot: the column
  bool has_content = false;
  std::string made_by;
  Vector truth;
  std::vector<std::string> truth_names;
  hdf5::Handle file, numbers, codes, integers, line;
  std::vector<hdf5::Handle> matrices;

  void open();
  void open_columns(TableParts& parts);
  void open_numbers(TableParts& parts);
  void open_matrices(TableParts& parts);
  Index row_bytes() const;
  std::string name_row(Index row) const;
  void check(const TableRows& rows) const;
  void check_finite(const TableRows::Numbers& numbers, const TableRows& rows,
                    const std::vector<Index>& columns) const;
  [[noreturn]] void fail_at(Index row, Index column, const std::string& found) const;
};

void Dataset::Impl::open() {
  file = hdf5::open_file(path);
  TableParts parts(path, file);
  parts.check_version();
  open_columns(parts);
  schema.blocks = parts.blocks(parts.num_rows(), rows_of_block(row_bytes()));
  line = parts.numbers("line", {static_cast<hsize_t>(parts.num_rows())});
  schema.has_line = static_cast<bool>(line);
  schema.shuffle_seed = parts.whole("shuffle_seed", 0);
  schema.source = parts.text("source");
  made_by = parts.text("made_by");
  has_content = hdf5::has_attribute(file, "content_hash");
  schema.content = parts.whole("content_hash", 0);
  truth_names = parts.texts("truth/name");
  truth = parts.reals("truth/value", static_cast<Index>(truth_names.size()));
  hdf5::throw_if_failed(file);
}

void Dataset::Impl::open_columns(TableParts& parts) {
  schema.table = parts.columns();
  schema.grouped_by = parts.groups(schema.table);
  numbers_of = columns_of(schema.table, ColumnType::number);
  factors_of = columns_of(schema.table, ColumnType::factor);
  matrices_of = columns_of(schema.table, ColumnType::matrix);
  open_numbers(parts);
  open_matrices(parts);
}

void Dataset::Impl::open_numbers(TableParts& parts) {
  const auto refuse = [&](const char* name, const char* expected) {
    parts.fail(fmt::format("/{} does not hold {}", name, expected));
  };
  numbers = parts.cells("numbers", std::ssize(numbers_of), "the columns of type number");
  if (numbers) {
    if (const hdf5::Kind kind = hdf5::kind(numbers); kind != hdf5::Kind::single && kind != hdf5::Kind::real) {
      refuse("numbers", "floating-point numbers, expected float32 or float64");
    }
    schema.single = is_single(numbers);
  }
  codes = parts.cells("codes", std::ssize(factors_of), "the columns of type factor");
  if (codes && hdf5::kind(codes) != hdf5::Kind::integer) refuse("codes", "integers, expected int32");
  integers = parts.cells("integers", schema.table.count(ColumnType::integer), "the columns of type integer");
  if (integers && (hdf5::kind(integers) != hdf5::Kind::integer || hdf5::signed_bits(integers) > 64)) {
    refuse("integers", "integers, expected int64");
  }
}

void Dataset::Impl::open_matrices(TableParts& parts) {
  constexpr std::size_t most_bits = 25;  // of integers that float32 holds
  for (Index slot = 0; slot < std::ssize(matrices_of); ++slot) {
    TableColumn& column =
        schema.table.columns[static_cast<std::size_t>(matrices_of[static_cast<std::size_t>(slot)])];
    const std::string name = fmt::format("matrices/{}", slot);
    hdf5::Handle matrix = parts.cells(name, -1, fmt::format("the matrix {}", shown(column.name)));
    const hdf5::Kind kind = hdf5::kind(matrix);
    const bool is_small = kind == hdf5::Kind::integer && hdf5::signed_bits(matrix) <= most_bits;
    if (kind != hdf5::Kind::single && kind != hdf5::Kind::real && !is_small) {
      parts.fail(
          fmt::format("/{} holds neither floating-point numbers nor bytes, expected float32, float64 or "
                      "uint8: the matrix {}",
                      name, shown(column.name)));
    }
    schema.single = schema.single && is_single(matrix);
    column.width = static_cast<Index>(hdf5::shape(matrix)[1]);
    matrices.push_back(std::move(matrix));
  }
}

/// In memory.
Index Dataset::Impl::row_bytes() const {
  const auto bytes = [](const hdf5::Handle& values) { return is_single(values) ? 4 : 8; };
  Index sum = 4 * std::ssize(factors_of) + 8 * schema.table.count(ColumnType::integer);
  if (numbers) sum += std::ssize(numbers_of) * bytes(numbers);
  for (std::size_t slot = 0; slot < matrices.size(); ++slot) {
    sum += schema.table[matrices_of[slot]].width * bytes(matrices[slot]);
  }
  return sum;
}

std::string Dataset::Impl::name_row(Index row) const {
  const hdf5::CrashGuard guard(path);
  return name_of_row(line, row, schema.num_rows(), schema.source);
}

void Dataset::Impl::fail_at(Index row, Index column, const std::string& found) const {
  throw Error(Fault::data, fmt::format("{}: {}, column {}: found {}", path.string(), name_row(row),
                                       shown(schema.table[column].name), found));
}

void Dataset::Impl::check_finite(const TableRows::Numbers& all, const TableRows& rows,
                                 const std::vector<Index>& columns) const {
  std::visit(
      [&](const auto& values) {
        if (!values.array().isInf().any()) return;
        for (Index r = 0; r < values.rows(); ++r) {
          for (Index c = 0; c < values.cols(); ++c) {
            if (!std::isinf(values(r, c))) continue;
            fail_at(rows.first_row + r, columns[columns.size() == 1 ? 0 : static_cast<std::size_t>(c)],
                    fmt::format("{}, expected a finite number, or NaN for a missing one", values(r, c)));
          }
        }
      },
      all);
}

void Dataset::Impl::check(const TableRows& rows) const {
  check_finite(rows.numbers, rows, numbers_of);
  for (std::size_t slot = 0; slot < factors_of.size(); ++slot) {
    const auto codes_of = rows.codes.col(static_cast<Index>(slot)).array();
    const auto levels = static_cast<std::int32_t>(schema.table[factors_of[slot]].levels.size());
    if ((codes_of >= -1 && codes_of < levels).all()) continue;
    for (Index r = 0; r < rows.num_rows; ++r) {
      if (codes_of[r] >= -1 && codes_of[r] < levels) continue;
      fail_at(rows.first_row + r, factors_of[slot],
              fmt::format("the code {}, expected 0 to {}, or -1 for a missing one", codes_of[r], levels - 1));
    }
  }
  for (std::size_t slot = 0; slot < matrices_of.size(); ++slot) {
    check_finite(rows.matrices[slot], rows, {matrices_of[slot]});
  }
}

Dataset::Dataset(const std::filesystem::path& path) {
  const hdf5::CrashGuard guard(path);
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->open();
  impl_ = std::move(impl);
}

Dataset::~Dataset() {
  if (!impl_) return;
  const hdf5::CrashGuard guard(impl_->path);
  impl_.reset();
}
Dataset::Dataset(Dataset&&) noexcept = default;

const std::filesystem::path& Dataset::path() const {
  return impl_->path;
}
const DatasetSchema& Dataset::schema() const {
  return impl_->schema;
}
bool Dataset::has_content_hash() const {
  return impl_->has_content;
}
std::string Dataset::made_by() const {
  return impl_->made_by;
}
std::string Dataset::name_row(Index row) const {
  return impl_->name_row(row);
}
std::vector<std::int64_t> Dataset::lines(Index first, Index last) const {
  if (!impl_->line || first >= last) return {};
  const hdf5::CrashGuard guard(impl_->path);
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(last - first));
  hdf5::read_rows(impl_->line, static_cast<hsize_t>(first), numbers.size(), numbers.data());
  return numbers;
}
Vector Dataset::truth() const {
  return impl_->truth;
}
std::vector<std::string> Dataset::truth_names() const {
  return impl_->truth_names;
}

TableRows Dataset::read(BlockRange blocks) const {
  const DatasetSchema& schema = impl_->schema;
  if (blocks.first < 0 || blocks.size() < 0 || blocks.last > schema.num_blocks()) {
    throw Error(Fault::bug, fmt::format("{}: reading blocks {} to {} of {}", impl_->path.string(),
                                        blocks.first, blocks.last, schema.num_blocks()));
  }
  const hdf5::CrashGuard guard(impl_->path);
  TableRows rows;
  rows.first_block = blocks.first;
  rows.first_row = schema.blocks.first(blocks.first);
  rows.num_rows = schema.blocks.first(blocks.last) - rows.first_row;
  rows.numbers = read_numbers(impl_->numbers, rows, std::ssize(impl_->numbers_of),
                              impl_->numbers ? is_single(impl_->numbers) : schema.single);
  TableRows::RowMajor<std::int32_t> codes(rows.num_rows, std::ssize(impl_->factors_of));
  read_rows(impl_->codes, rows, codes);
  rows.codes = codes;
  TableRows::RowMajor<std::int64_t> integers(rows.num_rows, schema.table.count(ColumnType::integer));
  read_rows(impl_->integers, rows, integers);
  rows.integers = integers;
  for (std::size_t slot = 0; slot < impl_->matrices.size(); ++slot) {
    const hdf5::Handle& matrix = impl_->matrices[slot];
    rows.matrices.push_back(
        read_numbers(matrix, rows, schema.table[impl_->matrices_of[slot]].width, is_single(matrix)));
  }
  hdf5::throw_if_failed(impl_->file);
  impl_->check(rows);
  return rows;
}

std::uint64_t content_hash(const TableRows& rows, const Blocks& blocks) {
  std::uint64_t sum = 0;
  for (Index b = 0; b < blocks.num_blocks(); ++b) {
    sum += hash_block(rows, blocks.first(b), blocks.rows(b), rows.first_block + b);
  }
  return sum;
}

void expect_content(const std::string& file, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  throw Error(Fault::data,
              fmt::format("{}: its contents have the hash {:016x}, expected {:016x}: the file was changed or "
                          "damaged after it was written",
                          file, found, expected));
}

}  // namespace vfe
