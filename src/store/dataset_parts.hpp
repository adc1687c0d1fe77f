#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/hdf5.hpp"
#include "vfe/core/blocks.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// Opens the parts of a dataset file and judges them: every line begins with the file's name, and is
/// Fault::data.
class DatasetParts {
 public:
  DatasetParts(const std::filesystem::path& path, const hdf5::Handle& file) : path_(path), file_(file) {}

  [[noreturn]] void fail(const std::string& line) const;
  const hdf5::Handle& file() const { return file_; }
  /// Of the format; throws where it is that of no dataset.
  std::int64_t version() const;

  // Attributes; `otherwise` where they are not there.

  std::string text(const std::string& name, const std::string& otherwise = "") const;
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const;
  std::uint64_t whole(const std::string& name,
                      std::uint64_t otherwise) const;  ///< any 64 bits, signed or not

  /// A dataset of numbers of this shape; nothing where it is not there.
  hdf5::Handle numbers(const std::string& name, const hdf5::Shape& expected) const;
  Vector reals(const std::string& name, Index size) const;        ///< likewise, read
  std::vector<std::string> texts(const std::string& name) const;  ///< UTF-8, every one
  /// From /block_offsets, or else all of attribute block_rows, or of `default_rows`.
  Blocks blocks(Index rows, Index default_rows) const;

 private:
  const std::filesystem::path& path_;
  const hdf5::Handle& file_;
};

/// "4 entries", or "5 x 2 entries".
std::string in_words(const hdf5::Shape& dims);
/// Blocks of a file that does not say: a power of two rows, about 256 KiB, at least 256.
Index rows_of_block(Index row_bytes);
/// "row 12 (line 4711 of solubility.csv)"; `line` may be none.
std::string name_of_row(const hdf5::Handle& line, Index row, Index num_rows, const std::string& source);

/// Rows of a chunk: those of a full block, or the part of it that has at most 64 MiB. Blocks that were closed
/// early lie across chunks, one or two of them, so that small ones share the cost of a chunk.
hsize_t rows_of_chunk(Index block_rows, Index row_bytes);
/// The blocks, all of block_rows or at those offsets, and what writes the file: "import".
void write_blocks(const hdf5::Handle& file, const Blocks& blocks);
void write_maker(const hdf5::Handle& file, const std::string& command);
/// Nothing where there are no names.
void write_truth(const hdf5::Handle& file, const Vector& values, const std::vector<std::string>& names);

}  // namespace vfe
