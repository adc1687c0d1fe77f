#include "vfe/config/key_descriptions.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace vfe {
namespace {

TEST(KeyDescriptions, SayOfEachKeyWhatItTakesAndMeans) {
  const std::vector<KeyDescription> all = key_descriptions();
  const auto named = [&](const std::string& name) {
    return *std::ranges::find_if(all, [&](const KeyDescription& key) { return key.full_name() == name; });
  };
  EXPECT_EQ(named("fit.seed").takes.substr(0, 21), "a whole number from 0");
  EXPECT_EQ(named("fit.mode").takes, "one of synchronous, stochastic; default \"synchronous\"");
  EXPECT_THAT(named("fit.threads").meaning, testing::EndsWith(" May change on --resume."));
  EXPECT_THAT(named("family.rank").meaning, testing::HasSubstr(" Only with family.type = "));
  for (const KeyDescription& key : all) EXPECT_FALSE(key.meaning.empty()) << key.full_name();
}

}  // namespace
}  // namespace vfe
