#include "vfe/infer/modes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "infer/searches.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/regimes.hpp"

namespace vfe {
namespace {

constexpr Index most_redraws = 100;

// Of each start the times it has been redrawn: -1 once a finite one was found and its search is under way.
const Slot<Vector> redraws_slot{"modes_redraws"};

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
    state.put(left::searches, Searches(target_, search_).packed());
    state.put(redraws_slot, Vector::Zero(options_.starts));
  }

  Step advance(State& state) const override {
    Searches searches(target_, search_, state.get(left::searches));
    Vector redraws = state.get(redraws_slot);
    const std::vector<Index> wanted = without_search(redraws);
    Matrix starts(size(), std::ssize(wanted));
    for (Index j = 0; j < starts.cols(); ++j) {
      const Index k = wanted[static_cast<std::size_t>(j)];
      starts.col(j) = starting_point(k, redraws(k));
    }
    const Searches::Outcome outcome = searches.advance(starts);
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      double& redrawn = redraws(wanted[j]);
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
      state.put(left::searches, searches.packed()(Eigen::all, order));
      Matrix ends(size() + 2, std::ssize(order));
      for (Index k = 0; k < ends.cols(); ++k) {
        const Index ranked = order[static_cast<std::size_t>(k)];
        const Lbfgs search = searches.at(ranked);
        ends.col(k) << search.x(), search.f(), searches.ended(ranked);
      }
      state.put(left::search_ends, std::move(ends));
      state.drop(redraws_slot);
      record.note = fmt::format("{} searches ended", order.size());
    } else {
      state.put(left::searches, searches.packed());
      state.put(redraws_slot, std::move(redraws));
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  /// The starts still to be drawn.
  static std::vector<Index> without_search(ConstVec redraws) {
    std::vector<Index> found;
    for (Index k = 0; k < redraws.size(); ++k) {
      if (redraws(k) >= 0.0 && redraws(k) < most_redraws) found.push_back(k);
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
  const Matrix& searches = state.get(left::searches);
  return Lbfgs(searches.col(rank), d, Lbfgs::history_of(searches.rows(), d));
}

}  // namespace vfe
