#include "problem/number_moments.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "vfe/core/exact_sum.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {

NumberMoments number_moments(const Communicator& comm, Index columns, const EachBlock& each_block) {
  NumberMoments moments{Vector::Constant(columns, infinity), Vector::Constant(columns, -infinity)};
  each_block([&](ConstMat numbers) {
    if (numbers.rows() == 0) return;
    moments.low = moments.low.cwiseMin(numbers.colwise().minCoeff().transpose());
    moments.high = moments.high.cwiseMax(numbers.colwise().maxCoeff().transpose());
    moments.rows += numbers.rows();
  });
  moments.rows = static_cast<Index>(comm.sum(static_cast<std::uint64_t>(moments.rows)));
  comm.min(std::span<double>(moments.low.data(), static_cast<std::size_t>(columns)));
  comm.max(std::span<double>(moments.high.data(), static_cast<std::size_t>(columns)));

  // Exact sums have a smallest digit and a greatest: numbers are brought near 1, about the middle, by a power
  // of two, which rounds nothing.
  const Vector middle = 0.5 * moments.low + 0.5 * moments.high;
  Vector unit(columns);
  for (Index j = 0; j < columns; ++j) {
    const double reach = moments.high[j] - middle[j];
    unit[j] = reach > 0.0 ? std::ldexp(1.0, std::min(std::ilogb(reach), 1022) + 1) : 1.0;
  }
  ExactSum sums(2 * columns);
  Vector terms(2 * columns);
  each_block([&](ConstMat numbers) {
    for (Index j = 0; j < columns; ++j) {
      const Eigen::ArrayXd u = (numbers.col(j).array() - middle[j]) / unit[j];
      terms[j] = u.sum();
      terms[columns + j] = u.square().sum();
    }
    sums.add(terms.data());
  });
  sums.normalise();
  comm.sum(sums.limbs());
  sums.value(terms.data());
  const auto n = static_cast<double>(moments.rows);
  moments.mean.resize(columns);
  moments.sd.resize(columns);
  for (Index j = 0; j < columns; ++j) {
    const double mean = terms[j] / n, squares = terms[columns + j] - n * mean * mean;
    moments.mean[j] = std::clamp(middle[j] + unit[j] * mean, moments.low[j], moments.high[j]);
    const bool varies = moments.low[j] < moments.high[j];
    moments.sd[j] = varies ? unit[j] * std::sqrt(std::max(squares, 0.0) / (n - 1.0)) : 0.0;
  }
  return moments;
}

}  // namespace vfe
