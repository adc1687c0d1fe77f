#include "vfe/core/exact_sum.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

__extension__ using Wide = unsigned __int128;

// The slow, obvious twin: one long two's complement integer in units of 2^-80, of 256 bits in 32-bit words.
class LongSum {
 public:
  void add(double x) {
    int exponent = 0;
    const double fraction = std::frexp(x, &exponent);
    auto mantissa = static_cast<std::int64_t>(std::ldexp(std::abs(fraction), 53));
    int shift = exponent - 53 + 80;
    if (shift < 0) {  // rounded to a multiple of 2^-80, ties to even
      mantissa = std::llrint(std::ldexp(static_cast<double>(mantissa), std::max(shift, -1000)));
      shift = 0;
    }
    std::uint64_t carry = 0;
    for (int word = 0; word < 8; ++word) {
      const int low = 32 * word - shift;  // the bit of the mantissa that stands at this word's bit 0
      std::uint64_t bits = 0;
      if (low >= 0 && low < 64) bits = static_cast<std::uint64_t>(mantissa) >> low;
      if (low < 0 && low > -32) bits = static_cast<std::uint64_t>(mantissa) << -low;
      bits &= 0xffffffffu;
      carry += x < 0 ? words_[word] - bits : words_[word] + bits;
      words_[word] = static_cast<std::uint32_t>(carry);
      carry = static_cast<std::uint64_t>(static_cast<std::int64_t>(carry) >> 32);
    }
  }

  // The nearest double, ties to even, bit by bit.
  double value() const {
    std::vector<int> bits(256);
    for (std::size_t i = 0; i < 256; ++i) bits[i] = static_cast<int>(words_[i / 32] >> (i % 32) & 1);
    const bool negative = bits[255] == 1;
    if (negative) {  // two's complement: flip what is above the lowest one
      bool flip = false;
      for (int& bit : bits) {
        const bool one = bit == 1;
        if (flip) bit = 1 - bit;
        flip = flip || one;
      }
    }
    int top = 255;
    while (top >= 0 && bits[static_cast<std::size_t>(top)] == 0) --top;
    const int last = std::max(0, top - 52);  // of the 53 bits of a double
    std::int64_t mantissa = 0;
    for (int i = top; i >= last; --i) mantissa = 2 * mantissa + bits[static_cast<std::size_t>(i)];
    bool half = false, more = false;
    for (int i = 0; i < last; ++i) (i == last - 1 ? half : more) |= bits[static_cast<std::size_t>(i)] == 1;
    if (half && (more || mantissa % 2 == 1)) ++mantissa;
    const double result = std::ldexp(static_cast<double>(mantissa), last - 80);
    return negative ? -result : result;
  }

 private:
  std::uint32_t words_[8] = {};
};

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

double summed(const std::vector<double>& numbers) {
  ExactSum sum(1);
  for (const double x : numbers) sum.add(&x);
  double result = 0.0;
  sum.value(&result);
  return result;
}

double summed_long(const std::vector<double>& numbers) {
  LongSum sum;
  for (const double x : numbers) sum.add(x);
  return sum.value();
}

// Numbers of every size, many of them cancelling.
std::vector<double> adversarial(std::uint32_t draw, std::size_t count) {
  const Address at{5, Purpose::check, 0, draw, 0};
  std::vector<double> numbers;
  for (std::uint32_t i = 0; numbers.size() < count; ++i) {
    const double sign = uniform(at, 3 * i) < 0.5 ? -1.0 : 1.0;
    double power = -110.0 + 188.0 * uniform(at, 3 * i + 1);  // 1e-33 .. 1e23
    if (i % 7 == 3) power = -1074.0 + 1100.0 * uniform(at, 3 * i + 1);
    const double x = sign * std::exp2(power) * (1.0 + uniform(at, 3 * i + 2));
    numbers.push_back(x);
    if (i % 3 == 0) numbers.push_back(-x);
    if (i % 5 == 0) numbers.push_back(std::nextafter(-x, 0.0));
  }
  return numbers;
}

TEST(ExactSum, IsTheNearestDoubleOfTheLongSum) {
  for (std::uint32_t draw = 0; draw < 200; ++draw) {
    const std::vector<double> numbers = adversarial(draw, 1 + draw % 40);
    EXPECT_TRUE(same_bits(summed(numbers), summed_long(numbers))) << "draw " << draw;
  }
}

TEST(ExactSum, RoundsOnceAndTiesToEven) {
  const double above = std::nextafter(1.0, 2.0);
  EXPECT_EQ(summed({1.0, 0x1p-53}), 1.0);
  EXPECT_EQ(summed({above, 0x1p-53}), 1.0 + 0x1p-51);
  EXPECT_EQ(summed({1.0, 0x1p-53, 0x1p-80}), above);  // two roundings would lose the last
  EXPECT_EQ(summed({-1.0, -0x1p-53, -0x1p-80}), -above);
  EXPECT_EQ(summed({1.0, 0x1p-53, -0x1p-80}), 1.0);
  EXPECT_EQ(summed({0x1p78, 0x1p25, 0x1p-80}), 0x1p78 + 0x1p26);
  EXPECT_EQ(summed({0x1p78, 0x1p25}), 0x1p78);
  for (const std::vector<double>& numbers :
       {std::vector<double>{1.0, 0x1p-53, 0x1p-80}, {0x1p78, 0x1p25, 0x1p-80}, {-0x1p60, -0x1p7, 0x1p-40}}) {
    EXPECT_TRUE(same_bits(summed(numbers), summed_long(numbers)));
  }
}

TEST(ExactSum, KnownSums) {
  EXPECT_EQ(summed({}), 0.0);
  EXPECT_EQ(summed({1e20, 1.0, -1e20}), 1.0);
  EXPECT_EQ(summed({1e20, 0x1p-80, -1e20}), 0x1p-80);
  EXPECT_EQ(summed({1e-300, -1e-300}), 0.0);
  EXPECT_EQ(summed({1e-300, std::numeric_limits<double>::denorm_min()}), 0.0);  // below half of 2^-80
  EXPECT_EQ(summed({-0.0}), 0.0);
  EXPECT_FALSE(std::signbit(summed({-0.0})));
  EXPECT_EQ(summed({0x1p-81}), 0.0);  // a tie, to even
  EXPECT_EQ(summed({0x1.8p-80}), 0x1p-79);
  EXPECT_EQ(summed(std::vector<double>(1000, 0.1)), summed_long(std::vector<double>(1000, 0.1)));
}

TEST(ExactSum, RefusesWhatDoesNotFitAndOnlyThere) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double largest = std::nextafter(ExactSum::limit, 0.0);
  const std::vector<double> bad = {infinity,        -infinity,        std::nan(""), -std::nan(""),
                                   ExactSum::limit, -ExactSum::limit, 1e300};
  for (Index position = 0; position < 19; ++position) {  // whole vectors and the rest behind them
    for (const double x : bad) {
      ExactSum sum(19);
      std::vector<double> values(19, largest), result(19);
      sum.add(values.data());
      values[static_cast<std::size_t>(position)] = x;
      sum.add(values.data());
      sum.add(values.data());
      values[static_cast<std::size_t>(position)] = 0.0;
      ExactSum without(19);
      without.add(std::vector<double>(19, largest).data());
      without.add(values.data());
      without.add(values.data());
      EXPECT_TRUE(std::equal(without.limbs().begin(), without.limbs().begin() + 4 * 19, sum.limbs().begin()));
      sum.value(result.data());
      for (Index i = 0; i < 19; ++i) {
        const double found = result[static_cast<std::size_t>(i)];
        EXPECT_EQ(sum.refused(i), i == position ? 2 : 0);
        EXPECT_TRUE(i == position ? std::isnan(found) : same_bits(found, 3 * largest));
      }
      sum.clear();
      sum.value(result.data());
      EXPECT_EQ(result, std::vector<double>(19, 0.0));
    }
  }
}

TEST(ExactSum, OrderAndGroupingDoNotMatter) {
  const Index size = 13, count = 300;
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(count));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    rows[r] = adversarial(static_cast<std::uint32_t>(1000 + r), static_cast<std::size_t>(size));
    rows[r].resize(static_cast<std::size_t>(size));
  }
  ExactSum straight(size);
  for (const auto& row : rows) straight.add(row.data());
  std::vector<double> expected(static_cast<std::size_t>(size)), found(expected);
  straight.value(expected.data());
  straight.normalise();
  straight.value(found.data());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i]));

  for (std::uint32_t trial = 0; trial < 20; ++trial) {
    const auto order = permutation({6, Purpose::check, trial, 0, 0}, count);
    std::vector<ExactSum> parts(1 + trial % 5, ExactSum(size));
    for (std::size_t k = 0; k < rows.size(); ++k) {
      ExactSum& part = parts[k * 7 % parts.size()];
      part.add(rows[static_cast<std::size_t>(order[k])].data());
      if (k % (trial + 1) == 0) part.normalise();
    }
    ExactSum sum(size);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) sum.add(*part);
    sum.value(found.data());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i]));
    sum.normalise();
    straight.normalise();
    EXPECT_EQ(sum.limbs(), straight.limbs());  // normal form is unique
  }
}

// More additions than the limbs have room for, at the largest limbs there are.
TEST(ExactSum, CarriesBeforeLimbsOverflow) {
  const double x = 0x1p78 + 0x1p30, y = 0x1p39 - 0x1p-14, z = 0x1p-41;
  const std::vector<double> row = {x, y, z, -x, -y, -z};
  const std::int64_t n = (std::int64_t{1} << 22) * 5 + 3;
  ExactSum sum(6);
  for (std::int64_t k = 0; k < n; ++k) sum.add(row.data());
  std::vector<double> found(6);
  sum.value(found.data());
  for (std::size_t i = 0; i < 3; ++i) {
    // n * x in long arithmetic: the mantissa times n, 53 + 25 bits.
    int exponent = 0;
    const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(row[i], &exponent), 53));
    const double expected =
        std::ldexp(static_cast<double>(Wide{mantissa} * static_cast<Wide>(n)), exponent - 53);
    EXPECT_TRUE(same_bits(found[i], expected));
    EXPECT_TRUE(same_bits(found[i + 3], -expected));
  }
  sum.normalise();
  for (std::size_t i = 6; i < 24; ++i) EXPECT_LT(std::abs(sum.limbs()[i]), std::int64_t{1} << 40);
}

TEST(ExactSum, MergedSumsCarryToo) {
  const double x = 0x1p39 - 0x1p-14;
  ExactSum part(1), sum(1);
  for (int k = 0; k < 1 << 20; ++k) part.add(&x);
  for (int k = 0; k < 64; ++k) sum.add(part);  // 2^26 additions in all
  double found = 0.0;
  sum.value(&found);
  EXPECT_EQ(found, x * 0x1p26);
}

TEST(ExactSum, EveryInstructionSetGivesTheSameBits) {
  const std::size_t size = 37;
  std::vector<std::vector<double>> rows;
  for (std::uint32_t r = 0; r < 50; ++r) {
    rows.push_back(adversarial(2000 + r, size));
    rows.back().resize(size);
    if (r % 9 == 0) rows.back()[r % size] = std::nan("");
  }
  const auto limbs = [&] {
    ExactSum sum(static_cast<Index>(size));
    for (const auto& row : rows) sum.add(row.data());
    return sum.limbs();
  };
  const auto expected = limbs();
  const auto choose = [](std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  };
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t bit = 1; bit != 0 && bit <= supported; bit <<= 1) {
    if ((supported & bit) == 0) continue;
    choose(bit);
    EXPECT_EQ(limbs(), expected) << hwy::TargetName(bit);
  }
  choose(0);
}

}  // namespace
}  // namespace vfe
