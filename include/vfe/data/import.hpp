#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

/// What becomes of rows with missing values.
enum class Missing {
  error,  ///< none are taken
  drop,   ///< the rows are left out
  keep,   ///< they are stored as missing
};

struct ImportOptions {
  std::filesystem::path input, output;
  std::vector<std::string> drop;                 ///< columns left out
  std::vector<std::string> factor;               ///< columns taken as factors though their values are numbers
  std::map<std::string, std::string> reference;  ///< of factors, by column; else the first level as sorted
  std::vector<std::string> group;  ///< columns whose rows of one value stay together, the outer first
  CsvFormat format;
  FieldFormat fields;
  Missing missing = Missing::error;
  Index block_rows = 0;                         ///< 0 = so that a block's working set fits L2
  bool single = true;                           ///< float32 storage, where it holds the numbers
  std::uint64_t seed = 1;                       ///< of the shuffle and the holdout
  double holdout = 0.0;                         ///< share of the rows set aside ...
  std::filesystem::path holdout_output;         ///< ... in this file
  std::size_t memory = std::size_t{128} << 20;  ///< bytes that the shuffle may use
  bool quiet = false;                           ///< no progress line
};

/// A column of the CSV, and what it was taken for.
struct ImportedColumn {
  /// text and empty: left out of the table
  enum class Kind { number, date, integer, factor, text, empty };
  std::string name;
  Kind kind = Kind::number;
  std::vector<std::string> levels;  ///< of a factor, the reference first
  Index missing = 0;                ///< rows without a value
};

struct ImportReport {
  DatasetSchema schema;
  std::vector<ImportedColumn> columns;  ///< but those left out by request
  Index rows_read = 0, rows_dropped = 0, rows_held_out = 0;
  double seconds = 0.0;
  std::vector<std::string> warnings;  ///< constant columns, ...
  std::vector<std::string> notes;     ///< what texts may have been meant to be, double precision, ...
};

/// A CSV file, perhaps compressed by gzip, or standard input (what is read: CsvReader) to a dataset, the
/// table of its columns as they are, in bounded memory. Pass 1 reads the text: types, levels, ranges, and a
/// record of each row, put into the order of random numbers addressed by the row's number (through a
/// temporary file beside the output where `memory` is too small); pass 2 codes the records in that order. The
/// result is a function of the file's contents and the seed alone. An existing output is replaced.
///
/// A column is of numbers, of dates (ISO 8601, numbers then: days since 1970-01-01), or a factor if its first
/// value that is not missing is neither. The levels of a factor are sorted, as numbers where all of them are
/// numbers; the one asked for as its reference comes first. One of more than 20 levels of which nearly every
/// row has its own (9 in 10; of more than a million levels the first million decide) is an identifier or free
/// text, and left out of the table unless options.factor names it; so is a column without any value. Missing
/// values there are none of the row. Where a factor's levels look like numbers with a unit or dates a note
/// says so. Rows set aside share the levels. Numbers are stored in double precision, with a note, where
/// single would change a whole number, or another by more than 1e-6 of its column's standard deviation.
///
/// With options.group, a column or "outer/inner" each, rows of one value of the first column stand together
/// and in one block, among them those of one value of the next stand together, ...; groups and the rows
/// inside the innermost are shuffled. A block is closed at the first end of an outer group at or past
/// block_rows. Columns of groups are factors, of texts or by options.factor, or else of whole numbers, kept
/// exactly and without a table of them. A group is never missing: such rows are bad with Missing::keep.
///
/// Throws Fault::usage for options that contradict each other or name no column (the nearest ones are
/// offered), Fault::missing, Fault::data naming file, line and column of the first bad row and the count of
/// all, for a text that is not in the encoding, for more than 10 million levels, Fault::cannot_create,
/// Fault::io. What stood at the output then stays, nothing else is left behind.
ImportReport import_csv(const ImportOptions& options);

/// The default block: the largest power of two of rows of which the columns of numbers and, twice, 16 draws
/// of doubles (the working set of a block) stay below 1 MiB; at least 512, so that the exact sums of a wide
/// table stay cheap. Where the number of rows is known (not 0), halved until there are 32 blocks to share
/// among ranks and steps, but not below 256.
Index default_block_rows(Index columns, bool single, Index rows = 0);

}  // namespace vfe
