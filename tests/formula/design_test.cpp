#include "vfe/formula/design.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formula/molecules.hpp"

namespace vfe {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
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

}  // namespace
}  // namespace vfe
