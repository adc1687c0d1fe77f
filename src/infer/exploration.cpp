#include "vfe/infer/exploration.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base.hpp"
#include "curvature.hpp"
#include "searches.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr std::array<double, 3> inflations{3.0, 6.0, 12.0};
constexpr double degrees_of_freedom = 5.0;
constexpr std::uint32_t address =
    0xFFFF0000u;  // step of the proposals' draws: rounds of sampling count from 0
constexpr std::uint32_t far_address = address + 1;
constexpr Index most_weighed = 30;   // dimension up to which ratios of densities tell where a mode is
constexpr double near = 0.5;         // sds of the base within which a search has found the base's mode again
constexpr double far = 5.0;          // the same where no Hessian tells modes from ends on the way
constexpr double difference = 1e-2;  // of the Hessian, in sds of the base
constexpr double most_decrement = 1.0;  // [nats] of a mode whose Laplace share means something
constexpr Index most_new = 3;
constexpr Index most_dense = 500;  // dimension up to which a new mode has a Hessian of its own

Proposal wide_proposal(const Affine& base) {
  Proposal wide;
  for (const double inflation : inflations) {
    wide.add(1.0, Student{base, degrees_of_freedom}.inflated(inflation));
  }
  return wide;
}

/// The points with the highest log ratio of f to the proposal, highest first.
std::vector<Index> highest(ConstVec log_ratio, Index count) {
  std::vector<Index> order;
  for (Index s = 0; s < log_ratio.size(); ++s) {
    if (std::isfinite(log_ratio[s])) order.push_back(s);
  }
  std::ranges::stable_sort(order, [&](Index a, Index b) { return log_ratio[a] > log_ratio[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

void append(Matrix& points, ConstVec x) {
  points.conservativeResize(x.size(), points.cols() + 1);
  points.rightCols(1) = x;
}

// The memory holds "exploration" (a packed search in each column) and "exploration_base" (1 x 1, -log f at
// the base).
class Exploration final : public Stage {
 public:
  Exploration(const Target& target, const ExplorationOptions& options)
      : target_(target),
        options_(options),
        search_{options.batch, options.history, options.max_iterations, options.tolerance} {}

  std::string name() const override { return "exploration"; }

  void start(State& state) const override { state.memory.erase("exploration"); }

  Record advance(State& state, bool& done) const override {
    Record record;
    record.rows = target_.num_rows(options_.batch);
    if (state.memory.at("base_definite")(0, 0) == 0.0) {
      record.note = "no proper mode to start from";
      done = true;
      return record;
    }
    const bool begun = state.memory.contains("exploration");
    // In the base's coordinates a search is short however ill-scaled the density is.
    SearchOptions search = search_;
    search.map = base_of(state);
    Searches searches(target_, search, begun ? state.memory.at("exploration") : Matrix());
    const Searches::Outcome outcome = begun ? searches.advance() : begin(state, searches, record);
    record.draws += outcome.draws;
    record.non_finite += outcome.non_finite;
    record.free_energy = state.memory.at("exploration_base")(0, 0);
    done = !searches.running();
    if (done) {
      finish(state, searches, record);
    } else {
      state.memory["exploration"] = searches.packed();
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  Searches::Outcome begin(State& state, Searches& searches, Record& record) const {
    const Affine base = base_of(state);
    const Proposal wide = wide_proposal(base);
    const Index count = options_.draws * wide.num_components();
    Matrix theta(size(), 1 + count), no_gradient(size(), 0);
    theta << base.shift,
        wide.draw({.seed = options_.seed, .purpose = Purpose::proposal, .step = address}, count);
    Vector value(1 + count);
    target_.log_joint(options_.batch, theta, value, no_gradient);
    record.draws = value.size();
    record.non_finite = value.size() - value.array().isFinite().count();
    state.memory["exploration_base"] = Matrix::Constant(1, 1, -value[0]);

    const Matrix drawn = theta.rightCols(count);
    const Vector log_ratio = value.tail(count) - wide.stratified(count).log_density(drawn);
    const Matrix high = drawn(Eigen::all, highest(log_ratio, options_.starts));
    if (size() <= most_weighed) return searches.advance(high);
    Matrix starts(size(), high.cols() + options_.far_starts);
    starts << high, Student{base, degrees_of_freedom}
                        .inflated(inflations.front())
                        .draw({.seed = options_.seed, .purpose = Purpose::proposal, .step = far_address},
                              options_.far_starts);
    return searches.advance(starts);
  }

  /// The end of a search: where, and the value and gradient (in the base's coordinates u) of -log f there.
  struct End {
    Vector theta;
    double f = 0.0;
    Vector gradient;
  };

  /// The Laplace approximation at the end of a search; nothing where that is no proper mode, or where
  /// Newton's step leads to a known one: a search may end on the way.
  std::optional<Laplace> laplace(const State& state, const End& end, ConstMat known) const {
    const Affine base = base_of(state);
    if (size() > most_dense) {  // as if it were as wide as the base
      if (0.5 * end.gradient.squaredNorm() > most_decrement) return std::nullopt;
      if (nearest(base, end.theta, known) < far) return std::nullopt;  // as well on the way to it
      const double lower = end.f - state.memory.at("exploration_base")(0, 0);
      return Laplace{{end.theta, base.scale}, state.memory.at("base_log_evidence")(0, 0) - lower, true};
    }
    Matrix axes = base.stretch(Matrix::Identity(size(), size()));
    const Curvature found = curvature(target_, options_.batch, end.theta, axes, difference);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(found.hessian);
    if (found.non_finite > 0 || !(eigen.eigenvalues().minCoeff() > 0.0)) return std::nullopt;
    const Matrix rotation =
        eigen.eigenvectors() * eigen.eigenvalues().cwiseSqrt().cwiseInverse().asDiagonal();
    axes = (axes * rotation).eval();
    const Vector gradient = rotation.transpose() * end.gradient;
    if (0.5 * gradient.squaredNorm() > most_decrement) return std::nullopt;
    if (nearest(base, end.theta - axes * gradient, known) < near) return std::nullopt;
    Laplace mode = laplace_at(end.theta, end.f, axes, base.diagonal());
    mode.definite = true;
    return mode;
  }

  void finish(State& state, const Searches& searches, Record& record) const {
    const Affine base = base_of(state);
    const double highest = state.memory.at("exploration_base")(0, 0) + 12.0 + static_cast<double>(size());
    const Proposal before = found_modes(state);
    Matrix known(size(), 0);
    for (Index k = 0; k < before.num_components(); ++k) {
      append(known, std::get<Student>(before.component(k)).base.shift);
    }
    Index tried = 0;
    for (const Index k : searches.order()) {
      const Lbfgs search = searches.at(k);
      if (tried == most_new || search.f() > highest) break;
      const End end{base.apply(search.x()), search.f(), search.g()};
      // The end itself, or where a step of the base's Newton method leads.
      if (nearest(base, end.theta, known) < near) continue;
      if (nearest(base, base.apply(search.x() - search.g()), known) < near) continue;
      ++tried;
      if (const std::optional<Laplace> mode = laplace(state, end, known)) add_found_mode(state, *mode);
      append(known, end.theta);
    }
    state.memory.erase("exploration");
    state.memory.erase("exploration_base");
    const Proposal found = found_modes(state);
    record.note = fmt::format("{} searches ended, {} new modes, the base's share {:.2f}", searches.size(),
                              found.num_components() - before.num_components(), found.weight(0));
  }

  const Target& target_;
  ExplorationOptions options_;
  SearchOptions search_;
};

}  // namespace

std::unique_ptr<Stage> exploration(const Target& target, const ExplorationOptions& options) {
  return std::make_unique<Exploration>(target, options);
}

}  // namespace vfe
