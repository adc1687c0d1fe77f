#pragma once
#include <cstdint>
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
  Matrix effects;          ///< rows x effects of groups, as they are: 1 of an intercept
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic> groups;  ///< rows x keys
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
  Index num_numbers() const { return plan_.num_numbers_; }  ///< with those of effects of groups
  /// With those of effects of groups, which come after all that terms() have.
  Index num_indices() const { return static_cast<Index>(plan_.cells_.size()); }
  Index num_coefficients() const { return num_coefficients_; }
  /// "colour[green]:x", "poly(x, 2)[1]".
  std::vector<std::string> coefficient_names() const;
  /// Cells of interactions that no row of the fit is in, which have no coefficient:
  /// "colour[red]:shape[flat]".
  std::vector<std::string> empty_cells() const;
  std::vector<GroupKey> keys() const;         ///< of groups
  std::vector<GroupEffects> effects() const;  ///< of groups, neither centred nor scaled
  /// By effects(): of what they are, coefficient j that of column j of DesignRows::effects.
  const std::vector<std::vector<DesignTerm>>& effect_terms() const { return plan_.effect_terms_; }
  const std::vector<Vector>& statistics() const { return statistics_; }

  /// Returns a row's value that cannot be used, where there is one; then `design` is unfinished.
  std::optional<UnusableValue> evaluate(const TableRows& rows, DesignRows& design) const;
  /// Only what predictions take, of rows that may have no response: numbers, cells, offset, trials and
  /// effects.
  std::optional<UnusableValue> evaluate_terms(const TableRows& rows, DesignRows& design) const;
  /// The groups alone.
  std::optional<UnusableValue> evaluate_groups(const TableRows& rows, DesignRows& design) const;
  /// The response alone.
  std::optional<UnusableValue> evaluate_response(const TableRows& rows, Vector& response) const;

 private:
  std::optional<UnusableValue> evaluate_variable(std::size_t place, const TableRows& rows, Mat columns) const;
  std::optional<UnusableValue> evaluate_products(const TableRows& rows, Mat numbers) const;
  std::optional<UnusableValue> evaluate_cells(std::size_t index, const TableRows& rows,
                                              Eigen::Ref<Eigen::VectorXi> cells) const;
  void evaluate_effects(DesignRows& design) const;
  std::optional<UnusableValue> evaluate_key(const DesignPlan::Key& key, const TableRows& rows,
                                            Eigen::Ref<Eigen::Matrix<std::int64_t, -1, 1>> groups) const;
  std::optional<UnusableValue> evaluate_outcome(const FormulaVariable& variable, const TableRows& rows,
                                                Vector& values) const;
  std::optional<UnusableValue> evaluate_optional(const std::optional<NumberExpression>& of,
                                                 const TableRows& rows, Vector& values) const;
  CellFactor levels_of(const FormulaVariable& outcome) const;
  std::string level_name(const CellFactor& factor, Index level) const;
  std::vector<std::string> cell_names(const Cells& cells, Index cell) const;
  void add_names(const DesignTerm& term, const FormulaTerm& of, std::vector<std::string>& names) const;
  std::string coefficient_name(const FormulaTerm& term, const std::vector<std::string>& levels,
                               Index number) const;

  DesignPlan plan_;
  std::vector<Vector> statistics_;
  std::vector<std::optional<SplineBasis>> splines_;      ///< by variable
  std::vector<std::optional<Polynomials>> polynomials_;  ///< by variable
  /// By index, then cell: its place among those with rows; -2 of those without. Empty where all have.
  std::vector<std::vector<int>> places_;
  Index num_coefficients_ = 0, num_effects_ = 0;
};

}  // namespace vfe
