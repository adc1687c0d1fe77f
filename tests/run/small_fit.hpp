#pragma once
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/run/fit.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {

/// A table of numbers x1, x2, ... and a response y.
struct SmallTable {
  Matrix x;
  Vector y;
  Vector weight, offset;                 ///< columns "w" and "o", or empty
  std::vector<std::string> levels = {};  ///< of a response that is a factor; y holds its codes
  std::vector<std::string> names = {};   ///< of the columns of x, if not x1, x2, ...
  std::vector<std::int64_t> lines = {};  ///< in `source`, or empty
  std::string source = {};
  Index block_rows = 64;
};

/// Normal columns and a real response y = 0.5 + sum_j (j + 1) / 4 x_j + noise.
inline SmallTable small_rows(Index num_rows, Index columns, std::uint64_t seed = 1) {
  Matrix z(columns + 1, num_rows);
  fill_normal({.seed = seed, .purpose = Purpose::simulate}, z);
  SmallTable table{z.topRows(columns).transpose(), {}, {}, {}};
  table.y = Vector::Constant(num_rows, 0.5) + z.row(columns).transpose();
  for (Index j = 0; j < columns; ++j) table.y += 0.25 * static_cast<double>(j + 1) * z.row(j).transpose();
  return table;
}

inline DatasetSchema schema_of(const SmallTable& table) {
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(table.y.size(), table.block_rows);
  schema.single = false;
  schema.source = table.source;
  schema.has_line = !table.lines.empty();
  for (Index j = 0; j < table.x.cols(); ++j) {
    schema.table.columns.push_back(
        {table.names.empty() ? "x" + std::to_string(j + 1) : table.names[static_cast<std::size_t>(j)]});
  }
  if (table.weight.size() > 0) schema.table.columns.push_back({"w"});
  if (table.offset.size() > 0) schema.table.columns.push_back({"o"});
  schema.table.columns.push_back(
      {"y", table.levels.empty() ? ColumnType::number : ColumnType::factor, table.levels});
  return schema;
}

inline TableRows rows_of(const SmallTable& table) {
  const DatasetSchema schema = schema_of(table);
  TableRows rows = missing_rows(schema.table, table.y.size());
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  numbers.leftCols(table.x.cols()) = table.x;
  Index next = table.x.cols();
  for (const Vector* column : {&table.weight, &table.offset})
    if (column->size() > 0) numbers.col(next++) = *column;
  if (table.levels.empty()) {
    numbers.col(next) = table.y;
  } else {
    rows.codes.col(0) = table.y.cast<std::int32_t>();
  }
  return rows;
}

inline void write_dataset(const std::filesystem::path& path, const SmallTable& table) {
  DatasetWriter writer(path, schema_of(table));
  writer.append(rows_of(table), table.lines);
  writer.finish();
}

/// A linear fit of data.h5 in the folder, to run/, with a q of full rank.
inline Config small_config(const TemporaryFolder& folder, const std::vector<std::string>& overrides = {}) {
  return parse_config("[data]\nfile = \"" + (folder / "data.h5").string() +
                          "\"\n[model]\ntype = \"linear\"\nformula = \"y\"\n[family]\ntype = "
                          "\"full_rank\"\n[output]\ndraws = "
                          "500\ndirectory = \"" +
                          (folder / "run").string() + "\"\n",
                      "fit.toml", overrides);
}

inline RunOutcome run_fit(const Config& config, Existing existing = Existing::refuse) {
  return run_fit(Communicator::self(), config, {.existing = existing, .quiet = true});
}

}  // namespace vfe
