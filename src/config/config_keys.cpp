#include "config/config_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "config/key_makers.hpp"
#include "config/model_keys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

constexpr std::int64_t many = std::int64_t{1} << 40;

/// "10m" for "10min", "1h30m" for "1 hour 30 minutes"; empty where that does not help either.
std::string duration_meant(const std::string& text) {
  std::string meant;
  for (std::size_t i = 0; i < text.size();) {
    const auto is_letter = [&](std::size_t j) {
      return j < text.size() && std::isalpha(static_cast<unsigned char>(text[j])) != 0;
    };
    if (is_letter(i)) {
      meant += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
      while (is_letter(i)) ++i;
    } else {
      if (text[i] != ' ') meant += text[i];
      ++i;
    }
  }
  try {
    parse_duration(meant);
    return meant;
  } catch (const std::invalid_argument&) {
    return "";
  }
}

/// Of a number, or a text such as "60s".
double read_duration(const ConfigEntry& entry, const Low& low) {
  const auto* text = entry.value.as<std::string>();
  if (text == nullptr) return read_number(entry, low);
  try {
    const double seconds = parse_duration(*text);
    if (!low.admits(seconds)) entry.fail();
    return seconds;
  } catch (const std::invalid_argument&) {
    entry.fail_offering(duration_meant(*text));
  }
}

KeyRow max_time() {
  return {"fit.max_time",
          [](Config& config, const ConfigEntry& entry) {
            config.fit.max_time = read_duration(entry, at_least(0.0));
          },
          [](const Config& config) { return fmt::format("\"{}s\"", config.fit.max_time); }};
}

KeyRow checkpoint_every() {
  return {"output.checkpoint_every",
          [](Config& config, const ConfigEntry& entry) {
            if (const auto* steps = entry.value.as<std::int64_t>()) {
              if (*steps <= 0) entry.fail();
              config.output.checkpoint_steps = *steps;
              config.output.checkpoint_seconds = 0.0;
            } else {
              if (entry.value.as<std::string>() == nullptr) entry.fail();
              config.output.checkpoint_seconds = read_duration(entry, above(0.0));
              config.output.checkpoint_steps = 0;
            }
          },
          [](const Config& config) {
            return config.output.checkpoint_steps > 0
                       ? fmt::format("{}", config.output.checkpoint_steps)
                       : fmt::format("\"{}s\"", config.output.checkpoint_seconds);
          }};
}

bool takes(const Config& config, bool FamilyKind::*what) {
  const auto& kinds = family_kinds();
  const auto found = std::ranges::find(kinds, config.family.type, &FamilyKind::name);
  return found != kinds.end() && (*found).*what;
}

Condition with_family(bool FamilyKind::*what) {
  std::vector<std::string> names;
  for (const FamilyKind& kind : family_kinds()) {
    if (kind.*what) names.push_back(kind.name);
  }
  return {fmt::format("with family.type = {}", fmt::join(names, " or ")),
          [what](const Config& config) { return takes(config, what); }};
}

std::vector<ConfigKey> family_keys() {
  std::vector<std::string> names{"auto"};
  for (const FamilyKind& kind : family_kinds()) names.push_back(kind.name);
  const Condition of_a_mixture = with_family(&FamilyKind::takes_components);
  return {
      word("family.type", names, [](auto& c) { return &c.family.type; })
          .meaning("The kind of approximate posterior q. auto: what it takes for the result to be certified, "
                   "from a normal q over importance sampling to Markov chains (stochastic: a normal q)."),
      whole("family.rank", 1, 100000, [](auto& c) { return &c.family.rank; })
          .meaning("Columns of the low-rank factor; features of each coupling layer.")
          .applies(with_family(&FamilyKind::takes_rank)),
      whole("family.components", 1, 1000, [](auto& c) { return &c.family.components; })
          .meaning("Components of the mixture.")
          .applies(of_a_mixture),
      word("family.component", {"full_rank", "mean_field"}, [](auto& c) { return &c.family.component; })
          .meaning("Their kind.")
          .applies(of_a_mixture),
  };
}

std::vector<ConfigKey> fit_keys() {
  const Condition automatic{"with family.type = auto",
                            [](const Config& c) { return c.family.type == "auto"; }};
  return {
      choice<Mode>("fit.mode", {"synchronous", "stochastic"}, {Mode::synchronous, Mode::stochastic},
                   [](auto& c) { return &c.fit.mode; })
          .meaning("synchronous: second-order, every step sees all rows. stochastic: minibatches of blocks."),
      word("fit.sampling", {"auto", "importance", "chains"}, [](auto& c) { return &c.fit.sampling; })
          .meaning("What the posterior is sampled by. auto: by importance where weights will do, then by "
                   "Markov chains; the others: by these alone, certified or not.")
          .applies(automatic),
      whole("fit.blocks_per_step", 1, many, [](auto& c) { return &c.fit.blocks_per_step; })
          .meaning("Blocks of a minibatch (stochastic).")
          .unit("blocks"),
      whole("fit.draws_per_step", 0, 65536, [](auto& c) { return &c.fit.draws_per_step; })
          .meaning("Draws of q in a step; 0 chooses it. "
                   "synchronous: at least what the dimension needs is taken.")
          .unit("draws"),
      word("fit.optimizer", {"averaged_adam", "adam", "sgd"}, [](auto& c) { return &c.fit.optimizer; })
          .meaning("First-order method (stochastic)."),
      number("fit.rate", at_least(0.0), [](auto& c) { return &c.fit.rate; })
          .meaning("Rate of the optimizer, fixed; "
                   "0 chooses and lowers it, and stops, by itself (stochastic)."),
      whole("fit.max_steps", 1, many, [](auto& c) { return &c.fit.max_steps; })
          .meaning("Most steps of the optimizer (stochastic).")
          .unit("steps"),
      max_time()
          .meaning("Stop with exit code 75 and a checkpoint once the program has run for so long; "
                   "0 means no limit.")
          .expected("a duration such as \"23h50m\" or a number of at least 0")
          .unit("seconds")
          .may_change(),
      whole("fit.seed", 0, static_cast<std::int64_t>(max_seed), [](auto& c) { return &c.fit.seed; })
          .meaning("Seed of every random number."),
      whole("fit.threads", 1, 1024, [](auto& c) { return &c.fit.threads; })
          .meaning("Threads of each rank; the results do not depend on it.")
          .may_change(),
  };
}

std::vector<ConfigKey> output_keys() {
  return {
      path("output.directory", [](auto& c) { return &c.output.directory; })
          .meaning("The folder of the run; relative to the current folder.")
          .expected("a folder name")
          .may_change(),
      whole("output.draws", 100, 100000000, [](auto& c) { return &c.output.draws; })
          .meaning("Draws of the finished q in the result.")
          .unit("draws")
          .may_change(),
      checkpoint_every()
          .meaning("Time between two checkpoints, or a whole number: steps between them.")
          .expected("a duration above 0 such as \"60s\", or a whole number of steps above 0")
          .may_change(),
      yes_or_no("output.log_likelihood", [](auto& c) { return &c.output.log_likelihood; })
          .meaning("Whether the result holds the log likelihood of every draw and row, as ArviZ's loo wants "
                   "it (numbers by row: at most 2 GB in all). With effects of groups: of every group, its "
                   "effects integrated, so that loo leaves groups out.")
          .applies(with_likelihood())
          .may_change(),
      yes_or_no("output.log_prior", [](auto& c) { return &c.output.log_prior; })
          .meaning("Whether the result holds the log prior density of every draw, by parameter where these "
                   "are independent, as ArviZ's psense_summary wants it.")
          .applies(with_prior())
          .may_change(),
      yes_or_no("output.posterior_predictive", [](auto& c) { return &c.output.posterior_predictive; })
          .meaning("Whether the result holds a response simulated for every draw and row, as ArviZ's "
                   "plot_ppc wants it.")
          .applies(with_likelihood())
          .may_change(),
      word("output.group_effects", {"moments", "draws", "none"},
           [](auto& c) { return &c.output.group_effects; })
          .meaning("What the result holds of the effects of each group. moments: their means and sds, and "
                   "their draws too where there are at most 2,000 effects; draws: both, however many there "
                   "are (at most 2 GB); none: nothing.")
          .applies(with_groups())
          .may_change(),
  };
}

std::vector<ConfigKey> make_keys() {
  std::vector<ConfigKey> keys = model_keys();
  for (const auto& more : {family_keys(), fit_keys(), output_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

}  // namespace

void ConfigEntry::fail(const std::string& what_was_expected) const {
  throw Error(Fault::config,
              fmt::format("{}: {}: found {}, expected {}", where, key, value.shown, what_was_expected));
}

void ConfigEntry::fail_offering(const std::string& meant) const {
  fail(meant.empty() ? expected : fmt::format("{}; did you mean {}?", expected, quoted(meant)));
}

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

std::vector<std::string> config_tables() {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys()) {
    if (names.empty() || names.back() != key.table) names.push_back(key.table);
  }
  return names;
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
