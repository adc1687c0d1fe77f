#include "vfe/core/exact_sum.hpp"

#include <bit>
#include <limits>

// The inner loop is compiled for every instruction set that the compiler knows, and the best that the CPU has
// is chosen when the program runs. All give the same bits: every operation in it is exact or a rounding to
// nearest.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/exact_sum.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vfe::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adding 1.5 * 2^52 rounds a number below 2^51 to an integer and leaves that integer in the low bits.
constexpr double integer_maker = 0x1.8p52;

template <class D>
class Cutter {
 public:
  explicit Cutter(D d) : d_(d) {}

  // Adds lanes of x to the limbs at `limb` (planes `size` apart), and counts refusals.
  HWY_INLINE void add(const double* x, std::int64_t* limb, std::size_t size) const {
    auto rest = hn::LoadU(d_, x);
    const auto accepted = hn::Lt(hn::Abs(rest), hn::Set(d_, ExactSum::limit));  // false of NaN
    if (HWY_UNLIKELY(!hn::AllTrue(d_, accepted))) {
      const auto ones = hn::Set(whole_, 1);
      const auto refused = hn::IfThenZeroElse(hn::RebindMask(whole_, accepted), ones);
      accumulate(limb + 4 * size, refused);
      rest = hn::IfThenElseZero(accepted, rest);
    }
    accumulate(limb, cut(rest, 0x1p-40, 0x1p40));
    accumulate(limb + size, cut(rest, 1.0, 1.0));
    accumulate(limb + 2 * size, cut(rest, 0x1p40, 0x1p-40));
    accumulate(limb + 3 * size, cut(rest, 0x1p80, 0x1p-80));
  }

 private:
  using Real = hn::Vec<D>;
  using Whole = hn::Rebind<std::int64_t, D>;

  // Takes from `rest` the integer nearest to rest * scale, of weight `weight` = 1 / scale.
  HWY_INLINE hn::Vec<Whole> cut(Real& rest, double scale, double weight) const {
    const auto maker = hn::Set(d_, integer_maker);
    const auto made = hn::Add(hn::Mul(rest, hn::Set(d_, scale)), maker);
    rest = hn::Sub(rest, hn::Mul(hn::Sub(made, maker), hn::Set(d_, weight)));
    return hn::Sub(hn::BitCast(whole_, made), hn::BitCast(whole_, maker));
  }

  HWY_INLINE void accumulate(std::int64_t* limb, hn::Vec<Whole> numbers) const {
    hn::StoreU(hn::Add(hn::LoadU(whole_, limb), numbers), whole_, limb);
  }

  D d_;
  Whole whole_;
};

void add_numbers(const double* x, std::size_t size, std::int64_t* limbs) {
  const hn::ScalableTag<double> full;
  const hn::CappedTag<double, 1> single;
  const Cutter<decltype(full)> many(full);
  const Cutter<decltype(single)> one(single);
  const std::size_t lanes = hn::Lanes(full);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) many.add(x + i, limbs + i, size);
  for (; i < size; ++i) one.add(x + i, limbs + i, size);
}

}  // namespace vfe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vfe {
namespace {

HWY_EXPORT(add_numbers);

constexpr int limb_bits = 40;
constexpr std::int64_t limb_base = std::int64_t{1} << limb_bits;
constexpr std::int64_t max_additions = std::int64_t{1} << 22;

// Four limbs as a magnitude of 192 bits, in units of 2^-80, and its sign.
struct Magnitude {
  std::uint64_t low, middle, high;
  bool negative;
};

// Carries until the three lower limbs are in [0, 2^40); the sign is then that of the top one.
void carry(std::int64_t (&limb)[4]) {
  for (int k = 3; k > 0; --k) {
    limb[k - 1] += limb[k] >> limb_bits;
    limb[k] &= limb_base - 1;
  }
}

Magnitude magnitude(const std::int64_t (&limbs)[4]) {
  std::int64_t limb[4] = {limbs[0], limbs[1], limbs[2], limbs[3]};
  carry(limb);
  const bool negative = limb[0] < 0;
  if (negative) {
    for (std::int64_t& part : limb) part = -part;
    carry(limb);
  }
  const auto part = [&limb](int k) { return static_cast<std::uint64_t>(limb[k]); };
  return {part(3) | part(2) << 40, part(2) >> 24 | part(1) << 16 | part(0) << 56, part(0) >> 8, negative};
}

// Exponents here are those of normal numbers, where a product with this is exact; ldexp is a slow call.
double power_of_two(int exponent) {
  return std::bit_cast<double>(std::uint64_t(1023 + exponent) << 52);
}

// The nearest double, ties to even. Of a long number the conversion sees the leading 64 bits, the last of
// which also stands for anything dropped behind it: it is beyond the 54th, so rounding happens once.
double nearest(const Magnitude& number) {
  std::uint64_t upper = number.high, lower = number.middle, below = number.low;
  int exponent = 48;  // weight of upper's last bit: 128 - 80
  for (int k = 0; k < 2 && upper == 0; ++k, exponent -= 64) {
    upper = lower;
    lower = below;
    below = 0;
  }
  const int shift = std::countl_zero(upper);
  if (upper != 0 && shift > 0) {
    upper = upper << shift | lower >> (64 - shift);
    lower <<= shift;
  }
  if ((lower | below) != 0) upper |= 1;
  const double value = static_cast<double>(upper) * power_of_two(exponent - shift);
  return number.negative ? -value : value;
}

}  // namespace

ExactSum::ExactSum(Index size) {
  resize(size);
}

void ExactSum::resize(Index size) {
  size_ = size;
  additions_ = 0;
  limbs_.assign(static_cast<std::size_t>(5 * size), 0);
}

void ExactSum::clear() {
  resize(size_);
}

void ExactSum::add(const double* x) {
  if (additions_ >= max_additions) normalise();
  ++additions_;
  HWY_DYNAMIC_DISPATCH(add_numbers)(x, static_cast<std::size_t>(size_), limbs_.data());
}

void ExactSum::add(const ExactSum& other) {
  if (additions_ + other.additions_ >= max_additions) normalise();
  additions_ += other.additions_ + 1;
  for (std::size_t i = 0; i < limbs_.size(); ++i) limbs_[i] += other.limbs_[i];
}

void ExactSum::normalise() {
  additions_ = 0;
  const auto size = static_cast<std::size_t>(size_);
  for (std::size_t k = 3; k > 0; --k) {
    std::int64_t* lower = limbs_.data() + k * size;
    std::int64_t* upper = lower - size;
    for (std::size_t i = 0; i < size; ++i) {
      const std::int64_t excess = (lower[i] + limb_base / 2) >> limb_bits;
      lower[i] -= excess * limb_base;
      upper[i] += excess;
    }
  }
}

void ExactSum::value(double* x) const {
  for (Index i = 0; i < size_; ++i) {
    const auto at = [&](Index k) { return limbs_[static_cast<std::size_t>(k * size_ + i)]; };
    x[i] = refused(i) != 0 ? std::numeric_limits<double>::quiet_NaN()
                           : nearest(magnitude({at(0), at(1), at(2), at(3)}));
  }
}

}  // namespace vfe
#endif  // HWY_ONCE
