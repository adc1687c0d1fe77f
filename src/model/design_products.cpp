#include "model/design_products.hpp"

#include <variant>

namespace vfe {
namespace {

/// Calls f(row, number, coefficient) for each entry of the design that is not 0.
template <class T, class F>
void for_entries(const DesignTerm& term, const Rows& rows, const Rows::RowMajor<T>& x, F f) {
  for (Index row = 0; row < rows.size(); ++row) {
    const Index cell = term.index < 0 ? 0 : rows.cells(row, term.index);
    if (cell < 0) continue;
    const Index first = term.first_coefficient + cell * term.width;
    if (term.column < 0) {
      f(row, 1.0, first);
    } else {
      for (Index j = 0; j < term.width; ++j) f(row, static_cast<double>(x(row, term.column + j)), first + j);
    }
  }
}

}  // namespace

DesignProducts::DesignProducts(const DesignSchema& schema)
    : terms_(schema.terms), num_coefficients_(schema.num_columns()) {
  if (terms_.empty() && num_coefficients_ > 0) terms_.push_back({.column = 0, .width = num_coefficients_});
}

void DesignProducts::add_predictor(const Rows& rows, ConstVec coefficients, Vec eta) const {
  std::visit(
      [&](const auto& x) {
        for (const DesignTerm& term : terms_) {
          for_entries(term, rows, x, [&](Index row, double number, Index coefficient) {
            eta[row] += number * coefficients[coefficient];
          });
        }
      },
      rows.x);
}

void DesignProducts::add_gradient(const Rows& rows, ConstVec residual, Vec grad) const {
  std::visit(
      [&](const auto& x) {
        for (const DesignTerm& term : terms_) {
          for_entries(term, rows, x, [&](Index row, double number, Index coefficient) {
            grad[coefficient] += number * residual[row];
          });
        }
      },
      rows.x);
}

}  // namespace vfe
