#include "data/source_column.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

/// A column that has read these fields, all of rows that are kept.
struct ReadColumn {
  SourceColumn column;
  std::vector<std::string> warnings;

  explicit ReadColumn(const std::vector<std::string>& fields) : column("price", 0, false) {
    std::vector<Cell> values;
    for (const std::string& field : fields) {
      Cell value = missing_cell;
      if (column.read(field, 2 + std::ssize(values), {}, value) != SourceColumn::Status::value) {
        throw Error(Fault::data, column.problem());
      }
      if (column.is_factor()) value = column.code(field, [] { return "here"; });
      values.push_back(value);
    }
    column.settle();
    for (const Cell value : values) column.count(value, false);
    column.finish(warnings);
  }
};

std::vector<std::string> texts(int count, const std::string& before, const std::string& after) {
  std::vector<std::string> list;
  for (int i = 0; i < count; ++i) list.push_back(before + std::to_string(100 + i) + after);
  return list;
}

TEST(FaultsA2SourceColumn, SaysWhatATextMayHaveBeen) {
  const auto note = [](const std::vector<std::string>& fields) {
    return ReadColumn(fields).column.likeness_note();
  };
  EXPECT_EQ(note(texts(200, "$", ".22")),
            "column \"price\" is text, such as \"$100.22\"; 200 levels in 200 rows: a number with a unit?");
  EXPECT_THAT(note(texts(200, "", "%")),
              HasSubstr("column \"price\" is text, such as \"100%\"; 200 levels in 200 rows: a number"));
  EXPECT_THAT(note({"1.3.2024", "2.3.2024", "1.3.2024"}), HasSubstr("2 levels in 3 rows: a date?"));
  EXPECT_THAT(note({"2024-03-01", "2024-03-02", "2024-03-01"}),
              HasSubstr("is of dates, taken as days since 1970-01-01"));
  EXPECT_THAT(note(texts(15, "mol", "")), HasSubstr("15 levels in 15 rows: an identifier"));
  EXPECT_EQ(note(texts(30, "mol", "")), "");  // it is left out
  EXPECT_EQ(note({"lo", "mid", "hi", "lo", "lo"}), "");
}

TEST(SourceColumn, AMillionTextsThatAreAllDifferentAreNotHeld) {
  SourceColumn column("smiles", 0, false), asked("smiles", 0, true), repeated("user", 0, false);
  for (int i = 0; i < (1 << 20) + 2; ++i) {
    const std::string text = "C" + std::to_string(i);
    Cell value = missing_cell;
    for (SourceColumn* each : {&column, &asked, &repeated}) {
      ASSERT_EQ(each->read(text, 2 + i, {}, value), SourceColumn::Status::value);
      value = each->code(text, [] { return "here"; });
      // Two rows each: half of its texts are different.
      if (each == &repeated) each->code(text, [] { return "here"; });
    }
  }
  EXPECT_EQ(column.left(), SourceColumn::Left::text);
  EXPECT_EQ(asked.left(), SourceColumn::Left::in);
  EXPECT_EQ(repeated.left(), SourceColumn::Left::in);
}

TEST(FaultsA7SourceColumn, KnowsWhatSinglePrecisionDoesToNumbers) {
  std::vector<std::string> stamps;
  for (int i = 0; i < 400; ++i) stamps.push_back(std::to_string(1700000000 + i));
  EXPECT_THAT(ReadColumn(stamps).column.single_note(), HasSubstr("whole numbers up to 1700000399"));
  for (std::string& stamp : stamps) stamp += ".5";
  EXPECT_THAT(ReadColumn(stamps).column.single_note(), HasSubstr("round its values by up to 0.5"));
  EXPECT_EQ(ReadColumn({"1700000000.5", "1700000000.5"}).column.single_note(), "");
  EXPECT_EQ(ReadColumn({"-16777216", "3"}).column.single_note(), "");
  EXPECT_EQ(ReadColumn({"0.1", "0.7"}).column.single_note(), "");
}

TEST(FaultsA4SourceColumn, RefusesTextThatIsNotUtf8) {
  try {
    ReadColumn({"nein", "j\xe4"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"j\\xe4\" is not UTF-8 (--encoding latin1"));
  }
}

}  // namespace
}  // namespace vfe
