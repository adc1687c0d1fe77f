#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/model/glm.hpp"

/// The slow, obvious twin of the generalised linear models: one row at a time, in long double.
namespace vfe::reference {

using Real = long double;

inline const std::vector<Likelihood> all_likelihoods = [] {
  std::vector<Likelihood> all;
  for (const LikelihoodTraits& one : likelihoods()) all.push_back(one.likelihood);
  return all;
}();

/// Parameters of a response's distribution beside the linear predictor, constrained.
struct Scales {
  Real sigma = 1, nu = 4, overdispersion = 1, zero_probability = 0.5L, shape = 1, precision = 1;
  std::vector<Real> cutpoints{};
};

inline Real log1p_exp(Real v) {
  return v > 0 ? v + log1pl(expl(-v)) : log1pl(expl(v));
}

inline Real sigmoid(Real v) {
  return v > 0 ? 1 / (1 + expl(-v)) : expl(v) / (1 + expl(v));
}

inline Real log_negative_binomial(Real eta, Real y, Real alpha) {
  const Real log_scaled = eta + logl(alpha);
  Real value = y * eta - (y + 1 / alpha) * log1p_exp(log_scaled) - lgammal(y + 1);
  for (Real k = 0; k < y; ++k) value += log1pl(k * alpha);
  return value;
}

inline Real log_count(Likelihood likelihood, Real eta, Real y, const Scales& scales) {
  const bool poisson = likelihood == Likelihood::poisson || likelihood == Likelihood::zero_inflated_poisson ||
                       likelihood == Likelihood::hurdle_poisson;
  return poisson ? y * eta - expl(eta) - lgammal(y + 1)
                 : log_negative_binomial(eta, y, scales.overdispersion);
}

/// Log density of y given linear predictors eta (softmax: one for each class but the reference), and of so
/// many trials, or censored.
inline Real log_density(Likelihood likelihood, const std::vector<Real>& eta, Real y, const Scales& scales,
                        Real beside = 0) {
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
    case Likelihood::negative_binomial:
      return log_count(likelihood, eta[0], y, scales);
    case Likelihood::zero_inflated_poisson:
    case Likelihood::zero_inflated_negative_binomial: {
      const Real p = scales.zero_probability, of_counts = log_count(likelihood, eta[0], y, scales);
      return y == 0 ? logl(p + (1 - p) * expl(of_counts)) : log1pl(-p) + of_counts;
    }
    case Likelihood::hurdle_poisson:
    case Likelihood::hurdle_negative_binomial: {
      const Real p = scales.zero_probability;
      if (y == 0) return logl(p);
      return log1pl(-p) + log_count(likelihood, eta[0], y, scales) -
             logl(-expm1l(log_count(likelihood, eta[0], 0, scales)));
    }
    case Likelihood::binomial:
      return lgammal(beside + 1) - lgammal(y + 1) - lgammal(beside - y + 1) - y * log1p_exp(-eta[0]) -
             (beside - y) * log1p_exp(eta[0]);
    case Likelihood::ordinal: {
      const auto k = static_cast<std::size_t>(y);
      const Real below = k == scales.cutpoints.size() ? 1 : sigmoid(scales.cutpoints[k] - eta[0]);
      return logl(below - (k == 0 ? 0 : sigmoid(scales.cutpoints[k - 1] - eta[0])));
    }
    case Likelihood::gamma: {
      const Real a = scales.shape, rate = a * expl(-eta[0]);
      return a * logl(rate) - lgammal(a) + (a - 1) * logl(y) - rate * y;
    }
    case Likelihood::beta: {
      const Real a = scales.precision * sigmoid(eta[0]), b = scales.precision * sigmoid(-eta[0]);
      return lgammal(a + b) - lgammal(a) - lgammal(b) + (a - 1) * logl(y) + (b - 1) * log1pl(-y);
    }
    case Likelihood::lognormal:
      return -0.5L * powl((logl(y) - eta[0]) / scales.sigma, 2) - logl(scales.sigma) - 0.5L * log_two_pi -
             logl(y);
    case Likelihood::exponential:
    case Likelihood::weibull: {
      const Real k = likelihood == Likelihood::weibull ? scales.shape : 1;
      const Real hazard = powl(y * expl(-eta[0]), k);
      return beside == 1 ? -hazard : logl(k) - eta[0] + (k - 1) * (logl(y) - eta[0]) - hazard;
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
  bool single = true, intercept = true, weights = true, offsets = true, censoring = true;
  Index classes = 4;  ///< of softmax, ordinal
};

/// A dataset of one shard for a likelihood. Responses need not come from the model.
struct Problem {
  GlmOptions options;
  DesignSchema schema;
  Rows rows;

  Index predictors() const {
    return options.likelihood == Likelihood::softmax ? std::ssize(schema.response_levels) - 1 : 1;
  }
};

inline Problem make_problem(const Shape& shape) {
  Problem problem;
  problem.options.likelihood = shape.likelihood;
  problem.options.intercept = shape.intercept;
  DesignSchema& schema = problem.schema;
  schema.blocks = Blocks::of_equal(shape.rows, shape.block_rows);
  schema.response = "outcome";
  for (Index j = 0; j < shape.columns; ++j) {
    const std::string name = "x" + std::to_string(j);
    Column column;
    column.name = column.source = name;
    schema.columns.push_back(column);
  }
  for (Index k = 0; has_classes(shape.likelihood) && k < shape.classes; ++k)
    schema.response_levels.push_back(std::to_string(k));
  if (is_real(shape.likelihood)) {
    schema.response_centre = 3.0;
    schema.response_scale = 2.5;
  }

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
    switch (traits(shape.likelihood).support) {
      case Support::real:
        rows.y[i] = 3.0 + 4.0 * z;
        break;
      case Support::binary:
        rows.y[i] = z > 0.3 ? 1.0 : 0.0;
        break;
      case Support::classes:
        rows.y[i] = std::floor(std::fmod(std::abs(z) * 100.0, static_cast<double>(shape.classes)));
        break;
      case Support::count:
      case Support::count_of_trials:
        rows.y[i] = std::floor(std::exp(1.5 * z + 0.5));
        break;
      case Support::positive:
        rows.y[i] = std::exp(0.8 * z);
        break;
      case Support::unit:
        rows.y[i] = 1.0 / (1.0 + std::exp(-z));
        break;
    }
  }
  if (traits(shape.likelihood).support == Support::count_of_trials) {
    rows.trials = rows.y;
    for (Index i = 0; i < shape.rows; ++i) rows.trials[i] += std::floor(3.0 * std::abs(number(5, i)));
  }
  if (traits(shape.likelihood).takes_censoring && shape.censoring) {
    rows.censoring.resize(shape.rows);
    for (Index i = 0; i < shape.rows; ++i) rows.censoring[i] = number(6, i) > 0.5 ? 1.0 : 0.0;
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
  Index intercept = -1, beta = -1, cutpoints = -1, num_cutpoints = 0;
  const Real scale = is_real(likelihood) ? problem.schema.response_scale : 1;
  const Real centre = is_real(likelihood) ? problem.schema.response_centre : 0;
  Scales scales;
  if (problem.options.known_sigma) scales.sigma = *problem.options.known_sigma / scale;
  if (problem.options.degrees_of_freedom) scales.nu = *problem.options.degrees_of_freedom;
  const std::map<std::string, Real Scales::*> fields{{"sigma", &Scales::sigma},
                                                     {"nu", &Scales::nu},
                                                     {"overdispersion", &Scales::overdispersion},
                                                     {"zero_probability", &Scales::zero_probability},
                                                     {"shape", &Scales::shape},
                                                     {"precision", &Scales::precision}};
  std::map<std::string, Index> found;
  const auto constrained = [](const std::string& name, Real coordinate) {
    return name == "zero_probability" ? sigmoid(coordinate) : expl(coordinate);
  };
  const auto cutpoints_at = [&](const std::vector<Real>& coordinates) {
    std::vector<Real> at;
    for (const Real v : coordinates) at.push_back(at.empty() ? v : at.back() + expl(v));
    return at;
  };
  std::vector<Real> of_cutpoints;
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const std::string& name = parameters.list()[i].name;
    const Index begin = parameters.first_unconstrained(i);
    if (name == "intercept") {
      intercept = begin;
    } else if (name == "beta") {
      beta = begin;
    } else if (name == "cutpoints") {
      cutpoints = begin;
      num_cutpoints = parameters.list()[i].num_unconstrained();
      for (Index k = 0; k < num_cutpoints; ++k) of_cutpoints.push_back(theta[begin + k]);
      scales.cutpoints = cutpoints_at(of_cutpoints);
    } else {
      found[name] = begin;
      scales.*fields.at(name) = constrained(name, theta[begin]);
    }
  }

  Result result;
  result.grad.assign(static_cast<std::size_t>(theta.size()), 0);
  const auto x = [&](Index i, Index j) {
    return std::visit([&](const auto& m) { return static_cast<Real>(m(i, j)); }, problem.rows.x);
  };
  for (Index i = first; i < last; ++i) {
    const Real weight = problem.rows.weight.size() > 0 ? problem.rows.weight[i] : 1;
    const Real y = (problem.rows.y[i] - centre) / scale;
    const Real beside = problem.rows.trials.size() > 0      ? problem.rows.trials[i]
                        : problem.rows.censoring.size() > 0 ? problem.rows.censoring[i]
                                                            : 0;
    std::vector<Real> eta(static_cast<std::size_t>(classes));
    for (Index k = 0; k < classes; ++k) {
      Real& v = eta[static_cast<std::size_t>(k)];
      v = problem.rows.offset.size() > 0 ? problem.rows.offset[i] / scale : 0;
      if (intercept >= 0) v += theta[intercept + k];
      for (Index j = 0; j < p; ++j) v += x(i, j) * theta[beta + k * p + j];
    }
    result.value += weight * (log_density(likelihood, eta, y, scales, beside) - logl(scale));
    for (Index k = 0; k < classes; ++k) {
      const Real slope = weight * derivative(
                                      [&](Real v) {
                                        std::vector<Real> moved = eta;
                                        moved[static_cast<std::size_t>(k)] = v;
                                        return log_density(likelihood, moved, y, scales, beside);
                                      },
                                      eta[static_cast<std::size_t>(k)]);
      if (intercept >= 0) result.grad[static_cast<std::size_t>(intercept + k)] += slope;
      for (Index j = 0; j < p; ++j)
        result.grad[static_cast<std::size_t>(beta + k * p + j)] += slope * x(i, j);
    }
    for (const auto& [name, at] : found) {
      result.grad[static_cast<std::size_t>(at)] +=
          weight * derivative(
                       [&](Real coordinate) {
                         Scales moved = scales;
                         moved.*fields.at(name) = constrained(name, coordinate);
                         return log_density(likelihood, eta, y, moved, beside);
                       },
                       static_cast<Real>(theta[at]));
    }
    for (Index k = 0; k < num_cutpoints; ++k) {
      result.grad[static_cast<std::size_t>(cutpoints + k)] +=
          weight * derivative(
                       [&](Real coordinate) {
                         std::vector<Real> moved_cutpoints = of_cutpoints;
                         moved_cutpoints[static_cast<std::size_t>(k)] = coordinate;
                         Scales moved = scales;
                         moved.cutpoints = cutpoints_at(moved_cutpoints);
                         return log_density(likelihood, eta, y, moved, beside);
                       },
                       static_cast<Real>(theta[cutpoints + k]));
    }
  }
  return result;
}

}  // namespace vfe::reference
