#include "problem/aliased.hpp"

#include <Eigen/Dense>

#include "vfe/core/exact_sum.hpp"

namespace vfe {
namespace {

constexpr Index most_columns = 200;
constexpr double most_products = 2e10;  ///< a few seconds of them
/// Share of a column's square that is left once what others explain is taken away; what rounding leaves of
/// nothing.
constexpr double rounding = 1e-9;

}  // namespace

std::vector<std::string> aliased_coefficients(const Communicator& comm, const RowSource& rows) {
  const DesignSchema& schema = rows.schema();
  const Index first = schema.has_intercept ? 1 : 0, size = schema.num_columns() + first;
  const auto squared = static_cast<double>(size * size);
  const double products = squared * static_cast<double>(schema.num_rows());
  if (size > most_columns || products > most_products * comm.size()) return {};

  ExactSum sums(size * size);
  comm.collectively("reading the rows of the formula", [&] {
    for (Index b = 0; b < rows.blocks().num_blocks(); ++b) {
      const Rows block = rows.read({b, b + 1});
      Matrix design = Matrix::Ones(block.size(), size);
      design.rightCols(schema.num_columns()) = dense_design(schema, block);
      const Matrix gram = design.transpose() * design;
      sums.add(gram.data());
    }
  });
  sums.normalise();
  comm.sum(sums.limbs());
  Matrix gram(size, size);
  sums.value(gram.data());

  // Cholesky's decomposition, row by row; a column of which nothing is left stays out of it.
  std::vector<std::string> aliased;
  Matrix factor = Matrix::Zero(size, size);
  for (Index j = 0; j < size; ++j) {
    for (Index k = 0; k < j; ++k) {
      if (factor(k, k) == 0.0) continue;
      factor(j, k) = (gram(j, k) - factor.row(j).head(k).dot(factor.row(k).head(k))) / factor(k, k);
    }
    const double left = gram(j, j) - factor.row(j).head(j).squaredNorm();
    if (left > rounding * gram(j, j)) {
      factor(j, j) = std::sqrt(left);
    } else if (gram(j, j) > 0.0) {
      aliased.push_back(schema.columns[static_cast<std::size_t>(j - first)].name);
    }
  }
  return aliased;
}

}  // namespace vfe
