#include "vfe/infer/mixture_fit.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double prior_share = 0.3;    // of the covariance of all draws, in a component's prior covariance
constexpr double least_draws = 2.0;    // effective draws that keep a component alive
constexpr double least_spread = 1e-9;  // added to every covariance, against its own size

/// Components while fitting, in whitened coordinates.
struct Mixture {
  std::vector<double> weight;
  std::vector<Student> part;
};

/// Cholesky factor, whatever the rank.
Matrix factor_of(Matrix covariance) {
  covariance.diagonal().array() += least_spread * (1.0 + covariance.diagonal().maxCoeff());
  return Eigen::LLT<Matrix>(covariance).matrixL();
}

/// A draw in proportion to `mass`, by one uniform number.
Index pick(const Vector& mass, double uniform_number) {
  double left = uniform_number * mass.sum();
  Index last = 0;
  for (Index s = 0; s < mass.size(); ++s) {
    if (mass(s) <= 0.0) continue;
    last = s;
    left -= mass(s);
    if (left < 0.0) break;
  }
  return last;
}

/// Equal components of the covariance of all draws, around draws chosen in proportion to weight times squared
/// distance from those chosen before.
Mixture start(const Matrix& u, const Vector& weight, const Matrix& factor, const MixtureFitOptions& options) {
  const Address at{.seed = options.seed, .purpose = Purpose::mixture, .step = options.step};
  Mixture mixture;
  Vector mass = weight;
  Vector distance = Vector::Constant(u.cols(), std::numeric_limits<double>::infinity());
  for (Index j = 0; j < options.components; ++j) {
    if (!(mass.sum() > 0.0)) break;  // fewer different draws than components
    const Vector centre = u.col(pick(mass, uniform(at, static_cast<std::uint32_t>(j))));
    mixture.weight.push_back(1.0);
    mixture.part.push_back({.base = {.shift = centre, .scale = factor}, .nu = options.nu});
    distance = distance.cwiseMin((u.colwise() - centre).colwise().squaredNorm().transpose());
    mass = weight.cwiseProduct(distance);
  }
  for (double& w : mixture.weight) w /= static_cast<double>(mixture.part.size());
  return mixture;
}

/// Turns the log densities of the components into responsibilities and returns the weighted mean log density.
double responsibilities(const Mixture& mixture, const Matrix& u, const Vector& weight, Matrix& share) {
  share.resize(u.cols(), static_cast<Index>(mixture.part.size()));
  for (Index j = 0; j < share.cols(); ++j) {
    const auto k = static_cast<std::size_t>(j);
    share.col(j) = mixture.part[k].log_density(u).array() + std::log(mixture.weight[k]);
  }
  double total = 0.0;
  for (Index s = 0; s < u.cols(); ++s) {
    const double largest = share.row(s).maxCoeff();
    for (Index j = 0; j < share.cols(); ++j) share(s, j) = std::exp(share(s, j) - largest);
    const double sum = share.row(s).sum();
    share.row(s) /= sum;
    total += weight(s) * (largest + std::log(sum));
  }
  return total;
}

/// The component that maximises the expected log density given its share of the draws. `effective`: their
/// number.
Student updated(const Student& old, const Matrix& u, const Vector& mass, double effective,
                const Matrix& covariance) {
  const Index d = u.rows();
  const auto n = static_cast<double>(d);
  const Vector radius = old.base.whiten(u).colwise().squaredNorm().transpose();
  const Vector precision = (old.nu + n) / (old.nu + radius.array());  // a t's draws far out count less
  const Vector counted = mass.cwiseProduct(precision);
  const Vector mean = u * counted / counted.sum();
  const Matrix centred = (u.colwise() - mean) * (counted / mass.sum()).cwiseSqrt().asDiagonal();
  Matrix fitted = Matrix::Zero(d, d);
  fitted.selfadjointView<Eigen::Lower>().rankUpdate(centred);
  fitted = (effective * fitted + (n + 2.0) * prior_share * covariance) / (effective + n + 2.0);
  return {.base = {.shift = mean, .scale = factor_of(fitted)}, .nu = old.nu};
}

}  // namespace

MixtureFit fit_mixture(ConstMat theta, ConstVec log_weight, const Affine& base,
                       const MixtureFitOptions& options) {
  if (theta.rows() != base.size() || theta.cols() != log_weight.size() || options.components < 1) {
    throw Error(Fault::bug,
                fmt::format("fitting a mixture of {} components, size {}: found {} x {} draws and "
                            "{} weights",
                            options.components, base.size(), theta.rows(), theta.cols(), log_weight.size()));
  }
  const Vector given = normalised_weights(log_weight, "fitting a mixture");
  const double ess = effective_size(given);
  std::vector<Index> kept;
  for (Index s = 0; s < given.size(); ++s) {
    if (given(s) > 0.0) kept.push_back(s);
  }
  const Vector weight = given(kept);
  const Matrix u = base.whiten(theta(Eigen::all, kept));
  const Index d = u.rows();
  const Vector mean = u * weight;
  const Matrix centred = (u.colwise() - mean) * weight.cwiseSqrt().asDiagonal();
  const Matrix covariance = centred * centred.transpose();
  Mixture mixture = start(u, weight, factor_of(covariance), options);
  Matrix share;
  double value = responsibilities(mixture, u, weight, share);
  for (Index iteration = 0; iteration < options.max_iterations; ++iteration) {
    Mixture next;
    double total = 0.0;
    for (std::size_t j = 0; j < mixture.part.size(); ++j) {
      const Vector mass = weight.cwiseProduct(share.col(static_cast<Index>(j)));
      const double effective = mass.sum() * ess;
      if (effective < least_draws && mixture.part.size() > 1) continue;
      next.weight.push_back(mass.sum());
      next.part.push_back(updated(mixture.part[j], u, mass, effective, covariance));
      total += mass.sum();
    }
    if (next.part.empty()) break;
    for (double& w : next.weight) w /= total;
    const bool fewer = next.part.size() < mixture.part.size();
    mixture = std::move(next);
    const double before = value;
    value = responsibilities(mixture, u, weight, share);
    if (!fewer && value - before < options.tolerance) break;
  }

  MixtureFit result{.mixture = {}, .log_density = value - base.log_det()};
  const Affine linear{.shift = Vector::Zero(d), .scale = base.scale};
  for (std::size_t j = 0; j < mixture.part.size(); ++j) {
    const Affine& part = mixture.part[j].base;
    result.mixture.add(mixture.weight[j],
                       Student{.base = {.shift = base.apply(part.shift), .scale = linear.apply(part.scale)},
                               .nu = options.nu});
  }
  return result;
}

}  // namespace vfe
