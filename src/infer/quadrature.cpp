#include "vfe/infer/quadrature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "vfe/core/counted.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

constexpr Index points_about = 4;
constexpr double most_nats = 0.01, most_sds = 0.02, most_nats_at_draws = 0.02;
constexpr double most_nats_of_groups = 0.005;  ///< their changes all of one sign
constexpr double step = 4.0;                   ///< from a tolerance to the next smaller one
constexpr double share_step = 16.0, least_share = 1e-4;

QuadratureCheck with_counts(QuadratureCheck check, const Communicator& comm, const Integrated& model) {
  const auto [nodes, units] = model.count_nodes();
  const auto all_units = comm.sum(units);
  check.mean_nodes =
      static_cast<double>(comm.sum(nodes)) / static_cast<double>(std::max<std::uint64_t>(all_units, 1));
  std::int64_t most = model.nodes();
  comm.max({&most, 1});
  check.most_nodes = most;
  return check;
}

class Quadrature final : public Stage {
 public:
  Quadrature(const Target& target, Integrated& model, std::uint64_t seed)
      : target_(target), model_(model), seed_(seed) {}

  std::string name() const override { return "quadrature"; }
  void start(State& state) const override {
    state.drop(left::nodes_at);
    state.drop(left::nodes_tolerance);
  }

  Step advance(State& state) const override {
    const Laplace base = state.get(left::base);
    Step record;
    record.done = true;
    record.free_energy = -base.log_evidence;
    record.rows = target_.num_rows();
    const double nats = most_nats_of_groups * state.get_or(left::nodes_share, 1.0);
    const std::vector<double> tolerances = tolerances_of(nats);
    double tolerance = largest_tolerance(base.map.shift, tolerances, nats);
    QuadratureCheck check;
    for (;;) {
      model_.set_nodes_by_group(base.map.shift, tolerance);
      check = compare(base, record.draws);
      if (check.enough || tolerance <= tolerances.back()) break;
      tolerance = std::max(tolerance / step, tolerances.back());
    }
    state.put(left::nodes_at, Vector(base.map.shift));
    state.put(left::nodes_tolerance, tolerance);
    record.note = check.describe();
    return record;
  }

 private:
  /// Of one group, falling: from all of them together to equal shares.
  std::vector<double> tolerances_of(double nats) const {
    const auto units =
        static_cast<double>(std::max<std::uint64_t>(target_.comm().sum(model_.count_nodes().second), 1));
    std::vector<double> tolerances{nats};
    while (tolerances.back() > nats / units) tolerances.push_back(tolerances.back() / step);
    return tolerances;
  }

  double largest_tolerance(ConstVec theta, const std::vector<double>& tolerances, double nats) const {
    ExactSum sums = model_.changes_by_tolerance(theta, tolerances);
    sums.normalise();
    target_.comm().sum(sums.limbs());
    Vector changes(sums.size());
    sums.value(changes.data());
    for (Index j = 0; j < changes.size(); ++j)
      if (changes[j] <= nats) return tolerances[static_cast<std::size_t>(j)];
    return tolerances.back();
  }

  QuadratureCheck compare(const Laplace& base, Index& draws) const {
    QuadratureCheck check;
    check.enough = false;
    if (base.definite) {
      Matrix noise(base.map.size(), 1 + points_about);
      fill_normal({.seed = seed_, .purpose = Purpose::nodes}, noise);
      noise.col(0).setZero();
      const Matrix theta = base.map.apply(noise);
      Vector at(theta.cols()), finer(theta.cols());
      Matrix grad(theta.rows(), theta.cols()), finer_grad = grad;
      target_.log_joint(theta, at, grad);
      model_.set_finer(true);
      target_.log_joint(theta, finer, finer_grad);
      model_.set_finer(false);
      draws += 2 * theta.cols();
      // The gradient in units of the base is how far the mode moves.
      const Matrix moved = base.map.pull_back(finer_grad - grad);
      check.change = (finer - at).cwiseAbs().maxCoeff();
      check.enough = check.change < most_nats && moved.cwiseAbs().maxCoeff() < most_sds;
    }
    return with_counts(check, target_.comm(), model_);
  }

  const Target& target_;
  Integrated& model_;
  std::uint64_t seed_;
};

}  // namespace

std::string QuadratureCheck::describe() const {
  return fmt::format(
      "up to {} for each effect, {:.2g} on average; the next numbers move the log density by {:.2g} nats",
      counted(most_nodes, "node"), mean_nodes, change);
}

std::unique_ptr<Stage> quadrature(const Target& target, Integrated& model, std::uint64_t seed) {
  return std::make_unique<Quadrature>(target, model, seed);
}

void set_nodes(const State& state, Integrated& model) {
  const std::optional<double> tolerance = state.find(left::nodes_tolerance);
  if (tolerance) {
    model.set_nodes_by_group(state.get(left::nodes_at), *tolerance);
  } else {
    model.set_nodes(pilot_nodes);
  }
}

bool ask_for_more_nodes(const State& finished, State& first) {
  const double share = finished.get_or(left::nodes_share, 1.0) / share_step;
  if (share < least_share) return false;
  first.put(left::nodes_share, share);
  return true;
}

QuadratureCheck check_quadrature(const Target& target, Integrated& model, ConstMat theta) {
  QuadratureCheck check;
  if (model.local().is_quadratic()) return check;
  Vector at(theta.cols()), finer(theta.cols());
  target.log_joint(theta, at);
  model.set_finer(true);
  target.log_joint(theta, finer);
  model.set_finer(false);
  const Eigen::ArrayXd moved = finer - at;
  const double mean = moved.mean(), sd = std::sqrt((moved - mean).square().mean());
  check.change = std::max(std::abs(mean), sd);
  check.enough = check.change < most_nats_at_draws;  // not where it is NaN
  return with_counts(check, target.comm(), model);
}

}  // namespace vfe
