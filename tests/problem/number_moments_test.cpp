#include "problem/number_moments.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "vfe/core/blocks.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// Rows x columns: near 1, far from 0, tiny, huge, constant, with one outlier.
Matrix numbers() {
  Matrix x(301, 6);
  fill_normal({.seed = 3, .purpose = Purpose::simulate}, x);
  x.col(1).array() += 1e6;
  x.col(2) *= 1e-200;
  x.col(3) *= 1e200;
  x.col(4).setConstant(-0.1);
  x(17, 5) = 1e8;
  return x;
}

NumberMoments moments_of(const Communicator& comm, const Matrix& x) {
  const Blocks blocks = Blocks::of_equal(x.rows(), 32);
  const BlockRange own = shard(blocks.num_blocks(), comm.rank(), comm.size());
  return number_moments(comm, x.cols(), [&](const auto& add) {
    for (Index b = own.first; b < own.last; ++b) add(x.middleRows(blocks.first(b), blocks.rows(b)));
  });
}

TEST(NumberMoments, AreThoseOfAllRows) {
  const Matrix x = numbers();
  const NumberMoments found = moments_of(Communicator::self(), x);
  EXPECT_EQ(found.rows, x.rows());
  for (Index j = 0; j < x.cols(); ++j) {
    SCOPED_TRACE(j);
    long double sum = 0, squares = 0;
    for (const double value : x.col(j)) sum += value;
    const long double mean = sum / static_cast<long double>(x.rows());
    for (const double value : x.col(j)) squares += (value - mean) * (value - mean);
    const auto sd = static_cast<double>(sqrtl(squares / static_cast<long double>(x.rows() - 1)));
    EXPECT_EQ(found.low[j], x.col(j).minCoeff());
    EXPECT_EQ(found.high[j], x.col(j).maxCoeff());
    EXPECT_NEAR(found.mean[j] / static_cast<double>(mean), 1.0, 1e-13);
    if (j == 4) {
      EXPECT_EQ(found.mean[j], -0.1);
      EXPECT_EQ(found.sd[j], 0.0);
    } else {
      EXPECT_NEAR(found.sd[j] / sd, 1.0, 1e-11);
    }
  }
}

TEST(NumberMomentsMpi, SameBitsOnAnyNumberOfRanks) {
  const Matrix x = numbers();
  const NumberMoments alone = moments_of(Communicator::self(), x);
  const NumberMoments found = moments_of(Communicator::world(), x);
  EXPECT_EQ(found.mean, alone.mean);
  EXPECT_EQ(found.sd, alone.sd);
  EXPECT_EQ(found.low, alone.low);
  EXPECT_EQ(found.rows, alone.rows);
}

}  // namespace
}  // namespace vfe
