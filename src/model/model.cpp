#include "vfe/model/model.hpp"

#include <algorithm>

namespace vfe {

double radius(Reach reach) {
  return reach == Reach::near ? 2.0 : 6.0;
}

Spread Model::spread() const {
  return Spread::blocks;
}

Vector Model::draw_start(const Address& at, Reach reach) const {
  return parameters().draw_over_domain(at, radius(reach));
}

bool Model::has_scales() const {
  return std::ranges::any_of(parameters().list(), [](const Parameter& parameter) {
    return parameter.transform == Transform::positive;
  });
}

bool Model::log_likelihood_rows(Index, ConstVec, Vec) const {
  return false;
}

std::string Model::explain(Index, ConstVec) const {
  return {};
}

const std::vector<Parameter>& Model::quantities() const {
  return parameters().list();
}

Index Model::num_judged() const {
  return num_constrained(quantities());
}

void Model::compute_quantities(ConstMat theta, std::uint64_t, std::uint32_t, Mat values) const {
  for (Index s = 0; s < theta.cols(); ++s) parameters().constrain(theta.col(s), values.col(s));
}

}  // namespace vfe
