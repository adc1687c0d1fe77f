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

ConfigKey required(ConfigKey key) {
  key.required = true;
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
      config.model.prior_scale = read_number(entry, Low{}, expected);
      config.model.prior_scale_by_name.clear();
      return;
    }
    for (const auto& [name, value] : *table) {
      const ConfigEntry inner{value, entry.where, entry.key + "." + std::string(name.str()), entry.raw};
      const double scale = read_number(inner, Low{}, Low{}.text());
      if (name.str() == "default") {
        config.model.prior_scale = scale;
      } else {
        config.model.prior_scale_by_name[std::string(name.str())] = scale;
      }
    }
  };
  key.write = [](const Config& config) {
    const GlmOptions& model = config.model;
    if (model.prior_scale_by_name.empty()) return number_text(model.prior_scale);
    std::string list = "{ default = " + number_text(model.prior_scale);
    for (const auto& [name, scale] : model.prior_scale_by_name) {
      list += fmt::format(", {} = {}", quoted(name), number_text(scale));
    }
    return list + " }";
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

/// Whether the model has a scale parameter (sigma, overdispersion) for scale_prior to be the prior of.
bool has_scale(const Config& config) {
  switch (config.model.likelihood) {
    case Likelihood::linear:
      return !config.model.known_sigma;
    case Likelihood::student_t:
    case Likelihood::negative_binomial:
      return true;
    default:
      return false;
  }
}

bool is_linear(const Config& config) {
  return config.model.likelihood == Likelihood::linear;
}
bool is_student_t(const Config& config) {
  return config.model.likelihood == Likelihood::student_t;
}

std::vector<ConfigKey> make_keys() {
  using L = Likelihood;
  constexpr std::int64_t many = std::int64_t{1} << 40;
  const std::string scale_when = "with model.type = linear (sigma not known), student_t or negative_binomial";
  std::vector<ConfigKey> keys;

  keys.push_back(required(text(
      {"data", "file", "The dataset, as vfe import writes it; relative to the current folder.",
       Change::allowed},
      "a file name", [](auto& c) -> auto& { return c.data.file; })));

  keys.push_back(required(choice<L>(
      {"model", "type", "The likelihood of the response given the linear predictor."},
      {"linear", "student_t", "logistic", "poisson", "negative_binomial", "softmax"},
      {L::linear, L::student_t, L::logistic, L::poisson, L::negative_binomial, L::softmax},
      [](auto& c) -> auto& { return c.model.likelihood; })));
  keys.push_back(yes_or_no(
      {"model", "intercept", "Whether the linear predictor has an intercept."},
      [](auto& c) -> auto& { return c.model.intercept; }));
  keys.push_back(prior_scale());
  keys.push_back(only(number(
                          {"model", "intercept_prior_scale",
                           "Standard deviation of the normal prior of the intercept, in the same units."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.intercept_prior_scale; }),
                      "with model.intercept = true", [](const Config& c) { return c.model.intercept; }));
  keys.push_back(only(choice<ScalePrior>(
                          {"model", "scale_prior", "Prior of sigma and of the overdispersion."},
                          {"half_normal", "exponential"}, {ScalePrior::half_normal, ScalePrior::exponential},
                          [](auto& c) -> auto& { return c.model.scale_prior; }),
                      scale_when, has_scale));
  keys.push_back(only(number(
                          {"model", "scale_prior_scale",
                           "Its scale: of the half-normal the normal's standard deviation, of the "
                           "exponential the mean; in units of the standardised response."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.scale_prior_scale; }),
                      scale_when, has_scale));
  keys.push_back(only(number(
                          {"model", "known_sigma", "Residual standard deviation, where it is known."}, Low{},
                          "the response's own unit", [](auto& c) -> auto& { return c.model.known_sigma; }),
                      "with model.type = linear", is_linear));
  keys.push_back(only(number(
                          {"model", "degrees_of_freedom",
                           "Degrees of freedom where they are fixed; else estimated with prior "
                           "gamma(2, 0.1)."},
                          Low{}, "", [](auto& c) -> auto& { return c.model.degrees_of_freedom; }),
                      "with model.type = student_t", is_student_t));

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
  keys.push_back(yes_or_no(
      {"output", "log_likelihood",
       "Whether the result holds the log likelihood of every draw and row (at most "
       "2 GB).",
       Change::allowed},
      [](auto& c) -> auto& { return c.output.log_likelihood; }));
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
