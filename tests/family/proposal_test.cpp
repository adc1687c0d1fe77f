#include "vfe/family/proposal.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numeric>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

Affine ball(Index d, double centre, double scale) {
  return {.shift = Vector::Constant(d, centre), .scale = scale * Matrix::Identity(d, d)};
}

Address address(std::uint32_t step) {
  return {.seed = 12, .purpose = Purpose::proposal, .step = step};
}

Flow bent(Index d) {
  Flow flow = Flow::identity(ball(d, 0.5, 1.2), 10.0);
  std::vector<Flow::Conditional> conditionals = flow.conditionals();
  for (Index i = 0; i < d; ++i) {
    Flow::Conditional& c = conditionals[static_cast<std::size_t>(i)];
    c.quadratic = i % 2 == 1;
    c.mean = Vector::Constant(Flow::num_mean_coefficients(i, c.quadratic), 0.1);
    c.log_scale.setConstant(-0.1);
    c.skew = 0.2;
    c.log_tail = 0.1;
  }
  return {flow.base(), flow.order(), conditionals, 10.0};
}

/// A normal, an inflated t, a diagonal t and a flow.
Proposal four(Index d) {
  Proposal q;
  q.add(5.0, Student{ball(d, 0.0, 1.0)});
  q.add(2.0, Student{ball(d, 1.0, 1.0), 5.0}.inflated(2.0));
  q.add(1.0, Student{{.shift = Vector::Zero(d), .scale = Vector::Constant(d, 3.0)}, 4.0});
  q.add(2.0, bent(d));
  return q;
}

TEST(Proposal, DensityIsTheWeightedSumOfItsComponents) {
  const Proposal q = four(3);
  const Matrix theta = q.draw(address(0), 50);
  const Vector value = q.log_density(theta);
  for (Index s = 0; s < theta.cols(); ++s) {
    double sum = 0.0;
    for (Index c = 0; c < 4; ++c) {
      const Vector one =
          std::visit([&](const auto& k) { return k.log_density(theta.col(s)); }, q.component(c));
      sum += q.weight(c) * std::exp(one(0));
    }
    EXPECT_NEAR(value(s), std::log(sum), 1e-12);
  }
  EXPECT_DOUBLE_EQ(q.weight(0), 0.5);
}

TEST(Proposal, DensityIsThereWhereItIsNotANumber) {
  // 1e4 sd out the densities underflow, their logarithms do not.
  Proposal q;
  q.add(0.25, Student{ball(2, 0.0, 1.0)});
  q.add(0.75, Student{ball(2, 1.0, 1.0)});
  const double far = q.log_density(Vector{{1e4, 1e4}})(0);
  EXPECT_NEAR(far, std::log(0.75 / (2.0 * std::numbers::pi)) - 9999.0 * 9999.0, 1e-6);
  EXPECT_EQ(q.log_density(Vector{{infinity, 0.0}})(0), -infinity);
  EXPECT_EQ(q.log_density(Vector{{std::nan(""), 0.0}})(0), -infinity);
}

TEST(Proposal, CountsAreTheSharesRounded) {
  Proposal q;
  for (const double weight : {0.85, 0.05, 0.05, 0.05}) q.add(weight, Student{ball(1, 0.0, 1.0)});
  EXPECT_EQ(q.counts(1000), (std::vector<Index>{850, 50, 50, 50}));
  EXPECT_EQ(q.counts(10), (std::vector<Index>{9, 1, 0, 0}));
  EXPECT_EQ(q.counts(0), (std::vector<Index>{0, 0, 0, 0}));
  for (Index n = 1; n < 200; ++n) {
    const std::vector<Index> count = q.counts(n);
    EXPECT_EQ(std::accumulate(count.begin(), count.end(), Index{0}), n);
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_LT(
          std::abs(static_cast<double>(count[c]) - q.weight(static_cast<Index>(c)) * static_cast<double>(n)),
          1.0 + 1e-9);
    }
  }
  const Proposal ten = q.stratified(10);
  ASSERT_EQ(ten.num_components(), 2);
  EXPECT_DOUBLE_EQ(ten.weight(0), 0.9);
}

TEST(Proposal, StratifiedWeightsHaveMeanOne) {
  for (const Index d : {Index{2}, Index{10}}) {
    const Proposal q = four(d);
    const Student target{ball(d, 0.3, 1.1)};
    // Few draws at a time, whose counts are far from the weights: the density must be that of the counts.
    double sum = 0.0, squares = 0.0;
    const int repeats = 2000;
    for (int r = 0; r < repeats; ++r) {
      const Index n = 7;
      const Matrix theta = q.draw(address(static_cast<std::uint32_t>(100 + r)), n);
      const Vector log_weight = target.log_density(theta) - q.stratified(n).log_density(theta);
      const double mean = log_weight.array().exp().mean();
      sum += mean;
      squares += mean * mean;
    }
    const double mean = sum / repeats, spread = squares / repeats - mean * mean;
    EXPECT_NEAR(mean, 1.0, 4.0 * std::sqrt(spread / repeats)) << d;
  }
}

TEST(Proposal, RoundsPoolIntoOneDensity) {
  const Proposal first = four(2);
  Proposal second;
  second.add(1.0, Student{ball(2, -1.0, 0.5), 6.0});
  Proposal pool;
  pool.add(300.0, first.stratified(300));
  pool.add(100.0, second.stratified(100));
  const Matrix theta = first.draw(address(1), 40);
  const Vector together = pool.log_density(theta), one = first.log_density(theta),
               other = second.log_density(theta);
  for (Index s = 0; s < theta.cols(); ++s) {
    EXPECT_NEAR(together(s), std::log(0.75 * std::exp(one(s)) + 0.25 * std::exp(other(s))), 1e-12);
  }
}

TEST(Proposal, DrawsAreInRandomOrderAndEachComponentGivesItsCount) {
  Proposal q;
  q.add(0.75, Student{ball(1, -100.0, 1.0)});
  q.add(0.25, Student{ball(1, 100.0, 1.0)});
  const Matrix theta = q.draw(address(2), 400);
  EXPECT_EQ((theta.array() > 0.0).count(), 100);
  EXPECT_NEAR(static_cast<double>((theta.leftCols(200).array() > 0.0).count()), 50.0, 25.0);
  EXPECT_EQ(q.draw(address(2), 400), theta);
  EXPECT_NE(q.draw(address(3), 400), theta);
}

TEST(Proposal, PackedAndRestoredIsBitEqual) {
  const Proposal q = four(4);
  const Vector packed = q.pack();
  const Proposal restored(packed);
  EXPECT_EQ(hash(restored.pack()), hash(packed));
  const Matrix theta = q.draw(address(4), 200);
  EXPECT_EQ(hash(restored.draw(address(4), 200)), hash(theta));
  EXPECT_EQ(hash(restored.log_density(theta)), hash(q.log_density(theta)));
  EXPECT_EQ(Proposal(Proposal().pack()).num_components(), 0);

  const Flow plain = Flow::identity({Vector::Zero(2), Vector::Ones(2)}, 10.0);
  Proposal reaching;
  reaching.add(1.0, Flow(plain.base(), plain.order(), plain.conditionals(), 10.0, 6.0));
  EXPECT_EQ(std::get<Flow>(Proposal(reaching.pack()).component(0)).reach(), 6.0);
}

TEST(Proposal, RefusesWhatWasNotPackedAndWhatDoesNotFit) {
  const auto fault = [](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  const Vector packed = four(2).pack();
  EXPECT_EQ(fault([&] { Proposal{Vector(packed.head(packed.size() - 1))}; }), Fault::checkpoint);
  Vector longer(packed.size() + 1);
  longer << packed, 0.0;
  EXPECT_EQ(fault([&] { Proposal{longer}; }), Fault::checkpoint);
  EXPECT_EQ(fault([&] { Proposal{Vector::Constant(3, -1.0)}; }), Fault::checkpoint);
  Proposal q = four(2);
  EXPECT_EQ(fault([&] { q.add(1.0, Student{ball(3, 0.0, 1.0)}); }), Fault::bug);
  EXPECT_EQ(fault([&] { q.add(-1.0, Student{ball(2, 0.0, 1.0)}); }), Fault::bug);
  EXPECT_EQ(fault([&] { q.add(1.0, Student{ball(2, infinity, 1.0)}); }), Fault::numeric);
  EXPECT_EQ(q.num_components(), 4);
}

}  // namespace
}  // namespace vfe
