#include "vfe/statistics/bridge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr int max_iterations = 1000;
constexpr double tolerance = 1e-12;  // [nats]

/// Mean and variance of exp(terms - their largest), and that largest.
struct Exponentials {
  double log_mean = 0.0;
  double relative_variance = 0.0;  ///< variance over squared mean

  explicit Exponentials(const Eigen::ArrayXd& terms) {
    const double top = terms.maxCoeff();
    const Eigen::ArrayXd scaled = (terms - top).exp();
    const double mean = scaled.mean();
    log_mean = top + std::log(mean);
    relative_variance = (scaled / mean - 1.0).square().mean();
  }
};

/// log(a exp(x) + b exp(y)).
Eigen::ArrayXd log_sum(double log_a, const Eigen::ArrayXd& x, double log_b, double y) {
  const Eigen::ArrayXd first = log_a + x;
  const double second = log_b + y;
  const Eigen::ArrayXd top = first.max(second);
  return top + ((first - top).exp() + (second - top).exp()).log();
}

}  // namespace

BridgeEstimate bridge(ConstVec of_q, ConstVec of_posterior, double effective) {
  const double num_q = static_cast<double>(of_q.size()), num_p = static_cast<double>(of_posterior.size());
  if (of_q.size() == 0 || of_posterior.size() == 0 || !(effective >= 1.0 && effective <= num_p)) {
    throw Error(Fault::bug,
                fmt::format("bridge sampling: found {} draws of q and {} of the posterior, worth {}",
                            of_q.size(), of_posterior.size(), effective));
  }
  const double log_share_p = std::log(effective / (effective + num_q)),
               log_share_q = std::log(num_q / (effective + num_q));
  const Eigen::ArrayXd weight_q = of_q.array(), weight_p = of_posterior.array();

  BridgeEstimate estimate;
  estimate.lower = weight_q.mean();
  estimate.upper = weight_p.mean();
  double log_z = std::isfinite(estimate.lower) ? 0.5 * (estimate.lower + estimate.upper) : estimate.upper;
  for (int iteration = 0; iteration < max_iterations; ++iteration) {
    const Exponentials above(weight_q - log_sum(log_share_p, weight_q, log_share_q, log_z));
    const Exponentials below(-log_sum(log_share_p, weight_p, log_share_q, log_z));
    const double next = above.log_mean - below.log_mean;
    estimate.error = std::sqrt(above.relative_variance / num_q + below.relative_variance / effective);
    estimate.converged = std::abs(next - log_z) < tolerance * std::max(1.0, std::abs(next));
    log_z = next;
    if (estimate.converged) break;
  }
  estimate.log_evidence = log_z;
  return estimate;
}

}  // namespace vfe
