#include "vfe/infer/modes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "infer/searches.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/regimes.hpp"

namespace vfe {
namespace {

constexpr Index most_redraws = 100;

// What the stage keeps: "modes", a packed search in each column, and "modes_redraws" (1 x K), the times a
// start has been redrawn: -1 once a finite one was found and its search is under way.
class Modes final : public Stage {
 public:
  Modes(const Target& target, const ModesOptions& options)
      : target_(target),
        options_(options),
        search_{options.batch, options.history, options.max_iterations, options.tolerance} {
    if (options_.starts == 0)
      options_.starts = size() > regimes::certified ? 2 : size() > regimes::many_searches ? 4 : 8;
  }

  std::string name() const override { return "modes"; }

  void start(State& state) const override {
    state.memory["modes"] = Searches(target_, search_).packed();
    state.memory["modes_redraws"] = Matrix::Zero(1, options_.starts);
  }

  Step advance(State& state) const override {
    Searches searches(target_, search_, state.memory.at("modes"));
    Matrix redraws = state.memory.at("modes_redraws");
    const std::vector<Index> wanted = without_search(redraws);
    Matrix starts(size(), std::ssize(wanted));
    for (Index j = 0; j < starts.cols(); ++j) {
      const Index k = wanted[static_cast<std::size_t>(j)];
      starts.col(j) = starting_point(k, redraws(0, k));
    }
    const Searches::Outcome outcome = searches.advance(starts);
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      double& redrawn = redraws(0, wanted[j]);
      redrawn = outcome.begun[j] ? -1.0 : redrawn + 1.0;
    }

    Step record;
    record.done = !searches.running() && without_search(redraws).empty();
    if (record.done && searches.size() == 0) {
      throw Error(
          Fault::numeric,
          fmt::format("searching for a starting point: none of {} points in (-{}, {})^{} has a finite log "
                      "density; the last: {}",
                      options_.starts * most_redraws, options_.radius, options_.radius, size(),
                      target_.name_non_finite(options_.batch, starts)));
    }
    record.draws = outcome.draws;
    record.non_finite = outcome.non_finite;
    record.rows = target_.num_rows(options_.batch);
    const std::vector<Index> order = searches.order();
    if (order.empty()) {
      record.free_energy = INFINITY;
      record.note = "no finite starting point yet";
    } else {
      const Lbfgs best = searches.at(order.front());
      record.free_energy = best.f();
      record.gradient_norm = best.g().norm();
      record.rate = best.step_length();
    }
    if (record.done) {
      state.memory["modes"] = searches.packed()(Eigen::all, order);
      Matrix& ends = state.memory["search_ends"];
      ends.resize(size() + 2, std::ssize(order));
      for (Index k = 0; k < ends.cols(); ++k) {
        const Index ranked = order[static_cast<std::size_t>(k)];
        const Lbfgs search = searches.at(ranked);
        ends.col(k) << search.x(), search.f(), searches.ended(ranked);
      }
      state.memory.erase("modes_redraws");
      record.note = fmt::format("{} searches ended", order.size());
    } else {
      state.memory["modes"] = searches.packed();
      state.memory["modes_redraws"] = std::move(redraws);
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  /// The starts still to be drawn.
  static std::vector<Index> without_search(ConstMat redraws) {
    std::vector<Index> found;
    for (Index k = 0; k < redraws.cols(); ++k) {
      if (redraws(0, k) >= 0.0 && redraws(0, k) < most_redraws) found.push_back(k);
    }
    return found;
  }

  Vector starting_point(Index k, double redraw) const {
    const Address at{.seed = options_.seed,
                     .purpose = Purpose::start,
                     .step = static_cast<std::uint32_t>(redraw),
                     .draw = static_cast<std::uint32_t>(k)};
    if (k % 2 == 1) return target_.draw_start(at, Reach::near);
    Vector point(size());
    for (Index i = 0; i < size(); ++i) {
      point(i) = options_.radius * (2.0 * uniform(at, static_cast<std::uint32_t>(i)) - 1.0);
    }
    return point;
  }

  const Target& target_;
  ModesOptions options_;
  SearchOptions search_;
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
