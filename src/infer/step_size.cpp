#include "infer/step_size.hpp"

#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

constexpr double gamma = 0.2, first_updates = 3.0, kappa = 0.6;
constexpr double least_acceptance = 0.01;  // a chain that never moves must not be all that counts
constexpr double longest = 2.0;            // the leapfrog of a unit normal is unstable from here on

}  // namespace

void StepSize::restart(double first) {
  step = std::min(first, longest);
  count_ = shortfall_ = log_average_ = 0.0;
  anchor_ = std::log(2.0 * step);
}

void StepSize::update(ConstVec acceptance, double aim) {
  const double harmonic = 1.0 / acceptance.cwiseMax(least_acceptance).cwiseInverse().mean();
  const double found = 0.5 * (acceptance.mean() + harmonic);
  count_ += 1.0;
  const double share = 1.0 / (count_ + first_updates);
  shortfall_ = (1.0 - share) * shortfall_ + share * (aim - found);
  const double log_step = anchor_ - std::sqrt(count_) / gamma * shortfall_;
  const double weight = std::pow(count_, -kappa);
  log_average_ = weight * log_step + (1.0 - weight) * log_average_;
  step = std::min(std::exp(log_step), longest);
}

void StepSize::settle() {
  if (count_ > 0.0) step = std::min(std::exp(log_average_), longest);
}

}  // namespace vfe
