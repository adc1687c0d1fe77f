#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "store/folder.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(Json, DesignAndBack) {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(Index{1} << 40, 4096);
  schema.columns = {{"colour[\"r\xc3\xb6t\"]", "colour\n"}, {"b", "b", -inf, 5e-324, 7}};
  schema.terms = {{"colour", -1, 1, 0, 1, 0}, {"b", 3, 2, -1, 1, 1}};
  schema.has_intercept = false;
  schema.constant_term = 0;
  schema.response = "y";
  schema.response_levels = {"no", "yes"};
  schema.response_centre = std::nextafter(0.1, 1.0);
  schema.response_scale = 1.7976931348623157e308;
  schema.formula = "y ~ \"a\\b\"";
  schema.statistics = {Vector{{1.0, 0.1}}, Vector(0), Vector{{inf}}};
  schema.numbers = {{3, 0.1, 1.0 / 3.0}, {4, 0.0, 1.0}};
  schema.ranges = {{"b", {-1.0, 0.1, 2.0}}};
  const DesignSchema back = design_schema_from_json(to_json(schema));
  EXPECT_EQ(back.blocks, schema.blocks);
  EXPECT_EQ(back.columns, schema.columns);
  EXPECT_EQ(back.terms, schema.terms);
  EXPECT_EQ(back.has_intercept, false);
  EXPECT_EQ(back.constant_term, 0);
  EXPECT_EQ(back.response, schema.response);
  EXPECT_EQ(back.response_levels, schema.response_levels);
  EXPECT_EQ(back.response_centre, schema.response_centre);
  EXPECT_EQ(back.response_scale, schema.response_scale);
  EXPECT_EQ(back.formula, schema.formula);
  EXPECT_EQ(back.statistics, schema.statistics);
  EXPECT_EQ(back.numbers, schema.numbers);
  EXPECT_EQ(back.ranges, schema.ranges);
}

TEST(Json, EffectsOfGroupsAndBack) {
  DesignSchema schema;
  schema.keys = {{"sch\"ool", 2, {"a", "b\n"}}, {"class", 0, {}}, {"many", most_named_levels + 1, {}}};
  schema.effects = {{"sch\"ool:class", {0, 1}, 0, {{"intercept", "intercept"}, {"x", "x", 0.1, 1.0 / 3.0}}},
                    {"many", {2}, 2, {{"colour[red]:x", "colour:x", 0.0, 5e-324}}, false, false}};
  const DesignSchema back = design_schema_from_json(to_json(schema));
  EXPECT_EQ(back.keys, schema.keys);
  EXPECT_EQ(back.effects, schema.effects);
}

TEST(Json, ADesignWithoutEffectsIsWrittenAsBeforeThereWereAny) {
  const std::string text = to_json(DesignSchema());
  EXPECT_EQ(text.find("effects"), std::string::npos);
  EXPECT_EQ(text.find("keys"), std::string::npos);
  EXPECT_TRUE(design_schema_from_json(text).effects.empty());
}

TEST(Json, UnequalBlocksAndBack) {
  DesignSchema schema;
  schema.blocks = Blocks::of_offsets({0, 4, 5, 12});
  EXPECT_EQ(design_schema_from_json(to_json(schema)).blocks, schema.blocks);
  schema.blocks = Blocks::of_equal(3, 256);
  EXPECT_EQ(design_schema_from_json(to_json(schema)).blocks, schema.blocks);
}

TEST(Json, SchemaOfATableAndBack) {
  DatasetSchema schema;
  schema.blocks = Blocks::of_offsets({0, 4, 5, 12});
  schema.table.columns = {{.name = "\"r\xc3\xb6t\"\n"},
                          {.name = "f", .type = ColumnType::factor, .levels = {"no", "\\"}},
                          {.name = "n", .type = ColumnType::integer},
                          {.name = "fp", .type = ColumnType::matrix, .width = 2048}};
  schema.single = false;
  schema.has_line = true;
  schema.shuffle_seed = (std::uint64_t{1} << 56) - 1;
  schema.source = "a\\b.csv";
  schema.content = 0xfedcba9876543210;
  schema.grouped_by = {"n", "f"};
  const DatasetSchema back = dataset_schema_from_json(to_json(schema));
  EXPECT_EQ(back.table, schema.table);
  EXPECT_EQ(back.blocks, schema.blocks);
  EXPECT_EQ(back.single, false);
  EXPECT_EQ(back.has_line, true);
  EXPECT_EQ(back.shuffle_seed, schema.shuffle_seed);
  EXPECT_EQ(back.source, schema.source);
  EXPECT_EQ(back.content, schema.content);
  EXPECT_EQ(back.grouped_by, schema.grouped_by);
  schema.blocks = Blocks::of_equal(Index{1} << 40, 4096);
  EXPECT_EQ(dataset_schema_from_json(to_json(schema)).blocks, schema.blocks);
  schema.grouped_by.clear();
  std::string text = to_json(schema);
  const std::string of_groups = ",\"grouped_by\":[]";
  text.erase(text.find(of_groups), of_groups.size());  // as those before there were groups wrote it
  EXPECT_TRUE(dataset_schema_from_json(text).grouped_by.empty());
}

TEST(Json, ParametersAndBack) {
  const Parameters parameters(
      {{"intercept", {}, Transform::identity, -inf, inf},
       {"beta", {{"class", 2, {}}, {"column", 2, {"a", "b"}}}, Transform::identity, 0.0, 1.0},
       {"sigma", {}, Transform::positive, 0.1, inf},
       {"share", {{"class", 3, {}}}, Transform::simplex, 0.0, 1.0}});
  const Parameters back = parameters_from_json(to_json(parameters));
  ASSERT_EQ(back.list().size(), parameters.list().size());
  EXPECT_EQ(back.size(), parameters.size());
  EXPECT_EQ(back.num_constrained(), parameters.num_constrained());
  for (std::size_t i = 0; i < back.list().size(); ++i) {
    const Parameter &found = back.list()[i], &expected = parameters.list()[i];
    EXPECT_EQ(found.name, expected.name);
    EXPECT_EQ(found.dimensions, expected.dimensions);
    EXPECT_EQ(found.transform, expected.transform);
    EXPECT_EQ(found.lower, expected.lower);
    EXPECT_EQ(found.upper, expected.upper);
  }
}

TEST(Json, NaNSurvives) {
  DesignSchema schema;
  schema.response_centre = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(design_schema_from_json(to_json(schema)).response_centre));
}

TEST(Json, WhatIsWrongIsOneLine) {
  for (const char* text : {"", "{", "[]", "{\"rows\": \"many\"}", "null"}) {
    EXPECT_THAT(test::error_line(Fault::data, [&] { design_schema_from_json(text); }), HasSubstr("design"));
    EXPECT_THAT(test::error_line(Fault::data, [&] { dataset_schema_from_json(text); }), HasSubstr("schema"));
  }
  EXPECT_THAT(test::error_line(Fault::data, [&] { parameters_from_json("[1]"); }), HasSubstr("parameters"));
  DesignSchema schema;
  schema.formula = "\xff";  // not UTF-8
  EXPECT_THAT(test::error_line(Fault::data, [&] { to_json(schema); }), HasSubstr("design"));
}

}  // namespace
}  // namespace vfe
