#include "vfe/program/sample.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

ResultFile file_with_sample() {
  ResultFile file;
  put_sample({.theta = Matrix::Random(3, 5),
              .gradient = {},
              .log_joint = Vector::Random(5),
              .log_weight = Vector::Constant(5, -std::log(5.0))},
             file);
  Moments moments;
  moments.mean = moments.mean_error = moments.sd = moments.sd_error = Vector::Ones(4);
  moments.quantiles = moments.quantile_errors = Matrix::Ones(3, 4);
  put_moments(moments, file);
  return file;
}

TEST(Sample, ComesBackFromAResult) {
  const ResultFile file = file_with_sample();
  ASSERT_TRUE(has_sample(file));
  EXPECT_EQ(sample_of(file, 3).theta.cols(), 5);
  EXPECT_EQ(moments_of(file).quantiles.cols(), 4);
  EXPECT_EQ(moments_of(ResultFile{}).mean.size(), 0);
}

TEST(Sample, PartsThatAreMissingOrOfOtherSizesAreRefused) {
  const ResultFile whole = file_with_sample();
  for (const auto& [name, values] : whole.arrays) {
    const auto read = [](const ResultFile& file) {
      sample_of(file, 3);
      moments_of(file);
    };
    ResultFile other = whole;
    other.arrays[name] = Matrix::Ones(values.rows() + 1, values.cols() + 1);
    EXPECT_THAT([&] { read(other); }, ThrowsMessage<Error>(HasSubstr("/vfe/"))) << name;
    if (name == "moments/mean") continue;  // there are no moments then
    other.arrays.erase(name);
    EXPECT_THAT([&] { read(other); }, ThrowsMessage<Error>(HasSubstr("/vfe/" + name + " is missing")));
  }
  EXPECT_THAT([&] { sample_of(whole, 4); }, ThrowsMessage<Error>(HasSubstr("3 x 5 numbers, expected 4 x 5")));
}

TEST(Sample, WeightsAreNumbers) {
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    ResultFile file = file_with_sample();
    file.arrays["sample/log_weight"](2, 0) = wrong;
    EXPECT_THAT([&] { sample_of(file, 3); }, ThrowsMessage<Error>(HasSubstr("/vfe/sample/log_weight")));
  }
}

}  // namespace
}  // namespace vfe
