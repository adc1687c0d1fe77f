#include "vfe/infer/chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "infer/chain_memory.hpp"
#include "infer/isokinetic.hpp"
#include "infer/metric_choice.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr double largest_energy_error = 1000.0;  // [nats] beyond it a trajectory counts as divergent
constexpr double shortest_jitter = 0.7, longest_jitter = 1.3;  // of a trajectory's length
constexpr double smallest_jitter = 0.9, largest_jitter = 1.1;  // of the step size
constexpr double first_step = 1.4;                             // times d^-1/4
constexpr double longest_trajectory = 2.0 * std::numbers::pi;  // that a rule can ask for
constexpr double check_growth = 1.3;
constexpr Index most_moves = 20;  // of a start towards the centre

/// Purpose::chain, step = iteration, draw = chain; the block is the name's hash (FNV-1a), its last two bits
/// one of these.
enum class Numbers : std::uint32_t { velocities, acceptance, jitter };

std::uint32_t block(const std::string& name, Numbers what) {
  std::uint32_t hash = 2166136261;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619;
  return hash << 2 | static_cast<std::uint32_t>(what);
}

/// What chains have reached, in the coordinates x, and what the target says of it, in theta.
struct Points {
  Matrix x;
  Vector log_joint;
  Matrix gradient;
};

class Chains final : public Stage {
 public:
  Chains(const Target& target, const ChainsOptions& options)
      : target_(target), options_(options), slots_(options.name) {
    if (options.superchains < 2 || options.chains_per_superchain < 1 || options.warm_up_iterations < 1) {
      throw Error(Fault::bug, fmt::format("running chains: found {} superchains of {} chains, blocks of {} "
                                          "warm-up iterations; expected at least 2, 1, 1",
                                          options.superchains, options.chains_per_superchain,
                                          options.warm_up_iterations));
    }
  }

  std::string name() const override { return options_.name; }

  void start(State& state) const override {
    if (!state.has(slots_.points)) {
      const Affine base = state.get(left::base).map;
      Matrix noise(size(), options_.superchains);
      fill_normal(chain_starts_address(options_.seed), noise);
      place_chains(state, base,
                   superchain_starts(base.apply(noise), options_.superchains, options_.chains_per_superchain),
                   name());
    }
    const Matrix& points = state.get(slots_.points);
    if (points.rows() != size() || points.cols() != num_chains()) {
      throw Error(Fault::bug, fmt::format("placing chains: found {} x {} starts, expected {} x {}",
                                          points.rows(), points.cols(), size(), num_chains()));
    }
    ChainProgress progress;
    progress.superchains = options_.superchains;
    progress.chains = num_chains();
    progress.trajectory = options_.trajectory;
    progress.next_check = options_.first_check;
    progress.step = StepSize(usual_step());
    state.put(slots_.progress, progress);
    state.put(slots_.moves, 0);
    for (const auto& kept : {slots_.theta, slots_.gradient}) state.put(kept, Matrix(size(), 0));
    state.put(slots_.log_joint, Matrix(1, 0));
  }

  Step advance(State& state) const override {
    Step record;
    record.rows = target_.num_rows(options_.batch);
    ChainSpace space(state, slots_);
    if (!state.has(slots_.point_values)) {
      evaluate_starts(state, space, record);
    } else {
      for (Index call = 0; call < options_.calls_per_advance && !record.done; ++call) {
        leap(state, space, record);
      }
    }
    if (state.has(slots_.point_values)) {
      record.free_energy = -state.get(slots_.point_values).mean();
      record.gradient_norm = state.get(slots_.point_gradients).colwise().norm().mean();
    } else {
      record.free_energy = INFINITY;
    }
    const ChainProgress progress = state.get(slots_.progress);
    record.rate = progress.step.step;
    record.share = share(progress);
    if (record.done) {
      state.drop(slots_.points, slots_.point_gradients, slots_.point_values);
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }
  Index num_chains() const { return options_.superchains * options_.chains_per_superchain; }
  /// Of the iterations or the gradients, whichever end first.
  double share(const ChainProgress& progress) const {
    const Index iterations = options_.warm_up_blocks * options_.warm_up_iterations + options_.max_iterations;
    const std::uint64_t gradients = progress.in_sight
                                        ? std::max(options_.max_gradients, options_.max_gradients_in_sight)
                                        : options_.max_gradients;
    return std::max(progress.iteration / static_cast<double>(iterations),
                    progress.calls * static_cast<double>(progress.chains) / static_cast<double>(gradients));
  }
  double usual_step() const { return first_step * std::pow(static_cast<double>(size()), -0.25); }

  Address address(const ChainProgress& progress, Numbers what) const {
    return {.seed = options_.seed,
            .purpose = Purpose::chain,
            .step = static_cast<std::uint32_t>(progress.iteration),
            .block = block(name(), what)};
  }

  /// [collective] log f and its gradient at theta(x).
  Points evaluate(const ChainSpace& space, const Matrix& x) const {
    Points points{x, Vector(x.cols()), Matrix(size(), x.cols())};
    target_.log_joint(options_.batch, space.coordinates.theta(x), points.log_joint, points.gradient);
    return points;
  }

  /// [collective] One call at the starts; those outside the support are moved.
  void evaluate_starts(State& state, const ChainSpace& space, Record& record) const {
    Points starts = evaluate(space, state.get(slots_.points));
    const Index count = starts.x.cols();
    record.draws = count;
    record.non_finite = count - starts.log_joint.array().isFinite().count();

    const auto named = [&] {
      return target_.name_non_finite(options_.batch, space.coordinates.theta(starts.x));
    };
    if (record.non_finite > 0 && state.get(slots_.moves) == most_moves) {
      throw Error(Fault::numeric,
                  fmt::format("starting the chains: {} of {} have no finite log density however close to the "
                              "centre of the metric; {}",
                              record.non_finite, count, named()));
    }
    ChainProgress progress = state.get(slots_.progress);
    progress.calls += 1.0;
    progress.calls_warm_up += 1.0;
    state.put(slots_.progress, progress);
    if (record.non_finite == 0) {
      state.put(slots_.point_gradients, starts.gradient);
      state.put(slots_.point_values, starts.log_joint.transpose());
      state.drop(slots_.moves);
      return;
    }
    state.put(slots_.moves, state.get(slots_.moves) + 1);
    record.note = fmt::format("{} starts not finite, moved inwards: {}", record.non_finite, named());
    for (Index c = 0; c < count; ++c) {
      if (std::isfinite(starts.log_joint(c))) continue;
      state.at(slots_.points).col(c) = 0.5 * (starts.x.col(c) + space.metric.shift);
    }
  }

  /// [collective] One leapfrog step of all chains, after which a trajectory may be at its end.
  void leap(State& state, ChainSpace& space, Step& record) const {
    ChainProgress progress = state.get(slots_.progress);
    if (progress.leapfrogs == 0) set_out(state, space, progress);
    Matrix x = state.get(slots_.moving), velocity = state.get(slots_.velocity),
           energy = state.get(slots_.energy);
    const double step = progress.jittered * speed(velocity.rows());
    x += step * space.metric.stretch(velocity.topRows(size()));
    const Points end = evaluate(space, x);
    progress.calls += 1.0;
    record.draws += progress.chains;

    Vector value = end.log_joint;
    Matrix gradient = end.gradient;
    space.coordinates.pull_back(x, value, gradient);
    const Matrix force = space.metric.pull_back(gradient);
    turn(force, 0.5 * step, velocity, energy.row(0));
    Vector gain = value - energy.row(0).transpose();
    for (Index c = 0; c < progress.chains; ++c) {
      if (!std::isfinite(end.log_joint(c))) ++record.non_finite;
      if (!(gain(c) >= -largest_energy_error)) energy(1, c) = 1.0;
      if (energy(1, c) != 0.0) gain(c) = -std::numeric_limits<double>::infinity();
    }
    if (++progress.leapfrog < progress.leapfrogs) {
      turn(force, 0.5 * step, velocity, energy.row(0));
      for (Index c = 0; c < progress.chains; ++c) {
        if (energy(1, c) == 0.0) continue;
        // What diverged waits where it set out: further on the density may be costly, or no number at all.
        x.col(c) = state.get(slots_.points).col(c);
        velocity.col(c).setZero();
      }
      state.put(slots_.moving, std::move(x));
      state.put(slots_.velocity, std::move(velocity));
      state.put(slots_.energy, std::move(energy));
    } else {
      arrive(state, space, progress, end, gain, record);
    }
    state.put(slots_.progress, progress);
  }

  /// New velocities, the length of the trajectories and their first half turn.
  void set_out(State& state, const ChainSpace& space, ChainProgress& progress) const {
    const Address jitter = address(progress, Numbers::jitter);
    const double length =
        progress.trajectory * (shortest_jitter + (longest_jitter - shortest_jitter) * uniform(jitter, 0));
    progress.jittered =
        progress.step.step * (smallest_jitter + (largest_jitter - smallest_jitter) * uniform(jitter, 1));
    progress.leapfrogs = static_cast<Index>(
        std::clamp(std::ceil(length / progress.jittered), 1.0, static_cast<double>(options_.max_leapfrogs)));
    progress.leapfrog = 0;
    const Matrix& x = state.get(slots_.points);
    Vector value = state.get(slots_.point_values).row(0);
    Matrix gradient = state.get(slots_.point_gradients);
    space.coordinates.pull_back(x, value, gradient);
    Matrix velocity(velocity_rows(size()), progress.chains), energy = Matrix::Zero(2, progress.chains);
    fill_velocities(address(progress, Numbers::velocities), velocity);
    energy.row(0) = value.transpose();
    turn(space.metric.pull_back(gradient), 0.5 * progress.jittered * speed(velocity.rows()), velocity,
         energy.row(0));
    state.put(slots_.moving, x);
    state.put(slots_.velocity, std::move(velocity));
    state.put(slots_.energy, std::move(energy));
  }

  /// Accepts or rejects where the trajectories ended, learns from it or keeps it. `gain` is that of energy,
  /// -infinity where a trajectory diverged.
  void arrive(State& state, ChainSpace& space, ChainProgress& progress, const Points& end, ConstVec gain,
              Step& record) const {
    Matrix& x = state.at(slots_.points);
    Matrix& gradients = state.at(slots_.point_gradients);
    Matrix& values = state.at(slots_.point_values);
    const Vector acceptance = gain.cwiseMin(0.0).array().exp();
    const Index divergences = (gain.array() == -std::numeric_limits<double>::infinity()).count();
    Address draw = address(progress, Numbers::acceptance);
    for (Index c = 0; c < progress.chains; ++c) {
      draw.draw = static_cast<std::uint32_t>(c);
      if (uniform(draw, 0) >= acceptance(c)) continue;
      x.col(c) = end.x.col(c);
      gradients.col(c) = end.gradient.col(c);
      values(0, c) = end.log_joint(c);
    }
    progress.leapfrogs = progress.leapfrog = 0;
    progress.iteration += 1.0;
    state.drop(slots_.moving, slots_.velocity, slots_.energy);

    if (progress.block < options_.warm_up_blocks) {
      progress.divergences_warm_up += divergences;
      progress.calls_warm_up = progress.calls;
      warm_up(state, space, progress, acceptance, record);
    } else {
      progress.divergences += divergences;
      progress.acceptance += acceptance.mean();
      state.append(slots_.theta, space.coordinates.theta(x));
      state.append(slots_.gradient, gradients);
      state.append(slots_.log_joint, values);
      check(state, progress, record);
    }
  }

  void warm_up(State& state, ChainSpace& space, ChainProgress& progress, ConstVec acceptance,
               Record& record) const {
    progress.step.update(acceptance, options_.acceptance);
    if (++progress.in_block > options_.warm_up_iterations / 2) {
      const Matrix& x = state.get(slots_.points);
      Vector value = state.get(slots_.point_values).row(0);
      Matrix gradient = state.get(slots_.point_gradients);
      space.coordinates.pull_back(x, value, gradient);
      state.append(slots_.warm, x);
      state.append(slots_.warm_gradients, gradient);
    }
    if (progress.in_block < options_.warm_up_iterations) return;
    progress.step.settle();
    record.note = fmt::format("warmed up: step {:.3g}", progress.step.step);
    progress.in_block = 0;
    if (++progress.block < options_.warm_up_blocks) {
      MetricChoice choice =
          choose_metric(space.metric, state.get(slots_.warm), state.get(slots_.warm_gradients),
                        progress.chains, size() <= options_.most_dense);
      record.note += fmt::format(", metric {}", choice.name);
      const bool changed = choice.name != "kept";
      if (changed) {
        space.metric = std::move(choice.metric);
        state.put(slots_.metric, space.metric);
      }
      progress.step.restart(changed ? std::max(progress.step.step, usual_step()) : progress.step.step);
    }
    state.drop(slots_.warm, slots_.warm_gradients);
  }

  void check(const State& state, ChainProgress& progress, Step& record) const {
    const Index kept = state.get(slots_.log_joint).cols() / progress.chains;
    const double gradients = progress.calls * static_cast<double>(progress.chains);
    const bool too_long =
        kept >= options_.max_iterations ||
        gradients >= static_cast<double>(std::max(options_.max_gradients, options_.max_gradients_in_sight));
    const bool at_limit = gradients >= static_cast<double>(options_.max_gradients) && !progress.in_sight;
    if (kept < progress.next_check && !too_long && !at_limit) return;
    progress.next_check = static_cast<Index>(std::ceil(check_growth * static_cast<double>(kept)));
    ChainCheck found;
    if (options_.rule) found = options_.rule(chain_draws(state, name()));
    const double warm_up = progress.calls_warm_up * static_cast<double>(progress.chains);
    progress.in_sight = warm_up + found.shortfall * (gradients - warm_up) <=
                        static_cast<double>(options_.max_gradients_in_sight);
    const bool spent =
        too_long || (gradients >= static_cast<double>(options_.max_gradients) && !progress.in_sight);
    progress.enough = found.enough;
    progress.hopeless = found.hopeless;
    record.done = found.enough || found.hopeless || spent;
    record.note = fmt::format(
        "{} iterations{}{}{}{}", kept,
        progress.divergences > 0 ? fmt::format(", {} divergent trajectories", progress.divergences) : "",
        found.note.empty() ? "" : ": ", found.note,
        found.hopeless           ? "; hopeless"
        : spent && !found.enough ? "; stopped at the limit"
                                 : "");
    if (found.lengthen && !record.done && progress.trajectory < longest_trajectory &&
        kept >= 2 * progress.lengthened) {
      progress.trajectory = std::min(2.0 * progress.trajectory, longest_trajectory);
      progress.lengthened = kept;
      record.note += fmt::format("; trajectories lengthened to {:.3g}", progress.trajectory);
    }
  }

  const Target& target_;
  ChainsOptions options_;
  ChainSlots slots_;
};

}  // namespace

std::unique_ptr<Stage> chains(const Target& target, const ChainsOptions& options) {
  return std::make_unique<Chains>(target, options);
}

}  // namespace vfe
