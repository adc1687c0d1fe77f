#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/formula/expression.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {

/// What a term of a formula is a product of.
struct FormulaVariable {
  enum class Kind {
    number,          ///< `of`
    factor,          ///< the factor column `column`
    numbers_factor,  ///< factor(of): a level for each number that occurs
    matrix,          ///< the matrix column `column`
    poly,            ///< orthogonal polynomials of degrees 1 to `degree`
    bs,              ///< B-splines
    ns,              ///< natural cubic splines
  };
  Kind kind = Kind::number;
  std::string name;  ///< as R writes it
  NumberExpression of{};
  Index column = -1;            ///< of the table
  Index width = 1;              ///< columns that it makes; 0 of a factor
  Index degree = 3;             ///< of poly, bs
  Index num_knots = 0;          ///< of bs, ns, inside: at quantiles unless they are given
  std::vector<double> knots{};  ///< as given, rising
  bool intercept = false;       ///< of bs, ns: the first column stays

  bool is_factor() const { return kind == Kind::factor || kind == Kind::numbers_factor; }
};

/// A product of variables.
struct FormulaTerm {
  std::string name;
  std::vector<std::size_t> variables;  ///< rising
  /// By variable: of a factor, whether all of its levels have a coefficient, or all but the first.
  std::vector<bool> is_full;
};

/// Effects that differ from group to group, "(1 + x | school)".
struct GroupTerms {
  std::string name;            ///< of the groups: "school", "school:class"
  std::vector<Index> columns;  ///< of the table: factors and whole numbers that together name a group
  bool has_intercept = true;   ///< an effect, before those of the terms
  std::vector<FormulaTerm> terms;
  bool correlated = true;  ///< | rather than ||
};

/// What a formula says of the columns of a table, as R's terms(): main effects before interactions.
struct FormulaTerms {
  std::string formula;
  std::vector<FormulaVariable> variables;  ///< of the terms, and of those of groups
  std::vector<FormulaTerm> terms;
  bool has_intercept = true;
  std::vector<GroupTerms> effects;  ///< of groups; each grouping once
  FormulaVariable response;         ///< a number, a factor, or numbers_factor where a model wants levels
  std::vector<NumberExpression> offsets;
  std::optional<NumberExpression> weights, trials;
  std::optional<FormulaVariable> censoring;  ///< likewise

  /// The columns of the table that predictions take: those of terms, of those of groups too, offsets and
  /// trials.
  std::set<std::string> needed_columns(const TableSchema& schema) const;
  /// Those that name groups.
  std::set<std::string> group_columns(const TableSchema& schema) const;
  std::set<std::string> response_columns(const TableSchema& schema) const;
  /// Those of the response, its censoring and weights.
  std::set<std::string> outcome_columns(const TableSchema& schema) const;
};

/// A formula's terms over a table of those columns. `.` is every column of one number or level, in the order
/// of the table, that is neither response nor its trials, censoring or weights, nor an offset, and names no
/// groups. Factors are coded by R's rule (treatment contrasts where a term before holds the others of the
/// term's variables), by terms of groups as if these were all there are.
///
/// Effects of groups as lme4 reads them: (x | g) is (1 + x | g), (x | g / h) is (x | g) + (x | g:h); || is
/// without correlations, of a factor's levels too. Several of a grouping are one without correlations, where
/// none of them has any: (1 | g) + (0 + x | g) is (x || g).
/// Throws Fault::config.
FormulaTerms expand_terms(const FormulaSyntax& syntax, const TableSchema& schema);

}  // namespace vfe
