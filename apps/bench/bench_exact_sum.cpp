// The price of exact sums within a step: a target's step beside the same kernel adding plain doubles, in
// turns. Run: build/release/bench/bench_exact_sum
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/data/import.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/target/target.hpp"

namespace {

using vfe::Index;

vfe::Glm simulated_logistic(Index columns, Index num_blocks, vfe::DesignSchema& schema) {
  const Index block_rows = vfe::default_block_rows(columns, true);
  schema.blocks = vfe::Blocks::of_equal(num_blocks * block_rows, block_rows);
  for (Index j = 0; j < columns; ++j) schema.columns.push_back({.name = fmt::format("x{}", j + 1)});
  schema.response = "y";

  vfe::Rows rows;
  rows.blocks = schema.blocks;
  vfe::Rows::RowMajor<float> x(schema.num_rows(), columns);
  rows.y.resize(schema.num_rows());
  vfe::Matrix values(columns + 1, block_rows);
  for (Index b = 0; b < num_blocks; ++b) {
    vfe::fill_normal({.seed = 1, .purpose = vfe::Purpose::simulate, .block = static_cast<std::uint32_t>(b)},
                     values);
    const Index first = schema.blocks.first(b);
    x.middleRows(first, block_rows) = values.topRows(columns).transpose().cast<float>();
    rows.y.segment(first, block_rows) = (values.row(columns).array() > 0.0).cast<double>();
  }
  rows.x = std::move(x);
  return vfe::Glm({.likelihood = vfe::Likelihood::logistic}, vfe::rows_in_memory(schema, std::move(rows)));
}

template <class Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void compare(Index d, Index num_blocks, int pairs) {
  constexpr Index draws = 16;
  vfe::DesignSchema schema;
  const vfe::Glm model = simulated_logistic(d - 1, num_blocks, schema);
  const vfe::Target target(model, vfe::Communicator::self());
  vfe::Matrix theta(d, draws), exact_grad(d, draws), plain_grad(d, draws);
  vfe::Vector exact_value(draws), plain_value(draws);
  vfe::fill_normal({.seed = 2, .purpose = vfe::Purpose::noise}, theta);
  theta *= 1.0 / std::sqrt(static_cast<double>(d));

  const auto exact = [&] { target.log_joint(theta, exact_value, exact_grad); };
  const auto plain = [&] {
    plain_value.setZero();
    plain_grad.setZero();
    model.log_prior(theta, plain_value, plain_grad);
    for (Index b = 0; b < num_blocks; ++b) model.log_likelihood(b, theta, plain_value, plain_grad);
  };
  exact();  // once each, so that memory is touched before it is timed
  plain();

  std::vector<double> exact_seconds, plain_seconds, ratios;
  for (int i = 0; i < pairs; ++i) {
    exact_seconds.push_back(seconds(exact));
    plain_seconds.push_back(seconds(plain));
    ratios.push_back(exact_seconds.back() / plain_seconds.back());
  }
  const double difference =
      (exact_grad - plain_grad).cwiseAbs().maxCoeff() / plain_grad.cwiseAbs().maxCoeff();
  fmt::print("{:>6} {:>7} {:>11} {:>13.3f} {:>13.3f} {:>+10.1f} % {:>12.1e}\n", d, num_blocks,
             schema.blocks.block_rows(), 1e3 * median(exact_seconds), 1e3 * median(plain_seconds),
             100.0 * (median(ratios) - 1.0), difference);
}

}  // namespace

int main() {
  fmt::print("one logistic step, 16 draws with gradients, one thread; medians of alternating pairs\n");
  fmt::print("{:>6} {:>7} {:>11} {:>13} {:>13} {:>12} {:>12}\n", "d", "blocks", "block rows", "exact [ms]",
             "plain [ms]", "price", "difference");
  compare(30, 64, 101);
  compare(300, 32, 51);
  compare(3000, 16, 21);
}
