#include "vfe/formula/terms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "formula/molecules.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FormulaTerms terms_of(const std::string& formula, const TableSchema& schema = molecules()) {
  return expand_terms(parse_formula(formula), schema);
}

std::vector<std::string> names(const std::string& right) {
  std::vector<std::string> names;
  for (const FormulaTerm& term : terms_of("y ~ " + right).terms) names.push_back(term.name);
  return names;
}

/// "colour:shape+" has a coefficient for all levels of shape, and for all but the first of colour.
std::vector<std::string> coded(const std::string& right) {
  std::vector<std::string> coded;
  const FormulaTerms terms = terms_of("y ~ " + right);
  for (const FormulaTerm& term : terms.terms) {
    std::string name;
    for (std::size_t k = 0; k < term.variables.size(); ++k) {
      name += (k == 0 ? "" : ":") + terms.variables[term.variables[k]].name + (term.is_full[k] ? "+" : "");
    }
    coded.push_back(name);
  }
  return coded;
}

TEST(FormulaTerms, MainEffectsComeFirst) {
  EXPECT_THAT(names("logp * mass * count"), ElementsAre("logp", "mass", "count", "logp:mass", "logp:count",
                                                        "mass:count", "logp:mass:count"));
  EXPECT_THAT(names("logp:mass + count + mass"), ElementsAre("count", "mass", "logp:mass"));
  EXPECT_THAT(names("(logp + mass + count)^2 - logp:count"),
              ElementsAre("logp", "mass", "count", "logp:mass", "mass:count"));
  EXPECT_THAT(names("logp/(mass + count)"), ElementsAre("logp", "logp:mass", "logp:count"));
  EXPECT_THAT(names("(logp + mass) %in% count"), ElementsAre("logp:count", "mass:count"));
  EXPECT_THAT(names("logp + logp + logp:logp + (logp)"), ElementsAre("logp"));
  EXPECT_THAT(names("logp^3"), ElementsAre("logp"));
  EXPECT_THAT(names("log( mass )+log(mass) + I(mass^2)"), ElementsAre("log(mass)", "I(mass^2)"));
}

TEST(FormulaTerms, Intercept) {
  for (const char* right :
       {"logp", "1", "1 + logp", "0 + logp + 1", "logp - 0", "logp - 1 + 1", "logp - (0)"}) {
    EXPECT_TRUE(terms_of(std::string("y ~ ") + right).has_intercept) << right;
  }
  for (const char* right :
       {"0", "-1", "logp - 1", "logp + 0", "-1 + logp", "(0 + logp)", "logp + -1", "1 + logp - 1"}) {
    EXPECT_FALSE(terms_of(std::string("y ~ ") + right).has_intercept) << right;
  }
}

TEST(FormulaTerms, FactorsAreCodedByTheirMargins) {
  EXPECT_THAT(coded("colour * shape"), ElementsAre("colour", "shape", "colour:shape"));
  EXPECT_THAT(coded("0 + colour + shape"), ElementsAre("colour+", "shape"));
  EXPECT_THAT(coded("colour:shape"), ElementsAre("colour+:shape+"));
  EXPECT_THAT(coded("colour + colour:shape"), ElementsAre("colour", "colour+:shape"));
  EXPECT_THAT(coded("logp:colour"), ElementsAre("logp:colour+"));
  EXPECT_THAT(coded("logp + logp:colour"), ElementsAre("logp", "logp:colour"));
  EXPECT_THAT(coded("0 + logp + logp:colour"), ElementsAre("logp", "logp:colour+"));
}

TEST(FormulaTerms, ADotIsEveryColumnElseThatIsNoMatrix) {
  EXPECT_THAT(names("."), ElementsAre("logp", "colour", "mass", "shape", "count"));
  EXPECT_THAT(names(". - mass"), ElementsAre("logp", "colour", "shape", "count"));
  EXPECT_THAT(names("(. - mass - shape - count)^2 + fp"), ElementsAre("logp", "colour", "fp", "logp:colour"));
  const auto left_of = [](const std::string& formula) {
    std::string names;
    for (const FormulaTerm& term : terms_of(formula).terms) names += term.name + " ";
    return names;
  };
  EXPECT_EQ(left_of("log(y) ~ ."), "logp colour mass shape count ");
  EXPECT_EQ(left_of("y | weights(mass) ~ ."), "logp colour shape count ");
  EXPECT_EQ(left_of("y | cens(shape) + trials(count) ~ ."), "logp colour mass ");
  EXPECT_EQ(left_of("y ~ . + offset(log(mass))"), "logp colour shape count ");
  EXPECT_EQ(left_of("colour ~ ."), "y logp mass shape count ");
  EXPECT_EQ(left_of("y"), "logp colour mass shape count ");
}

TEST(FormulaTerms, ResponseOffsetsAndWeights) {
  const FormulaTerms terms = terms_of(
      "log(y) | trials(count) + cens(shape) ~ logp + offset(mass) + weights(mass^2) + offset(-count)");
  EXPECT_EQ(terms.response.name, "log(y)");
  EXPECT_EQ(terms.trials->name, "count");
  EXPECT_EQ(terms.censoring->kind, FormulaVariable::Kind::factor);
  EXPECT_EQ(terms.weights->name, "mass^2");
  ASSERT_EQ(terms.offsets.size(), 2u);
  EXPECT_EQ(terms.offsets[1].name, "-count");
  ASSERT_EQ(terms.terms.size(), 1u);
  EXPECT_EQ(terms_of("shape ~ logp").response.kind, FormulaVariable::Kind::factor);
}

TEST(FormulaTerms, SayWhichColumnsTheyAreMadeOf) {
  const FormulaTerms terms =
      terms_of("log(y) | trials(count) + cens(shape) ~ colour * scale(log(mass)) + offset(logp) + fp");
  EXPECT_THAT(terms.needed_columns(molecules()), ElementsAre("colour", "count", "fp", "logp", "mass"));
  EXPECT_THAT(terms.outcome_columns(molecules()), ElementsAre("shape", "y"));
}

TEST(FormulaTerms, SettingsOfSplinesAndPolynomials) {
  const auto variable = [](const std::string& right) { return terms_of("y ~ " + right).variables.front(); };
  EXPECT_EQ(variable("poly(mass)").width, 1);
  EXPECT_EQ(variable("poly(mass, 4)").width, 4);
  EXPECT_EQ(variable("bs(mass)").width, 3);
  EXPECT_EQ(variable("bs(mass, df = 7)").num_knots, 4);
  EXPECT_EQ(variable("bs(mass, df = 7, degree = 2, intercept = TRUE)").num_knots, 4);
  EXPECT_EQ(variable("bs(mass, knots = c(3, -1))").knots, (std::vector<double>{-1, 3}));
  EXPECT_EQ(variable("bs(mass, knots = c(3, 1))").width, 5);
  EXPECT_EQ(variable("ns(mass, 4)").num_knots, 3);
  EXPECT_EQ(variable("ns(mass, knots = 2)").width, 2);
  EXPECT_EQ(variable("fp").width, 3);
}

TEST(FormulaTerms, AColumnIsNotWhatItIsNamedLike) {
  TableSchema schema = molecules();
  schema.columns.push_back({"log(mass)", ColumnType::number});
  schema.columns.push_back({"logp:mass", ColumnType::number});
  schema.columns.push_back({"log mass", ColumnType::number});
  std::vector<std::string> names;
  for (const FormulaTerm& term :
       terms_of("y ~ log(mass) + `log(mass)` + logp:mass + `logp:mass` + `log mass`", schema).terms) {
    names.push_back(term.name);
  }
  EXPECT_THAT(names, ElementsAre("log(mass)", "`log(mass)`", "`logp:mass`", "log mass", "logp:mass"));
}

TEST(FormulaTerms, MistakesAreOneLineThatPointsAtThePlace) {
  const auto line = [](const std::string& formula) { return refused([&] { terms_of(formula); }); };
  EXPECT_EQ(line("y ~ lopg + mass"),
            "formula, character 5: no column \"lopg\"; did you mean \"logp\"?: \"y ~ lopg + mass\"");
  EXPECT_EQ(line("y ~ logp + zzzzzzzz"),
            "formula, character 12: no column \"zzzzzzzz\"; the columns are y, logp, colour, mass, shape, "
            "count, fp: \"y ~ logp + zzzzzzzz\"");
  EXPECT_EQ(line("y ~ log(lopg)"),
            "formula, character 9: no column \"lopg\"; did you mean \"logp\"?: \"y ~ log(lopg)\"");
  EXPECT_EQ(line("z ~ logp"),
            "formula, character 1: no column \"z\"; the columns are y, logp, colour, mass, shape, count, fp: "
            "\"z ~ logp\"");
  EXPECT_EQ(line("y ~ log(colour)"),
            "formula, character 9: \"colour\" is a factor, expected a number: \"y ~ log(colour)\"");
  EXPECT_EQ(line("y ~ poly(fp, 2)"),
            "formula, character 10: \"fp\" has 3 columns, expected a number: \"y ~ poly(fp, 2)\"");
  EXPECT_EQ(line("fp ~ logp"),
            "formula, character 1: \"fp\" has 3 columns, expected a number: \"fp ~ logp\"");
  EXPECT_EQ(line("log(shape) ~ logp"),
            "formula, character 5: \"shape\" is a factor, expected a number: \"log(shape) ~ logp\"");
  EXPECT_EQ(line("y ~ logp + y"),
            "formula, character 12: the response \"y\" among the terms: \"y ~ logp + y\"");
  EXPECT_EQ(line("y ~ log(y)"), "formula, character 9: the response \"y\" among the terms: \"y ~ log(y)\"");
  EXPECT_EQ(line("y ~ logp + offset(y)"),
            "formula, character 19: the response \"y\" among the terms: \"y ~ logp + offset(y)\"");
  EXPECT_EQ(
      line("y ~ (logp + mass)^0.5"),
      "formula, character 19: the power 0.5, expected a whole number above 0: \"y ~ (logp + mass)^0.5\"");
  EXPECT_EQ(line("y ~ (0 + logp):mass"),
            "formula, character 5: an intercept within a product, expected terms: \"y ~ (0 + logp):mass\"");
  EXPECT_EQ(
      line("y ~ mass * offset(logp)"),
      "formula, character 12: offset(logp) within a product, expected terms: \"y ~ mass * offset(logp)\"");
  EXPECT_EQ(
      line("y ~ (logp - logp) * mass"),
      "formula, character 5: no term is left here, expected some in a product: \"y ~ (logp - logp) * mass\"");
  EXPECT_EQ(line("y ~ logp - offset(mass)"),
            "formula, character 12: offset(mass) behind a minus sign: \"y ~ logp - offset(mass)\"");
  EXPECT_EQ(line("y | weights(mass) ~ weights(logp)"),
            "formula, character 21: two weights: \"y | weights(mass) ~ weights(logp)\"");
  EXPECT_EQ(
      line("y ~ poly(mass, 0)"),
      "formula, character 16: degree = 0, expected a whole number from 1 to 100: \"y ~ poly(mass, 0)\"");
  EXPECT_EQ(line("y ~ bs(mass, df = 2)"),
            "formula, character 19: df = 2, but bs has at least 3 columns: \"y ~ bs(mass, df = 2)\"");
  EXPECT_EQ(line("y ~ bs(mass, df = c(4, 5))"),
            "formula, character 19: df = c(4, 5), expected a whole number from 1 to 1000: \"y ~ bs(mass, df "
            "= c(4, 5))\"");
  EXPECT_EQ(line("y ~ bs(mass, 5, knots = 3)"),
            "formula, character 25: df and knots, expected one of them: \"y ~ bs(mass, 5, knots = 3)\"");
  EXPECT_EQ(line("y ~ bs(mass, intercept = 1)"),
            "formula, character 26: intercept = 1, expected TRUE or FALSE: \"y ~ bs(mass, intercept = 1)\"");
}

TEST(FormulaTerms, AFactorOfOneLevelIsRefused) {
  TableSchema schema = molecules();
  schema.columns[2].levels = {"red"};
  schema.columns[4].levels = {};
  const auto line = [&](const std::string& formula) { return refused([&] { terms_of(formula, schema); }); };
  EXPECT_EQ(line("y ~ logp:colour"),
            "formula, character 10: the factor \"colour\" has one level, \"red\", expected two or more: \"y "
            "~ logp:colour\"");
  EXPECT_EQ(
      line("y ~ factor(shape)"),
      "formula, character 5: the factor \"shape\" has no level, expected two or more: \"y ~ factor(shape)\"");
  EXPECT_EQ(
      line("y ~ ."),
      "formula, character 5: the factor \"colour\" among all columns has one, expected two or more levels; "
      "leave it out: . - colour: \"y ~ .\"");
  EXPECT_EQ(
      line("y ~ . - colour"),
      "formula, character 5: the factor \"shape\" among all columns has none, expected two or more levels; "
      "leave it out: . - shape: \"y ~ . - colour\"");
  EXPECT_EQ(line("y ~ . - colour - shape + mass:shape").substr(0, 59),
            "formula, character 31: the factor \"shape\" has no level, exp");
  EXPECT_EQ(line("y ~ mass + (mass:colour | count)").substr(0, 61),
            "formula, character 18: the factor \"colour\" has one level, \"re");
  std::string left;
  for (const FormulaTerm& term : terms_of("y ~ . - colour - shape", schema).terms) left += term.name + " ";
  EXPECT_EQ(left, "logp mass count ");
}

TEST(FormulaTerms, ManyTermsTakeTimeInProportionAndTooManyAreRefused) {
  TableSchema schema{{{"y", ColumnType::number}}};
  std::string sum = "y ~ x0", minus = "y ~ .", product = "y ~ x0", power = "y ~ (x0";
  for (int i = 0; i < 10000; ++i) {
    const std::string name = "x" + std::to_string(i);
    schema.columns.push_back({name, ColumnType::number});
    if (i == 0) continue;
    sum += " + " + name;
    minus += " - " + name;
    if (i < 40) product += " * " + name;
    if (i < 200) power += " + " + name;
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(terms_of(sum, schema).terms.size(), 10000u);
  EXPECT_EQ(terms_of(minus, schema).terms.size(), 1u);
  EXPECT_EQ(terms_of(power + ")^2", schema).terms.size(), 20100u);
  const auto too_many = [&](const std::string& formula) {
    return refused([&] { terms_of(formula, schema); });
  };
  EXPECT_THAT(too_many(product), HasSubstr("more than 100000 terms"));
  EXPECT_THAT(too_many(power + ")^3"), HasSubstr("more than 100000 terms"));
  EXPECT_THAT(too_many(power + ")^1000000000"), HasSubstr("more than 100000 terms"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace vfe
