#include "vfe/infer/modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index most_redraws = 100;

// What the stage keeps: "modes", a packed search in each column, and "modes_redraws" (1 x K), the times the
// start of a column has been redrawn: -1 once a finite one was found and the search is under way.
class Modes final : public Stage {
 public:
  Modes(const Target& target, const ModesOptions& options) : target_(target), options_(options) {
    if (options_.starts == 0) options_.starts = size() > 3000 ? 2 : size() > 300 ? 4 : 8;
  }

  std::string name() const override { return "modes"; }

  void start(State& state) const override {
    state.memory["modes"] = Matrix::Zero(Lbfgs::packed_size(size(), options_.history), options_.starts);
    state.memory["modes_redraws"] = Matrix::Zero(1, options_.starts);
  }

  Record advance(State& state, bool& done) const override {
    Matrix searches = state.memory.at("modes"), redraws = state.memory.at("modes_redraws");

    std::vector<Index> active;
    for (Index k = 0; k < options_.starts; ++k) {
      if (is_active(searches, redraws, k)) active.push_back(k);
    }
    const Index width = static_cast<Index>(active.size());
    Matrix theta(size(), width), grad(size(), width);
    for (Index j = 0; j < width; ++j) {
      const Index k = active[static_cast<std::size_t>(j)];
      theta.col(j) = searching(redraws, k) ? search(searches, k).trial() : starting_point(k, redraws(0, k));
    }
    Vector value(width);
    target_.log_joint(options_.batch, theta, value, grad);

    Record record;
    record.draws = width;
    record.rows = target_.num_rows(options_.batch);
    for (Index j = 0; j < width; ++j) {
      const Index k = active[static_cast<std::size_t>(j)];
      const bool finite = std::isfinite(value(j)) && grad.col(j).allFinite();
      if (!finite) ++record.non_finite;
      if (searching(redraws, k)) {
        Lbfgs moved = search(searches, k);
        moved.tell(finite ? -value(j) : INFINITY, -grad.col(j));
        searches.col(k) = moved.pack();
      } else if (finite) {
        searches.col(k) = Lbfgs(theta.col(j), -value(j), -grad.col(j), options_.history).pack();
        redraws(0, k) = -1.0;
      } else {
        redraws(0, k) += 1.0;
      }
    }

    done = true;
    std::vector<Index> order;
    for (Index k = 0; k < options_.starts; ++k) {
      if (is_active(searches, redraws, k)) done = false;
      if (searching(redraws, k)) order.push_back(k);
    }
    if (order.empty() && done) {
      throw Error(
          Fault::numeric,
          fmt::format("searching for a starting point: none of {} points in (-{}, {})^{} has a finite log "
                      "density; the last: {}",
                      options_.starts * most_redraws, options_.radius, options_.radius, size(),
                      target_.name_non_finite(options_.batch, theta)));
    }
    if (order.empty()) {
      record.free_energy = INFINITY;
      record.note = "no finite starting point yet";
    } else {
      std::vector<double> f(static_cast<std::size_t>(options_.starts));
      for (const Index k : order) f[static_cast<std::size_t>(k)] = search(searches, k).f();
      std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
        return f[static_cast<std::size_t>(a)] < f[static_cast<std::size_t>(b)];
      });
      const Lbfgs best = search(searches, order.front());
      record.free_energy = best.f();
      record.gradient_norm = best.g().norm();
      record.rate = best.step_length();
    }
    if (done) {
      state.memory["modes"] = searches(Eigen::all, order);
      state.memory.erase("modes_redraws");
      record.note = fmt::format("{} searches ended", order.size());
    } else {
      state.memory["modes"] = std::move(searches);
      state.memory["modes_redraws"] = std::move(redraws);
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  static bool searching(ConstMat redraws, Index k) { return redraws(0, k) < 0.0; }

  Lbfgs search(ConstMat searches, Index k) const { return Lbfgs(searches.col(k), size(), options_.history); }

  bool is_active(ConstMat searches, ConstMat redraws, Index k) const {
    if (!searching(redraws, k)) return redraws(0, k) < most_redraws;
    const Lbfgs run = search(searches, k);
    return run.decrement() >= options_.tolerance && !run.stuck() &&
           run.iterations() < options_.max_iterations;
  }

  Vector starting_point(Index k, double redraw) const {
    const Address at{.seed = options_.seed,
                     .purpose = Purpose::start,
                     .step = static_cast<std::uint32_t>(redraw),
                     .draw = static_cast<std::uint32_t>(k)};
    Vector point(size());
    for (Index i = 0; i < size(); ++i) {
      point(i) = options_.radius * (2.0 * uniform(at, static_cast<std::uint32_t>(i)) - 1.0);
    }
    return point;
  }

  const Target& target_;
  ModesOptions options_;
};

}  // namespace

std::unique_ptr<Stage> modes(const Target& target, const ModesOptions& options) {
  return std::make_unique<Modes>(target, options);
}

Lbfgs mode_of(const State& state, Index rank, Index d) {
  const Matrix& searches = state.memory.at("modes");
  return Lbfgs(searches.col(rank), d, Lbfgs::history_of(searches.rows(), d));
}

}  // namespace vfe
