#include "vfe/infer/stochastic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

Program program(const toys::Toy& toy, const Family& family, const StochasticOptions& options) {
  const Minibatch pilot = {0, minibatch(0, toy.target.num_blocks(), options.blocks_per_step, 1).stride};
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {.batch = pilot}));
  stages.push_back(polish(toy.target, {.batch = pilot, .diagonal = !family.dense()}));
  stages.push_back(stochastic(toy.target, family, options));
  return Program(std::move(stages));
}

TEST(Minibatch, EveryEpochTakesEveryBlockOnceInAnOrderOfItsOwn) {
  for (const auto& [blocks, per_step] :
       {std::pair<Index, Index>{10, 3}, {7, 7}, {7, 100}, {64, 1}, {65, 64}}) {
    const Index m = (blocks + per_step - 1) / per_step;
    std::set<std::vector<Index>> orders;
    for (Index epoch = 0; epoch < 6; ++epoch) {
      std::vector<Index> taken, order;
      for (Index step = 0; step < m; ++step) {
        const Minibatch batch = minibatch(static_cast<std::uint64_t>(epoch * m + step), blocks, per_step, 5);
        EXPECT_EQ(batch.stride, m);
        order.push_back(batch.offset);
        for (Index b = batch.offset; b < blocks; b += batch.stride) taken.push_back(b);
      }
      std::sort(taken.begin(), taken.end());
      ASSERT_EQ(static_cast<Index>(taken.size()), blocks);
      for (Index b = 0; b < blocks; ++b) EXPECT_EQ(taken[static_cast<std::size_t>(b)], b);
      orders.insert(order);
    }
    if (m > 3) {
      EXPECT_GT(orders.size(), 3U);
    }
  }
  EXPECT_EQ(minibatch(3, 64, 4, 9).offset, minibatch(3, 64, 4, 9).offset);
}

/// Means within 0.05 sd and sds within 1 % of the conjugate posterior, for three seeds.
void expect_conjugate(const char* name) {
  const toys::Regression regression(5, 64, 25, 11);
  const toys::Toy toy(5, 64, regression.density());
  const auto family = make_family(name, 5, 1);
  const Vector sd = std::string(name) == "mean_field"
                        ? Vector(regression.precision.diagonal().cwiseSqrt().cwiseInverse())
                        : Vector(regression.precision.inverse().diagonal().cwiseSqrt());
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const toys::Finished finished = toys::run(program(toy, *family, {.blocks_per_step = 8, .seed = seed}));
    const State& state = finished.state;
    EXPECT_TRUE(state.get(left::converged)) << name << ", seed " << seed;
    const Vector mean_error = (family->mean(state.lambda) - regression.mean).array() / sd.array();
    const Vector sd_error = family->standard_deviation(state.lambda).array() / sd.array() - 1.0;
    EXPECT_LT(mean_error.cwiseAbs().maxCoeff(), 0.05) << name << ", seed " << seed;
    EXPECT_LT(sd_error.cwiseAbs().maxCoeff(), 0.01) << name << ", seed " << seed;
  }
}

TEST(Stochastic, MeanFieldOfAConjugatePosteriorIsWithinOnePercent) {
  expect_conjugate("mean_field");
}
TEST(Stochastic, FullRankOfAConjugatePosteriorIsWithinOnePercent) {
  expect_conjugate("full_rank");
}

TEST(Stochastic, AFixedRateRunsAllItsStepsAndAverages) {
  const toys::Regression regression(3, 16, 25, 11);
  const toys::Toy toy(3, 16, regression.density());
  const auto family = full_rank(3);
  for (const char* optimizer : {"adam", "sgd", "averaged_adam"}) {
    const toys::Finished finished = toys::run(program(
        toy, *family, {.blocks_per_step = 4, .optimizer = optimizer, .rate = 0.02, .max_steps = 3000}));
    EXPECT_EQ(std::count_if(finished.records.begin(), finished.records.end(),
                            [](const Record& r) { return r.stage == "stochastic"; }),
              3000);
    EXPECT_EQ(finished.records.back().rate, 0.02);
    const Vector sd = regression.precision.inverse().diagonal().cwiseSqrt();
    const State& state = finished.state;
    EXPECT_LT(((family->mean(state.lambda) - regression.mean).array() / sd.array()).abs().maxCoeff(), 0.1)
        << optimizer;
    EXPECT_LT((family->standard_deviation(state.lambda).array() / sd.array() - 1.0).abs().maxCoeff(), 0.05)
        << optimizer;
  }
}

TEST(Stochastic, TooFewStepsAreNotConverged) {
  const toys::Regression regression(3, 16, 25, 11);
  const toys::Toy toy(3, 16, regression.density());
  const auto family = mean_field(3);
  const toys::Finished finished = toys::run(program(toy, *family, {.blocks_per_step = 4, .max_steps = 50}));
  EXPECT_EQ(finished.records.back().note, "not converged");
  EXPECT_FALSE(finished.state.get(left::converged));
}

TEST(Stochastic, StepsThatAreNotFiniteAreRolledBackAndCountedThenNamed) {
  const toys::Regression regression(2, 8, 25, 11);
  const auto density = regression.density();
  bool broken = false;
  const toys::Toy toy(2, 8, [&](Index block, ConstVec theta, Vec grad) {
    if (broken && block == 3) return std::numeric_limits<double>::quiet_NaN();
    return density(block, theta, grad);
  });
  const auto family = mean_field(2);
  const Program steps = program(toy, *family, {.blocks_per_step = 8});
  State state = steps.start();
  while (state.stage != "stochastic") steps.advance(state);
  steps.advance(state);
  const Matrix before = state.memory.at("stochastic_lambda");
  broken = true;
  for (int i = 0; i < 49; ++i) {
    const Record record = steps.advance(state);
    EXPECT_GT(record.non_finite, 0);
    EXPECT_NE(record.note.find("draw 0, block 3"), std::string::npos) << record.note;
  }
  EXPECT_EQ(state.memory.at("stochastic_lambda"), before);
  try {
    steps.advance(state);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("block 3"), std::string::npos) << error.what();
  }
  broken = false;
  EXPECT_EQ(steps.advance(state).non_finite, 0);
  EXPECT_NE(state.memory.at("stochastic_lambda"), before);
}

TEST(Stochastic, ResumesBetweenAnyTwoStepsWithTheSameBits) {
  const toys::Regression regression(3, 16, 10, 11);
  const toys::Toy toy(3, 16, regression.density());
  for (const char* name : {"mean_field", "full_rank"}) {
    const auto family = make_family(name, 3, 1);
    const StochasticOptions options{.blocks_per_step = 4, .max_steps = 2500};
    EXPECT_EQ(hash(toys::run(program(toy, *family, options)).state),
              hash(toys::run(program(toy, *family, options), true).state));
  }
}

}  // namespace
}  // namespace vfe
