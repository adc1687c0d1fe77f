#include "vfe/config/config.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "config/refusal.hpp"
#include "vfe/core/error.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Config, FillsInDefaults) {
  const Config config = parse_config(minimal, "fit.toml");
  EXPECT_EQ(config.data.file, "d.h5");
  EXPECT_EQ(config.model.glm.likelihood, Likelihood::logistic);
  EXPECT_TRUE(config.model.glm.intercept);
  EXPECT_EQ(config.family.type, "auto");
  EXPECT_EQ(config.fit.mode, Mode::synchronous);
  EXPECT_EQ(config.output.checkpoint_seconds, 60.0);
  EXPECT_EQ(config.output.checkpoint_steps, 0);
}

TEST(Config, ReadsEveryKey) {
  const Config config = parse_config(R"(
[data]
file = "other.h5"
[model]
type = "linear"
formula = "y ~ age + colour - 1"
priors_on = "user"
prior_scale = { default = 1.5, "colour[red]" = 3, age = 0.5 }
scale_prior = "exponential"
scale_prior_scale = 2
[family]
type = "low_rank"
rank = 7
[fit]
mode = "stochastic"
blocks_per_step = 8
draws_per_step = 32
optimizer = "adam"
rate = 0.01
max_steps = 100
max_time = "1h30m"
seed = 72057594037927935
threads = 2
[output]
directory = "out/run1"
draws = 500
checkpoint_every = 25
log_likelihood = true
log_prior = true
posterior_predictive = true
)",
                                     "fit.toml");
  EXPECT_EQ(config.data.file, "other.h5");
  EXPECT_EQ(config.model.glm.likelihood, Likelihood::linear);
  EXPECT_EQ(config.model.formula, "y ~ age + colour - 1");
  EXPECT_EQ(config.model.glm.priors_on, PriorsOn::user);
  EXPECT_EQ(config.model.glm.prior_scale, 1.5);
  EXPECT_EQ(config.model.glm.prior_scale_by_name,
            (std::map<std::string, double>{{"age", 0.5}, {"colour[red]", 3.0}}));
  EXPECT_EQ(config.model.glm.scale_prior, ScalePrior::exponential);
  EXPECT_EQ(config.model.glm.scale_prior_scale, 2.0);
  EXPECT_EQ(config.family.type, "low_rank");
  EXPECT_EQ(config.family.rank, 7);
  EXPECT_EQ(config.fit.mode, Mode::stochastic);
  EXPECT_EQ(config.fit.blocks_per_step, 8);
  EXPECT_EQ(config.fit.draws_per_step, 32);
  EXPECT_EQ(config.fit.optimizer, "adam");
  EXPECT_EQ(config.fit.rate, 0.01);
  EXPECT_EQ(config.fit.max_steps, 100);
  EXPECT_EQ(config.fit.max_time, 5400.0);
  EXPECT_EQ(config.fit.seed, (std::uint64_t{1} << 56) - 1);
  EXPECT_EQ(config.fit.threads, 2);
  EXPECT_EQ(config.output.directory, "out/run1");
  EXPECT_EQ(config.output.draws, 500);
  EXPECT_EQ(config.output.checkpoint_steps, 25);
  EXPECT_EQ(config.output.checkpoint_seconds, 0.0);
  EXPECT_TRUE(config.output.log_likelihood);
  EXPECT_TRUE(config.output.log_prior);
  EXPECT_TRUE(config.output.posterior_predictive);
  // Written out and read again, nothing is lost.
  EXPECT_EQ(to_toml(parse_config(to_toml(config), "copy")), to_toml(config));
  EXPECT_THAT(differences(to_toml(config), to_toml(parse_config(to_toml(config), "copy"))), IsEmpty());
}

TEST(Config, WritesAwkwardTextSoThatItReadsBack) {
  Config config = parse_config(minimal, "fit.toml");
  config.data.file = "a \"b\"\\c\n\x01 \u00e9.h5";
  config.fit.max_time = 1e-7;
  config.output.checkpoint_seconds = 1.0 / 3.0;
  config.model.glm.prior_scale_by_name = {{"size (\"mm\")", 0.1}, {"x.y", 1.0 / 3.0}};
  const Config copy = parse_config(to_toml(config), "copy");
  EXPECT_EQ(copy.data.file, config.data.file);
  EXPECT_EQ(copy.fit.max_time, config.fit.max_time);
  EXPECT_EQ(copy.output.checkpoint_seconds, config.output.checkpoint_seconds);
  EXPECT_EQ(copy.model.glm.prior_scale_by_name, config.model.glm.prior_scale_by_name);
}

TEST(Config, ReadsPartsThatDependOnTheType) {
  const Config linear = parse_config(minimal, "f", {"model.type=linear", "model.known_sigma=0.5"});
  EXPECT_EQ(linear.model.glm.known_sigma, 0.5);
  const Config robust = parse_config(minimal, "f", {"model.type=student_t", "model.degrees_of_freedom=4"});
  EXPECT_EQ(robust.model.glm.degrees_of_freedom, 4.0);
  EXPECT_EQ(to_toml(parse_config(to_toml(robust), "copy")), to_toml(robust));
}

TEST(Config, ReadsModelsOfLibraries) {
  const Config stan = parse_config(R"(
[model]
type = "stan"
source = "m.stan"
data = "m.json"
shard = { size = "N", rows = ["x", "y"] }
[data]
blocks = 8
)",
                                   "fit.toml");
  EXPECT_EQ(stan.model.type, "stan");
  EXPECT_FALSE(stan.model.is_glm());
  EXPECT_TRUE(stan.model.is_sharded());
  EXPECT_EQ(stan.model.shard, (StanShard{"N", {"x", "y"}}));
  EXPECT_EQ(stan.data.blocks, 8);
  EXPECT_EQ(to_toml(parse_config(to_toml(stan), "copy")), to_toml(stan));
  const Config plugin =
      parse_config("[model]\ntype = \"plugin\"\nlibrary = \"m.so\"\noptions = \"a b\"\n", "f");
  EXPECT_EQ(plugin.model.library, "m.so");
  EXPECT_EQ(plugin.model.options, "a b");
  EXPECT_EQ(plugin.data.file, "");
  EXPECT_EQ(to_toml(parse_config(to_toml(plugin), "copy")), to_toml(plugin));
}

TEST(Config, TakesPriorsByName) {
  const Config config = parse_config(minimal +
                                         "prior = { default = \"laplace\", age = \"student_t\" }\n"
                                         "prior_degrees_of_freedom = { age = 7 }\n",
                                     "f");
  EXPECT_EQ(config.model.glm.prior, PriorShape::laplace);
  EXPECT_EQ(config.model.glm.prior_by_name.at("age"), PriorShape::student_t);
  EXPECT_EQ(config.model.glm.prior_degrees_of_freedom, 4.0);
  EXPECT_EQ(config.model.glm.prior_degrees_of_freedom_by_name.at("age"), 7.0);
  EXPECT_EQ(to_toml(parse_config(to_toml(config), "copy")), to_toml(config));
  EXPECT_EQ(parse_config(minimal + "prior = \"cauchy\"\n", "f").model.glm.prior, PriorShape::cauchy);
}

TEST(Config, AsksForWhatAModelNeeds) {
  EXPECT_THAT(refusal("[model]\ntype = \"stan\"\n"), HasSubstr("model.library is missing"));
  EXPECT_THAT(refusal("[model]\ntype = \"plugin\"\n"), HasSubstr("model.library is missing"));
  const std::string stan = "[model]\ntype = \"stan\"\nlibrary = \"m.so\"\n";
  EXPECT_THAT(refusal(stan + "[data]\nfile = \"d.h5\"\n"), HasSubstr("data.file does not apply here"));
  EXPECT_THAT(refusal(stan + "prior_scale = 1\n"), HasSubstr("model.prior_scale does not apply here"));
  const std::string shard = "shard = { size = \"N\", rows = [\"y\"] }\n";
  EXPECT_THAT(refusal(stan + shard), HasSubstr("model.data is missing"));
  EXPECT_EQ(refusal(stan + shard + "[data]\nfile = \"d.h5\"\n"), "accepted");
  EXPECT_THAT(refusal(stan + "shard = { size = \"N\" }\n"), HasSubstr("expected a table such as"));
  EXPECT_THAT(refusal(stan + "shard = { size = \"N\", row = [\"y\"] }\n"), HasSubstr("shard.row"));
  EXPECT_THAT(refusal(stan + "shard = { size = \"N\", rows = [1] }\n"), HasSubstr("names of variables"));
  EXPECT_THAT(refusal(minimal + "library = \"m.so\"\n"), HasSubstr("only with model.type = stan or plugin"));
}

TEST(Config, NamesFileLineKeyFoundAndExpected) {
  EXPECT_EQ(refusal(minimal + "[fit]\nmode = \"synchronous\"\nseed = \"abc\"\n"),
            "fit.toml:8: fit.seed: found \"abc\", expected a whole number from 0 to 72057594037927935");
  EXPECT_EQ(refusal(minimal, {"fit.threads=0"}),
            "--set fit.threads=0: fit.threads: found 0, expected a whole number from 1 to 1024");
}

TEST(Config, RefusesWrongTypesAndValuesOutOfRange) {
  const auto with = [](const std::string& table, const std::string& line) {
    return refusal(minimal + "[" + table + "]\n" + line + "\n");
  };
  EXPECT_THAT(with("fit", "seed = -1"), HasSubstr("fit.seed: found -1"));
  EXPECT_THAT(with("fit", "seed = 72057594037927936"), HasSubstr("fit.seed"));
  EXPECT_THAT(with("fit", "max_steps = 1.5"), HasSubstr("found 1.5, expected a whole number"));
  EXPECT_THAT(with("fit", "rate = nan"), AllOf(HasSubstr("fit.rate: found nan"), HasSubstr("a number")));
  EXPECT_THAT(with("fit", "rate = inf"), HasSubstr("fit.rate: found inf"));
  EXPECT_THAT(with("fit", "mode = \"fast\""),
              HasSubstr("found \"fast\", expected one of synchronous, stochastic"));
  EXPECT_THAT(with("fit", "mode = 3"), HasSubstr("fit.mode: found 3"));
  EXPECT_THAT(with("fit", "max_time = \"yesterday\""), HasSubstr("expected a duration"));
  EXPECT_THAT(with("output", "checkpoint_every = 0"), HasSubstr("output.checkpoint_every: found 0"));
  EXPECT_THAT(with("output", "checkpoint_every = \"0s\""), HasSubstr("output.checkpoint_every"));
  EXPECT_THAT(with("output", "log_likelihood = 1"), HasSubstr("expected true or false"));
  EXPECT_THAT(refusal("[model]\ntype = \"stan\"\nlibrary = \"a.so\"\n[output]\nlog_prior = true\n"),
              AllOf(HasSubstr("output.log_prior"), HasSubstr("a likelihood or plugin as model.type")));
  EXPECT_THAT(with("output", "directory = \"\""), HasSubstr("output.directory"));
  EXPECT_THAT(with("output", "directory = 2020-01-01"), HasSubstr("found 2020-01-01"));
  EXPECT_THAT(with("family", "type = [\"full_rank\"]"), HasSubstr("found an array"));
  EXPECT_THAT(refusal(minimal + "prior_scale = 0\n"), HasSubstr("model.prior_scale: found 0"));
  EXPECT_THAT(refusal(minimal + "prior_scale = { age = -1 }\n"),
              HasSubstr("model.prior_scale.age: found -1"));
  EXPECT_THAT(
      refusal(minimal + "prior = \"flat\"\n"),
      HasSubstr(
          "model.prior: found \"flat\", expected one of normal, student_t, laplace, cauchy, horseshoe"));
  EXPECT_THAT(refusal(minimal + "prior = { age = \"laplac\" }\n"),
              AllOf(HasSubstr("model.prior.age: found \"laplac\""), HasSubstr("did you mean \"laplace\"?")));
  EXPECT_THAT(refusal(minimal + "prior_degrees_of_freedom = 3\n"),
              HasSubstr("does not apply here: only with student_t in model.prior"));
}

TEST(Config, OffersTheNearestName) {
  EXPECT_EQ(refusal(minimal + "[fit]\nsede = 1\n"),
            "fit.toml:7: unknown key fit.sede; did you mean fit.seed?");
  EXPECT_EQ(refusal(minimal + "[ouput]\ndraws = 1\n"),
            "fit.toml:6: unknown table [ouput]; did you mean [output]?");
  EXPECT_THAT(refusal("seed = 1\n" + minimal),
              HasSubstr("key seed stands outside a table; did you mean fit.seed?"));
  EXPECT_THAT(refusal(minimal + "seed = 1\n"), HasSubstr("unknown key model.seed; did you mean fit.seed?"));
  EXPECT_THAT(refusal("fit = 1\n" + minimal), HasSubstr("fit: found 1, expected a table [fit]"));
  EXPECT_THAT(refusal(minimal, {"fit.max_stesp=1"}), HasSubstr("did you mean fit.max_steps?"));
}

TEST(Config, RefusesKeysThatDoNotApply) {
  EXPECT_EQ(refusal(minimal + "known_sigma = 1.0\n"),
            "fit.toml:6: model.known_sigma does not apply here: only with model.type = linear");
  EXPECT_THAT(refusal(minimal + "degrees_of_freedom = 4\n"), HasSubstr("with model.type = student_t"));
  EXPECT_THAT(refusal(minimal + "scale_prior_scale = 4\n"), HasSubstr("model.scale_prior_scale does not"));
  EXPECT_THAT(refusal("[model]\ntype = \"plugin\"\nlibrary = \"m.so\"\nformula = \"y\"\n"),
              HasSubstr("model.formula does not apply here: only with data.file"));
  EXPECT_THAT(refusal(minimal + "[family]\nrank = 4\n"), HasSubstr("with family.type = low_rank"));
  EXPECT_THAT(refusal(minimal + "[family]\ncomponents = 4\n"), HasSubstr("with family.type = mixture"));
}

TEST(Config, RefusesWhatIsMissing) {
  EXPECT_THAT(refusal("[data]\nfile = \"d.h5\"\n"), HasSubstr("fit.toml: model.type is missing"));
  EXPECT_THAT(refusal("[model]\ntype = \"logistic\"\n"), HasSubstr("fit.toml: data.file is missing"));
  EXPECT_THAT(refusal("[model]\ntype = \"logistic\"\n[data]\nfile = \"d.h5\"\n"),
              HasSubstr("fit.toml: model.formula is missing"));
}

TEST(Config, AFormulaIsReadAtOnce) {
  EXPECT_EQ(
      refusal("[data]\nfile = \"d.h5\"\n[model]\ntype = \"logistic\"\nformula = \"y ~ (a\"\n"),
      "fit.toml:5: model.formula: formula, character 7: found the end, expected an operator or \")\": \"y ~ "
      "(a\"");
  EXPECT_THAT(refusal(minimal + "intercept = false\n"),
              HasSubstr("model.intercept is no key any more: model.formula says \"- 1\""));
}

TEST(Config, DifferencesNameOnlyWhatMattersToTheBits) {
  const auto changed = [](const std::vector<std::string>& overrides) {
    return differences(to_toml(parse_config(minimal, "f")), to_toml(parse_config(minimal, "f", overrides)));
  };
  EXPECT_THAT(changed({"fit.seed=2"}), ElementsAre("fit.seed: 1 in the checkpoint, 2 now"));
  EXPECT_THAT(changed({"model.type=linear", "model.known_sigma=1"}),
              ElementsAre("model.type: \"logistic\" in the checkpoint, \"linear\" now",
                          "model.known_sigma: not set in the checkpoint, 1 now"));
  EXPECT_THAT(changed({"fit.max_time=1h", "fit.threads=8", "output.directory=b", "output.checkpoint_every=9",
                       "data.file=moved.h5"}),
              IsEmpty());
}

TEST(Config, WrittenValuesAreThoseOfTheText) {
  const auto values =
      written_values(to_toml(parse_config(minimal, "f", {"data.file=\"a = [b]\"", "fit.seed=2"})));
  EXPECT_EQ(values.at("data.file"), "\"a = [b]\"");
  EXPECT_EQ(values.at("fit.seed"), "2");
  EXPECT_EQ(values.at("output.checkpoint_every"), "\"60s\"");
  EXPECT_FALSE(values.contains("model.library"));
}

TEST(Config, SchemaShowsEveryKeyOnce) {
  const std::string all = schema_text("");
  // The effective configuration of a model that uses everything names the same keys.
  for (const char* key : {"file", "type", "known_sigma", "prior_scale", "rank", "blocks_per_step", "max_time",
                          "checkpoint_every", "log_likelihood"}) {
    EXPECT_THAT(all, HasSubstr(std::string("\n") + key + " "));
  }
  EXPECT_THAT(schema_text("fit"), AllOf(HasSubstr("[fit]"), HasSubstr("a whole number from 1 to 1024"),
                                        HasSubstr("default 20000"), testing::Not(HasSubstr("[model]"))));
  EXPECT_THAT(schema_text("model"), HasSubstr("required"));
  try {
    schema_text("fitt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
  }
}

const std::string mixed =
    "[data]\nfile = \"d.h5\"\n[model]\ntype = \"linear\"\nformula = \"y ~ x + (1 + x | school)\"\n";

TEST(Config, ReadsKeysOfEffectsOfGroups) {
  const Config by_default = parse_config(mixed, "f");
  EXPECT_EQ(by_default.model.nodes, 0);
  EXPECT_EQ(by_default.output.group_effects, "moments");
  EXPECT_THAT(to_toml(by_default), AllOf(HasSubstr("integrate = \"auto\""), HasSubstr("group_prior = ")));

  const Config plain = parse_config(mixed +
                                        "group_prior = \"exponential\"\ngroup_prior_scale = 0.5\n"
                                        "correlation_prior = 4\nintegrate = 7\n"
                                        "[output]\ngroup_effects = \"draws\"\n",
                                    "f");
  EXPECT_EQ(plain.model.glm.group_prior, ScalePrior::exponential);
  EXPECT_EQ(plain.model.glm.group_prior_scale, 0.5);
  EXPECT_EQ(plain.model.glm.correlation_prior, 4.0);
  EXPECT_EQ(plain.model.nodes, 7);
  EXPECT_EQ(plain.output.group_effects, "draws");
  EXPECT_EQ(to_toml(parse_config(to_toml(plain), "copy")), to_toml(plain));

  const Config by_name =
      parse_config(mixed +
                       "group_prior = { default = \"exponential\", \"school[x]\" = \"half_normal\" }\n"
                       "group_prior_scale = { school = 2, \"school[x]\" = 0.25 }\n"
                       "correlation_prior = { school = 1 }\n",
                   "f", {"output.group_effects=none", "model.integrate=auto"});
  EXPECT_EQ(by_name.model.glm.group_prior, ScalePrior::exponential);
  EXPECT_EQ(by_name.model.glm.group_prior_by_name,
            (std::map<std::string, ScalePrior>{{"school[x]", ScalePrior::half_normal}}));
  EXPECT_EQ(by_name.model.glm.group_prior_scale, by_default.model.glm.group_prior_scale);
  EXPECT_EQ(by_name.model.glm.group_prior_scale_by_name,
            (std::map<std::string, double>{{"school", 2.0}, {"school[x]", 0.25}}));
  EXPECT_EQ(by_name.model.glm.correlation_prior_by_name, (std::map<std::string, double>{{"school", 1.0}}));
  EXPECT_EQ(by_name.output.group_effects, "none");
  EXPECT_EQ(to_toml(parse_config(to_toml(by_name), "copy")), to_toml(by_name));
}

TEST(Config, RefusesValuesOfKeysOfEffectsOfGroups) {
  const auto with = [](const std::string& line) { return refusal(mixed + line + "\n"); };
  EXPECT_EQ(with("group_prior = \"half_norml\""),
            "fit.toml:6: model.group_prior: found \"half_norml\", expected one of half_normal, exponential, "
            "or a table of them by the name of groups or of one of their effects; did you mean "
            "\"half_normal\"?");
  EXPECT_THAT(with("group_prior = { school = 1 }"), HasSubstr("model.group_prior.school: found 1"));
  for (const char* key : {"group_prior_scale", "correlation_prior"}) {
    for (const char* value : {"0", "-1", "inf", "\"wide\""}) {
      EXPECT_THAT(with(std::string(key) + " = " + value),
                  AllOf(HasSubstr("model." + std::string(key) + ": found "),
                        HasSubstr(std::string("expected a number above 0, or a table of them by the name of "
                                              "groups"))));
    }
    EXPECT_THAT(with(std::string(key) + " = { school = 0 }"),
                HasSubstr("model." + std::string(key) + ".school: found 0"));
  }
  for (const char* value : {"0", "-3", "4", "53", "3.0", "\"most\"", "true"}) {
    EXPECT_THAT(
        with(std::string("integrate = ") + value),
        AllOf(HasSubstr("model.integrate: found "), HasSubstr("expected auto, or an odd number up to 51")))
        << value;
  }
  for (const char* value : {"1", "15", "51"})
    EXPECT_EQ(with(std::string("integrate = ") + value), "accepted");
  EXPECT_THAT(with("[output]\ngroup_effects = \"mean\""),
              HasSubstr("output.group_effects: found \"mean\", expected one of moments, draws, none"));
}

TEST(Config, KeysOfEffectsOfGroupsNeedThem) {
  const std::vector<std::string> keys{"model.group_prior=exponential", "model.group_prior_scale=2",
                                      "model.correlation_prior=4", "model.integrate=7",
                                      "output.group_effects=draws"};
  for (const std::string& key : keys) {
    const std::string name = key.substr(0, key.find('='));
    EXPECT_EQ(refusal(mixed, {key}), "accepted");
    EXPECT_THAT(refusal(minimal, {key}), HasSubstr(name + " does not apply here: only with "));
    EXPECT_FALSE(written_values(to_toml(parse_config(minimal, "f"))).contains(name));
    EXPECT_TRUE(written_values(to_toml(parse_config(mixed, "f"))).contains(name));
    const std::string table = name.substr(0, name.find('.'));
    EXPECT_THAT(schema_text(table), HasSubstr("\n" + name.substr(table.size() + 1) + " "));
  }
  // What may be made anew from a checkpoint, and what makes another fit.
  const auto changed = [](const std::string& key) {
    return differences(to_toml(parse_config(mixed, "f")), to_toml(parse_config(mixed, "f", {key})));
  };
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(changed(keys[k]).size(), 1u) << keys[k];
  EXPECT_THAT(changed(keys[4]), IsEmpty());
}

TEST(Duration, ReadsUnits) {
  EXPECT_EQ(parse_duration("90"), 90.0);
  EXPECT_EQ(parse_duration("60s"), 60.0);
  EXPECT_EQ(parse_duration("15m"), 900.0);
  EXPECT_EQ(parse_duration("23h50m"), 85800.0);
  EXPECT_EQ(parse_duration("1d0.5h"), 88200.0);
  EXPECT_EQ(parse_duration("1e-06s"), 1e-6);
  for (const char* bad :
       {"", "s", "5x", "-5s", "50m23h", "5m5m", "1h30", "inf", "nan", "0x10", "1 h", "1e400s"}) {
    EXPECT_THROW(parse_duration(bad), std::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace vfe
