#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"

namespace vfe {

struct ImportOptions {
  std::filesystem::path input, output;
  std::string response;
  std::string offset, weight;      ///< columns, or empty
  std::vector<std::string> drop;   ///< columns left out
  std::vector<std::string> factor;  ///< columns taken as factors though their values are numbers
  bool standardize = true;
  bool drop_missing = false;       ///< else a missing value is an error
  Index block_rows = 0;            ///< 0 = so that a block's working set fits L2
  bool single = true;              ///< float32 storage
  std::uint64_t seed = 1;          ///< of the shuffle and the holdout
  double holdout = 0.0;            ///< share of the rows set aside ...
  std::filesystem::path holdout_output;  ///< ... in this file
  std::size_t memory = std::size_t{128} << 20;  ///< bytes that sorting may use
  bool quiet = false;              ///< no progress line
};

struct ImportReport {
  Schema schema;
  Index rows_read = 0, rows_dropped = 0, rows_held_out = 0;
  double seconds = 0.0;
  std::vector<std::string> warnings;  ///< constant columns, ...
};

/// CSV (header, quotes, CRLF or LF, BOM, delimiter , ; or tab found in the header) to a dataset: pass 1 finds
/// types, levels, moments; pass 2 scatters rows to temporary buckets by a seeded permutation, then shuffles
/// each bucket in memory. Bounded memory. Throws Fault::data naming file, line, column.
ImportReport import_csv(const ImportOptions& options);

/// The default block: rows so that a block of `columns` columns and the 16 draws worked on it fit L2, a
/// power of two, at least 256.
Index default_block_rows(Index columns, bool single);

}  // namespace vfe
