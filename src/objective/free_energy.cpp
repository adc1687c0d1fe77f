#include "vfe/objective/free_energy.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// Of the mean of x, from the means of pairs (s, s + S/2) if S is even.
double standard_error(const Vector& x) {
  const bool paired = x.size() % 2 == 0;
  const Index n = paired ? x.size() / 2 : x.size();
  if (n < 2) return infinity;
  const Vector unit = paired ? Vector(0.5 * (x.head(n) + x.tail(n))) : x;
  const double count = static_cast<double>(n);
  return std::sqrt((unit.array() - unit.mean()).square().sum() / (count - 1.0) / count);
}

Index count_non_finite(const Vector& value, const Matrix& grad) {
  Index count = 0;
  for (Index s = 0; s < value.size(); ++s) count += !(std::isfinite(value(s)) && grad.col(s).allFinite());
  return count;
}

}  // namespace

FreeEnergy::FreeEnergy(const Target& target, const Family& family, Affine map, Gradient gradient)
    : target_(target), family_(family), map_(std::move(map)), gradient_(gradient) {
  const Index d = target_.size();
  if (family_.size() != d || map_.size() != d || map_.scale.rows() != d ||
      (!map_.diagonal() && map_.scale.cols() != d)) {
    throw Error(
        Fault::bug,
        fmt::format("setting up the free energy of a target of {} parameters: found a family of size {}, "
                    "a map with a shift of {} and a scale of {} x {}",
                    d, family_.size(), map_.size(), map_.scale.rows(), map_.scale.cols()));
  }
}

Matrix FreeEnergy::draws(ConstVec lambda, ConstMat noise) const {
  const Index count = noise.cols();
  Matrix u(family_.size(), count * family_.num_components());
  for (Index k = 0; k < family_.num_components(); ++k) {
    family_.transform_component(k, lambda, noise, u.middleCols(k * count, count));
  }
  return u;
}

Estimate FreeEnergy::estimate(ConstVec lambda, ConstMat noise, const Minibatch& batch) const {
  const Index d = target_.size(), count = noise.cols(), components = family_.num_components();
  const Matrix u = draws(lambda, noise);
  Vector log_f(u.cols());
  Matrix grad_theta(d, u.cols());
  target_.log_joint(batch, map_.apply(u), log_f, grad_theta);

  // The integrand of F at each draw, and its gradient in u through the draws.
  Vector integrand = -log_f;
  Matrix grad_u = -map_.pull_back(grad_theta);
  if (gradient_ == Gradient::path) {
    Vector log_q(u.cols());
    family_.log_density(lambda, u, log_q, grad_u);
    integrand += log_q;
  }

  Estimate result;
  result.grad = Vector::Zero(lambda.size());
  result.non_finite = count_non_finite(integrand, grad_u);
  result.log_joint = -infinity;
  if (result.non_finite == 0) {
    // One term for each column of noise: the weighted sum over components.
    const Vector weight = family_.weights(lambda);
    Vector term = integrand.reshaped(count, components) * weight;
    result.log_joint = (log_f.reshaped(count, components) * weight).mean();
    result.value = term.mean() - map_.log_det();
    for (Index k = 0; k < components; ++k) {
      const Matrix grad = grad_u.middleCols(k * count, count) * weight(k) / static_cast<double>(count);
      family_.pull_back_component(k, lambda, noise, grad, result.grad);
    }
    const Vector mean = integrand.reshaped(count, components).colwise().mean().transpose();
    family_.pull_back_weights(lambda, mean, result.grad);
    if (gradient_ == Gradient::closed_entropy) {
      Vector grad_entropy = Vector::Zero(lambda.size());
      const Vector entropy = family_.entropy(lambda, noise, grad_entropy);
      result.value -= entropy.mean();
      result.grad -= grad_entropy;
      if (entropy.size() == count) term -= entropy;
    }
    result.std_error = standard_error(term);
    if (std::isfinite(result.value) && result.grad.allFinite()) return result;
  }
  result.value = result.std_error = infinity;
  result.grad.setZero();
  return result;
}

std::string FreeEnergy::name_non_finite(ConstVec lambda, ConstMat noise, const Minibatch& batch) const {
  return target_.name_non_finite(batch, map_.apply(draws(lambda, noise)));
}

Matrix whitened_noise(Index n, Index num_draws, std::uint64_t seed) {
  if (num_draws < 2 || num_draws % 2 != 0) {
    throw Error(
        Fault::bug,
        fmt::format("drawing antithetic noise: found {} draws, expected an even number of them", num_draws));
  }
  const Index half = num_draws / 2;
  Matrix z(n, half);
  fill_normal(Address{.seed = seed, .purpose = Purpose::fixed_noise}, z);
  const double weight = 1.0 / static_cast<double>(half);
  if (half >= n) {
    // The second pass removes what rounding left of the first where the sample covariance is near singular.
    for (int pass = 0; pass < 2; ++pass) {
      Matrix covariance = Matrix::Zero(n, n);
      covariance.selfadjointView<Eigen::Lower>().rankUpdate(z, weight);
      const Eigen::LLT<Matrix> cholesky(covariance);
      if (cholesky.info() != Eigen::Success) {
        throw Error(
            Fault::numeric,
            fmt::format("whitening {} draws of {} normals: the sample covariance is singular", num_draws, n));
      }
      cholesky.matrixL().solveInPlace(z);
    }
  } else {
    z.array().colwise() /= (weight * z.rowwise().squaredNorm()).array().sqrt();
  }
  Matrix noise(n, num_draws);
  noise << z, -z;
  return noise;
}

}  // namespace vfe
