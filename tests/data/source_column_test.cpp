#include "data/source_column.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A column that has read these fields, all of rows that are kept.
struct ReadColumn {
  SourceColumn column;
  std::vector<std::string> warnings;

  ReadColumn(Role role, const std::vector<std::string>& fields, bool standardize = true)
      : column("price", 0, role, false) {
    Index rows = 0;
    for (const std::string& field : fields) {
      double value = 0.0;
      if (column.read(field, 2 + rows, {}, value) != SourceColumn::Status::value) {
        throw Error(Fault::data, column.problem());
      }
      ++rows;
      if (column.is_factor()) value = column.code(field, "here");
      if (role == Role::response) column.see_class(value);
      column.count(value, 1.0 / static_cast<double>(rows));
    }
    column.finish(rows, standardize, warnings);
  }
};

std::vector<std::string> texts(int count, const std::string& before, const std::string& after) {
  std::vector<std::string> list;
  for (int i = 0; i < count; ++i) list.push_back(before + std::to_string(100 + i) + after);
  return list;
}

TEST(FaultsA2SourceColumn, SaysWhatATextMayHaveBeen) {
  const auto warning = [](Role role, const std::vector<std::string>& fields) {
    return ReadColumn(role, fields).column.likeness_note(std::ssize(fields));
  };
  EXPECT_EQ(warning(Role::response, texts(200, "$", ".22")),
            "response \"price\" is text, such as \"$100.22\"; 200 levels in 200 rows: a number with a unit?");
  EXPECT_THAT(warning(Role::predictor, texts(200, "", "%")),
              HasSubstr("column \"price\" is text, such as \"100%\"; 200 levels in 200 rows: a number"));
  EXPECT_THAT(warning(Role::predictor, {"1.3.2024", "2.3.2024", "1.3.2024"}),
              HasSubstr("2 levels in 3 rows: a date?"));
  EXPECT_THAT(warning(Role::predictor, {"2024-03-01", "2024-03-02", "2024-03-01"}),
              HasSubstr("is of dates, taken as days since 1970-01-01"));
  EXPECT_THAT(warning(Role::predictor, texts(30, "mol", "")),
              HasSubstr("30 levels in 30 rows: an identifier"));
  EXPECT_EQ(warning(Role::response, {"lo", "mid", "hi", "lo", "lo"}), "");
}

TEST(FaultsA5SourceColumn, AResponseOfOneLevelIsRefused) {
  try {
    ReadColumn(Role::response, {"yes", "yes", "yes"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("response \"price\" is \"yes\" in every row"));
  }
  EXPECT_NO_THROW(ReadColumn(Role::response, {"yes", "no"}));
}

TEST(FaultsA6SourceColumn, KnowsWhichWholeNumbersOccur) {
  const ReadColumn gaps(Role::response, {"3", "1", "7", "1"});
  EXPECT_THAT(gaps.column.numbers(), ElementsAre(1.0, 3.0, 7.0));
  EXPECT_EQ(gaps.column.classes(), 0);
  EXPECT_EQ(ReadColumn(Role::response, {"0", "2", "1"}).column.classes(), 3);
  EXPECT_THAT(ReadColumn(Role::response, {"-1", "1"}).column.numbers(), ElementsAre(-1.0, 1.0));
  EXPECT_THAT(ReadColumn(Role::response, {"1", "2.5"}).column.numbers(), IsEmpty());
  std::vector<std::string> many;
  for (int i = 0; i <= 1000; ++i) many.push_back(std::to_string(i));
  EXPECT_THAT(ReadColumn(Role::response, many).column.numbers(), IsEmpty());
}

TEST(FaultsA7SourceColumn, KnowsHowSinglePrecisionRounds) {
  std::vector<std::string> stamps;
  for (int i = 0; i < 400; ++i) stamps.push_back(std::to_string(1700000000 + i));
  EXPECT_GT(ReadColumn(Role::predictor, stamps, false).column.single_rounding(), 0.5);
  EXPECT_LT(ReadColumn(Role::predictor, stamps, true).column.single_rounding(), 1e-6);
  EXPECT_EQ(ReadColumn(Role::predictor, {"1700000000", "1700000000"}, false).column.single_rounding(), 0.0);
}

TEST(FaultsA8SourceColumn, KnowsItsMomentsWhateverIsStored) {
  for (const bool standardize : {true, false}) {
    const ReadColumn read(Role::predictor, {"1", "2", "6"}, standardize);
    EXPECT_DOUBLE_EQ(read.column.moments().mean, 3.0);
    EXPECT_DOUBLE_EQ(read.column.moments().sd, std::sqrt(7.0));
    EXPECT_EQ(read.column.centre(), standardize ? 3.0 : 0.0);
  }
}

TEST(FaultsA4SourceColumn, RefusesTextThatIsNotUtf8) {
  try {
    ReadColumn(Role::response, {"nein", "j\xe4"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"j\\xe4\" is not UTF-8 (--encoding latin1"));
  }
}

TEST(FaultsDSourceColumn, AnOffsetThatIsNoLogarithmIsPointedOut) {
  EXPECT_THAT(ReadColumn(Role::offset, {"3000", "3582"}).warnings, ElementsAre(HasSubstr("reaches 3582")));
  EXPECT_THAT(ReadColumn(Role::offset, {"8.0", "-8.2"}).warnings, IsEmpty());
}

}  // namespace
}  // namespace vfe
