#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/formula/basis.hpp"
#include "vfe/formula/design_plan.hpp"

namespace vfe {

/// Some rows of a design.
struct DesignRows {
  Matrix numbers;  ///< rows x num_numbers()
  /// rows x num_indices(); -1: a row without a coefficient, all reference.
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic> cells;
  Vector response;         ///< the level of a factor
  Vector offset;           ///< rows, the sum of all, or empty
  Vector weights, trials;  ///< rows, or empty
  Vector censoring;        ///< likewise; the level of a factor
};

/// The columns of a formula over rows like those of the fit, whose statistics it holds.
class Design {
 public:
  /// `statistics` are DesignStatistics::values() of the plan's needs. Throws as these do.
  Design(DesignPlan plan, std::vector<Vector> statistics);

  bool has_intercept() const { return plan_.terms_.has_intercept; }  ///< which is no term and no coefficient
  const std::vector<DesignTerm>& terms() const { return plan_.design_terms_; }
  const FormulaTerms& formula() const { return plan_.terms_; }
  /// Of a response that is a factor; else empty.
  std::vector<std::string> response_levels() const;
  Index num_numbers() const { return plan_.num_numbers_; }
  Index num_indices() const { return static_cast<Index>(plan_.cells_.size()); }
  Index num_coefficients() const { return num_coefficients_; }
  /// "colour[green]:x", "poly(x, 2)[1]".
  std::vector<std::string> coefficient_names() const;
  /// Cells of interactions that no row of the fit is in, which have no coefficient:
  /// "colour[red]:shape[flat]".
  std::vector<std::string> empty_cells() const;
  const std::vector<Vector>& statistics() const { return statistics_; }

  /// Returns a row's value that cannot be used, where there is one; then `design` is unfinished.
  std::optional<UnusableValue> evaluate(const TableRows& rows, DesignRows& design) const;
  /// Only what predictions take, of rows that may have no response: numbers, cells, offset and trials.
  std::optional<UnusableValue> evaluate_terms(const TableRows& rows, DesignRows& design) const;
  /// The response alone.
  std::optional<UnusableValue> evaluate_response(const TableRows& rows, Vector& response) const;

 private:
  std::optional<UnusableValue> evaluate_variable(std::size_t place, const TableRows& rows, Mat columns) const;
  std::optional<UnusableValue> evaluate_products(const TableRows& rows, Mat numbers) const;
  std::optional<UnusableValue> evaluate_cells(std::size_t index, const TableRows& rows,
                                              Eigen::Ref<Eigen::VectorXi> cells) const;
  std::optional<UnusableValue> evaluate_outcome(const FormulaVariable& variable, const TableRows& rows,
                                                Vector& values) const;
  std::optional<UnusableValue> evaluate_optional(const std::optional<NumberExpression>& of,
                                                 const TableRows& rows, Vector& values) const;
  CellFactor levels_of(const FormulaVariable& outcome) const;
  std::string level_name(const CellFactor& factor, Index level) const;
  std::vector<std::string> cell_names(const Cells& cells, Index cell) const;
  std::string coefficient_name(const FormulaTerm& term, const std::vector<std::string>& levels,
                               Index number) const;

  DesignPlan plan_;
  std::vector<Vector> statistics_;
  std::vector<std::optional<SplineBasis>> splines_;      ///< by variable
  std::vector<std::optional<Polynomials>> polynomials_;  ///< by variable
  /// By index, then cell: its place among those with rows; -2 of those without. Empty where all have.
  std::vector<std::vector<int>> places_;
  Index num_coefficients_ = 0;
};

}  // namespace vfe
