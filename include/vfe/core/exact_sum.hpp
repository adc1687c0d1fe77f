#pragma once
#include <cstdint>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Sums of doubles that do not depend on the order of the additions. Each |x| < limit is cut into four signed
/// limbs of weight 2^40, 1, 2^-40, 2^-80 held in int64 (x is rounded once, to a multiple of 2^-80); integer
/// additions are associative, so threads and ranks may add in any order and get the same bits. A value that
/// is out of range or not finite is not added but counted, per sum. A sum itself must stay below 2^102.
class ExactSum {
 public:
  static constexpr double limit = 0x1p79;

  explicit ExactSum(Index size);  ///< `size` sums, all zero

  Index size() const { return size_; }
  void clear();
  /// Makes it `size` sums, all zero; memory once held is kept.
  void resize(Index size);
  /// Adds x[i] to sum i.
  void add(const double* x);
  void add(const ExactSum& other);
  /// Carries excess of each limb into the next, so that limbs stay below 2^40 in magnitude (the top one
  /// excepted). The sums do not change. add() does it when limbs fill up; to be called before a reduction,
  /// which may then add up to 2^22 of them.
  void normalise();
  /// Sets x[i] to the double nearest to sum i; NaN where a value was refused.
  void value(double* x) const;
  /// Number of values refused by sum i.
  std::int64_t refused(Index i) const { return limbs_[static_cast<std::size_t>(4 * size_ + i)]; }

  /// The integers, for a reduction: 5 * size of them (four limbs, then the counts of refused values).
  std::vector<std::int64_t>& limbs() { return limbs_; }
  const std::vector<std::int64_t>& limbs() const { return limbs_; }

 private:
  Index size_ = 0;
  std::int64_t additions_ = 0;  ///< since limbs were last known to be below 2^40
  std::vector<std::int64_t> limbs_;
};

}  // namespace vfe
