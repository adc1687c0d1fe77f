#include "data/simulated_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "data/simulated_steps.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

bool holds(const GroupTerms& of, const std::vector<Index>& columns) {
  return std::ranges::all_of(columns,
                             [&](Index column) { return std::ranges::count(of.columns, column) > 0; });
}

/// The columns of the grouping of most groups among those that hold no other.
std::vector<Index> outer_columns(const std::vector<GroupTerms>& effects, const TableSchema& table,
                                 const std::map<std::string, Index>& levels) {
  const GroupTerms* outer = nullptr;
  double most = 0.0;
  for (const GroupTerms& of : effects) {
    if (std::ranges::any_of(
            effects, [&](const GroupTerms& other) { return &other != &of && holds(of, other.columns); }))
      continue;
    double groups = 1.0;
    for (const Index column : of.columns) groups *= static_cast<double>(levels.at(table[column].name));
    if (groups <= most) continue;
    most = groups;
    outer = &of;
  }
  return outer == nullptr ? std::vector<Index>() : outer->columns;
}

}  // namespace

SimulatedGroups::SimulatedGroups(const std::vector<GroupTerms>& effects, const TableSchema& table,
                                 const std::map<std::string, Index>& levels, Index rows, std::uint64_t seed)
    : rows_(rows), seed_(seed), table_(table), columns_(outer_columns(effects, table, levels)) {
  while (true) {
    const GroupTerms* next = nullptr;
    for (const GroupTerms& of : effects) {
      if (of.columns.size() <= columns_.size() || !holds(of, columns_)) continue;
      if (next == nullptr || of.columns.size() < next->columns.size()) next = &of;
    }
    if (next == nullptr) break;
    for (const Index column : next->columns)
      if (std::ranges::count(columns_, column) == 0) columns_.push_back(column);
  }
  const std::vector<Index> slots = table.slots();
  for (const Index column : columns_) {
    slots_.push_back(slots[static_cast<std::size_t>(column)]);
    counts_.push_back(levels.at(table[column].name));
  }
  if (!counts_.empty() && counts_.front() > rows)
    throw Error(Fault::usage,
                fmt::format("simulating: {} groups of {} in {} rows, expected at most one a row",
                            counts_.front(), table[columns_.front()].name, rows));
}

Index SimulatedGroups::begin(Index group) const {
  // Ends are moved by up to a quarter of a group's share: each knows its place without the others'.
  if (group == 0) return 0;
  if (group == counts_.front()) return rows_;
  const auto number = static_cast<std::uint64_t>(group);
  const Address at{.seed = seed_,
                   .purpose = Purpose::simulate,
                   .step = sizes_step,
                   .draw = static_cast<std::uint32_t>(number),
                   .block = static_cast<std::uint32_t>(number >> 32)};
  const double place = static_cast<double>(group) + 0.5 * (uniform(at, 0) - 0.5);
  return static_cast<Index>(static_cast<double>(rows_) * place / static_cast<double>(counts_.front()));
}

Index SimulatedGroups::group_of(Index row) const {
  const double share = static_cast<double>(row) / static_cast<double>(rows_);
  Index group =
      std::min(static_cast<Index>(share * static_cast<double>(counts_.front())), counts_.front() - 1);
  while (begin(group) > row) --group;
  while (begin(group + 1) <= row) ++group;
  return group;
}

Blocks SimulatedGroups::blocks(Index block_rows) const {
  if (columns_.empty()) return Blocks::of_equal(rows_, block_rows);
  std::vector<Index> offsets = {0};
  while (offsets.back() < rows_) {
    const Index full = std::min(offsets.back() + block_rows, rows_);
    offsets.push_back(begin(group_of(full - 1) + 1));
  }
  return Blocks::of_offsets(std::move(offsets));
}

void SimulatedGroups::set(TableRows& rows) const {
  if (columns_.empty()) return;
  Index group = group_of(rows.first_row), first = begin(group), last = begin(group + 1);
  for (Index row = 0; row < rows.num_rows; ++row) {
    const Index at = rows.first_row + row;
    for (; at >= last; last = begin(group + 1)) {
      first = last;
      ++group;
    }
    Index code = group, begins = first, ends = last;
    for (std::size_t level = 0; level < columns_.size(); ++level) {
      if (level > 0) {  // row j of n is in group floor(j count / n)
        const Index count = counts_[level], size = ends - begins;
        code = (at - begins) * count / size;
        ends = begins + ((code + 1) * size + count - 1) / count;
        begins += (code * size + count - 1) / count;
      }
      if (table_[columns_[level]].type == ColumnType::factor) {
        rows.codes(row, slots_[level]) = static_cast<std::int32_t>(code);
      } else {
        rows.integers(row, slots_[level]) = code + 1;
      }
    }
  }
}

}  // namespace vfe
