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

/// A column of standard normals.
inline Column numeric(const std::string& name, double centre = 0.0, double scale = 1.0) {
  Column column;
  column.name = column.source = name;
  column.centre = centre;
  column.scale = scale;
  return column;
}

inline Schema small_schema(Index columns) {
  Schema schema;
  schema.blocks = Blocks::of_equal(0, 64);
  schema.response = "y";
  schema.single = false;
  for (Index j = 0; j < columns; ++j) schema.columns.push_back(numeric("x" + std::to_string(j + 1)));
  return schema;
}

/// Normal columns and a real response y = 0.5 + sum_j (j + 1) / 4 x_j + noise.
inline Rows small_rows(Index num_rows, Index columns, std::uint64_t seed = 1) {
  Matrix z(columns + 1, num_rows);
  fill_normal({.seed = seed, .purpose = Purpose::simulate}, z);
  Rows rows;
  rows.x = Rows::RowMajor<double>(z.topRows(columns).transpose());
  rows.y = Vector::Constant(num_rows, 0.5) + z.row(columns).transpose();
  for (Index j = 0; j < columns; ++j) rows.y += 0.25 * static_cast<double>(j + 1) * z.row(j).transpose();
  return rows;
}

inline void write_dataset(const std::filesystem::path& path, const Schema& schema, const Rows& rows,
                          const std::vector<std::int64_t>& lines = {}) {
  DatasetWriter writer(path, schema);
  writer.append(rows, lines);
  writer.finish();
}

/// A linear fit of data.h5 in the folder, to run/, with a q of full rank.
inline Config small_config(const TemporaryFolder& folder, const std::vector<std::string>& overrides = {}) {
  return parse_config("[data]\nfile = \"" + (folder / "data.h5").string() +
                          "\"\n[model]\ntype = \"linear\"\n[family]\ntype = \"full_rank\"\n[output]\ndraws = "
                          "500\ndirectory = \"" +
                          (folder / "run").string() + "\"\n",
                      "fit.toml", overrides);
}

inline RunOutcome run_fit(const Config& config, Existing existing = Existing::refuse) {
  return run_fit(Communicator::self(), config, {.existing = existing, .quiet = true});
}

}  // namespace vfe
