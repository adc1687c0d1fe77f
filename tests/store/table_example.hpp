#pragma once
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "vfe/core/numbers.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe::test {

/// A table with columns of every type, and two of each but the integers, in no order.
inline DatasetSchema example_schema(bool single) {
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 32);
  schema.table.columns = {{.name = "age"},
                          {.name = "bits/3", .type = ColumnType::matrix, .width = 3},
                          {.name = "farbe", .type = ColumnType::factor, .levels = {"rot", "gr\xc3\xbcn"}},
                          {.name = "visits", .type = ColumnType::integer},
                          {.name = "weight"},
                          {.name = "a/b", .type = ColumnType::factor, .levels = {"no", "a/b", "yes"}},
                          {.name = "mass", .type = ColumnType::matrix, .width = 1}};
  schema.has_line = true;
  schema.single = single;
  schema.shuffle_seed = (std::uint64_t{1} << 55) + 1;
  schema.source = "people.csv";
  return schema;
}

/// Rows [first, first + count) of an endless table, some of their cells missing.
inline TableRows example_rows(Index first, Index count) {
  TableRows rows = missing_rows(example_schema(false).table, count);
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  auto& bits = std::get<TableRows::RowMajor<double>>(rows.matrices[0]);
  auto& mass = std::get<TableRows::RowMajor<double>>(rows.matrices[1]);
  for (Index r = 0; r < count; ++r) {
    const Index at = first + r;
    const auto t = static_cast<double>(at);
    numbers(r, 0) = std::sin(t);
    if (at % 7 != 0) numbers(r, 1) = std::fmod(t, 5.0);
    rows.codes(r, 0) = static_cast<std::int32_t>(at % 3) - 1;
    rows.codes(r, 1) = static_cast<std::int32_t>(at % 4) - 1;
    if (at % 11 != 0) rows.integers(r, 0) = (Index{1} << 60) + at;
    for (Index j = 0; j < 3; ++j) bits(r, j) = static_cast<double>((at >> j) % 2);
    if (at % 13 != 0) mass(r, 0) = std::cos(t);
  }
  return rows;
}

inline std::vector<std::int64_t> example_lines(Index first, Index count) {
  std::vector<std::int64_t> lines;
  for (Index r = first; r < first + count; ++r) lines.push_back(1000 - r);
  return lines;
}

/// Writes `rows` rows in pieces of growing size.
inline DatasetSchema write_example(const std::filesystem::path& path, Index rows, bool single) {
  DatasetWriter writer(path, example_schema(single));
  for (Index first = 0, count = 1; first < rows; first += count, count += 17) {
    count = std::min(count, rows - first);
    writer.append(example_rows(first, count), example_lines(first, count));
  }
  return writer.finish();
}

/// Whether they are the same numbers, NaN one of them.
template <class A, class B>
bool same(const A& found, const B& expected) {
  if (found.rows() != expected.rows() || found.cols() != expected.cols()) return false;
  for (Index r = 0; r < found.rows(); ++r) {
    for (Index c = 0; c < found.cols(); ++c) {
      if (found(r, c) != expected(r, c) && !(std::isnan(found(r, c)) && std::isnan(expected(r, c))))
        return false;
    }
  }
  return true;
}

}  // namespace vfe::test
