#include "config/config_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "config/key_makers.hpp"
#include "config/model_keys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

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

bool takes(const Config& config, bool FamilyKind::*what) {
  const auto& kinds = family_kinds();
  const auto found = std::ranges::find(kinds, config.family.type, &FamilyKind::name);
  return found != kinds.end() && (*found).*what;
}

/// "low_rank or coupling".
std::string families_that(bool FamilyKind::*what) {
  std::vector<std::string> names;
  for (const FamilyKind& kind : family_kinds()) {
    if (kind.*what) names.push_back(kind.name);
  }
  return fmt::format("{}", fmt::join(names, " or "));
}

std::vector<ConfigKey> make_keys() {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  std::vector<ConfigKey> keys = model_keys();
  std::vector<std::string> families{"auto"};
  for (const FamilyKind& kind : family_kinds()) families.push_back(kind.name);

  keys.push_back(word(
      {"family", "type",
       "The kind of approximate posterior q. auto: what it takes for the result to be certified, from a "
       "normal "
       "q over importance sampling to Markov chains (stochastic: a normal q)."},
      families, [](auto& c) -> auto& { return c.family.type; }));
  keys.push_back(
      only(whole(
               {"family", "rank", "Columns of the low-rank factor; features of each coupling layer."}, 1,
               100000, "", [](auto& c) -> auto& { return c.family.rank; }),
           "with family.type = " + families_that(&FamilyKind::takes_rank),
           [](const Config& c) { return takes(c, &FamilyKind::takes_rank); }));
  const auto is_mixture = [](const Config& c) { return takes(c, &FamilyKind::takes_components); };
  const std::string of_mixtures = "with family.type = " + families_that(&FamilyKind::takes_components);
  keys.push_back(only(whole(
                          {"family", "components", "Components of the mixture."}, 1, 1000, "",
                          [](auto& c) -> auto& { return c.family.components; }),
                      of_mixtures, is_mixture));
  keys.push_back(only(word(
                          {"family", "component", "Their kind."}, {"full_rank", "mean_field"},
                          [](auto& c) -> auto& { return c.family.component; }),
                      of_mixtures, is_mixture));

  keys.push_back(choice<Mode>(
      {"fit", "mode",
       "synchronous: second-order, every step sees all rows. stochastic: minibatches "
       "of blocks."},
      {"synchronous", "stochastic"}, {Mode::synchronous, Mode::stochastic},
      [](auto& c) -> auto& { return c.fit.mode; }));
  keys.push_back(
      only(word(
               {"fit", "sampling",
                "What the posterior is sampled by. auto: by importance where weights will do, then by "
                "Markov chains; the others: by these alone, certified or not."},
               {"auto", "importance", "chains"}, [](auto& c) -> auto& { return c.fit.sampling; }),
           "with family.type = auto", [](const Config& c) { return c.family.type == "auto"; }));
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
                      "with a likelihood as model.type", [](const Config& c) { return c.model.is_glm(); }));
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