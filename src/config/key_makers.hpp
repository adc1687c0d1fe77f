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
#include "vfe/core/nearest.hpp"

namespace vfe {

/// A row of the table of keys, begun by one of the makers below and completed call by call.
class KeyRow {
 public:
  using Read = std::function<void(Config&, const ConfigEntry&)>;
  using Write = std::function<std::string(const Config&)>;

  /// "table.key".
  KeyRow(const std::string& full_name, Read read, Write write) {
    const std::size_t dot = full_name.find('.');
    key_.table = full_name.substr(0, dot);
    key_.name = full_name.substr(dot + 1);
    key_.read = std::move(read);
    key_.write = std::move(write);
  }
  operator ConfigKey() const { return key_; }

  KeyRow& meaning(const std::string& sentences) { return set(&ConfigKey::meaning, sentences); }
  KeyRow& expected(const std::string& type_and_range) { return set(&ConfigKey::expected, type_and_range); }
  KeyRow& unit(const std::string& unit) { return set(&ConfigKey::unit, unit); }
  /// Between a checkpoint and its resumption.
  KeyRow& may_change() { return set(&ConfigKey::change, Change::allowed); }
  KeyRow& applies(const Condition& condition) { return set(&ConfigKey::applies, condition); }
  KeyRow& required(const Condition& condition) { return set(&ConfigKey::required, condition); }
  KeyRow& required() {
    return required({"", [](const Config&) { return true; }});
  }

 private:
  template <class T>
  KeyRow& set(T ConfigKey::*field, const T& value) {
    key_.*field = value;
    return *this;
  }

  ConfigKey key_;
};

// Each maker takes `at`, a generic lambda from a (const) Config to where the field lies.

template <class Field>
KeyRow text(const std::string& key, Field at) {
  return {key,
          [at](Config& config, const ConfigEntry& entry) {
            const auto* value = entry.value.as<std::string>();
            // --set output.directory=7 means the folder 7
            const std::string& found = value == nullptr ? entry.raw : *value;
            if (found.empty()) entry.fail();
            *at(config) = found;
          },
          [at](const Config& config) { return at(config)->empty() ? "" : quoted(*at(config)); }};
}

/// A text that is the name of a file or folder.
template <class Field>
KeyRow path(const std::string& key, Field at) {
  KeyRow row = text(key, at);
  const ConfigKey plain = row;
  return {key,
          [plain, at](Config& config, const ConfigEntry& entry) {
            plain.read(config, entry);
            // A shell would have made it a home folder; a folder named ~ is what nobody wants.
            if (*at(config) == "~" || at(config)->starts_with("~/")) {
              entry.fail("a name without ~, which only a shell knows: " + entry.expected);
            }
          },
          plain.write};
}

/// One of several words. `names[i]` stands for values[i].
template <class T, class Field>
KeyRow choice(const std::string& key, const std::vector<std::string>& names, const std::vector<T>& values,
              Field at) {
  KeyRow row(
      key,
      [at, names, values](Config& config, const ConfigEntry& entry) {
        const auto* value = entry.value.as<std::string>();
        const auto name = std::find(names.begin(), names.end(), value == nullptr ? "" : *value);
        if (name == names.end()) entry.fail_offering(value == nullptr ? "" : meant(*value, names));
        *at(config) = values[static_cast<std::size_t>(name - names.begin())];
      },
      [at, names, values](const Config& config) {
        const auto value = std::find(values.begin(), values.end(), *at(config));
        return quoted(names[static_cast<std::size_t>(value - values.begin())]);
      });
  return row.expected(fmt::format("one of {}", fmt::join(names, ", ")));
}

template <class Field>
KeyRow word(const std::string& key, const std::vector<std::string>& names, Field at) {
  return choice<std::string>(key, names, names, at);
}

template <class Field>
KeyRow yes_or_no(const std::string& key, Field at) {
  KeyRow row(
      key,
      [at](Config& config, const ConfigEntry& entry) {
        const auto* value = entry.value.as<bool>();
        if (value == nullptr) entry.fail();
        *at(config) = *value;
      },
      [at](const Config& config) { return *at(config) ? "true" : "false"; });
  return row.expected("true or false");
}

template <class Field>
KeyRow whole(const std::string& key, std::int64_t low, std::int64_t high, Field at) {
  KeyRow row(
      key,
      [at, low, high](Config& config, const ConfigEntry& entry) {
        const auto* value = entry.value.as<std::int64_t>();
        if (value == nullptr || *value < low || *value > high) entry.fail();
        *at(config) = static_cast<std::remove_reference_t<decltype(*at(config))>>(*value);
      },
      [at](const Config& config) { return fmt::format("{}", *at(config)); });
  return row.expected(fmt::format("a whole number from {} to {}", low, high));
}

/// The smallest value of a number, itself allowed or not.
struct Low {
  double value = 0.0;
  bool allowed = false;
  bool admits(double x) const { return std::isfinite(x) && (allowed ? x >= value : x > value); }
  std::string text() const { return fmt::format("a number {} {}", allowed ? "of at least" : "above", value); }
};
inline Low above(double value) {
  return {value, false};
}
inline Low at_least(double value) {
  return {value, true};
}

inline double read_number(const ConfigEntry& entry, const Low& low) {
  const std::optional<double> value = entry.value.number();
  if (!value || !low.admits(*value)) entry.fail();
  return *value;
}

/// Shortest text that reads back to the same double and is a TOML float or integer.
inline std::string number_text(double value) {
  if (value == 0.0 && std::signbit(value)) return "-0.0";  // "-0" is an integer, without a sign
  return fmt::format("{}", value);
}

template <class Field>
KeyRow number(const std::string& key, const Low& low, Field at) {
  KeyRow row(
      key, [at, low](Config& config, const ConfigEntry& entry) { *at(config) = read_number(entry, low); },
      [at](const Config& config) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(*at(config))>, std::optional<double>>) {
          return *at(config) ? number_text(**at(config)) : "";
        } else {
          return number_text(*at(config));
        }
      });
  return row.expected(low.text());
}

}  // namespace vfe
