#include "vfe/infer/quadrature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "vfe/core/counted.hpp"
#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

/// The last is compared with, and never taken.
constexpr std::array<Index, 8> tried{1, 3, 5, 7, 9, 11, 15, 21};
constexpr Index points_about = 4;
constexpr double most_nats = 0.01, most_sds = 0.02, most_nats_at_draws = 0.02;

/// What a rule is compared with: the next one; but one node with five. Three are right to the fifth moment:
/// with counts, what they add to Laplace's approximation for the fourth cancels what they add for the sixth,
/// and the error stays.
Index compared_with(Index nodes) {
  if (nodes == 1) return 5;
  const auto next = std::ranges::upper_bound(tried, nodes);
  return next == tried.end() ? 2 * nodes + 1 : *next;
}

class Quadrature final : public Stage {
 public:
  Quadrature(const Target& target, Integrated& model, std::uint64_t seed)
      : target_(target), model_(model), seed_(seed) {}

  std::string name() const override { return "quadrature"; }
  void start(State&) const override {}

  Step advance(State& state) const override {
    const Laplace base = state.get(left::base);
    Step record;
    record.done = true;
    record.free_energy = -base.log_evidence;
    record.rows = target_.num_rows();
    const QuadratureCheck check = choose(base, state.get_or(left::least_nodes, Index{1}), record.draws);
    model_.set_nodes(check.nodes);
    state.put(left::nodes, check.nodes);
    record.note = check.describe();
    return record;
  }

 private:
  struct Evaluated {
    Vector value;
    Matrix grad;
  };

  Evaluated evaluate(Index nodes, ConstMat theta, Index& draws) const {
    model_.set_nodes(nodes);
    Evaluated at{Vector(theta.cols()), Matrix(theta.rows(), theta.cols())};
    target_.log_joint(theta, at.value, at.grad);
    draws += theta.cols();
    return at;
  }

  QuadratureCheck choose(const Laplace& base, Index least, Index& draws) const {
    QuadratureCheck check{std::max(least, tried.front()), 0.0, false};
    if (!base.definite) {
      check.nodes = tried[tried.size() - 2];
      return check;
    }
    Matrix noise(base.map.size(), 1 + points_about);
    fill_normal({.seed = seed_, .purpose = Purpose::nodes}, noise);
    noise.col(0).setZero();
    const Matrix theta = base.map.apply(noise);
    for (;;) {
      const Evaluated at = evaluate(check.nodes, theta, draws);
      const Evaluated next = evaluate(compared_with(check.nodes), theta, draws);
      // The gradient in units of the base is how far the mode moves.
      const Matrix moved = base.map.pull_back(next.grad - at.grad);
      check.change = (next.value - at.value).cwiseAbs().maxCoeff();
      check.enough = check.change < most_nats && moved.cwiseAbs().maxCoeff() < most_sds;
      if (check.enough || more_nodes(check.nodes) == 0) return check;
      check.nodes = more_nodes(check.nodes);
    }
  }

  const Target& target_;
  Integrated& model_;
  std::uint64_t seed_;
};

}  // namespace

std::string QuadratureCheck::describe() const {
  return fmt::format("{} for each effect; the next rule moves the log density by {:.2g} nats",
                     counted(nodes, "node"), change);
}

Index more_nodes(Index nodes) {
  const auto next = std::ranges::upper_bound(tried, nodes);
  return next == tried.end() || next + 1 == tried.end() ? 0 : *next;
}

std::unique_ptr<Stage> quadrature(const Target& target, Integrated& model, std::uint64_t seed) {
  return std::make_unique<Quadrature>(target, model, seed);
}

QuadratureCheck check_quadrature(const Target& target, Integrated& model, ConstMat theta) {
  const Index nodes = model.nodes();
  if (model.local().is_quadratic()) return {nodes, 0.0, true};
  Vector at(theta.cols()), above(theta.cols());
  target.log_joint(theta, at);
  model.set_nodes(compared_with(nodes));
  target.log_joint(theta, above);
  model.set_nodes(nodes);
  const Eigen::ArrayXd moved = above - at;
  const double mean = moved.mean(), sd = std::sqrt((moved - mean).square().mean());
  QuadratureCheck check{nodes, std::max(std::abs(mean), sd), false};
  check.enough = check.change < most_nats_at_draws;  // not where it is NaN
  return check;
}

}  // namespace vfe
