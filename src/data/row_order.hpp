#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// The order that rows are stored in, a function of a seed, their numbers and their groups: the keys by which
/// records of rows are sorted. A record begins with a key for each level of groups, one of the row and its
/// line; then come its cells.
class RowOrder {
 public:
  /// `groups`: of each level, the outer first, the place of what names them among the cells. `holdout`: the
  /// share of the rows that is set aside.
  RowOrder(std::uint64_t seed, double holdout, std::vector<std::size_t> groups);

  std::size_t num_keys() const { return groups_.size() + 2; }
  /// Sets the keys of a record that has its cells.
  void set_keys(std::span<std::uint64_t> record, Index row, std::int64_t line) const;
  bool is_aside(std::span<const std::uint64_t> record) const;
  std::int64_t line(std::span<const std::uint64_t> record) const;
  template <class Word>
  std::span<Word> cells(std::span<Word> record) const {
    return record.subspan(num_keys());
  }

 private:
  std::uint64_t seed_, first_key_;
  double holdout_;
  std::vector<std::size_t> groups_;
};

/// Another number for each number, without any order: a permutation of them.
std::uint64_t scrambled(std::uint64_t number);

}  // namespace vfe
