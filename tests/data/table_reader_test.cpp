#include "vfe/data/table_reader.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <zlib.h>

#include <cmath>

#include "run/error_of.hpp"
#include "run/temporary_folder.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct ReadTable : testing::Test {
  TemporaryFolder folder;
  TableSchema table{{{.name = "age"},
                     {.name = "colour", .type = ColumnType::factor, .levels = {"blue", "red", "NA"}},
                     {.name = "n", .type = ColumnType::integer},
                     {.name = "fp", .type = ColumnType::matrix, .width = 4},
                     {.name = "day"}}};
  TableReaderOptions options;

  TableReader reader(const std::string& text,
                     const std::vector<std::string>& needed = {"age", "colour", "n", "day"},
                     const std::vector<std::string>& optional = {}) {
    put(folder / "new.csv", text);
    return TableReader(folder / "new.csv", table, needed, optional, options);
  }
  TableRows rows(const std::string& text) { return reader(text).next(); }
  std::string refusal(const std::string& text) {
    const Error error = error_of([&] { rows(text); });
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    EXPECT_THAT(error.what(), AllOf(HasSubstr("new.csv"), testing::Not(HasSubstr("\n"))));
    return error.what();
  }
  static double number(const TableRows& rows, Index row, Index slot) {
    Vector values(rows.num_rows);
    rows.read_number(slot, values);
    return values[row];
  }
};

TEST_F(ReadTable, ColumnsAreFoundByNameAndReadAsTheyAre) {
  const TableRows found = rows(
      "n,other,colour,day,age\n7,$x,red,2024-03-01,1.5\n-9007199254740992,,blue,19000.5,2\n,,NA,,\n0,,,1970-"
      "01-02,\n");
  ASSERT_EQ(found.num_rows, 4);
  EXPECT_EQ(found.first_row, 0);
  EXPECT_EQ(number(found, 0, 0), 1.5);
  EXPECT_EQ(number(found, 1, 0), 2.0);
  EXPECT_TRUE(std::isnan(number(found, 2, 0)));
  EXPECT_EQ(number(found, 0, 1), 19783.0);  // 1 March 2024
  EXPECT_EQ(number(found, 1, 1), 19000.5);
  EXPECT_EQ(number(found, 3, 1), 1.0);
  EXPECT_THAT(found.codes.reshaped(), ElementsAre(1, 0, 2, -1));  // NA is a level of this table
  EXPECT_THAT(found.integers.reshaped(), ElementsAre(7, -9007199254740992, TableRows::missing_integer, 0));
  ASSERT_EQ(found.matrices.size(), 1u);
  Matrix fingerprint(4, 4);
  found.read_matrix(0, fingerprint);
  EXPECT_TRUE(fingerprint.array().isNaN().all());
}

TEST_F(ReadTable, ComesInPiecesWithTheirLines) {
  std::string text = "age\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("{}\n{}", i, i == 4 ? "\n" : "");
  options.most_rows = 4;
  TableReader pieces = reader(text, {"age"});
  std::vector<double> ages;
  std::vector<std::int64_t> lines;
  std::vector<Index> sizes;
  for (TableRows piece = pieces.next(); piece.num_rows > 0; piece = pieces.next()) {
    EXPECT_EQ(piece.first_row, std::ssize(ages));
    EXPECT_EQ(piece.codes.rows(), piece.num_rows);
    sizes.push_back(piece.num_rows);
    for (Index r = 0; r < piece.num_rows; ++r) ages.push_back(number(piece, r, 0));
    lines.insert(lines.end(), pieces.lines().begin(), pieces.lines().end());
  }
  EXPECT_THAT(sizes, ElementsAre(4, 4, 2));
  EXPECT_THAT(ages, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(lines, ElementsAre(2, 3, 4, 5, 6, 8, 9, 10, 11, 12));
  EXPECT_EQ(pieces.next().num_rows, 0);
}

TEST_F(ReadTable, ReadsWhatImportReads) {
  options.format.delimiter = ';';
  options.fields.decimal = ',';
  options.fields.missing = {"-1"};
  const TableRows found = reader("age;n\n1,5;-1\n", {"age", "n"}).next();
  EXPECT_EQ(number(found, 0, 0), 1.5);
  EXPECT_EQ(found.integers(0, 0), TableRows::missing_integer);
  options = {};
  const std::string text = "age\n2.5\n";
  gzFile file = gzopen((folder / "new.csv.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(number(TableReader(folder / "new.csv.gz", table, {"age"}, {}).next(), 0, 0), 2.5);
}

TEST_F(ReadTable, AColumnThatIsNeededIsThereOrOptional) {
  EXPECT_THAT(error_of([&] {
                reader("Age,colours\n1,red\n", {"age", "colour"});
              }).what(),
              AllOf(HasSubstr("no column \"age\", which is needed"), HasSubstr("\"Age\"")));
  TableReader optional = reader("age\n1\n", {"age"}, {"colour", "n"});
  EXPECT_TRUE(optional.has("age"));
  EXPECT_FALSE(optional.has("colour"));
  const TableRows found = optional.next();
  EXPECT_EQ(found.codes(0, 0), -1);
  EXPECT_EQ(found.integers(0, 0), TableRows::missing_integer);
  EXPECT_THAT(error_of([&] {
                reader("age,fp\n1,2\n", {"age", "fp"});
              }).what(),
              HasSubstr("the column \"fp\" is a matrix of 4 numbers each"));
  EXPECT_EQ(error_of([&] { reader("age\n1\n", {"aged"}); }).fault(), Fault::bug);
  EXPECT_EQ(error_of([&] { TableReader(folder / "absent.csv", table, {}, {}); }).fault(), Fault::missing);
}

TEST_F(ReadTable, ANewLevelIsRefusedOrTheReference) {
  EXPECT_THAT(refusal("age,colour,n,day\n1,red,1,1\n1,rad,1,1\n"),
              AllOf(HasSubstr("new.csv, line 3, column \"colour\": \"rad\" is none of its 3 levels"),
                    HasSubstr("the nearest is \"red\"")));
  options.new_levels = NewLevels::reference;
  TableReader taken = reader("colour\nred\nrad\nteal\n\"\"\n", {"colour"});
  EXPECT_THAT(taken.next().codes.reshaped(), ElementsAre(1, 0, 0, -1));
  TableReader optional = reader("age,colour\n1,rad\n", {"age"}, {"colour"});
  EXPECT_THAT(error_of([&] { optional.next(); }).what(), HasSubstr("is none of its 3 levels"));
}

TEST_F(ReadTable, NewLevelsOfWhatNamesGroupsHaveCodesAfterTheOthers) {
  options.groups = {"colour"};
  TableReader groups = reader("colour\nred\nrad\nteal\n\"\"\nrad\n", {}, {"colour"});
  EXPECT_THAT(groups.next().codes.reshaped(), ElementsAre(1, 3, 4, -1, 3));
  EXPECT_EQ(groups.level(table.find("colour"), 4), "teal");
  EXPECT_EQ(groups.level(table.find("colour"), 1), "red");
}

TEST_F(ReadTable, FieldsThatAreNoValuesAreNamed) {
  const auto of = [&](const std::string& row) {
    return refusal("age,colour,n,day\n1,red,1,1\n" + row + "\n");
  };
  EXPECT_THAT(of("old,red,1,1"), HasSubstr("line 3, column \"age\": \"old\" is not a number, expected one"));
  EXPECT_THAT(of("inf,red,1,1"), HasSubstr("\"inf\" is not finite"));
  EXPECT_THAT(of("\"1,5\",red,1,1"), HasSubstr("has a decimal comma"));
  EXPECT_THAT(of("1,red,1.5,1"), HasSubstr("column \"n\": \"1.5\" is not a whole number"));
  EXPECT_THAT(of("1,red,1e16,1"),
              HasSubstr("\"1e16\" is not a whole number up to 2^53 (2^63 in plain digits), expected one"));
  EXPECT_THAT(of("1,red,1,2024-02-30"), HasSubstr("\"2024-02-30\" is not a number"));
  EXPECT_THAT(of("1,j\xe4,1,1"), HasSubstr("\"j\\xe4\" is not UTF-8"));
  EXPECT_THAT(of("1,red,1"), HasSubstr("line 3: 3 fields, expected 4"));
  EXPECT_THAT(refusal("age,colour,n,day\n"), HasSubstr("no rows after the header"));
}

}  // namespace
}  // namespace vfe
