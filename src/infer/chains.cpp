#include "vfe/infer/chains.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "metric_choice.hpp"
#include "step_size.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr double largest_energy_error = 1000.0;  // [nats] beyond it a trajectory counts as divergent
constexpr double shortest_jitter = 0.7, longest_jitter = 1.3;  // of a trajectory's length
constexpr double smallest_jitter = 0.9, largest_jitter = 1.1;  // of the step size
constexpr double first_step = 1.4;                             // times d^-1/4
constexpr double check_growth = 1.3;
constexpr double most_moves = 20.0;  // of a start towards the centre

// Purpose::chain, step = iteration: block 0 momenta (draw = chain), 1 acceptance, 2 jitter.
constexpr std::uint32_t acceptance_block = 1, jitter_block = 2;

/// Where the stage stands: the memory "chains_progress" (1 x 20).
struct Progress {
  Index superchains = 0, chains = 0;
  double iteration = 0.0;  ///< over warm-up and sampling: the address of the random numbers
  Index leapfrogs = 0;     ///< of the trajectory under way; 0 between trajectories
  Index leapfrog = 0;      ///< done of them
  double jittered = 0.0;   ///< step size of this trajectory
  Index block = 0;         ///< of warm-up; their number in sampling
  Index in_block = 0;      ///< iterations done
  Index next_check = 0;    ///< iterations kept at the next check
  double calls = 0.0, calls_warm_up = 0.0;
  Index divergences_warm_up = 0, divergences = 0;
  double acceptance = 0.0;  ///< sum over the iterations kept
  bool enough = false;
  StepSize step;

  Progress() = default;
  Matrix pack() const {
    Matrix row(1, 15 + StepSize::packed_size);
    row << static_cast<double>(superchains), static_cast<double>(chains), iteration,
        static_cast<double>(leapfrogs), static_cast<double>(leapfrog), jittered, static_cast<double>(block),
        static_cast<double>(in_block), static_cast<double>(next_check), calls, calls_warm_up,
        static_cast<double>(divergences_warm_up), static_cast<double>(divergences), acceptance, enough,
        step.pack().transpose();
    return row;
  }
  explicit Progress(const Matrix& row)
      : superchains(static_cast<Index>(row(0))),
        chains(static_cast<Index>(row(1))),
        iteration(row(2)),
        leapfrogs(static_cast<Index>(row(3))),
        leapfrog(static_cast<Index>(row(4))),
        jittered(row(5)),
        block(static_cast<Index>(row(6))),
        in_block(static_cast<Index>(row(7))),
        next_check(static_cast<Index>(row(8))),
        calls(row(9)),
        calls_warm_up(row(10)),
        divergences_warm_up(static_cast<Index>(row(11))),
        divergences(static_cast<Index>(row(12))),
        acceptance(row(13)),
        enough(row(14) != 0.0),
        step(row.rightCols(StepSize::packed_size).transpose()) {}
};

/// Of a draw for each superchain. Blocks 0 to 2 are those of the mode search, wide starts and probes.
Address starting_address(std::uint64_t seed) {
  return {.seed = seed, .purpose = Purpose::start, .block = 3};
}

/// scale times x, and its transpose times x; see Affine.
Matrix stretch(const Matrix& scale, ConstMat x) {
  return scale.cols() == 1 ? Matrix(scale.col(0).asDiagonal() * x)
                           : Matrix(scale.triangularView<Eigen::Lower>() * x);
}
Matrix pull(const Matrix& scale, ConstMat gradient) {
  return scale.cols() == 1 ? Matrix(scale.col(0).asDiagonal() * gradient)
                           : Matrix(scale.triangularView<Eigen::Lower>().transpose() * gradient);
}

ChainDraws draws_of(const State& state, const Progress& progress) {
  return {progress.superchains,
          progress.chains,
          state.memory.at("chains_theta"),
          state.memory.at("chains_gradient"),
          state.memory.at("chains_log_joint"),
          Affine{state.memory.at("chains_shift").col(0), state.memory.at("chains_scale")}};
}

void append(Matrix& kept, ConstMat columns) {
  kept.conservativeResize(columns.rows(), kept.cols() + columns.cols());
  kept.rightCols(columns.cols()) = columns;
}

// Besides the progress, the metric and what is kept (see the header) the memory holds "chains_points" (d x
// C), their "chains_point_gradients" and "chains_point_values" (1 x C; absent until all starts are finite,
// when "chains_moves" (1 x 1) counts the moves towards the centre); of the trajectory under way
// "chains_moving" (d x 2 C: theta, momentum) and "chains_energy" (2 x C: energy at its start, with the sign
// of log f; 1 if it diverged); of the second half of a warm-up block "chains_warm" and
// "chains_warm_gradients" (d x C t).
class Chains final : public Stage {
 public:
  Chains(const Target& target, const ChainsOptions& options) : target_(target), options_(options) {
    if (options.superchains < 2 || options.chains_per_superchain < 1 || options.warm_up_iterations < 1) {
      throw Error(Fault::bug, fmt::format("running chains: found {} superchains of {} chains, blocks of {} "
                                          "warm-up iterations; expected at least 2, 1, 1",
                                          options.superchains, options.chains_per_superchain,
                                          options.warm_up_iterations));
    }
  }

  std::string name() const override { return "chains"; }

  void start(State& state) const override {
    if (!state.memory.contains("chains_points")) {
      const Affine base = base_of(state);
      Matrix noise(size(), options_.superchains);
      fill_normal(starting_address(options_.seed), noise);
      place_chains(
          state, base,
          superchain_starts(base.apply(noise), options_.superchains, options_.chains_per_superchain));
    }
    const Matrix& points = state.memory.at("chains_points");
    if (points.rows() != size() || points.cols() != num_chains()) {
      throw Error(Fault::bug, fmt::format("placing chains: found {} x {} starts, expected {} x {}",
                                          points.rows(), points.cols(), size(), num_chains()));
    }
    Progress progress;
    progress.superchains = options_.superchains;
    progress.chains = num_chains();
    progress.next_check = options_.first_check;
    progress.step = StepSize(usual_step());
    state.memory["chains_progress"] = progress.pack();
    state.memory["chains_moves"] = Matrix::Zero(1, 1);
    for (const char* kept : {"chains_theta", "chains_gradient"}) state.memory[kept] = Matrix(size(), 0);
    state.memory["chains_log_joint"] = Matrix(1, 0);
  }

  Record advance(State& state, bool& done) const override {
    Record record;
    record.rows = target_.num_rows(options_.batch);
    if (!state.memory.contains("chains_point_values")) {
      evaluate_starts(state, record);
    } else {
      for (Index call = 0; call < options_.calls_per_advance && !done; ++call) leap(state, record, done);
    }
    if (state.memory.contains("chains_point_values")) {
      record.free_energy = -state.memory.at("chains_point_values").mean();
      record.gradient_norm = state.memory.at("chains_point_gradients").colwise().norm().mean();
    } else {
      record.free_energy = INFINITY;
    }
    record.rate = Progress(state.memory.at("chains_progress")).step.step;
    if (done) {
      for (const char* spent : {"chains_points", "chains_point_gradients", "chains_point_values",
                                "chains_moving", "chains_energy"}) {
        state.memory.erase(spent);
      }
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }
  Index num_chains() const { return options_.superchains * options_.chains_per_superchain; }
  double usual_step() const { return first_step * std::pow(static_cast<double>(size()), -0.25); }

  Address address(const Progress& progress, std::uint32_t block) const {
    return {.seed = options_.seed,
            .purpose = Purpose::chain,
            .step = static_cast<std::uint32_t>(progress.iteration),
            .block = block};
  }

  /// [collective] One call at the starts; those outside the support are moved.
  void evaluate_starts(State& state, Record& record) const {
    const Matrix& points = state.memory.at("chains_points");
    const Index count = points.cols();
    Matrix gradient(size(), count);
    Vector value(count);
    target_.log_joint(options_.batch, points, value, gradient);
    record.draws = count;
    record.non_finite = count - value.array().isFinite().count();

    if (record.non_finite > 0 && state.memory.at("chains_moves")(0, 0) == most_moves) {
      throw Error(Fault::numeric,
                  fmt::format("starting the chains: {} of {} have no finite log density however close to the "
                              "centre of the metric; {}",
                              record.non_finite, count, target_.name_non_finite(options_.batch, points)));
    }
    Progress progress(state.memory.at("chains_progress"));
    progress.calls += 1.0;
    progress.calls_warm_up += 1.0;
    state.memory["chains_progress"] = progress.pack();
    if (record.non_finite == 0) {
      state.memory["chains_point_gradients"] = gradient;
      state.memory["chains_point_values"] = value.transpose();
      state.memory.erase("chains_moves");
      return;
    }
    state.memory.at("chains_moves")(0, 0) += 1.0;
    record.note = fmt::format("{} starts not finite, moved inwards: {}", record.non_finite,
                              target_.name_non_finite(options_.batch, points));
    const Matrix& shift = state.memory.at("chains_shift");
    Matrix& moved = state.memory.at("chains_points");
    for (Index c = 0; c < count; ++c) {
      if (!std::isfinite(value(c))) moved.col(c) = 0.5 * (moved.col(c) + shift.col(0));
    }
  }

  /// [collective] One leapfrog step of all chains, after which a trajectory may be at its end.
  void leap(State& state, Record& record, bool& done) const {
    Progress progress(state.memory.at("chains_progress"));
    const Matrix& scale = state.memory.at("chains_scale");
    Matrix moving, energy;
    if (progress.leapfrogs == 0) {
      set_out(state, progress, moving, energy);
    } else {
      moving = state.memory.at("chains_moving");
      energy = state.memory.at("chains_energy");
    }
    const Index count = progress.chains;
    auto theta = moving.leftCols(count);
    auto momentum = moving.rightCols(count);
    theta += progress.jittered * stretch(scale, momentum);
    Matrix gradient(size(), count);
    Vector value(count);
    target_.log_joint(options_.batch, theta, value, gradient);
    progress.calls += 1.0;
    record.draws += count;

    const Matrix half_kick = 0.5 * progress.jittered * pull(scale, gradient);
    momentum += half_kick;
    const Vector now = value - 0.5 * momentum.colwise().squaredNorm().transpose();
    for (Index c = 0; c < count; ++c) {
      if (!std::isfinite(value(c))) ++record.non_finite;
      if (!(energy(0, c) - now(c) <= largest_energy_error)) energy(1, c) = 1.0;
    }
    if (++progress.leapfrog < progress.leapfrogs) {
      momentum += half_kick;
      for (Index c = 0; c < count; ++c) {
        if (energy(1, c) == 0.0) continue;
        // What diverged waits where it set out: further on the density may be costly, or no number at all.
        theta.col(c) = state.memory.at("chains_points").col(c);
        momentum.col(c).setZero();
      }
      state.memory["chains_moving"] = std::move(moving);
      state.memory["chains_energy"] = std::move(energy);
    } else {
      arrive(state, progress, theta, value, gradient, now, energy, record, done);
    }
    state.memory["chains_progress"] = progress.pack();
  }

  /// New momenta, the length of the trajectories and their first half kick.
  void set_out(const State& state, Progress& progress, Matrix& moving, Matrix& energy) const {
    const Index count = progress.chains;
    const Address jitter = address(progress, jitter_block);
    const double length =
        options_.trajectory * (shortest_jitter + (longest_jitter - shortest_jitter) * uniform(jitter, 0));
    progress.jittered =
        progress.step.step * (smallest_jitter + (largest_jitter - smallest_jitter) * uniform(jitter, 1));
    progress.leapfrogs = static_cast<Index>(
        std::clamp(std::ceil(length / progress.jittered), 1.0, static_cast<double>(options_.max_leapfrogs)));
    progress.leapfrog = 0;
    moving.resize(size(), 2 * count);
    moving.leftCols(count) = state.memory.at("chains_points");
    auto momentum = moving.rightCols(count);
    fill_normal(address(progress, 0), momentum);
    energy = Matrix::Zero(2, count);
    energy.row(0) = state.memory.at("chains_point_values") - 0.5 * momentum.colwise().squaredNorm();
    momentum += 0.5 * progress.jittered *
                pull(state.memory.at("chains_scale"), state.memory.at("chains_point_gradients"));
  }

  /// Accepts or rejects where the trajectories ended, learns from it or keeps it.
  void arrive(State& state, Progress& progress, ConstMat theta, ConstVec value, ConstMat gradient,
              ConstVec energy_now, ConstMat energy, Record& record, bool& done) const {
    const Index count = progress.chains;
    Matrix& points = state.memory.at("chains_points");
    Matrix& gradients = state.memory.at("chains_point_gradients");
    Matrix& values = state.memory.at("chains_point_values");
    Vector acceptance(count);
    Index divergences = 0;
    Address at = address(progress, acceptance_block);
    for (Index c = 0; c < count; ++c) {
      const bool diverged = energy(1, c) != 0.0;
      if (diverged) ++divergences;
      acceptance(c) = diverged ? 0.0 : std::exp(std::min(energy_now(c) - energy(0, c), 0.0));
      at.draw = static_cast<std::uint32_t>(c);
      if (uniform(at, 0) >= acceptance(c)) continue;
      points.col(c) = theta.col(c);
      gradients.col(c) = gradient.col(c);
      values(0, c) = value(c);
    }
    progress.leapfrogs = progress.leapfrog = 0;
    progress.iteration += 1.0;
    state.memory.erase("chains_moving");
    state.memory.erase("chains_energy");

    if (progress.block < options_.warm_up_blocks) {
      progress.divergences_warm_up += divergences;
      progress.calls_warm_up = progress.calls;
      warm_up(state, progress, acceptance, record);
    } else {
      progress.divergences += divergences;
      progress.acceptance += acceptance.mean();
      append(state.memory.at("chains_theta"), points);
      append(state.memory.at("chains_gradient"), gradients);
      append(state.memory.at("chains_log_joint"), values);
      check(state, progress, record, done);
    }
  }

  void warm_up(State& state, Progress& progress, ConstVec acceptance, Record& record) const {
    progress.step.update(acceptance, options_.acceptance);
    if (++progress.in_block > options_.warm_up_iterations / 2) {
      append(state.memory["chains_warm"], state.memory.at("chains_points"));
      append(state.memory["chains_warm_gradients"], state.memory.at("chains_point_gradients"));
    }
    if (progress.in_block < options_.warm_up_iterations) return;
    progress.step.settle();
    record.note = fmt::format("warmed up: step {:.3g}", progress.step.step);
    progress.in_block = 0;
    if (++progress.block < options_.warm_up_blocks) {
      const Matrix& theta = state.memory.at("chains_warm");
      MetricChoice choice =
          choose_metric(state.memory.at("chains_scale"), theta, state.memory.at("chains_warm_gradients"),
                        progress.chains, size() <= options_.most_dense);
      record.note += fmt::format(", metric {}", choice.name);
      const bool changed = choice.name != "kept";
      if (changed) {
        state.memory["chains_scale"] = std::move(choice.scale);
        state.memory["chains_shift"] = theta.rowwise().mean();
      }
      progress.step.restart(changed ? std::max(progress.step.step, usual_step()) : progress.step.step);
    }
    state.memory.erase("chains_warm");
    state.memory.erase("chains_warm_gradients");
  }

  void check(const State& state, Progress& progress, Record& record, bool& done) const {
    const ChainDraws draws = draws_of(state, progress);
    const Index kept = draws.iterations();
    const bool spent =
        kept >= options_.max_iterations ||
        progress.calls * static_cast<double>(progress.chains) >= static_cast<double>(options_.max_gradients);
    if (kept < progress.next_check && !spent) return;
    progress.next_check = static_cast<Index>(std::ceil(check_growth * static_cast<double>(kept)));
    ChainCheck found;
    if (options_.rule) found = options_.rule(draws);
    progress.enough = found.enough;
    done = found.enough || spent;
    record.note = fmt::format("{} iterations{}{}{}", kept, found.note.empty() ? "" : ": ", found.note,
                              spent && !found.enough ? "; stopped at the limit" : "");
  }

  const Target& target_;
  ChainsOptions options_;
};

}  // namespace

std::unique_ptr<Stage> chains(const Target& target, const ChainsOptions& options) {
  return std::make_unique<Chains>(target, options);
}

void place_chains(State& state, const Affine& metric, ConstMat starts) {
  state.memory["chains_shift"] = metric.shift;
  state.memory["chains_scale"] = metric.scale;
  state.memory["chains_points"] = starts;
}

Matrix superchain_starts(ConstMat points, Index superchains, Index chains_per_superchain) {
  Matrix starts(points.rows(), superchains * chains_per_superchain);
  for (Index c = 0; c < starts.cols(); ++c) {
    starts.col(c) = points.col(c / chains_per_superchain % points.cols());
  }
  return starts;
}

Matrix superchain_starts(const Family& family, ConstVec lambda, Index superchains,
                         Index chains_per_superchain, std::uint64_t seed) {
  Matrix noise(family.num_noise(), superchains), points(family.size(), superchains);
  fill_normal(starting_address(seed), noise);
  family.transform(lambda, noise, points);
  return superchain_starts(points, superchains, chains_per_superchain);
}

ChainDraws chain_draws(const State& state) {
  return draws_of(state, Progress(state.memory.at("chains_progress")));
}

ChainsSummary chains_summary(const State& state) {
  const Progress progress(state.memory.at("chains_progress"));
  const Index kept = chain_draws(state).iterations();
  return {
      .iterations = kept,
      .step = progress.step.step,
      .calls = static_cast<std::uint64_t>(progress.calls),
      .gradients = static_cast<std::uint64_t>(progress.calls) * static_cast<std::uint64_t>(progress.chains),
      .gradients_warm_up =
          static_cast<std::uint64_t>(progress.calls_warm_up) * static_cast<std::uint64_t>(progress.chains),
      .divergences_warm_up = progress.divergences_warm_up,
      .divergences = progress.divergences,
      .acceptance = kept > 0 ? progress.acceptance / static_cast<double>(kept) : 0.0,
      .enough = progress.enough};
}

}  // namespace vfe
