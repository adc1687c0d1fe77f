#include "config/model_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "config/key_makers.hpp"
#include "vfe/core/error.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {
namespace {

/// An entry of a table that a key has for its value.
ConfigEntry inner(const ConfigEntry& entry, const std::string& name, const ConfigValue& value,
                  const std::string& expected = "") {
  return {value, entry.where, entry.key + "." + name, expected, entry.raw};
}

/// A value for all coefficients, or a table of values by the name of a term or coefficient.
template <class T, class Read, class Write>
KeyRow by_coefficient(const std::string& key, T GlmOptions::*otherwise,
                      std::map<std::string, T> GlmOptions::*by_name, Read read, Write write) {
  return {key,
          [=](Config& config, const ConfigEntry& entry) {
            GlmOptions& model = config.model.glm;
            const auto* table = entry.value.as<ConfigValue::Table>();
            if (table == nullptr) {
              model.*otherwise = read(entry);
              (model.*by_name).clear();
              return;
            }
            for (const auto& [name, line, value] : *table) {
              const T one = read(inner(entry, name, value));
              if (name == "default") {
                model.*otherwise = one;
              } else {
                (model.*by_name)[name] = one;
              }
            }
          },
          [=](const Config& config) {
            const GlmOptions& model = config.model.glm;
            if ((model.*by_name).empty()) return write(model.*otherwise);
            std::string list = "{ default = " + write(model.*otherwise);
            for (const auto& [name, value] : model.*by_name) {
              list += fmt::format(", {} = {}", quoted(name), write(value));
            }
            return list + " }";
          }};
}

KeyRow positive_by_coefficient(const std::string& key, double GlmOptions::*otherwise,
                               std::map<std::string, double> GlmOptions::*by_name) {
  KeyRow row = by_coefficient(
      key, otherwise, by_name,
      [](ConfigEntry entry) {
        if (entry.expected.empty()) entry.expected = above(0.0).text();
        return read_number(entry, above(0.0));
      },
      [](double value) { return number_text(value); });
  return row.expected("a number above 0, or a table of them by the name of a term or coefficient");
}

KeyRow prior_shape() {
  static const std::vector<std::pair<std::string, PriorShape>> shapes{{"normal", PriorShape::normal},
                                                                      {"student_t", PriorShape::student_t},
                                                                      {"laplace", PriorShape::laplace},
                                                                      {"cauchy", PriorShape::cauchy},
                                                                      {"horseshoe", PriorShape::horseshoe}};
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, shape] : shapes) all.push_back(name);
    return all;
  }();
  const std::string expected = fmt::format("one of {}", fmt::join(names, ", "));
  KeyRow row = by_coefficient(
      "model.prior", &GlmOptions::prior, &GlmOptions::prior_by_name,
      [expected](ConfigEntry entry) {
        if (entry.expected.empty()) entry.expected = expected;
        const auto* name = entry.value.as<std::string>();
        for (const auto& [known, shape] : shapes)
          if (name != nullptr && *name == known) return shape;
        entry.fail_offering(name == nullptr ? "" : meant(*name, names));
      },
      [](PriorShape value) {
        return quoted(std::ranges::find(shapes, value, &std::pair<std::string, PriorShape>::second)->first);
      });
  return row.expected(expected + ", or a table of them by the name of a term or coefficient");
}

KeyRow scale_prior_by_effect() {
  static const std::vector<std::pair<std::string, ScalePrior>> known{
      {"half_normal", ScalePrior::half_normal}, {"exponential", ScalePrior::exponential}};
  static const std::vector<std::string> names{known[0].first, known[1].first};
  const std::string expected = fmt::format("one of {}", fmt::join(names, ", "));
  KeyRow row = by_coefficient(
      "model.group_prior", &GlmOptions::group_prior, &GlmOptions::group_prior_by_name,
      [expected](ConfigEntry entry) {
        if (entry.expected.empty()) entry.expected = expected;
        const auto* name = entry.value.as<std::string>();
        for (const auto& [word, prior] : known)
          if (name != nullptr && *name == word) return prior;
        entry.fail_offering(name == nullptr ? "" : meant(*name, names));
      },
      [](ScalePrior value) { return quoted(known[value == ScalePrior::half_normal ? 0 : 1].first); });
  return row.expected(expected + ", or a table of them by the name of groups or of one of their effects")
      .meaning("Prior of the standard deviations of effects of groups.")
      .applies(with_groups());
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

KeyRow model_type() {
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) names.push_back(kind.name);
  KeyRow row(
      "model.type",
      [](Config& config, const ConfigEntry& entry) {
        const auto* name = entry.value.as<std::string>();
        const ModelKind* kind = name == nullptr ? nullptr : find_model_kind(*name);
        if (kind == nullptr) entry.fail_offering(name == nullptr ? "" : model_meant(*name));
        config.model.type = kind->name;
        if (kind->likelihood) config.model.glm.likelihood = *kind->likelihood;
      },
      [](const Config& config) { return config.model.type.empty() ? "" : quoted(config.model.type); });
  return row.expected(fmt::format("one of {}", fmt::join(names, ", ")));
}

std::string variable_name(const ConfigEntry& entry, const ConfigValue& value, const std::string& expected) {
  const auto* name = value.as<std::string>();
  if (name == nullptr || name->empty()) entry.fail(expected);
  return *name;
}

KeyRow shard_key() {
  return {"model.shard",
          [](Config& config, const ConfigEntry& entry) {
            const auto* table = entry.value.as<ConfigValue::Table>();
            if (table == nullptr) entry.fail();
            StanShard shard;
            for (const auto& [name, line, value] : *table) {
              const ConfigEntry part = inner(entry, name, value);
              if (name == "size") {
                shard.size = variable_name(part, value, "the name of a variable");
              } else if (name == "rows") {
                const std::string expected = "a list of names of variables";
                const auto* list = value.as<ConfigValue::Array>();
                if (list == nullptr || list->empty()) part.fail(expected);
                for (const ConfigValue& item : *list) {
                  shard.rows.push_back(variable_name(part, item, expected));
                }
              } else {
                part.fail("no such entry, only size and rows");
              }
            }
            if (shard.size.empty() || shard.rows.empty()) entry.fail();
            config.model.shard = shard;
          },
          [](const Config& config) -> std::string {
            const StanShard& shard = config.model.shard;
            if (shard.size.empty()) return "";
            std::vector<std::string> rows;
            for (const std::string& name : shard.rows) rows.push_back(quoted(name));
            return fmt::format("{{ size = {}, rows = [{}] }}", quoted(shard.size), fmt::join(rows, ", "));
          }};
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

/// All likelihoods as one.
std::string name_or_likelihood(const ModelKind& kind) {
  return kind.likelihood ? kind.called : kind.name;
}

Condition with_type(bool ModelKind::*what) {
  return {"with model.type = " + either(kinds_that(what, &ModelKind::name)),
          [what](const Config& c) { return c.model.is(what); }};
}

/// A formula is of a dataset's columns.
Condition with_formula() {
  return {fmt::format("with data.file, and {}",
                      either(kinds_that(&ModelKind::takes_formula, name_or_likelihood))),
          [](const Config& c) { return c.model.is(&ModelKind::takes_formula) && !c.data.file.empty(); }};
}

KeyRow formula() {
  const KeyRow plain = text("model.formula", [](auto& c) { return &c.model.formula; });
  const ConfigKey key = plain;
  return {"model.formula",
          [key](Config& config, const ConfigEntry& entry) {
            key.read(config, entry);
            try {
              parse_formula(config.model.formula);
            } catch (const Error& error) {
              throw Error(error.fault(), fmt::format("{}: {}: {}", entry.where, entry.key, error.what()));
            }
          },
          key.write};
}

Condition with_prior_shape(const std::string& name, PriorShape shape) {
  return {fmt::format("with {} in model.prior", name), [shape](const Config& c) {
            const GlmOptions& model = c.model.glm;
            const auto is_it = [shape](const auto& named) { return named.second == shape; };
            return c.model.is_glm() &&
                   (model.prior == shape || std::ranges::any_of(model.prior_by_name, is_it));
          }};
}

/// With a scale parameter (sigma, overdispersion) for a prior to be of.
Condition with_scale() {
  const auto shown = [](const ModelKind& kind) {
    return kind.name + (kind.takes_known_sigma ? " (sigma not known)" : "");
  };
  return {"with model.type = " + either(kinds_that(&ModelKind::has_scale, shown)), [](const Config& c) {
            const bool known = c.model.is(&ModelKind::takes_known_sigma) && c.model.glm.known_sigma;
            return c.model.is(&ModelKind::has_scale) && !known;
          }};
}

/// "auto", or a number of nodes.
KeyRow integrate() {
  constexpr std::int64_t most = 51;
  KeyRow row(
      "model.integrate",
      [](Config& config, const ConfigEntry& entry) {
        const auto* word = entry.value.as<std::string>();
        const auto* nodes = entry.value.as<std::int64_t>();
        const bool is_odd = nodes != nullptr && *nodes > 0 && *nodes <= most && *nodes % 2 == 1;
        if (!is_odd && (word == nullptr || *word != "auto")) entry.fail();
        config.model.nodes = is_odd ? static_cast<Index>(*nodes) : 0;
      },
      [](const Config& config) {
        return config.model.nodes == 0 ? quoted("auto") : fmt::format("{}", config.model.nodes);
      });
  return row.expected(fmt::format("auto, or an odd number up to {}", most));
}

Condition with_rows() {
  return {
      fmt::format("with {} as model.type", either(kinds_that(&ModelKind::needs_dataset, name_or_likelihood))),
      [](const Config& c) { return c.model.is(&ModelKind::needs_dataset); }};
}

Condition with_dataset() {
  return {fmt::format("with {}, or {} and model.shard",
                      fmt::join(kinds_that(&ModelKind::takes_dataset, name_or_likelihood), ", "),
                      either(kinds_that(&ModelKind::takes_shard, name_or_likelihood))),
          [](const Config& c) { return c.model.is(&ModelKind::takes_dataset) || c.model.is_sharded(); }};
}

Condition with_rows_in_json() {
  return {"with model.shard and no data.file",
          [](const Config& c) { return c.model.is_sharded() && c.data.file.empty(); }};
}

/// A library that is not built from a source.
Condition with_library_given() {
  const auto never_built = [](const ModelKind& kind) { return kind.takes_library && !kind.takes_source; };
  return {
      fmt::format("with {}, or {} without model.source", either(kinds_that(never_built, &ModelKind::called)),
                  either(kinds_that(&ModelKind::takes_source, &ModelKind::called))),
      [](const Config& c) {
        const bool built = c.model.is(&ModelKind::takes_source) && !c.model.source.empty();
        return c.model.is(&ModelKind::takes_library) && !built;
      }};
}

std::vector<ConfigKey> data_keys() {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  return {
      path("data.file", [](auto& c) { return &c.data.file; })
          .meaning("The dataset, as vfe import writes it; relative to the current folder. "
                   "A plugin may do without; "
                   "of a Stan program in shards it holds the rows, if the JSON does not.")
          .expected("a file name")
          .required(with_rows())
          .applies(with_dataset())
          .may_change(),
      whole("data.blocks", 1, many, [](auto& c) { return &c.data.blocks; })
          .meaning("Blocks that the rows of model.data are cut into.")
          .unit("blocks")
          .applies(with_rows_in_json()),
  };
}

std::vector<ConfigKey> likelihood_keys() {
  return {
      model_type().meaning(fmt::format("The model: {}.", meanings())).required(),
      formula()
          .meaning(
              "What explains the response, as R writes it: \"y ~ dose * sex + log(age) - 1\"; a response "
              "alone, \"y\", is \"y ~ .\", by all other columns.")
          .expected("a formula")
          .required(with_formula())
          .applies(with_formula()),
      prior_shape()
          .meaning("The prior of every coefficient, around 0; a table gives it by the name of a term or of a "
                   "coefficient, its entry \"default\" to those that are not named.")
          .applies(with_likelihood()),
      positive_by_coefficient("model.prior_scale", &GlmOptions::prior_scale, &GlmOptions::prior_scale_by_name)
          .meaning("Its scale (of a normal prior the standard deviation, of a horseshoe the slab's), "
                   "in the units that model.priors_on says.")
          .applies(with_likelihood()),
      positive_by_coefficient("model.prior_degrees_of_freedom", &GlmOptions::prior_degrees_of_freedom,
                              &GlmOptions::prior_degrees_of_freedom_by_name)
          .meaning("Degrees of freedom of a student_t prior.")
          .applies(with_prior_shape("student_t", PriorShape::student_t)),
      number("model.prior_global_scale", above(0.0), [](auto& c) { return &c.model.glm.prior_global_scale; })
          .meaning("Scale of the half-Cauchy prior of the scale that all coefficients of a horseshoe share, "
                   "in the "
                   "units of prior_scale, which is that of its slab. Of p coefficients p0 that matter, and n "
                   "rows: "
                   "p0 / (p - p0) / sqrt(n), times the sd of the errors.")
          .applies(with_prior_shape("horseshoe", PriorShape::horseshoe)),
      choice<PriorsOn>("model.priors_on", {"standardised", "user"}, {PriorsOn::standardised, PriorsOn::user},
                       [](auto& c) { return &c.model.glm.priors_on; })
          .meaning(
              "In whose units the scales of priors are. standardised: of columns and real responses that "
              "are centred and scaled (through the origin, divided by root mean squares). user: of the "
              "table's.")
          .applies(with_likelihood()),
      number("model.intercept_prior_scale", above(0.0),
             [](auto& c) { return &c.model.glm.intercept_prior_scale; })
          .meaning(
              "Standard deviation of the normal prior of the intercept, or of the cutpoints of an ordinal "
              "model, in the same units.")
          .applies(with_likelihood()),
      choice<ScalePrior>("model.scale_prior", {"half_normal", "exponential"},
                         {ScalePrior::half_normal, ScalePrior::exponential},
                         [](auto& c) { return &c.model.glm.scale_prior; })
          .meaning("Prior of sigma and of the overdispersion.")
          .applies(with_scale()),
      number("model.scale_prior_scale", above(0.0), [](auto& c) { return &c.model.glm.scale_prior_scale; })
          .meaning("Its scale: of the half-normal the normal's standard deviation, "
                   "of the exponential the mean; in units of the standardised response.")
          .applies(with_scale()),
      scale_prior_by_effect(),
      positive_by_coefficient("model.group_prior_scale", &GlmOptions::group_prior_scale,
                              &GlmOptions::group_prior_scale_by_name)
          .expected("a number above 0, or a table of them by the name of groups (\"school\") or of one of "
                    "their effects (\"school[x]\")")
          .meaning("Its scale: of the half-normal the normal's standard deviation, of the exponential the "
                   "mean; in the units that model.priors_on says.")
          .applies(with_groups()),
      positive_by_coefficient("model.correlation_prior", &GlmOptions::correlation_prior,
                              &GlmOptions::correlation_prior_by_name)
          .expected("a number above 0, or a table of them by the name of groups")
          .meaning("Shape of the LKJ prior of the correlations of effects of one grouping: 1 is uniform over "
                   "correlation matrices, more favours small correlations.")
          .applies(with_groups()),
      integrate()
          .meaning(
              "How effects of groups are integrated: by Gauss and Hermite's rule around the mode of each "
              "group, with so many nodes for each of a group's effects. auto: the fewest of 1, 3, 5, 7, 9, "
              "11, 15 that the next would not move, checked at the end at draws of the posterior; a "
              "normal response takes one node, which is exact.")
          .applies(with_groups()),
      number("model.known_sigma", above(0.0), [](auto& c) { return &c.model.glm.known_sigma; })
          .meaning("Residual standard deviation, where it is known.")
          .unit("the response's own unit")
          .applies(with_type(&ModelKind::takes_known_sigma)),
      number("model.degrees_of_freedom", above(0.0), [](auto& c) { return &c.model.glm.degrees_of_freedom; })
          .meaning("Degrees of freedom where they are fixed; else estimated with prior gamma(2, 0.1).")
          .applies(with_type(&ModelKind::takes_degrees_of_freedom)),
  };
}

std::vector<ConfigKey> library_keys() {
  return {
      path("model.library", [](auto& c) { return &c.model.library; })
          .meaning("The shared library: of a Stan program, as vfe stan build or BridgeStan makes it "
                   "(not set: model.source with .so for its ending); of a plugin, with the functions of "
                   "vfe_model.h. Its code runs as part of vfe.")
          .expected("a file name")
          .required(with_library_given())
          .applies(with_type(&ModelKind::takes_library))
          .may_change(),
      path("model.source", [](auto& c) { return &c.model.source; })
          .meaning("The Stan program, from which the library is built where it is missing or older.")
          .expected("a file name")
          .applies(with_type(&ModelKind::takes_source))
          .may_change(),
      path("model.data", [](auto& c) { return &c.model.data; })
          .meaning("The data of the Stan program, JSON.")
          .expected("a file name")
          .required(with_rows_in_json())
          .applies(with_type(&ModelKind::takes_json))
          .may_change(),
      shard_key()
          .meaning("Which data of a Stan program stand for rows: `size` is the variable that counts them, "
                   "`rows` are the variables whose first axis runs over them. "
                   "Its log density must be a sum over rows: vfe check finds out.")
          .expected("a table such as { size = \"N\", rows = [\"x\", \"y\"] }")
          .applies(with_type(&ModelKind::takes_shard)),
      text("model.options", [](auto& c) { return &c.model.options; })
          .meaning("A text that the plugin understands.")
          .expected("a text")
          .applies(with_type(&ModelKind::takes_options)),
  };
}

}  // namespace

Condition with_prior() {
  return {
      fmt::format("with {} as model.type", either(kinds_that(&ModelKind::tells_prior, name_or_likelihood))),
      [](const Config& c) { return c.model.is(&ModelKind::tells_prior); }};
}

Condition with_likelihood() {
  return {"with a likelihood as model.type", [](const Config& c) { return c.model.is_glm(); }};
}

Condition with_groups() {
  return {"with effects of groups, (1 | g), in model.formula",
          [](const Config& c) { return c.model.is_glm() && c.model.has_groups(); }};
}

std::vector<ConfigKey> model_keys() {
  std::vector<ConfigKey> keys = data_keys();
  for (const auto& more : {likelihood_keys(), library_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

}  // namespace vfe
