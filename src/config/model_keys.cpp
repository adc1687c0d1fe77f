#include "config/model_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "config/key_makers.hpp"

namespace vfe {
namespace {

ConfigKey prior_scale() {
  ConfigKey key = make_key({"model", "prior_scale",
                            "Standard deviation of the normal prior of every coefficient, in units of "
                            "standardised columns (and response); a table gives it by column name, its entry "
                            "\"default\" to the columns that are not named."});
  key.expected = "a number above 0, or a table of them by column name";
  key.read = [expected = key.expected](Config& config, const ConfigEntry& entry) {
    const toml::table* table = entry.value.as_table();
    if (table == nullptr) {
      config.model.glm.prior_scale = read_number(entry, Low{}, expected);
      config.model.glm.prior_scale_by_name.clear();
      return;
    }
    for (const auto& [name, value] : *table) {
      const ConfigEntry inner{value, entry.where, entry.key + "." + std::string(name.str()), entry.raw};
      const double scale = read_number(inner, Low{}, Low{}.text());
      if (name.str() == "default") {
        config.model.glm.prior_scale = scale;
      } else {
        config.model.glm.prior_scale_by_name[std::string(name.str())] = scale;
      }
    }
  };
  key.write = [](const Config& config) {
    const GlmOptions& model = config.model.glm;
    if (model.prior_scale_by_name.empty()) return number_text(model.prior_scale);
    std::string list = "{ default = " + number_text(model.prior_scale);
    for (const auto& [name, scale] : model.prior_scale_by_name) {
      list += fmt::format(", {} = {}", quoted(name), number_text(scale));
    }
    return list + " }";
  };
  return key;
}

/// "the likelihood of ...; or stan: a Stan program; ...": what the kinds of model are.
std::string meanings() {
  std::string text;
  for (const ModelKind& kind : model_kinds()) {
    if (!kind.likelihood) {
      text +=
          fmt::format("; {}{}: {}", text.find("; or ") == text.npos ? "or " : "", kind.name, kind.meaning);
    } else if (text.empty()) {
      text = kind.meaning;
    }
  }
  return text;
}

ConfigKey model_type() {
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) names.push_back(kind.name);
  ConfigKey key = word(
      {"model", "type", fmt::format("The model: {}.", meanings())}, names,
      [](auto& c) -> auto& { return c.model.type; });
  key.read = [read = key.read](Config& config, const ConfigEntry& entry) {
    read(config, entry);
    const ModelKind& kind = model_kind(config.model.type);
    if (kind.likelihood) config.model.glm.likelihood = *kind.likelihood;
  };
  key.write = [](const Config& config) { return config.model.type.empty() ? "" : quoted(config.model.type); };
  return key;
}

ConfigKey shard_key() {
  ConfigKey key =
      make_key({"model", "shard",
                "Which data of a Stan program stand for rows: `size` is the variable that counts them, "
                "`rows` are the variables whose first axis runs over them. Its log density must be a sum "
                "over rows: vfe check finds out."});
  key.expected = "a table such as { size = \"N\", rows = [\"x\", \"y\"] }";
  key.read = [expected = key.expected](Config& config, const ConfigEntry& entry) {
    const toml::table* table = entry.value.as_table();
    if (table == nullptr) entry.fail(expected);
    StanShard shard;
    for (const auto& [name, value] : *table) {
      const ConfigEntry inner{value, entry.where, entry.key + "." + std::string(name.str()), entry.raw};
      if (name.str() == "size") {
        if (!value.is_string() || value.as_string()->get().empty()) inner.fail("the name of a variable");
        shard.size = value.as_string()->get();
      } else if (name.str() == "rows") {
        const toml::array* list = value.as_array();
        if (list == nullptr || list->empty()) inner.fail("a list of names of variables");
        for (const toml::node& item : *list) {
          if (!item.is_string() || item.as_string()->get().empty())
            inner.fail("a list of names of variables");
          shard.rows.push_back(item.as_string()->get());
        }
      } else {
        inner.fail("no such entry, only size and rows");
      }
    }
    if (shard.size.empty() || shard.rows.empty()) entry.fail(expected);
    config.model.shard = shard;
  };
  key.write = [](const Config& config) -> std::string {
    const StanShard& shard = config.model.shard;
    if (shard.size.empty()) return "";
    std::vector<std::string> rows;
    for (const std::string& name : shard.rows) rows.push_back(quoted(name));
    return fmt::format("{{ size = {}, rows = [{}] }}", quoted(shard.size), fmt::join(rows, ", "));
  };
  return key;
}

bool is_glm(const Config& config) {
  return config.model.is_glm();
}

/// Whether the model has a scale parameter (sigma, overdispersion) for scale_prior to be the prior of.
bool has_scale(const Config& config) {
  const bool known = config.model.is(&ModelKind::takes_known_sigma) && config.model.glm.known_sigma;
  return config.model.is(&ModelKind::has_scale) && !known;
}

/// A condition of a key: that the kind of model takes it.
std::function<bool(const Config&)> if_kind(bool ModelKind::*what) {
  return [what](const Config& config) { return config.model.is(what); };
}

/// Those kinds' names, each once; `shown` is how one is to be named.
template <class Which, class Shown>
std::vector<std::string> kinds_that(Which which, Shown shown) {
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) {
    const std::string name = std::invoke(shown, kind);
    if (std::invoke(which, kind) && std::ranges::count(names, name) == 0) names.push_back(name);
  }
  return names;
}

/// "linear, student_t or softmax".
std::string either(std::vector<std::string> names) {
  const std::string last = names.back();
  names.pop_back();
  return names.empty() ? last : fmt::format("{} or {}", fmt::join(names, ", "), last);
}

std::string with_type(bool ModelKind::*what) {
  return "with model.type = " + either(kinds_that(what, &ModelKind::name));
}

/// All likelihoods as one.
std::string name_or_likelihood(const ModelKind& kind) {
  return kind.likelihood ? kind.called : kind.name;
}

}  // namespace

std::vector<ConfigKey> model_keys() {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  const std::string glm_when = "with a likelihood as model.type";
  const std::string scale_when =
      "with model.type = " + either(kinds_that(&ModelKind::has_scale, [](const ModelKind& kind) {
        return kind.name + (kind.takes_known_sigma ? " (sigma not known)" : "");
      }));
  const auto needs_library = [](const Config& c) {
    return c.model.is(&ModelKind::takes_library) &&
           !(c.model.is(&ModelKind::takes_source) && !c.model.source.empty());
  };
  const std::string needs_library_when = fmt::format(
      "with {}, or {} without model.source",
      either(kinds_that([](const ModelKind& kind) { return kind.takes_library && !kind.takes_source; },
                        &ModelKind::called)),
      either(kinds_that(&ModelKind::takes_source, &ModelKind::called)));
  std::vector<ConfigKey> keys;

  keys.push_back(only(
      required(text(
                   {"data", "file",
                    "The dataset, as vfe import writes it; relative to the current folder. A plugin may do "
                    "without; of a Stan program in shards it holds the rows, if the JSON does not.",
                    Change::allowed},
                   "a file name", [](auto& c) -> auto& { return c.data.file; }),
               fmt::format("with {} as model.type",
                           either(kinds_that(&ModelKind::needs_dataset, name_or_likelihood))),
               if_kind(&ModelKind::needs_dataset)),
      fmt::format("with {}, or {} and model.shard",
                  fmt::join(kinds_that(&ModelKind::takes_dataset, name_or_likelihood), ", "),
                  either(kinds_that(&ModelKind::takes_shard, name_or_likelihood))),
      [](const Config& c) { return c.model.is(&ModelKind::takes_dataset) || c.model.is_sharded(); }));
  keys.push_back(only(whole(
                          {"data", "blocks", "Blocks that the rows of model.data are cut into."}, 1, many,
                          "blocks", [](auto& c) -> auto& { return c.data.blocks; }),
                      "with model.shard and no data.file",
                      [](const Config& c) { return c.model.is_sharded() && c.data.file.empty(); }));

  keys.push_back(required(model_type(), "", [](const Config&) { return true; }));
  keys.push_back(only(yes_or_no(
                          {"model", "intercept", "Whether the linear predictor has an intercept."},
                          [](auto& c) -> auto& { return c.model.glm.intercept; }),
                      glm_when, is_glm));
  keys.push_back(only(prior_scale(), glm_when, is_glm));
  keys.push_back(only(number(
                          {"model", "intercept_prior_scale",
                           "Standard deviation of the normal prior of the intercept, in the same units."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.glm.intercept_prior_scale; }),
                      "with a likelihood and model.intercept = true",
                      [](const Config& c) { return is_glm(c) && c.model.glm.intercept; }));
  keys.push_back(only(choice<ScalePrior>(
                          {"model", "scale_prior", "Prior of sigma and of the overdispersion."},
                          {"half_normal", "exponential"}, {ScalePrior::half_normal, ScalePrior::exponential},
                          [](auto& c) -> auto& { return c.model.glm.scale_prior; }),
                      scale_when, has_scale));
  keys.push_back(only(number(
                          {"model", "scale_prior_scale",
                           "Its scale: of the half-normal the normal's standard deviation, of the "
                           "exponential the mean; in units of the standardised response."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.glm.scale_prior_scale; }),
                      scale_when, has_scale));
  keys.push_back(
      only(number(
               {"model", "known_sigma", "Residual standard deviation, where it is known."}, Low{},
               "the response's own unit", [](auto& c) -> auto& { return c.model.glm.known_sigma; }),
           with_type(&ModelKind::takes_known_sigma), if_kind(&ModelKind::takes_known_sigma)));
  keys.push_back(only(number(
                          {"model", "degrees_of_freedom",
                           "Degrees of freedom where they are fixed; else estimated with prior "
                           "gamma(2, 0.1)."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.glm.degrees_of_freedom; }),
                      with_type(&ModelKind::takes_degrees_of_freedom),
                      if_kind(&ModelKind::takes_degrees_of_freedom)));

  keys.push_back(
      only(required(text(
                        {"model", "library",
                         "The shared library: of a Stan program, as vfe stan build or BridgeStan makes it "
                         "(not set: model.source with .so for its ending); of a plugin, with the "
                         "functions of vfe_model.h. Its code runs as part of vfe.",
                         Change::allowed},
                        "a file name", [](auto& c) -> auto& { return c.model.library; }),
                    needs_library_when, needs_library),
           with_type(&ModelKind::takes_library), if_kind(&ModelKind::takes_library)));
  keys.push_back(only(text(
                          {"model", "source",
                           "The Stan program, from which the library is built where it is missing or older.",
                           Change::allowed},
                          "a file name", [](auto& c) -> auto& { return c.model.source; }),
                      with_type(&ModelKind::takes_source), if_kind(&ModelKind::takes_source)));
  keys.push_back(only(required(text(
                                   {"model", "data", "The data of the Stan program, JSON.", Change::allowed},
                                   "a file name", [](auto& c) -> auto& { return c.model.data; }),
                               "with model.shard and no data.file",
                               [](const Config& c) { return c.model.is_sharded() && c.data.file.empty(); }),
                      with_type(&ModelKind::takes_json), if_kind(&ModelKind::takes_json)));
  keys.push_back(only(shard_key(), with_type(&ModelKind::takes_shard), if_kind(&ModelKind::takes_shard)));
  keys.push_back(only(text(
                          {"model", "options", "A text that the plugin understands."}, "a text",
                          [](auto& c) -> auto& { return c.model.options; }),
                      with_type(&ModelKind::takes_options), if_kind(&ModelKind::takes_options)));
  return keys;
}

}  // namespace vfe
