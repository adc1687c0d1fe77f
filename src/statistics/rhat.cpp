#include "vfe/statistics/rhat.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/statistics/distributions.hpp"

namespace vfe {
namespace {

/// With denominator n - 1; of a single value 0, as the definition of nested R-hat has it.
double variance(ConstVec x) {
  if (x.size() < 2) return 0.0;
  return (x.array() - x.mean()).square().sum() / static_cast<double>(x.size() - 1);
}

/// Normal scores of the ranks over all values (Blom's offsets); equal values share the mean of their ranks.
Matrix normal_scores(ConstMat values) {
  const Vector flat = values.reshaped();
  const auto count = static_cast<std::size_t>(flat.size());
  std::vector<Index> order(count);
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return flat(a) < flat(b); });
  Vector scores(flat.size());
  for (std::size_t first = 0, last = 0; first < count; first = last) {
    while (last < count && flat(order[last]) == flat(order[first])) ++last;
    const double rank = 0.5 * static_cast<double>(first + 1 + last);
    const double score = normal_quantile((rank - 0.375) / (static_cast<double>(count) + 0.25));
    for (std::size_t i = first; i < last; ++i) scores(order[i]) = score;
  }
  return scores.reshaped(values.rows(), values.cols());
}

double median(ConstMat values) {
  Vector flat = values.reshaped();
  const auto middle = flat.begin() + flat.size() / 2;
  std::nth_element(flat.begin(), middle, flat.end());
  if (flat.size() % 2 == 1) return *middle;
  return 0.5 * (*std::max_element(flat.begin(), middle) + *middle);
}

}  // namespace

double rhat(ConstVec means, double within, double least) {
  const double between = variance(means);
  return between == 0.0 ? std::sqrt(least) : std::sqrt(least + between / within);
}

double nested_rhat(ConstMat values, Index superchains) {
  if (superchains < 2 || values.size() == 0 || values.rows() % superchains != 0) {
    throw Error(Fault::bug, fmt::format("computing nested R-hat: found {} chains of {} iterations in {} "
                                        "superchains, expected equally many in each of two or more",
                                        values.rows(), values.cols(), superchains));
  }
  if (!values.allFinite()) return infinity;
  const Index chains = values.rows() / superchains;
  Vector means(superchains);
  double within = 0.0;
  for (Index k = 0; k < superchains; ++k) {
    Vector chain_means(chains);
    double inside = 0.0;
    for (Index m = 0; m < chains; ++m) {
      const Vector chain = values.row(k * chains + m);
      chain_means(m) = chain.mean();
      inside += variance(chain) / static_cast<double>(chains);
    }
    means(k) = chain_means.mean();
    within += (variance(chain_means) + inside) / static_cast<double>(superchains);
  }
  return rhat(means, within);
}

double rank_nested_rhat(ConstMat values, Index superchains) {
  if (!values.allFinite()) return infinity;
  const Matrix folded = (values.array() - median(values)).abs();
  return std::max(nested_rhat(normal_scores(values), superchains),
                  nested_rhat(normal_scores(folded), superchains));
}

double nested_rhat_limit(Index superchains, Index quantities) {
  const double freedom = static_cast<double>(superchains - 1);
  const double above = 0.01 / (2.0 * static_cast<double>(std::max<Index>(quantities, 1)));
  return std::sqrt(1.0 + 0.02 * chi_square_exceeded(above, freedom) / freedom);
}

}  // namespace vfe
