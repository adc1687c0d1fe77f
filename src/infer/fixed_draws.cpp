#include "vfe/infer/fixed_draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "infer/base.hpp"
#include "infer/fixed_draws_search.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/regimes.hpp"

namespace vfe {
namespace {

constexpr Index most_shrinks = 20;
constexpr double shrink = 0.35;       // of the log sds
constexpr Index draws_of_bent = 512;  // of a q that is not normal: whitening makes nothing exact

const Slot<Vector> search_slot{"fixed_draws"};              // packed; empty until a finite start is found
const Slot<double> shrinks_slot{"fixed_draws_shrinks"};     // how often the start was
const Slot<Index> shortened_slot{"fixed_draws_shortened"};  // how many steps were

class FixedDraws final : public Stage {
 public:
  FixedDraws(const Target& target, const Family& family, const FixedDrawsOptions& options)
      : target_(target),
        family_(family),
        options_(options),
        noise_(whitened_noise(family.num_noise(), options.draws > 0 ? options.draws : num_fixed_draws(family),
                              options.seed)) {}

  std::string name() const override { return "fixed_draws"; }

  void start(State& state) const override {
    state.put(shrinks_slot, 0.0);
    state.put(shortened_slot, 0);
  }

  Step advance(State& state) const override {
    const Affine base = state.get(left::base).map;
    const FreeEnergy objective(target_, family_, base, Gradient::closed_entropy);
    const FixedDrawsSearch fixed(
        objective, noise_,
        {options_.history, options_.max_iterations, options_.tolerance, least_iterations()});
    Step record;
    record.rows = target_.num_rows(Minibatch{});
    if (!state.has(search_slot)) {
      const double shrinks = state.get(shrinks_slot);
      const Vector lambda = start_at_modes(family_, state, std::exp(-shrink * shrinks));
      const std::optional<Lbfgs> search = fixed.begin(lambda, record);
      if (!search) {
        if (shrinks == most_shrinks) give_up(record);
        state.put(shrinks_slot, shrinks + 1.0);
        record.note += "; q shrunk";
        return record;
      }
      state.lambda = family_.push_forward(lambda, base);
      record.done = go_on(state, fixed, *search, record);
      return record;
    }
    Lbfgs search = fixed.go_on(state.get(search_slot));
    if (fixed.advance(search, record)) state.lambda = family_.push_forward(search.x(), base);
    if (!record.note.empty()) state.put(shortened_slot, state.get(shortened_slot) + 1);
    record.done = go_on(state, fixed, search, record);
    return record;
  }

 private:
  /// A factor of low rank starts near zero, a saddle of the free energy, where the decrement says nothing.
  Index least_iterations() const { return family_.num_noise() > family_.size() ? 20 : 0; }

  /// Keeps the search. Returns whether it is finished.
  static bool go_on(State& state, const FixedDrawsSearch& fixed, const Lbfgs& search, Record& record) {
    if (!fixed.ended(search)) {
      state.put(search_slot, search.pack());
      return false;
    }
    record.note = fixed.outcome(search);
    const Index shortened = state.get(shortened_slot);
    if (shortened > 0) record.note += fmt::format("; {} steps not finite, shortened", shortened);
    state.drop(search_slot, shortened_slot, shrinks_slot);
    state.put(left::converged, fixed.converged(search));
    return true;
  }

  [[noreturn]] void give_up(const Record& record) const {
    throw Error(Fault::numeric,
                fmt::format("starting the fit: {} of {} draws have no finite log density however close to "
                            "the mode; {}",
                            record.non_finite, noise_.cols(), record.note));
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
  const bool normal = family.affine() && family.num_components() == 1;
  if (!normal) return std::max<Index>(draws_of_bent, 8 * n);
  if (family.dense()) return std::max<Index>({32, 4 * n, std::min<Index>(8 * n, 512)});
  if (n <= regimes::dense) return std::max<Index>({64, 2 * n, std::min<Index>(4 * n, 256)});
  return 256;  // too many to whiten; what their correlations cost grows with those of the posterior
}

}  // namespace vfe
