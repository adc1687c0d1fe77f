#pragma once
#include <Eigen/Core>
#include <cstdint>

namespace vfe {

using Index = Eigen::Index;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;  ///< column-major; a draw is a column

/// Arguments: `Vec` and `Mat` are written (usually added to), the Const ones are read. None of them copies.
using Vec = Eigen::Ref<Vector>;
using Mat = Eigen::Ref<Matrix>;
using ConstVec = const Eigen::Ref<const Vector>&;
using ConstMat = const Eigen::Ref<const Matrix>&;

/// Adds columns to `kept`, which has as many rows or no columns yet.
inline void append_columns(Matrix& kept, ConstMat columns) {
  kept.conservativeResize(columns.rows(), kept.cols() + columns.cols());
  kept.rightCols(columns.cols()) = columns;
}

}  // namespace vfe
