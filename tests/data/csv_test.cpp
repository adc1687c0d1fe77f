#include "vfe/data/csv.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Record = std::pair<std::int64_t, std::vector<std::string>>;  // line, fields

struct Csv : testing::Test {
  TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "data.csv";

  std::vector<Record> read(const std::string& text) {
    write_file(file, text);
    CsvReader csv(file);
    header = csv.header();
    delimiter = csv.delimiter();
    std::vector<Record> records;
    while (csv.next()) records.push_back({csv.line(), {csv.fields().begin(), csv.fields().end()}});
    EXPECT_FALSE(csv.next());
    EXPECT_EQ(csv.bytes_read(), text.size());
    return records;
  }

  /// The one line of the error that reading `text` throws.
  std::string error(const std::string& text, Fault fault = Fault::data) {
    try {
      read(text);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), fault);
      EXPECT_THAT(e.what(), HasSubstr(file.string()));
      EXPECT_THAT(e.what(), testing::Not(HasSubstr("\n")));
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  std::vector<std::string> header;
  char delimiter = 0;
};

TEST_F(Csv, ReadsHeaderAndRecords) {
  const auto records = read("a,b\n1,2\n3,4\n");
  EXPECT_THAT(header, ElementsAre("a", "b"));
  EXPECT_THAT(records, ElementsAre(Record{2, {"1", "2"}}, Record{3, {"3", "4"}}));
}

TEST_F(Csv, TakesLineEndsOfEveryKindAndNoneAtTheEnd) {
  const std::vector<Record> expected = {{2, {"1", "2"}}, {3, {"3", "4"}}};
  EXPECT_EQ(read("a,b\r\n1,2\r\n3,4\r\n"), expected);
  EXPECT_EQ(read("a,b\r\n1,2\r\n3,4"), expected);
  EXPECT_EQ(read("a,b\n1,2\r\n3,4\n"), expected);
}

TEST_F(Csv, SkipsTheByteOrderMark) {
  read(
      "\xEF\xBB\xBF"
      "a,b\n1,2\n");
  EXPECT_THAT(header, ElementsAre("a", "b"));
}

TEST_F(Csv, FindsTheDelimiterInTheHeaderOutsideQuotes) {
  EXPECT_THAT(read("a;b;c\n1,5;2;3\n"), ElementsAre(Record{2, {"1,5", "2", "3"}}));
  EXPECT_EQ(delimiter, ';');
  EXPECT_THAT(read("\"a,1,2\"\tb\n1\t\n"), ElementsAre(Record{2, {"1", ""}}));
  EXPECT_EQ(delimiter, '\t');
  EXPECT_THAT(header, ElementsAre("a,1,2", "b"));
  read("only\n1\n");
  EXPECT_EQ(delimiter, ',');
}

TEST_F(Csv, CountsLinesInsideQuotesAndBlankOnes) {
  const auto records = read("a,b\n\"one\ntwo\",2\n\n  \n\"say \"\"x,y\"\"\",\" kept \"\n3,4\n");
  EXPECT_THAT(records, ElementsAre(Record{2, {"one\ntwo", "2"}}, Record{6, {"say \"x,y\"", " kept "}},
                                   Record{7, {"3", "4"}}));
}

TEST_F(Csv, DropsBlanksAroundUnquotedFields) {
  EXPECT_THAT(read("a , b\n 1 ,\t2\n"), ElementsAre(Record{2, {"1", "2"}}));
  EXPECT_THAT(header, ElementsAre("a", "b"));
}

TEST_F(Csv, GivesRaggedRecordsAsTheyAre) {
  EXPECT_THAT(read("a,b\n1\n1,2,3\n"), ElementsAre(Record{2, {"1"}}, Record{3, {"1", "2", "3"}}));
}

TEST_F(Csv, ReadsRecordsAcrossTheEdgeOfTheBuffer) {
  std::string text = "a,b\n";
  std::vector<Record> expected;
  for (int i = 0; i < 60; ++i) {
    const std::string wide(50000 + i, static_cast<char>('a' + i % 26));
    text += "\"" + wide + "\n" + wide + "\"," + std::to_string(i) + "\n";
    expected.push_back({2 + 2 * i, {wide + "\n" + wide, std::to_string(i)}});
  }
  EXPECT_EQ(read(text), expected);
}

TEST_F(Csv, FaultsB3NamesOfRowsAreLeftOut) {
  const std::vector<Record> records = {Record{2, {"1", "2"}}, Record{3, {"3", "4"}}};
  EXPECT_EQ(read(",a,b\n0,1,2\n1,3,4\n"), records);  // of pandas
  EXPECT_THAT(header, ElementsAre("a", "b"));
  EXPECT_EQ(read("\"\",\"a\",\"b\"\n\"x\",1,2\n\"y\",3,4\n"), records);  // of R's write.csv
  EXPECT_EQ(read("\"a\" \"b\"\n\"x\" 1 2\n\"y\" 3 4\n"), records);       // of its write.table
  EXPECT_THAT(header, ElementsAre("a", "b"));
  // A delimiter at the end is no name.
  EXPECT_THAT(read("a,b\n1,2,\n"), ElementsAre(Record{2, {"1", "2", ""}}));
}

TEST_F(Csv, FaultsB6FindsTheDelimiter) {
  const std::vector<Record> records = {Record{2, {"1", "2"}}};
  for (const char* text : {"a|b\n1|2\n", "a b\n1 2\n", "  a    b\n  1    2\n"})
    EXPECT_EQ(read(text), records) << text;
  write_file(file, "a,x:b\n1:2\n");
  CsvReader csv(file, {.delimiter = ':'});
  EXPECT_THAT(csv.header(), ElementsAre("a,x", "b"));
}

TEST_F(Csv, FaultsB10ReadsWhatGzipMade) {
  std::string text = "a,b\n";
  for (int i = 0; i < 5000; ++i) text += fmt::format("{},{}\n", i, i * i % 1009);
  const std::vector<Record> plain = read(text);
  const std::filesystem::path compressed = folder.path() / "data.csv.gz";
  gzFile out = gzopen(compressed.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  const auto count = [](const std::filesystem::path& path) {
    CsvReader csv(path);
    std::size_t rows = 0;
    while (csv.next()) ++rows;
    return rows;
  };
  EXPECT_EQ(count(compressed), plain.size());
  const std::string whole = read_file(compressed);
  for (const auto& [damaged, what] :
       {std::pair{whole.substr(0, whole.size() / 2), "cut off"},
        std::pair{whole.substr(0, 100) + std::string(60, 'x') + whole.substr(160), "damaged"}}) {
    write_file(compressed, damaged);
    try {
      count(compressed);
      ADD_FAILURE() << "accepted what is " << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  }
  EXPECT_THAT(error("PK\x03\x04 and more"), HasSubstr("spreadsheet"));
}

TEST_F(Csv, RefusesWhatIsNoFile) {
  EXPECT_THROW(CsvReader(folder.path() / "absent.csv"), Error);
  try {
    CsvReader csv(folder.path());
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::missing);
  }
}

TEST_F(Csv, RefusesAnEmptyFile) {
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("\xEF\xBB\xBF"), HasSubstr("empty"));
  EXPECT_THAT(error("\n\n"), HasSubstr("empty"));
}

TEST_F(Csv, RefusesBadColumnNames) {
  EXPECT_THAT(error("a,b,a\n1,2,3\n"), AllOf(HasSubstr("column 3"), HasSubstr("\"a\"")));
  EXPECT_THAT(error("a,,b\n1,2,3\n"), HasSubstr("column 2 has no name"));
  EXPECT_THAT(error("a,\"b\nc\"\n1,2\n"), HasSubstr("line break"));
}

TEST_F(Csv, NamesTheLineOfBrokenText) {
  EXPECT_THAT(error("a,b\n1,2\n3,\"open\n4,5\n"), AllOf(HasSubstr("line 3"), HasSubstr("not closed")));
  EXPECT_THAT(error("a,b\n1,2\n3,5\" pipe\n"), AllOf(HasSubstr("line 3"), HasSubstr("quote inside")));
  EXPECT_THAT(error("a,b\n1,\"open\n2,\"x\"\n"), AllOf(HasSubstr("line 3"), HasSubstr("from line 2")));
  EXPECT_THAT(error(std::string("a,b\n1,2\n\0,4\n", 13)), AllOf(HasSubstr("line 3"), HasSubstr("NUL")));
  EXPECT_THAT(error("a,b\r1,2\r3,4\r"), AllOf(HasSubstr("line 1"), HasSubstr("carriage return")));
}

TEST_F(Csv, StopsAtARecordThatTakesTheFile) {
  std::string text = "a,b\n1,2\n\"";
  text.append(std::size_t{66} << 20, 'x');
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 3"), HasSubstr("not closed")));
}

TEST(ParseField, TakesNumbers) {
  const std::vector<std::pair<std::string, double>> cases = {
      {"1", 1.0}, {"-2.5", -2.5}, {"+3", 3.0}, {" 4e2 ", 400.0}, {".5", 0.5}, {"6.", 6.0}, {"1e-400", 0.0}};
  for (const auto& [text, number] : cases) {
    EXPECT_EQ(parse_field(text).kind, FieldKind::number) << text;
    EXPECT_EQ(parse_field(text).number, number) << text;
  }
}

TEST(WholeNumber, IsExact) {
  const auto whole = [](const char* text) { return whole_number(text, parse_field(text)); };
  EXPECT_EQ(whole("12"), 12);
  EXPECT_EQ(whole(" -1e3 "), -1000);
  EXPECT_EQ(whole("9007199254740993"), 9007199254740993);  // 2^53 + 1
  EXPECT_EQ(whole("+9223372036854775807 "), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(whole("-9223372036854775807"), -std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"1.5", "", "x", "9223372036854775808", "-9223372036854775808", "1e17", "1e300"})
    EXPECT_EQ(whole(text), std::nullopt) << text;
}

TEST(ParseField, KnowsWhatIsMissing) {
  for (const char* text : {"", "  ", "NA", "N/A", "NaN", "nan", "null", "NULL", "."})
    EXPECT_EQ(parse_field(text).kind, FieldKind::missing) << text;
}

TEST(ParseField, FaultsB5KnowsWhatOthersWriteForNothing) {
  for (const char* text : {"?", "n/a", "None", "<NA>", "#N/A", "-", "NaT"})
    EXPECT_EQ(parse_field(text).kind, FieldKind::missing) << text;
  const FieldFormat own{.missing = {"-999", "unknown"}};
  for (const char* text : {"", "-999", "unknown"}) {
    EXPECT_EQ(parse_field(text, own).kind, FieldKind::missing) << text;
  }
  EXPECT_EQ(parse_field("-999", {}).number, -999.0);
  for (const char* text : {"NA", "?"}) EXPECT_EQ(parse_field(text, own).kind, FieldKind::text) << text;
}

TEST(ParseField, FaultsB6ReadsDecimalCommasAndThousands) {
  const FieldFormat comma{.decimal = ','}, english{.thousands = ','},
      german{.decimal = ',', .thousands = '.'};
  const auto number = [](const char* text, const FieldFormat& format) {
    const ParsedField field = parse_field(text, format);
    return field.kind == FieldKind::number ? field.number : std::nan("");
  };
  EXPECT_EQ(number("1,5", comma), 1.5);
  EXPECT_EQ(number("-12", comma), -12.0);
  EXPECT_EQ(number("2,5e-3", comma), 2.5e-3);
  EXPECT_EQ(number("1,234,567.5", english), 1234567.5);
  EXPECT_EQ(number("-1,234", english), -1234.0);
  EXPECT_EQ(number("999.5", english), 999.5);
  EXPECT_EQ(number("1.234.567,5", german), 1234567.5);
  EXPECT_EQ(number("1234,5", german), 1234.5);
  for (const char* text : {"1.5", "1,5,2", ","})
    EXPECT_EQ(parse_field(text, comma).kind, FieldKind::text) << text;
  for (const char* text : {"1,23", "12,3456", ",123", "1,,234"})
    EXPECT_EQ(parse_field(text, english).kind, FieldKind::text) << text;
  for (const char* text : {"3.5", "1.23,5"})
    EXPECT_EQ(parse_field(text, german).kind, FieldKind::text) << text;
  for (const char* text : {"1,234", "-12,345,678", "1,234.5"})
    EXPECT_EQ(parse_field(text).kind, FieldKind::grouped) << text;
}

TEST(ParseField, TellsOtherTextsApart) {
  for (const char* text : {"inf", "-inf", "Infinity", "+inf", "1e999", "-1e999"})
    EXPECT_EQ(parse_field(text).kind, FieldKind::infinite) << text;
  for (const char* text : {"1,5", "-12,25", "+0,5"})
    EXPECT_EQ(parse_field(text).kind, FieldKind::decimal_comma) << text;
  for (const char* text : {"red", "1.5x", "+-1", "0x10", "1,5,2", ",5", "1 2", "+", "e5", "NAN"})
    EXPECT_EQ(parse_field(text).kind, FieldKind::text) << text;
}

TEST_F(Csv, FaultsA4Latin1BecomesUtf8) {
  write_file(file,
             "gr\xf6\xdf"
             "e,y\nj\xe4,\x80 5\n\"\xe9,\xe8\",plain\n");
  EXPECT_THROW(CsvReader{file}, Error);
  CsvReader csv(file, {.encoding = Encoding::latin1});
  EXPECT_THAT(csv.header(), ElementsAre("gr\xc3\xb6\xc3\x9f"
                                        "e",
                                        "y"));
  ASSERT_TRUE(csv.next());
  EXPECT_THAT(csv.fields(), ElementsAre("j\xc3\xa4", "\xe2\x82\xac 5"));
  ASSERT_TRUE(csv.next());
  EXPECT_THAT(csv.fields(), ElementsAre("\xc3\xa9,\xc3\xa8", "plain"));
}

TEST_F(Csv, FaultsA4AHeaderThatIsNoUtf8NamesLineAndColumn) {
  EXPECT_THAT(error("a,b\xe4\n1,2\n"),
              AllOf(HasSubstr("line 1: the name of column 2, \"b\\xe4\""), HasSubstr("--encoding latin1")));
}

}  // namespace
}  // namespace vfe
