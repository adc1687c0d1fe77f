#include "store/dataset_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

// A file may say more than its rows need, but not anything: others count with it.
constexpr Index most_block_rows = Index{1} << 32;

}  // namespace

void DatasetParts::fail(const std::string& line) const {
  throw Error(Fault::data, fmt::format("{}: {}", path_.string(), line));
}

std::int64_t DatasetParts::version() const {
  if (!hdf5::has_attribute(file_, "format")) {
    fail("is not a dataset: attribute format is missing, expected \"vfe-dataset\"");
  }
  if (const std::string format = text("format"); format != "vfe-dataset") {
    fail(fmt::format("is not a dataset: attribute format is \"{}\", expected \"vfe-dataset\"", format));
  }
  return integer("version", 0);
}

std::string DatasetParts::text(const std::string& name, const std::string& otherwise) const {
  const auto value = hdf5::read_attribute(file_, name);
  if (!value) return otherwise;
  const auto* found = std::get_if<std::string>(&*value);
  if (found == nullptr) fail(fmt::format("attribute {} is not a text", name));
  if (!is_utf8(*found)) fail(fmt::format("attribute {} is \"{}\", expected UTF-8", name, printable(*found)));
  return *found;
}

std::int64_t DatasetParts::integer(const std::string& name, std::int64_t otherwise) const {
  return std::bit_cast<std::int64_t>(whole(name, std::bit_cast<std::uint64_t>(otherwise)));
}

std::uint64_t DatasetParts::whole(const std::string& name, std::uint64_t otherwise) const {
  const auto value = hdf5::read_attribute(file_, name);
  if (!value) return otherwise;
  if (const auto* found = std::get_if<std::int64_t>(&*value)) return std::bit_cast<std::uint64_t>(*found);
  if (const auto* found = std::get_if<std::uint64_t>(&*value)) return *found;
  fail(fmt::format("attribute {} is not an integer", name));
}

hdf5::Handle DatasetParts::numbers(const std::string& name, const hdf5::Shape& expected) const {
  if (!hdf5::exists(file_, name)) return {};
  hdf5::Handle dataset = hdf5::open_dataset(file_, name);
  if (const hdf5::Shape found = hdf5::stored_shape(dataset); found != expected) {
    fail(fmt::format("/{} has {}, expected {}", name, in_words(found), in_words(expected)));
  }
  const hdf5::Kind kind = hdf5::kind(dataset);
  if (kind == hdf5::Kind::text || kind == hdf5::Kind::other) {
    fail(fmt::format("/{} holds neither integers nor floating-point numbers", name));
  }
  return dataset;
}

Vector DatasetParts::reals(const std::string& name, Index size) const {
  const hdf5::Handle dataset = numbers(name, {static_cast<hsize_t>(size)});
  Vector values(dataset ? size : 0);
  if (dataset) hdf5::read(dataset, values.data());
  return values;
}

std::vector<std::string> DatasetParts::texts(const std::string& name) const {
  if (!hdf5::exists(file_, name)) return {};
  std::vector<std::string> list = hdf5::read_strings(hdf5::open_dataset(file_, name));
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (is_utf8(list[i])) continue;
    fail(fmt::format("/{} holds \"{}\" at {}, expected UTF-8", name, printable(list[i]), i));
  }
  return list;
}

Blocks DatasetParts::blocks(Index rows, Index default_rows) const {
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
    fail(fmt::format("/block_offsets ends at {}, expected the {} rows there are", blocks.num_rows(), rows));
  }
  return blocks;
}

std::string in_words(const hdf5::Shape& dims) {
  if (dims.empty()) return "no axes";
  return fmt::format("{} entries", fmt::join(dims, " x "));
}

Index rows_of_block(Index row_bytes) {
  const Index rows = std::max<Index>((Index{1} << 18) / std::max<Index>(row_bytes, 4), 256);
  return static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(rows)));
}

std::string name_of_row(const hdf5::Handle& line, Index row, Index num_rows, const std::string& source) {
  if (!line || row < 0 || row >= num_rows) return fmt::format("row {}", row);
  std::int64_t number = 0;
  hdf5::read_rows(line, static_cast<hsize_t>(row), 1, &number);
  return fmt::format("row {} (line {} of {})", row, number, source.empty() ? "its source" : source);
}

hsize_t rows_of_chunk(Index block_rows, Index row_bytes) {
  const Index block_bytes = block_rows * std::max<Index>(row_bytes, 1);
  const Index pieces = (block_bytes - 1) / (Index{64} << 20) + 1;
  return static_cast<hsize_t>((block_rows - 1) / pieces + 1);
}

void write_blocks(const hdf5::Handle& file, const Blocks& blocks) {
  if (blocks.are_equal()) {
    hdf5::write_attribute(file, "block_rows", hdf5::Value(std::int64_t{blocks.block_rows()}));
    return;
  }
  const std::vector<Index> offsets = blocks.offsets();
  const std::vector<std::int64_t> list(offsets.begin(), offsets.end());
  hdf5::write(hdf5::create_dataset(file, "block_offsets", H5T_STD_I64LE, {list.size()}), list.data());
}

void write_maker(const hdf5::Handle& file, const std::string& command) {
  hdf5::write_attribute(file, "made_by",
                        fmt::format("vfe {}{}", VFE_VERSION, command.empty() ? "" : " " + command));
}

void write_truth(const hdf5::Handle& file, const Vector& values, const std::vector<std::string>& names) {
  if (names.empty()) return;
  const hdf5::Handle group = hdf5::create_group(file, "truth");
  hdf5::write_strings(group, "name", names);
  hdf5::write(hdf5::create_dataset(group, "value", H5T_IEEE_F64LE, {names.size()}), values.data());
}

}  // namespace vfe
