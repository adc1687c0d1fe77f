#include "vfe/infer/tempering.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "infer/wide_density.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

/// Blocks of Purpose::tempering; step = temperature, draw = particle or island.
constexpr std::uint32_t momenta_block = 0, acceptance_block = 1, jitter_block = 2, resampling_block = 3;

constexpr Index draws_per_call = 512;
constexpr double first_effective = 2.0;  // of the first draws, times the number of particles
constexpr double smallest_jitter = 0.5, largest_jitter = 1.1;  // of each particle's step
constexpr double first_step = 1.4;                             // times d^-1/4
constexpr double shortest_step = 1e-3, longest_step = 3.0;
constexpr double distinct = 0.5;  // share of the particles, after resampling
constexpr double least_curvature = 1e-9;
constexpr double largest_energy_error = 1000.0;  // [nats]
constexpr Index halvings = 50;                   // of the interval that holds the next temperature
constexpr double forecast = 0.85;                // times what the path's length says: measured
constexpr double excess = 1.1;                   // over the budget that a forecast may be

/// Share of effective draws among weights exp(scale x), of those that have any.
double effective_share(ConstVec x, double scale) {
  const double top = x.maxCoeff();
  double sum = 0.0, squares = 0.0, count = 0.0;
  for (const double value : x) {
    if (!std::isfinite(value)) continue;
    const double weight = std::exp(scale * (value - top));
    sum += weight;
    squares += weight * weight;
    count += 1.0;
  }
  return sum * sum / squares / count;
}

/// Where the particles stand.
struct TemperingProgress {
  double temperature = 0.0;  ///< inverse
  Index temperatures = 0;
  double gradients = 0.0;
  double particles = 0.0;             ///< N; 0 until it is planned
  double effective = 0.0;             ///< share that a temperature leaves
  Index leapfrog = 0, leapfrogs = 0;  ///< done, and in all, of the trajectory under way; 0 between them
  double step = 0.0;                  ///< size of a leapfrog step in units of the metric

  Index count() const { return static_cast<Index>(particles); }

  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.temperature, self.temperatures, self.gradients, self.particles, self.effective, self.leapfrog,
        self.leapfrogs, self.step);
  }
};

const Slot<TemperingProgress> progress_slot{"tempering_progress"};
const Slot<Affine> wide_slot{"tempering_wide"};        // the wide density, a t
const Slot<double> nu_slot{"tempering_nu"};            // its degrees of freedom
const Slot<Vector> islands_slot{"tempering_islands"};  // log evidence by island
const Slot<Matrix> values_slot{
    "tempering_values"};  // 1 x n, log f of the first draws so far; then of the N particles
const Slot<Matrix> points_slot{"tempering_points"};        // d x N
const Slot<Matrix> gradients_slot{"tempering_gradients"};  // d x N, of log f
// Of a trajectory under way:
const Slot<Matrix> metric_slot{
    "tempering_metric"};  // d x 2 d, factors of the curvature for the halves of the islands
const Slot<Matrix> moving_slot{"tempering_moving"};  // d x 2 N: x, momentum
// 2 x N: energy at its start, with the sign of the log density; -infinity if it diverged, at the end what it
// gained.
const Slot<Matrix> energy_slot{"tempering_energy"};
const Slot<Vector> end_values_slot{"tempering_end_values"};
const Slot<Matrix> end_gradients_slot{"tempering_end_gradients"};

class Tempering final : public Stage {
 public:
  Tempering(const Target& target, const TemperingOptions& options) : target_(target), options_(options) {
    if (options.islands < 2 || options.islands % 2 != 0 || options.particles % (2 * options.islands) != 0 ||
        options.first_draws % options.islands != 0 || options.first_draws < options.particles ||
        options.particles < 1) {
      throw Error(
          Fault::bug,
          fmt::format("tempering: found {} islands, {} particles of {} first draws; expected "
                      "an even number of islands, draws a multiple and particles twice a multiple of it",
                      options.islands, options.particles, options.first_draws));
    }
  }

  std::string name() const override { return "tempering"; }

  void start(State& state) const override {
    state.drop(left::tempered, left::tempered_islands, left::tempered_particles);
    const Student wide = wide_density(target_, state, options_.seed);
    state.put(wide_slot, wide.base);
    state.put(nu_slot, wide.nu);
    state.put(values_slot, Matrix(1, 0));
    state.put(islands_slot, Vector::Zero(options_.islands));
    TemperingProgress progress;
    progress.step = first_step * std::pow(static_cast<double>(size()), -0.25);
    state.put(progress_slot, progress);
  }

  Step advance(State& state) const override {
    Step record;
    record.rows = target_.num_rows(options_.batch);
    TemperingProgress progress = state.get(progress_slot);
    if (!state.has(points_slot)) {
      if (progress.particles == 0.0) plan(state, progress, record);
      if (!record.done) draw_first(state, progress, record);
    } else if (!state.has(gradients_slot)) {
      evaluate_first(state, progress, record);
    } else {
      leap(state, progress, record);
      if (progress.leapfrog == progress.leapfrogs) arrive(state, progress, record);
    }
    state.put(progress_slot, progress);
    record.free_energy = -log_mean_exp(state.get(islands_slot));
    record.rate = progress.step;
    record.share = progress.gradients / static_cast<double>(options_.max_gradients);
    if (record.done) finish(state, progress);
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  static Student wide(const State& state) { return {state.get(wide_slot), state.get(nu_slot)}; }

  Address address(const TemperingProgress& progress, std::uint32_t block) const {
    return {.seed = options_.seed,
            .purpose = Purpose::tempering,
            .step = static_cast<std::uint32_t>(progress.temperatures),
            .block = block};
  }

  double leapfrogs(double step) const {
    return std::clamp(std::ceil(options_.trajectory / step), 1.0,
                      static_cast<double>(options_.max_leapfrogs));
  }

  double first_share(double particles) const {
    return std::min(options_.effective,
                    first_effective * particles / static_cast<double>(options_.first_draws));
  }

  /// As many particles, and as small steps, as the budget allows for the way there is.
  void plan(const State& state, TemperingProgress& progress, Step& record) const {
    const double whole = path_length(wide(state), state.get(left::base).map);
    const double budget = static_cast<double>(options_.max_gradients);
    const auto way = [&](double particles) {
      return std::max(whole - std::sqrt(-std::log(first_share(particles))), 0.0);
    };
    // Gradients, where each temperature leaves that share of the particles effective.
    const auto cost = [&](double particles, double share) {
      return forecast * particles * leapfrogs(progress.step) * way(particles) / std::sqrt(-std::log(share));
    };
    progress.particles = static_cast<double>(options_.particles);
    if (cost(progress.particles, options_.effective) > budget) progress.particles *= 0.5;
    const double step =
        std::sqrt(-std::log(options_.effective)) * cost(progress.particles, options_.effective) / budget;
    progress.effective = std::clamp(std::exp(-step * step), options_.least_effective, options_.effective);
    const double needed = cost(progress.particles, options_.least_effective);
    if (needed <= excess * budget) return;
    record.note = fmt::format("about {:.0f} gradients to the posterior, at most {} allowed", needed,
                              options_.max_gradients);
    record.done = true;
  }

  /// [collective] Values at the next draws of the wide density; after the last of them the first temperature.
  void draw_first(State& state, TemperingProgress& progress, Step& record) const {
    const Student from = wide(state);
    const auto draws = [&](Index first, Index number) {
      return from.draw({.seed = options_.seed,
                        .purpose = Purpose::tempering_start,
                        .draw = static_cast<std::uint32_t>(first)},
                       number);
    };
    const Index first = state.get(values_slot).cols(),
                number = std::min(draws_per_call, options_.first_draws - first);
    Vector value(number);
    Matrix no_gradient(size(), 0);
    target_.log_joint(options_.batch, draws(first, number), value, no_gradient);
    state.append(values_slot, value.transpose());
    record.draws = number;
    record.non_finite = number - value.array().isFinite().count();
    const Matrix& values = state.get(values_slot);
    if (values.cols() < options_.first_draws) return;
    const Matrix theta = draws(0, options_.first_draws);
    const std::vector<Index> chosen =
        heat(state, progress, values.row(0).transpose() - from.log_density(theta),
             first_share(progress.particles), record);
    if (!record.done) state.put(points_slot, theta(Eigen::all, chosen));
  }

  /// Moves on to the next temperature, where `share` of the draws stay effective: the draws, by island, that
  /// go on from there. `ratio` is log f - log p_0. Sets `done` where there is no such temperature.
  std::vector<Index> heat(State& state, TemperingProgress& progress, ConstVec ratio, double share,
                          Step& record) const {
    const Index islands = options_.islands, each = ratio.size() / islands, kept = progress.count() / islands;
    const double left = 1.0 - progress.temperature;
    double change = left;
    for (Index k = 0; k < islands; ++k) {
      if (!std::isfinite(ratio.segment(k * each, each).maxCoeff())) change = 0.0;
    }
    const auto enough = [&](double by) {
      double sum = 0.0;
      for (Index k = 0; k < islands; ++k) sum += effective_share(ratio.segment(k * each, each), by);
      return sum >= share * static_cast<double>(islands);
    };
    if (change > 0.0 && !enough(left)) {
      double high = left;
      change = 0.0;
      for (Index k = 0; k < halvings; ++k) {
        const double middle = 0.5 * (change + high);
        (enough(middle) ? change : high) = middle;
      }
    }
    if (change == 0.0) {
      record.note = "too few draws with a finite density, " + stopped(progress);
      record.done = true;
      return {};
    }
    std::vector<Index> chosen;
    Vector log_evidence = state.get(islands_slot);
    for (Index k = 0; k < islands; ++k) {
      const Weights weights = weights_of(change * ratio.segment(k * each, each), "tempering");
      log_evidence(k) += weights.log_mean;
      const Vector& weight = weights.normalised;
      Address from = address(progress, resampling_block);
      from.draw = static_cast<std::uint32_t>(k);
      const double offset = uniform(from, 0);
      double sum = weight(0);
      for (Index j = 0, next = 0; j < kept; ++j) {
        const double mark = (static_cast<double>(j) + offset) / static_cast<double>(kept);
        while (sum < mark && next + 1 < each) sum += weight(++next);
        chosen.push_back(k * each + next);
      }
    }
    state.put(islands_slot, std::move(log_evidence));
    progress.temperature = change == left ? 1.0 : progress.temperature + change;
    ++progress.temperatures;
    record.note = fmt::format("inverse temperature {:.3g}", progress.temperature);
    return chosen;
  }

  static std::string stopped(const TemperingProgress& progress) {
    return fmt::format("stopped at inverse temperature {:.2g}", progress.temperature);
  }

  /// [collective]
  void evaluate_first(State& state, TemperingProgress& progress, Record& record) const {
    Vector value(progress.count());
    Matrix gradient(size(), progress.count());
    target_.log_joint(options_.batch, state.get(points_slot), value, gradient);
    state.put(values_slot, value.transpose());
    state.put(gradients_slot, gradient);
    progress.gradients += progress.particles;
    record.draws = progress.count();
  }

  /// log p_0^(1-t) f^t [nats]; sets its gradient from that of log f.
  static Vector tempered(const State& state, double temperature, ConstMat theta, ConstVec value,
                         ConstMat gradient, Matrix& mixed) {
    Matrix of_wide;
    const Vector log_wide = log_density(wide(state), theta, of_wide);
    mixed = temperature * gradient + (1.0 - temperature) * of_wide;
    return temperature * value + (1.0 - temperature) * log_wide;
  }

  /// Of each particle.
  Vector steps(const TemperingProgress& progress) const {
    Vector step(progress.count());
    Address from = address(progress, jitter_block);
    for (Index s = 0; s < step.size(); ++s) {
      from.draw = static_cast<std::uint32_t>(s);
      step(s) = progress.step * (smallest_jitter + (largest_jitter - smallest_jitter) * uniform(from, 0));
    }
    return step;
  }

  /// Lower factors of the curvature to be used in either half of the islands, d x 2 d. The mean outer product
  /// of the gradients is the mean curvature, which does not know how far apart modes are. It is that of the
  /// other half: a metric fitted to the very particles that it moves is not independent of where they are,
  /// and the evidence was 3 nats too high (d = 60).
  Matrix metric(const State& state, const TemperingProgress& progress, const Matrix& gradient) const {
    const Index d = size(), half = progress.count() / 2;
    const auto n = distinct * static_cast<double>(half);
    const double kept = n / (n + static_cast<double>(d));
    const Matrix guess = laplace_curvature(state, wide(state), progress.temperature).llt().matrixL();
    const auto lower = guess.triangularView<Eigen::Lower>();
    Matrix factors(d, 2 * d);
    for (Index k = 0; k < 2; ++k) {
      const Matrix others = lower.solve(gradient.middleCols((1 - k) * half, half));
      Matrix curvature = others * others.transpose() / static_cast<double>(half);
      const Vector diagonal = curvature.diagonal();
      curvature *= kept;
      curvature.diagonal() += (1.0 - kept) * diagonal;
      curvature.diagonal().array() += least_curvature * diagonal.maxCoeff();
      factors.middleCols(k * d, d) = lower * Matrix(curvature.llt().matrixL());
    }
    return factors;
  }

  /// Gradients in the coordinates of the metric.
  Matrix pull_back(const State& state, Matrix gradient) const {
    const Index d = size(), half = gradient.cols() / 2;
    for (Index k = 0; k < 2; ++k) {
      const auto lower = state.get(metric_slot).middleCols(k * d, d).triangularView<Eigen::Lower>();
      lower.solveInPlace(gradient.middleCols(k * half, half));
    }
    return gradient;
  }

  /// The way in theta that a momentum goes.
  Matrix stretch(const State& state, Matrix momentum) const {
    const Index d = size(), half = momentum.cols() / 2;
    for (Index k = 0; k < 2; ++k) {
      const auto lower = state.get(metric_slot).middleCols(k * d, d).triangularView<Eigen::Lower>();
      lower.transpose().solveInPlace(momentum.middleCols(k * half, half));
    }
    return momentum;
  }

  /// New momenta, the metric and the first half kick.
  void set_out(State& state, TemperingProgress& progress) const {
    const Matrix& points = state.get(points_slot);
    Matrix gradient;
    const Vector value =
        tempered(state, progress.temperature, points, state.get(values_slot).row(0).transpose(),
                 state.get(gradients_slot), gradient);
    state.put(metric_slot, metric(state, progress, gradient));
    progress.leapfrog = 0;
    progress.leapfrogs = static_cast<Index>(leapfrogs(progress.step));
    Matrix moving(size(), 2 * progress.count());
    moving.leftCols(progress.count()) = points;
    auto momentum = moving.rightCols(progress.count());
    fill_normal(address(progress, momenta_block), momentum);
    Matrix energy = Matrix::Zero(2, progress.count());
    energy.row(0) = value.transpose() - 0.5 * momentum.colwise().squaredNorm();
    momentum += 0.5 * pull_back(state, gradient) * steps(progress).asDiagonal();
    state.put(moving_slot, std::move(moving));
    state.put(energy_slot, std::move(energy));
  }

  /// [collective] One leapfrog step of all particles.
  void leap(State& state, TemperingProgress& progress, Record& record) const {
    if (progress.leapfrogs == 0) set_out(state, progress);
    const Index particles = progress.count();
    const Vector step = steps(progress);
    Matrix& moving = state.at(moving_slot);
    Matrix& energy = state.at(energy_slot);
    auto x = moving.leftCols(particles);
    auto momentum = moving.rightCols(particles);
    x += stretch(state, momentum) * step.asDiagonal();
    Vector value(particles);
    Matrix gradient(size(), particles), mixed;
    target_.log_joint(options_.batch, x, value, gradient);
    progress.gradients += progress.particles;
    record.draws = particles;
    record.non_finite = particles - value.array().isFinite().count();
    const Vector density = tempered(state, progress.temperature, x, value, gradient, mixed);
    const Matrix half_kick = 0.5 * pull_back(state, mixed) * step.asDiagonal();
    momentum += half_kick;
    const bool last = ++progress.leapfrog == progress.leapfrogs;
    for (Index s = 0; s < particles; ++s) {
      const double gain = density(s) - 0.5 * momentum.col(s).squaredNorm() - energy(0, s);
      if (!(gain >= -largest_energy_error)) energy(1, s) = -std::numeric_limits<double>::infinity();
      if (energy(1, s) < 0.0) {
        // What diverged waits where it set out: further on the density may be no number at all.
        x.col(s) = state.get(points_slot).col(s);
        momentum.col(s).setZero();
      } else if (last) {
        energy(1, s) = gain;
      } else {
        momentum.col(s) += half_kick.col(s);
      }
    }
    if (!last) return;
    state.put(end_values_slot, value);
    state.put(end_gradients_slot, gradient);
  }

  /// Accepts or rejects where the trajectories ended; then the next temperature.
  void arrive(State& state, TemperingProgress& progress, Step& record) const {
    Address from = address(progress, acceptance_block);
    double accepted = 0.0;
    const Vector end_values = state.get(end_values_slot);
    const Matrix &moving = state.get(moving_slot), &energy = state.get(energy_slot),
                 &end_gradients = state.get(end_gradients_slot);
    Matrix &points = state.at(points_slot), &gradients = state.at(gradients_slot),
           &values = state.at(values_slot);
    for (Index s = 0; s < progress.count(); ++s) {
      const double chance = std::exp(std::min(energy(1, s), 0.0));
      accepted += chance / progress.particles;
      from.draw = static_cast<std::uint32_t>(s);
      if (uniform(from, 0) >= chance) continue;
      points.col(s) = moving.col(s);
      gradients.col(s) = end_gradients.col(s);
      values(0, s) = end_values(s);
    }
    state.drop(moving_slot, energy_slot, end_values_slot, end_gradients_slot, metric_slot);
    progress.leapfrog = progress.leapfrogs = 0;
    progress.step =
        std::clamp(progress.step * std::exp(accepted - options_.acceptance), shortest_step, longest_step);
    if (progress.temperature == 1.0) {
      record.note = "arrived at the posterior";
      record.done = true;
      return;
    }
    if (progress.gradients >= static_cast<double>(options_.max_gradients)) {
      record.note = fmt::format("{} gradients spent, {}", progress.gradients, stopped(progress));
      record.done = true;
      return;
    }
    const Vector ratio = values.row(0).transpose() - wide(state).log_density(points);
    const std::vector<Index> chosen = heat(state, progress, ratio, progress.effective, record);
    if (record.done) return;
    for (Matrix* kept : {&points, &gradients, &values}) *kept = Matrix((*kept)(Eigen::all, chosen));
  }

  void finish(State& state, const TemperingProgress& progress) const {
    Matrix particles(size() + 1, 0);
    if (state.has(gradients_slot)) {
      particles.resize(size() + 1, progress.count());
      particles << state.get(points_slot), state.get(values_slot);
    }
    state.put(left::tempered_particles, std::move(particles));
    state.put(left::tempered_islands, state.get(islands_slot));
    state.put(left::tempered,
              {progress.temperature, progress.temperatures, static_cast<std::uint64_t>(progress.gradients)});
    state.drop(progress_slot, wide_slot, nu_slot, islands_slot, values_slot, points_slot, gradients_slot);
  }

  const Target& target_;
  TemperingOptions options_;
};

}  // namespace

std::unique_ptr<Stage> tempering(const Target& target, const TemperingOptions& options) {
  return std::make_unique<Tempering>(target, options);
}

}  // namespace vfe
