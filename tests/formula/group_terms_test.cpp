#include "formula/group_terms.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formula/molecules.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;

TableSchema pupils() {
  return {{{"y", ColumnType::number},
           {"x", ColumnType::number},
           {"z", ColumnType::number},
           {"colour", ColumnType::factor, {"red", "green", "blue"}},
           {"school", ColumnType::factor, {"a", "b"}},
           {"class", ColumnType::integer},
           {"year", ColumnType::number},
           {"fp", ColumnType::matrix, {}, 3},
           {"my town", ColumnType::factor, {"north", "south"}}}};
}

FormulaTerms terms_of(const std::string& right) {
  return expand_terms(parse_formula("y ~ " + right), pupils());
}

/// "school: intercept + x + colour+ (all levels)"; || between effects without correlations.
std::vector<std::string> effects(const std::string& right) {
  const FormulaTerms terms = terms_of(right);
  std::vector<std::string> shown;
  for (const GroupTerms& of : terms.effects) {
    std::vector<std::string> names;
    if (of.has_intercept) names.emplace_back("1");
    for (const FormulaTerm& term : of.terms) {
      std::string name;
      for (std::size_t k = 0; k < term.variables.size(); ++k) {
        name += (k == 0 ? "" : ":") + terms.variables[term.variables[k]].name + (term.is_full[k] ? "+" : "");
      }
      EXPECT_EQ(name.size(), term.name.size() + static_cast<std::size_t>(std::ranges::count(name, '+')));
      names.push_back(name);
    }
    shown.push_back(fmt::format("{} | {}", fmt::join(names, of.correlated ? " " : " || "), of.name));
  }
  return shown;
}

// The table of Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4.
TEST(GroupTerms, MeanWhatTheyMeanToLme4) {
  EXPECT_THAT(effects("(1 | school)"), ElementsAre("1 | school"));
  EXPECT_THAT(effects("(1 | school/class)"), ElementsAre("1 | school", "1 | school:class"));
  EXPECT_EQ(effects("(1 | school/class)"), effects("(1 | school) + (1 | school:class)"));
  EXPECT_THAT(effects("(1 | school) + (1 | class)"), ElementsAre("1 | school", "1 | class"));
  EXPECT_THAT(effects("x + (x | school)"), ElementsAre("1 x | school"));
  EXPECT_EQ(effects("x + (x | school)"), effects("1 + x + (1 + x | school)"));
  EXPECT_THAT(effects("x + (x || school)"), ElementsAre("1 || x | school"));
  EXPECT_EQ(effects("x + (x || school)"), effects("1 + x + (1 | school) + (0 + x | school)"));
}

TEST(GroupTerms, HoldWhatTermsHold) {
  EXPECT_THAT(effects("(0 + x | school)"), ElementsAre("x | school"));
  EXPECT_THAT(effects("(-1 + x | school)"), ElementsAre("x | school"));
  EXPECT_THAT(effects("(x - 1 | school)"), ElementsAre("x | school"));
  EXPECT_THAT(effects("(x * z | school)"), ElementsAre("1 x z x:z | school"));
  EXPECT_THAT(effects("(poly(x, 2) | school)"), ElementsAre("1 poly(x, 2) | school"));
  EXPECT_THAT(effects("(log(x) + fp | class)"), ElementsAre("1 log(x) fp | class"));
  EXPECT_THAT(effects("((1 | school))"), ElementsAre("1 | school"));
  EXPECT_THAT(effects("(1 | `my town`)"), ElementsAre("1 | my town"));
}

TEST(GroupTerms, FactorsAreCodedByTheInterceptOfTheGroup) {
  EXPECT_THAT(effects("colour + (colour | school)"), ElementsAre("1 colour | school"));
  EXPECT_THAT(effects("colour + (0 + colour | school)"), ElementsAre("colour+ | school"));
  EXPECT_THAT(effects("0 + colour + (colour | school)"), ElementsAre("1 colour | school"));
  EXPECT_THAT(effects("x + (x:colour | school)"), ElementsAre("1 x:colour+ | school"));
  EXPECT_THAT(effects("(x * colour | school)"), ElementsAre("1 x colour x:colour | school"));
  const FormulaTerms terms = terms_of("0 + colour + (x | school)");
  EXPECT_TRUE(terms.terms.front().is_full.front());
  EXPECT_FALSE(terms.has_intercept);
  EXPECT_TRUE(terms.effects.front().has_intercept);
}

TEST(GroupTerms, GroupsAreNamedByColumns) {
  EXPECT_THAT(effects("(x | school/class/year)"),
              ElementsAre("1 x | school", "1 x | school:class", "1 x | school:class:year"));
  EXPECT_THAT(effects("(1 | school/(class/year))"),
              ElementsAre("1 | school", "1 | school:class", "1 | school:class:year"));
  EXPECT_THAT(effects("(1 | class:school)"), ElementsAre("1 | class:school"));
  EXPECT_THAT(effects("(1 | school:school)"), ElementsAre("1 | school"));
  EXPECT_THAT(effects("(1 | school/class) + (1 | year)"),
              ElementsAre("1 | school", "1 | school:class", "1 | year"));
  const GroupTerms nested = terms_of("(1 | school/class)").effects[1];
  EXPECT_THAT(nested.columns, ElementsAre(4, 5));
  EXPECT_THAT(terms_of("(1 | class:school)").effects[0].columns, ElementsAre(5, 4));
}

TEST(GroupTerms, OfTheSameGroupsAreOneWithoutCorrelations) {
  EXPECT_THAT(effects("(0 + x | school) + (1 | school)"), ElementsAre("1 || x | school"));
  EXPECT_THAT(effects("(x || school) + (0 + z | school)"), ElementsAre("1 || x || z | school"));
  EXPECT_THAT(effects("(1 | school) + (0 + colour || school)"), ElementsAre("1 || colour+ | school"));
  EXPECT_THAT(effects("(1 | school:class) + (0 + x | class:school)"), ElementsAre("1 || x | school:class"));
  EXPECT_THAT(effects("(0 + x | school/class) + (1 | school)"),
              ElementsAre("1 || x | school", "x | school:class"));
}

TEST(GroupTerms, AreNoTermsAndTheirGroupsNotAmongAllColumns) {
  const auto fixed = [](const std::string& right) {
    std::string names;
    for (const FormulaTerm& term : terms_of(right).terms) names += term.name + " ";
    return names;
  };
  EXPECT_EQ(fixed("x + (z | school)"), "x ");
  EXPECT_EQ(fixed("(z | school)"), "");
  EXPECT_EQ(fixed(". + (z | school/class)"), "x z colour year my town ");
  EXPECT_EQ(fixed("(1 | class) + ."), "x z colour school year my town ");
  EXPECT_EQ(fixed("year + (1 | year)"), "year ");
  const FormulaTerms terms = terms_of("x + year + (poly(z, 2) + colour | school/year)");
  EXPECT_THAT(terms.needed_columns(pupils()), ElementsAre("colour", "x", "year", "z"));
  EXPECT_THAT(terms.group_columns(pupils()), ElementsAre("school", "year"));
}

TEST(GroupTerms, MistakesAreOneLineThatPointsAtThePlace) {
  const auto line = [](const std::string& right) {
    const std::string found = refused([&] { terms_of(right); }), end = ": \"y ~ " + right + "\"";
    EXPECT_TRUE(found.ends_with(end)) << found;
    return found.substr(0, found.size() - end.size());
  };
  EXPECT_EQ(line("x - (1 | school)"), "formula, character 9: (1 | school) behind a minus sign");
  EXPECT_EQ(line("-(x + (1 || school))"), "formula, character 11: (1 || school) behind a minus sign");
  EXPECT_EQ(line("x * (1 | school)"), "formula, character 9: (1 | school) within a product, expected terms");
  EXPECT_EQ(line("(x + (1 | school))^2"),
            "formula, character 10: (1 | school) within a product, expected terms");
  EXPECT_EQ(line("((1 | school) | class)"),
            "formula, character 6: (1 | school) within ((1 | school) | class), expected terms | groups");
  EXPECT_EQ(line("(x + offset(z) | school)"),
            "formula, character 10: offset(z) within (x + offset(z) | school), expected terms | groups");
  EXPECT_EQ(line("(weights(z) | school)"),
            "formula, character 6: weights(z) within (weights(z) | school), expected terms | groups");
  EXPECT_EQ(line("(. | school)"), "formula, character 6: . within (. | school), expected terms | groups");
  EXPECT_EQ(line("(1 | .)"), "formula, character 10: . within (1 | .), expected terms | groups");
  EXPECT_EQ(line("(0 | school)"), "formula, character 5: no effect in (0 | school), expected 1 or a term");
  EXPECT_EQ(line("(x - x - 1 | school)"),
            "formula, character 5: no effect in (x - x - 1 | school), expected 1 or a term");
  const std::string expected = " names no groups, expected factors or whole numbers, joined by : or /";
  EXPECT_EQ(line("(1 | factor(class))"), "formula, character 10: factor(class)" + expected);
  EXPECT_EQ(line("(1 | school + class)"), "formula, character 10: school + class" + expected);
  EXPECT_EQ(line("(1 | school * class)"), "formula, character 10: school * class" + expected);
  EXPECT_EQ(line("(1 | school:0)"), "formula, character 17: 0" + expected);
  EXPECT_EQ(line("(1 | fp)"), "formula, character 10: fp" + expected);
  EXPECT_EQ(line("(1 | y)"), "formula, character 10: the response \"y\" among the terms");
  EXPECT_EQ(line("(1 | scool)"), "formula, character 10: no column \"scool\"; did you mean \"school\"?");
  EXPECT_EQ(line("(1 | school) + (x | school)"),
            "formula, character 20: the effect \"intercept\" of school a second time");
  EXPECT_EQ(line("(1 | school/class) + (1 | class:school)"),
            "formula, character 26: the effect \"intercept\" of school:class a second time");
  EXPECT_EQ(line("(x || school) + (0 + x | school)"),
            "formula, character 21: the effect \"x\" of school a second time");
  const std::string partly =
      "effects of school of which only some are correlated, expected all in one term, or all without "
      "correlations: || for |";
  EXPECT_EQ(line("(x | school) + (0 + z | school)"), "formula, character 20: " + partly);
  EXPECT_EQ(line("(1 | school) + (0 + x + z | school)"), "formula, character 20: " + partly);
  EXPECT_EQ(line("(1 | school) + (0 + colour | school)"), "formula, character 20: " + partly);
  EXPECT_EQ(line("(1 | school) + (0 + poly(x, 2) | school)"), "formula, character 20: " + partly);
}

}  // namespace
}  // namespace vfe
