#include "vfe/run/result_attributes.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "run/error_of.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

TEST(ResultAttributes, AVerdictComesBackAsItWas) {
  Verdict verdict;
  verdict.grade = Grade::corrected;
  verdict.reason = "k-hat is 0.3";
  verdict.plain = "it is too narrow";
  verdict.khat = 0.3;
  verdict.ess = 812.5;
  verdict.free_energy = -12.25;
  verdict.log_evidence = std::numeric_limits<double>::quiet_NaN();
  verdict.evidence_reason = "the weights are too uneven";
  std::map<std::string, Attribute> attributes;
  put_verdict(verdict, attributes);
  const Verdict again = verdict_of(attributes);
  EXPECT_EQ(again.grade, verdict.grade);
  EXPECT_EQ(again.reason, verdict.reason);
  EXPECT_EQ(again.plain, verdict.plain);
  EXPECT_EQ(again.khat, verdict.khat);
  EXPECT_EQ(again.ess, verdict.ess);
  EXPECT_EQ(again.free_energy, verdict.free_energy);
  EXPECT_TRUE(std::isnan(again.log_evidence));
}

TEST(ResultAttributes, HashesAreSixteenDigits) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xfedcba9876543210}}) {
    EXPECT_EQ(hexadecimal(value).size(), 16U);
    EXPECT_EQ(hash_of({{"content", hexadecimal(value)}}, "content"), value);
  }
  for (const char* wrong : {"", "12g4", "11112222333344445"}) {
    const Error error = error_of([&] { hash_of({{"content", std::string(wrong)}}, "content"); });
    EXPECT_EQ(error.fault(), Fault::data) << wrong;
  }
  EXPECT_EQ(error_of([] { count_of({{"rows", Attribute{2.0}}}, "rows"); }).fault(), Fault::data);
}

}  // namespace
}  // namespace vfe
