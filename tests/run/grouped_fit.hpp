#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "run/small_fit.hpp"

namespace vfe {

constexpr Index grouped_schools = 40, grouped_school_rows = 6;

/// The effect of a school on y.
inline double grouped_effect(Index school) {
  return normal({.seed = 21, .purpose = Purpose::truth}, static_cast<std::uint32_t>(school));
}

/// Rows of 40 schools, numbered from 1000 on, of two rooms each (front, back): a number x, a colour (red,
/// green, blue, in turns), a real response y = 1 + 0.5 x + effect of the school + 0.7 noise, and one of two
/// levels z, more often "yes" where y is above 1.
inline void write_grouped_dataset(const std::filesystem::path& path,
                                  Index block_rows = 5 * grouped_school_rows) {
  const Index rows = grouped_schools * grouped_school_rows;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(rows, block_rows);
  schema.single = false;
  schema.table.columns = {{"school", ColumnType::integer},
                          {"colour", ColumnType::factor, {"red", "green", "blue"}},
                          {"z", ColumnType::factor, {"no", "yes"}},
                          {"room", ColumnType::factor, {"front", "back"}},
                          {"x"},
                          {"y"}};
  schema.grouped_by = {"school", "room"};
  TableRows table = missing_rows(schema.table, rows);
  auto& numbers = std::get<TableRows::RowMajor<double>>(table.numbers);
  for (Index i = 0; i < rows; ++i) {
    const Address at{.seed = 22, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(i)};
    const Index school = i / grouped_school_rows;
    const double x = normal(at, 0), y = 1.0 + 0.5 * x + grouped_effect(school) + 0.7 * normal(at, 1);
    table.integers(i, 0) = 1000 + school;
    table.codes(i, 0) = static_cast<std::int32_t>(i % 3);
    table.codes(i, 1) = y + normal(at, 2) > 1.0 ? 1 : 0;
    table.codes(i, 2) = i % grouped_school_rows < grouped_school_rows / 2 ? 0 : 1;
    numbers(i, 0) = x;
    numbers(i, 1) = y;
  }
  DatasetWriter writer(path, schema);
  writer.append(table, {});
  writer.finish();
}

/// A fit of data.h5 in the folder, to run/, with a q of full rank.
inline Config grouped_config(const TemporaryFolder& folder, const std::string& type,
                             const std::string& formula, const std::vector<std::string>& overrides = {}) {
  return parse_config("[data]\nfile = \"" + (folder / "data.h5").string() + "\"\n[model]\ntype = \"" + type +
                          "\"\nformula = \"" + formula +
                          "\"\n[family]\ntype = \"full_rank\"\n[output]\ndraws = 1000\ndirectory = \"" +
                          (folder / "run").string() + "\"\n",
                      "fit.toml", overrides);
}

}  // namespace vfe
