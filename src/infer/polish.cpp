#include "vfe/infer/polish.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "infer/base.hpp"
#include "infer/curvature.hpp"
#include "infer/polish_diagonal.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/regimes.hpp"

namespace vfe {
namespace {

constexpr double widest = 30.0;  // whitened curvatures beyond [1/30, 30]: the differences were badly scaled
constexpr double least_modulus = 1e-4, largest_modulus = 1e8;
constexpr double widest_large = 1e4;  // the same above `large` dimensions, where another sweep costs more
constexpr double as_expected = 0.01;  // of the gain of a Newton step: relative difference
constexpr double near = 0.5;          // sds of the base within which two points are at one mode
constexpr Index most_modes = 4;
constexpr std::array<double, 4> lengths{1.0, 0.5, 0.25, 0.1};
constexpr double shorter = 0.05;  // the next four trial lengths, where none of these decreased
constexpr Index most_rounds = 4;

enum class Phase { hessian, newton };

/// The mode being polished.
struct PolishProgress {
  Index candidate = 0;  ///< rank among the searches
  Phase phase = Phase::hessian;
  Index iteration = 0;       ///< Newton steps done
  Index whitenings = 0;      ///< of the Hessian under way
  Index rounds = 0;          ///< of four trial lengths that failed
  double difference = 1e-2;  ///< step of the differences, whitened
  double length = 1.0;
  double f = 0.0;
  double decrement = 0.0;  ///< half the squared length of the whitened gradient [nats]
  bool definite = false;   ///< the last Hessian
  bool last = false;       ///< the next Hessian is the last: f has stopped decreasing
  bool whitened = false;   ///< the axes come from a Hessian, not from the search

  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.candidate, self.phase, self.iteration, self.whitenings, self.rounds, self.difference,
        self.length, self.f, self.decrement, self.definite, self.last, self.whitened);
  }
};

/// Axes A with A A' = estimate: eigenvectors of the correlation matrix, so that scales of any ratio survive.
Matrix axes_of(ConstMat covariance) {
  const Vector sd = covariance.diagonal().cwiseSqrt();
  const Matrix correlation = sd.cwiseInverse().asDiagonal() * covariance * sd.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(correlation);
  const Vector root = eigen.eigenvalues().cwiseMax(1e-12 * eigen.eigenvalues().maxCoeff()).cwiseSqrt();
  return sd.asDiagonal() * eigen.eigenvectors() * root.asDiagonal();
}

/// Extreme curvatures along the axes.
struct Spectrum {
  double least = 0.0, largest = 0.0;
};

/// Turns and scales the axes so that the curvature along each, by its modulus, is 1. `hessian` is along the
/// axes as they come. In many dimensions the extremes returned are those of the Cholesky factor's diagonal.
Spectrum whiten_axes(ConstMat hessian, Matrix& axes) {
  if (hessian.rows() > regimes::spectra) {
    const Eigen::LLT<Matrix> factor(hessian);
    if (factor.info() == Eigen::Success) {
      const Vector pivots = factor.matrixLLT().diagonal().cwiseAbs2();
      factor.matrixU().solveInPlace<Eigen::OnTheRight>(axes);
      return {pivots.minCoeff(), pivots.maxCoeff()};
    }
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(hessian);
  const Vector& values = eigen.eigenvalues();
  const Vector modulus = values.cwiseAbs().cwiseMax(least_modulus).cwiseMin(largest_modulus);
  axes = (axes * eigen.eigenvectors() * modulus.cwiseSqrt().cwiseInverse().asDiagonal()).eval();
  return {values.minCoeff(), values.maxCoeff()};
}

const Slot<PolishProgress> progress_slot{"polish_progress"};
const Slot<Matrix> point_slot{"polish_point"};  // d x 2: x, gradient
const Slot<Matrix> axes_slot{"polish_axes"};    // d x d, columns of unit curvature as far as known
// Of the k modes done, of which the best is in left::base at once.
const Slot<Matrix> means_slot{"polish_means"};      // d x k
const Slot<Matrix> scales_slot{"polish_scales"};    // d x d k, or d x k
const Slot<Matrix> weights_slot{"polish_weights"};  // 3 x k: -log f, log evidence, whether proper

class Polish final : public Stage {
 public:
  Polish(const Target& target, const PolishOptions& options) : target_(target), options_(options) {}

  std::string name() const override { return "polish"; }

  void start(State& state) const override { begin(state, 0); }

  Step advance(State& state) const override {
    PolishProgress progress = state.get(progress_slot);
    Step record;
    record.rows = target_.num_rows(options_.batch);
    const bool ended =
        progress.phase == Phase::hessian ? sweep(state, progress, record) : newton(state, progress, record);
    record.free_energy = progress.f;
    record.gradient_norm = state.get(point_slot).col(1).norm();
    record.rate = progress.length;
    state.put(progress_slot, progress);
    if (ended) {
      keep(state, progress);
      record.note =
          fmt::format("mode at {:.6g} nats, {}", -progress.f, sound(progress) ? "definite" : "not definite");
      const Index next = next_candidate(state, progress.candidate + 1);
      if (next < state.get(left::searches).cols()) {
        begin(state, next);
      } else {
        finish(state, record);
        record.done = true;
      }
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  void begin(State& state, Index candidate) const {
    const Lbfgs search = mode_of(state, candidate, size());
    PolishProgress progress;
    progress.candidate = candidate;
    progress.f = search.f();
    Matrix point(size(), 2);
    point << search.x(), search.g();
    state.put(point_slot, point);
    state.put(axes_slot, size() <= regimes::spectra
                             ? axes_of(search.inverse_hessian())
                             : Matrix(search.inverse_hessian_diagonal().cwiseSqrt().asDiagonal()));
    state.put(progress_slot, progress);
  }

  /// One Hessian along the axes, which are then whitened by it. Returns whether this mode is finished.
  bool sweep(State& state, PolishProgress& progress, Record& record) const {
    Matrix& axes = state.at(axes_slot);
    const Matrix& point = state.get(point_slot);
    const Curvature found = curvature(target_, options_.batch, point.col(0), axes, progress.difference);
    record.draws = 2 * size();
    record.non_finite = found.non_finite;
    if (found.non_finite > 0 && progress.difference > 1e-5) {  // the support may end near: look closer
      progress.difference *= 0.1;
      return false;
    }
    const Spectrum spectrum = whiten_axes(found.hessian, axes);
    progress.definite = found.non_finite == 0 && spectrum.least > 0.0;
    progress.decrement = 0.5 * (axes.transpose() * point.col(1)).squaredNorm();
    const double wide = size() > regimes::cheap_hessian ? widest_large : widest;
    const bool well_scaled = spectrum.least > 1.0 / wide && spectrum.largest < wide;
    if (++progress.whitenings < 2 && !well_scaled) return false;
    progress.whitenings = 0;
    if (progress.decrement < options_.tolerance || progress.last ||
        progress.iteration == options_.max_iterations) {
      return true;
    }
    progress.phase = Phase::newton;
    progress.length = 1.0;
    progress.rounds = 0;
    return false;
  }

  /// Four lengths of the Newton step in one call. Returns whether this mode is finished.
  bool newton(State& state, PolishProgress& progress, Record& record) const {
    const Matrix& axes = state.get(axes_slot);
    Matrix& point = state.at(point_slot);
    const Vector direction = -axes * (axes.transpose() * point.col(1));
    const Index count = static_cast<Index>(lengths.size());
    Matrix theta(size(), count), grad(size(), count);
    for (Index j = 0; j < count; ++j) {
      theta.col(j) = point.col(0) + progress.length * lengths[static_cast<std::size_t>(j)] * direction;
    }
    Vector value(count);
    target_.log_joint(options_.batch, theta, value, grad);
    record.draws = count;
    record.non_finite = count - value.array().isFinite().count();
    Index best = 0;
    const double highest = value.maxCoeff(&best);
    if (!(-highest < progress.f)) {
      progress.length *= shorter;
      return ++progress.rounds == most_rounds;
    }
    const double gain = progress.f + highest, expected = progress.decrement;
    progress.last = gain < 1e-9 * std::max(1.0, std::abs(progress.f));
    progress.f = -highest;
    progress.length *= lengths[static_cast<std::size_t>(best)];
    progress.phase = Phase::hessian;
    ++progress.iteration;
    point.col(0) = theta.col(best);
    point.col(1) = -grad.col(best);
    const double decrement = 0.5 * (axes.transpose() * point.col(1)).squaredNorm();
    if (size() > regimes::cheap_hessian && progress.length == 1.0 &&
        std::abs(gain - expected) < as_expected * expected && decrement < options_.tolerance) {
      progress.decrement = decrement;  // the curvature has not changed on the way: no other sweep
      return true;
    }
    return false;
  }

  /// Whether the polished point is a proper mode.
  bool sound(const PolishProgress& progress) const {
    return progress.definite && progress.decrement <= std::max(1.0, regimes::decrement(size()));
  }

  /// The next search that is high enough and not at a mode already found.
  Index next_candidate(const State& state, Index candidate) const {
    const Matrix& means = state.get(means_slot);
    const Index count = state.get(left::searches).cols();
    if (means.cols() >= most_modes) return count;
    const double best = state.get(weights_slot).row(0).minCoeff();
    for (; candidate < count; ++candidate) {
      const Lbfgs search = mode_of(state, candidate, size());
      if (search.f() > best + regimes::reach(size())) continue;
      const Affine base = state.get(left::base).map;
      if (nearest(base, search.x(), means) <= near) continue;
      // A search that ended on its way is known by where Newton's step from it leads.
      const Vector step = base.stretch(base.pull_back(search.g()));
      if (nearest(base, search.x() - step, means) > near) break;
    }
    return candidate;
  }

  /// Enters the polished mode in the list, and in left::base if it is the best so far.
  void keep(State& state, const PolishProgress& progress) const {
    const Matrix& point = state.get(point_slot);
    Laplace mode = laplace_at(point.col(0), progress.f, state.get(axes_slot), options_.diagonal);
    mode.definite = sound(progress);
    const bool first = !state.has(means_slot);
    if (!first && nearest(state.get(left::base).map, point.col(0), state.get(means_slot)) < 1.0 &&
        std::abs(progress.f - nearest_f(state, point.col(0))) < 1.0) {
      return;  // its polish led to a mode found before
    }
    state.append(means_slot, mode.map.shift);
    state.append(scales_slot, mode.map.scale);
    state.append(weights_slot, Eigen::Vector3d(progress.f, mode.log_evidence, mode.definite));
    if (first || is_better(mode, state.get(left::base))) set_base(state, mode);
  }

  static bool is_better(const Laplace& mode, const Laplace& than) {
    if (mode.definite != than.definite) return mode.definite;
    return mode.log_evidence > than.log_evidence;
  }

  double nearest_f(const State& state, ConstVec x) const {
    const Matrix& means = state.get(means_slot);
    Index at = 0;
    (means.colwise() - x).colwise().norm().minCoeff(&at);
    return state.get(weights_slot)(0, at);
  }

  void finish(State& state, Record& record) const {
    Laplace base = state.get(left::base);
    if (base.definite) {
      add_others(state, base.map);
      const Proposal found = state.get(left::found_modes);
      record.note += fmt::format("; {}, the base's share {:.2f}", counted(found.num_components(), "mode"),
                                 found.weight(0));
    } else {
      base.map = wide_start(target_, options_.batch, base, options_.seed);
      set_base(state, base);
      record.note = "no proper mode: wide start";
    }
    state.drop(left::searches, progress_slot, point_slot, axes_slot, means_slot, scales_slot, weights_slot);
  }

  /// Adds the proper modes but for the base to those found.
  void add_others(State& state, const Affine& base) const {
    const Matrix& means = state.get(means_slot);
    const Matrix& scales = state.get(scales_slot);
    const Matrix& weights = state.get(weights_slot);
    const Index columns = base.scale.cols();
    for (Index k = 0; k < means.cols(); ++k) {
      Laplace mode{
          {means.col(k), scales.middleCols(k * columns, columns)}, weights(1, k), weights(2, k) != 0.0};
      if (mode.definite && mode.map.shift != base.shift) add_found_mode(state, mode);
    }
  }

  const Target& target_;
  PolishOptions options_;
};

}  // namespace

std::unique_ptr<Stage> polish(const Target& target, const PolishOptions& options) {
  if (options.diagonal && target.size() > regimes::dense) return polish_diagonal(target, options);
  return std::make_unique<Polish>(target, options);
}

}  // namespace vfe
