#include "vfe/formula/design.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "formula/molecules.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAreArray;

/// What tests/formula/fixtures.R wrote: what R makes of formulas.
const json& fixtures() {
  static const json read = json::parse(std::ifstream(VFE_SOURCE_DIR "/tests/formula/fixtures.json"));
  return read;
}

const std::map<std::string, std::vector<std::string>> factor_levels{
    {"colour", {"red", "green", "blue"}}, {"shape", {"round", "flat"}}, {"size", {"S", "L"}}};
const std::vector<std::string> column_order{"logp", "colour", "mass", "shape", "tpsa", "size", "rings", "y"};

TableSchema schema() {
  TableSchema schema;
  for (const std::string& name : column_order) {
    const auto levels = factor_levels.find(name);
    schema.columns.push_back(levels == factor_levels.end()
                                 ? TableColumn{name, ColumnType::number}
                                 : TableColumn{name, ColumnType::factor, levels->second});
  }
  return schema;
}

TableRows table(const char* which) {
  const json& columns = fixtures().at(which);
  TableRows rows = missing_rows(schema(), static_cast<Index>(columns.at("y").size()));
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  const std::vector<Index> slots = schema().slots();
  for (std::size_t c = 0; c < column_order.size(); ++c) {
    const json& values = columns.at(column_order[c]);
    const auto levels = factor_levels.find(column_order[c]);
    for (Index i = 0; i < rows.num_rows; ++i) {
      const json& value = values[static_cast<std::size_t>(i)];
      if (levels == factor_levels.end()) {
        numbers(i, slots[c]) = value.get<double>();
      } else {
        const auto level = std::find(levels->second.begin(), levels->second.end(), value.get<std::string>());
        rows.codes(i, slots[c]) = static_cast<int>(level - levels->second.begin());
      }
    }
  }
  return rows;
}

/// As R names columns: "colourgreen:poly(x, 2)1" is our "colour[green]:poly(x, 2)[1]".
std::string as_in_r(std::string name) {
  std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
  return name;
}

std::vector<std::string> names_as_in_r(const Design& design) {
  std::vector<std::string> names;
  if (design.has_intercept()) names.push_back("(Intercept)");
  for (const std::string& name : design.coefficient_names()) names.push_back(as_in_r(name));
  return names;
}

/// R knows of no center(), and of scale() only where it stands alone: within I() it takes the new rows' own
/// mean.
bool r_forgets_the_fit(const std::string& name) {
  return name.find("center") != std::string::npos || name.starts_with("I(scale(");
}

class AsInR : public testing::TestWithParam<std::string> {};

TEST_P(AsInR, SameColumns) {
  const Design design = designed("y ~ " + GetParam(), schema(), table("table"));
  EXPECT_THAT(
      names_as_in_r(design),
      UnorderedElementsAreArray(fixtures().at("formulas").at(GetParam()).get<std::vector<std::string>>()));
  for (const auto& [rows, columns] : {std::pair("table", "columns"), std::pair("new", "new_columns")}) {
    DesignRows evaluated;
    ASSERT_FALSE(design.evaluate(table(rows), evaluated));
    const Matrix x = written_out(design, evaluated);
    const std::vector<std::string> names = design.coefficient_names();
    ASSERT_EQ(static_cast<Index>(names.size()), x.cols());
    for (std::size_t j = 0; j < names.size(); ++j) {
      if (std::string_view(rows) == "new" && r_forgets_the_fit(names[j])) continue;
      const auto expected = fixtures().at(columns).at(as_in_r(names[j])).get<std::vector<double>>();
      const Vector column = Eigen::Map<const Vector>(expected.data(), static_cast<Index>(expected.size()));
      const double scale = column.cwiseAbs().maxCoeff() + 1e-3;
      EXPECT_LT((x.col(static_cast<Index>(j)) - column).cwiseAbs().maxCoeff(), 1e-10 * scale)
          << names[j] << " of " << rows << '\n'
          << x.col(static_cast<Index>(j)).transpose() << '\n'
          << column.transpose();
    }
  }
}

std::vector<std::string> formulas() {
  std::vector<std::string> formulas;
  for (const auto& [formula, columns] : fixtures().at("formulas").items()) formulas.push_back(formula);
  return formulas;
}
INSTANTIATE_TEST_SUITE_P(Formula, AsInR, testing::ValuesIn(formulas()),
                         [](const auto& formula) { return "Formula" + std::to_string(formula.index); });

TEST(Design, NamesOfFormulasMadeAtRandomAreThoseOfR) {
  const TableRows rows = table("table");
  ASSERT_GT(fixtures().at("names").size(), 300u);
  int num_refused = 0;
  for (const auto& [formula, columns] : fixtures().at("names").items()) {
    try {
      expand_terms(parse_formula("y ~ " + formula), schema());
    } catch (const Error& error) {
      // "(a - a) * b": R drops b without a word.
      EXPECT_THAT(error.what(), HasSubstr("no term is left here")) << formula;
      ++num_refused;
      continue;
    }
    EXPECT_THAT(names_as_in_r(designed("y ~ " + formula, schema(), rows)),
                UnorderedElementsAreArray(columns.get<std::vector<std::string>>()))
        << formula;
  }
  EXPECT_LT(num_refused, 20);
}

/// Rows of molecules(): factors in turn, a number that rises, a matrix.
TableRows some_molecules(Index num_rows) {
  TableRows rows = missing_rows(molecules(), num_rows);
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  auto& fingerprints = std::get<TableRows::RowMajor<double>>(rows.matrices.front());
  for (Index i = 0; i < num_rows; ++i) {
    const auto x = static_cast<double>(i);
    numbers.row(i) << 10.0 * x, x, 100.0 + x;
    rows.codes.row(i) << static_cast<int>(i % 3), static_cast<int>(i / 3 % 2);
    rows.integers(i, 0) = i % 4;
    fingerprints.row(i) << x, -x, 0.5;
  }
  return rows;
}

TEST(Design, CoefficientsAreNamedByTermLevelAndColumn) {
  const Design design = designed("y ~ colour * logp + poly(mass, 2):shape + fp + factor(count)", molecules(),
                                 some_molecules(24));
  EXPECT_THAT(
      design.coefficient_names(),
      ElementsAre("colour[green]", "colour[blue]", "logp", "fp[1]", "fp[2]", "fp[3]", "factor(count)[1]",
                  "factor(count)[2]", "factor(count)[3]", "colour[green]:logp", "colour[blue]:logp",
                  "poly(mass, 2)[1]:shape[round]", "poly(mass, 2)[2]:shape[round]",
                  "poly(mass, 2)[1]:shape[flat]", "poly(mass, 2)[2]:shape[flat]"));
}

TEST(Design, FactorsMakeNoColumns) {
  const TableRows rows = some_molecules(24);
  const Design design = designed("y ~ colour * shape + colour:logp + logp", molecules(), rows);
  EXPECT_EQ(design.num_numbers(), 1);  // logp, of two terms
  EXPECT_EQ(design.num_indices(), 3);  // colour, of two terms, shape, colour:shape
  EXPECT_EQ(design.num_coefficients(), 2 + 1 + 1 + 2 + 2);
  DesignRows evaluated;
  ASSERT_FALSE(design.evaluate(rows, evaluated));
  for (const DesignTerm& term : design.terms()) {
    if (term.name != "colour:shape") continue;
    EXPECT_EQ(term.column, -1);
    for (Index i = 0; i < 24; ++i) {
      const int colour = rows.codes(i, 0), shape = rows.codes(i, 1);
      EXPECT_EQ(evaluated.cells(i, term.index), colour > 0 && shape > 0 ? colour - 1 : -1);
    }
  }
}

TEST(Design, ProductsOfMatricesAndBases) {
  const TableRows rows = some_molecules(24);
  const Design design = designed("y ~ 0 + fp:logp:colour", molecules(), rows);
  DesignRows evaluated;
  ASSERT_FALSE(design.evaluate(rows, evaluated));
  const Matrix x = written_out(design, evaluated);
  ASSERT_EQ(x.cols(), 9);
  EXPECT_EQ(design.coefficient_names()[4], "fp[2]:logp:colour[green]");
  for (Index i = 0; i < 24; ++i) {
    const auto value = static_cast<double>(i);
    EXPECT_EQ(x(i, 4), i % 3 == 1 ? -value * value : 0.0);
    EXPECT_EQ(x(i, 8), i % 3 == 2 ? 0.5 * value : 0.0);
  }
}

TEST(Design, ResponseOffsetWeightsTrialsAndCensoring) {
  const TableRows rows = some_molecules(6);
  DesignRows evaluated;
  const std::string formula =
      "log(y + 1) | weights(mass / 2) + trials(8) + cens(shape) ~ logp + offset(mass) + offset(-logp)";
  ASSERT_FALSE(designed(formula, molecules(), rows).evaluate(rows, evaluated));
  EXPECT_EQ(evaluated.response[2], std::log(21.0));
  EXPECT_EQ(evaluated.weights[2], 51.0);
  EXPECT_EQ(evaluated.trials[2], 8.0);
  EXPECT_EQ(evaluated.censoring, (Vector{{0.0, 0.0, 0.0, 1.0, 1.0, 1.0}}));
  EXPECT_EQ(evaluated.offset, Vector::Constant(6, 100.0));
  ASSERT_FALSE(designed("colour ~ scale(logp)", molecules(), rows).evaluate(rows, evaluated));
  EXPECT_EQ(evaluated.response, (Vector{{0.0, 1.0, 2.0, 0.0, 1.0, 2.0}}));
  EXPECT_EQ(evaluated.offset.size() + evaluated.weights.size() + evaluated.trials.size() +
                evaluated.censoring.size(),
            0);
}

TEST(Design, CellsWithoutRowsHaveNoCoefficient) {
  TableRows rows = some_molecules(24);
  for (Index i = 0; i < 24; ++i)
    if (rows.codes(i, 0) == 1) rows.codes(i, 1) = 0;  // nothing green is flat
  const Design design = designed("y ~ colour * shape + logp", molecules(), rows);
  EXPECT_THAT(design.empty_cells(), ElementsAre("colour[green]:shape[flat]"));
  EXPECT_THAT(design.coefficient_names(), ElementsAre("colour[green]", "colour[blue]", "shape[flat]", "logp",
                                                      "colour[blue]:shape[flat]"));
  DesignRows evaluated;
  ASSERT_FALSE(design.evaluate(rows, evaluated));
  EXPECT_EQ(written_out(design, evaluated).col(4).sum(), 4.0);
  TableRows other = rows;
  other.codes.row(7) << 1, 1;
  const auto unusable = design.evaluate(other, evaluated);
  ASSERT_TRUE(unusable);
  EXPECT_EQ(unusable->row, 7);
  EXPECT_EQ(unusable->found, "colour[green]:shape[flat], which no row of the fit had");
}

TEST(Design, NewRowsAreTransformedAsThoseOfTheFit) {
  const TableRows rows = some_molecules(24);
  const Design design = designed("y ~ scale(logp) + factor(count)", molecules(), rows);
  DesignRows all, some;
  ASSERT_FALSE(design.evaluate(rows, all));
  ASSERT_FALSE(design.evaluate_terms(rows.some(5, 4), some));
  EXPECT_EQ(some.numbers, all.numbers.middleRows(5, 4));
  EXPECT_EQ(some.cells, all.cells.middleRows(5, 4));
}

TEST(Design, SinglePrecisionIsReadAsItIs) {
  TableRows rows = some_molecules(24);
  const TableRows::RowMajor<float> numbers =
      std::get<TableRows::RowMajor<double>>(rows.numbers).cast<float>() * 0.1f;
  const TableRows::RowMajor<float> fingerprints =
      std::get<TableRows::RowMajor<double>>(rows.matrices[0]).cast<float>();
  rows.numbers = numbers;
  rows.matrices[0] = fingerprints;
  DesignRows evaluated;
  ASSERT_FALSE(designed("y ~ mass + fp", molecules(), rows).evaluate(rows, evaluated));
  EXPECT_EQ(evaluated.numbers(3, 0), static_cast<double>(numbers(3, 2)));
  EXPECT_EQ(evaluated.numbers(3, 2), -3.0);
}

std::vector<std::string> effect_names(const GroupEffects& effects) {
  std::vector<std::string> names;
  for (const Column& column : effects.columns) names.push_back(column.name);
  return names;
}

TEST(Design, EffectsOfNestedGroups) {
  const TableRows rows = some_molecules(24);
  const Design design =
      designed("y ~ logp + (colour * logp | shape/count) + (0 + poly(mass, 2) || mass)", molecules(), rows);
  const std::vector<GroupEffects> effects = design.effects();
  ASSERT_EQ(effects.size(), 3u);
  for (std::size_t e : {0u, 1u}) {
    EXPECT_THAT(effect_names(effects[e]), ElementsAre("intercept", "colour[green]", "colour[blue]", "logp",
                                                      "logp:colour[green]", "logp:colour[blue]"));
    EXPECT_TRUE(effects[e].has_intercept && effects[e].correlated);
  }
  EXPECT_EQ(effects[1].columns[5].source, "logp:colour");
  EXPECT_THAT(effect_names(effects[2]), ElementsAre("poly(mass, 2)[1]", "poly(mass, 2)[2]"));
  EXPECT_FALSE(effects[2].has_intercept || effects[2].correlated);
  EXPECT_THAT(design.keys(), ElementsAre(GroupKey{"shape", 2, {"round", "flat"}}, GroupKey{"count", 0, {}},
                                         GroupKey{"mass", 0, {}}));
  EXPECT_THAT(effects[0].keys, ElementsAre(0));
  EXPECT_THAT(effects[1].keys, ElementsAre(0, 1));
  EXPECT_THAT(effects[2].keys, ElementsAre(2));
  EXPECT_EQ(effects[1].first_column, 6);
  EXPECT_EQ(effects[2].first_column, 12);

  // The bases of a term of groups are those of a fixed term.
  const Design fixed = designed("y ~ poly(mass, 2)", molecules(), rows);
  DesignRows all, of_fixed, some;
  ASSERT_FALSE(design.evaluate(rows, all));
  ASSERT_FALSE(fixed.evaluate(rows, of_fixed));
  ASSERT_EQ(all.effects.cols(), 14);
  for (Index i = 0; i < 24; ++i) {
    const double x = static_cast<double>(i), green = i % 3 == 1 ? 1.0 : 0.0, blue = i % 3 == 2 ? 1.0 : 0.0;
    Vector expected(14);
    expected << 1.0, green, blue, x, green * x, blue * x, 1.0, green, blue, x, green * x, blue * x,
        of_fixed.numbers.row(i).transpose();
    EXPECT_EQ(all.effects.row(i).transpose(), expected) << i;
    EXPECT_EQ(all.groups(i, 0), i / 3 % 2);
    EXPECT_EQ(all.groups(i, 1), i % 4);
    EXPECT_EQ(all.groups(i, 2), 100 + i);
  }
  ASSERT_FALSE(design.evaluate_terms(rows.some(5, 4), some));
  EXPECT_EQ(some.effects, all.effects.middleRows(5, 4));
  ASSERT_FALSE(design.evaluate_groups(rows.some(5, 4), some));
  EXPECT_EQ(some.groups, all.groups.middleRows(5, 4));
}

TEST(Design, EffectsOfALevelWithoutRowsAreNone) {
  TableRows rows = some_molecules(24);
  for (Index i = 0; i < 24; ++i) rows.codes(i, 0) = i % 2 == 0 ? 0 : 2;
  const Design design = designed("y ~ colour + (0 + colour | count)", molecules(), rows);
  EXPECT_THAT(design.coefficient_names(), ElementsAre("colour[blue]"));
  EXPECT_THAT(effect_names(design.effects()[0]), ElementsAre("colour[red]", "colour[blue]"));
  EXPECT_THAT(design.empty_cells(), ElementsAre("colour[green]"));
  DesignRows evaluated;
  ASSERT_FALSE(design.evaluate(rows, evaluated));
  EXPECT_EQ(evaluated.effects.colwise().sum(), (Eigen::RowVectorXd{{12.0, 12.0}}));
  EXPECT_EQ(written_out(design, evaluated).col(0), evaluated.effects.col(1));
}

TEST(Design, LevelsOfFewGroupsAreNamed) {
  TableSchema schema = molecules();
  const auto named = [&](Index num_levels) {
    schema.columns[2].levels.clear();
    for (Index i = 0; i < num_levels; ++i) schema.columns[2].levels.push_back(fmt::format("{}", i));
    const GroupKey key = designed("y ~ (1 | colour)", schema, some_molecules(24)).keys()[0];
    EXPECT_EQ(key.num_levels, num_levels);
    return std::ssize(key.levels);
  };
  EXPECT_EQ(named(most_named_levels), most_named_levels);
  EXPECT_EQ(named(most_named_levels + 1), 0);
}

TEST(Design, ValuesThatNameNoGroupAreNamedWithTheirRow) {
  const TableRows rows = some_molecules(24);
  const Design design = designed("y ~ 1 + (1 | colour:count) + (1 | mass)", molecules(), rows);
  const auto found = [&](auto spoil, Index row) {
    TableRows spoilt = rows;
    spoil(spoilt);
    DesignRows evaluated;
    EXPECT_FALSE(design.evaluate_terms(spoilt, evaluated));
    const auto unusable = design.evaluate_groups(spoilt, evaluated);
    if (!unusable) return std::string();
    EXPECT_EQ(unusable->row, row);
    return unusable->found;
  };
  const auto mass = [](TableRows& spoilt, Index row) -> double& {
    return std::get<TableRows::RowMajor<double>>(spoilt.numbers)(row, 2);
  };
  EXPECT_EQ(found([&](TableRows& r) { mass(r, 3) = -7.0; }, 0), "");
  EXPECT_EQ(found([](TableRows& r) { r.codes(7, 0) = -1; }, 7), "colour is missing, expected a level");
  EXPECT_EQ(found([](TableRows& r) { r.codes(8, 0) = 3; }, 8),
            "colour has the code 3, expected one from 0 to 2");
  EXPECT_EQ(found([](TableRows& r) { r.integers(9, 0) = TableRows::missing_integer; }, 9),
            "count is missing, expected a whole number");
  EXPECT_EQ(found([&](TableRows& r) { mass(r, 4) = nan; }, 4), "mass is missing, expected a whole number");
  EXPECT_EQ(found([&](TableRows& r) { mass(r, 5) = 2.5; }, 5), "mass is 2.5, expected a whole number");
  const std::string larger = " in magnitude: larger ones are not told apart as they are stored";
  EXPECT_EQ(found([&](TableRows& r) { mass(r, 6) = -infinity; }, 6),
            "mass is -inf, expected a whole number below 9007199254740992" + larger);
  const auto as_single = [&](float value) {
    return [=](TableRows& r) {
      r.numbers = TableRows::RowMajor<float>(std::get<TableRows::RowMajor<double>>(r.numbers).cast<float>());
      std::get<TableRows::RowMajor<float>>(r.numbers)(6, 2) = value;
    };
  };
  EXPECT_EQ(found(as_single(0x1p24f - 1.0f), 6), "");
  EXPECT_EQ(found(as_single(0x1p24f), 6),
            "mass is 16777216, expected a whole number below 16777216" + larger);
}

TEST(Design, ValuesThatCannotBeUsedAreNamedWithTheirRow) {
  const TableRows rows = some_molecules(24);
  const Design design = designed("y ~ colour:logp + fp + factor(count) + poly(mass, 2)", molecules(), rows);
  const auto found = [&](auto spoil, Index row) {
    TableRows spoilt = rows;
    spoil(spoilt);
    DesignRows evaluated;
    const auto unusable = design.evaluate(spoilt, evaluated);
    if (!unusable) return std::string();
    EXPECT_EQ(unusable->row, row);
    return unusable->found;
  };
  const auto number = [](TableRows& spoilt, Index row, Index slot) -> double& {
    return std::get<TableRows::RowMajor<double>>(spoilt.numbers)(row, slot);
  };
  EXPECT_EQ(found([](TableRows&) {}, 0), "");
  EXPECT_EQ(found([&](TableRows& r) { number(r, 4, 1) = nan; }, 4), "logp is missing, expected a number");
  EXPECT_EQ(found([&](TableRows& r) { number(r, 5, 2) = infinity; }, 5),
            "mass is inf, expected a finite number");
  EXPECT_EQ(found([&](TableRows& r) { number(r, 6, 0) = nan; }, 6), "y is missing, expected a number");
  EXPECT_EQ(found([](TableRows& r) { r.codes(7, 0) = -1; }, 7), "colour is missing, expected a level");
  EXPECT_EQ(found([](TableRows& r) { r.codes(8, 0) = 3; }, 8),
            "colour has the code 3, expected one from 0 to 2");
  EXPECT_EQ(found([](TableRows& r) { r.integers(9, 0) = 17; }, 9), "factor(count): 17 is none of its levels");
  EXPECT_EQ(found([](TableRows& r) { r.integers(9, 0) = TableRows::missing_integer; }, 9),
            "count is missing, expected a number");
  EXPECT_EQ(found([](TableRows& r) { std::get<TableRows::RowMajor<double>>(r.matrices[0])(2, 1) = nan; }, 2),
            "fp[2] is nan, expected a finite number");
}

TEST(Design, OfNothingIsNothing) {
  const TableRows rows = some_molecules(5);
  const Design design = designed("y ~ 0", molecules(), rows);
  DesignRows evaluated;
  ASSERT_FALSE(design.evaluate(rows, evaluated));
  EXPECT_EQ(design.num_coefficients(), 0);
  EXPECT_FALSE(design.has_intercept());
  EXPECT_EQ(evaluated.numbers.rows(), 5);
  EXPECT_TRUE(designed("y ~ 1", molecules(), rows).has_intercept());
}

/// Names and numbers, and every other character by itself.
std::vector<std::string> words_of(const std::string& formula) {
  std::vector<std::string> words;
  bool in_name = false;
  for (char c : formula) {
    const bool is_name = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!is_name || !in_name) words.emplace_back();
    words.back() += c;
    in_name = is_name;
  }
  return words;
}

/// Whatever a formula was changed to: a design, or an Error of one line.
TEST(Design, FormulasChangedAtRandomGiveADesignOrOneLine) {
  const std::vector<std::string> formulas{
      "log(y + 1) | weights(mass) ~ colour * shape + bs(logp, df = 5):colour - 1 + I(mass^2) + offset(count)",
      "y ~ (colour + shape + logp)^2 + poly(mass, 3) %in% shape + `fp` + factor(count)/scale(log(mass))",
      "y | trials(count + 1) ~ . - mass + ns(mass, knots = c(104, 111))",
      "shape ~ exp(logp / 10) * center(mass) + fp:colour + log10(mass) + sqrt(count) + abs(-logp)",
      "y ~ logp + (1 + mass | shape)",
      "y ~ . + (0 + poly(mass, 2):colour || shape/count) + (1 | count)"};
  const std::vector<std::string> pieces{
      "+",  "-",    "*",      "/",    ":",        "^",    "(",    ")",     "~",   "|",
      "||", "%in%", ".",      "0",    "1",        "2",    "1e9",  ",",     "=",   "`",
      " ",  "\n",   "colour", "logp", "fp",       "y",    "log(", "poly(", "bs(", "factor(",
      "I(", "c(",   "df = ",  "TRUE", "\xc3\xa9", "\xff", "#",    "-1e308"};
  const TableRows rows = some_molecules(24);
  std::mt19937 bits(7);
  const auto below = [&](std::size_t size) {
    return std::uniform_int_distribution<std::size_t>(0, size - 1)(bits);
  };
  int num_designs = 0, num_refused = 0, num_grouped = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<std::string> words = words_of(formulas[below(formulas.size())]);
    for (std::size_t change = 1 + below(2); change > 0; --change) {
      const std::size_t at = below(words.size());
      const std::string word = below(2) == 0 ? pieces[below(pieces.size())] : words[below(words.size())];
      switch (below(4)) {
        case 0:
          words[at] = word;
          break;
        case 1:
          words[at] += word;
          break;
        case 2:
          words[at].pop_back();
          break;
        default:
          std::swap(words[at], words[below(words.size())]);
      }
      std::erase(words, "");
    }
    const std::string formula = fmt::format("{}", fmt::join(words, ""));
    try {
      const Design design = designed(formula, molecules(), rows);
      DesignRows evaluated;
      if (const auto unusable = design.evaluate(rows, evaluated))
        throw RowError(unusable->row, unusable->found);
      EXPECT_TRUE(written_out(design, evaluated).allFinite()) << formula;
      EXPECT_TRUE(evaluated.effects.allFinite()) << formula;
      EXPECT_EQ(evaluated.groups.cols(), std::ssize(design.keys())) << formula;
      num_grouped += design.effects().empty() ? 0 : 1;
      EXPECT_EQ(static_cast<Index>(design.coefficient_names().size()), design.num_coefficients()) << formula;
      ++num_designs;
    } catch (const Error& error) {
      const std::string line = error.what();

      EXPECT_TRUE(error.fault() == Fault::config || error.fault() == Fault::data) << line;
      EXPECT_THAT(line, Not(HasSubstr("\n"))) << formula;
      EXPECT_LT(line.size(), 400u) << line;
      ++num_refused;
    }
  }
  EXPECT_GT(num_designs, 200) << num_refused;
  EXPECT_GT(num_refused, 200) << num_designs;
  EXPECT_GT(num_grouped, 100);
}

}  // namespace
}  // namespace vfe
