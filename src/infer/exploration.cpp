#include "vfe/infer/exploration.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "curvature.hpp"
#include "vfe/family/student.hpp"
#include "vfe/infer/lbfgs.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr std::array<double, 3> inflations{3.0, 6.0, 12.0};
constexpr double degrees_of_freedom = 5.0;
constexpr double near = 0.5;         // sds of the base within which a search has found the base's mode again
constexpr double difference = 1e-2;  // of the Hessian, in sds of the base
constexpr double most_decrement = 1.0;  // [nats] of a mode whose Laplace share means something
constexpr Index most_new = 3;
constexpr Index most_dense = 500;  // dimension up to which a new mode has a Hessian of its own

/// The points at the highest ratio of f to the mixture of the proposals, highest first.
std::vector<Index> highest(ConstVec log_ratio, Index count) {
  std::vector<Index> order;
  for (Index s = 0; s < log_ratio.size(); ++s) {
    if (std::isfinite(log_ratio[s])) order.push_back(s);
  }
  std::ranges::stable_sort(order, [&](Index a, Index b) { return log_ratio[a] > log_ratio[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

// The memory holds "exploration" (a packed search in each column) and "exploration_base" (1 x 1, -log f at
// the base).
class Exploration final : public Stage {
 public:
  Exploration(const Target& target, const ExplorationOptions& options) : target_(target), options_(options) {}

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
    if (!state.memory.contains("exploration")) {
      begin(state, record);
    } else {
      search(state, record);
    }
    record.free_energy = state.memory.at("exploration_base")(0, 0);
    if (active(state.memory.at("exploration")).empty()) {
      finish(state, record);
      done = true;
    }
    return record;
  }

 private:
  Index size() const { return target_.size(); }

  Lbfgs unpack(ConstMat searches, Index k) const { return Lbfgs(searches.col(k), size(), options_.history); }

  std::vector<Index> active(ConstMat searches) const {
    std::vector<Index> found;
    for (Index k = 0; k < searches.cols(); ++k) {
      const Lbfgs run = unpack(searches, k);
      if (run.decrement() >= options_.tolerance && !run.stuck() &&
          run.iterations() < options_.max_iterations) {
        found.push_back(k);
      }
    }
    return found;
  }

  void begin(State& state, Record& record) const {
    const Affine base = base_of(state);
    const Student narrow{base, degrees_of_freedom};
    const Index each = options_.draws, count = each * std::ssize(inflations);
    Matrix theta(size(), count);
    for (std::size_t k = 0; k < inflations.size(); ++k) {
      const Address at{
          .seed = options_.seed, .purpose = Purpose::start, .block = static_cast<std::uint32_t>(k + 1)};
      theta.middleCols(static_cast<Index>(k) * each, each) = narrow.inflated(inflations[k]).draw(at, each);
    }
    Matrix densities(count, std::ssize(inflations));
    for (std::size_t k = 0; k < inflations.size(); ++k) {
      densities.col(static_cast<Index>(k)) = narrow.inflated(inflations[k]).log_density(theta);
    }
    const Vector top = densities.rowwise().maxCoeff();
    const Vector log_proposal =
        top.array() + (densities.colwise() - top).array().exp().rowwise().mean().log();
    Vector value(count);
    Matrix no_gradient(size(), 0);
    target_.log_joint(options_.batch, theta, value, no_gradient);
    record.non_finite = count - value.array().isFinite().count();

    const std::vector<Index> chosen = highest(value - log_proposal, options_.starts);
    const Index width = std::ssize(chosen);
    Matrix starts(size(), width + 1), grad(size(), width + 1);
    starts << base.shift, theta(Eigen::all, chosen);
    Vector at_starts(width + 1);
    target_.log_joint(options_.batch, starts, at_starts, grad);
    record.draws = count + width + 1;
    Matrix searches(Lbfgs::packed_size(size(), options_.history), 0);
    for (Index k = 1; k <= width; ++k) {
      if (!std::isfinite(at_starts[k])) continue;  // its gradient was not
      searches.conservativeResize(Eigen::NoChange, searches.cols() + 1);
      searches.rightCols(1) = Lbfgs(starts.col(k), -at_starts[k], -grad.col(k), options_.history).pack();
    }
    state.memory["exploration"] = std::move(searches);
    state.memory["exploration_base"] = Matrix::Constant(1, 1, -at_starts[0]);
  }

  /// One trial of every search under way, in one call.
  void search(State& state, Record& record) const {
    Matrix& searches = state.memory.at("exploration");
    const std::vector<Index> running = active(searches);
    const Index width = std::ssize(running);
    Matrix theta(size(), width), grad(size(), width);
    for (Index j = 0; j < width; ++j)
      theta.col(j) = unpack(searches, running[static_cast<std::size_t>(j)]).trial();
    Vector value(width);
    target_.log_joint(options_.batch, theta, value, grad);
    record.draws = width;
    for (Index j = 0; j < width; ++j) {
      const Index k = running[static_cast<std::size_t>(j)];
      Lbfgs moved = unpack(searches, k);
      moved.tell(std::isfinite(value[j]) ? -value[j] : INFINITY, -grad.col(j));
      searches.col(k) = moved.pack();
    }
    record.non_finite = width - value.array().isFinite().count();
  }

  /// Distance in sds of the base.
  static double distance(const Affine& base, ConstVec a, ConstVec b) {
    Vector away = a - b;
    if (base.diagonal()) return away.cwiseQuotient(base.scale.col(0)).norm();
    base.scale.triangularView<Eigen::Lower>().solveInPlace(away);
    return away.norm();
  }

  static bool is_known(const Affine& base, ConstVec x, const std::vector<Vector>& known) {
    return std::ranges::any_of(known, [&](const Vector& mode) { return distance(base, x, mode) < near; });
  }

  /// The Laplace estimate of the mass of a mode [nats]; -infinity where it is no proper mode, or where
  /// Newton's step leads to a known one: on an ill-scaled density a search may end on the way.
  double log_evidence(const Affine& base, const Lbfgs& mode, double of_base, double f_of_base,
                      const std::vector<Vector>& known) const {
    if (size() > most_dense) return of_base + f_of_base - mode.f();  // as if it were as wide as the base
    const Matrix axes = base.diagonal() ? Matrix(base.scale.col(0).asDiagonal())
                                        : Matrix(base.scale.triangularView<Eigen::Lower>());
    const Curvature found = curvature(target_, options_.batch, mode.x(), axes, difference);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(found.hessian);
    if (found.non_finite > 0 || !(eigen.eigenvalues().minCoeff() > 0.0)) return -INFINITY;
    const Vector gradient = eigen.eigenvectors().transpose() * (axes.transpose() * mode.g());
    const Vector step = gradient.cwiseQuotient(eigen.eigenvalues());
    if (0.5 * step.dot(gradient) > most_decrement) return -INFINITY;
    if (is_known(base, mode.x() - axes * (eigen.eigenvectors() * step), known)) return -INFINITY;
    return -mode.f() + 0.5 * static_cast<double>(size()) * std::log(2.0 * std::numbers::pi) + base.log_det() -
           0.5 * eigen.eigenvalues().array().log().sum();
  }

  void finish(State& state, Record& record) const {
    const Matrix searches = state.memory.at("exploration");
    const Affine base = base_of(state);
    const double of_base = state.memory.at("base_log_evidence")(0, 0);
    const double f_of_base = state.memory.at("exploration_base")(0, 0);
    std::vector<Lbfgs> ended;
    for (Index k = 0; k < searches.cols(); ++k) ended.push_back(unpack(searches, k));
    std::ranges::stable_sort(ended, [](const Lbfgs& a, const Lbfgs& b) { return a.f() < b.f(); });

    std::vector<Vector> known{base.shift};
    Index new_modes = 0;
    double total = 1.0 / state.memory.at("base_share")(0, 0);
    for (const Lbfgs& run : ended) {
      if (std::ssize(known) > most_new) break;
      if (run.f() > f_of_base + 12.0 + static_cast<double>(size())) break;
      if (is_known(base, run.x(), known)) continue;
      const double mass = std::exp(log_evidence(base, run, of_base, f_of_base, known) - of_base);
      if (mass > 0.0) ++new_modes;
      total += mass;
      known.push_back(run.x());
    }
    state.memory["base_share"] = Matrix::Constant(1, 1, 1.0 / total);
    state.memory.erase("exploration");
    state.memory.erase("exploration_base");
    record.note = fmt::format("{} searches ended, {} new modes, the base's share {:.2f}", ended.size(),
                              new_modes, 1.0 / total);
  }

  const Target& target_;
  ExplorationOptions options_;
};

}  // namespace

std::unique_ptr<Stage> exploration(const Target& target, const ExplorationOptions& options) {
  return std::make_unique<Exploration>(target, options);
}

}  // namespace vfe
