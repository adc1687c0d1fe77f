#include "vfe/config/model_kinds.hpp"

#include <gmock/gmock.h>

#include <set>

#include "vfe/config/config.hpp"
#include "vfe/core/error.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

/// The least that a configuration of the kind has to say.
std::string least(const ModelKind& kind) {
  std::string text = "[model]\ntype = \"" + kind.name + "\"\n";
  if (kind.takes_source) {
    text += "source = \"m.stan\"\n";
  } else if (kind.takes_library) {
    text += "library = \"m.so\"\n";
  }
  return text + (kind.needs_dataset ? "formula = \"y\"\n[data]\nfile = \"d.h5\"\n" : "");
}

TEST(ModelKinds, EachIsATypeThatIsReadAndWritten) {
  std::set<std::string> names;
  for (const ModelKind& kind : model_kinds()) {
    SCOPED_TRACE(kind.name);
    EXPECT_TRUE(names.insert(kind.name).second);
    EXPECT_EQ(&model_kind(kind.name), &kind);
    const Config config = parse_config(least(kind), "fit.toml");
    EXPECT_EQ(config.model.type, kind.name);
    EXPECT_EQ(to_toml(parse_config(to_toml(config), "copy")), to_toml(config));
    EXPECT_EQ(config.model.is_glm(), kind.likelihood.has_value());
    if (!kind.likelihood) continue;
    EXPECT_EQ(config.model.glm.likelihood, *kind.likelihood);
    EXPECT_EQ(to_string(*kind.likelihood), kind.name);
    EXPECT_EQ(likelihood_from_string(kind.name), *kind.likelihood);
  }
}

TEST(ModelKinds, EachTakesTheKeysOfItsRowAndNoOthers) {
  const std::pair<const char*, bool ModelKind::*> keys[] = {
      {"model.known_sigma=1", &ModelKind::takes_known_sigma},
      {"model.scale_prior_scale=1", &ModelKind::has_scale},
      {"model.degrees_of_freedom=4", &ModelKind::takes_degrees_of_freedom},
      {"data.file=d.h5", &ModelKind::takes_dataset},
      {"model.library=m.so", &ModelKind::takes_library},
      {"model.source=m.stan", &ModelKind::takes_source},
      {"model.data=d.json", &ModelKind::takes_json},
      {"model.shard={ size = \"N\", rows = [\"y\"] }", &ModelKind::takes_shard},
      {"model.options=fast", &ModelKind::takes_options}};
  for (const ModelKind& kind : model_kinds()) {
    for (const auto& [key, takes] : keys) {
      SCOPED_TRACE(kind.name + ", " + key);
      const bool shard = takes == &ModelKind::takes_shard && kind.takes_shard;
      std::vector<std::string> given{key};
      const bool has_formula = takes == &ModelKind::takes_dataset && kind.takes_formula;
      if (has_formula) given.emplace_back("model.formula=y ~ x");
      if (shard) given.emplace_back("model.data=d.json");  // which has the rows
      try {
        parse_config(least(kind), "fit.toml", given);
        EXPECT_TRUE(kind.*takes);
      } catch (const Error& error) {
        EXPECT_FALSE(kind.*takes) << error.what();
        EXPECT_THAT(error.what(), HasSubstr("does not apply here"));
      }
    }
  }
}

TEST(ModelKinds, OfAnotherNameThereIsNone) {
  EXPECT_EQ(find_model_kind("logit"), nullptr);
  Config config;
  EXPECT_FALSE(config.model.is_glm());  // of no type, and so nothing
  EXPECT_FALSE(config.model.is(&ModelKind::takes_library));
  try {
    model_kind("logit");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_THAT(error.what(), HasSubstr("found \"logit\", expected one of linear, "));
  }
}

}  // namespace
}  // namespace vfe
