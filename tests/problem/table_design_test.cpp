#include "vfe/problem/table_design.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Index num_rows = 120;

DatasetSchema schema() {
  DatasetSchema schema;
  schema.table = {{{"y", ColumnType::number},
                   {"x", ColumnType::number},
                   {"colour", ColumnType::factor, {"red", "green", "blue"}},
                   {"grade", ColumnType::integer},
                   {"same", ColumnType::number}}};
  schema.blocks = Blocks::of_equal(num_rows, 16);
  schema.single = false;
  return schema;
}

TableRows rows() {
  TableRows rows = missing_rows(schema().table, num_rows);
  Matrix z(2, num_rows);
  fill_normal({.seed = 5, .purpose = Purpose::simulate}, z);
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  for (Index i = 0; i < num_rows; ++i) {
    numbers.row(i) << 20.0 + 4.0 * z(0, i), 7.0 + 3.0 * z(1, i), 2.5;
    rows.codes(i, 0) = static_cast<int>(i % 3);
    rows.integers(i, 0) = std::int64_t{1} << (i % 4);
  }
  return rows;
}

std::shared_ptr<const TableSource> source(const Communicator& comm, const TableRows& of) {
  const Blocks blocks = schema().blocks;
  const BlockRange own = shard(blocks.num_blocks(), comm.rank(), comm.size());
  TableRows some = of.some(blocks.first(own.first), blocks.first(own.last) - blocks.first(own.first));
  some.first_block = own.first;
  return table_in_memory(schema(), std::move(some), blocks.slice(own));
}

TableDesign design_of(const std::string& formula, Likelihood likelihood = Likelihood::linear,
                      const TableRows& of = rows(), const Communicator& comm = Communicator::self()) {
  const GlmOptions model{.likelihood = likelihood};
  return fit_design(comm, formula, &model, *source(comm, of),
                    [](Index row) { return "row " + std::to_string(row); });
}

Rows read(const TableDesign& design) {
  const auto table = source(Communicator::self(), rows());
  return DesignSource(design, table).read({0, table->blocks().num_blocks()});
}

double sd(const Vector& values) {
  return std::sqrt((values.array() - values.mean()).square().sum() / static_cast<double>(values.size() - 1));
}

TEST(TableDesign, NumbersAreCentredAndScaled) {
  const TableDesign design = design_of("y ~ x + x:x + log(x + 100)");
  ASSERT_EQ(design.schema.numbers.size(), 2U);
  const Rows found = read(design);
  const auto& x = std::get<Rows::RowMajor<double>>(found.x);
  for (Index j = 0; j < 2; ++j) {
    EXPECT_NEAR(x.col(j).mean(), 0.0, 1e-12);
    EXPECT_NEAR(sd(x.col(j)), 1.0, 1e-12);
  }
  const Vector response = std::get<TableRows::RowMajor<double>>(rows().numbers).col(0);
  EXPECT_EQ(found.y, response);
  EXPECT_NEAR(design.schema.response_centre, response.mean(), 1e-12);
  EXPECT_NEAR(design.schema.response_scale, sd(response), 1e-12);
  EXPECT_EQ(design.schema.columns[0].absorber, -1);
  EXPECT_NEAR(design.schema.ranges.at("x").mean, design.schema.columns[0].centre, 1e-12);
}

TEST(TableDesign, OfCellsNumbersAreCentredWhereATermOfTheCellsTakesIt) {
  const TableDesign with = design_of("y ~ colour * x");
  ASSERT_EQ(with.schema.terms.size(), 3U);  // colour, x, colour:x
  EXPECT_EQ(with.schema.numbers.size(), 1U);
  EXPECT_EQ(with.schema.terms[2].column, with.schema.terms[1].column);
  EXPECT_EQ(with.schema.columns[4].name, "colour[blue]:x");
  EXPECT_EQ(with.schema.columns[4].absorber, 0);
  EXPECT_EQ(with.schema.columns[2].absorber, -1);
  EXPECT_EQ(with.schema.columns[0].scale, 1.0);

  const TableDesign without = design_of("y ~ x + colour:x");
  EXPECT_EQ(without.schema.numbers.size(), 2U);  // centred, and not
  EXPECT_NE(without.schema.terms[0].column, without.schema.terms[1].column);
  EXPECT_EQ(without.schema.columns[1].centre, 0.0);
  EXPECT_EQ(without.schema.columns[1].scale, without.schema.columns[0].scale);
}

TEST(TableDesign, AFactorOfAllLevelsTakesThePlaceOfTheIntercept) {
  const TableDesign cells = design_of("y ~ 0 + x + colour");
  EXPECT_FALSE(cells.schema.has_intercept);
  EXPECT_EQ(cells.schema.constant_term, 1);
  EXPECT_EQ(cells.schema.columns[0].absorber, 1);
  EXPECT_NE(cells.schema.columns[0].centre, 0.0);
  EXPECT_NE(cells.schema.response_centre, 0.0);

  const TableDesign origin = design_of("y ~ 0 + x");
  EXPECT_EQ(origin.schema.constant_term, -1);
  EXPECT_EQ(origin.schema.columns[0].centre, 0.0);
  EXPECT_EQ(origin.schema.response_centre, 0.0);
  const Vector x = std::get<TableRows::RowMajor<double>>(rows().numbers).col(1);
  EXPECT_NEAR(origin.schema.columns[0].scale, std::hypot(x.mean(), sd(x)), 1e-12);
}

TEST(TableDesign, WholeNumbersAreLevelsToAModelOfClasses) {
  const TableDesign classes = design_of("grade ~ x", Likelihood::softmax);
  EXPECT_THAT(classes.schema.response_levels, ElementsAre("1", "2", "4", "8"));
  EXPECT_EQ(read(classes).y.head(5), (Vector{{0, 1, 2, 3, 0}}));
  const TableDesign counts = design_of("grade ~ x", Likelihood::poisson);
  EXPECT_TRUE(counts.schema.response_levels.empty());
  EXPECT_EQ(read(counts).y.head(5), (Vector{{1, 2, 4, 8, 1}}));
  EXPECT_EQ(counts.schema.response_scale, 1.0);
}

TEST(TableDesign, NumbersOfEffectsAreCodedByTheInterceptOfTheirGroup) {
  const TableDesign design = design_of("y ~ 1 + (x * colour | grade) + (0 + x | colour)");
  EXPECT_TRUE(design.schema.columns.empty());
  EXPECT_TRUE(design.schema.numbers.empty());
  EXPECT_EQ(design.schema.num_effects(), 7);
  EXPECT_THAT(design.schema.keys,
              ElementsAre(GroupKey{"grade", 0, {}}, GroupKey{"colour", 3, {"red", "green", "blue"}}));
  const Vector x = std::get<TableRows::RowMajor<double>>(rows().numbers).col(1);
  const std::vector<Column>& with = design.schema.effects[0].columns;
  ASSERT_EQ(with.size(), 6U);
  EXPECT_EQ(with[0], (Column{.name = "intercept", .source = "intercept"}));
  EXPECT_EQ(with[1].name, "x");
  EXPECT_NEAR(with[1].centre, x.mean(), 1e-12);
  EXPECT_NEAR(with[1].scale, sd(x), 1e-12);
  EXPECT_EQ(with[2], (Column{.name = "colour[green]", .source = "colour"}));
  EXPECT_EQ(with[5].name, "x:colour[blue]");
  EXPECT_EQ(with[5].centre, 0.0);
  EXPECT_EQ(with[5].scale, with[1].scale);
  const Column& alone = design.schema.effects[1].columns.at(0);
  EXPECT_EQ(alone.centre, 0.0);
  EXPECT_NEAR(alone.scale, std::hypot(x.mean(), sd(x)), 1e-12);

  const Rows found = read(design);
  ASSERT_EQ(found.effects.cols(), 7);
  EXPECT_EQ(found.cells.cols(), 0);  // those of effects are no terms of coefficients
  for (Index i = 0; i < num_rows; ++i) {
    const double green = i % 3 == 1 ? 1.0 : 0.0, blue = i % 3 == 2 ? 1.0 : 0.0;
    const double centred = (x[i] - with[1].centre) / with[1].scale, scaled = x[i] / with[1].scale;
    EXPECT_EQ(found.effects.row(i).transpose(),
              (Vector{{1.0, centred, green, blue, green * scaled, blue * scaled, x[i] / alone.scale}}));
    EXPECT_EQ(found.groups(i, 0), std::int64_t{1} << (i % 4));
    EXPECT_EQ(found.groups(i, 1), i % 3);
  }
}

TEST(TableDesign, EffectsOfGroupsStandBesideTermsOfTheSame) {
  const TableDesign plain = design_of("y ~ colour * x"),
                    design = design_of("y ~ colour * x + (0 + colour + log(x + 100) || grade)");
  EXPECT_EQ(design.schema.columns, plain.schema.columns);
  EXPECT_EQ(design.schema.terms, plain.schema.terms);
  EXPECT_EQ(design.schema.numbers, plain.schema.numbers);
  EXPECT_EQ(design.schema.ranges.count("grade"), 0U);
  EXPECT_EQ(design_of("y ~ grade + (1 | grade)").schema.ranges.count("grade"), 1U);
  const Rows expected = read(plain), found = read(design);
  EXPECT_EQ(std::get<Rows::RowMajor<double>>(found.x), std::get<Rows::RowMajor<double>>(expected.x));
  EXPECT_EQ(found.cells, expected.cells);
  EXPECT_EQ(found.effects.leftCols(3).rowwise().sum(), Vector::Ones(num_rows));
  EXPECT_NO_THROW(rows_in_memory(design.schema, found));
}

TEST(TableDesign, PriorsOnTheUsersScaleLeaveEffectsAsTheyAre) {
  const GlmOptions model{.likelihood = Likelihood::linear, .priors_on = PriorsOn::user};
  const TableDesign design = fit_design(Communicator::self(), "y ~ (x | grade)", &model,
                                        *source(Communicator::self(), rows()), [](Index) { return ""; });
  EXPECT_EQ(read(design).effects.col(1), std::get<TableRows::RowMajor<double>>(rows().numbers).col(1));
}

TEST(TableDesign, WithoutAModelAllIsAsItIs) {
  const TableDesign design = fit_design(Communicator::self(), "y ~ x + colour", nullptr,
                                        *source(Communicator::self(), rows()), [](Index) { return ""; });
  const Rows found = read(design);
  EXPECT_EQ(std::get<Rows::RowMajor<double>>(found.x).col(0),
            std::get<TableRows::RowMajor<double>>(rows().numbers).col(1));
}

TEST(TableDesign, IsReadBackFromAResult) {
  const TableDesign design =
      design_of("y ~ colour * poly(x, 2) + bs(grade, df = 4) + (ns(x, df = 3) | colour/grade)");
  const DesignSchema saved = design_schema_from_json(to_json(design.schema));
  EXPECT_EQ(saved.terms, design.schema.terms);
  EXPECT_EQ(saved.columns, design.schema.columns);
  EXPECT_EQ(saved.numbers, design.schema.numbers);
  EXPECT_EQ(saved.keys, design.schema.keys);
  EXPECT_EQ(saved.effects, design.schema.effects);
  EXPECT_EQ(saved.ranges, design.schema.ranges);
  Config config;
  config.model.type = "linear";
  const TableDesign again{saved_design(config, saved, schema().table), saved, {}};
  const Rows expected = read(design), found = read(again);
  EXPECT_EQ(std::get<Rows::RowMajor<double>>(found.x), std::get<Rows::RowMajor<double>>(expected.x));
  EXPECT_EQ(found.cells, expected.cells);
  EXPECT_EQ(found.effects, expected.effects);
  EXPECT_EQ(found.groups, expected.groups);
}

TEST(TableDesign, SaysWhatTheRowsDoNotTell) {
  EXPECT_THAT(design_of("y ~ x + same").notes,
              ElementsAre("the same in every row, so that the prior alone speaks of the coefficient: same"));
  EXPECT_THAT(design_of("y ~ same + (same + x | grade) + (0 + same | colour)").notes,
              ElementsAre("the same in every row, so that the prior alone speaks of the coefficient: same, "
                          "same of grade"));
  TableRows few = rows();
  for (Index i = 0; i < num_rows; ++i) few.codes(i, 0) = static_cast<int>(i % 2);
  EXPECT_THAT(design_of("y ~ colour", Likelihood::linear, few).notes,
              ElementsAre("no rows, and so no coefficient: colour[blue]"));
}

TEST(TableDesign, SaysOfWhichGroupsThereIsOne) {
  DatasetSchema one = schema();
  one.table.columns[2].levels = {"red"};
  TableRows red = rows();
  red.codes.setZero();
  const GlmOptions model;
  EXPECT_THAT(fit_design(Communicator::self(), "y ~ x + (1 | colour/grade)", &model,
                         *table_in_memory(one, red, one.blocks), [](Index) { return ""; })
                  .notes,
              ElementsAre("colour has one group, so that its effects are not told from the coefficients"));
}

std::string refusal(const std::string& formula, const TableRows& of, Fault fault) {
  try {
    design_of(formula, Likelihood::linear, of);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault);
    return error.what();
  }
  return "accepted";
}

TEST(TableDesign, NamesTheRowOfAValueItCannotUse) {
  EXPECT_EQ(refusal("y ~ log(x - 20)", rows(), Fault::data).substr(0, 44),
            "while reading the rows of the formula: row 0");
  TableRows holes = rows();
  std::get<TableRows::RowMajor<double>>(holes.numbers)(33, 0) = NAN;
  EXPECT_THAT(refusal("y ~ x", holes, Fault::data), HasSubstr("row 33: y is missing"));
  EXPECT_THAT(refusal("same ~ x", rows(), Fault::data), HasSubstr("response \"same\" is 2.5 in every row"));
  EXPECT_THAT(refusal("y ~ (1 | same)", rows(), Fault::data),
              HasSubstr("row 0: same is 2.5, expected a whole number"));
  EXPECT_THAT(refusal("y ~ z", rows(), Fault::config), HasSubstr("no column \"z\""));
}

TEST(TableDesignMpi, SameBitsOnAnyNumberOfRanks) {
  for (const char* formula :
       {"y ~ colour * poly(x, 2) + factor(grade)", "y ~ scale(x):colour + ns(x, df = 3)",
        "y ~ x + (scale(x) * factor(grade) + poly(x, 2) | colour/grade)"}) {
    const std::string alone = to_json(design_of(formula).schema);
    EXPECT_EQ(to_json(design_of(formula, Likelihood::linear, rows(), Communicator::world()).schema), alone);
  }
}

}  // namespace
}  // namespace vfe
