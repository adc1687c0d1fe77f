#include "run/node_choice.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "vfe/core/random.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr std::array<Index, 8> tried{1, 3, 5, 7, 9, 11, 15, 21};
constexpr Index pilot_nodes = 3, points_about = 4;
constexpr double most_nats = 0.01, most_sds = 0.02, most_nats_at_draws = 0.02;

struct Evaluated {
  Vector value;
  Matrix grad;
};

Evaluated evaluate(const Target& target, Integrated& model, Index nodes, ConstMat theta) {
  model.set_nodes(nodes);
  Evaluated at{Vector(theta.cols()), Matrix(theta.rows(), theta.cols())};
  target.log_joint(theta, at.value, at.grad);
  return at;
}

/// Laplace's approximation with a few nodes: where it is, within its own sd or so, is enough to know.
Laplace pilot_base(const Target& target, Integrated& model, std::uint64_t seed) {
  model.set_nodes(pilot_nodes);
  std::vector<Place> places;
  places.emplace_back(modes(target, {.starts = 2, .seed = seed}));
  places.emplace_back(polish(target, {.seed = seed}));
  const Program program(std::move(places));
  State state = program.start();
  while (!state.finished()) program.advance(state);
  return state.get(left::base);
}

}  // namespace

Index more_nodes(Index nodes) {
  const auto next = std::ranges::upper_bound(tried, nodes);
  return next == tried.end() || next + 1 == tried.end() ? 0 : *next;
}

NodeCheck choose_nodes(Target& target, Integrated& model, std::uint64_t seed) {
  if (model.local().is_quadratic()) return {1, 0.0, true};
  const Calls calls = target.calls();  // those of the fit are counted from here
  const Laplace base = pilot_base(target, model, seed);
  const Index d = target.size();
  Matrix theta(d, 1 + points_about);
  Matrix noise(d, points_about);
  fill_normal({.seed = seed, .purpose = Purpose::nodes}, noise);
  theta.col(0) = base.map.shift;
  theta.rightCols(points_about) = base.map.apply(noise);
  NodeCheck check{tried.front(), 0.0, false};
  Evaluated at = evaluate(target, model, check.nodes, theta);
  for (std::size_t i = 0; i + 2 < tried.size() && base.definite; ++i) {
    const Evaluated next = evaluate(target, model, tried[i + 1], theta);
    const Matrix shift = base.map.pull_back(next.grad - at.grad);
    check = {tried[i], (next.value - at.value).cwiseAbs().maxCoeff(), false};
    check.enough = check.change < most_nats && shift.cwiseAbs().maxCoeff() < most_sds;
    if (check.enough) break;
    at = next;
    check.nodes = tried[i + 1];
  }
  model.set_nodes(check.nodes);
  const Request request = target.calls().request;
  target.calls() = calls;
  target.calls().request = request;
  return check;
}

NodeCheck check_nodes(const Target& target, Integrated& model, ConstMat theta) {
  const Index nodes = model.nodes();
  if (model.local().is_quadratic()) return {nodes, 0.0, true};
  const auto next = std::ranges::upper_bound(tried, nodes);
  const Index finer = next == tried.end() ? 2 * nodes + 1 : *next;
  Vector at(theta.cols()), above(theta.cols());
  target.log_joint(theta, at);
  model.set_nodes(finer);
  target.log_joint(theta, above);
  model.set_nodes(nodes);
  const Eigen::ArrayXd moved = above - at;
  const double mean = moved.mean(), sd = std::sqrt((moved - mean).square().mean());
  NodeCheck check{nodes, std::max(std::abs(mean), sd), false};
  check.enough = check.change < most_nats_at_draws;  // not where it is NaN
  return check;
}

}  // namespace vfe
