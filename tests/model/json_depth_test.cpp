#include "model/json_depth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfe/core/error.hpp"
#include "vfe/model/stan_data.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& json) {
  try {
    check_json_depth(json, "data.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.what();
  }
  return "accepted";
}

TEST(FaultsC11JsonDepth, RefusesWhatIsTooDeepByLine) {
  EXPECT_EQ(refusal("{\"a\": [[1, 2], [3, 4]]}"), "accepted");
  const std::string deep = "{\n\"N\": " + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_THAT(refusal(deep), HasSubstr("data.json, line 2: arrays and objects more than 100 deep"));
  EXPECT_THROW(StanData(deep, "data.json", {.size = "N", .rows = {"y"}}), Error);
}

TEST(FaultsC11JsonDepth, BracketsInTextsDoNotCount) {
  EXPECT_EQ(refusal("{\"a\": \"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"}"),
            "accepted");
}

}  // namespace
}  // namespace vfe
