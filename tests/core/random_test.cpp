#include "vfe/core/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <set>
#include <vector>

namespace vfe {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known answers that come with Random123 (kat_vectors, philox4x32 10).
TEST(Random, BitsAreThoseOfPhilox) {
  EXPECT_EQ(random_bits({0, static_cast<Purpose>(0), 0, 0, 0}, 0),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(
      random_bits({max_seed, static_cast<Purpose>(0xff), 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff),
      (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(random_bits({0x299f31a4093822, static_cast<Purpose>(0xd0), 0x03707344, 0x85a308d3, 0x13198a2e},
                        0x243f6a88),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, EveryPartOfTheAddressCounts) {
  const Address at{12345, Purpose::noise, 1, 2, 3};
  std::vector<Address> others(6, at);
  others[0].seed += 1;
  others[1].seed += std::uint64_t{1} << 40;
  others[2].purpose = Purpose::start;
  others[3].step += 1;
  others[4].draw += 1;
  others[5].block += 1;
  std::set<double> values = {normal(at, 0), normal(at, 1), normal(at, 2)};
  for (const Address& other : others) values.insert(normal(other, 0));
  EXPECT_EQ(values.size(), 9u);
}

TEST(Random, NormalsArePairsOfBoxAndMuller) {
  const Address at{7, Purpose::noise, 3, 1, 4};
  for (std::uint32_t k = 0; k < 100; ++k) {
    const double radius = std::sqrt(-2.0 * std::log(uniform(at, 2 * k)));
    const double angle = 2.0 * std::numbers::pi * uniform(at, 2 * k + 1);
    EXPECT_DOUBLE_EQ(normal(at, 2 * k), radius * std::cos(angle));
    EXPECT_DOUBLE_EQ(normal(at, 2 * k + 1), radius * std::sin(angle));
  }
}

TEST(Random, FillIsThePureFunctionWhateverTheShapeAndOrder) {
  const Address at{99, Purpose::result, 5, 1000, 6};
  Matrix noise(7, 4);
  fill_normal(at, noise, 10);
  for (Index s = 3; s >= 0; --s) {
    Address draw = at;
    draw.draw = 10 + static_cast<std::uint32_t>(s);
    for (Index i = 6; i >= 0; --i) EXPECT_EQ(noise(i, s), normal(draw, static_cast<std::uint32_t>(i)));
  }
  Matrix larger(20, 6);  // one row and one column of something larger
  fill_normal(at, larger.block(3, 2, 4, 2), 12);
  EXPECT_EQ(larger.block(3, 2, 4, 2), noise.block(0, 2, 4, 2));
}

// Sample means of n values with known variance: six standard errors.
TEST(Random, Moments) {
  const std::uint32_t n = 200000;
  const Address at{2024, Purpose::check, 0, 0, 0};
  double u1 = 0, u2 = 0, z1 = 0, z2 = 0, z3 = 0, z4 = 0, pair = 0, next = 0, last = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double u = uniform(at, i), z = normal(at, i);
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    u1 += u;
    u2 += u * u;
    z1 += z;
    z2 += z * z;
    z3 += z * z * z;
    z4 += z * z * z * z;
    (i % 2 == 1 ? pair : next) += last * z;
    last = z;
  }
  const double error = 6.0 / std::sqrt(n);
  EXPECT_NEAR(u1 / n, 0.5, error * std::sqrt(1.0 / 12));
  EXPECT_NEAR(u2 / n, 1.0 / 3, error * std::sqrt(4.0 / 45));
  EXPECT_NEAR(z1 / n, 0.0, error);
  EXPECT_NEAR(z2 / n, 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(z3 / n, 0.0, error * std::sqrt(15.0));
  EXPECT_NEAR(z4 / n, 3.0, error * std::sqrt(96.0));
  EXPECT_NEAR(pair / (n / 2), 0.0, error * std::sqrt(2.0));
  EXPECT_NEAR(next / (n / 2), 0.0, error * std::sqrt(2.0));
}

TEST(Random, PermutationHoldsEachOnceAndIsUniform) {
  const Index n = 5;
  std::vector<std::vector<int>> count(n, std::vector<int>(n));
  const int trials = 20000;
  for (int k = 0; k < trials; ++k) {
    const auto order = permutation({1, Purpose::minibatch, static_cast<std::uint32_t>(k), 0, 0}, n);
    ASSERT_EQ(std::set<Index>(order.begin(), order.end()).size(), 5u);
    for (std::size_t i = 0; i < order.size(); ++i) ++count[i][static_cast<std::size_t>(order[i])];
  }
  for (const auto& row : count) {
    for (const int c : row) EXPECT_NEAR(c, trials / 5, 6 * std::sqrt(trials * 0.2 * 0.8));
  }
  EXPECT_TRUE(permutation({}, 0).empty());
  EXPECT_EQ(permutation({}, 1), std::vector<Index>{0});
  EXPECT_EQ(permutation({4}, 1000), permutation({4}, 1000));
  EXPECT_NE(permutation({4}, 1000), permutation({5}, 1000));
}

TEST(Random, StreamServesTheStandardLibrary) {
  Stream stream({11, Purpose::simulate, 0, 3, 2});
  const auto bits = random_bits({11, Purpose::simulate, 0, 3, 2}, 0);
  EXPECT_EQ(Stream({11, Purpose::simulate, 0, 3, 2})(), std::uint64_t{bits[1]} << 32 | bits[0]);
  std::poisson_distribution<int> poisson(4.0);
  double sum = 0;
  for (int i = 0; i < 40000; ++i) sum += poisson(stream);
  EXPECT_NEAR(sum / 40000, 4.0, 6 * 2.0 / 200);
}

}  // namespace
}  // namespace vfe
