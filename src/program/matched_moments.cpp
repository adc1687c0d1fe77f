#include "vfe/program/matched_moments.hpp"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "vfe/model/glm_layout.hpp"
#include "vfe/program/judged_values.hpp"

namespace vfe {
namespace {

constexpr Index fewest_draws = 100;
constexpr int most_rounds = 20, most_steps = 50;
constexpr int root_bits = 45;  ///< more than `enough` asks for
constexpr double first_turn = 0.05, most_turned = 0.8;
constexpr double enough = 1e-10;  ///< relative difference of a sd

/// Whether all values (entries x draws) are strictly inside what bounds them.
bool inside(const Parameter& parameter, const Matrix& values) {
  if (!values.allFinite()) return false;
  if (parameter.transform == Transform::identity) return true;
  if (parameter.transform == Transform::ordered) {
    const Index gaps = values.rows() - 1;
    return gaps == 0 || (values.bottomRows(gaps) - values.topRows(gaps)).minCoeff() > 0.0;
  }
  if (!(values.minCoeff() > parameter.lower)) return false;
  return parameter.transform == Transform::positive || values.maxCoeff() < parameter.upper;
}

double sd_of(ConstVec values) {
  return std::sqrt((values.array() - values.mean()).square().sum() / static_cast<double>(values.size() - 1));
}

/// Values with these moments, a row each; nothing where a mean or sd is unknown or is of a constant.
Matrix shifted_and_scaled(const Matrix& values, ConstVec mean, ConstVec sd) {
  Matrix moved = values;
  for (Index k = 0; k < values.rows(); ++k) {
    const Vector own = values.row(k);
    const double ratio = sd[k] / sd_of(own);
    if (!std::isfinite(mean[k]) || !std::isfinite(ratio) || !(ratio > 0.0)) return {};
    moved.row(k) = (mean[k] + ratio * (own.array() - own.mean())).transpose();
  }
  return moved;
}

/// Real coordinates of theta with their moments, and values that are sums of them, numbered, with their sds.
struct Sums {
  std::vector<Index> coordinates, values;
  std::vector<double> mean, sd, sd_of_values;
};

/// What each coordinate counts for in the sums: a row for each coordinate, a column for each sum.
Matrix weights_of(const Sums& sums, const JudgedValues& judged, ConstVec theta) {
  Matrix points = theta.replicate(1, 1 + std::ssize(sums.coordinates));
  for (std::size_t k = 0; k < sums.coordinates.size(); ++k) {
    points(sums.coordinates[k], 1 + static_cast<Index>(k)) += 1.0;
  }
  const Matrix values = judged.compute(points)(sums.values, Eigen::all);
  return (values.rightCols(values.cols() - 1).colwise() - values.col(0)).transpose();
}

/// The draws after each coordinate has moved along a sum, by t and what it counts for in it, and come back to
/// its moments: their correlations are then such that the sum is larger (t > 0) or smaller.
Matrix turned(const Sums& sums, Matrix theta, ConstVec weight, ConstVec sum, double t) {
  const Eigen::RowVectorXd centred = (sum.array() - sum.mean()).matrix().transpose();
  const Eigen::Map<const Vector> sd(sums.sd.data(), weight.size());
  const Vector share = weight.array() * sd.array().square() / (weight.array() * sd.array()).square().sum();
  for (std::size_t k = 0; k < sums.coordinates.size(); ++k) {
    const Index x = sums.coordinates[k];
    if (share[static_cast<Index>(k)] == 0.0) continue;
    theta.row(x) += t * share[static_cast<Index>(k)] * centred;
    const Matrix back =
        shifted_and_scaled(theta.row(x), Vector::Constant(1, sums.mean[k]), Vector::Constant(1, sums.sd[k]));
    if (back.size() > 0) theta.row(x) = back;
  }
  return theta;
}

/// Where a function is 0 between 0 and t, given its values at t and at 0, which are of different signs.
template <class Function>
double root_between(const Function& function, double t, double at_t, double at_0) {
  std::uintmax_t steps = most_steps;
  const boost::math::tools::eps_tolerance<double> close(root_bits);
  const auto [low, high] =
      t < 0.0 ? boost::math::tools::toms748_solve(function, t, 0.0, at_t, at_0, close, steps)
              : boost::math::tools::toms748_solve(function, 0.0, t, at_0, at_t, close, steps);
  return 0.5 * (low + high);
}

/// Changes the correlations of the coordinates such that the sums have their sds too: one sum after the
/// other, over again, since each moves the others a little. False where no such correlations are found.
bool match_sums(const JudgedValues& judged, const Sums& sums, Matrix& theta) {
  const Matrix weights = weights_of(sums, judged, theta.col(0));
  for (int round = 0; round < most_rounds; ++round) {
    const Matrix values = judged.compute(theta)(sums.values, Eigen::all);
    bool all = true;
    for (std::size_t k = 0; k < sums.values.size(); ++k) {
      const Vector weight = weights.col(static_cast<Index>(k)), sum = values.row(static_cast<Index>(k));
      const double sd = sums.sd_of_values[k], excess = sd_of(sum) / sd - 1.0;
      if (std::abs(excess) < enough) continue;  // as of all that are multiples of a coordinate
      all = false;
      const auto excess_at = [&](double t) {
        const Matrix moved = turned(sums, theta, weight, sum, t) - theta;
        const Vector change = (weight.transpose() * moved(sums.coordinates, Eigen::all)).transpose();
        return sd_of(sum + change) / sd - 1.0;
      };
      double t = excess > 0.0 ? -first_turn : first_turn, at_t = excess_at(t);
      while (excess * at_t > 0.0 && std::abs(t) < most_turned) at_t = excess_at(t *= 2.0);
      if (!(excess * at_t <= 0.0)) return false;
      theta = turned(sums, theta, weight, sum, root_between(excess_at, t, at_t, excess));
    }
    if (all) return true;
  }
  return false;
}

}  // namespace

MatchedDraws match_moments(const Model& model, const Moments& moments, const Matrix& theta) {
  MatchedDraws matched{theta, {}};
  const Index draws = theta.cols();
  if (draws < fewest_draws) return matched;
  const Parameters& parameters = model.parameters();
  const JudgedValues judged = judged_values(model);
  const Matrix values = judged.compute(theta);
  Matrix own(parameters.num_constrained(), draws);
  for (Index s = 0; s < draws; ++s) parameters.constrain(theta.col(s), own.col(s));

  std::set<std::string> real;                        // of those that move
  std::vector<std::pair<Index, Index>> coordinates;  // that move: the first, and how many
  Sums sums;
  Index first_value = 0;
  for (const Parameter& quantity : model.quantities()) {
    const Index begin = first_value, size = quantity.num_constrained();
    first_value += size;
    if (size == 0 || first_value > values.rows() || first_value > moments.mean.size()) continue;
    const Index coordinate = judged.coordinate[static_cast<std::size_t>(begin)];
    if (coordinate < 0) continue;
    std::size_t i = 0;
    while (parameters.first_unconstrained(i) != coordinate) ++i;
    const Parameter& parameter = parameters.list()[i];
    const Index first = parameters.first_constrained(i);
    // A Stan program's parameters have the names of its coordinates, but may be others.
    if (own.middleRows(first, size) != values.middleRows(begin, size)) continue;
    const Matrix moved = shifted_and_scaled(own.middleRows(first, size), moments.mean.segment(begin, size),
                                            moments.sd.segment(begin, size));
    if (moved.size() == 0 || !inside(parameter, moved)) continue;
    own.middleRows(first, size) = moved;
    coordinates.emplace_back(coordinate, size);
    matched.names.push_back(parameter.name);
    if (parameter.transform != Transform::identity) continue;
    real.insert(parameter.name);
    for (Index e = 0; e < size; ++e) {
      sums.coordinates.push_back(coordinate + e);
      sums.mean.push_back(moments.mean[begin + e]);
      sums.sd.push_back(moments.sd[begin + e]);
    }
  }
  for (Index s = 0; s < draws && !coordinates.empty(); ++s) {
    const Vector unconstrained = parameters.unconstrain(own.col(s));
    for (const auto& [first, size] : coordinates) {
      matched.theta.col(s).segment(first, size) = unconstrained.segment(first, size);
    }
  }

  // On the user's scale a real parameter is a sum, of itself and others.
  first_value = 0;
  for (const Parameter& quantity : model.quantities()) {
    const Index begin = first_value, size = quantity.num_constrained();
    first_value += size;
    if (!quantity.name.ends_with(original_suffix) || first_value > moments.mean.size()) continue;
    if (!real.contains(quantity.name.substr(0, quantity.name.size() - original_suffix.size()))) continue;
    for (Index k = begin; k < begin + size; ++k) {
      sums.values.push_back(k);
      sums.sd_of_values.push_back(moments.sd[k]);
    }
  }
  Matrix with_sums = matched.theta;
  if (!sums.values.empty() && match_sums(judged, sums, with_sums)) matched.theta = std::move(with_sums);
  return matched;
}

}  // namespace vfe
