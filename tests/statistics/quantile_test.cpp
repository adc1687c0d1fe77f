#include "vfe/statistics/quantile.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace vfe {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> values = {1.0, 2.0, 4.0, 8.0, 16.0};  // numpy.quantile gives the same
  EXPECT_EQ(sorted_quantile(values, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(sorted_quantile(values, 0.05), 1.2);
  EXPECT_EQ(sorted_quantile(values, 0.5), 4.0);
  EXPECT_DOUBLE_EQ(sorted_quantile(values, 0.9), 12.8);
  EXPECT_EQ(sorted_quantile(values, 1.0), 16.0);
  EXPECT_EQ(sorted_quantile(std::vector<double>{3.0}, 0.95), 3.0);
}

}  // namespace
}  // namespace vfe
