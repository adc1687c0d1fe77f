#include "run/config_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <type_traits>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// What is common to every key, given first in each line of the table below.
struct Head {
  std::string table, name, meaning;
  Change change = Change::refused;
};

ConfigKey make_key(const Head& head) {
  ConfigKey key;
  key.table = head.table;
  key.name = head.name;
  key.meaning = head.meaning;
  key.change = head.change;
  return key;
}

ConfigKey required(ConfigKey key, const std::string& when, std::function<bool(const Config&)> is) {
  key.required_when = when;
  key.required = std::move(is);
  return key;
}

ConfigKey only(ConfigKey key, const std::string& when, std::function<bool(const Config&)> applies) {
  key.applies_when = when;
  key.applies = std::move(applies);
  return key;
}

// Each maker takes `at`, a generic lambda from a (const) Config to the field.

template <class Field>
ConfigKey text(const Head& head, const std::string& expected, Field at) {
  ConfigKey key = make_key(head);
  key.expected = expected;
  key.read = [at, expected](Config& config, const ConfigEntry& entry) {
    std::string found;
    if (const auto* value = entry.value.as_string()) {
      found = value->get();
    } else {
      found = entry.raw;  // --set output.directory=7 means the folder 7
    }
    if (found.empty()) entry.fail(expected);
    at(config) = found;
  };
  key.write = [at](const Config& config) { return at(config).empty() ? "" : quoted(at(config)); };
  return key;
}

/// One of several words. `names[i]` stands for values[i].
template <class T, class Field>
ConfigKey choice(const Head& head, const std::vector<std::string>& names, const std::vector<T>& values,
                 Field at) {
  ConfigKey key = make_key(head);
  key.expected = fmt::format("one of {}", fmt::join(names, ", "));
  key.read = [at, names, values, expected = key.expected](Config& config, const ConfigEntry& entry) {
    const auto* value = entry.value.as_string();
    const auto name = std::find(names.begin(), names.end(), value ? value->get() : "");
    if (name == names.end()) entry.fail(expected);
    at(config) = values[static_cast<std::size_t>(name - names.begin())];
  };
  key.write = [at, names, values](const Config& config) {
    const auto value = std::find(values.begin(), values.end(), at(config));
    return quoted(names[static_cast<std::size_t>(value - values.begin())]);
  };
  return key;
}

template <class Field>
ConfigKey word(const Head& head, const std::vector<std::string>& names, Field at) {
  return choice<std::string>(head, names, names, at);
}

template <class Field>
ConfigKey yes_or_no(const Head& head, Field at) {
  ConfigKey key = make_key(head);
  key.expected = "true or false";
  key.read = [at](Config& config, const ConfigEntry& entry) {
    const auto* value = entry.value.as_boolean();
    if (value == nullptr) entry.fail("true or false");
    at(config) = value->get();
  };
  key.write = [at](const Config& config) { return at(config) ? "true" : "false"; };
  return key;
}

template <class Field>
ConfigKey whole(const Head& head, std::int64_t low, std::int64_t high, const std::string& unit, Field at) {
  ConfigKey key = make_key(head);
  key.expected = fmt::format("a whole number from {} to {}", low, high);
  key.unit = unit;
  key.read = [at, low, high, expected = key.expected](Config& config, const ConfigEntry& entry) {
    const auto* value = entry.value.as_integer();
    if (value == nullptr || value->get() < low || value->get() > high) entry.fail(expected);
    at(config) = static_cast<std::remove_reference_t<decltype(at(config))>>(value->get());
  };
  key.write = [at](const Config& config) { return fmt::format("{}", at(config)); };
  return key;
}

/// The smallest value of a number, itself allowed or not.
struct Low {
  double value = 0.0;
  bool allowed = false;
  bool admits(double x) const { return std::isfinite(x) && (allowed ? x >= value : x > value); }
  std::string text() const { return fmt::format("a number {} {}", allowed ? "of at least" : "above", value); }
};

double read_number(const ConfigEntry& entry, const Low& low, const std::string& expected) {
  const std::optional<double> value =
      entry.value.is_number() ? entry.value.value<double>() : std::optional<double>();
  if (!value || !low.admits(*value)) entry.fail(expected);
  return *value;
}

/// Shortest text that reads back to the same double and is a TOML float or integer.
std::string number_text(double value) {
  return fmt::format("{}", value);
}

template <class Field>
ConfigKey number(const Head& head, const Low& low, const std::string& unit, Field at) {
  ConfigKey key = make_key(head);
  key.expected = low.text();
  key.unit = unit;
  key.read = [at, low](Config& config, const ConfigEntry& entry) {
    at(config) = read_number(entry, low, low.text());
  };
  key.write = [at](const Config& config) -> std::string {
    if constexpr (std::is_same_v<std::decay_t<decltype(at(config))>, std::optional<double>>) {
      return at(config) ? number_text(*at(config)) : "";
    } else {
      return number_text(at(config));
    }
  };
  return key;
}

double read_duration(const ConfigEntry& entry, const Low& low, const std::string& expected) {
  if (entry.value.is_number()) return read_number(entry, low, expected);
  const auto* value = entry.value.as_string();
  if (value == nullptr) entry.fail(expected);
  try {
    const double seconds = parse_duration(value->get());
    if (!low.admits(seconds)) entry.fail(expected);
    return seconds;
  } catch (const std::invalid_argument&) {
    entry.fail(expected);
  }
}

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

ConfigKey model_type() {
  const std::vector<std::string> likelihoods = {"linear",  "student_t",         "logistic",
                                                "poisson", "negative_binomial", "softmax"};
  std::vector<std::string> names = likelihoods;
  for (const char* other : {"stan", "plugin", "function"}) names.emplace_back(other);
  ConfigKey key = word(
      {"model", "type",
       "The model: the likelihood of the response given the linear predictor; or stan: a Stan "
       "program; plugin: a library with the functions of vfe_model.h; function: a C++ program's "
       "own."},
      names, [](auto& c) -> auto& { return c.model.type; });
  key.read = [likelihoods, read = key.read](Config& config, const ConfigEntry& entry) {
    read(config, entry);
    if (std::ranges::count(likelihoods, config.model.type) == 0) return;
    config.model.glm.likelihood = likelihood_from_string(config.model.type);
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

ConfigKey max_time() {
  ConfigKey key = make_key({"fit", "max_time",
                            "Stop with exit code 75 and a checkpoint once the program has run for so long; 0 "
                            "means no limit.",
                            Change::allowed});
  key.expected = "a duration such as \"23h50m\" or a number of at least 0";
  key.unit = "seconds";
  key.read = [expected = key.expected](Config& config, const ConfigEntry& entry) {
    config.fit.max_time = read_duration(entry, Low{0.0, true}, expected);
  };
  key.write = [](const Config& config) { return fmt::format("\"{}s\"", config.fit.max_time); };
  return key;
}

ConfigKey checkpoint_every() {
  ConfigKey key =
      make_key({"output", "checkpoint_every",
                "Time between two checkpoints, or a whole number: steps between them.", Change::allowed});
  key.expected = "a duration above 0 such as \"60s\", or a whole number of steps above 0";
  key.read = [expected = key.expected](Config& config, const ConfigEntry& entry) {
    if (const auto* steps = entry.value.as_integer()) {
      if (steps->get() <= 0) entry.fail(expected);
      config.output.checkpoint_steps = steps->get();
      config.output.checkpoint_seconds = 0.0;
    } else {
      if (!entry.value.is_string()) entry.fail(expected);
      config.output.checkpoint_seconds = read_duration(entry, Low{}, expected);
      config.output.checkpoint_steps = 0;
    }
  };
  key.write = [](const Config& config) {
    return config.output.checkpoint_steps > 0 ? fmt::format("{}", config.output.checkpoint_steps)
                                              : fmt::format("\"{}s\"", config.output.checkpoint_seconds);
  };
  return key;
}

bool is_glm(const Config& config) {
  return config.model.is_glm();
}
bool is_stan(const Config& config) {
  return config.model.type == "stan";
}
bool is_plugin(const Config& config) {
  return config.model.type == "plugin";
}

/// Whether the model has a scale parameter (sigma, overdispersion) for scale_prior to be the prior of.
bool has_scale(const Config& config) {
  if (!config.model.is_glm()) return false;
  switch (config.model.glm.likelihood) {
    case Likelihood::linear:
      return !config.model.glm.known_sigma;
    case Likelihood::student_t:
    case Likelihood::negative_binomial:
      return true;
    default:
      return false;
  }
}

bool is_linear(const Config& config) {
  return is_glm(config) && config.model.glm.likelihood == Likelihood::linear;
}
bool is_student_t(const Config& config) {
  return is_glm(config) && config.model.glm.likelihood == Likelihood::student_t;
}

std::vector<ConfigKey> make_keys() {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  const std::string glm_when = "with a likelihood as model.type", stan_when = "with model.type = stan";
  const std::string scale_when = "with model.type = linear (sigma not known), student_t or negative_binomial";
  std::vector<ConfigKey> keys;

  keys.push_back(only(
      required(text(
                   {"data", "file",
                    "The dataset, as vfe import writes it; relative to the current folder. A plugin may do "
                    "without; of a Stan program in shards it holds the rows, if the JSON does not.",
                    Change::allowed},
                   "a file name", [](auto& c) -> auto& { return c.data.file; }),
               "with a likelihood as model.type", is_glm),
      "with a likelihood, plugin, or stan and model.shard",
      [](const Config& c) { return is_glm(c) || is_plugin(c) || c.model.is_sharded(); }));
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
           "with model.type = linear", is_linear));
  keys.push_back(only(number(
                          {"model", "degrees_of_freedom",
                           "Degrees of freedom where they are fixed; else estimated with prior "
                           "gamma(2, 0.1)."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.glm.degrees_of_freedom; }),
                      "with model.type = student_t", is_student_t));

  keys.push_back(
      only(required(text(
                        {"model", "library",
                         "The shared library: of a Stan program, as vfe stan build or BridgeStan makes it "
                         "(not set: model.source with .so for its ending); of a plugin, with the "
                         "functions of vfe_model.h. Its code runs as part of vfe.",
                         Change::allowed},
                        "a file name", [](auto& c) -> auto& { return c.model.library; }),
                    "with a plugin, or a Stan program without model.source",
                    [](const Config& c) { return is_plugin(c) || (is_stan(c) && c.model.source.empty()); }),
           "with model.type = stan or plugin", [](const Config& c) { return is_stan(c) || is_plugin(c); }));
  keys.push_back(only(text(
                          {"model", "source",
                           "The Stan program, from which the library is built where it is missing or older.",
                           Change::allowed},
                          "a file name", [](auto& c) -> auto& { return c.model.source; }),
                      stan_when, is_stan));
  keys.push_back(only(required(text(
                                   {"model", "data", "The data of the Stan program, JSON.", Change::allowed},
                                   "a file name", [](auto& c) -> auto& { return c.model.data; }),
                               "with model.shard and no data.file",
                               [](const Config& c) { return c.model.is_sharded() && c.data.file.empty(); }),
                      stan_when, is_stan));
  keys.push_back(only(shard_key(), stan_when, is_stan));
  keys.push_back(only(text(
                          {"model", "options", "A text that the plugin understands."}, "a text",
                          [](auto& c) -> auto& { return c.model.options; }),
                      "with model.type = plugin", is_plugin));

  keys.push_back(word(
      {"family", "type", "The kind of approximate posterior q."}, {"mean_field", "low_rank", "full_rank"},
      [](auto& c) -> auto& { return c.family.type; }));
  keys.push_back(only(whole(
                          {"family", "rank", "Columns of the low-rank factor."}, 1, 100000, "",
                          [](auto& c) -> auto& { return c.family.rank; }),
                      "with family.type = low_rank",
                      [](const Config& c) { return c.family.type == "low_rank"; }));

  keys.push_back(choice<Mode>(
      {"fit", "mode",
       "synchronous: second-order, every step sees all rows. stochastic: minibatches "
       "of blocks."},
      {"synchronous", "stochastic"}, {Mode::synchronous, Mode::stochastic},
      [](auto& c) -> auto& { return c.fit.mode; }));
  keys.push_back(whole(
      {"fit", "blocks_per_step", "Blocks of a minibatch (stochastic)."}, 1, many, "blocks",
      [](auto& c) -> auto& { return c.fit.blocks_per_step; }));
  keys.push_back(whole(
      {"fit", "draws_per_step",
       "Draws of q in a step; 0 chooses it. synchronous: at least what the dimension needs "
       "is taken."},
      0, 65536, "draws", [](auto& c) -> auto& { return c.fit.draws_per_step; }));
  keys.push_back(word(
      {"fit", "optimizer", "First-order method (stochastic)."}, {"averaged_adam", "adam", "sgd"},
      [](auto& c) -> auto& { return c.fit.optimizer; }));
  keys.push_back(number(
      {"fit", "rate",
       "Rate of the optimizer, fixed; 0 chooses and lowers it, and stops, by itself "
       "(stochastic)."},
      Low{0.0, true}, "", [](auto& c) -> auto& { return c.fit.rate; }));
  keys.push_back(whole(
      {"fit", "max_steps", "Most steps of the optimizer (stochastic)."}, 1, many, "steps",
      [](auto& c) -> auto& { return c.fit.max_steps; }));
  keys.push_back(max_time());
  keys.push_back(whole(
      {"fit", "seed", "Seed of every random number."}, 0, static_cast<std::int64_t>(max_seed), "",
      [](auto& c) -> auto& { return c.fit.seed; }));
  keys.push_back(whole(
      {"fit", "threads", "Threads of each rank; the results do not depend on it.", Change::allowed}, 1, 1024,
      "", [](auto& c) -> auto& { return c.fit.threads; }));

  keys.push_back(text(
      {"output", "directory", "The folder of the run; relative to the current folder.", Change::allowed},
      "a folder name", [](auto& c) -> auto& { return c.output.directory; }));
  keys.push_back(whole(
      {"output", "draws", "Draws of the finished q in the result.", Change::allowed}, 100, 100000000, "draws",
      [](auto& c) -> auto& { return c.output.draws; }));
  keys.push_back(checkpoint_every());
  keys.push_back(only(yes_or_no(
                          {"output", "log_likelihood",
                           "Whether the result holds the log likelihood of every draw and row (at most "
                           "2 GB).",
                           Change::allowed},
                          [](auto& c) -> auto& { return c.output.log_likelihood; }),
                      glm_when, is_glm));
  return keys;
}

}  // namespace

void ConfigEntry::fail(const std::string& expected) const {
  throw Error(Fault::config,
              fmt::format("{}: {}: found {}, expected {}", where, key, describe(value), expected));
}

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

std::string describe(const toml::node& value) {
  if (value.is_table()) return "a table";
  if (value.is_array()) return "an array";
  if (const auto* text = value.as_string()) return quoted(text->get());
  std::ostringstream out;
  value.visit([&out](const auto& node) { out << node; });
  return out.str();
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

double parse_duration(const std::string& text) {
  const auto refuse = [&text]() -> double { throw std::invalid_argument("not a duration: " + text); };
  const std::string units = "dhms";
  const double seconds_of[] = {86400.0, 3600.0, 60.0, 1.0};
  const char* at = text.data();
  const char* const end = at + text.size();
  double total = 0.0;
  std::size_t next_unit = 0;  // units come in falling order, each at most once
  if (at == end) return refuse();
  while (at != end) {
    double value = 0.0;
    if (*at < '0' || *at > '9') return refuse();
    const auto [rest, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || !std::isfinite(value)) return refuse();
    at = rest;
    if (at == end) return next_unit == 0 ? value : refuse();  // a plain number of seconds stands alone
    const std::size_t unit = units.find(*at++);
    if (unit == std::string::npos || unit < next_unit) return refuse();
    total += value * seconds_of[unit];
    next_unit = unit + 1;
  }
  return total;
}

}  // namespace vfe
