#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vfe/config/model_kinds.hpp"
#include "vfe/family/family.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/stan_data.hpp"

namespace vfe {

enum class Mode { synchronous, stochastic };

/// A configuration, all defaults filled in. Field names are the keys' names; `vfe schema` prints what they
/// mean. Paths are relative to the current folder, wherever the file lies: an override then means the same as
/// the line it replaces.
struct Config {
  struct Data {
    std::string file;   ///< a dataset; empty: none
    Index blocks = 64;  ///< that the rows of a Stan program's JSON are cut into
  } data;
  struct ModelTable {
    std::string type;     ///< the name of a ModelKind
    std::string formula;  ///< of a dataset's columns
    GlmOptions glm;       ///< of a likelihood
    Index nodes = 0;      ///< of the quadrature over effects of groups, in each of these; 0 = automatic
    std::string library;  ///< of stan and plugin
    std::string source;   ///< of stan: the program, from which `library` is built
    std::string data;     ///< of stan: JSON file
    StanShard shard;      ///< of stan: no size = not in shards
    std::string options;  ///< of a plugin
    /// What its kind has or takes; of no kind, nothing.
    bool is(bool ModelKind::*what) const;
    bool is_glm() const;
    bool has_groups() const;  ///< the formula has effects of groups
    bool is_sharded() const { return is(&ModelKind::takes_shard) && !shard.size.empty(); }
  } model;
  FamilyOptions family{.type = "auto"};
  struct Fit {
    Mode mode = Mode::synchronous;
    std::string sampling = "auto";  ///< of family auto: by what the posterior is sampled
    Index blocks_per_step = 64;
    Index draws_per_step = 0;  ///< 0 = automatic; synchronous: at least what the dimension needs
    std::string optimizer = "averaged_adam";
    double rate = 0.0;  ///< 0 = automatic
    Index max_steps = 20000;
    double max_time = 0.0;  ///< [s]; 0 = none
    std::uint64_t seed = 1;
    int threads = 1;
  } fit;
  struct Output {
    std::string directory = "run";
    Index draws = 4000;
    double checkpoint_seconds = 60.0;  ///< one of the two is 0
    Index checkpoint_steps = 0;
    bool log_likelihood = false;
    bool log_prior = false;
    bool posterior_predictive = false;
    std::string group_effects = "moments";  ///< what the result holds of each group's
  } output;
};

/// The effective configuration: every key, as TOML, each on a line of its own.
std::string to_toml(const Config& config);
/// Of a text that to_toml wrote: the values, as written there, by table.key. Only what applied and was set.
std::map<std::string, std::string> written_values(const std::string& toml);

/// Keys that differ between two texts that to_toml wrote and matter to the fit's bits, each as "fit.seed: 1
/// in the checkpoint, 2 now"; keys such as max_time or threads may change on resume.
std::vector<std::string> differences(const std::string& checkpoint, const std::string& now);

/// Every key with type, default, range, unit and meaning, as `vfe schema` prints it; of one table or, for "",
/// of all. Throws Fault::usage on an unknown table.
std::string schema_text(const std::string& table);

/// "90", "60s", "15m", "23h50m", "1d12h" in seconds; throws std::invalid_argument.
double parse_duration(const std::string& text);

}  // namespace vfe
