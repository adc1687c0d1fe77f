#include "vfe/formula/expression.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "formula/molecules.hpp"

namespace vfe {
namespace {

NumberExpression expression(const std::string& text) {
  return expand_terms(parse_formula("y ~ offset(" + text + ")"), molecules()).offsets.front();
}

TableRows rows_of(const Vector& logp, const Vector& mass) {
  TableRows rows = missing_rows(molecules(), logp.size());
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  numbers.col(1) = logp;
  numbers.col(2) = mass;
  for (Index i = 0; i < logp.size(); ++i) rows.integers(i, 0) = i;
  return rows;
}

Vector values(const std::string& text, const Vector& logp, const Vector& mass) {
  Vector values(logp.size());
  const auto unusable = expression(text).evaluate(rows_of(logp, mass), {}, values);
  EXPECT_FALSE(unusable) << unusable->found;
  return values;
}

std::string found(const std::string& text, const Vector& logp, const Vector& mass, Index row) {
  Vector values(logp.size());
  const auto unusable = expression(text).evaluate(rows_of(logp, mass), {}, values);
  if (!unusable) return "";
  EXPECT_EQ(unusable->row, row) << text;
  return unusable->found;
}

TEST(NumberExpression, IsArithmetic) {
  const Vector a{{1.5, -2.0, 0.25}}, b{{4.0, 0.5, 9.0}};
  const auto check = [&](const std::string& text, auto function) {
    const Vector expected = a.binaryExpr(b, function);
    EXPECT_EQ((values(text, a, b) - expected).cwiseAbs().maxCoeff(), 0.0) << text;
  };
  check("logp + mass * 2 - 1", [](double x, double y) { return x + y * 2.0 - 1.0; });
  check("(logp + mass) * 2 / mass", [](double x, double y) { return (x + y) * 2.0 / y; });
  check("-logp^2", [](double x, double) { return -(x * x); });
  check("(-logp)^3", [](double x, double) { return std::pow(-x, 3.0); });
  check("2^logp^2", [](double x, double) { return std::pow(2.0, x * x); });
  check("mass^-2", [](double, double y) { return std::pow(y, -2.0); });
  check("I(abs(logp)) - +log(mass)", [](double x, double y) { return std::abs(x) - std::log(y); });
  check("log10(mass) + log1p(mass)", [](double, double y) { return std::log10(y) + std::log1p(y); });
  check("exp(logp) / sqrt(mass)", [](double x, double y) { return std::exp(x) / std::sqrt(y); });
  EXPECT_EQ(values("count * 3", a, b), (Vector{{0.0, 3.0, 6.0}}));
  EXPECT_EQ(values("7", a, b), Vector::Constant(3, 7.0));
}

TEST(NumberExpression, EqualRowsHaveEqualBitsWhereverTheyStand) {
  const Vector a = Vector::Constant(23, 0.7), b = Vector::Constant(23, 3.1);
  const Vector many = values("log(mass) + exp(logp) * mass^1.7 / sqrt(mass)", a, b);
  const Vector one = values("log(mass) + exp(logp) * mass^1.7 / sqrt(mass)", a.head(1), b.head(1));
  EXPECT_EQ(many, Vector::Constant(23, one[0]));
}

TEST(NumberExpression, ValuesThatCannotBeUsedAreNamedWithTheirRow) {
  const Vector a{{1.0, 0.0, -3.0}}, b{{1.0, nan, infinity}};
  EXPECT_EQ(found("log(logp)", a, a, 1), "log(logp): log of 0, expected a number above 0");
  EXPECT_EQ(found("log10(logp - 0.5)", a, a, 1), "log10(logp - 0.5): log of -0.5, expected a number above 0");
  EXPECT_EQ(found("log1p(logp)", a, a, 2), "log1p(logp): log1p of -3, expected a number above -1");
  EXPECT_EQ(found("sqrt(logp)", a, a, 2), "sqrt(logp): sqrt of -3, expected no number below 0");
  EXPECT_EQ(found("mass / logp", a, a, 1), "mass/logp: 0 / 0 is no finite number");
  EXPECT_EQ(found("logp^0.5", a, a, 2), "logp^0.5: -3^0.5 is no finite number");
  EXPECT_EQ(found("exp(1000 * logp)", a, a, 0), "exp(1000 * logp): exp of 1000 is beyond all doubles");
  EXPECT_EQ(found("exp(log(logp))", a, a, 1), "exp(log(logp)): log of 0, expected a number above 0");
  EXPECT_EQ(found("mass", a, b, 1), "mass is missing, expected a number");
  EXPECT_EQ(found("0 * mass", a, b, 1), "0 * mass: mass is missing, expected a number");
  EXPECT_EQ(found("mass", a, Vector{{1.0, 1.0, infinity}}, 2), "mass is inf, expected a finite number");
  EXPECT_EQ(found("1e308 * (logp + 9)", a, a, 0), "1e+308 * (logp + 9): inf, expected a finite number");
}

}  // namespace
}  // namespace vfe
