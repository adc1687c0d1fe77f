#include "vfe/model/likelihood_sums.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index d = 3, num_blocks = 17;

/// Value sin(block + sum of theta), gradient cos of the same; blocks from `first_bad` on throw their number.
class Waves : public Model {
 public:
  const Parameters& parameters() const override { return parameters_; }
  Spread spread() const override { return spread_; }
  Index blocks() const override { return num_blocks; }
  Index rows(Index) const override { return 1; }
  void log_prior(ConstMat, Vec, Mat) const override {}
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override {
    if (block >= first_bad) throw std::domain_error(std::to_string(block));
    for (Index s = 0; s < theta.cols(); ++s) {
      const double at = static_cast<double>(block) + theta.col(s).sum();
      value[s] += std::sin(at);
      if (grad.cols() > 0) grad.col(s).array() += std::cos(at);
    }
  }
  Spread spread_ = Spread::blocks;
  Index first_bad = num_blocks;

 private:
  Parameters parameters_{{Parameter{"x", {{"k", d, {}}}}}};
};

/// Adds up its blocks by itself, last block first, as a device might.
class AddsUpByItself final : public Waves {
 public:
  void add_likelihood(const BatchBlocks& blocks, ConstMat theta, LikelihoodSums& sums) const override {
    const Index draws = theta.cols(), columns = sums.wants_gradient() ? draws : 0;
    for (Index k = blocks.count - 1; k >= 0; --k) {
      Vector numbers = Vector::Zero(draws + d * columns);
      Eigen::Map<Matrix> grad(numbers.data() + draws, d, columns);
      log_likelihood(blocks[k], theta, numbers.head(draws), grad);
      sums.of_thread(0).add(numbers.data());
    }
  }
};

Matrix some_draws(Index count) {
  Matrix theta(d, count);
  fill_normal({.seed = 3, .purpose = Purpose::check}, theta);
  return theta;
}

struct Summed {
  Vector value;
  Matrix grad;
};

Summed sum_up(const Model& model, const BatchBlocks& blocks, LikelihoodSums& sums, BlockRange own,
              bool gradient = true) {
  const Matrix theta = some_draws(4);
  sums.start(d, theta.cols(), own, gradient);
  model.add_likelihood(blocks, theta, sums);
  sums.total();
  Summed found{Vector(theta.cols()), Matrix(d, gradient ? theta.cols() : 0)};
  sums.read(found.value, found.grad);
  return found;
}

TEST(LikelihoodSums, AreThePlainSumWhoeverAdds) {
  const BatchBlocks blocks{1, 2, 8};
  const Matrix theta = some_draws(4);
  Waves model;
  ExactSum value(4), grad(4 * d);
  for (Index k = 0; k < blocks.count; ++k) {
    Vector of_block = Vector::Zero(4);
    Matrix grad_of_block = Matrix::Zero(d, 4);
    model.log_likelihood(1 + 2 * k, theta, of_block, grad_of_block);
    value.add(of_block.data());
    grad.add(grad_of_block.data());
  }
  Summed expected{Vector(4), Matrix(d, 4)};
  value.value(expected.value.data());
  grad.value(expected.grad.data());
  for (const Spread spread : {Spread::blocks, Spread::draws}) {
    model.spread_ = spread;
    for (const int threads : {1, 2, 5, 20}) {
      LikelihoodSums sums(threads);
      for (int call = 0; call < 2; ++call) {  // nothing is left of a call before
        const Summed found = sum_up(model, blocks, sums, {0, 4});
        EXPECT_EQ(found.value, expected.value) << threads;
        EXPECT_EQ(found.grad, expected.grad) << threads;
        EXPECT_EQ(sum_up(model, blocks, sums, {0, 4}, false).value, expected.value);
      }
    }
  }
  LikelihoodSums sums(3);
  const Summed found = sum_up(AddsUpByItself(), blocks, sums, {0, 4});
  EXPECT_EQ(found.value, expected.value);
  EXPECT_EQ(found.grad, expected.grad);
}

TEST(LikelihoodSums, OtherRanksDrawsStayZero) {
  LikelihoodSums sums(2);
  Waves model;
  const Summed all = sum_up(model, {0, 1, num_blocks}, sums, {0, 4});
  const Summed own = sum_up(model, {0, 1, num_blocks}, sums, {1, 3});
  EXPECT_EQ(own.value.segment(1, 2), all.value.segment(1, 2));
  EXPECT_EQ(own.grad.middleCols(1, 2), all.grad.middleCols(1, 2));
  EXPECT_EQ(own.value[0], 0.0);
  EXPECT_EQ(own.value[3], 0.0);
  EXPECT_EQ(own.grad.col(3), Vector::Zero(d));
  EXPECT_EQ(sum_up(model, {0, 1, 0}, sums, {0, 4}).value, Vector::Zero(4));
}

TEST(LikelihoodSums, KeepTheExceptionOfTheLowestBlock) {
  Waves model;
  model.first_bad = 5;
  for (const int threads : {1, 4}) {
    LikelihoodSums sums(threads);
    sum_up(model, {0, 1, num_blocks}, sums, {0, 4});
    ASSERT_TRUE(sums.thrown().exception);
    EXPECT_EQ(sums.thrown().block, 5);
    try {
      std::rethrow_exception(sums.thrown().exception);
    } catch (const std::domain_error& error) {
      EXPECT_STREQ(error.what(), "5");
    }
    sum_up(model, {0, 1, 5}, sums, {0, 4});
    EXPECT_FALSE(sums.thrown().exception);
  }
}

}  // namespace
}  // namespace vfe
