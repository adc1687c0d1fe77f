#include "infer/iterate_history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vfe/statistics/rhat.hpp"

namespace vfe {
namespace {

constexpr Index most_numbers = Index{1} << 21;  // of means: 16 MB
constexpr Index fewest_batches = 16, most_batches = 100;
constexpr Index most_diagnosed = 1000;
constexpr double first_length = 10.0;
constexpr double least_steps = 200.0;  // of a window
// Added to variances within a half: iterates that move by less than 1e-4 sd stand still.
constexpr double still = 1e-8;

}  // namespace

const Slot<Matrix> IterateHistory::mean_slot_{"iterates_mean"};
const Slot<Matrix> IterateHistory::square_slot_{"iterates_square"};
const Slot<IterateHistory::Counts> IterateHistory::counts_slot_{"iterates_counts"};

void IterateHistory::begin(State& state, Index n) {
  const Index capacity = 2 * (std::clamp(most_numbers / n, fewest_batches, most_batches) / 2);
  state.put(mean_slot_, Matrix::Zero(n, capacity));
  state.put(square_slot_, Matrix::Zero(std::min(n, most_diagnosed), capacity));
  state.put(counts_slot_, {.length = first_length});
}

void IterateHistory::drop(State& state) {
  state.drop(mean_slot_, square_slot_, counts_slot_);
}

IterateHistory::IterateHistory(State& state)
    : state_(state),
      mean_(state.at(mean_slot_)),
      square_(state.at(square_slot_)),
      counts_(state.get(counts_slot_)) {}

Index IterateHistory::batches() const {
  return counts_.batches;
}
Index IterateHistory::steps() const {
  return static_cast<Index>(static_cast<double>(counts_.batches) * counts_.length);
}

Index IterateHistory::least_window() const {
  return std::max(static_cast<Index>(std::ceil(least_steps / counts_.length)),
                  std::max<Index>(8, mean_.cols() / 5));
}

bool IterateHistory::add(ConstVec iterate) {
  const Index at = batches();
  const double weight = 1.0 / (counts_.begun + 1.0);
  mean_.col(at) += weight * (iterate - mean_.col(at));
  for (Index k = 0; k < diagnosed(); ++k) {
    const double x = iterate(coordinate(k));
    square_(k, at) += weight * (x * x - square_(k, at));
  }
  counts_.begun += 1.0;
  const bool complete = counts_.begun >= counts_.length;
  if (complete) {
    counts_.begun = 0.0;
    counts_.batches += 1;
    if (batches() == mean_.cols()) join_neighbours();
    mean_.col(batches()).setZero();
    square_.col(batches()).setZero();
  }
  state_.put(counts_slot_, counts_);
  return complete;
}

void IterateHistory::join_neighbours() {
  const Index half = mean_.cols() / 2;
  for (Index j = 0; j < half; ++j) {
    mean_.col(j) = (0.5 * (mean_.col(2 * j) + mean_.col(2 * j + 1))).eval();
    square_.col(j) = (0.5 * (square_.col(2 * j) + square_.col(2 * j + 1))).eval();
  }
  counts_.batches = half;
  counts_.length *= 2.0;
}

Vector IterateHistory::average(Index window) const {
  return mean_.middleCols(batches() - window, window).rowwise().mean();
}

double IterateHistory::split_rhat(Index window) const {
  const Index half = window / 2, first = batches() - 2 * half;
  const double n = static_cast<double>(half) * counts_.length;
  double worst = 0.0;
  for (Index k = 0; k < diagnosed(); ++k) {
    const auto means = mean_.row(coordinate(k));
    const double a = means.segment(first, half).mean(), b = means.segment(first + half, half).mean();
    const double within = n / (n - 1.0) * 0.5 *
                              (square_.row(k).segment(first, half).mean() - a * a +
                               square_.row(k).segment(first + half, half).mean() - b * b) +
                          still;
    worst = std::max(worst, rhat(Eigen::Vector2d(a, b), within, (n - 1.0) / n));
  }
  return worst;
}

IterateHistory::Window IterateHistory::best_window() const {
  constexpr Index tried = 5;
  const Index shortest = least_window();
  const Index longest = static_cast<Index>(0.95 * static_cast<double>(batches()));
  Window best;
  if (longest <= shortest) return best;
  best.rhat = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < tried; ++i) {
    const Index window = shortest + i * (longest - shortest) / (tried - 1);
    const double rhat = split_rhat(window);
    if (rhat < best.rhat) best = {window, rhat};
  }
  return best;
}

IterateHistory::Accuracy IterateHistory::accuracy(Index window) const {
  const Index first = batches() - window;
  const double count = static_cast<double>(window);
  Accuracy result;
  result.standard_error.resize(diagnosed());
  result.least_effective_size = std::numeric_limits<double>::infinity();
  Vector away(window);
  for (Index k = 0; k < diagnosed(); ++k) {
    result.coordinate.push_back(coordinate(k));
    away = mean_.row(coordinate(k)).segment(first, window).transpose();
    const double centre = away.mean();
    away.array() -= centre;
    const double variance = away.squaredNorm() / count;
    const auto correlation = [&](Index lag) {
      return away.head(window - lag).dot(away.tail(window - lag)) / (count * variance);
    };
    // Sum of pairs of autocorrelations while they are positive.
    double time = 1.0;
    if (variance > 0.0) {
      time = -1.0;
      for (Index lag = 0; lag + 1 < window; lag += 2) {
        const double pair = correlation(lag) + correlation(lag + 1);
        if (pair <= 0.0) break;
        time += 2.0 * pair;
      }
    }
    const double squared = variance / (count - 1.0) * std::max(time, 0.5);
    result.standard_error(k) = std::sqrt(squared);
    const double spread = square_.row(k).segment(first, window).mean() - centre * centre;
    if (spread > still) result.least_effective_size = std::min(result.least_effective_size, spread / squared);
  }
  return result;
}

}  // namespace vfe
