#include "data/row_order.hpp"

#include <utility>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr std::uint64_t set_aside = std::uint64_t{1} << 63;

std::uint64_t random_word(const Address& at, std::uint32_t counter) {
  const auto bits = random_bits(at, counter);
  return (std::uint64_t{bits[0]} << 32) | bits[1];
}

}  // namespace

/// Steele, Lea and Flood (2014), with the constants of Stafford's mix 13: every step can be undone.
std::uint64_t scrambled(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

RowOrder::RowOrder(std::uint64_t seed, double holdout, std::vector<std::size_t> groups)
    : seed_(seed),
      first_key_(random_word({.seed = seed, .purpose = Purpose::shuffle, .draw = 1}, 0)),
      holdout_(holdout),
      groups_(std::move(groups)) {}

void RowOrder::set_keys(std::span<std::uint64_t> record, Index row, std::int64_t line) const {
  // Not a hash, of which two groups might have the same and then stand among each other: of one group
  // outside, each that is inside has a key of its own.
  std::uint64_t outer = first_key_;
  for (std::size_t level = 0; level < groups_.size(); ++level) {
    outer = scrambled(cells(record)[groups_[level]] ^ outer);
    record[level] = outer;
  }
  const auto number = static_cast<std::uint64_t>(row);
  Address at{.seed = seed_, .purpose = Purpose::shuffle, .step = static_cast<std::uint32_t>(number >> 32)};
  const auto low = static_cast<std::uint32_t>(number);
  std::uint64_t place = random_word(at, low) >> 1;
  at.purpose = Purpose::holdout;
  if (holdout_ > 0.0 && uniform(at, low) < holdout_) place |= set_aside;
  record[groups_.size()] = place;
  record[groups_.size() + 1] = static_cast<std::uint64_t>(line);
}

bool RowOrder::is_aside(std::span<const std::uint64_t> record) const {
  return (record[groups_.size()] & set_aside) != 0;
}

std::int64_t RowOrder::line(std::span<const std::uint64_t> record) const {
  return static_cast<std::int64_t>(record[groups_.size() + 1]);
}

}  // namespace vfe
