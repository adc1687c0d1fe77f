#include "problem/groups_together.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/model/mixed.hpp"
#include "vfe/problem/group_names.hpp"

namespace vfe {
namespace {

std::vector<std::string> keys_of(const GroupEffects& effects, const DesignSchema& design) {
  std::vector<std::string> names;
  for (const Index key : effects.keys) names.push_back(design.keys[static_cast<std::size_t>(key)].name);
  return names;
}

/// Those of the groups whose effects are integrated, of the outer ones first.
std::vector<std::string> wanted_order(const DesignSchema& design) {
  std::vector<std::string> wanted = keys_of(design.effects[integrated_effects(design)], design);
  if (const std::optional<std::size_t> outer = outer_effects(design)) {
    const std::vector<std::string> first = keys_of(design.effects[*outer], design);
    std::ranges::stable_partition(
        wanted, [&](const std::string& name) { return std::ranges::count(first, name) > 0; });
  }
  return wanted;
}

std::string advice(const DesignSchema& design) {
  return fmt::format("import the table again with vfe import --group {}",
                     fmt::join(wanted_order(design), "/"));
}

/// Each run of rows of one group in one block of this rank's.
struct GroupRuns {
  std::vector<std::int64_t> codes;  ///< those of `keys`, run after run
  std::vector<Index> rows;          ///< the first of each, in the dataset
};

/// Of the inner groups or the outer ones, which have the keys at those places among the inner's.
GroupRuns find_runs(const LocalModel& model, const std::vector<Index>& keys, bool is_outer,
                    const ShardOfFile& shard) {
  GroupRuns runs;
  for (Index block = 0; block < model.blocks(); ++block) {
    const GroupCodes codes = model.group_codes(block);
    const std::vector<Index> sizes = model.group_rows(block);
    std::vector<Index> first_rows(sizes.size());
    std::exclusive_scan(sizes.begin(), sizes.end(), first_rows.begin(),
                        shard.schema().blocks.first(shard.first_block() + block));
    std::vector<Index> groups(sizes.size());
    std::iota(groups.begin(), groups.end(), Index{0});
    if (is_outer) {
      groups = model.outer_groups(block);
      groups.pop_back();  // the end
    }
    for (const Index group : groups) {
      for (const Index key : keys) runs.codes.push_back(codes(group, key));
      runs.rows.push_back(first_rows[static_cast<std::size_t>(group)]);
    }
  }
  return runs;
}

struct TwoRuns {
  Index first = 0, second = 0;
};

/// The first run of a group that has had one.
std::optional<TwoRuns> find_second_run(const std::vector<std::int64_t>& codes, std::size_t keys) {
  const auto of = [&](Index run) {
    return std::span(codes).subspan(static_cast<std::size_t>(run) * keys, keys);
  };
  std::vector<Index> order(codes.size() / keys);
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::sort(order, [&](Index a, Index b) {
    const auto left = of(a), right = of(b);
    const auto [x, y] = std::ranges::mismatch(left, right);
    return x == left.end() ? a < b : *x < *y;
  });
  std::optional<TwoRuns> found;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (!std::ranges::equal(of(order[i - 1]), of(order[i]))) continue;
    if (!found || order[i] < found->second) found = {order[i - 1], order[i]};
  }
  return found;
}

/// [collective] `effects` are those integrated, or those that they are nested in.
void require_one_run_each(const Communicator& comm, const std::string& file, const GroupEffects& effects,
                          const DesignSchema& design, const LocalModel& model, const ShardOfFile& shard) {
  const GroupEffects& inner = design.effects[integrated_effects(design)];
  std::vector<Index> keys;
  for (const Index key : effects.keys)
    keys.push_back(std::ranges::find(inner.keys, key) - inner.keys.begin());
  const GroupRuns own = find_runs(model, keys, &effects != &inner, shard);

  const std::string bytes(reinterpret_cast<const char*>(own.codes.data()),
                          own.codes.size() * sizeof(std::int64_t));
  std::vector<std::int64_t> codes;
  for (const std::string& piece : comm.gather(bytes)) {
    const std::size_t before = codes.size();
    codes.resize(before + piece.size() / sizeof(std::int64_t));
    if (!piece.empty()) std::memcpy(&codes[before], piece.data(), piece.size());
  }
  std::optional<TwoRuns> twice;
  comm.on_root("loading data", [&] { twice = find_second_run(codes, keys.size()); });

  // Which rows they are knows the rank that has them.
  std::vector<std::int64_t> places{twice ? twice->first : -1, twice ? twice->second : -1};
  comm.max(places);
  if (places[0] < 0) return;
  std::vector<std::int64_t> first_run(static_cast<std::size_t>(comm.size()) + 1, 0);
  first_run[static_cast<std::size_t>(comm.rank()) + 1] = std::ssize(own.rows);
  comm.sum(first_run);
  std::partial_sum(first_run.begin(), first_run.end(), first_run.begin());
  const std::int64_t begin = first_run[static_cast<std::size_t>(comm.rank())];
  std::vector<std::int64_t> rows;
  for (const std::int64_t place : places) {
    const bool is_own = place >= begin && place < begin + std::ssize(own.rows);
    rows.push_back(is_own ? own.rows[static_cast<std::size_t>(place - begin)] : 0);
  }
  comm.sum(rows);
  comm.on_root("loading data", [&] {
    const GroupNames names(keys_of(effects, design), shard.schema());
    throw Error(
        Fault::data,
        fmt::format("{}: rows of the group {} of {} begin at {} and again at {}, expected them together and "
                    "in one block, as /grouped_by says that they are: {}",
                    file, names.name(&codes[static_cast<std::size_t>(places[0]) * keys.size()]), effects.name,
                    shard.name_row(rows[0]), shard.name_row(rows[1]), advice(design)));
  });
}

}  // namespace

void require_grouped_by(const DesignSchema& design, const DatasetSchema& table) {
  const std::vector<std::string>& by = table.grouped_by;
  const auto together = [&](const GroupEffects& effects) {
    const std::vector<std::string> keys = keys_of(effects, design);
    const std::size_t levels = std::min(keys.size(), by.size());
    return std::set(keys.begin(), keys.end()) ==
           std::set(by.begin(), by.begin() + static_cast<std::ptrdiff_t>(levels));
  };
  const GroupEffects& effects = design.effects[integrated_effects(design)];
  const std::optional<std::size_t> outer = outer_effects(design);
  if (together(effects) && (!outer || together(design.effects[*outer]))) return;
  throw Error(Fault::data,
              fmt::format("the rows of each of the groups {} must stand together, and {}: {}", effects.name,
                          by.empty() ? "the dataset's are in any order"
                                     : fmt::format("the dataset's are by {}", fmt::join(by, "/")),
                          advice(design)));
}

void require_groups_together(const Communicator& comm, const std::string& file, const DesignSchema& design,
                             const LocalModel& model, const ShardOfFile& shard) {
  require_one_run_each(comm, file, design.effects[integrated_effects(design)], design, model, shard);
  if (const std::optional<std::size_t> outer = outer_effects(design))
    require_one_run_each(comm, file, design.effects[*outer], design, model, shard);
}

}  // namespace vfe
