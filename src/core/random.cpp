#include "vfe/core/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

std::uint64_t first_half(const std::array<std::uint32_t, 4>& bits) {
  return std::uint64_t{bits[1]} << 32 | bits[0];
}

std::uint64_t second_half(const std::array<std::uint32_t, 4>& bits) {
  return std::uint64_t{bits[3]} << 32 | bits[2];
}

// An odd multiple of 2^-53: never 0, and exact, so that rounding never makes it 1.
double open_unit(std::uint64_t bits) {
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

std::pair<double, double> normal_pair(const Address& at, std::uint32_t pair) {
  const auto bits = random_bits(at, pair);
  const double radius = std::sqrt(-2.0 * std::log(open_unit(first_half(bits))));
  const double angle = 2.0 * std::numbers::pi * open_unit(second_half(bits));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

std::array<std::uint32_t, 4> random_bits(const Address& at, std::uint32_t counter) {
  const philox4x32_ctr_t where = {{counter, at.draw, at.block, at.step}};
  const philox4x32_key_t key = {
      {static_cast<std::uint32_t>(at.seed),
       static_cast<std::uint32_t>(at.seed >> 32) << 8 | static_cast<std::uint32_t>(at.purpose)}};
  const philox4x32_ctr_t bits = philox4x32_R(10, where, key);
  return {bits.v[0], bits.v[1], bits.v[2], bits.v[3]};
}

double uniform(const Address& at, std::uint32_t coordinate) {
  const auto bits = random_bits(at, coordinate / 2);
  return open_unit(coordinate % 2 == 0 ? first_half(bits) : second_half(bits));
}

double normal(const Address& at, std::uint32_t coordinate) {
  const auto pair = normal_pair(at, coordinate / 2);
  return coordinate % 2 == 0 ? pair.first : pair.second;
}

void fill_normal(Address at, Mat noise, std::uint32_t first_draw) {
  for (Index s = 0; s < noise.cols(); ++s) {
    at.draw = first_draw + static_cast<std::uint32_t>(s);
    for (Index i = 0; i < noise.rows(); i += 2) {
      const auto pair = normal_pair(at, static_cast<std::uint32_t>(i / 2));
      noise(i, s) = pair.first;
      if (i + 1 < noise.rows()) noise(i + 1, s) = pair.second;
    }
  }
}

std::vector<Index> permutation(const Address& at, Index n) {
  if (n > (Index{1} << 32)) throw Error(Fault::bug, "permuting more than 2^32 numbers");
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  Stream stream(at);
  for (Index i = n - 1; i > 0; --i) {
    // A multiple of 64 random bits taken down to 0..i: uneven by less than 2^-31.
    __extension__ using Wide = unsigned __int128;
    const auto j = static_cast<Index>(Wide{stream()} * static_cast<std::uint64_t>(i + 1) >> 64);
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
  }
  return order;
}

Stream::result_type Stream::operator()() {
  return first_half(random_bits(at_, next_++));
}

}  // namespace vfe
