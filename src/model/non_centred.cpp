#include "vfe/model/non_centred.hpp"

#include <Eigen/SVD>
#include <cmath>
#include <utility>
#include <vector>

namespace vfe {
namespace {

// Directions of which the data say less than rounding leave the prior as it is.
constexpr double smallest_singular_value = 1e-12;  // of the largest

Parameters with_z(const Parameters& centred, Index coefficients) {
  std::vector<Parameter> list = centred.list();
  for (Parameter& parameter : list) {
    if (coefficients <= 0) break;
    coefficients -= parameter.num_constrained();
    parameter.name = "z_" + parameter.name;
  }
  return Parameters(std::move(list));
}

}  // namespace

ConditionalNormal::ConditionalNormal(ConstVec prior_sds, ConstMat design, ConstVec response) {
  const Index q = prior_sds.size();
  // Of the transpose: tall, as there are more coefficients than rows where this matters most.
  const Eigen::BDCSVD<Matrix> svd(design.transpose(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto& values = svd.singularValues();
  Index rank = 0;
  while (rank < values.size() && values[rank] > smallest_singular_value * values[0]) ++rank;
  numbers_ = Matrix::Zero(q + 2, 1 + rank);
  numbers_.col(0).head(q) = prior_sds;
  numbers_.topRightCorner(q, rank) = svd.matrixU().leftCols(rank);
  const Vector along = svd.matrixV().leftCols(rank).transpose() * response;
  numbers_.row(q).tail(rank) = values.head(rank).array().square().matrix().transpose();
  numbers_.row(q + 1).tail(rank) = (values.head(rank).array() * along.array()).matrix().transpose();
}

Vector ConditionalNormal::shrinkage(double log_sigma) const {
  return (1.0 + curvatures() * std::exp(-2.0 * log_sigma)).rsqrt();
}

void ConditionalNormal::coefficients(ConstVec z, double log_sigma, Vec beta) const {
  const Vector along = axes().transpose() * z;
  const Vector moved = (shrinkage(log_sigma).array() - 1.0) * along.array() +
                       pulls() / (curvatures() + std::exp(2.0 * log_sigma));
  beta = z;
  beta.noalias() += axes() * moved;
  beta.array() *= prior_sds().array();
}

Vector ConditionalNormal::whiten(ConstVec beta, double log_sigma) const {
  const Vector b = beta.array() / prior_sds().array();
  const Vector along = axes().transpose() * b, sd = shrinkage(log_sigma);
  const Vector mean = pulls() / (curvatures() + std::exp(2.0 * log_sigma));
  const Vector moved = (along - mean).array() / sd.array() - along.array();
  return b + axes() * moved;
}

void ConditionalNormal::pull_back(ConstVec z, double log_sigma, ConstVec grad_beta, Vec grad_z,
                                  double& grad_log_sigma) const {
  const Vector grad_b = grad_beta.array() * prior_sds().array();
  const Vector grad_along = axes().transpose() * grad_b, along = axes().transpose() * z;
  const Vector sd = shrinkage(log_sigma);
  const Vector slope = sd.array() * (1.0 - sd.array().square()) * along.array() -
                       2.0 * sd.array().square() * pulls() / (curvatures() + std::exp(2.0 * log_sigma));
  grad_log_sigma += slope.dot(grad_along);
  grad_z += grad_b;
  grad_z.noalias() += axes() * ((sd.array() - 1.0) * grad_along.array()).matrix();
}

double ConditionalNormal::log_jacobian(double log_sigma, double* slope) const {
  const Vector sd = shrinkage(log_sigma);
  if (slope != nullptr) *slope += (1.0 - sd.array().square()).sum();
  return sd.array().log().sum() + prior_sds().array().log().sum();
}

NonCentred::NonCentred(std::unique_ptr<const Model> centred, ConditionalNormal conditional)
    : centred_(std::move(centred)),
      conditional_(std::move(conditional)),
      parameters_(with_z(centred_->parameters(), conditional_.size())) {}

Matrix NonCentred::centred(ConstMat theta) const {
  const Index q = conditional_.size();
  Matrix own = theta;
  for (Index s = 0; s < theta.cols(); ++s) {
    conditional_.coefficients(theta.col(s).head(q), theta(q, s), own.col(s).head(q));
  }
  return own;
}

void NonCentred::pull_back(ConstMat theta, ConstMat of_centred, Mat grad) const {
  const Index q = conditional_.size(), rest = theta.rows() - q;
  for (Index s = 0; s < theta.cols(); ++s) {
    conditional_.pull_back(theta.col(s).head(q), theta(q, s), of_centred.col(s).head(q), grad.col(s).head(q),
                           grad(q, s));
    grad.col(s).tail(rest) += of_centred.col(s).tail(rest);
  }
}

void NonCentred::log_prior(ConstMat theta, Vec value, Mat grad) const {
  const Matrix own = centred(theta);
  Matrix own_grad = Matrix::Zero(theta.rows(), grad.cols());
  centred_->log_prior(own, value, own_grad);
  for (Index s = 0; s < theta.cols(); ++s) {
    const Index sigma = conditional_.size();
    value[s] += conditional_.log_jacobian(theta(sigma, s), grad.cols() > 0 ? &grad(sigma, s) : nullptr);
  }
  if (grad.cols() > 0) pull_back(theta, own_grad, grad);
}

void NonCentred::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  Matrix own_grad = Matrix::Zero(theta.rows(), grad.cols());
  centred_->log_likelihood(block, centred(theta), value, own_grad);
  if (grad.cols() > 0) pull_back(theta, own_grad, grad);
}

bool NonCentred::log_likelihood_rows(Index block, ConstVec theta, Vec value) const {
  const Matrix own = centred(theta);
  return centred_->log_likelihood_rows(block, own.col(0), value);
}

void NonCentred::compute_log_prior_terms(ConstMat theta, Mat values) const {
  centred_->compute_log_prior_terms(centred(theta), values);
}

std::string NonCentred::explain(Index block, ConstVec theta) const {
  const Matrix own = centred(theta);
  return centred_->explain(block, own.col(0));
}

Vector NonCentred::draw_start(const Address& at, Reach reach) const {
  if (reach == Reach::near) return Model::draw_start(at, reach);
  const Index q = conditional_.size();
  Vector start = centred_->draw_start(at, reach);
  start.head(q) = conditional_.whiten(start.head(q), start[q]);
  return start;
}

void NonCentred::compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                                    Mat values) const {
  centred_->compute_quantities(centred(theta), seed, first_draw, values);
}

std::optional<Prediction> NonCentred::predict(Index block, ConstMat theta, const Address& first,
                                              bool observed) const {
  return centred_->predict(block, centred(theta), first, observed);
}

}  // namespace vfe
