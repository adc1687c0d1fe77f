#include <fmt/format.h>

#include <algorithm>

#include "store/dataset_parts.hpp"
#include "store/hdf5.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

template <class T>
hid_t stored();
template <>
hid_t stored<float>() {
  return H5T_IEEE_F32LE;
}
template <>
hid_t stored<double>() {
  return H5T_IEEE_F64LE;
}
template <>
hid_t stored<std::int32_t>() {
  return H5T_STD_I32LE;
}
template <>
hid_t stored<std::int64_t>() {
  return H5T_STD_I64LE;
}

Index columns_of(const TableRows::Numbers& numbers) {
  return std::visit([](const auto& values) { return values.cols(); }, numbers);
}

Index rows_of(const TableRows::Numbers& numbers) {
  return std::visit([](const auto& values) { return values.rows(); }, numbers);
}

}  // namespace

struct DatasetWriter::Impl {
  Impl(const std::filesystem::path& path, const DatasetSchema& given);
  void open_columns();
  bool fits(const TableRows& rows, const std::vector<std::int64_t>& lines) const;
  std::int64_t group_of(const TableRows& rows, Index row) const;
  Index rows_of_block(const TableRows& rows, Index from) const;
  void append(const TableRows& rows, const std::vector<std::int64_t>& lines);
  void grow(Index rows);
  void copy_to_buffer(const TableRows& rows, const std::vector<std::int64_t>& lines, Index from, Index count);
  template <class Values>
  void write(const hdf5::Handle& dataset, const Values& values);
  void write_block();
  void write_schema();

  AtomicFile target;  // before the handles: the temporary goes after they have closed
  DatasetSchema schema;
  hdf5::Handle file, numbers, codes, integers, line;
  std::vector<hdf5::Handle> matrices;
  Index block_rows;                  // of a full block
  Index group_slot = -1;             // of what names the outer group: among the integers ...
  bool group_is_factor = false;      // ... or the factors; -1: rows are in no groups
  std::int64_t last_group = 0;       // of the last row in the buffer
  std::vector<Index> offsets = {0};  // of the blocks written
  bool are_equal = true;             // all those but the last are full
  TableRows buffer;                  // one block, and room for more rows of its last group
  std::vector<std::int64_t> lines_;  // of the buffer
  Index filled = 0;
  Vector truth;
  std::vector<std::string> truth_names;
  std::string command;
};

DatasetWriter::Impl::Impl(const std::filesystem::path& path, const DatasetSchema& given)
    : target(path), schema(given), block_rows(schema.blocks.block_rows()) {
  if (block_rows < 1) throw Error(Fault::bug, fmt::format("{}: block_rows is not set", path.string()));
  if (!schema.grouped_by.empty()) {
    const Index column = schema.table.find(schema.grouped_by.front());
    group_slot = schema.table.slots().at(static_cast<std::size_t>(column));
    group_is_factor = schema.table[column].type == ColumnType::factor;
  }
  schema.content = 0;
  file = hdf5::create_file(target.temporary());
  open_columns();
  if (!schema.has_line) return;
  line = hdf5::create_growing_dataset(file, "line", stored<std::int64_t>(), {},
                                      rows_of_chunk(block_rows, sizeof(std::int64_t)));
  lines_.resize(static_cast<std::size_t>(block_rows));
}

/// The buffer, and a dataset for each part of it that has columns.
void DatasetWriter::Impl::open_columns() {
  buffer = missing_rows(schema.table, block_rows);
  const auto create = [&](const hdf5::Handle& parent, const std::string& name, const auto& values) {
    using Scalar = typename std::decay_t<decltype(values)>::Scalar;
    if (values.cols() == 0) return hdf5::Handle();
    return hdf5::create_growing_dataset(parent, name, stored<Scalar>(), {static_cast<hsize_t>(values.cols())},
                                        rows_of_chunk(block_rows, values.cols() * Index{sizeof(Scalar)}));
  };
  const auto create_numbers = [&](const hdf5::Handle& parent, const std::string& name,
                                  TableRows::Numbers& of_buffer) {
    const Index columns = columns_of(of_buffer);
    if (schema.single) of_buffer = TableRows::RowMajor<float>(block_rows, columns);
    return std::visit([&](const auto& values) { return create(parent, name, values); }, of_buffer);
  };
  numbers = create_numbers(file, "numbers", buffer.numbers);
  codes = create(file, "codes", buffer.codes);
  integers = create(file, "integers", buffer.integers);
  if (buffer.matrices.empty()) return;
  const hdf5::Handle group = hdf5::create_group(file, "matrices");
  for (TableRows::Numbers& matrix : buffer.matrices) {
    matrices.push_back(create_numbers(group, std::to_string(matrices.size()), matrix));
  }
}

bool DatasetWriter::Impl::fits(const TableRows& rows, const std::vector<std::int64_t>& lines) const {
  const auto like = [&](const TableRows::Numbers& found, const TableRows::Numbers& expected) {
    return columns_of(found) == columns_of(expected) && rows_of(found) == rows.num_rows;
  };
  return like(rows.numbers, buffer.numbers) && rows.codes.rows() == rows.num_rows &&
         rows.codes.cols() == buffer.codes.cols() && rows.integers.rows() == rows.num_rows &&
         rows.integers.cols() == buffer.integers.cols() &&
         std::ranges::equal(rows.matrices, buffer.matrices, like) &&
         std::ssize(lines) == (schema.has_line ? rows.num_rows : 0);
}

void DatasetWriter::Impl::append(const TableRows& rows, const std::vector<std::int64_t>& lines) {
  if (!fits(rows, lines)) {
    throw Error(Fault::bug, fmt::format("{}: rows appended do not fit the schema", target.path().string()));
  }
  for (Index from = 0; from < rows.num_rows;) {
    const Index count = rows_of_block(rows, from);
    copy_to_buffer(rows, lines, from, count);
    from += count;
    filled += count;
    if (count == 0 || (group_slot < 0 && filled == block_rows)) write_block();
  }
}

std::int64_t DatasetWriter::Impl::group_of(const TableRows& rows, Index row) const {
  return group_is_factor ? rows.codes(row, group_slot) : rows.integers(row, group_slot);
}

/// How many rows from `from` on belong to the block in the buffer: it is full, and where rows are grouped
/// their group has ended, if none do.
Index DatasetWriter::Impl::rows_of_block(const TableRows& rows, Index from) const {
  Index count = std::min(rows.num_rows - from, std::max<Index>(block_rows - filled, 0));
  if (group_slot < 0) return count;
  std::int64_t group = count > 0 ? group_of(rows, from + count - 1) : last_group;
  while (from + count < rows.num_rows && group_of(rows, from + count) == group) ++count;
  return count;
}

/// Makes room for so many rows.
void DatasetWriter::Impl::grow(Index rows) {
  buffer.num_rows = std::max(rows, 2 * buffer.num_rows);
  const auto resize = [&](auto& values) { values.conservativeResize(buffer.num_rows, Eigen::NoChange); };
  std::visit(resize, buffer.numbers);
  resize(buffer.codes);
  resize(buffer.integers);
  for (TableRows::Numbers& matrix : buffer.matrices) std::visit(resize, matrix);
  if (schema.has_line) lines_.resize(static_cast<std::size_t>(buffer.num_rows));
}

void DatasetWriter::Impl::copy_to_buffer(const TableRows& rows, const std::vector<std::int64_t>& lines,
                                         Index from, Index count) {
  if (count == 0) return;
  if (group_slot >= 0) last_group = group_of(rows, from + count - 1);
  if (filled + count > buffer.num_rows) grow(filled + count);
  const auto copy = [&](auto& to, const auto& values) {
    using Scalar = typename std::decay_t<decltype(to)>::Scalar;
    to.middleRows(filled, count) = values.middleRows(from, count).template cast<Scalar>();
  };
  std::visit(copy, buffer.numbers, rows.numbers);
  copy(buffer.codes, rows.codes);
  copy(buffer.integers, rows.integers);
  for (std::size_t slot = 0; slot < matrices.size(); ++slot) {
    std::visit(copy, buffer.matrices[slot], rows.matrices[slot]);
  }
  if (schema.has_line) std::copy_n(lines.begin() + from, count, lines_.begin() + filled);
}

/// The rows of the buffer that are filled.
template <class Values>
void DatasetWriter::Impl::write(const hdf5::Handle& dataset, const Values& values) {
  if (!dataset) return;
  const TableRows::RowMajor<typename Values::Scalar> rows = values.topRows(filled);
  hdf5::write_rows(dataset, static_cast<hsize_t>(buffer.first_row), static_cast<hsize_t>(filled),
                   rows.data());
}

void DatasetWriter::Impl::write_block() {
  if (filled == 0) return;
  buffer.first_row = offsets.back();
  buffer.first_block = std::ssize(offsets) - 1;
  const auto write_numbers = [&](const hdf5::Handle& dataset, const TableRows::Numbers& all) {
    std::visit([&](const auto& values) { write(dataset, values); }, all);
  };
  write_numbers(numbers, buffer.numbers);
  write(codes, buffer.codes);
  write(integers, buffer.integers);
  for (std::size_t slot = 0; slot < matrices.size(); ++slot) {
    write_numbers(matrices[slot], buffer.matrices[slot]);
  }
  if (line) {
    hdf5::write_rows(line, static_cast<hsize_t>(buffer.first_row), static_cast<hsize_t>(filled),
                     lines_.data());
  }
  are_equal = are_equal && offsets.back() == buffer.first_block * block_rows && filled <= block_rows;
  offsets.push_back(offsets.back() + filled);
  schema.content += content_hash(buffer, Blocks::of_equal(filled, filled));
  filled = 0;
}

void DatasetWriter::Impl::write_schema() {
  using hdf5::Value;
  hdf5::write_attribute(file, "format", "vfe-dataset");
  hdf5::write_attribute(file, "version", Value(std::int64_t{dataset_version}));
  write_blocks(file, schema.blocks);
  hdf5::write_attribute(file, "shuffle_seed", Value(schema.shuffle_seed));
  hdf5::write_attribute(file, "source", schema.source);
  write_maker(file, command);
  hdf5::write_attribute(file, "content_hash", Value(schema.content));

  const hdf5::Handle group = hdf5::create_group(file, "columns");
  std::vector<std::string> names, types;
  for (const TableColumn& column : schema.table.columns) {
    names.push_back(column.name);
    types.emplace_back(to_string(column.type));
  }
  hdf5::write_strings(group, "name", names);
  hdf5::write_strings(group, "type", types);
  if (!schema.grouped_by.empty()) hdf5::write_strings(file, "grouped_by", schema.grouped_by);
  if (schema.table.count(ColumnType::factor) == 0) return;
  const hdf5::Handle levels = hdf5::create_group(file, "levels");
  Index slot = 0;  // a name may hold what a link's cannot
  for (const TableColumn& column : schema.table.columns) {
    if (column.type == ColumnType::factor) hdf5::write_strings(levels, std::to_string(slot++), column.levels);
  }
}

DatasetWriter::DatasetWriter(const std::filesystem::path& path, const DatasetSchema& schema)
    : impl_(std::make_unique<Impl>(path, schema)) {}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const TableRows& rows, const std::vector<std::int64_t>& line) {
  impl_->append(rows, line);
}

void DatasetWriter::end_block() {
  impl_->write_block();
}

void DatasetWriter::set_command(const std::string& name) {
  impl_->command = name;
}

void DatasetWriter::set_truth(ConstVec values, const std::vector<std::string>& names) {
  if (values.size() != static_cast<Index>(names.size())) {
    throw Error(Fault::bug, fmt::format("{} true values with {} names", values.size(), names.size()));
  }
  impl_->truth = values;
  impl_->truth_names = names;
}

DatasetSchema DatasetWriter::finish() {
  impl_->write_block();
  impl_->schema.blocks = impl_->are_equal ? Blocks::of_equal(impl_->offsets.back(), impl_->block_rows)
                                          : Blocks::of_offsets(impl_->offsets);
  if (impl_->schema.num_rows() == 0) {
    throw Error(Fault::data,
                fmt::format("writing {}: no rows, expected at least one", impl_->target.path().string()));
  }
  impl_->write_schema();
  write_truth(impl_->file, impl_->truth, impl_->truth_names);
  for (hdf5::Handle* dataset : {&impl_->numbers, &impl_->codes, &impl_->integers, &impl_->line}) {
    *dataset = hdf5::Handle();
  }
  impl_->matrices.clear();
  hdf5::finish_file(std::move(impl_->file));
  impl_->target.commit();
  return impl_->schema;
}

}  // namespace vfe
