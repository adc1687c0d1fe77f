#include "vfe/program/leaning_scales.hpp"

#include <cmath>

#include "vfe/model/integrated.hpp"

namespace vfe {
namespace {

constexpr double leaning_sd = 0.3;
constexpr Index enough_draws = 8192;

}  // namespace

Index least_draws(const Model& model, ConstMat theta, ConstVec log_weight) {
  if (dynamic_cast<const Integrated*>(&model) == nullptr || theta.cols() == 0) return 0;
  Vector weight = Vector::Ones(theta.cols());
  if (log_weight.size() > 0) weight = (log_weight.array() - log_weight.maxCoeff()).exp();
  weight /= weight.sum();
  const Parameters& parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const Parameter& parameter = parameters.list()[i];
    if (parameter.transform != Transform::positive) continue;
    for (Index k = 0; k < parameter.num_unconstrained(); ++k) {
      const auto logs = theta.row(parameters.first_unconstrained(i) + k).transpose();
      const double mean = weight.dot(logs);
      const double variance = weight.dot((logs.array() - mean).square().matrix());
      if (!(variance <= leaning_sd * leaning_sd)) return enough_draws;
    }
  }
  return 0;
}

}  // namespace vfe
