#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"

namespace vfe {

constexpr int dataset_version = 2;  ///< the one that is read and written

/// Reads a dataset file, a table in blocks (layout: cluster/data.md). Independent: every rank opens it for
/// itself, read-only.
class Dataset {
 public:
  /// Throws Fault::missing, Fault::io, Fault::data (not HDF5, truncated, another version, no columns, two of
  /// one name, shapes, levels or block offsets that disagree, sizes that the file cannot hold, parts in other
  /// files).
  explicit Dataset(const std::filesystem::path& path);
  ~Dataset();
  Dataset(Dataset&&) noexcept;

  const std::filesystem::path& path() const;
  const DatasetSchema& schema() const;
  bool has_content_hash() const;  ///< files written by other programs may lack it
  std::string made_by() const;    ///< "vfe 0.1.0 import"; empty where the file does not say
  /// The rows of a range. Throws Fault::data naming row and column of the first number that is infinite, or
  /// code that is none of its column's levels.
  TableRows read(BlockRange blocks) const;
  /// "row 12 (line 4711 of solubility.csv)"; rows count from 0.
  std::string name_row(Index row) const;
  /// The lines in the source of rows [first, last); empty where the file does not say.
  std::vector<std::int64_t> lines(Index first, Index last) const;
  /// Values of the truth stored by `vfe simulate`; empty if there is none.
  Vector truth() const;
  std::vector<std::string> truth_names() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Hash of rows that are these blocks (rows.first_block is the first), summed modulo 2^64 over blocks, so
/// that the sum over ranks is the content hash of the file.
std::uint64_t content_hash(const TableRows& rows, const Blocks& blocks);
/// Throws Fault::data where the rows of a file have another hash than it says; `file` begins the line.
void expect_content(const std::string& file, std::uint64_t found, std::uint64_t expected);

/// Writes a dataset block by block in bounded memory; appears at `path` when finished. One process.
class DatasetWriter {
 public:
  /// schema.blocks need not know its rows: Blocks::of_equal(0, block_rows) says that a block is closed at so
  /// many, or, where rows are grouped, at the first end of an outer group then or later: one of more rows
  /// makes a larger block. Throws Fault::cannot_create or Fault::io.
  DatasetWriter(const std::filesystem::path& path, const DatasetSchema& schema);
  ~DatasetWriter();
  /// Appends rows; any number, whatever blocks they are in, numbers of either precision; those of a group one
  /// after the other. `line` is empty or holds each row's line in the source.
  void append(const TableRows& rows, const std::vector<std::int64_t>& line = {});
  /// Closes the block before it is full: the next row opens another. Nothing where it has no rows yet.
  void end_block();
  /// What writes the file: "import".
  void set_command(const std::string& name);
  void set_truth(ConstVec values, const std::vector<std::string>& names);
  /// Completes and publishes the file; returns the schema with blocks and content. Throws Fault::io (disk
  /// full).
  DatasetSchema finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The schema as JSON text and back, for results.
std::string to_json(const DatasetSchema& schema);
DatasetSchema dataset_schema_from_json(const std::string& text);

}  // namespace vfe
