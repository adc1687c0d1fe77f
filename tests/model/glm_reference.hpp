#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/model/glm.hpp"

/// The slow, obvious twin of the generalised linear models: one row at a time, in long double.
namespace vfe::reference {

using Real = long double;

constexpr Likelihood all_likelihoods[] = {
    Likelihood::linear,  Likelihood::student_t,         Likelihood::logistic,
    Likelihood::poisson, Likelihood::negative_binomial, Likelihood::softmax};

/// Scale parameters of a likelihood, and its number of classes.
struct Scales {
  Real sigma = 1, nu = 4, overdispersion = 1;
};

inline Real log1p_exp(Real v) {
  return v > 0 ? v + log1pl(expl(-v)) : log1pl(expl(v));
}

/// Log density of y given linear predictors eta (softmax: one for each class but the reference).
inline Real log_density(Likelihood likelihood, const std::vector<Real>& eta, Real y, const Scales& scales) {
  const Real log_two_pi = logl(2 * acosl(-1.0L));
  switch (likelihood) {
    case Likelihood::linear:
      return -0.5L * powl((y - eta[0]) / scales.sigma, 2) - logl(scales.sigma) - 0.5L * log_two_pi;
    case Likelihood::student_t: {
      const Real nu = scales.nu, z = (y - eta[0]) / scales.sigma;
      return lgammal((nu + 1) / 2) - lgammal(nu / 2) - 0.5L * logl(nu * acosl(-1.0L)) - logl(scales.sigma) -
             (nu + 1) / 2 * log1pl(z * z / nu);
    }
    case Likelihood::logistic:
      return y * eta[0] - log1p_exp(eta[0]);
    case Likelihood::poisson:
      return y * eta[0] - expl(eta[0]) - lgammal(y + 1);
    case Likelihood::negative_binomial: {
      const Real alpha = scales.overdispersion, log_scaled = eta[0] + logl(alpha);
      Real value = y * eta[0] - (y + 1 / alpha) * log1p_exp(log_scaled) - lgammal(y + 1);
      for (Real k = 0; k < y; ++k) value += log1pl(k * alpha);
      return value;
    }
    case Likelihood::softmax: {
      Real largest = 0, sum = 0;
      for (Real v : eta) largest = std::max(largest, v);
      sum = expl(-largest);
      for (Real v : eta) sum += expl(v - largest);
      const auto k = static_cast<std::size_t>(y);
      return (k == 0 ? 0 : eta[k - 1]) - largest - logl(sum);
    }
  }
  return 0;
}

/// Central difference of fourth order.
template <class F>
Real derivative(F f, Real x, Real step = 1e-3L) {
  return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
}

struct Shape {
  Likelihood likelihood = Likelihood::linear;
  Index rows = 100, columns = 7, block_rows = 40;
  bool single = true, intercept = true, weights = true, offsets = true;
  Index classes = 4;  ///< of softmax
};

/// A dataset of one shard for a likelihood. Responses need not come from the model.
struct Problem {
  GlmOptions options;
  Schema schema;
  Rows rows;

  Index predictors() const {
    return options.likelihood == Likelihood::softmax ? schema.response_classes - 1 : 1;
  }
};

inline Problem make_problem(const Shape& shape) {
  Problem problem;
  problem.options.likelihood = shape.likelihood;
  problem.options.intercept = shape.intercept;
  Schema& schema = problem.schema;
  schema.blocks = Blocks::of_equal(shape.rows, shape.block_rows);
  schema.response = "outcome";
  schema.source = "memory";
  for (Index j = 0; j < shape.columns; ++j) {
    const std::string name = "x" + std::to_string(j);
    Column column;
    column.name = column.source = name;
    schema.columns.push_back(column);
  }
  if (shape.likelihood == Likelihood::softmax) schema.response_classes = shape.classes;
  if (is_real(shape.likelihood)) {
    schema.response_centre = 3.0;
    schema.response_scale = 2.5;
  }
  schema.single = shape.single;

  const Address at{.seed = 11, .purpose = Purpose::simulate};
  const auto number = [&](std::uint32_t what, Index i, Index j = 0) {
    Address address = at;
    address.step = what;
    address.draw = static_cast<std::uint32_t>(i);
    return normal(address, static_cast<std::uint32_t>(j));
  };
  Rows& rows = problem.rows;
  rows.blocks = schema.blocks;
  const auto fill = [&](auto& x) {
    x.resize(shape.rows, shape.columns);
    using T = typename std::decay_t<decltype(x)>::Scalar;
    for (Index i = 0; i < shape.rows; ++i) {
      for (Index j = 0; j < shape.columns; ++j) x(i, j) = static_cast<T>(number(1, i, j));
    }
  };
  if (shape.single) {
    fill(rows.x.emplace<Rows::RowMajor<float>>());
  } else {
    fill(rows.x.emplace<Rows::RowMajor<double>>());
  }
  rows.y.resize(shape.rows);
  for (Index i = 0; i < shape.rows; ++i) {
    const double z = number(2, i);
    switch (shape.likelihood) {
      case Likelihood::linear:
      case Likelihood::student_t:
        rows.y[i] = 3.0 + 4.0 * z;
        break;
      case Likelihood::logistic:
        rows.y[i] = z > 0.3 ? 1.0 : 0.0;
        break;
      case Likelihood::softmax:
        rows.y[i] = std::floor(std::fmod(std::abs(z) * 100.0, static_cast<double>(shape.classes)));
        break;
      default:
        rows.y[i] = std::floor(std::exp(1.5 * z + 0.5));
    }
  }
  if (shape.weights) {
    rows.weight.resize(shape.rows);
    for (Index i = 0; i < shape.rows; ++i) rows.weight[i] = i % 11 == 5 ? 0.0 : std::abs(number(3, i));
  }
  if (shape.offsets) {
    rows.offset.resize(shape.rows);
    for (Index i = 0; i < shape.rows; ++i) rows.offset[i] = 0.3 * number(4, i);
  }
  return problem;
}

/// theta of a few draws, moderate values.
inline Matrix make_theta(const Parameters& parameters, Index draws, double spread = 0.2) {
  Matrix theta(parameters.size(), draws);
  fill_normal({.seed = 12, .purpose = Purpose::noise}, theta);
  return spread * theta;
}

struct Result {
  Real value = 0;
  std::vector<Real> grad;  ///< of theta
};

/// Log likelihood of rows [first, last) at one theta. Parameters are found by their names.
inline Result log_likelihood(const Problem& problem, const Parameters& parameters, ConstVec theta,
                             Index first, Index last) {
  const Likelihood likelihood = problem.options.likelihood;
  const Index p = problem.schema.num_columns(), classes = problem.predictors();
  Index intercept = -1, beta = -1, sigma = -1, nu = -1, overdispersion = -1;
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const std::string& name = parameters.list()[i].name;
    const Index begin = parameters.first_unconstrained(i);
    (name == "intercept" ? intercept
     : name == "beta"    ? beta
     : name == "sigma"   ? sigma
     : name == "nu"      ? nu
                         : overdispersion) = begin;
  }
  const Real scale = is_real(likelihood) ? problem.schema.response_scale : 1;
  const Real centre = is_real(likelihood) ? problem.schema.response_centre : 0;
  Scales scales;
  if (problem.options.known_sigma) scales.sigma = *problem.options.known_sigma / scale;
  if (problem.options.degrees_of_freedom) scales.nu = *problem.options.degrees_of_freedom;
  if (sigma >= 0) scales.sigma = expl(theta[sigma]);
  if (nu >= 0) scales.nu = expl(theta[nu]);
  if (overdispersion >= 0) scales.overdispersion = expl(theta[overdispersion]);

  Result result;
  result.grad.assign(static_cast<std::size_t>(theta.size()), 0);
  const auto x = [&](Index i, Index j) {
    return std::visit([&](const auto& m) { return static_cast<Real>(m(i, j)); }, problem.rows.x);
  };
  for (Index i = first; i < last; ++i) {
    const Real weight = problem.rows.weight.size() > 0 ? problem.rows.weight[i] : 1;
    const Real y = (problem.rows.y[i] - centre) / scale;
    std::vector<Real> eta(static_cast<std::size_t>(classes));
    for (Index k = 0; k < classes; ++k) {
      Real& v = eta[static_cast<std::size_t>(k)];
      v = problem.rows.offset.size() > 0 ? problem.rows.offset[i] / scale : 0;
      if (intercept >= 0) v += theta[intercept + k];
      for (Index j = 0; j < p; ++j) v += x(i, j) * theta[beta + k * p + j];
    }
    result.value += weight * (log_density(likelihood, eta, y, scales) - logl(scale));
    for (Index k = 0; k < classes; ++k) {
      const Real slope = weight * derivative(
                                      [&](Real v) {
                                        std::vector<Real> moved = eta;
                                        moved[static_cast<std::size_t>(k)] = v;
                                        return log_density(likelihood, moved, y, scales);
                                      },
                                      eta[static_cast<std::size_t>(k)]);
      if (intercept >= 0) result.grad[static_cast<std::size_t>(intercept + k)] += slope;
      for (Index j = 0; j < p; ++j)
        result.grad[static_cast<std::size_t>(beta + k * p + j)] += slope * x(i, j);
    }
    const auto by_log = [&](Index at, Real Scales::*scale_field) {
      if (at < 0) return;
      result.grad[static_cast<std::size_t>(at)] +=
          weight * derivative(
                       [&](Real log_scale) {
                         Scales moved = scales;
                         moved.*scale_field = expl(log_scale);
                         return log_density(likelihood, eta, y, moved);
                       },
                       static_cast<Real>(theta[at]));
    };
    by_log(sigma, &Scales::sigma);
    by_log(nu, &Scales::nu);
    by_log(overdispersion, &Scales::overdispersion);
  }
  return result;
}

}  // namespace vfe::reference
