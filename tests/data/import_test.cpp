#include "vfe/data/import.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A dataset as it lies in its file.
struct Table {
  DatasetSchema schema;
  Matrix numbers;
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic> codes;
  std::vector<std::int64_t> line;
  std::map<std::int64_t, Index> row_of_line;

  double number(std::int64_t of_line, Index slot = 0) const { return numbers(row_of_line.at(of_line), slot); }
  int code(std::int64_t of_line, Index slot = 0) const { return codes(row_of_line.at(of_line), slot); }
};

Table read_table(const std::filesystem::path& path) {
  const Dataset file(path);
  Table table;
  table.schema = file.schema();
  const TableRows rows = file.read({0, table.schema.num_blocks()});
  std::visit([&](const auto& numbers) { table.numbers = numbers.template cast<double>(); }, rows.numbers);
  table.codes = rows.codes;
  table.line = file.lines(0, table.schema.num_rows());
  for (Index row = 0; row < table.schema.num_rows(); ++row) {
    table.row_of_line[table.line[static_cast<std::size_t>(row)]] = row;
  }
  return table;
}

TableColumn factor(const std::string& name, const std::vector<std::string>& levels) {
  return {.name = name, .type = ColumnType::factor, .levels = levels};
}

struct Import : testing::Test {
  TemporaryFolder folder;
  ImportOptions options;

  Import() {
    options.input = folder / "data.csv";
    options.output = folder / "data.h5";
    options.single = false;
    options.quiet = true;
  }

  Table import(const std::string& text) {
    put(options.input, text);
    report = import_csv(options);
    const Table table = read_table(options.output);
    EXPECT_EQ(table.schema.content, report.schema.content);
    EXPECT_EQ(table.schema.num_rows(), report.schema.num_rows());
    return table;
  }

  /// The one line of the error that the import throws; nothing but what was there may be left.
  std::string error(const std::string& text, Fault fault = Fault::data) {
    put(options.input, text);
    const auto before = files();
    try {
      import_csv(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), fault) << e.what();
      EXPECT_THAT(e.what(), testing::Not(HasSubstr("\n")));
      EXPECT_EQ(files(), before);
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  /// n rows a, b, y; row i is on line i + 2.
  static std::string numbers(int n) {
    std::string text = "a,b,y\n";
    for (int i = 0; i < n; ++i) text += fmt::format("{},{},{}\n", i, i * i % 101, i % 7);
    return text;
  }

  ImportReport report;
};

TEST_F(Import, KeepsValuesAsTheyAre) {
  const Table table = import("a,y,f\n1.5,10,u\n-2.5,20,v\n0.125,30,u\n");
  EXPECT_EQ(table.schema.table, (TableSchema{{{.name = "a"}, {.name = "y"}, factor("f", {"u", "v"})}}));
  EXPECT_EQ(table.schema.source, "data.csv");
  const std::map<std::int64_t, std::vector<double>> expected = {
      {2, {1.5, 10, 0}}, {3, {-2.5, 20, 1}}, {4, {0.125, 30, 0}}};
  for (const auto& [line, values] : expected) {
    EXPECT_THAT((std::vector<double>{table.number(line), table.number(line, 1), 0.0 + table.code(line)}),
                testing::Eq(values));
  }
  EXPECT_EQ(report.rows_read, 3);
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(Import, ShufflesEveryRowOnce) {
  const Table table = import(numbers(5000));
  EXPECT_EQ(table.schema.num_rows(), 5000);
  ASSERT_EQ(table.row_of_line.size(), 5000u);
  Index in_place = 0;
  for (Index row = 0; row < 5000; ++row) {
    const auto i = static_cast<double>(table.line[static_cast<std::size_t>(row)] - 2);
    EXPECT_EQ(table.numbers(row, 0), i);
    EXPECT_EQ(table.numbers(row, 2), std::fmod(i, 7.0));
    in_place += table.line[static_cast<std::size_t>(row)] == row + 2;
  }
  EXPECT_LT(in_place, 15);  // Poisson with mean 1
}

TEST_F(Import, IsAFunctionOfFileAndSeedWhateverTheMemory) {
  import(numbers(3000));
  const std::uint64_t content = report.schema.content;
  for (const std::size_t memory : {std::size_t{1} << 16, std::size_t{1} << 12}) {
    options.memory = memory;
    EXPECT_EQ(import(numbers(3000)).schema.content, content) << memory;
    EXPECT_THAT(files(), ElementsAre("data.csv", "data.h5"));
  }
  options.seed = 2;
  EXPECT_NE(import(numbers(3000)).schema.content, content);
  EXPECT_EQ(report.schema.shuffle_seed, 2u);
}

TEST_F(Import, CodesFactorsByTheirSortedLevels) {
  const Table table = import("colour,a,y\nred,1,0\n\"blue, dark\",2,1\ngreen,4,0\nred,3,1\n");
  EXPECT_EQ(table.schema.table[0], factor("colour", {"blue, dark", "green", "red"}));
  EXPECT_EQ(table.code(2), 2);
  EXPECT_EQ(table.code(3), 0);
  EXPECT_EQ(table.code(4), 1);
  EXPECT_EQ(table.code(5), 2);
}

TEST_F(Import, TakesNumbersAsLevelsOnDemandInTheirOrder) {
  options.factor = {"ward"};
  const Table table = import("ward,y\n10,1\n9,2\n100,3\n9,4\n");
  EXPECT_EQ(table.schema.table[0], factor("ward", {"9", "10", "100"}));
  EXPECT_EQ(table.code(4), 2);
}

/// Rows that have each a text of their own.
std::string all_distinct(int rows, const std::string& more = "") {
  std::string text = "id,y" + std::string(more.empty() ? "" : ",z") + "\n";
  for (int i = 0; i < rows; ++i) text += fmt::format("m{:05},{}{}\n", i, i, more);
  return text;
}

TEST_F(Import, LeavesTextsThatAreAllDistinctOut) {
  EXPECT_EQ(import(all_distinct(21)).schema.table, (TableSchema{{{.name = "y"}}}));
  EXPECT_EQ(report.columns[0].kind, ImportedColumn::Kind::text);
  EXPECT_EQ(import(all_distinct(20)).schema.table[0].levels.size(), 20u);
  // Nine in ten are nearly all.
  std::string text = all_distinct(90);
  for (int i = 0; i < 10; ++i) text += "m00000,1\n";
  EXPECT_EQ(import(text).schema.table.size(), 1);
  EXPECT_EQ(import(text + "m00000,1\n").schema.table.size(), 2);
  options.factor = {"id"};
  const Table table = import(all_distinct(2000));
  EXPECT_EQ(table.schema.table[0].levels.size(), 2000u);
  EXPECT_EQ(table.code(1001), 999);
  options.factor = {};
  options.reference = {{"id", "m00001"}};
  EXPECT_THAT(error(all_distinct(21), Fault::usage), AllOf(HasSubstr("left out"), HasSubstr("--factor id")));
  EXPECT_EQ(import(all_distinct(15)).schema.table[0].levels[0], "m00001");
  options.reference = {};
  EXPECT_THAT(error("id\n" +
                    [] {
                      std::string rows;
                      for (int i = 0; i < 30; ++i) rows += fmt::format("m{}\n", i);
                      return rows;
                    }()),
              AllOf(HasSubstr("no column left"), HasSubstr("--factor COLUMN")));
}

TEST_F(Import, MissingValuesOfAColumnThatIsLeftOutAreNoneOfTheRow) {
  const std::string text = all_distinct(30) + ",30\nNA,31\n";
  EXPECT_EQ(import(text).schema.num_rows(), 32);
  EXPECT_EQ(report.rows_dropped, 0);
  options.missing = Missing::drop;
  EXPECT_EQ(import(text).schema.num_rows(), 32);
  // The same of a factor that stays.
  options.factor = {"id"};
  EXPECT_EQ(import(text).schema.num_rows(), 30);
  EXPECT_EQ(report.rows_dropped, 2);
  options.missing = Missing::error;
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 32, column \"id\""), HasSubstr("2 of 32 rows")));
}

TEST_F(Import, LevelsOfRowsThatAreDroppedAreNone) {
  options.missing = Missing::drop;
  const Table table = import("f,g,a,y\nu,p,1,1\nv,,2,2\nw,p,,3\nu,q,4,4\n,q,5,5\n");
  EXPECT_EQ(table.schema.table[0], factor("f", {"u"}));
  EXPECT_EQ(table.schema.table[1], factor("g", {"p", "q"}));
  EXPECT_EQ(table.schema.num_rows(), 2);
  EXPECT_EQ(table.code(2, 1), 0);
  EXPECT_EQ(table.code(5, 1), 1);
  EXPECT_EQ(report.rows_dropped, 3);
}

TEST_F(Import, KeepsMissingValuesOnDemand) {
  options.missing = Missing::keep;
  const Table table = import("f,a,none,y\nu,,,1\n,2,NA,2\nv,3,?,NA\n");
  EXPECT_EQ(table.schema.table, (TableSchema{{factor("f", {"u", "v"}), {.name = "a"}, {.name = "y"}}}));
  EXPECT_EQ(table.schema.num_rows(), 3);
  EXPECT_EQ(table.code(3), -1);
  EXPECT_EQ(table.code(4), 1);
  EXPECT_TRUE(std::isnan(table.number(2)));
  EXPECT_EQ(table.number(3), 2.0);
  EXPECT_TRUE(std::isnan(table.number(4, 1)));
  EXPECT_EQ(report.columns[2].kind, ImportedColumn::Kind::empty);
  EXPECT_EQ(report.columns[1].missing, 1);
}

TEST_F(Import, ReadsWhatSpreadsheetsWrite) {
  const Table plain = import("a,b,y\n1,x,2\n3,z,5\n");
  const Table other = import("\xEF\xBB\xBF\"a\";\"b\";\"y\"\r\n 1 ;x;+2\r\n3;z;5\r\n");
  EXPECT_EQ(other.schema.content, plain.schema.content);
  EXPECT_EQ(import("a\tb\ty\n1\tx\t2\n3\tz\t5").schema.content, plain.schema.content);
}

TEST_F(Import, FaultsB8AConstantColumnIsPointedOut) {
  const Table table = import("a,b,f,y\n7.1,1,u,2\n7.1,2,u,4\n7.1,3,u,9\n");
  EXPECT_EQ(table.schema.table.size(), 4);
  EXPECT_THAT(report.warnings, ElementsAre("column \"a\" is constant, 7.1 in every row",
                                           "column \"f\" has one level only, \"u\""));
}

TEST_F(Import, FaultsB3NamesOfRowsAreSaidToBeLeftOut) {
  EXPECT_EQ(import(",a,y\n0,1,2\n1,3,4\n").schema.table.size(), 2);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("names of rows")));
}

TEST_F(Import, FaultsB6AFactorHasTheReferenceThatWasAskedFor) {
  options.reference = {{"f", "m"}};
  const Table table = import("f,a,y\nz,1,1\nm,2,2\na,5,3\n");
  EXPECT_EQ(table.schema.table[0], factor("f", {"m", "a", "z"}));
  EXPECT_EQ(table.code(2), 2);
  EXPECT_THAT(error("f,a,y\nz,1,1\nmm,2,2\n", Fault::usage),
              AllOf(HasSubstr("--reference f=m"), HasSubstr("\"mm\"")));
  options.reference = {{"a", "1"}};
  EXPECT_THAT(error("f,a,y\nz,1,1\nm,2,2\n", Fault::usage), HasSubstr("of numbers"));
}

TEST_F(Import, FaultsB9SaysWhatItTookEachColumnFor) {
  options.missing = Missing::drop;
  const Table table =
      import("day,a,f,y\n2024-03-01,1,u,1\n2024-03-02,?,v,2\n2024-03-05,2.5,w,NA\n2024-03-04,4,u,1\n");
  EXPECT_EQ(table.number(2), 19783.0);  // 1 March
  EXPECT_EQ(table.schema.table[0], (TableColumn{.name = "day"}));
  using Kind = ImportedColumn::Kind;
  ASSERT_EQ(report.columns.size(), 4U);
  EXPECT_EQ(report.columns[0].kind, Kind::date);
  EXPECT_EQ(report.columns[1].kind, Kind::number);
  EXPECT_EQ(report.columns[1].missing, 1);
  EXPECT_EQ(report.columns[2].kind, Kind::factor);
  EXPECT_THAT(report.columns[2].levels, ElementsAre("u"));
  EXPECT_EQ(report.columns[3].missing, 1);
  options.missing = Missing::error;
  EXPECT_THAT(
      error("a,b,y\n1,NA,1\nNA,NA,2\n2,3,3\n"),
      HasSubstr("2 of 3 rows have missing values (--missing drop leaves them out, --missing keep stores "
                "them as missing): b 2, a 1"));
  EXPECT_THAT(error("day,y\n2024-03-01,1\n2024-02-30,2\n"), AllOf(HasSubstr("line 3"), HasSubstr("no day")));
}

TEST_F(Import, SetsRowsAsideWithTheSameCoding) {
  const std::string text = [] {
    std::string made = "a,f,y\n";
    for (int i = 0; i < 2000; ++i) made += fmt::format("{},{},{}\n", i, "uvw"[i % 3], i % 2);
    return made;
  }();
  options.holdout = 0.2;
  options.holdout_output = folder / "holdout.h5";
  const Table train = import(text);
  const Table test = read_table(options.holdout_output);
  EXPECT_EQ(train.schema.num_rows() + test.schema.num_rows(), 2000);
  EXPECT_EQ(report.rows_held_out, test.schema.num_rows());
  EXPECT_NEAR(static_cast<double>(test.schema.num_rows()), 400.0, 5 * std::sqrt(2000 * 0.2 * 0.8));
  for (const auto& [line, row] : test.row_of_line) EXPECT_FALSE(train.row_of_line.contains(line));
  EXPECT_EQ(test.schema.table, train.schema.table);
  for (const Table* table : {&train, &test}) {
    for (const auto& [line, row] : table->row_of_line) {
      EXPECT_EQ(table->numbers(row, 0), static_cast<double>(line - 2));
      EXPECT_EQ(table->codes(row, 0), (line - 2) % 3);
    }
  }
}

TEST_F(Import, WarnsOfALevelThatOnlyRowsSetAsideHave) {
  options.holdout = 0.5;
  options.holdout_output = folder / "holdout.h5";
  options.factor = {"f"};
  std::string text = "f,y\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("v{:02},{}\n", i, i);
  const Table train = import(text);
  EXPECT_EQ(static_cast<Index>(report.warnings.size()), report.rows_held_out);
  EXPECT_EQ(train.schema.table[0].levels.size(), 40u);
}

TEST_F(Import, StoresSinglePrecisionWhereItHoldsTheNumbers) {
  options.single = true;
  EXPECT_TRUE(import("a,y\n0.1,16777216\n0.2,2\n").schema.single);
  EXPECT_EQ(read_table(options.output).numbers.col(0).minCoeff(), static_cast<double>(0.1f));
  const auto doubled = [&](const std::string& text) {
    const Table table = import(text);
    EXPECT_FALSE(table.schema.single) << text;
    EXPECT_EQ(report.notes.size(), 1u);
    return report.notes.empty() ? "" : report.notes[0];
  };
  // Whole numbers exactly, of the rows set aside too.
  EXPECT_THAT(doubled("a,y\n1,16777217\n2,5\n"),
              HasSubstr("column \"y\" has whole numbers up to 16777217, not all of which single"));
  EXPECT_EQ(read_table(options.output).number(2, 1), 16777217.0);
  // Others to 1e-6 of their standard deviation: that of 1000 + 0, 0.1, 0.2 is 0.1, half a unit is 3e-5.
  EXPECT_THAT(doubled("a,y\n1000,1\n1000.1,2\n1000.2,5\n"),
              HasSubstr("would round its values by up to 0.000"));
  EXPECT_TRUE(import("a,y\n1000.1,1\n1100.2,2\n1300.3,5\n").schema.single);
  EXPECT_TRUE(import("a,y\n1000.1,1\n1000.1,2\n").schema.single) << "constant";
  EXPECT_THAT(doubled("a,y\n0.1,1\n1e300,2\n"), HasSubstr("\"a\""));
  options.single = false;
  EXPECT_EQ(import("a,y\n0.1,1\n1e300,2\n").numbers.maxCoeff(), 1e300);
}

TEST_F(Import, DropsRowsWithMissingValuesOnDemand) {
  const std::string text = "a,b,y\nNA,x,1\n2,x,\n3,,3\n4,y,4\n5,x,5\n.,y,NaN\n";
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 2, column \"a\""), HasSubstr("4 of 6 rows"),
                                 HasSubstr("--missing drop")));
  options.missing = Missing::drop;
  const Table table = import(text);
  EXPECT_EQ(report.rows_read, 6);
  EXPECT_EQ(report.rows_dropped, 4);
  EXPECT_EQ(table.schema.num_rows(), 2);
  EXPECT_EQ(table.number(5), 4.0);
  EXPECT_EQ(table.number(6), 5.0);
  EXPECT_THAT(error("a,y\nNA,1\n2,NA\n"), HasSubstr("no rows left"));
}

TEST_F(Import, IgnoresMissingValuesOfDroppedColumns) {
  options.drop = {"b"};
  EXPECT_EQ(import("a,b,y\n1,,1\n2,NA,2\n").schema.num_rows(), 2);
}

TEST_F(Import, NamesTheFirstRaggedRowAndCountsAll) {
  EXPECT_THAT(error("a,b,c,y\n1,2,3,4\n\n1,\"2\n\",3,4\n1,2,3\n1,2,3,4\n1,2,3,4,5\n"),
              AllOf(HasSubstr("data.csv, line 6: 3 fields, expected 4 (as in the header)"),
                    HasSubstr("2 bad rows in all, on lines 6, 8")));
}

TEST_F(Import, RefusesAColumnOfNumbersAndTexts) {
  EXPECT_THAT(error("a,y\n1,1\nred,2\nblue,3\n"),
              AllOf(HasSubstr("line 3, column \"a\": \"red\" is not a number"), HasSubstr("--factor a"),
                    HasSubstr("2 bad rows")));
  EXPECT_THAT(error("a,y\nred,1\n7,2\n"),
              AllOf(HasSubstr("line 3, column \"a\": \"7\" is a number"), HasSubstr("--factor a")));
  options.factor = {"a"};
  EXPECT_EQ(import("a,y\nred,1\n7,2\n").schema.table[0], factor("a", {"7", "red"}));
}

TEST_F(Import, RefusesNumbersItCannotHold) {
  EXPECT_THAT(error("a;y\n1,5;1\n2,5;2\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("decimal comma"), HasSubstr("--decimal ,")));
  EXPECT_THAT(error("a,y\n\"1,234\",1\n5,2\n"), AllOf(HasSubstr("line 2"), HasSubstr("--thousands ,")));
  EXPECT_THAT(error("a,y\n1,1\ninf,2\n"), AllOf(HasSubstr("line 3"), HasSubstr("\"inf\" is not finite")));
  EXPECT_THAT(error("a,y\n1,1\n2,1e999\n"),
              AllOf(HasSubstr("line 3, column \"y\""), HasSubstr("not finite")));
}

TEST_F(Import, RefusesFilesWithoutRows) {
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("a,y\n"), HasSubstr("no rows"));
  EXPECT_THAT(error("a,y\n1,2\n\"3,4\n"), AllOf(HasSubstr("line 3"), HasSubstr("not closed")));
}

TEST_F(Import, OffersTheNearestColumns) {
  options.drop = {"wieght"};
  EXPECT_THAT(error("weight,Solubility,mass\n1,2,3\n", Fault::usage),
              AllOf(HasSubstr("--drop"), HasSubstr("\"weight\"")));
}

TEST_F(Import, RefusesOptionsThatContradict) {
  const auto refused = [this](const std::function<void(ImportOptions&)>& change) {
    const ImportOptions before = options;
    change(options);
    const std::string line = error("a,b,y\n1,2,3\n2,3,4\n", Fault::usage);
    options = before;
    return line;
  };
  EXPECT_THAT(refused([](auto& o) { o.drop = {"a"}, o.factor = {"a"}; }),
              AllOf(HasSubstr("--drop"), HasSubstr("--factor")));
  EXPECT_THAT(refused([](auto& o) { o.drop = {"a"}, o.reference = {{"a", "1"}}; }), HasSubstr("--reference"));
  EXPECT_THAT(refused([](auto& o) { o.drop = {"a", "b", "y"}; }), HasSubstr("leaves no column"));
  EXPECT_THAT(refused([](auto& o) { o.holdout = 0.2; }), HasSubstr("holdout"));
  EXPECT_THAT(refused([](auto& o) { o.holdout = 1.0, o.holdout_output = "h.h5"; }), HasSubstr("holdout"));
  EXPECT_THAT(refused([](auto& o) { o.output = o.input; }), HasSubstr("different files"));
  EXPECT_THAT(refused([](auto& o) { o.block_rows = -1; }), HasSubstr("block"));
}

TEST_F(Import, RefusesAHoldoutThatLeavesNothing) {
  options.holdout = 0.001;
  options.holdout_output = folder / "holdout.h5";
  EXPECT_THAT(error("a,y\n1,2\n2,3\n"), HasSubstr("0 of 2 rows"));
}

TEST_F(Import, NamesWhatIsMissingOrCannotBeMade) {
  options.input = folder / "absent.csv";
  try {
    import_csv(options);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::missing);
  }
  options.input = folder / "data.csv";
  options.output = folder / "absent" / "data.h5";
  EXPECT_THAT(error("a,y\n1,2\n", Fault::cannot_create), HasSubstr("absent"));
  options.output = folder.path();
  EXPECT_THAT(error("a,y\n1,2\n", Fault::cannot_create), HasSubstr("folder"));
}

TEST_F(Import, LeavesTheEarlierFileOnFailure) {
  import("a,y\n1,2\n2,3\n");
  const std::string before = contents(options.output);
  options.memory = 64;
  error("a,y\n1,2\n2,3\n3,4\n5,red\n");
  EXPECT_EQ(contents(options.output), before);
}

TEST(DefaultBlockRows, FitsTheWorkingSetInAMebibyte) {
  for (const Index columns : {1, 9, 28, 100, 1000, 100000})
    for (const bool single : {true, false}) {
      const Index rows = default_block_rows(columns, single), bytes = columns * (single ? 4 : 8) + 2 * 16 * 8;
      EXPECT_GE(rows, 512);
      EXPECT_EQ(rows & (rows - 1), 0) << "a power of two";
      if (rows > 512) {
        EXPECT_LE(rows * bytes, 1 << 20);
      }
      EXPECT_GT(2 * rows * bytes, 1 << 20);
    }
  EXPECT_EQ(default_block_rows(28, true), 2048);
}

TEST(DefaultBlockRows, SharesFewRowsAmongBlocks) {
  EXPECT_EQ(default_block_rows(28, true, 1'000'000), 2048);
  EXPECT_EQ(default_block_rows(28, true, 40'000), 1024);
  EXPECT_EQ(default_block_rows(28, true, 1000), 256);
}

}  // namespace
}  // namespace vfe
