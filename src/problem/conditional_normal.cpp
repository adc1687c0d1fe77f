#include "problem/conditional_normal.hpp"

#include <cmath>
#include <span>
#include <vector>

#include "vfe/model/glm_layout.hpp"
#include "vfe/model/glm_prior.hpp"

namespace vfe {
namespace {

// Of 5 and 20 coefficients, as they are and so moved: with 1 row each the first are off by up to .07 sd, or
// rejected, after 450,000 gradients, the second right after 17,000; with 2 rows right after 32,000 and 6,700;
// with 3 after 6,500 and 4,500.
constexpr double most_rows_a_coefficient = 3.0;
constexpr double largest_design = 4e6;  ///< numbers of it: 32 MB on rank 0, 5 s for its singular values

/// Of each row of weight the entries of the design and the response, weighted, in units of the model.
std::vector<double> weighted_rows(const GlmLayout& layout, ConstVec prior_sds, const RowSource& source) {
  std::vector<double> result;
  for (Index block = 0; block < source.blocks().num_blocks(); ++block) {
    const Rows rows = source.read({block, block + 1});
    const Rows::RowMajor<double> design = dense_design(source.schema(), rows);
    for (Index i = 0; i < rows.size(); ++i) {
      const double root = rows.weight.size() > 0 ? std::sqrt(rows.weight[i]) : 1.0;
      if (root == 0.0) continue;
      if (layout.intercept >= 0) result.push_back(root * prior_sds[layout.intercept]);
      for (Index j = 0; j < layout.columns; ++j) {
        result.push_back(root * prior_sds[layout.beta + j] * design(i, j));
      }
      const double offset = rows.offset.size() > 0 ? rows.offset[i] : 0.0;
      result.push_back(root * (rows.y[i] - layout.response_centre - offset) / layout.response_scale);
    }
  }
  return result;
}

}  // namespace

std::optional<ConditionalNormal> conditional_normal(const Communicator& comm, const GlmOptions& options,
                                                    const RowSource& rows, Index rows_of_weight) {
  const GlmLayout layout = glm_layout(options, rows.schema());
  const Index size = layout.sigma;  // the coefficients stand before it
  if (!is_real(options.likelihood) || size < 1) return std::nullopt;
  const auto q = static_cast<double>(size), n = static_cast<double>(rows_of_weight);
  if (n > most_rows_a_coefficient * q || n * q > largest_design) return std::nullopt;

  const Vector of_columns = coefficient_sds(options, rows.schema());
  if (of_columns.size() < layout.columns) return std::nullopt;
  Vector prior_sds(size);
  if (layout.intercept >= 0) prior_sds[layout.intercept] = options.intercept_prior_scale;
  prior_sds.tail(layout.columns) = of_columns;
  std::vector<double> own;
  comm.collectively("loading data", [&] { own = weighted_rows(layout, prior_sds, rows); });
  const std::vector<double> all = comm.gather(std::span<const double>(own));
  Matrix numbers;
  double columns = 0.0;
  comm.on_root("loading data", [&] {
    const Eigen::Map<const Matrix> design(all.data(), size + 1, rows_of_weight);
    numbers = ConditionalNormal(prior_sds, design.topRows(size).transpose(), design.row(size).transpose())
                  .numbers();
    columns = static_cast<double>(numbers.cols());
  });
  comm.broadcast({&columns, 1});
  numbers.resize(size + 2, static_cast<Index>(columns));
  comm.broadcast(std::span<double>(numbers.data(), static_cast<std::size_t>(numbers.size())));
  return ConditionalNormal(std::move(numbers));
}

}  // namespace vfe
