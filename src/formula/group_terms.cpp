#include "formula/group_terms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "formula/term_set.hpp"

namespace vfe {

namespace {

using Kind = FormulaNode::Kind;

constexpr std::size_t most_groupings = 100;

void refuse_within(const FormulaSyntax& syntax, std::size_t group) {
  const FormulaNode& of = syntax[group];
  for (std::size_t i = of.first; i < group; ++i) {
    const FormulaNode& here = syntax[i];
    const FormulaFunction* function =
        here.kind == Kind::call && !here.arithmetic ? formula_function(here.text) : nullptr;
    const bool is_weight = function != nullptr && (function->kind == FormulaFunction::Kind::offset ||
                                                   function->kind == FormulaFunction::Kind::weights);
    if (here.kind == Kind::group || here.kind == Kind::dot || is_weight) {
      syntax.fail(
          i, fmt::format("{} within {}, expected terms | groups", syntax.written(i), syntax.written(group)));
    }
  }
}

/// Columns by the order in which they are named, and sets of their places: "g/h" is {0}, {0, 1}.
struct Groupings {
  std::vector<Index> columns;
  TermSet sets;
};

[[noreturn]] void fail_expecting_columns(const FormulaSyntax& syntax, std::size_t node) {
  syntax.fail(node, fmt::format("{} names no groups, expected factors or whole numbers, joined by : or /",
                                syntax.written(node)));
}

Groupings groupings(const FormulaSyntax& syntax, const TableNames& names, std::size_t node) {
  Groupings result;
  std::vector<TermSet> sets;  // of the nodes from `first` on
  const std::size_t first = syntax[node].first;
  for (std::size_t i = first; i <= node; ++i) {
    const FormulaNode& here = syntax[i];
    const auto operand = [&](std::size_t k) -> TermSet& { return sets[here.operands[k] - first]; };
    if (here.kind == Kind::name) {
      const Index column = names.column(i);
      if (names.schema()[column].type == ColumnType::matrix) fail_expecting_columns(syntax, i);
      const auto place = std::ranges::find(result.columns, column);
      sets.emplace_back(TermKey{static_cast<std::size_t>(place - result.columns.begin())});
      if (place == result.columns.end()) result.columns.push_back(column);
    } else if (here.kind == Kind::parentheses) {
      TermSet inner = std::move(operand(0));
      sets.push_back(std::move(inner));
    } else if (here.kind == Kind::binary && here.text == ":" && !here.arithmetic) {
      sets.push_back(interactions(operand(0), operand(1), most_groupings));
    } else if (here.kind == Kind::binary && here.text == "/" && !here.arithmetic) {
      sets.push_back(nested(operand(0), operand(1)));
    } else {
      fail_expecting_columns(syntax, i);
    }
    if (sets.back().size() > most_groupings)
      syntax.fail(i, fmt::format("more than {} groupings in one term", most_groupings));
  }
  result.sets = std::move(sets.back());
  return result;
}

/// "x", "intercept".
std::vector<std::string> names_of(const GroupTerms& of) {
  std::vector<std::string> names;
  if (of.has_intercept) names.emplace_back("intercept");
  for (const FormulaTerm& term : of.terms) names.push_back(term.name);
  return names;
}

bool is_single(const GroupTerms& of, const std::vector<FormulaVariable>& variables) {
  if (of.terms.empty()) return true;
  return !of.has_intercept && of.terms.size() == 1 &&
         std::ranges::all_of(of.terms.front().variables,
                             [&](std::size_t i) { return variables[i].width == 1; });
}

/// Effects of a grouping that `before` has some of.
void merge(const FormulaSyntax& syntax, std::size_t node, GroupTerms terms,
           const std::vector<FormulaVariable>& variables, GroupTerms& before) {
  for (const std::string& name : names_of(terms)) {
    if (std::ranges::count(names_of(before), name) > 0)
      syntax.fail(node, fmt::format("the effect \"{}\" of {} a second time", name, before.name));
  }
  for (const GroupTerms* one : {&terms, &before}) {
    if (!one->correlated || is_single(*one, variables)) continue;
    syntax.fail(node,
                fmt::format("effects of {} of which only some are correlated, expected all in one term, "
                            "or all without correlations: || for |",
                            before.name));
  }
  before.correlated = false;
  before.has_intercept = before.has_intercept || terms.has_intercept;
  for (FormulaTerm& term : terms.terms) before.terms.push_back(std::move(term));
}

}  // namespace

std::vector<bool> nodes_of_groupings(const FormulaSyntax& syntax) {
  std::vector<bool> nodes(syntax.nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (syntax[i].kind != Kind::group) continue;
    refuse_within(syntax, i);
    const std::size_t groups = syntax[i].operands[1];
    std::fill(nodes.begin() + static_cast<std::ptrdiff_t>(syntax[groups].first),
              nodes.begin() + static_cast<std::ptrdiff_t>(groups) + 1, true);
  }
  return nodes;
}

void add_effects(const FormulaSyntax& syntax, const TableNames& names, std::size_t node, GroupTerms terms,
                 const std::vector<FormulaVariable>& variables, std::vector<GroupTerms>& effects) {
  if (!terms.has_intercept && terms.terms.empty()) {
    syntax.fail(node, fmt::format("no effect in {}, expected 1 or a term", syntax.written(node)));
  }
  const Groupings of = groupings(syntax, names, syntax[node].operands[1]);
  for (const TermKey& places : of.sets.terms()) {
    terms.name.clear();
    terms.columns.clear();
    for (std::size_t place : places) {
      const Index column = of.columns[place];
      terms.name += (terms.name.empty() ? "" : ":") + names.schema()[column].name;
      terms.columns.push_back(column);
    }
    const auto set_of = [](const GroupTerms& one) {
      return std::set<Index>(one.columns.begin(), one.columns.end());
    };
    const auto before =
        std::ranges::find_if(effects, [&](const GroupTerms& one) { return set_of(one) == set_of(terms); });
    if (before == effects.end()) {
      effects.push_back(terms);
    } else {
      merge(syntax, node, terms, variables, *before);
    }
  }
}

}  // namespace vfe
