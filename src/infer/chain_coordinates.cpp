#include "infer/chain_coordinates.hpp"

namespace vfe {

Matrix ChainCoordinates::theta(ConstMat x) const {
  return flow_ ? flow_->transform(x) : Matrix(x);
}

void ChainCoordinates::pull_back(ConstMat x, Vec value, Mat gradient) const {
  if (!flow_) return;
  Matrix of_x = Matrix::Zero(x.rows(), x.cols());
  value += flow_->log_det(x, gradient, of_x);
  gradient = of_x;
}

}  // namespace vfe
