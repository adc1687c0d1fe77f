#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/config_keys.hpp"

namespace vfe {

/// What is common to every key, given first in each line of the table below.
struct Head {
  std::string table, name, meaning;
  Change change = Change::refused;
};

inline ConfigKey make_key(const Head& head) {
  ConfigKey key;
  key.table = head.table;
  key.name = head.name;
  key.meaning = head.meaning;
  key.change = head.change;
  return key;
}

inline ConfigKey required(ConfigKey key, const std::string& when, std::function<bool(const Config&)> is) {
  key.required_when = when;
  key.required = std::move(is);
  return key;
}

inline ConfigKey only(ConfigKey key, const std::string& when, std::function<bool(const Config&)> applies) {
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

inline double read_number(const ConfigEntry& entry, const Low& low, const std::string& expected) {
  const std::optional<double> value =
      entry.value.is_number() ? entry.value.value<double>() : std::optional<double>();
  if (!value || !low.admits(*value)) entry.fail(expected);
  return *value;
}

/// Shortest text that reads back to the same double and is a TOML float or integer.
inline std::string number_text(double value) {
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

}  // namespace vfe
