#include "vfe/formula/expression.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace vfe {

namespace {

using Kind = ExpressionStep::Kind;

int num_operands(Kind kind) {
  switch (kind) {
    case Kind::number_column:
    case Kind::integer_column:
    case Kind::constant:
      return 0;
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::power:
      return 2;
    default:
      return 1;
  }
}

/// Whether reason() asks for the first operand.
bool is_explained_by_operands(Kind kind) {
  switch (kind) {
    case Kind::divide:
    case Kind::power:
    case Kind::log:
    case Kind::log10:
    case Kind::log1p:
    case Kind::exp:
    case Kind::sqrt:
      return true;
    default:
      return false;
  }
}

/// Functions of the standard library, number by number: those of vectors have other last digits where a row
/// falls into what is left over.
template <class Function>
void apply(Vector& x, Function function) {
  for (Index i = 0; i < x.size(); ++i) x[i] = function(x[i]);
}

/// x^y as R computes it: squares are products.
void raise(Vector& x, const Vector& y) {
  for (Index i = 0; i < x.size(); ++i) x[i] = y[i] == 2.0 ? x[i] * x[i] : std::pow(x[i], y[i]);
}

void apply(const ExpressionStep& step, const TableRows& rows, const std::vector<Vector>& statistics,
           Vector& x, const Vector& y) {
  switch (step.kind) {
    case Kind::number_column:
      rows.read_number(step.slot, x);
      break;
    case Kind::integer_column:
      rows.read_integer(step.slot, x);
      break;
    case Kind::constant:
      x.setConstant(step.value);
      break;
    case Kind::add:
      x += y;
      break;
    case Kind::subtract:
      x -= y;
      break;
    case Kind::multiply:
      x.array() *= y.array();
      break;
    case Kind::divide:
      x.array() /= y.array();
      break;
    case Kind::power:
      raise(x, y);
      break;
    case Kind::negate:
      x = -x;
      break;
    case Kind::log:
      apply(x, [](double v) { return std::log(v); });
      break;
    case Kind::log10:
      apply(x, [](double v) { return std::log10(v); });
      break;
    case Kind::log1p:
      apply(x, [](double v) { return std::log1p(v); });
      break;
    case Kind::exp:
      apply(x, [](double v) { return std::exp(v); });
      break;
    case Kind::sqrt:
      x = x.cwiseSqrt();
      break;
    case Kind::abs:
      x = x.cwiseAbs();
      break;
    case Kind::center:
      x.array() -= statistics[step.statistic][0];
      break;
    case Kind::scale:
      x = (x.array() - statistics[step.statistic][0]) / statistics[step.statistic][1];
      break;
  }
}

/// What a step was given where it gave no finite number.
std::string reason(const ExpressionStep& step, double x, double y, double result) {
  switch (step.kind) {
    case Kind::number_column:
    case Kind::integer_column:
      return std::isnan(result) ? step.column + " is missing, expected a number"
                                : fmt::format("{} is {}, expected a finite number", step.column, result);
    case Kind::log:
    case Kind::log10:
      return fmt::format("log of {}, expected a number above 0", x);
    case Kind::log1p:
      return fmt::format("log1p of {}, expected a number above -1", x);
    case Kind::sqrt:
      return fmt::format("sqrt of {}, expected no number below 0", x);
    case Kind::exp:
      return fmt::format("exp of {} is beyond all doubles", x);
    case Kind::divide:
      return fmt::format("{} / {} is no finite number", x, y);
    case Kind::power:
      return fmt::format("{}^{} is no finite number", x, y);
    default:
      return fmt::format("{}, expected a finite number", result);
  }
}

}  // namespace

NumberExpression NumberExpression::part(std::size_t begin, std::size_t end) const {
  NumberExpression part{name, {}};
  for (std::size_t i = begin; i < end; ++i) {
    part.steps.push_back(steps[i]);
    part.steps.back().begin -= std::min(begin, part.steps.back().begin);
  }
  return part;
}

std::optional<UnusableValue> NumberExpression::evaluate(const TableRows& rows,
                                                        const std::vector<Vector>& statistics,
                                                        Vec values) const {
  std::vector<Vector> stack;
  for (const ExpressionStep& step : steps) {
    const int operands = num_operands(step.kind);
    if (operands == 0) stack.emplace_back(rows.num_rows);
    Vector right;
    if (operands == 2) {
      right = std::move(stack.back());
      stack.pop_back();
    }
    Vector& x = stack.back();
    Vector before;
    if (is_explained_by_operands(step.kind)) before = x;
    apply(step, rows, statistics, x, right);
    if (x.allFinite()) continue;
    Index row = 0;
    while (std::isfinite(x[row])) ++row;
    const std::string found =
        reason(step, before.size() > 0 ? before[row] : 0.0, operands == 2 ? right[row] : 0.0, x[row]);
    return UnusableValue{row, steps.size() == 1 ? found : name + ": " + found};
  }
  values = stack.back();
  return std::nullopt;
}

}  // namespace vfe
