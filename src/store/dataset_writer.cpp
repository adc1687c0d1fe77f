#include <fmt/format.h>

#include <algorithm>

#include "store/hdf5.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

/// Rows of a chunk: those of a full block, or the part of it that has at most 64 MiB. Blocks that were closed
/// early lie across chunks, one or two of them, so that small ones share the cost of a chunk.
Index rows_of_chunk(const Schema& schema) {
  const Index block_rows = schema.blocks.block_rows();
  const Index block_bytes = block_rows * std::max<Index>(schema.num_columns(), 1) * (schema.single ? 4 : 8);
  const Index pieces = (block_bytes - 1) / (Index{64} << 20) + 1;
  return (block_rows - 1) / pieces + 1;
}

}  // namespace

struct DatasetWriter::Impl {
  Impl(const std::filesystem::path& path, const Schema& given);
  void append(const Rows& rows, const std::vector<std::int64_t>& lines);
  void copy_to_buffer(const Rows& rows, const std::vector<std::int64_t>& lines, Index from, Index count);
  void write_block();
  void write_schema();
  void write_truth();

  AtomicFile target;  // before the handles: the temporary goes after they have closed
  Schema schema;
  hdf5::Handle file, x, y, offset, weight, line;
  Index block_rows;                  // of a full block
  std::vector<Index> offsets = {0};  // of the blocks written
  bool are_equal = true;             // all those but the last are full
  Rows buffer;                       // one block
  std::vector<std::int64_t> lines_;  // of the buffer
  Index filled = 0;
  Vector truth;
  std::vector<std::string> truth_names;
  std::string command;
};

DatasetWriter::Impl::Impl(const std::filesystem::path& path, const Schema& given)
    : target(path), schema(given), block_rows(schema.blocks.block_rows()) {
  if (block_rows < 1) throw Error(Fault::bug, fmt::format("{}: block_rows is not set", path.string()));
  schema.content = 0;
  file = hdf5::create_file(target.temporary());
  const hid_t stored = schema.single ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  const auto chunk = static_cast<hsize_t>(rows_of_chunk(schema));
  x = hdf5::create_growing_dataset(file, "x", stored, {static_cast<hsize_t>(schema.num_columns())}, chunk);
  const auto column = [&](const char* name, hid_t type) {
    return hdf5::create_growing_dataset(file, name, type, {}, chunk);
  };
  y = column("y", H5T_IEEE_F64LE);
  if (schema.has_offset) offset = column("offset", H5T_IEEE_F64LE);
  if (schema.has_weight) weight = column("weight", H5T_IEEE_F64LE);
  if (schema.has_line) line = column("line", H5T_STD_I64LE);

  if (!schema.single) buffer.x = Rows::RowMajor<double>();
  std::visit([&](auto& values) { values.resize(block_rows, schema.num_columns()); }, buffer.x);
  buffer.y.resize(block_rows);
  if (schema.has_offset) buffer.offset.resize(block_rows);
  if (schema.has_weight) buffer.weight.resize(block_rows);
  if (schema.has_line) lines_.resize(static_cast<std::size_t>(block_rows));
}

void DatasetWriter::Impl::append(const Rows& rows, const std::vector<std::int64_t>& lines) {
  const auto columns = std::visit([](const auto& values) { return values.cols(); }, rows.x);
  const auto agrees = [&](bool wanted, Index size) { return size == (wanted ? rows.size() : 0); };
  if (columns != schema.num_columns() ||
      std::visit([](const auto& v) { return v.rows(); }, rows.x) != rows.size() ||
      !agrees(schema.has_offset, rows.offset.size()) || !agrees(schema.has_weight, rows.weight.size()) ||
      !agrees(schema.has_line, static_cast<Index>(lines.size()))) {
    throw Error(Fault::bug, fmt::format("{}: rows appended do not fit the schema", target.path().string()));
  }
  for (Index from = 0; from < rows.size();) {
    const Index count = std::min(rows.size() - from, block_rows - filled);
    copy_to_buffer(rows, lines, from, count);
    from += count;
    filled += count;
    if (filled == block_rows) write_block();
  }
}

void DatasetWriter::Impl::copy_to_buffer(const Rows& rows, const std::vector<std::int64_t>& lines, Index from,
                                         Index count) {
  std::visit(
      [&](auto& to, const auto& values) {
        using Scalar = typename std::decay_t<decltype(to)>::Scalar;
        to.middleRows(filled, count) = values.middleRows(from, count).template cast<Scalar>();
      },
      buffer.x, rows.x);
  buffer.y.segment(filled, count) = rows.y.segment(from, count);
  if (schema.has_offset) buffer.offset.segment(filled, count) = rows.offset.segment(from, count);
  if (schema.has_weight) buffer.weight.segment(filled, count) = rows.weight.segment(from, count);
  if (schema.has_line) std::copy_n(lines.begin() + from, count, lines_.begin() + filled);
}

void DatasetWriter::Impl::write_block() {
  if (filled == 0) return;
  buffer.first_row = offsets.back();
  buffer.first_block = std::ssize(offsets) - 1;
  buffer.blocks = Blocks::of_equal(filled, filled);
  const auto first = static_cast<hsize_t>(buffer.first_row), count = static_cast<hsize_t>(filled);
  std::visit([&](const auto& values) { hdf5::write_rows(x, first, count, values.data()); }, buffer.x);
  hdf5::write_rows(y, first, count, buffer.y.data());
  if (offset) hdf5::write_rows(offset, first, count, buffer.offset.data());
  if (weight) hdf5::write_rows(weight, first, count, buffer.weight.data());
  if (line) hdf5::write_rows(line, first, count, lines_.data());
  are_equal = are_equal && offsets.back() % block_rows == 0;
  offsets.push_back(offsets.back() + filled);
  schema.content += content_hash(buffer);
  filled = 0;
}

void DatasetWriter::Impl::write_schema() {
  using hdf5::Value;
  hdf5::write_attribute(file, "format", "vfe-dataset");
  // A program that knows equal blocks alone must not take these for such.
  hdf5::write_attribute(file, "version", Value(std::int64_t{are_equal ? 1 : 2}));
  if (are_equal) {
    hdf5::write_attribute(file, "block_rows", Value(std::int64_t{block_rows}));
  } else {
    const std::vector<std::int64_t> list(offsets.begin(), offsets.end());
    hdf5::write(hdf5::create_dataset(file, "block_offsets", H5T_STD_I64LE, {list.size()}), list.data());
  }
  hdf5::write_attribute(file, "response", schema.response);
  hdf5::write_attribute(file, "response_centre", schema.response_centre);
  hdf5::write_attribute(file, "response_scale", schema.response_scale);
  hdf5::write_attribute(file, "shuffle_seed", Value(schema.shuffle_seed));
  hdf5::write_attribute(file, "source", schema.source);
  hdf5::write_attribute(file, "made_by",
                        fmt::format("vfe {}{}", VFE_VERSION, command.empty() ? "" : " " + command));
  hdf5::write_attribute(file, "content_hash", Value(schema.content));
  if (schema.response_classes > 0) {
    hdf5::write_attribute(file, "response_classes", Value(std::int64_t{schema.response_classes}));
  }
  if (!schema.response_levels.empty()) hdf5::write_strings(file, "response_levels", schema.response_levels);
  if (!schema.response_numbers.empty()) {
    const std::vector<double>& list = schema.response_numbers;
    hdf5::write(hdf5::create_dataset(file, "response_numbers", H5T_IEEE_F64LE, {list.size()}), list.data());
  }
  if (schema.response_moments) {
    hdf5::write_attribute(file, "response_mean", schema.response_moments->mean);
    hdf5::write_attribute(file, "response_sd", schema.response_moments->sd);
  }

  const hdf5::Handle group = hdf5::create_group(file, "columns");
  const auto texts = [&](const char* name, std::string Column::*field) {
    std::vector<std::string> list;
    for (const Column& column : schema.columns) list.push_back(column.*field);
    hdf5::write_strings(group, name, list);
  };
  const auto numbers = [&](const char* name, double Column::*field) {
    std::vector<double> list;
    for (const Column& column : schema.columns) list.push_back(column.*field);
    hdf5::write(hdf5::create_dataset(group, name, H5T_IEEE_F64LE, {list.size()}), list.data());
  };
  texts("name", &Column::name);
  texts("source", &Column::source);
  texts("level", &Column::level);
  texts("reference", &Column::reference);
  numbers("centre", &Column::centre);
  numbers("scale", &Column::scale);
  if (schema.moments.empty()) return;
  const auto moments = [&](const char* name, double MeanAndSd::*field) {
    std::vector<double> list;
    for (const MeanAndSd& of_column : schema.moments) list.push_back(of_column.*field);
    hdf5::write(hdf5::create_dataset(group, name, H5T_IEEE_F64LE, {list.size()}), list.data());
  };
  moments("mean", &MeanAndSd::mean);
  moments("sd", &MeanAndSd::sd);
}

void DatasetWriter::Impl::write_truth() {
  if (truth_names.empty()) return;
  const hdf5::Handle group = hdf5::create_group(file, "truth");
  hdf5::write_strings(group, "name", truth_names);
  hdf5::write(hdf5::create_dataset(group, "value", H5T_IEEE_F64LE, {truth_names.size()}), truth.data());
}

DatasetWriter::DatasetWriter(const std::filesystem::path& path, const Schema& schema)
    : impl_(std::make_unique<Impl>(path, schema)) {}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const Rows& rows, const std::vector<std::int64_t>& line) {
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

Schema DatasetWriter::finish() {
  impl_->write_block();
  impl_->schema.blocks = impl_->are_equal ? Blocks::of_equal(impl_->offsets.back(), impl_->block_rows)
                                          : Blocks::of_offsets(impl_->offsets);
  if (impl_->schema.num_rows() == 0) {
    throw Error(Fault::data,
                fmt::format("writing {}: no rows, expected at least one", impl_->target.path().string()));
  }
  impl_->write_schema();
  impl_->write_truth();
  for (hdf5::Handle* dataset : {&impl_->x, &impl_->y, &impl_->offset, &impl_->weight, &impl_->line}) {
    *dataset = hdf5::Handle();
  }
  hdf5::finish_file(std::move(impl_->file));
  impl_->target.commit();
  return impl_->schema;
}

}  // namespace vfe
