#include "vfe/infer/diagonal_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "infer/fixed_draws_search.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

constexpr Index draws_per_call = 256;
constexpr double hopeless = 50.0;  // [nats], and one for each dimension, behind the best start

/// A normal q to start from: of sd `scale` in the coordinates of `map`.
struct Start {
  Affine map;
  double scale = 1.0;
  std::string name;
};

/// What the best search so far came to.
struct Best {
  double free_energy = INFINITY;
  bool converged = false;

  static void each(auto& self, const auto& visit) { visit(self.free_energy), visit(self.converged); }
};

// 1 x as many starts as have been ranked: their free energy, infinite where there is nothing more to try
// from.
const Slot<Matrix> ranking_slot{"diagonal_fit_starts"};
const Slot<Vector> search_slot{"diagonal_fit"};  // packed, while one is under way: from the lowest start
const Slot<Best> best_slot{"diagonal_fit_best"};

class DiagonalFit final : public Stage {
 public:
  DiagonalFit(const Target& target, const DiagonalFitOptions& options)
      : target_(target),
        options_(options),
        family_(mean_field(target.size())),
        noise_(whitened_noise(target.size(), options.draws, options.seed)) {}

  std::string name() const override { return "diagonal_fit"; }

  void start(State& state) const override { state.put(ranking_slot, Matrix(1, 0)); }

  Step advance(State& state) const override {
    const std::vector<Start> starts = starts_from(state.get(left::base).map);
    Matrix& ranking = state.at(ranking_slot);
    Step record;
    record.rows = target_.num_rows(Minibatch{});
    if (ranking.cols() < std::ssize(starts)) {
      rank(starts, ranking, record);
      if (ranking.cols() == std::ssize(starts)) drop_hopeless(starts, ranking);
      record.free_energy = ranking.minCoeff();
    } else {
      fit(starts, state, ranking, record);
    }
    if (ranking.cols() < std::ssize(starts) || std::isfinite(ranking.minCoeff())) return record;
    if (!state.has(best_slot)) give_up(starts.back());
    state.put(left::converged, state.get(best_slot).converged);
    state.drop(best_slot, ranking_slot);
    record.done = true;
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  /// Those in the base's axes first.
  std::vector<Start> starts_from(const Affine& base) const {
    const Matrix unit = Matrix::Ones(size(), 1);
    std::vector<Start> starts;
    for (const auto& [map, name] :
         {std::pair{base, "the base"}, std::pair{Affine{base.shift, unit}, "the base's centre"},
          std::pair{Affine{Vector::Zero(size()), unit}, "zero"}}) {
      for (const double scale : options_.scales) starts.push_back({map, scale, name});
    }
    return starts;
  }

  Vector lambda_of(const Start& start) const { return family_->init(Vector::Zero(size()), start.scale); }

  /// The free energy of a few more starts.
  void rank(const std::vector<Start>& starts, Matrix& ranking, Record& record) const {
    const Index first = ranking.cols(), draws = noise_.cols();
    const Index count = std::min(std::ssize(starts) - first, std::max<Index>(1, draws_per_call / draws));
    Matrix theta(size(), count * draws);
    Vector value(count * draws), energy(count), no_gradient;
    for (Index k = 0; k < count; ++k) {
      const Start& start = starts[static_cast<std::size_t>(first + k)];
      theta.middleCols(k * draws, draws) = start.map.apply(start.scale * noise_);
    }
    target_.log_joint(theta, value);
    for (Index k = 0; k < count; ++k) {
      const Start& start = starts[static_cast<std::size_t>(first + k)];
      const double mean = value.segment(k * draws, draws).mean();
      const double free_energy =
          -mean - start.map.log_det() - family_->entropy(lambda_of(start), noise_, no_gradient).mean();
      energy(k) = std::isfinite(free_energy) ? free_energy : INFINITY;
    }
    ranking.conservativeResize(1, first + count);
    ranking.rightCols(count) = energy.transpose();
    record.draws = value.size();
    record.non_finite = value.size() - value.array().isFinite().count();
    record.note = fmt::format("{} of {} starts ranked", ranking.cols(), starts.size());
  }

  /// Leaves nothing to try from in a basis whose best start is too far behind.
  void drop_hopeless(const std::vector<Start>& starts, Matrix& ranking) const {
    const double limit = ranking.minCoeff() + hopeless + static_cast<double>(size());
    for (const bool diagonal : {false, true}) {
      if (lowest(starts, ranking, diagonal) > limit) forget(starts, ranking, diagonal);
    }
  }

  static double lowest(const std::vector<Start>& starts, const Matrix& ranking, bool diagonal) {
    double least = INFINITY;
    for (std::size_t k = 0; k < starts.size(); ++k) {
      if (starts[k].map.diagonal() == diagonal) least = std::min(least, ranking(static_cast<Index>(k)));
    }
    return least;
  }

  static void forget(const std::vector<Start>& starts, Matrix& ranking, bool diagonal) {
    for (std::size_t k = 0; k < starts.size(); ++k) {
      if (starts[k].map.diagonal() == diagonal) ranking(static_cast<Index>(k)) = INFINITY;
    }
  }

  /// A trial from the lowest start; when its search has ended, there is nothing more to try in its basis.
  void fit(const std::vector<Start>& starts, State& state, Matrix& ranking, Record& record) const {
    Index at = 0;
    ranking.row(0).minCoeff(&at);
    const Start& start = starts[static_cast<std::size_t>(at)];
    const FreeEnergy objective(target_, *family_, start.map, Gradient::closed_entropy);
    const FixedDrawsSearch fixed(objective, noise_,
                                 {options_.history, options_.max_iterations, options_.tolerance});
    std::optional<Lbfgs> search;
    if (state.has(search_slot)) {
      search = fixed.go_on(state.get(search_slot));
      fixed.advance(*search, record);
    } else {
      search = fixed.begin(lambda_of(start), record);
      if (!search) {
        ranking(at) = INFINITY;
        return;
      }
    }
    if (!fixed.ended(*search)) {
      state.put(search_slot, search->pack());
      return;
    }
    record.note = fmt::format("from {}, scale {}: {}", start.name, start.scale, fixed.outcome(*search));
    if (search->f() < state.get_or(best_slot, {}).free_energy) {
      state.put(best_slot, {search->f(), fixed.converged(*search)});
      state.lambda = normal_lambda(compose(start.map, normal_map(search->x(), size())));
    }
    state.drop(search_slot);
    forget(starts, ranking, start.map.diagonal());
  }

  [[noreturn]] void give_up(const Start& start) const {
    throw Error(Fault::numeric,
                fmt::format("starting the diagonal fit: draws of every start have no finite log density; {}",
                            target_.name_non_finite(Minibatch{}, start.map.apply(start.scale * noise_))));
  }

  const Target& target_;
  DiagonalFitOptions options_;
  std::unique_ptr<Family> family_;
  Matrix noise_;
};

}  // namespace

std::unique_ptr<Stage> diagonal_fit(const Target& target, const DiagonalFitOptions& options) {
  return std::make_unique<DiagonalFit>(target, options);
}

}  // namespace vfe
