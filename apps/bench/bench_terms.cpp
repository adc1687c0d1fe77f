// Time of a gradient of a logistic model's log likelihood by row and draw: a factor as cells beside the same
// as columns of zeros and ones, and what one more term of cells takes beside one more column.
// Run: build/release/bench/bench_terms
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/model/glm.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using vfe::Index;
constexpr Index num_rows = 1 << 18, block_rows = 1 << 13;
constexpr int rounds = 7;

/// `factors` of `levels` cells each, in no order, or in runs as a sorted table has them, then `columns`
/// numbers.
vfe::Glm model(Index columns, Index factors, Index levels, bool with_zeros = false, bool sorted = false) {
  vfe::DesignSchema schema;
  schema.blocks = vfe::Blocks::of_equal(num_rows, block_rows);
  vfe::Rows rows;
  rows.blocks = schema.blocks;
  rows.cells.resize(num_rows, factors);
  Index first = 0;
  const auto add = [&](vfe::DesignTerm term) {
    term.first_coefficient = first;
    first += term.num_coefficients();
    schema.terms.push_back(term);
  };
  for (Index f = 0; f < factors; ++f) add({.name = "f", .index = f, .num_cells = levels});
  if (columns > 0) add({.name = "x", .column = 0, .width = columns});
  schema.columns.resize(static_cast<std::size_t>(first));
  vfe::Matrix x(num_rows, columns);
  vfe::fill_normal({.seed = 1}, x);
  vfe::Vector y(num_rows);
  vfe::fill_normal({.seed = 2}, y);
  for (Index i = 0; i < num_rows; ++i) {
    for (Index f = 0; f < factors; ++f) {
      const double u =
          vfe::uniform({.seed = 3, .draw = static_cast<std::uint32_t>(i)}, static_cast<std::uint32_t>(f));
      const double at = sorted ? static_cast<double>(i) / num_rows : u;
      rows.cells(i, f) = static_cast<std::int32_t>(at * static_cast<double>(levels + 1)) - 1;
    }
  }
  rows.x = vfe::Rows::RowMajor<float>(x.cast<float>());
  rows.y = (y.array() > 0.0).cast<double>();
  if (with_zeros) {
    rows.x = vfe::Rows::RowMajor<float>(dense_design(schema, rows).cast<float>());
    rows.cells.resize(0, 0);
    schema.terms.clear();
  }
  return {{.likelihood = vfe::Likelihood::logistic}, rows_in_memory(schema, std::move(rows))};
}

/// Nanoseconds by row and draw, of the best round.
double time(const vfe::Glm& glm, Index draws) {
  vfe::Matrix theta(glm.parameters().size(), draws), grad = theta;
  vfe::fill_normal({.seed = 4}, theta);
  theta *= 0.1;
  vfe::Vector value(draws);
  double seconds = INFINITY;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    for (Index block = 0; block < glm.blocks(); ++block) glm.log_likelihood(block, theta, value, grad);
    seconds = std::min(seconds, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return 1e9 * seconds / static_cast<double>(num_rows * draws);
}

}  // namespace

int main() {
  const vfe::Glm none = model(0, 0, 0), cells = model(0, 1, 104), zeros = model(0, 1, 104, true),
                 sorted = model(0, 1, 104, false, true), columns = model(8, 0, 0),
                 one_column = model(1, 0, 0), factors = model(0, 8, 104), large = model(0, 1, 20000),
                 two = model(0, 1, 1), all = model(8, 8, 104);
  const std::pair<const char*, const vfe::Glm*> models[] = {{"intercept", &none},
                                                            {"1 column", &one_column},
                                                            {"8 columns", &columns},
                                                            {"105 levels, cells", &cells},
                                                            {"sorted by them", &sorted},
                                                            {"2 levels, cells", &two},
                                                            {"20001 levels, cells", &large},
                                                            {"8 x 105 levels, cells", &factors},
                                                            {"8 x 105, 8 columns", &all},
                                                            {"105 levels, columns", &zeros}};
  fmt::print("ns a row and draw, {}\n{:<22}", vfe::instruction_set(), "draws");
  for (const Index draws : {1, 2, 4, 8, 16}) fmt::print(" {:>8}", draws);
  fmt::print("\n");
  for (const auto& [name, glm] : models) {
    fmt::print("{:<22}", name);
    for (const Index draws : {1, 2, 4, 8, 16}) fmt::print(" {:>8.2f}", time(*glm, draws));
    fmt::print("\n");
  }
  return 0;
}
