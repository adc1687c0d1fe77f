#include "vfe/formula/syntax.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formula/refused.hpp"

namespace vfe {
namespace {

using testing::EndsWith;
using testing::StartsWith;

std::string right_of(const std::string& text) {
  const FormulaSyntax syntax = parse_formula(text);
  return syntax.written(syntax.right);
}

/// An expression with every operator in parentheses: how it was understood.
std::string grouped(const FormulaSyntax& syntax, std::size_t node) {
  const FormulaNode& here = syntax[node];
  if (here.kind == FormulaNode::Kind::parentheses) return grouped(syntax, here.operands[0]);
  if (here.kind == FormulaNode::Kind::unary) return "(" + here.text + grouped(syntax, here.operands[0]) + ")";
  if (here.kind != FormulaNode::Kind::binary) return syntax.written(node);
  return "(" + grouped(syntax, here.operands[0]) + here.text + grouped(syntax, here.operands[1]) + ")";
}
std::string grouped(const std::string& right) {
  const FormulaSyntax syntax = parse_formula("y ~ " + right);
  return grouped(syntax, syntax.right);
}

TEST(FormulaSyntax, IsWrittenAsRDoes) {
  EXPECT_EQ(right_of("y~logp*rings+log( mol_weight )+I(tpsa ^2)+bs(heavy_atoms,df=5)-smiles"),
            "logp * rings + log(mol_weight) + I(tpsa^2) + bs(heavy_atoms, df = 5) - smiles");
  EXPECT_EQ(right_of("y ~ a:b/c %in% d + (a+b)**2 + 0"), "a:b/c %in% d + (a + b)^2 + 0");
  EXPECT_EQ(right_of("y ~ ns(x, knots = c(-1,2.50), intercept = TRUE) + `mol weight` + `plain`"),
            "ns(x, knots = c(-1, 2.5), intercept = TRUE) + `mol weight` + plain");
  EXPECT_EQ(right_of("y ~ .^2 - 1\n + (1 + x || g)"), ".^2 - 1 + (1 + x || g)");
  EXPECT_EQ(right_of("y ~ I((a + -b) * 2e3 / 1.5e-7)"), "I((a + -b) * 2000/1.5e-07)");
  EXPECT_EQ(right_of("y ~ \xc3\xa9toile + `a``b`"), "\xc3\xa9toile + `a``b`");
}

TEST(FormulaSyntax, WhatItWritesItReadsAsTheSame) {
  for (const char* text :
       {"a * b:c/d - 1", "I(-a^-2 - (b - c)) + log(x + 1)", "bs(x, 5, degree = 2) %in% f", "(1 | g)"}) {
    const std::string once = right_of(std::string("y ~ ") + text);
    EXPECT_EQ(right_of("y ~ " + once), once);
  }
}

TEST(FormulaSyntax, OperatorsBindAsInR) {
  EXPECT_EQ(grouped("a + b * c:d - e"), "((a+(b*(c:d)))-e)");
  EXPECT_EQ(grouped("a / b * c"), "((a/b)*c)");
  EXPECT_EQ(grouped("a:b %in% c / d"), "(((a:b)%in%c)/d)");
  EXPECT_EQ(grouped("a:(b + c)^2"), "(a:((b+c)^2))");
  EXPECT_EQ(grouped("-1 + a"), "((-1)+a)");
  const FormulaSyntax syntax = parse_formula("-a^b^c / -d + 2 ~ x");
  EXPECT_EQ(grouped(syntax, syntax.response), "(((-(a^(b^c)))/(-d))+2)");
}

TEST(FormulaSyntax, ResponseAndItsAdditions) {
  const FormulaSyntax syntax = parse_formula("log(y) | trials(n + 1) + weights(w) + cens(c) ~ x");
  EXPECT_EQ(syntax.written(syntax.response), "log(y)");
  ASSERT_EQ(syntax.additions.size(), 3u);
  EXPECT_EQ(syntax.written(syntax.additions[0]), "trials(n + 1)");
  EXPECT_EQ(syntax.written(syntax.additions[2]), "cens(c)");
}

TEST(FormulaSyntax, SettingsAreKnownByNameOrByPlace) {
  const FormulaSyntax syntax = parse_formula("y ~ bs(degree = 2, x, 5)");
  EXPECT_EQ(syntax[syntax.right].settings, (std::vector<std::string>{"degree", "df"}));
  EXPECT_EQ(syntax.written(syntax.right), "bs(x, degree = 2, 5)");
  EXPECT_EQ(syntax[syntax[syntax.right].operands[2]].number, 5.0);
}

TEST(FormulaSyntax, AResponseAloneIsExplainedByEverything) {
  for (const char* text : {"y", " y ", "log(y)", "`log y`", "k | trials(n)"}) {
    const FormulaSyntax syntax = parse_formula(text);
    EXPECT_EQ(syntax[syntax.right].kind, FormulaNode::Kind::dot) << text;
  }
  EXPECT_EQ(refused([] { parse_formula("y + x"); }),
            "formula, character 6: found the end, expected \"~\" and terms: \"y + x\"");
}

TEST(FormulaSyntax, NamesAreQuotedWhereTheyMustBe) {
  for (const char* name : {"a b", ".", "2d", ".5", "a-b", ""})
    EXPECT_EQ(formula_name(name).front(), '`') << name;
  for (const char* name : {"a.b", "_x", ".x", "\xc3\xa9", "A1"}) EXPECT_EQ(formula_name(name), name);
}

TEST(FormulaSyntax, MistakesAreOneLineThatPointsAtThePlace) {
  const auto line = [](const std::string& text) { return refused([&] { parse_formula(text); }); };
  EXPECT_EQ(line("y ~ a + (b + )"),
            "formula, character 14: found \")\", expected a term: \"y ~ a + (b + )\"");
  EXPECT_EQ(line(""), "formula, character 1: found nothing, expected \"response ~ terms\": \"\"");
  EXPECT_EQ(line("  "), "formula, character 3: found nothing, expected \"response ~ terms\": \"  \"");
  EXPECT_EQ(line("~ x"), "formula, character 1: found \"~\", expected a response: \"~ x\"");
  EXPECT_EQ(line("y ~"), "formula, character 4: found the end, expected a term: \"y ~\"");
  EXPECT_EQ(line("y ~ a ~ b"),
            "formula, character 7: found \"~\", expected an operator or the end: \"y ~ a ~ b\"");
  EXPECT_EQ(line("y ~ (a + b"),
            "formula, character 11: found the end, expected an operator or \")\": \"y ~ (a + b\"");
  EXPECT_EQ(line("y ~ a + b)"),
            "formula, character 10: found \")\", expected an operator or the end: \"y ~ a + b)\"");
  EXPECT_EQ(line("y ~ a b"),
            "formula, character 7: found \"b\", expected an operator or the end: \"y ~ a b\"");
  EXPECT_EQ(line("y ~ a + 2"), "formula, character 9: found \"2\", expected a term, 0 or 1: \"y ~ a + 2\"");
  EXPECT_EQ(line("y ~ a^b"), "formula, character 7: found \"b\", expected a whole number: \"y ~ a^b\"");
  EXPECT_EQ(line("y ~ a & b"), "formula, character 7: found \"&\", which formulas know not: \"y ~ a & b\"");
  EXPECT_EQ(line("y ~ 2d"),
            "formula, character 5: found \"2d\", expected a number, or backticks around a name: \"y ~ 2d\"");
  EXPECT_EQ(line("y ~ I(1e999 * x)"),
            "formula, character 7: a number beyond all doubles: \"y ~ I(1e999 * x)\"");
  EXPECT_EQ(line("y ~ `a"), "formula, character 5: a name without its second backtick: \"y ~ `a\"");
  EXPECT_EQ(line("y ~ ``"), "formula, character 5: a name of no letters: \"y ~ ``\"");
  EXPECT_EQ(line("y ~ a | g"),
            "formula, character 7: group effects stand in parentheses: (1 | group): \"y ~ a | g\"");
  EXPECT_EQ(line("y ~ (1 | g"), "formula, character 11: found the end, expected \")\": \"y ~ (1 | g\"");
  EXPECT_EQ(line("y ~ \xff"), "formula: is no UTF-8");
}

TEST(FormulaSyntax, MistakesInFunctions) {
  const auto line = [](const std::string& text) { return refused([&] { parse_formula(text); }); };
  EXPECT_EQ(line("y ~ lgo(x)"),
            "formula, character 5: unknown function \"lgo\"; did you mean \"log\"?: \"y ~ lgo(x)\"");
  EXPECT_EQ(line("y ~ log()"),
            "formula, character 9: found \")\", expected a number or a column: \"y ~ log()\"");
  EXPECT_EQ(line("y ~ log(x, 2)"), "formula, character 12: log takes no further argument: \"y ~ log(x, 2)\"");
  EXPECT_EQ(line("y ~ log(x, base = 2)"),
            "formula, character 12: log has no argument \"base\": \"y ~ log(x, base = 2)\"");
  EXPECT_EQ(line("y ~ bs(x, dg = 2)"),
            "formula, character 11: bs has no argument \"dg\"; did you mean \"df\"?: \"y ~ bs(x, dg = 2)\"");
  EXPECT_EQ(line("y ~ bs(x, df = 4, df = 5)"),
            "formula, character 19: bs has two arguments \"df\": \"y ~ bs(x, df = 4, df = 5)\"");
  EXPECT_EQ(
      line("y ~ bs(df = 4)"),
      "formula, character 5: bs says not of what, expected a column or numbers in it: \"y ~ bs(df = 4)\"");
  EXPECT_EQ(line("y ~ bs(x, df = k)"),
            "formula, character 16: found \"k\", expected a number or c(numbers): \"y ~ bs(x, df = k)\"");
  EXPECT_EQ(line("y ~ bs(x, knots = c(1, x))"),
            "formula, character 24: found \"x\", expected a number: \"y ~ bs(x, knots = c(1, x))\"");
  EXPECT_EQ(line("y ~ bs(x, 5"),
            "formula, character 12: found the end, expected \",\", \")\" or an arithmetic operator: \"y ~ "
            "bs(x, 5\"");
  EXPECT_EQ(line("y ~ log(a:b)"),
            "formula, character 10: found \":\", expected \",\", \")\" or an arithmetic operator: \"y ~ "
            "log(a:b)\"");
  EXPECT_EQ(line("y ~ log(.)"),
            "formula, character 9: found \".\", expected a number or a column: \"y ~ log(.)\"");
  EXPECT_EQ(line("y ~ log(poly(x, 2))"),
            "formula, character 9: found poly(...), expected a number: \"y ~ log(poly(x, 2))\"");
  EXPECT_EQ(line("y ~ trials(n)"),
            "formula, character 5: trials belongs to the response: y | trials(n) ~ ...: \"y ~ trials(n)\"");
  EXPECT_EQ(
      line("y | log(n) ~ x"),
      "formula, character 5: found \"log\", expected trials(n), cens(c) or weights(w): \"y | log(n) ~ x\"");
  EXPECT_EQ(line("y | trials ~ x"), "formula, character 12: found \"~\", expected \"(\": \"y | trials ~ x\"");
  EXPECT_EQ(line("y | trials(n) + trials(m) ~ x"),
            "formula, character 17: two trials: \"y | trials(n) + trials(m) ~ x\"");
}

TEST(FormulaSyntax, PlacesAreCharactersAndLongFormulasAreCut) {
  EXPECT_THAT(refused([] { parse_formula("y ~ \xc3\xa9 + )"); }),
              StartsWith("formula, character 9: found \")\""));
  const std::string terms(200, 'a');
  const std::string line = refused([&] { parse_formula("y ~ " + terms + " + ) + " + terms); });
  EXPECT_THAT(line, StartsWith("formula, character 208: found \")\", expected a term: \"...aaa"));
  EXPECT_THAT(line, EndsWith("aaa...\""));
  EXPECT_LT(line.size(), 160u);
}

TEST(FormulaSyntax, ManyTermsAreReadAndDeepNestingIsRefused) {
  std::string text = "y ~ x0";
  for (int i = 1; i < 10000; ++i) text += " + x" + std::to_string(i);
  EXPECT_EQ(right_of(text), text.substr(4));
  const auto line = [](const std::string& deep) { return refused([&] { parse_formula(deep); }); };
  for (const char* unit : {"(", "-", "I(", "log(", "(a + ", "(1 | ", "I(a^", "I(-"}) {
    std::string formula = "y ~ ";
    for (int i = 0; i < 100000; ++i) formula += unit;
    EXPECT_THAT(line(formula), testing::HasSubstr("nested more than 256 deep")) << unit;
  }
  std::string nested = "a";
  for (int i = 0; i < 100; ++i) nested = "(" + nested + ")";
  EXPECT_EQ(right_of("y ~ " + nested), nested);
}

}  // namespace
}  // namespace vfe
