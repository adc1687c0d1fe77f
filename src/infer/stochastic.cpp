#include "vfe/infer/stochastic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "infer/base.hpp"
#include "infer/iterate_history.hpp"
#include "infer/rate_rule.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

constexpr Index most_failures = 50;  // in a row
constexpr double first_check = 200.0, check_growth = 1.05;
constexpr double rhat_limit = 1.1, least_effective_size = 25.0;
constexpr double standard_error_limit = 0.1;  // at the first rate; halved with the rate
constexpr double mean_error_limit = 0.02, shape_error_limit = 0.003;  // of the final average

/// Where the stage stands.
struct StochasticProgress {
  double tick = 0.0;           ///< steps tried, failed ones included: the address of minibatch and draws
  double step = 0.0;           ///< steps done at this rate
  double check = first_check;  ///< at which convergence is looked at next
  double rate = 0.0;
  double halvings = 0.0;
  double failures = 0.0;  ///< in a row
  bool refining = false;  ///< the rate is the last one
  double rolled_back = 0.0;

  static void each(auto& self, const auto& visit) {
    const auto all = [&](auto&... fields) { (visit(fields), ...); };
    all(self.tick, self.step, self.check, self.rate, self.halvings, self.failures, self.refining,
        self.rolled_back);
  }
};

const Slot<StochasticProgress> progress_slot{"stochastic_progress"};
// In the base's coordinates, beside the history of iterates (IterateHistory).
const Slot<Matrix> lambda_slot{"stochastic_lambda"};        // the iterate, a column
const Slot<Matrix> optimizer_slot{"stochastic_optimizer"};  // its memory, a column
const Slot<Vector> average_slot{"stochastic_average"};  // converged, at the rate before; empty at the first
const Slot<Matrix> rates_slot{"stochastic_rates"};      // 3 x T, see RateRule; empty at first

class Stochastic final : public Stage {
 public:
  Stochastic(const Target& target, const Family& family, const StochasticOptions& options)
      : target_(target), family_(family), options_(options), optimizer_(make_optimizer(options.optimizer)) {
    options_.draws_per_step = std::max<Index>(2, options_.draws_per_step + options_.draws_per_step % 2);
    rule_.settles = optimizer_->settles();
    // An error of 1 % in every sd is a divergence of 2 d 0.01^2; the paper's own accuracy bounds it.
    rule_.accuracy = std::min(rule_.accuracy, 0.01 * std::sqrt(2.0 * static_cast<double>(family.size())));
  }

  std::string name() const override { return "stochastic"; }

  void start(State& state) const override {
    const Vector lambda = start_at_modes(family_, state, 1.0);
    StochasticProgress progress;
    // A coordinate moves by about the rate at first. With the d^2/2 of a dense factor all doing so the factor
    // as a whole would be thrown far: as many as a mean-field q has may.
    const double crowd = static_cast<double>(2 * family_.size()) / static_cast<double>(size());
    progress.rate = options_.rate.value_or(options_.first_rate * std::sqrt(crowd));
    state.put(progress_slot, progress);
    state.put(lambda_slot, lambda);
    state.lambda = family_.push_forward(lambda, state.get(left::base).map);
    begin_rate(state);
  }

  Step advance(State& state) const override {
    StochasticProgress progress = state.get(progress_slot);
    const Affine base = state.get(left::base).map;
    const std::uint64_t tick = static_cast<std::uint64_t>(progress.tick);
    const Minibatch batch = minibatch(tick, target_.num_blocks(), options_.blocks_per_step, options_.seed);
    const Matrix noise = antithetic(static_cast<std::uint32_t>(tick));
    Matrix& lambda = state.at(lambda_slot);
    const FreeEnergy objective(target_, family_, base, options_.gradient);
    const Estimate found = objective.estimate(lambda.col(0), noise, batch);

    Step record;
    record.free_energy = found.value;
    record.std_error = found.std_error;
    record.gradient_norm = found.grad.norm();
    record.rate = progress.rate;
    record.draws = noise.cols() * family_.num_components();
    record.rows = target_.num_rows(batch);
    record.non_finite = found.non_finite;
    progress.tick += 1.0;
    record.share = progress.tick / static_cast<double>(options_.max_steps);
    if (!std::isfinite(found.value)) {
      progress.failures += 1.0;
      progress.rolled_back += 1.0;
      const std::string where = objective.name_non_finite(lambda.col(0), noise, batch);
      if (progress.failures >= most_failures) {
        throw Error(Fault::numeric,
                    fmt::format("fitting by stochastic steps: {} steps in a row were not finite; {}",
                                most_failures, where));
      }
      record.note = "not finite, rolled back: " + where;
    } else {
      optimizer_->descend(static_cast<std::uint64_t>(progress.step), progress.rate, found.grad, lambda.col(0),
                          state.at(optimizer_slot).col(0));
      progress.failures = 0.0;
      progress.step += 1.0;
      IterateHistory history(state);
      if (history.add(lambda.col(0))) renew(state, history, base);
      if (progress.step >= progress.check && !options_.rate) look(state, history, base, progress, record);
    }
    state.put(progress_slot, progress);
    if (!record.done && progress.tick >= static_cast<double>(options_.max_steps)) {
      IterateHistory history(state);
      // At a rate fixed by hand the last half is averaged, whatever it is worth.
      const Index window = history.batches() / 2;
      const bool converged = options_.rate && window >= 8 && history.split_rhat(window) <= rhat_limit &&
                             precise(state, history, window, standard_error_limit, standard_error_limit);
      record.note = converged ? "converged" : "not converged";
      finish(state, converged);
      record.done = true;
    }
    if (record.done && progress.rolled_back > 0.0) {
      record.note += fmt::format("; {} steps not finite, rolled back", progress.rolled_back);
    }
    return record;
  }

 private:
  Index size() const { return family_.num_lambda(); }

  /// Fresh draws, columns s and s + S/2 opposite: the noise in the gradient that is odd in them cancels,
  /// which with minibatches is most of it.
  Matrix antithetic(std::uint32_t tick) const {
    const Index half = options_.draws_per_step / 2;
    Matrix noise(family_.num_noise(), 2 * half);
    fill_normal(Address{.seed = options_.seed, .purpose = Purpose::noise, .step = tick},
                noise.leftCols(half));
    noise.rightCols(half) = -noise.leftCols(half);
    return noise;
  }

  void begin_rate(State& state) const {
    IterateHistory::begin(state, size());
    state.put(optimizer_slot, Matrix::Zero(std::max<Index>(1, optimizer_->memory(size())), 1));
  }

  /// Sets State::lambda to the mean of the newer half of the iterates at this rate; while they are few, the
  /// average at the rate before is better.
  void renew(State& state, const IterateHistory& history, const Affine& base) const {
    const bool first = !state.has(average_slot);
    if (!first && history.batches() < history.least_window()) return;
    state.lambda = family_.push_forward(history.average((history.batches() + 1) / 2), base);
  }

  /// Looks whether the average has converged; then halves the rate, or ends the stage.
  void look(State& state, const IterateHistory& history, const Affine& base, StochasticProgress& progress,
            Step& record) const {
    progress.check = std::ceil(std::max(progress.step + first_check, check_growth * progress.step));
    const IterateHistory::Window window = history.best_window();
    if (window.batches == 0 || window.rhat > rhat_limit) return;
    const double limit = standard_error_limit * std::pow(RateRule::factor, progress.halvings);
    if (progress.refining ? !precise(state, history, window.batches, mean_error_limit, shape_error_limit)
                          : !precise(state, history, window.batches, limit, limit)) {
      return;
    }
    const Vector average = history.average(window.batches);
    state.lambda = family_.push_forward(average, base);
    if (!progress.refining) {
      if (state.has(average_slot)) {
        state.append(rates_slot, Eigen::Vector3d(progress.rate, divergence(state.get(average_slot), average),
                                                 progress.step));
        progress.refining = rule_.inefficiency(state.get(rates_slot)) > RateRule::inefficient;
      }
      state.put(average_slot, average);
      if (!progress.refining) {
        progress.rate *= RateRule::factor;
        progress.halvings += 1.0;
        progress.step = 0.0;
        progress.check = first_check;
        state.put(lambda_slot, average);
        begin_rate(state);
        record.note = fmt::format("rate halved to {:.4g}", progress.rate);
        return;
      }
      record.note = "last rate";
      if (!precise(state, history, window.batches, mean_error_limit, shape_error_limit)) return;
    }
    record.note = "converged";
    finish(state, true);
    record.done = true;
  }

  /// Whether the average over a window is known this well: means relative to q's sds, the rest of lambda
  /// (logs of sds, factors in whitened coordinates) as it is.
  bool precise(const State& state, const IterateHistory& history, Index window, double mean_limit,
               double shape_limit) const {
    const IterateHistory::Accuracy accuracy = history.accuracy(window);
    if (accuracy.least_effective_size < least_effective_size) return false;
    const Vector sd = family_.standard_deviation(state.get(lambda_slot).col(0));
    for (std::size_t k = 0; k < accuracy.coordinate.size(); ++k) {
      const Index i = accuracy.coordinate[k];
      const Index location = family_.location(i);
      const double error = accuracy.standard_error(static_cast<Index>(k));
      if (error > (location >= 0 ? mean_limit * sd(location) : shape_limit)) return false;
    }
    return true;
  }

  /// Symmetrised Kullback-Leibler divergence of two q [nats], at common antithetic draws so that its noise
  /// shrinks with the divergence itself.
  double divergence(ConstVec a, ConstVec b) const {
    const Index half = std::clamp<Index>((Index{1} << 19) / family_.num_noise(), 8, 128);
    Matrix noise(family_.num_noise(), 2 * half);
    fill_normal(Address{.seed = options_.seed, .purpose = Purpose::divergence}, noise.leftCols(half));
    noise.rightCols(half) = -noise.leftCols(half);
    const auto mean_log_ratio = [&](ConstVec at) {
      Matrix u(family_.size(), noise.cols()), no_gradient(family_.size(), 0);
      family_.transform(at, noise, u);
      Vector log_a(noise.cols()), log_b(noise.cols());
      family_.log_density(a, u, log_a, no_gradient);
      family_.log_density(b, u, log_b, no_gradient);
      return (log_a - log_b).mean();
    };
    return mean_log_ratio(a) - mean_log_ratio(b);
  }

  void finish(State& state, bool converged) const {
    state.drop(progress_slot, lambda_slot, optimizer_slot, average_slot, rates_slot);
    IterateHistory::drop(state);
    state.put(left::converged, converged);
  }

  const Target& target_;
  const Family& family_;
  StochasticOptions options_;
  std::unique_ptr<Optimizer> optimizer_;
  RateRule rule_;
};

}  // namespace

Minibatch minibatch(std::uint64_t step, Index num_blocks, Index blocks_per_step, std::uint64_t seed) {
  const Index stride = std::max<Index>(1, (num_blocks + blocks_per_step - 1) / blocks_per_step);
  const std::uint64_t m = static_cast<std::uint64_t>(stride);
  const Address at{.seed = seed, .purpose = Purpose::minibatch, .step = static_cast<std::uint32_t>(step / m)};
  return {permutation(at, stride)[static_cast<std::size_t>(step % m)], stride};
}

std::unique_ptr<Stage> stochastic(const Target& target, const Family& family,
                                  const StochasticOptions& options) {
  return std::make_unique<Stochastic>(target, family, options);
}

}  // namespace vfe
