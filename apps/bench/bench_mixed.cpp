// Time of a gradient of a model with effects of groups, integrated, by row: likelihoods, effects and numbers
// of nodes; and how it grows with the number of groups. Run: build/release/bench/bench_mixed
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/mixed.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using vfe::Index;
using vfe::Likelihood;
constexpr int rounds = 5;

/// Two numbers and an intercept; groups of `group_rows` rows with k effects.
std::shared_ptr<const vfe::Mixed> model(Likelihood likelihood, Index groups, Index group_rows, Index k) {
  const Index n = groups * group_rows;
  const Index block_rows = std::max<Index>(group_rows, 512 / group_rows * group_rows);
  vfe::DesignSchema schema;
  schema.blocks = vfe::Blocks::of_equal(n, block_rows);
  schema.columns = {{.name = "x"}, {.name = "w"}};
  schema.keys = {{.name = "g"}};
  vfe::GroupEffects effects{.name = "g", .keys = {0}};
  for (Index j = 0; j < k; ++j) effects.columns.push_back({.name = fmt::format("e{}", j)});
  schema.effects = {effects};
  vfe::Rows rows;
  rows.blocks = schema.blocks;
  vfe::Matrix noise(4, n);
  vfe::fill_normal({.seed = 1}, noise);
  rows.x = vfe::Rows::RowMajor<float>(noise.topRows(2).transpose().cast<float>());
  rows.effects = vfe::Matrix::Ones(n, k);
  for (Index j = 1; j < k; ++j) rows.effects.col(j) = noise.row(j - 1).transpose();
  rows.groups.resize(n, 1);
  for (Index i = 0; i < n; ++i) rows.groups(i, 0) = i / group_rows;
  rows.y = noise.row(3).transpose();
  if (likelihood == Likelihood::logistic) rows.y = (rows.y.array() > 0.0).cast<double>();
  if (!vfe::is_real(likelihood) && likelihood != Likelihood::logistic) rows.y = rows.y.array().abs().floor();
  return std::make_shared<const vfe::Mixed>(vfe::GlmOptions{.likelihood = likelihood},
                                            rows_in_memory(schema, std::move(rows)));
}

/// Nanoseconds by row and draw, of the best round.
double time(const std::shared_ptr<const vfe::Mixed>& local, Index nodes, bool gradient) {
  const vfe::Integrated integrated(local, nodes);
  constexpr Index draws = 4;
  vfe::Matrix theta(integrated.parameters().size(), draws);
  vfe::fill_normal({.seed = 4}, theta);
  theta *= 0.3;
  vfe::Matrix grad(theta.rows(), gradient ? draws : 0);
  vfe::Vector value(draws);
  double seconds = INFINITY;
  Index rows = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    rows = 0;
    for (Index block = 0; block < integrated.blocks(); ++block) {
      integrated.log_likelihood(block, theta, value, grad);
      rows += integrated.rows(block);
    }
    seconds = std::min(seconds, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return 1e9 * seconds / static_cast<double>(rows * draws);
}

}  // namespace

int main() {
  fmt::print("ns a row and draw, {}; 2,400 groups of 13 rows\n{:<20} {:>8}", vfe::instruction_set(), "",
             "effects");
  for (const Index nodes : {1, 3, 5, 7, 9}) fmt::print(" {:>8}", fmt::format("{} nodes", nodes));
  fmt::print(" {:>12}\n", "value, 7");
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::logistic, Likelihood::poisson,
                                      Likelihood::negative_binomial, Likelihood::student_t}) {
    for (const Index k : {1, 2}) {
      const auto local = model(likelihood, 2400, 13, k);
      fmt::print("{:<20} {:>8}", vfe::to_string(likelihood), k);
      for (const Index nodes : {1, 3, 5, 7, 9}) fmt::print(" {:>8.1f}", time(local, nodes, true));
      fmt::print(" {:>12.1f}\n", time(local, 7, false));
    }
  }
  fmt::print("\nlogistic, one effect, 7 nodes, 10 rows a group\n{:>10} {:>20}\n", "groups",
             "ns a row and draw");
  for (const Index groups : {1000, 10000, 100000})
    fmt::print("{:>10} {:>20.1f}\n", groups, time(model(Likelihood::logistic, groups, 10, 1), 7, true));
  return 0;
}
