#include "vfe/statistics/distributions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace vfe {
namespace {

TEST(Distributions, NormalOnesAreThoseOfTheLiterature) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.75), 0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-13);
  for (const double z : {-8.0, -3.0, -1.3, 0.2, 1.1, 4.0}) {
    EXPECT_NEAR(normal_quantile(0.5 * std::erfc(-z / std::sqrt(2.0))), z, 1e-11) << z;
  }
}

TEST(Distributions, ChiSquareOnesAgreeWithClosedFormsAndScipy) {
  for (const double above : {0.999, 0.3, 1e-3, 1e-9, 1e-200}) {
    EXPECT_NEAR(chi_square_exceeded(above, 2.0) / (-2.0 * std::log(above)), 1.0, 1e-11) << above;
  }
  const double z = normal_quantile(0.5 * 1e-4);
  EXPECT_NEAR(chi_square_exceeded(1e-4, 1.0), z * z, 1e-11);
  // scipy.stats.chi2.isf
  EXPECT_NEAR(chi_square_exceeded(0.01 / 52.0, 31.0), 66.89794469185333, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(0.01 / 4000.0, 31.0), 80.8631846725832, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(1e-12, 31.0), 121.91359005017611, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(0.9, 31.0), 21.43356450031078, 1e-11);
  EXPECT_NEAR(chi_square_exceeded(0.5, 3.0), 2.3659738843753377, 1e-12);
}

TEST(Distributions, StudentOnesAgreeWithClosedFormsAndScipy) {
  // Of one degree tan(pi (1/2 - p)), of two (1 - 2 p) / sqrt(2 p (1 - p)).
  for (const double above : {0.4, 0.01, 1e-5, 1e-12}) {
    EXPECT_NEAR(student_exceeded(above, 1) * std::tan(std::numbers::pi * above), 1.0, 1e-13) << above;
    const double two = (1.0 - 2.0 * above) / std::sqrt(2.0 * above * (1.0 - above));
    EXPECT_NEAR(student_exceeded(above, 2) / two, 1.0, 1e-13) << above;
  }
  // scipy.stats.t.isf
  EXPECT_NEAR(student_exceeded(0.025, 10), 2.228138852, 1e-9);
  EXPECT_NEAR(student_exceeded(0.3, 4), 0.5686490630497053, 1e-9);
  EXPECT_NEAR(student_exceeded(0.005 / 52.0, 31), 4.229456546901722, 1e-9);
  EXPECT_NEAR(student_exceeded(0.005 / 4000.0, 31), 5.7504737569266196, 1e-9);
  EXPECT_NEAR(student_exceeded(1e-9, 31), 8.344316303447016, 1e-6);
  EXPECT_NEAR(student_exceeded(1e-4, 1'000'000), -normal_quantile(1e-4), 1e-4);
}

}  // namespace
}  // namespace vfe
