#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

struct ImportOptions {
  std::filesystem::path input, output;
  std::string response;
  std::string offset, weight;                    ///< columns, or empty
  std::vector<std::string> drop;                 ///< columns left out
  std::vector<std::string> factor;               ///< columns taken as factors though their values are numbers
  std::map<std::string, std::string> reference;  ///< of factors, by column; else the first level as sorted
  CsvFormat format;
  FieldFormat fields;
  bool standardize = true;
  bool drop_missing = false;                    ///< else a missing value is an error
  Index block_rows = 0;                         ///< 0 = so that a block's working set fits L2
  bool single = true;                           ///< float32 storage
  std::uint64_t seed = 1;                       ///< of the shuffle and the holdout
  double holdout = 0.0;                         ///< share of the rows set aside ...
  std::filesystem::path holdout_output;         ///< ... in this file
  std::size_t memory = std::size_t{128} << 20;  ///< bytes that the shuffle may use
  bool quiet = false;                           ///< no progress line
};

/// A column of the CSV, and what it was taken for.
struct ImportedColumn {
  enum class Kind { number, date, factor };
  std::string name;
  Kind kind = Kind::number;
  std::vector<std::string> levels;  ///< of a factor, the reference first
  bool constant = false;            ///< of a predictor that is left out for it
  Index missing = 0;                ///< rows without a value
};

struct ImportReport {
  Schema schema;
  std::vector<ImportedColumn> columns;  ///< but those left out by request
  Index rows_read = 0, rows_dropped = 0, rows_held_out = 0;
  double seconds = 0.0;
  std::vector<std::string> warnings;  ///< constant columns, ...
  std::vector<std::string> notes;     ///< what texts may have been meant to be
};

/// A CSV file, perhaps compressed by gzip, or standard input (what is read: CsvReader) to a dataset, in
/// bounded memory. Pass 1 reads the text: types, levels, moments, and a record of each row, put into the
/// order of random numbers addressed by the row's number (through a temporary file beside the output where
/// `memory` is too small); pass 2 codes the records in that order. The result is a function of the file's
/// contents and the seed alone. An existing output is replaced.
///
/// A column is numeric, of dates (ISO 8601, days since 1970-01-01), or a factor if its first value that is
/// not missing is neither. Predictors that are numeric are centred and scaled by mean and standard deviation
/// (n - 1), or stored raw with these beside them; a constant one is left out, with a warning. A factor of K
/// levels, sorted, becomes K - 1 indicators, 0 or 1 as they are (treatment coding; the first level is the
/// reference, or the one asked for); where its values look like numbers with a unit or dates, or nearly every
/// row has its own, a note says so. The response is stored raw, a factor as 0 .. K - 1; centre and scale, or
/// the moments, are noted, of whole numbers which occur. Rows set aside share levels and coding, but do not
/// count towards the moments. Storage in single precision becomes double, with a warning, where it would
/// round a column's values by more than 1e-3 of their standard deviation.
///
/// Throws Fault::usage for options that contradict each other or name no column (the nearest ones are
/// offered), Fault::missing, Fault::data naming file, line and column of the first bad row and the count of
/// all, for a text that is not in the encoding, for a response of one level, Fault::cannot_create, Fault::io.
/// What stood at the output then stays, nothing else is left behind.
ImportReport import_csv(const ImportOptions& options);

/// The default block: the largest power of two of rows of which the columns and, twice, 16 draws of doubles
/// (the working set of a block) stay below 1 MiB; at least 512, so that the exact sums of a wide table stay
/// cheap. Where the number of rows is known (not 0), halved until there are 32 blocks to share among ranks
/// and steps, but not below 256.
Index default_block_rows(Index columns, bool single, Index rows = 0);

}  // namespace vfe
