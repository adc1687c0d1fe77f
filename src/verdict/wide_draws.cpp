#include "vfe/verdict/wide_draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "vfe/core/numbers.hpp"
#include "vfe/statistics/limits.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double degrees_of_freedom = 3.0, times_as_wide = 3.0, standard_errors = 3.0;

double log_sum(double a, double b) {
  const double top = std::max(a, b);
  return top == -infinity ? top : top + std::log1p(std::exp(std::min(a, b) - top));
}

double finite_or_nothing(double log_density) {
  return std::isfinite(log_density) ? log_density : -infinity;
}

}  // namespace

Student wider_than(ConstVec mean, ConstVec sd) {
  return {{mean, times_as_wide * sd}, degrees_of_freedom};
}

OwnedDraws in_one_sample(const Draws& of_q, const Draws& wide, const Student& density, const Family& family,
                         ConstVec lambda) {
  const Index n = of_q.size(), m = wide.size();
  OwnedDraws all{.theta = Matrix(of_q.theta.rows(), n + m), .gradient = {}};
  all.theta << of_q.theta, wide.theta;
  all.log_joint.resize(n + m);
  all.log_joint << of_q.log_joint, wide.log_joint;
  Vector log_q(n + m);
  Matrix no_gradient(all.theta.rows(), 0);
  log_q.head(n) = of_q.log_proposal;
  family.log_density(lambda, wide.theta, log_q.tail(m), no_gradient);
  const Vector log_wide = density.log_density(all.theta);
  const double share = static_cast<double>(n) / static_cast<double>(n + m);
  all.log_proposal.resize(n + m);
  all.log_weight.resize(n + m);
  for (Index s = 0; s < n + m; ++s) {
    all.log_proposal(s) =
        log_sum(std::log(share) + finite_or_nothing(log_q(s)), std::log1p(-share) + log_wide(s));
    all.log_weight(s) = finite_or_nothing(all.log_joint(s) - all.log_proposal(s));
  }
  return all;
}

Objection missed_by_q(const Draws& all, const Draws& of_q, const std::function<std::string(Index)>& name) {
  const char* work = "judging q by wide draws";
  const Eigen::ArrayXd weight = normalised_weights(all.log_weight, work);
  const Eigen::ArrayXd weight_of_q = normalised_weights(of_q.log_weight, work);
  for (Index i = 0; i < all.theta.rows(); ++i) {
    const Eigen::ArrayXd own = of_q.theta.row(i).transpose();
    const double mean = (weight_of_q * own).sum(),
                 sd = std::sqrt((weight_of_q * (own - mean).square()).sum());
    const Eigen::ArrayXd z = (all.theta.row(i).transpose().array() - mean) / sd;
    const double found = (weight * z).sum();
    const Eigen::ArrayXd square = (z - found).square();
    const double variance = (weight * square).sum(), found_sd = std::sqrt(variance);
    const double mean_error = std::sqrt((weight * (z - found)).square().sum());
    const double sd_error = std::sqrt((weight * (square - variance)).square().sum()) / (2.0 * found_sd);
    const auto off = [](double by, double error, double limit) {
      return by > limit && by > standard_errors * error;
    };
    if (!off(std::abs(found), mean_error, limits::mean * found_sd) &&
        !off(std::abs(1.0 - found_sd), sd_error, limits::sd * found_sd)) {
      continue;
    }
    return {fmt::format("{}: with wide draws its mean is off by {:.3f} +- {:.2g} posterior sds, its sd is "
                        "{:.3f} +- {:.2g} "
                        "times that of the draws of q alone: q misses tails",
                        name(i), std::abs(found) / found_sd, mean_error / found_sd, found_sd, sd_error),
            "the approximation misses tails of the posterior"};
  }
  return {};
}

}  // namespace vfe
