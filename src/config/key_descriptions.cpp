#include "vfe/config/key_descriptions.hpp"

#include <fmt/format.h>

#include "config/config_keys.hpp"

namespace vfe {

std::vector<KeyDescription> key_descriptions() {
  const Config defaults;
  std::vector<KeyDescription> list;
  for (const ConfigKey& key : config_keys()) {
    const std::string value = key.write(defaults);
    list.push_back(
        {key.table, key.name,
         fmt::format("{}{}; {}", key.expected, key.unit.empty() ? "" : fmt::format(" [{}]", key.unit),
                     !key.required.when.empty()     ? "required " + key.required.when
                     : key.required.holds(defaults) ? "required"
                     : value.empty()                ? "not set by default"
                                                    : "default " + value),
         fmt::format("{}{}{}", key.meaning,
                     key.applies.when.empty() ? "" : fmt::format(" Only {}.", key.applies.when),
                     key.change == Change::allowed ? " May change on --resume." : "")});
  }
  return list;
}

}  // namespace vfe
