#include "vfe/model/model.hpp"

namespace vfe {

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
