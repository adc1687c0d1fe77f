#include "formula/table_names.hpp"

#include <fmt/format.h>

#include "vfe/core/counted.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {

namespace {

using Step = ExpressionStep::Kind;

Step step_of(const FormulaNode& node) {
  static const std::unordered_map<std::string, Step> steps{
      {"+", Step::add},       {"-", Step::subtract}, {"*", Step::multiply},  {"/", Step::divide},
      {"^", Step::power},     {"log", Step::log},    {"log10", Step::log10}, {"log1p", Step::log1p},
      {"exp", Step::exp},     {"sqrt", Step::sqrt},  {"abs", Step::abs},     {"center", Step::center},
      {"scale", Step::scale},
  };
  return steps.at(node.text);
}

}  // namespace

TableNames::TableNames(const FormulaSyntax& syntax, const TableSchema& schema)
    : syntax_(syntax), schema_(schema), slots_(schema.slots()) {
  for (Index i = 0; i < schema.size(); ++i) columns_.emplace(schema[i].name, i);
}

Index TableNames::column(std::size_t node) const {
  const std::string& name = syntax_[node].text;
  const auto found = columns_.find(name);
  if (found == columns_.end()) {
    std::vector<std::string> names;
    for (const TableColumn& column : schema_.columns) names.push_back(column.name);
    const std::string near = meant(name, names);
    syntax_.fail(node, fmt::format("no column \"{}\"", name) +
                           (near.empty() ? fmt::format("; the columns are {}", listed(names))
                                         : fmt::format("; did you mean \"{}\"?", near)));
  }
  if (response_.contains(found->second)) {
    syntax_.fail(node, fmt::format("the response \"{}\" among the terms", name));
  }
  return found->second;
}

ExpressionStep TableNames::step(Index column) const {
  const TableColumn& of = schema_[column];
  return {of.type == ColumnType::number ? Step::number_column : Step::integer_column,
          slots_[static_cast<std::size_t>(column)], 0.0, of.name};
}

ExpressionStep TableNames::number_step(std::size_t node) const {
  const Index i = column(node);
  const TableColumn& column = schema_[i];
  if (column.type == ColumnType::factor) {
    syntax_.fail(node, fmt::format("\"{}\" is a factor, expected a number", column.name));
  }
  if (column.type == ColumnType::matrix) {
    syntax_.fail(node, fmt::format("\"{}\" has {} columns, expected a number", column.name, column.width));
  }
  return step(i);
}

NumberExpression TableNames::number(std::size_t node) const {
  NumberExpression expression{syntax_.written(node), {}};
  std::vector<ExpressionStep>& steps = expression.steps;
  const std::size_t first = syntax_[node].first;
  std::vector<std::size_t> begins;  // of each node: its first step
  for (std::size_t i = first; i <= node; ++i) {
    const FormulaNode& here = syntax_[i];
    begins.push_back(here.operands.empty() ? steps.size() : begins[here.operands.front() - first]);
    switch (here.kind) {
      case FormulaNode::Kind::name:
        steps.push_back(number_step(i));
        break;
      case FormulaNode::Kind::number:
        steps.push_back({Step::constant, 0, here.number});
        break;
      case FormulaNode::Kind::parentheses:
        break;
      case FormulaNode::Kind::unary:
        if (here.text == "-") steps.push_back({Step::negate});
        break;
      case FormulaNode::Kind::call:
        if (here.text == "I") break;
        [[fallthrough]];
      default: {
        ExpressionStep step{step_of(here)};
        if (step.is_statistical()) step.begin = begins.back();
        steps.push_back(std::move(step));
      }
    }
  }
  return expression;
}

std::set<Index> TableNames::columns_of(std::size_t node) const {
  std::set<Index> columns;
  for (std::size_t i = syntax_[node].first; i <= node; ++i)
    if (syntax_[i].kind == FormulaNode::Kind::name) columns.insert(column(i));
  return columns;
}

}  // namespace vfe
