#include "infer/polish_diagonal.hpp"

#include <cmath>
#include <numbers>

#include "infer/base.hpp"
#include "infer/curvature.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/regimes.hpp"

namespace vfe {
namespace {

constexpr Index num_probes = 16;
constexpr double difference = 1e-2;  // step, in sds

class PolishDiagonal final : public Stage {
 public:
  PolishDiagonal(const Target& target, const PolishOptions& options) : target_(target), options_(options) {}

  std::string name() const override { return "polish"; }
  void start(State&) const override {}

  Step advance(State& state) const override {
    const Index d = target_.size();
    const Lbfgs search = mode_of(state, 0, d);
    const Vector scaling = search.inverse_hessian_diagonal().cwiseSqrt();
    const bool exact = d <= regimes::differenced;
    const Vector diagonal = exact
                                ? curvature_diagonal(target_, options_.batch, search.x(), scaling, difference)
                                : curvature_diagonal(target_, options_.batch, search.x(), scaling, difference,
                                                     num_probes, options_.seed);

    Laplace base;
    base.map.shift = search.x();
    base.map.scale = scaling;
    base.definite = search.decrement() <= regimes::decrement(d);
    for (Index i = 0; i < d; ++i) {
      // Probes are noisy: a non-positive entry says nothing there, and the search's own estimate stays.
      if (diagonal(i) > 1e-4 && std::isfinite(diagonal(i))) {
        base.map.scale(i, 0) /= std::sqrt(diagonal(i));
      } else if (exact) {
        base.definite = false;
      }
    }
    base.log_evidence =
        -search.f() + 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) + base.map.log_det();
    if (!base.definite) base.map = wide_start(target_, options_.batch, base, options_.seed);

    Step record;
    record.free_energy = search.f();
    record.gradient_norm = search.g().norm();
    record.draws = exact ? 2 * d : 2 * num_probes;
    record.rows = target_.num_rows(options_.batch);
    record.note = base.definite ? "mode found" : "no proper mode: wide start";
    set_base(state, base);
    state.drop(left::searches);
    record.done = true;
    return record;
  }

 private:
  const Target& target_;
  PolishOptions options_;
};

}  // namespace

std::unique_ptr<Stage> polish_diagonal(const Target& target, const PolishOptions& options) {
  return std::make_unique<PolishDiagonal>(target, options);
}

}  // namespace vfe
