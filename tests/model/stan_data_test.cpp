#include "vfe/model/stan_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const StanShard shard{"N", {"x", "y"}};

Error error_of(const std::string& text, const StanShard& of = shard) {
  try {
    StanData data(text, "d.json", of);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error;
  }
  ADD_FAILURE() << "no error for " << text;
  return Error(Fault::bug, "");
}

TEST(StanData, PartsHaveEveryRowOnceAndTheOtherVariablesUnchanged) {
  json all = {{"N", 7}, {"K", 2}, {"prior", {0.1, 1e-300}}, {"x", json::array()}, {"y", json::array()}};
  for (int i = 0; i < 7; ++i) {
    all["x"].push_back({i, i + 0.1});
    all["y"].push_back(10 * i);
  }
  const StanData data(all.dump(), "d.json", shard);
  EXPECT_EQ(data.rows(), 7);
  std::set<int> seen;
  for (const auto& [first, last] : {std::pair<Index, Index>{0, 3}, {3, 3}, {3, 4}, {4, 7}}) {
    const json part = json::parse(data.part(first, last));
    EXPECT_EQ(part.size(), 5u);
    EXPECT_EQ(part["N"], last - first);
    EXPECT_EQ(part["K"], 2);
    EXPECT_EQ(part["prior"], all["prior"]);
    ASSERT_EQ(part["x"].size(), static_cast<std::size_t>(last - first));
    ASSERT_EQ(part["y"].size(), part["x"].size());
    for (std::size_t r = 0; r < part["x"].size(); ++r) {
      const int row = part["x"][r][0].get<int>();
      EXPECT_TRUE(seen.insert(row).second);
      EXPECT_EQ(part["x"][r], all["x"][static_cast<std::size_t>(row)]);
      EXPECT_EQ(part["y"][r], 10 * row);
    }
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(StanData, RowsAreShuffledAndAlwaysAlike) {
  json all = {{"x", json::array()}, {"y", json::array()}};
  for (int i = 0; i < 100; ++i) {
    all["x"].push_back(i);
    all["y"].push_back(i);
  }
  const StanData data(all.dump(), "d.json", shard);
  EXPECT_EQ(data.part(0, 100), StanData(all.dump(), "d.json", shard).part(0, 100));
  // Of 50 rows among 100 in order, about half are even; the first fifty would have a mean of 24.5.
  const json half = json::parse(data.part(0, 50));
  double mean = 0.0;
  for (const json& x : half["x"]) mean += x.get<double>() / 50;
  EXPECT_NEAR(mean, 49.5, 13.0);
}

TEST(StanData, OfNoRowsHasEmptyArrays) {
  const StanData data(R"({"N":1,"x":[[1,2]],"y":[3]})", "d.json", shard);
  EXPECT_EQ(json::parse(data.part(0, 0)), json::parse(R"({"N":0,"x":[],"y":[]})"));
}

TEST(StanData, WholeAndRealNumbersStayWhatTheyAre) {
  const StanData data(R"({"N":1,"x":[1.0],"y":[-3],"big":12345678901234567890,"inf":"Inf","k":2})", "d.json",
                      shard);
  EXPECT_THAT(data.part(0, 1), AllOf(HasSubstr("\"x\":[1.0]"), HasSubstr("\"y\":[-3]"), HasSubstr("\"k\":2"),
                                     HasSubstr("\"inf\":\"Inf\""), HasSubstr("12345678901234567890")));
}

TEST(StanData, VariablesMayBeTakenFromOtherRows) {
  const StanData data(R"({"N":3,"x":[0,1,2],"y":[0,1,2]})", "d.json", shard);
  const json plain = json::parse(data.part({2, 0, 1}, {}));
  EXPECT_EQ(plain["x"], plain["y"]);
  const json other = json::parse(data.part({2, 0, 1}, {{"y", {1, 1, 0}}}));
  EXPECT_EQ(other["x"], plain["x"]);
  EXPECT_THAT(other["y"], ElementsAre(plain["x"][2], plain["x"][2], plain["x"][1]));
}

TEST(StanData, SizeMayBeLeftToTheRows) {
  const StanData data(R"({"x":[0,1,2],"y":[0,1,2]})", "d.json", shard);
  EXPECT_EQ(data.rows(), 3);
  EXPECT_EQ(json::parse(data.part(0, 2))["N"], 2);
}

TEST(StanData, RefusesWhatIsNoJson) {
  for (const char* text : {"{\"N\":", "[1,2]", "7", "{\"N\":NaN}"}) {
    const Error error = error_of(text);
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), testing::StartsWith("d.json: "));
  }
}

TEST(StanData, NamesTheVariableThatIsMissingOrOfAnotherLength) {
  const Error missing = error_of(R"({"N":2,"x":[1,2]})");
  EXPECT_EQ(missing.fault(), Fault::data);
  EXPECT_THAT(missing.what(), HasSubstr("\"y\""));
  EXPECT_THAT(error_of("").what(), HasSubstr("\"x\""));

  const Error length = error_of(R"({"N":2,"x":[1,2],"y":[1,2,3]})");
  EXPECT_EQ(length.fault(), Fault::data);
  EXPECT_THAT(length.what(), AllOf(HasSubstr("\"y\" has 3 rows"), HasSubstr("\"N\" is 2")));
  EXPECT_THAT(error_of(R"({"x":[1,2],"y":[1,2,3]})").what(),
              AllOf(HasSubstr("\"y\" has 3"), HasSubstr("\"x\" has 2")));

  EXPECT_THAT(error_of(R"({"N":2,"x":5,"y":[1,2]})").what(), AllOf(HasSubstr("\"x\""), HasSubstr("found 5")));
}

TEST(StanData, RefusesASizeThatCountsNothing) {
  for (const char* size : {"2.5", "-1", "\"2\"", "[2]", "null"}) {
    const Error error = error_of(std::string(R"({"x":[1,2],"y":[1,2],"N":)") + size + "}");
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("\"N\""), HasSubstr("whole number")));
  }
}

TEST(StanData, RefusesShardsWithoutVariables) {
  const std::string text = R"({"N":1,"x":[1],"y":[1]})";
  EXPECT_EQ(error_of(text, {"N", {}}).fault(), Fault::config);
  EXPECT_EQ(error_of(text, {"", {"x"}}).fault(), Fault::config);
  EXPECT_THAT(error_of(text, {"N", {"x", "x"}}).what(), HasSubstr("\"x\" a second time"));
  EXPECT_THAT(error_of(text, {"N", {"N"}}).what(), HasSubstr("\"N\" a second time"));
}

/// Two columns, the first of them standardised.
Schema make_schema() {
  Schema schema;
  schema.blocks = Blocks::of_equal(9, 3);  // of which a shard has one
  schema.columns = {{.name = "age", .centre = 41.3, .scale = 17.7}, {.name = "size"}};
  schema.response = "alive";
  return schema;
}

template <class Scalar>
Rows make_rows() {
  Rows rows;
  rows.first_row = 3;
  rows.first_block = 1;
  rows.blocks = Blocks::of_equal(3, 3);
  Rows::RowMajor<Scalar> x(3, 2);
  const std::vector<double> ages = {20, 41, 62.5}, sizes = {0.25, 0.5, 4};
  for (Index r = 0; r < 3; ++r) {
    x(r, 0) = static_cast<Scalar>((ages[static_cast<std::size_t>(r)] - 41.3) / 17.7);
    x(r, 1) = static_cast<Scalar>(sizes[static_cast<std::size_t>(r)]);
  }
  rows.x = x;
  rows.y = (Vector(3) << 1, 0, 1).finished();
  return rows;
}

template <class Scalar>
class StanDataOfDataset : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(StanDataOfDataset, Scalars);

TYPED_TEST(StanDataOfDataset, GivesColumnsMatrixAndResponseOnTheUsersScale) {
  const StanData data(R"({"K":2})", "d.json", {"N", {"age", "x", "y", "alive"}},
                      *rows_in_memory(make_schema(), make_rows<TypeParam>()));
  EXPECT_EQ(data.rows(), 3);
  const std::string text = data.part(0, 3);
  // Whole numbers are told one by one; 62.5 is none.
  EXPECT_THAT(text, AllOf(HasSubstr("\"age\":[20,41,6"), HasSubstr("\"y\":[1,0,1]"),
                          HasSubstr("\"alive\":[1,0,1]"), HasSubstr("\"K\":2"), HasSubstr("\"N\":3")));
  const json all = json::parse(text);
  ASSERT_EQ(all["x"].size(), 3u);
  EXPECT_EQ(all["x"][0], json::parse("[20,0.25]"));
  EXPECT_EQ(all["x"][1], json::parse("[41,0.5]"));
  EXPECT_NEAR(all["x"][2][0].template get<double>(), 62.5, 1e-5);
  EXPECT_EQ(all["x"][2][1], 4);
  EXPECT_EQ(json::parse(data.part(1, 2))["age"], json::parse("[41]"));
  EXPECT_EQ(json::parse(data.part(2, 2))["x"], json::array());
}

TEST(StanDataOfDatasets, HaveOffsetAndWeightWhereTheDatasetHas) {
  Schema schema = make_schema();
  schema.has_offset = schema.has_weight = true;
  Rows rows = make_rows<double>();
  rows.offset = (Vector(3) << 0.1, 1e300, std::numeric_limits<double>::infinity()).finished();
  rows.weight = (Vector(3) << 1, 2, std::nan("")).finished();
  const StanData data("", "", {"N", {"offset", "weight"}}, *rows_in_memory(schema, rows));
  EXPECT_EQ(data.part(0, 3), R"({"N":3,"offset":[0.1,1e+300,"Inf"],"weight":[1,2,"NaN"]})");
}

TEST(StanDataOfDatasets, AColumnOfThatNameComesFirst) {
  Schema schema = make_schema();
  schema.columns[0].name = "x";
  schema.columns[1].name = "y";
  const StanData data("", "", {"N", {"y"}}, *rows_in_memory(schema, make_rows<double>()));
  EXPECT_EQ(data.part(0, 2), R"({"N":2,"y":[0.25,0.5]})");
}

Error error_of_dataset(const std::string& text, const std::string& variable) {
  try {
    StanData data(text, "d.json", {"N", {variable}}, *rows_in_memory(make_schema(), make_rows<float>()));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(Fault::bug, "");
}

TEST(StanDataOfDatasets, SayWhatThereIsWhereANameIsUnknown) {
  const Error error = error_of_dataset("", "agee");
  EXPECT_EQ(error.fault(), Fault::config);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("\"agee\""), HasSubstr("age, size"), HasSubstr("alive")));
  EXPECT_EQ(error_of_dataset("", "offset").fault(), Fault::config);
}

TEST(StanDataOfDatasets, MustAgreeWithTheJson) {
  const Error twice = error_of_dataset(R"({"age":[1]})", "age");
  EXPECT_EQ(twice.fault(), Fault::data);
  EXPECT_THAT(twice.what(), HasSubstr("\"age\""));
  const Error size = error_of_dataset(R"({"N":3})", "age");
  EXPECT_THAT(size.what(), AllOf(HasSubstr("\"N\" is 3"), HasSubstr("9 rows")));
  EXPECT_EQ(
      StanData(R"({"N":9})", "d.json", {"N", {"age"}}, *rows_in_memory(make_schema(), make_rows<float>()))
          .rows(),
      3);
}

}  // namespace
}  // namespace vfe
