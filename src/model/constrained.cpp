#include "model/constrained.hpp"

namespace vfe {

void constrain_draws(const Parameters& parameters, ConstMat theta, Mat values, Vec log_jacobian) {
  for (Index s = 0; s < theta.cols(); ++s) {
    log_jacobian[s] += parameters.constrain(theta.col(s), values.col(s));
  }
}

void pull_back_prior(const Parameters& parameters, ConstMat theta, ConstMat grad_values, Mat grad_theta) {
  for (Index s = 0; s < theta.cols(); ++s) {
    parameters.pull_back(theta.col(s), grad_values.col(s), grad_theta.col(s));
  }
}

void pull_back_likelihood(const Parameters& parameters, ConstMat theta, ConstMat grad_values,
                          Mat grad_theta) {
  const Vector flat = Vector::Zero(grad_values.rows());
  Vector with_jacobian(theta.rows()), jacobian(theta.rows());
  for (Index s = 0; s < theta.cols(); ++s) {
    with_jacobian.setZero();
    jacobian.setZero();
    parameters.pull_back(theta.col(s), grad_values.col(s), with_jacobian);
    parameters.pull_back(theta.col(s), flat, jacobian);
    grad_theta.col(s) += with_jacobian - jacobian;
  }
}

}  // namespace vfe
