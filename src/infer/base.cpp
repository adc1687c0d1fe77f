#include "infer/base.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/objective/free_energy.hpp"

namespace vfe {
namespace {

constexpr double least_log_weight = -11.0;
constexpr double largest_log_weight = 600.0;  // its exponential is still a number

}  // namespace

Matrix lower_factor(ConstMat axes) {
  const Matrix transposed = axes.transpose();
  const Eigen::HouseholderQR<Matrix> qr(transposed);
  Matrix lower = qr.matrixQR().triangularView<Eigen::Upper>().transpose();
  for (Index j = 0; j < lower.cols(); ++j) {
    if (lower(j, j) < 0.0) lower.col(j) = -lower.col(j);
  }
  return lower;
}

Laplace laplace_at(ConstVec x, double f, ConstMat axes, bool diagonal) {
  const Index d = x.size();
  Laplace result{{x, lower_factor(axes)}};
  result.log_evidence =
      -f + 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) + result.map.log_det();
  if (diagonal) {
    const Matrix inverse = result.map.scale.triangularView<Eigen::Lower>().solve(Matrix::Identity(d, d));
    result.map.scale = inverse.colwise().norm().cwiseInverse().transpose();  // H_ii = |column i of L^-1|^2
  }
  return result;
}

double nearest(const Affine& base, ConstVec x, ConstMat points) {
  return Affine{x, base.scale}.whiten(points).colwise().norm().minCoeff();
}

Affine wide_start(const Target& target, const Minibatch& batch, const Laplace& laplace, std::uint64_t seed) {
  constexpr Index num_wide = 3, num_draws = 64;
  constexpr double width = 0.5;
  const Index d = target.size();
  std::vector<Affine> candidates{laplace.map};
  for (Index k = 0; k < num_wide; ++k) {
    const Address at{.seed = seed, .purpose = Purpose::wide_start, .draw = static_cast<std::uint32_t>(k)};
    Affine wide{Vector(d), laplace.map.scale};
    for (Index i = 0; i < d; ++i) wide.shift(i) = 2.0 * uniform(at, static_cast<std::uint32_t>(i)) - 1.0;
    if (laplace.map.diagonal()) {
      wide.scale.setConstant(width);
    } else {
      wide.scale = width * Matrix::Identity(d, d);
    }
    candidates.push_back(std::move(wide));
  }

  const Index count = static_cast<Index>(candidates.size());
  const Matrix noise = whitened_noise(d, num_draws, seed);
  Matrix theta(d, count * num_draws), no_gradient(d, 0);
  for (Index k = 0; k < count; ++k) {
    theta.middleCols(k * num_draws, num_draws) = candidates[static_cast<std::size_t>(k)].apply(noise);
  }
  Vector value(count * num_draws);
  target.log_joint(batch, theta, value, no_gradient);

  std::size_t best = 0;
  double lowest = INFINITY;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    const double mean = value.segment(static_cast<Index>(k) * num_draws, num_draws).mean();
    const double free_energy =
        -mean - candidates[k].log_det();  // but for the entropy of N(0, I), common to all
    if (free_energy < lowest) {
      lowest = free_energy;
      best = k;
    }
  }
  return candidates[best];
}

void set_base(State& state, const Laplace& base) {
  state.put(left::base, base);
  Proposal found;
  found.add(1.0, Student{base.map});
  state.put(left::found_modes, found);
}

void add_found_mode(State& state, const Laplace& mode) {
  const double log_weight = mode.log_evidence - state.get(left::base).log_evidence;
  if (!(log_weight >= least_log_weight)) return;
  const Proposal before = state.get(left::found_modes);
  Proposal found;
  found.add(1.0 / before.weight(0), before);  // the base's weight is the unit
  found.add(std::exp(std::min(log_weight, largest_log_weight)), Student{mode.map});
  state.put(left::found_modes, found);
}

Vector start_at_modes(const Family& family, const State& state, double scale) {
  const Vector origin = Vector::Zero(family.size());
  if (family.num_components() == 1) return family.init(origin, scale);
  const Proposal modes = state.get(left::found_modes);
  const Affine base = state.get(left::base).map, linear{origin, base.scale};
  std::vector<Affine> normals;
  Vector weights(modes.num_components());
  for (Index k = 0; k < modes.num_components(); ++k) {
    const Affine& mode = std::get<Student>(modes.component(k)).base;
    const Matrix relative = base.diagonal()
                                ? Matrix(mode.scale.cwiseQuotient(base.scale))
                                : linear.whiten(mode.scale.triangularView<Eigen::Lower>().toDenseMatrix());
    normals.push_back({base.whiten(mode.shift), scale * relative});
    weights(k) = modes.weight(k);
  }
  return family.init_at(normals, weights);
}

}  // namespace vfe
