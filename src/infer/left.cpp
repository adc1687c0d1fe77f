#include "vfe/infer/left.hpp"

#include "vfe/core/state.hpp"

namespace vfe {

Matrix Packing<Affine>::pack(const Affine& value) {
  Matrix written(value.size(), 1 + value.scale.cols());
  written << value.shift, value.scale;
  return written;
}

Affine Packing<Affine>::unpack(const Matrix& written) {
  return {written.col(0), written.rightCols(written.cols() - 1)};
}

Matrix Packing<Laplace>::pack(const Laplace& value) {
  const Matrix map = Packing<Affine>::pack(value.map);
  Matrix written = Matrix::Zero(1 + map.rows(), map.cols());
  written.row(0).head(2) << value.log_evidence, static_cast<double>(value.definite);
  written.bottomRows(map.rows()) = map;
  return written;
}

Laplace Packing<Laplace>::unpack(const Matrix& written) {
  return {Packing<Affine>::unpack(written.bottomRows(written.rows() - 1)), written(0, 0),
          written(0, 1) != 0.0};
}

Matrix centres_of_modes(const State& state) {
  if (!state.has(left::found_modes)) return {};
  const Proposal modes = state.get(left::found_modes);
  Matrix centres(modes.size(), modes.num_components());
  for (Index k = 0; k < centres.cols(); ++k)
    centres.col(k) = std::get<Student>(modes.component(k)).base.shift;
  return centres;
}

}  // namespace vfe
