#include "infer/iterate_history.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// An autoregression x' = phi x + e in each of n coordinates, started at stationarity.
Matrix autoregression(Index n, Index steps, double phi, std::uint64_t seed) {
  Matrix x(n, steps);
  fill_normal(Address{.seed = seed}, x);
  x.col(0) /= std::sqrt(1.0 - phi * phi);
  for (Index t = 1; t < steps; ++t) x.col(t) += phi * x.col(t - 1);
  return x;
}

State remember(const Matrix& iterates) {
  State state;
  IterateHistory::begin(state, iterates.rows());
  IterateHistory history(state);
  for (Index t = 0; t < iterates.cols(); ++t) history.add(iterates.col(t));
  return state;
}

TEST(IterateHistory, AveragesTheNewestIteratesHoweverOftenBatchesWereJoined) {
  for (const Index steps : {10, 250, 1000, 1990, 8000}) {
    const Matrix x = autoregression(3, steps, 0.5, 1);
    State state = remember(x);
    const IterateHistory history(state);
    EXPECT_LE(history.batches(), 100);
    const Index length = history.steps() / history.batches();
    EXPECT_LT(steps - history.steps(), length);
    for (const Index window : {Index{1}, history.batches() / 2, history.batches()}) {
      if (window == 0) continue;
      const Vector expected =
          x.middleCols(history.steps() - window * length, window * length).rowwise().mean();
      EXPECT_LT((history.average(window) - expected).norm(), 1e-12) << steps << ' ' << window;
    }
  }
}

TEST(IterateHistory, SplitRhatIsThatOfTheIteratesThemselves) {
  const Index steps = 2000;
  const Matrix x = autoregression(1, steps, 0.9, 2);
  State state = remember(x);
  const IterateHistory history(state);
  ASSERT_EQ(history.steps(), steps);
  const Index half = steps / 2;
  const Vector a = x.row(0).head(half), b = x.row(0).tail(half);
  const double n = static_cast<double>(half);
  const double within =
      0.5 * ((a.array() - a.mean()).square().sum() + (b.array() - b.mean()).square().sum()) / (n - 1.0);
  const double between = 0.5 * n * std::pow(a.mean() - b.mean(), 2.0);
  EXPECT_NEAR(history.split_rhat(history.batches()), std::sqrt((n - 1.0) / n + between / (n * within)), 1e-6);
}

TEST(IterateHistory, StandardErrorOfAnAutoregressionIsTheKnownOne) {
  const double phi = 0.9;
  const Index steps = 16000, n = 40;
  State state = remember(autoregression(n, steps, phi, 3));
  const IterateHistory history(state);
  const IterateHistory::Accuracy found = history.accuracy(history.batches());
  const double expected = 1.0 / (1.0 - phi) / std::sqrt(static_cast<double>(history.steps()));
  EXPECT_NEAR(found.standard_error.mean(), expected, 0.15 * expected);
  const double size = static_cast<double>(history.steps()) * (1.0 - phi) / (1.0 + phi);
  EXPECT_GT(found.least_effective_size, 0.3 * size);
  EXPECT_LT(found.least_effective_size, size);
}

TEST(IterateHistory, TellsADriftFromStationarity) {
  Matrix x = autoregression(5, 3000, 0.5, 4);
  State state = remember(x);
  EXPECT_LT(IterateHistory(state).best_window().rhat, 1.02);
  for (Index t = 0; t < x.cols(); ++t) x(2, t) += 0.01 * static_cast<double>(t);
  state = remember(x);
  EXPECT_GT(IterateHistory(state).best_window().rhat, 1.1);
}

TEST(IterateHistory, LeavesTheTransientOutOfTheBestWindow) {
  Matrix x = autoregression(2, 3000, 0.5, 5);
  for (Index t = 0; t < x.cols(); ++t) x(0, t) += 50.0 * std::exp(-static_cast<double>(t) / 150.0);
  State state = remember(x);
  const IterateHistory history(state);
  const IterateHistory::Window window = history.best_window();
  EXPECT_LT(window.rhat, 1.1);
  EXPECT_NEAR(history.average(window.batches)(0), 0.0, 0.2);
}

TEST(IterateHistory, IsBoundedForManyCoordinates) {
  State state;
  IterateHistory::begin(state, 300000);
  EXPECT_EQ(state.memory.at("iterates_mean").cols(), 16);
  EXPECT_EQ(state.memory.at("iterates_square").rows(), 1000);
}

}  // namespace
}  // namespace vfe
