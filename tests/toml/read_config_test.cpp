#include "vfe/toml/read_config.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "config/refusal.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(ReadConfig, OverridesReplaceTheFile) {
  const Config config =
      parse_config(minimal + "[fit]\nseed = 1\n[output]\ndirectory = \"a\"\n", "fit.toml",
                   {"fit.seed=3", "output.directory=runs/b", "fit.max_time=15m", "family.type=\"mean_field\"",
                    "output.checkpoint_every=10", "model.prior_scale=1.0", "model.prior_scale.age=2"});
  EXPECT_EQ(config.fit.seed, 3U);
  EXPECT_EQ(config.output.directory, "runs/b");
  EXPECT_EQ(config.fit.max_time, 900.0);
  EXPECT_EQ(config.family.type, "mean_field");
  EXPECT_EQ(config.output.checkpoint_steps, 10);
  EXPECT_EQ(config.model.glm.prior_scale, 1.0);
  EXPECT_EQ(config.model.glm.prior_scale_by_name.at("age"), 2.0);
  EXPECT_EQ(parse_config(minimal, "f", {"output.directory=7"}).output.directory, "7");
}

TEST(ReadConfig, AZeroKeepsItsSign) {
  for (const bool negative : {false, true}) {
    const Config config =
        parse_config("[model]\ntype = \"linear\"\nformula = \"y\"\n[data]\nfile = \"data.h5\"\n", "fit.toml",
                     {negative ? "fit.rate=-0.0" : "fit.rate=0.0"});
    EXPECT_EQ(std::signbit(parse_config(to_toml(config), "written.toml").fit.rate), negative);
  }
}

TEST(ReadConfig, RefusesWhatIsNotToml) {
  EXPECT_THAT(refusal(minimal + "[fit\nseed = 1\n"), HasSubstr("fit.toml:6: not TOML"));
  EXPECT_THAT(refusal(minimal + "type = \"linear\"\n"), HasSubstr("fit.toml:6: not TOML"));
  EXPECT_THAT(refusal(minimal, {"seed=1"}), HasSubstr("expected table.key=value"));
  EXPECT_THAT(refusal(minimal, {"fit.seed"}), HasSubstr("expected table.key=value"));
}

TEST(ReadConfig, AMissingFileIsMissing) {
  try {
    read_config("/nonexistent/fit.toml", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::missing);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/fit.toml"));
  }
}

TEST(ReadConfig, NamesPlainValuesAsTheyStand) {
  const std::string fit = minimal + "[fit]\n";
  EXPECT_THAT(refusal(fit + "seed = 1.50\n"), HasSubstr("fit.seed: found 1.5, expected"));
  EXPECT_THAT(refusal(fit + "seed = 1979-05-27\n"), HasSubstr("fit.seed: found 1979-05-27, expected"));
  EXPECT_THAT(refusal(fit + "seed = [1]\n"), HasSubstr("fit.seed: found an array, expected"));
  EXPECT_THAT(refusal(fit + "seed = {}\n"), HasSubstr("fit.seed: found a table, expected"));
  // Beyond 2^53 not every whole number is a double.
  EXPECT_THAT(refusal(fit + "rate = 9007199254740993\n"), HasSubstr("fit.rate: found 9007199254740993"));
  EXPECT_EQ(refusal(fit + "rate = 9007199254740992\n"), "accepted");
}

}  // namespace
}  // namespace vfe
