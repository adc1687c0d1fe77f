#include "formula/need_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/formula/basis.hpp"

namespace vfe {

namespace {

using Search = DesignStatistics::Search;

constexpr std::size_t max_levels = 10000;

[[noreturn]] void fail_equal(const std::string& name, double value) {
  throw Error(Fault::data,
              fmt::format("formula: {}: every value is {}, expected different ones", name, value));
}

/// A power of two, so that dividing by it rounds nothing, and below it any number up to `largest` in
/// magnitude.
double power_above(double largest) {
  return largest > 0.0 ? std::ldexp(1.0, std::min(std::ilogb(largest), 1022) + 1) : 1.0;
}

/// Of one expression.
class ExpressionSearch : public Search {
 public:
  explicit ExpressionSearch(NumberExpression of) : of_(std::move(of)) {}

  std::optional<UnusableValue> add(const TableRows& rows, const std::vector<Vector>& statistics,
                                   NeedSums& sums) const final {
    Vector values(rows.num_rows);
    if (auto unusable = of_.evaluate(rows, statistics, values)) return unusable;
    if (values.size() > 0) add(values, sums);
    return std::nullopt;
  }

 protected:
  virtual void add(const Vector& values, NeedSums& sums) const = 0;
  const std::string& name() const { return of_.name; }

 private:
  NumberExpression of_;
};

void add_range(const Vector& values, NeedSums& sums) {
  sums.low = std::min(sums.low, values.minCoeff());
  sums.high = std::max(sums.high, values.maxCoeff());
}

/// Mean, sd, and polynomials beyond these. Range first, by which numbers are brought near 1: exact sums have
/// a smallest digit and a greatest.
class MomentSearch : public ExpressionSearch {
 public:
  explicit MomentSearch(const DesignNeed& need)
      : ExpressionSearch(need.of), kind_(need.kind), degree_(need.count) {}

  NeedSums begin(const std::vector<Vector>&) const final {
    NeedSums sums;
    sums.sums.resize(pass_ == 0 ? 0 : pass_ == 1 ? 1 : 2);
    return sums;
  }

  std::optional<Vector> end(const NeedSums& sums) final {
    double sum[2] = {0.0, 0.0};
    sums.sums.value(sum);
    const auto rows = static_cast<double>(sums.rows);
    switch (pass_++) {
      case 0:
        if (sums.low == sums.high && kind_ != DesignNeed::Kind::mean) fail_equal(name(), sums.low);
        found_.scale = power_above(std::max(std::abs(sums.low), std::abs(sums.high)));
        low_ = sums.low;
        high_ = sums.high;
        return std::nullopt;
      case 1:
        found_.mean = std::clamp(sum[0] / rows * found_.scale, low_, high_);
        if (kind_ == DesignNeed::Kind::mean) return Vector::Constant(1, found_.mean);
        found_.scale = power_above(std::max(high_ - found_.mean, found_.mean - low_));
        found_.norm = {rows};
        found_.alpha = {0.0};
        return std::nullopt;
      default:
        return end_of_polynomial(sum[0], sum[1], rows);
    }
  }

 private:
  void add(const Vector& values, NeedSums& sums) const final {
    if (pass_ == 0) return add_range(values, sums);
    if (pass_ == 1) {
      const double sum = (values / found_.scale).sum();
      return sums.sums.add(&sum);
    }
    const Vector u = (values.array() - found_.mean) / found_.scale;
    Vector before = Vector::Zero(u.size()), p = Vector::Ones(u.size()), next(u.size());
    for (std::size_t k = 0; k < found_.alpha.size(); ++k) {
      found_.next(static_cast<Index>(k), u, p, before, next);
      before.swap(p);
      p.swap(next);
    }
    const double sum[2] = {p.squaredNorm(), p.cwiseAbs2().dot(u)};
    sums.sums.add(sum);
  }

  /// `norm` and `moment` are sums of p^2 and of u p^2 of the highest polynomial yet.
  std::optional<Vector> end_of_polynomial(double norm, double moment, double rows) {
    if (kind_ == DesignNeed::Kind::mean_and_sd) {
      return Vector{{found_.mean, std::sqrt(norm / (rows - 1.0)) * found_.scale}};
    }
    if (!(norm > 1e-24 * found_.norm.back())) {
      throw Error(Fault::data,
                  fmt::format("formula: poly({}) of degree {}: its values determine no degree above {}",
                              name(), degree_, found_.norm.size() - 1));
    }
    found_.norm.push_back(norm);
    if (static_cast<Index>(found_.norm.size()) > degree_) return found_.packed();
    found_.alpha.push_back(moment / norm);
    return std::nullopt;
  }

  DesignNeed::Kind kind_;
  Index degree_;
  int pass_ = 0;
  double low_ = 0.0, high_ = 0.0;
  Polynomials found_;
};

/// The ends of a spline and its knots, quantiles of type 7 (Hyndman and Fan 1996): the values at some ranks,
/// whose bits are found `digit_bits` at a time by counting the rows that share those found yet.
class KnotSearch : public ExpressionSearch {
 public:
  explicit KnotSearch(const DesignNeed& need)
      : ExpressionSearch(need.of), knots_(need.knots), count_(need.count) {}

  NeedSums begin(const std::vector<Vector>&) const final {
    NeedSums sums;
    sums.counts.assign(prefixes_.size() << digit_bits, 0);
    return sums;
  }

  std::optional<Vector> end(const NeedSums& sums) final {
    if (shift_ == first_shift) {
      low_ = sums.low;
      high_ = sums.high;
      if (low_ == high_) fail_equal(name(), low_);
      if (!knots_.empty() || count_ == 0) return answer(knots_);
      find_ranks(sums.rows);
    }
    for (Rank& rank : ranks_) find_digit(rank, sums.counts);
    if (shift_ == 0) return answer(quantiles());
    shift_ = std::max(0, shift_ - digit_bits);
    prefixes_.clear();
    for (const Rank& rank : ranks_) prefixes_.push_back(rank.key >> (shift_ + bits_at(shift_)));
    std::sort(prefixes_.begin(), prefixes_.end());
    prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end()), prefixes_.end());
    return std::nullopt;
  }

 private:
  static constexpr int digit_bits = 11, first_shift = 64 - digit_bits;
  /// The last digit has the bits that are left.
  static int bits_at(int shift) { return shift == 0 ? 64 % digit_bits : digit_bits; }

  struct Rank {
    std::int64_t below = 0;  ///< rows below it, among those that share its digits
    std::uint64_t key = 0;   ///< its digits found, and zeros
  };

  /// Integers in the order of the numbers.
  static std::uint64_t key_of(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x + 0.0);  // -0 is 0
    return bits >> 63 != 0 ? ~bits : bits | std::uint64_t{1} << 63;
  }
  static double number_of(std::uint64_t key) {
    return std::bit_cast<double>(key >> 63 != 0 ? key & ~(std::uint64_t{1} << 63) : ~key);
  }

  void add(const Vector& values, NeedSums& sums) const final {
    add_range(values, sums);
    if (!knots_.empty() || count_ == 0) return;
    const int bits = bits_at(shift_);
    for (double value : values) {
      const std::uint64_t key = key_of(value);
      const std::size_t place = place_of(key);
      if (place < prefixes_.size()) ++sums.counts[place << digit_bits | (key >> shift_ & ((1u << bits) - 1))];
    }
  }

  /// Where the digits before this one stand among those that matter; prefixes_.size() where nowhere.
  std::size_t place_of(std::uint64_t key) const {
    if (shift_ == first_shift) return 0;
    const std::uint64_t prefix = key >> (shift_ + bits_at(shift_));
    const auto place = std::lower_bound(prefixes_.begin(), prefixes_.end(), prefix);
    return place != prefixes_.end() && *place == prefix ? static_cast<std::size_t>(place - prefixes_.begin())
                                                        : prefixes_.size();
  }

  void find_ranks(std::int64_t rows) {
    for (Index k = 1; k <= count_; ++k) {
      const double place =
          static_cast<double>(rows - 1) * (static_cast<double>(k) / static_cast<double>(count_ + 1));
      const auto rank = static_cast<std::int64_t>(place);
      shares_.push_back(place - static_cast<double>(rank));
      ranks_.push_back({rank});
      ranks_.push_back({std::min(rank + 1, rows - 1)});
    }
  }

  void find_digit(Rank& rank, const std::vector<std::int64_t>& counts) const {
    std::size_t digit = 0;
    for (const std::size_t begin = place_of(rank.key) << digit_bits; rank.below >= counts[begin + digit];
         ++digit) {
      rank.below -= counts[begin + digit];
    }
    rank.key |= static_cast<std::uint64_t>(digit) << shift_;
  }

  std::vector<double> quantiles() const {
    std::vector<double> quantiles;
    for (std::size_t k = 0; k < shares_.size(); ++k) {
      const double lower = number_of(ranks_[2 * k].key), upper = number_of(ranks_[2 * k + 1].key);
      quantiles.push_back(lower == upper ? lower : (1.0 - shares_[k]) * lower + shares_[k] * upper);
    }
    return quantiles;
  }

  Vector answer(const std::vector<double>& knots) const {
    Vector answer(2 + static_cast<Index>(knots.size()));
    answer << low_, high_, Eigen::Map<const Vector>(knots.data(), static_cast<Index>(knots.size()));
    for (double knot : knots) {
      if (knot > low_ && knot < high_) continue;
      const std::string found = fmt::format("formula: spline of {}: a knot at {}", name(), knot);
      if (!knots_.empty()) {
        throw Error(Fault::config, fmt::format("{}, expected one between {} and {}", found, low_, high_));
      }
      throw Error(Fault::data,
                  found + ", where the values end: too many of them are equal for so many knots");
    }
    return answer;
  }

  std::vector<double> knots_;
  Index count_;
  int shift_ = first_shift;
  double low_ = 0.0, high_ = 0.0;
  std::vector<Rank> ranks_;                 ///< two for each quantile
  std::vector<double> shares_;              ///< of the second of them
  std::vector<std::uint64_t> prefixes_{0};  ///< the digits of some rank, rising
};

class LevelSearch : public ExpressionSearch {
 public:
  using ExpressionSearch::ExpressionSearch;

  NeedSums begin(const std::vector<Vector>&) const final { return {}; }
  std::optional<Vector> end(const NeedSums& sums) final {
    if (sums.levels.size() > max_levels) {
      throw Error(Fault::config,
                  fmt::format("formula: factor({}) has more than {} levels", name(), max_levels));
    }
    if (sums.levels.size() < 2) fail_equal("factor(" + name() + ")", *sums.levels.begin());
    const std::vector<double> levels(sums.levels.begin(), sums.levels.end());
    return Vector(Eigen::Map<const Vector>(levels.data(), static_cast<Index>(levels.size())));
  }

 private:
  void add(const Vector& values, NeedSums& sums) const final {
    for (double value : values)
      if (sums.levels.size() <= max_levels) sums.levels.insert(value + 0.0);
  }
};

class CellSearch : public Search {
 public:
  explicit CellSearch(Cells cells) : cells_(std::move(cells)) {}

  NeedSums begin(const std::vector<Vector>& statistics) const final {
    NeedSums sums;
    sums.counts.assign(static_cast<std::size_t>(cells_.size(statistics)), 0);
    return sums;
  }
  std::optional<UnusableValue> add(const TableRows& rows, const std::vector<Vector>& statistics,
                                   NeedSums& sums) const final {
    Eigen::VectorXi cells(rows.num_rows);
    if (auto unusable = cells_.evaluate(rows, statistics, cells)) return unusable;
    for (int cell : cells)
      if (cell >= 0) ++sums.counts[static_cast<std::size_t>(cell)];
    return std::nullopt;
  }
  std::optional<Vector> end(const NeedSums& sums) final {
    std::vector<double> empty;
    for (std::size_t cell = 0; cell < sums.counts.size(); ++cell)
      if (sums.counts[cell] == 0) empty.push_back(static_cast<double>(cell));
    return Vector(Eigen::Map<const Vector>(empty.data(), static_cast<Index>(empty.size())));
  }

 private:
  Cells cells_;
};

}  // namespace

std::unique_ptr<Search> Search::of(const DesignNeed& need) {
  switch (need.kind) {
    case DesignNeed::Kind::knots:
      return std::make_unique<KnotSearch>(need);
    case DesignNeed::Kind::levels:
      return std::make_unique<LevelSearch>(need.of);
    case DesignNeed::Kind::cells:
      return std::make_unique<CellSearch>(need.cells);
    default:
      return std::make_unique<MomentSearch>(need);
  }
}

}  // namespace vfe
