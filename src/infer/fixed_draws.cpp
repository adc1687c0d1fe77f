#include "vfe/infer/fixed_draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "vfe/infer/lbfgs.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr Index most_shrinks = 20;
constexpr double shrink = 0.35;  // of the log sds

// The memory holds "fixed_draws" (the packed search, one column; absent until a finite start is found) and
// "fixed_draws_shrinks" (1 x 1).
class FixedDraws final : public Stage {
 public:
  FixedDraws(const Target& target, const Family& family, const FixedDrawsOptions& options)
      : target_(target),
        family_(family),
        options_(options),
        noise_(whitened_noise(family.num_noise(), options.draws > 0 ? options.draws : num_fixed_draws(family),
                              options.seed)) {}

  std::string name() const override { return "fixed_draws"; }

  void start(State& state) const override { state.memory["fixed_draws_shrinks"] = Matrix::Zero(1, 1); }

  Record advance(State& state, bool& done) const override {
    const Affine base = base_of(state);
    const FreeEnergy objective(target_, family_, base, Gradient::closed_entropy);
    Record record;
    record.draws = noise_.cols();
    record.rows = target_.num_rows(Minibatch{});

    if (!state.memory.contains("fixed_draws")) {
      Matrix& shrinks = state.memory.at("fixed_draws_shrinks");
      const Vector lambda = family_.init(Vector::Zero(family_.size()), std::exp(-shrink * shrinks(0, 0)));
      const Estimate found = objective.estimate(lambda, noise_);
      report(found, found.grad, record);
      if (found.non_finite > 0) {
        if (shrinks(0, 0) == most_shrinks) give_up(objective, lambda, found);
        shrinks(0, 0) += 1.0;
        record.note = "not finite, q shrunk: " + objective.name_non_finite(lambda, noise_);
        return record;
      }
      state.lambda = family_.push_forward(lambda, base);
      go_on(state, Lbfgs(lambda, found.value, found.grad, options_.history), record, done);
      return record;
    }

    Lbfgs search(state.memory.at("fixed_draws").col(0), size(), options_.history);
    record.rate = search.step_length();
    const Vector trial = search.trial();
    const Estimate found = objective.estimate(trial, noise_);
    if (found.non_finite > 0) {
      record.note = "not finite, step shortened: " + objective.name_non_finite(trial, noise_);
    }
    if (search.tell(found.value, found.grad)) state.lambda = family_.push_forward(search.x(), base);
    report(found, search.g(), record);
    record.free_energy = search.f();
    go_on(state, search, record, done);
    return record;
  }

 private:
  Index size() const { return family_.num_lambda(); }

  /// A factor of low rank starts near zero, a saddle of the free energy, where the decrement says nothing.
  Index least_iterations() const { return family_.num_noise() > family_.size() ? 20 : 0; }

  /// Keeps the search, or ends the stage if it is finished.
  void go_on(State& state, const Lbfgs& search, Record& record, bool& done) const {
    const bool flat = search.decrement() < options_.tolerance;
    const bool converged = flat && (search.iterations() >= least_iterations() || search.stuck());
    if (!converged && !search.stuck() && search.iterations() < options_.max_iterations) {
      state.memory["fixed_draws"] = search.pack();
      return;
    }
    done = true;
    record.note = converged ? "converged"
                            : fmt::format("not converged: decrement {:.2g} after {} iterations",
                                          search.decrement(), search.iterations());
    state.memory.erase("fixed_draws");
    state.memory.erase("fixed_draws_shrinks");
    state.memory["converged"] = Matrix::Constant(1, 1, converged ? 1.0 : 0.0);
  }

  [[noreturn]] void give_up(const FreeEnergy& objective, ConstVec lambda, const Estimate& found) const {
    throw Error(
        Fault::numeric,
        fmt::format("starting the fit: {} of {} draws have no finite log density however close to the "
                    "mode; {}",
                    found.non_finite, noise_.cols(), objective.name_non_finite(lambda, noise_)));
  }

  static void report(const Estimate& found, ConstVec gradient, Record& record) {
    record.free_energy = found.value;
    record.std_error = found.std_error;
    record.gradient_norm = gradient.norm();
    record.non_finite = found.non_finite;
  }

  const Target& target_;
  const Family& family_;
  FixedDrawsOptions options_;
  Matrix noise_;
};

}  // namespace

std::unique_ptr<Stage> fixed_draws(const Target& target, const Family& family,
                                   const FixedDrawsOptions& options) {
  return std::make_unique<FixedDraws>(target, family, options);
}

Index num_fixed_draws(const Family& family) {
  // Error in F at fresh draws, logistic regression on ionosphere (d = 35; five seeds): full_rank 0.09 nats
  // with 4 d draws, 0.06 with 6 d, 0.05 with 8 d; mean_field 0.04 once the draws are whitened (2 n of them)
  // and no less with more, but 1.1 with 64 draws that are not. On german credit (d = 25) all are below 0.03.
  const Index n = family.num_noise();
  if (family.dense()) return std::max<Index>({32, 4 * n, std::min<Index>(8 * n, 512)});
  if (n <= 500) return std::max<Index>({64, 2 * n, std::min<Index>(4 * n, 256)});
  return 256;  // too many to whiten; what their correlations cost grows with those of the posterior
}

}  // namespace vfe
