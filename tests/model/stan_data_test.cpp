#include "vfe/model/stan_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

/// The second block of a dataset of three.
class OneBlock : public TableSource {
 public:
  OneBlock(const TableSchema& table, TableRows rows) : rows_(std::move(rows)) {
    schema_.table = table;
    schema_.blocks = Blocks::of_equal(9, 3);
    rows_.first_row = 3;
    rows_.first_block = 1;
  }
  const DatasetSchema& schema() const override { return schema_; }
  Index first_block() const override { return 1; }
  const Blocks& blocks() const override { return blocks_; }
  TableRows read(const BlockRange&) const override { return rows_; }

 private:
  DatasetSchema schema_;
  Blocks blocks_ = Blocks::of_equal(3, 3);
  TableRows rows_;
};

TableSchema make_table() {
  return {{{.name = "age"},
           {.name = "colour", .type = ColumnType::factor, .levels = {"red", "green", "blue"}},
           {.name = "visits", .type = ColumnType::integer},
           {.name = "fp", .type = ColumnType::matrix, .width = 2},
           {.name = "size"}}};
}

template <class Scalar>
TableRows make_rows() {
  TableRows rows = missing_rows(make_table(), 3);
  TableRows::RowMajor<Scalar> numbers(3, 2), bits(3, 2);
  numbers << Scalar(20), Scalar(0.1), Scalar(41), Scalar(1e30), Scalar(-62.5), Scalar(4);
  bits << 0, 1, Scalar(0.25), 1, 0, 0;
  rows.numbers = numbers;
  rows.matrices[0] = bits;
  rows.codes.col(0) << 0, 2, 1;
  rows.integers.col(0) << 7, std::int64_t{1} << 60, -3;
  return rows;
}

template <class Scalar>
class StanDataOfTable : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(StanDataOfTable, Scalars);

TYPED_TEST(StanDataOfTable, GivesColumnsByName) {
  const StanData data(R"({"K":2})", "d.json", {"N", {"age", "colour", "visits", "fp"}},
                      OneBlock(make_table(), make_rows<TypeParam>()));
  EXPECT_EQ(data.rows(), 3);
  EXPECT_EQ(data.part(0, 3),
            R"({"K":2,"N":3,"age":[20,41,-62.5],"colour":[1,3,2],"visits":[7,1152921504606846976,-3],)"
            R"("fp":[[0,1],[0.25,1],[0,0]]})");
  EXPECT_EQ(json::parse(data.part(1, 2))["age"], json::parse("[41]"));
  EXPECT_EQ(json::parse(data.part(2, 2))["fp"], json::array());
}

TYPED_TEST(StanDataOfTable, GivesTheOtherNumbersAsX) {
  const OneBlock rows(make_table(), make_rows<TypeParam>());
  EXPECT_THAT(StanData("", "", {"N", {"x", "colour"}}, rows).part(0, 1), HasSubstr(R"("x":[[20,7,0.1]])"));
  EXPECT_THAT(StanData("", "", {"N", {"age", "x"}}, rows).part(0, 1), HasSubstr(R"("x":[[7,0.1]])"));
  TableSchema named = make_table();
  named.columns[4].name = "x";
  EXPECT_THAT(StanData("", "", {"N", {"x"}}, OneBlock(named, make_rows<TypeParam>())).part(0, 1),
              HasSubstr(R"("x":[0.1])"));
}

Error error_of_table(
    const std::string& text, const std::string& variable,
    const std::function<void(TableRows&)>& change = [](TableRows&) {}) {
  TableRows rows = make_rows<float>();
  change(rows);
  try {
    StanData data(text, "d.json", {"N", {variable}}, OneBlock(make_table(), rows));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(Fault::bug, "");
}

TEST(StanDataOfTables, SayWhatThereIsWhereANameIsUnknown) {
  const Error error = error_of_table("", "agee");
  EXPECT_EQ(error.fault(), Fault::config);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("\"agee\""), HasSubstr("age, colour, visits, fp, size, and x")));
  EXPECT_EQ(error_of_table("", "offset").fault(), Fault::config);
}

TEST(StanDataOfTables, RefuseMissingValuesOfWhatIsNamed) {
  using Values = TableRows::RowMajor<float>;
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](const std::string& variable, const std::function<void(TableRows&)>& change) {
    const Error error = error_of_table("", variable, change);
    EXPECT_EQ(error.fault(), Fault::data);
    return std::string(error.what());
  };
  EXPECT_THAT(refused("age", [](TableRows& r) { std::get<Values>(r.numbers)(2, 0) = none; }),
              HasSubstr("row 5: column \"age\": a missing value"));
  EXPECT_THAT(refused("colour", [](TableRows& r) { r.codes(0, 0) = -1; }),
              HasSubstr("row 3: column \"colour\""));
  EXPECT_THAT(refused("visits", [](TableRows& r) { r.integers(1, 0) = TableRows::missing_integer; }),
              HasSubstr("row 4: column \"visits\""));
  EXPECT_THAT(refused("fp", [](TableRows& r) { std::get<Values>(r.matrices[0])(1, 1) = none; }),
              HasSubstr("row 4: column \"fp\""));
  EXPECT_THAT(refused("x", [](TableRows& r) { std::get<Values>(r.numbers)(0, 1) = none; }),
              HasSubstr("row 3: column \"size\""));
  // Of others it does not matter.
  TableRows rows = make_rows<float>();
  rows.codes(0, 0) = -1;
  EXPECT_NO_THROW(StanData("", "", {"N", {"age"}}, OneBlock(make_table(), rows)));
}

TEST(StanDataOfTables, MustAgreeWithTheJson) {
  const Error twice = error_of_table(R"({"age":[1]})", "age");
  EXPECT_EQ(twice.fault(), Fault::data);
  EXPECT_THAT(twice.what(), HasSubstr("\"age\""));
  const Error size = error_of_table(R"({"N":3})", "age");
  EXPECT_THAT(size.what(), AllOf(HasSubstr("\"N\" is 3"), HasSubstr("9 rows")));
  EXPECT_EQ(
      StanData(R"({"N":9})", "d.json", {"N", {"age"}}, OneBlock(make_table(), make_rows<float>())).rows(), 3);
}

}  // namespace
}  // namespace vfe
