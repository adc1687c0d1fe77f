#include "vfe/store/dataset.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "store/hdf5.hpp"
#include "store/hdf5_crash.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

// A file may say more than its rows need, but not anything: others count with it.
constexpr Index most_block_rows = Index{1} << 32, most_classes = 1 << 16;

/// Blocks of a file that does not say: a power of two rows, about 256 KiB of x, at least 256.
Index default_rows_of_block(Index columns, bool single) {
  const Index row_bytes = std::max<Index>(columns, 1) * (single ? 4 : 8);
  const auto rows = static_cast<std::uint64_t>(std::max<Index>((Index{1} << 18) / row_bytes, 256));
  return static_cast<Index>(std::bit_floor(rows));
}

/// Opens the parts of a dataset file and judges them, with the file's name in every line.
class Reader {
 public:
  Reader(const std::filesystem::path& path, const hdf5::Handle& file) : path_(path), file_(file) {}

  [[noreturn]] void fail(const std::string& line) const {
    throw Error(Fault::data, fmt::format("{}: {}", path_.string(), line));
  }

  void check_format() const {
    if (!hdf5::has_attribute(file_, "format")) {
      fail("is not a dataset: attribute format is missing, expected \"vfe-dataset\"");
    }
    if (const std::string format = text("format"); format != "vfe-dataset") {
      fail(fmt::format("is not a dataset: attribute format is \"{}\", expected \"vfe-dataset\"", format));
    }
    const std::int64_t version = integer("version", 0);
    if (version < 1 || version > dataset_version) {
      fail(fmt::format("dataset version {}, this program reads versions 1 to {}", version, dataset_version));
    }
  }

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto value = hdf5::read_attribute(file_, name);
    if (!value) return otherwise;
    const auto* found = std::get_if<std::string>(&*value);
    if (found == nullptr) fail(fmt::format("attribute {} is not a text", name));
    if (!is_utf8(*found))
      fail(fmt::format("attribute {} is \"{}\", expected UTF-8", name, printable(*found)));
    return *found;
  }

  double real(const std::string& name, double otherwise) const {
    const auto value = hdf5::read_attribute(file_, name);
    if (!value) return otherwise;
    if (std::holds_alternative<std::string>(*value)) fail(fmt::format("attribute {} is not a number", name));
    return std::visit(
        [](const auto& found) {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(found)>>)
            return static_cast<double>(found);
          return 0.0;
        },
        *value);
  }

  std::int64_t integer(const std::string& name, std::int64_t otherwise) const {
    return std::bit_cast<std::int64_t>(whole(name, std::bit_cast<std::uint64_t>(otherwise)));
  }

  /// Any 64 bits, signed or not.
  std::uint64_t whole(const std::string& name, std::uint64_t otherwise) const {
    const auto value = hdf5::read_attribute(file_, name);
    if (!value) return otherwise;
    if (const auto* found = std::get_if<std::int64_t>(&*value)) return std::bit_cast<std::uint64_t>(*found);
    if (const auto* found = std::get_if<std::uint64_t>(&*value)) return *found;
    fail(fmt::format("attribute {} is not an integer", name));
  }

  /// A dataset of numbers of this shape, or nothing where it is not there.
  hdf5::Handle numbers(const std::string& name, const hdf5::Shape& expected) const {
    if (!hdf5::exists(file_, name)) return {};
    hdf5::Handle dataset = hdf5::open_dataset(file_, name);
    if (const hdf5::Shape found = hdf5::stored_shape(dataset); found != expected) {
      fail(fmt::format("/{} has {}, expected {} as /x", name, in_words(found), in_words(expected)));
    }
    const hdf5::Kind kind = hdf5::kind(dataset);
    if (kind == hdf5::Kind::text || kind == hdf5::Kind::other) {
      fail(fmt::format("/{} holds neither integers nor floating-point numbers", name));
    }
    return dataset;
  }

  Vector reals(const std::string& name, Index size) const {
    const hdf5::Handle dataset = numbers(name, {static_cast<hsize_t>(size)});
    Vector values(dataset ? size : 0);
    if (dataset) hdf5::read(dataset, values.data());
    return values;
  }

  std::vector<std::string> texts(const std::string& name) const {
    if (!hdf5::exists(file_, name)) return {};
    std::vector<std::string> list = hdf5::read_strings(hdf5::open_dataset(file_, name));
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (is_utf8(list[i])) continue;
      fail(fmt::format("/{} holds \"{}\" at {}, expected UTF-8", name, printable(list[i]), i));
    }
    return list;
  }

  /// From /block_offsets, or else all of attribute block_rows or of the default.
  Blocks blocks(Index rows, Index default_rows) const {
    if (!hdf5::exists(file_, "block_offsets")) {
      const std::int64_t block_rows = integer("block_rows", default_rows);
      const std::int64_t most = std::max<std::int64_t>(rows, most_block_rows);
      if (block_rows < 1 || block_rows > most) {
        fail(fmt::format("attribute block_rows is {}, expected 1 to {}", block_rows, most));
      }
      return Blocks::of_equal(rows, block_rows);
    }
    if (hdf5::has_attribute(file_, "block_rows")) {
      fail("has both /block_offsets and attribute block_rows, expected one of them");
    }
    const hdf5::Handle dataset = hdf5::open_dataset(file_, "block_offsets");
    if (hdf5::kind(dataset) != hdf5::Kind::integer || hdf5::shape(dataset).size() != 1) {
      fail("/block_offsets is no list of integers");
    }
    std::vector<std::int64_t> offsets(hdf5::stored_shape(dataset)[0]);
    hdf5::read(dataset, offsets.data());
    Blocks blocks;
    try {
      blocks = Blocks::of_offsets({offsets.begin(), offsets.end()});
    } catch (const Error& error) {
      fail(error.what());
    }
    if (blocks.num_rows() != rows) {
      fail(fmt::format("/block_offsets ends at {}, expected the {} rows of /x", blocks.num_rows(), rows));
    }
    return blocks;
  }

  std::vector<Column> columns(Index count) const {
    if (!hdf5::exists(file_, "columns/name"))
      fail("has no /columns/name, expected the names of the columns of /x");
    std::vector<Column> list(static_cast<std::size_t>(count));
    const auto fill = [&](const char* part, std::string Column::*field) {
      const std::vector<std::string> found = texts(fmt::format("columns/{}", part));
      if (found.empty() && field != &Column::name) return;
      if (found.size() != list.size()) {
        fail(fmt::format("/columns/{} has {} entries, /x has {} columns", part, found.size(), count));
      }
      for (std::size_t i = 0; i < list.size(); ++i) list[i].*field = found[i];
    };
    fill("name", &Column::name);
    fill("source", &Column::source);
    fill("level", &Column::level);
    fill("reference", &Column::reference);
    const Vector centre = reals("columns/centre", count), scale = reals("columns/scale", count);
    std::vector<std::string> names;
    for (Index i = 0; i < count; ++i) {
      Column& column = list[static_cast<std::size_t>(i)];
      if (centre.size() > 0) column.centre = centre[i];
      if (scale.size() > 0) column.scale = scale[i];
      if (column.source.empty()) column.source = column.name;
      if (column.name.empty()) fail(fmt::format("column {} has an empty name", i));
      if (!std::isfinite(column.centre) || !std::isfinite(column.scale) || column.scale <= 0.0) {
        fail(fmt::format("column {}: centre {} and scale {}, expected finite numbers and a positive scale",
                         column.name, column.centre, column.scale));
      }
      names.push_back(column.name);
    }
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
      fail(fmt::format("two columns are named {}", *twice));
    }
    return list;
  }

  /// From /columns/mean and /columns/sd; empty where they are not there.
  std::vector<MeanAndSd> moments(const std::vector<Column>& columns) const {
    const auto count = static_cast<Index>(columns.size());
    const Vector mean = reals("columns/mean", count), sd = reals("columns/sd", count);
    if (mean.size() != sd.size()) fail("has one of /columns/mean and /columns/sd, expected both or none");
    std::vector<MeanAndSd> list;
    for (Index j = 0; j < mean.size(); ++j) {
      list.push_back(checked({mean[j], sd[j]}, "column " + columns[static_cast<std::size_t>(j)].name));
    }
    return list;
  }

  std::optional<MeanAndSd> response_moments() const {
    const bool mean = hdf5::has_attribute(file_, "response_mean"),
               sd = hdf5::has_attribute(file_, "response_sd");
    if (mean != sd) fail("has one of the attributes response_mean and response_sd, expected both or none");
    if (!mean) return std::nullopt;
    return checked({real("response_mean", 0.0), real("response_sd", 1.0)}, "the response");
  }

  /// Whole numbers, rising; empty where the file does not say.
  std::vector<double> response_numbers() const {
    if (!hdf5::exists(file_, "response_numbers")) return {};
    const hdf5::Handle dataset = hdf5::open_dataset(file_, "response_numbers");
    const hdf5::Kind kind = hdf5::kind(dataset);
    if (kind == hdf5::Kind::text || kind == hdf5::Kind::other || hdf5::shape(dataset).size() != 1) {
      fail("/response_numbers is no list of numbers");
    }
    std::vector<double> list(hdf5::size(dataset));
    hdf5::read(dataset, list.data());
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] == std::floor(list[i]) && std::isfinite(list[i]) && (i == 0 || list[i] > list[i - 1])) {
        continue;
      }
      fail(fmt::format("/response_numbers holds {} at {}, expected whole numbers, rising", list[i], i));
    }
    return list;
  }

 private:
  MeanAndSd checked(const MeanAndSd& moments, const std::string& of) const {
    if (std::isfinite(moments.mean) && std::isfinite(moments.sd) && moments.sd > 0.0) return moments;
    fail(fmt::format("{}: mean {} and sd {}, expected finite numbers and a positive sd", of, moments.mean,
                     moments.sd));
  }

  static std::string in_words(const hdf5::Shape& dims) {
    if (dims.size() == 1) return fmt::format("{} entries", dims[0]);
    return fmt::format("{} axes", dims.size());
  }

  const std::filesystem::path& path_;
  const hdf5::Handle& file_;
};

std::uint64_t hash_block(const Rows& rows, Index block) {
  const Index first = rows.blocks.first(block), count = rows.blocks.rows(block);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_64bits_reset_withSeed(state.get(), static_cast<XXH64_hash_t>(rows.first_block + block));
  const auto add = [&](const auto* values, Index n) {
    XXH3_64bits_update(state.get(), values, static_cast<std::size_t>(n) * sizeof *values);
  };
  std::visit([&](const auto& x) { add(x.data() + first * x.cols(), count * x.cols()); }, rows.x);
  add(rows.y.data() + first, count);
  if (rows.offset.size() > 0) add(rows.offset.data() + first, count);
  if (rows.weight.size() > 0) add(rows.weight.data() + first, count);
  return XXH3_64bits_digest(state.get());
}

}  // namespace

struct Dataset::Impl {
  std::filesystem::path path;
  Schema schema;
  bool has_content = false;
  std::string made_by;
  Vector truth;
  std::vector<std::string> truth_names;
  hdf5::Handle file, x, y, offset, weight, line;

  void open();
  void open_rows(const Reader& reader);
  void read_truth(const Reader& reader);
  std::string name_row(Index row) const;
  void check_finite(const Rows& rows) const;
  [[noreturn]] void fail_not_finite(Index row, const std::string& column, double value) const;
};

void Dataset::Impl::open() {
  file = hdf5::open_file(path);
  const Reader reader(path, file);
  reader.check_format();
  open_rows(reader);
  schema.columns = reader.columns(schema.num_columns());
  schema.response = reader.text("response", "y");
  schema.response_levels = reader.texts("response_levels");
  schema.response_classes = reader.integer("response_classes", 0);
  const Index most = std::max(schema.num_rows(), most_classes);
  if (schema.response_classes < 0 || schema.response_classes > most) {
    reader.fail(
        fmt::format("attribute response_classes is {}, expected 0 to {}", schema.response_classes, most));
  }
  schema.response_numbers = reader.response_numbers();
  schema.moments = reader.moments(schema.columns);
  schema.response_moments = reader.response_moments();
  schema.response_centre = reader.real("response_centre", 0.0);
  schema.response_scale = reader.real("response_scale", 1.0);
  if (!std::isfinite(schema.response_centre) || !std::isfinite(schema.response_scale) ||
      schema.response_scale <= 0.0) {
    reader.fail(
        fmt::format("response_centre {} and response_scale {}, expected finite numbers and a positive scale",
                    schema.response_centre, schema.response_scale));
  }
  schema.shuffle_seed = reader.whole("shuffle_seed", 0);
  schema.source = reader.text("source");
  made_by = reader.text("made_by");
  has_content = hdf5::has_attribute(file, "content_hash");
  schema.content = reader.whole("content_hash", 0);
  read_truth(reader);
  hdf5::throw_if_failed(file);
}

void Dataset::Impl::open_rows(const Reader& reader) {
  if (!hdf5::exists(file, "x")) reader.fail("has no /x, expected a matrix of rows x columns");
  x = hdf5::open_dataset(file, "x");
  const hdf5::Shape shape = hdf5::stored_shape(x);
  if (shape.size() != 2) reader.fail(fmt::format("/x has {} axes, expected rows x columns", shape.size()));
  const hdf5::Kind kind = hdf5::kind(x);
  if (kind != hdf5::Kind::single && kind != hdf5::Kind::real) {
    reader.fail("/x does not hold floating-point numbers, expected float32 or float64");
  }
  if (shape[0] == 0) reader.fail("has no rows");
  schema.single = kind == hdf5::Kind::single;
  schema.columns.resize(shape[1]);
  schema.blocks =
      reader.blocks(static_cast<Index>(shape[0]), default_rows_of_block(schema.num_columns(), schema.single));
  y = reader.numbers("y", {shape[0]});
  if (!y) reader.fail("has no /y, expected the response of every row");
  offset = reader.numbers("offset", {shape[0]});
  weight = reader.numbers("weight", {shape[0]});
  line = reader.numbers("line", {shape[0]});
  schema.has_offset = static_cast<bool>(offset);
  schema.has_weight = static_cast<bool>(weight);
  schema.has_line = static_cast<bool>(line);
}

void Dataset::Impl::read_truth(const Reader& reader) {
  truth_names = reader.texts("truth/name");
  truth = reader.reals("truth/value", static_cast<Index>(truth_names.size()));
}

std::string Dataset::Impl::name_row(Index row) const {
  if (!line || row < 0 || row >= schema.num_rows()) return fmt::format("row {}", row);
  std::int64_t number = 0;
  const hdf5::CrashGuard guard(path);
  hdf5::read_rows(line, static_cast<hsize_t>(row), 1, &number);
  return fmt::format("row {} (line {} of {})", row, number,
                     schema.source.empty() ? "its source" : schema.source);
}

void Dataset::Impl::fail_not_finite(Index row, const std::string& column, double value) const {
  throw Error(Fault::data, fmt::format("{}: {}, column {}: found {}, expected a finite number", path.string(),
                                       name_row(row), column, value));
}

void Dataset::Impl::check_finite(const Rows& rows) const {
  std::visit(
      [&](const auto& values) {
        if (values.allFinite()) return;
        for (Index r = 0; r < values.rows(); ++r) {
          for (Index c = 0; c < values.cols(); ++c) {
            if (!std::isfinite(values(r, c))) {
              fail_not_finite(rows.first_row + r, schema.columns[static_cast<std::size_t>(c)].name,
                              values(r, c));
            }
          }
        }
      },
      rows.x);
  const auto check_column = [&](ConstVec values, const std::string& name) {
    for (Index r = 0; r < values.size(); ++r) {
      if (!std::isfinite(values[r])) fail_not_finite(rows.first_row + r, name, values[r]);
    }
  };
  check_column(rows.y, schema.response);
  check_column(rows.offset, "offset");
  check_column(rows.weight, "weight");
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
const Schema& Dataset::schema() const {
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

Rows Dataset::read(BlockRange blocks) const {
  const Schema& schema = impl_->schema;
  if (blocks.first < 0 || blocks.size() < 0 || blocks.last > schema.num_blocks()) {
    throw Error(Fault::bug, fmt::format("{}: reading blocks {} to {} of {}", impl_->path.string(),
                                        blocks.first, blocks.last, schema.num_blocks()));
  }
  const hdf5::CrashGuard guard(impl_->path);
  Rows rows;
  rows.first_block = blocks.first;
  rows.first_row = schema.blocks.first(blocks.first);
  rows.blocks = schema.blocks.slice(blocks);
  const Index count = rows.blocks.num_rows();
  const auto first = static_cast<hsize_t>(rows.first_row), number = static_cast<hsize_t>(count);
  if (!schema.single) rows.x = Rows::RowMajor<double>();
  std::visit(
      [&](auto& x) {
        x.resize(count, schema.num_columns());
        hdf5::read_rows(impl_->x, first, number, x.data());
      },
      rows.x);
  const auto read_column = [&](const hdf5::Handle& dataset, Vector& values) {
    if (!dataset) return;
    values.resize(count);
    hdf5::read_rows(dataset, first, number, values.data());
  };
  read_column(impl_->y, rows.y);
  read_column(impl_->offset, rows.offset);
  read_column(impl_->weight, rows.weight);
  hdf5::throw_if_failed(impl_->file);
  impl_->check_finite(rows);
  return rows;
}

std::uint64_t content_hash(const Rows& rows) {
  std::uint64_t sum = 0;
  for (Index b = 0; b < rows.blocks.num_blocks(); ++b) sum += hash_block(rows, b);
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
