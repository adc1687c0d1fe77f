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

TEST(Json, SchemaAndBack) {
  Schema schema;
  schema.blocks = Blocks::of_equal(Index{1} << 40, 4096);
  schema.columns = {{"colour[\"r\xc3\xb6t\"]", "colour", "\"r\xc3\xb6t\"", "blue\n", 0.1, 1.0 / 3.0},
                    {"b", "b", "", "", -inf, 5e-324}};
  schema.response = "y";
  schema.response_levels = {"no", "yes"};
  schema.response_classes = 2;
  schema.response_centre = std::nextafter(0.1, 1.0);
  schema.response_scale = 1.7976931348623157e308;
  schema.has_weight = true;
  schema.single = false;
  schema.shuffle_seed = (std::uint64_t{1} << 56) - 1;
  schema.source = "a\\b.csv";
  schema.content = 0xfedcba9876543210;
  const Schema back = schema_from_json(to_json(schema));
  EXPECT_EQ(back.blocks, schema.blocks);
  EXPECT_EQ(back.columns, schema.columns);
  EXPECT_EQ(back.response, schema.response);
  EXPECT_EQ(back.response_levels, schema.response_levels);
  EXPECT_EQ(back.response_classes, schema.response_classes);
  EXPECT_EQ(back.response_centre, schema.response_centre);
  EXPECT_EQ(back.response_scale, schema.response_scale);
  EXPECT_EQ(back.has_offset, false);
  EXPECT_EQ(back.has_weight, true);
  EXPECT_EQ(back.has_line, false);
  EXPECT_EQ(back.single, false);
  EXPECT_EQ(back.shuffle_seed, schema.shuffle_seed);
  EXPECT_EQ(back.source, schema.source);
  EXPECT_EQ(back.content, schema.content);
}

TEST(Json, UnequalBlocksAndBack) {
  Schema schema;
  schema.blocks = Blocks::of_offsets({0, 4, 5, 12});
  EXPECT_EQ(schema_from_json(to_json(schema)).blocks, schema.blocks);
  schema.blocks = Blocks::of_equal(3, 256);
  EXPECT_EQ(schema_from_json(to_json(schema)).blocks, schema.blocks);
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
  Schema schema;
  schema.response_centre = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(schema_from_json(to_json(schema)).response_centre));
}

TEST(Json, WhatIsWrongIsOneLine) {
  for (const char* text : {"", "{", "[]", "{\"rows\": \"many\"}", "null"}) {
    EXPECT_THAT(test::error_line(Fault::data, [&] { schema_from_json(text); }), HasSubstr("schema"));
  }
  EXPECT_THAT(test::error_line(Fault::data, [&] { parameters_from_json("[1]"); }), HasSubstr("parameters"));
  Schema schema;
  schema.source = "\xff";  // not UTF-8
  EXPECT_THAT(test::error_line(Fault::data, [&] { to_json(schema); }), HasSubstr("schema"));
}

}  // namespace
}  // namespace vfe
