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
  Schema schema;
  Matrix x;
  Vector y, offset, weight;
  std::vector<std::int64_t> line;
  std::map<std::int64_t, Index> row_of_line;
};

Table read_table(const std::filesystem::path& path) {
  const Dataset dataset(path);
  Table table;
  table.schema = dataset.schema();
  const Rows rows = dataset.read({0, table.schema.num_blocks()});
  std::visit([&](const auto& x) { table.x = x.template cast<double>(); }, rows.x);
  table.y = rows.y;
  table.offset = rows.offset;
  table.weight = rows.weight;
  for (Index row = 0; row < table.schema.num_rows(); ++row) {
    const std::string name = dataset.name_row(row);  // "row 12 (line 4711 of data.csv)"
    table.line.push_back(std::stoll(name.substr(name.find("line ") + 5)));
    table.row_of_line[table.line.back()] = row;
  }
  return table;
}

struct Import : testing::Test {
  TemporaryFolder folder;
  ImportOptions options;

  Import() {
    options.input = folder / "data.csv";
    options.output = folder / "data.h5";
    options.response = "y";
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

TEST_F(Import, KeepsValuesAsTheyAreWithoutStandardising) {
  options.standardize = false;
  const Table table = import("a,y,b\n1.5,10,-2\n2.5,20,4\n0.125,30,8\n");
  EXPECT_EQ(table.schema.response, "y");
  ASSERT_EQ(table.schema.columns.size(), 2u);
  EXPECT_EQ(table.schema.columns[0], (Column{"a", "a", "", "", 0.0, 1.0}));
  EXPECT_EQ(table.schema.columns[1], (Column{"b", "b", "", "", 0.0, 1.0}));
  EXPECT_EQ(table.schema.response_centre, 0.0);
  EXPECT_EQ(table.schema.response_scale, 1.0);
  EXPECT_EQ(table.schema.source, "data.csv");
  const std::map<std::int64_t, std::vector<double>> expected = {
      {2, {1.5, -2, 10}}, {3, {2.5, 4, 20}}, {4, {0.125, 8, 30}}};
  for (const auto& [line, values] : expected) {
    const Index row = table.row_of_line.at(line);
    EXPECT_THAT((std::vector<double>{table.x(row, 0), table.x(row, 1), table.y[row]}), testing::Eq(values));
  }
  EXPECT_EQ(report.rows_read, 3);
  EXPECT_THAT(report.warnings, IsEmpty());
}

TEST_F(Import, CentresAndScalesByMeanAndStandardDeviation) {
  const Table table = import("a,y\n1e6,2\n1000002,4\n1000007,9\n");
  const Column& a = table.schema.columns[0];
  EXPECT_DOUBLE_EQ(a.centre, 1000003.0);
  EXPECT_DOUBLE_EQ(a.scale, std::sqrt((9.0 + 1.0 + 16.0) / 2.0));
  EXPECT_DOUBLE_EQ(table.schema.response_centre, 5.0);
  EXPECT_DOUBLE_EQ(table.schema.response_scale, std::sqrt((9.0 + 1.0 + 16.0) / 2.0));
  EXPECT_EQ(table.y[table.row_of_line.at(4)], 9.0);
  EXPECT_NEAR(table.x(table.row_of_line.at(4), 0), 4.0 / a.scale, 1e-12);
  EXPECT_NEAR(table.x.sum(), 0.0, 1e-12);
}

TEST_F(Import, ShufflesEveryRowOnce) {
  const Table table = import(numbers(5000));
  EXPECT_EQ(table.schema.num_rows(), 5000);
  ASSERT_EQ(table.row_of_line.size(), 5000u);
  const Column& a = table.schema.columns[0];
  Index in_place = 0;
  for (Index row = 0; row < 5000; ++row) {
    const auto i = static_cast<double>(table.line[row] - 2);
    EXPECT_NEAR(table.x(row, 0) * a.scale + a.centre, i, 1e-9);
    EXPECT_EQ(table.y[row], std::fmod(i, 7.0));
    in_place += table.line[row] == row + 2;
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

TEST_F(Import, CodesFactorsAgainstTheirFirstLevel) {
  const Table table = import("colour,a,y\nred,1,0\n\"blue, dark\",2,1\ngreen,4,0\nred,3,1\n");
  ASSERT_EQ(table.schema.columns.size(), 3u);
  EXPECT_EQ(table.schema.columns[0], (Column{"colour[green]", "colour", "green", "blue, dark", 0.0, 1.0}));
  EXPECT_EQ(table.schema.columns[1], (Column{"colour[red]", "colour", "red", "blue, dark", 0.0, 1.0}));
  EXPECT_EQ(table.schema.columns[2].name, "a");
  const auto indicators = [&](std::int64_t line) -> Vector {
    return table.x.row(table.row_of_line.at(line)).head(2).transpose();
  };
  EXPECT_EQ(indicators(2), Eigen::Vector2d(0, 1));
  EXPECT_EQ(indicators(3), Eigen::Vector2d(0, 0));
  EXPECT_EQ(indicators(4), Eigen::Vector2d(1, 0));
  EXPECT_EQ(indicators(5), Eigen::Vector2d(0, 1));
}

TEST_F(Import, TakesNumbersAsLevelsOnDemandInTheirOrder) {
  options.factor = {"ward"};
  const Table table = import("ward,y\n10,1\n9,2\n100,3\n9,4\n");
  EXPECT_EQ(table.schema.columns[0], (Column{"ward[10]", "ward", "10", "9", 0.0, 1.0}));
  EXPECT_EQ(table.schema.columns[1].level, "100");
}

TEST_F(Import, CodesAFactorResponse) {
  const Table table = import("a,y\n1,yes\n2,no\n4,maybe\n3,no\n");
  EXPECT_THAT(table.schema.response_levels, ElementsAre("maybe", "no", "yes"));
  EXPECT_EQ(table.y[table.row_of_line.at(2)], 2.0);
  EXPECT_EQ(table.y[table.row_of_line.at(3)], 1.0);
  EXPECT_EQ(table.y[table.row_of_line.at(4)], 0.0);
  EXPECT_EQ(table.schema.response_centre, 0.0);
  EXPECT_EQ(table.schema.response_scale, 1.0);
  EXPECT_EQ(report.schema.response_classes, 0);
}

TEST_F(Import, CountsTheClassesOfANumericResponse) {
  import("a,y\n1,0\n2,2\n4,1\n");
  EXPECT_EQ(report.schema.response_classes, 3);
  import("a,y\n1,0\n2,2.5\n4,1\n");
  EXPECT_EQ(report.schema.response_classes, 0);
  import("a,y\n1,0\n2,1000\n4,1\n");
  EXPECT_EQ(report.schema.response_classes, 0);
}

TEST_F(Import, CarriesOffsetsAndWeights) {
  options.offset = "exposure";
  options.weight = "w";
  options.drop = {"id"};
  const Table table = import("id,exposure,a,w,y\nm1,0.5,1,2,3\nm2,-1.5,2,0,4\n");
  ASSERT_EQ(table.schema.columns.size(), 1u);
  EXPECT_TRUE(table.schema.has_offset && table.schema.has_weight);
  EXPECT_EQ(table.offset[table.row_of_line.at(2)], 0.5);
  EXPECT_EQ(table.offset[table.row_of_line.at(3)], -1.5);
  EXPECT_EQ(table.weight[table.row_of_line.at(2)], 2.0);
  EXPECT_EQ(table.weight[table.row_of_line.at(3)], 0.0);
}

TEST_F(Import, ReadsWhatSpreadsheetsWrite) {
  const Table plain = import("a,b,y\n1,x,2\n3,z,5\n");
  const Table other = import("\xEF\xBB\xBF\"a\";\"b\";\"y\"\r\n 1 ;x;+2\r\n3;z;5\r\n");
  EXPECT_EQ(other.schema.content, plain.schema.content);
  EXPECT_EQ(import("a\tb\ty\n1\tx\t2\n3\tz\t5").schema.content, plain.schema.content);
}

TEST_F(Import, FaultsB8AConstantColumnIsLeftOut) {
  const Table table = import("a,b,f,y\n7.1,1,u,2\n7.1,2,u,4\n7.1,3,u,9\n");
  ASSERT_EQ(table.schema.num_columns(), 1);
  EXPECT_EQ(table.schema.columns[0].name, "b");
  EXPECT_THAT(report.warnings,
              ElementsAre(AllOf(HasSubstr("\"a\" is constant, 7.1 in every row"), HasSubstr("left out")),
                          AllOf(HasSubstr("\"f\" has one level only"), HasSubstr("left out"))));
}

TEST_F(Import, FaultsB7TheResponseAloneWillDo) {
  for (const char* text : {"y\n1\n2\n", "a,b,y\n1,2,1\n1,2,2\n"}) {
    const Table table = import(text);
    EXPECT_EQ(table.schema.num_columns(), 0);
    EXPECT_EQ(table.x.cols(), 0);
    EXPECT_EQ(table.y.sum(), 3.0);
  }
}

TEST_F(Import, FaultsB3NamesOfRowsAreSaidToBeLeftOut) {
  EXPECT_EQ(import(",a,y\n0,1,2\n1,3,4\n").schema.num_columns(), 1);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("names of rows")));
}

TEST_F(Import, FaultsB6AFactorHasTheReferenceThatWasAskedFor) {
  options.reference = {{"f", "m"}};
  const Table table = import("f,a,y\nz,1,1\nm,2,2\na,5,3\n");
  EXPECT_EQ(table.schema.columns[0], (Column{"f[a]", "f", "a", "m", 0.0, 1.0}));
  EXPECT_EQ(table.schema.columns[1], (Column{"f[z]", "f", "z", "m", 0.0, 1.0}));
  EXPECT_THAT(error("f,a,y\nz,1,1\nmm,2,2\n", Fault::usage),
              AllOf(HasSubstr("--reference f=m"), HasSubstr("\"mm\"")));
  options.reference = {{"a", "1"}};
  EXPECT_THAT(error("f,a,y\nz,1,1\nm,2,2\n", Fault::usage), HasSubstr("of numbers"));
}

TEST_F(Import, FaultsB9SaysWhatItTookEachColumnFor) {
  options.drop_missing = true;
  const Table table =
      import("day,a,f,y\n2024-03-01,1,u,1\n2024-03-02,?,v,2\n2024-03-05,2.5,w,NA\n2024-03-04,4,u,1\n");
  EXPECT_DOUBLE_EQ(table.schema.columns[0].centre, 19784.5);  // 1 and 4 March
  using Kind = ImportedColumn::Kind;
  ASSERT_EQ(report.columns.size(), 4U);
  EXPECT_EQ(report.columns[0].kind, Kind::date);
  EXPECT_EQ(report.columns[1].kind, Kind::number);
  EXPECT_EQ(report.columns[1].missing, 1);
  EXPECT_EQ(report.columns[2].kind, Kind::factor);
  EXPECT_THAT(report.columns[2].levels, ElementsAre("u"));
  EXPECT_EQ(report.columns[3].missing, 1);
  options.drop_missing = false;
  EXPECT_THAT(error("a,b,y\n1,NA,1\nNA,NA,2\n2,3,3\n"),
              HasSubstr("2 of 3 rows have missing values (--missing "
                        "drop leaves them out): b 2, a 1"));
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
  EXPECT_EQ(test.schema.columns, train.schema.columns);
  EXPECT_EQ(test.schema.response_centre, train.schema.response_centre);

  double sum = 0.0;
  for (const std::int64_t line : train.line) sum += static_cast<double>(line - 2);
  const Column& a = train.schema.columns[0];
  EXPECT_NEAR(a.centre, sum / static_cast<double>(train.schema.num_rows()), 1e-9);
  for (Index row = 0; row < test.schema.num_rows(); ++row) {
    const auto i = static_cast<double>(test.line[row] - 2);
    EXPECT_NEAR(test.x(row, 0) * a.scale + a.centre, i, 1e-9);
    EXPECT_EQ(test.x(row, 1), std::fmod(i, 3.0) == 1.0);
    EXPECT_EQ(test.x(row, 2), std::fmod(i, 3.0) == 2.0);
  }
}

TEST_F(Import, WarnsOfALevelThatOnlyRowsSetAsideHave) {
  options.holdout = 0.5;
  options.holdout_output = folder / "holdout.h5";
  std::string text = "f,y\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("v{:02},{}\n", i, i);
  const Table train = import(text);
  EXPECT_EQ(static_cast<Index>(report.warnings.size()), report.rows_held_out);
  EXPECT_EQ(train.schema.num_columns(), 39);
}

TEST_F(Import, StoresSinglePrecisionUnlessTold) {
  options.standardize = false;
  options.single = true;
  EXPECT_EQ(import("a,y\n0.1,1\n0.2,2\n").x.minCoeff(), static_cast<double>(0.1f));
  EXPECT_THAT(error("a,y\n0.1,1\n1e300,2\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("\"a\""), HasSubstr("--float64")));
  options.single = false;
  EXPECT_EQ(import("a,y\n0.1,1\n1e300,2\n").x.maxCoeff(), 1e300);
}

TEST_F(Import, DropsRowsWithMissingValuesOnDemand) {
  const std::string text = "a,b,y\nNA,x,1\n2,x,\n3,,3\n4,y,4\n5,x,5\n.,y,NaN\n";
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 2, column \"a\""), HasSubstr("4 of 6 rows"),
                                 HasSubstr("--missing drop")));
  options.drop_missing = true;
  const Table table = import(text);
  EXPECT_EQ(report.rows_read, 6);
  EXPECT_EQ(report.rows_dropped, 4);
  EXPECT_EQ(table.schema.num_rows(), 2);
  EXPECT_DOUBLE_EQ(table.schema.columns[0].centre, 4.5);
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
  EXPECT_EQ(import("a,y\nred,1\n7,2\n").schema.columns[0].name, "a[red]");
}

TEST_F(Import, RefusesNumbersItCannotHold) {
  EXPECT_THAT(error("a;y\n1,5;1\n2,5;2\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("decimal comma"), HasSubstr("--decimal ,")));
  EXPECT_THAT(error("a,y\n\"1,234\",1\n5,2\n"), AllOf(HasSubstr("line 2"), HasSubstr("--thousands ,")));
  EXPECT_THAT(error("a,y\n1,1\ninf,2\n"), AllOf(HasSubstr("line 3"), HasSubstr("\"inf\" is not finite")));
  EXPECT_THAT(error("a,y\n1,1\n2,1e999\n"),
              AllOf(HasSubstr("line 3, column \"y\""), HasSubstr("not finite")));
}

TEST_F(Import, RefusesBadOffsetsAndWeights) {
  options.weight = "w";
  EXPECT_THAT(error("a,w,y\n1,1,1\n2,-1,2\n"), AllOf(HasSubstr("line 3"), HasSubstr("negative weight")));
  EXPECT_THAT(error("a,w,y\n1,heavy,1\n"), AllOf(HasSubstr("line 2"), HasSubstr("expected a weight")));
}

TEST_F(Import, RefusesFilesWithoutRows) {
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("a,y\n"), HasSubstr("no rows"));
  EXPECT_THAT(error("a,y\n1,2\n\"3,4\n"), AllOf(HasSubstr("line 3"), HasSubstr("not closed")));
}

TEST_F(Import, RefusesTooManyLevels) {
  std::string text = "id,y\n";
  for (int i = 0; i < 1001; ++i) text += fmt::format("m{},1\n", i);
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 1002"), HasSubstr("\"m1000\""), HasSubstr("--drop id")));
}

TEST_F(Import, RefusesTwoColumnsOfOneName) {
  EXPECT_THAT(error("f,f[v],y\nu,1,1\nv,2,2\n"), HasSubstr("\"f[v]\""));
}

TEST_F(Import, OffersTheNearestColumns) {
  options.response = "solubilty";
  EXPECT_THAT(error("weight,Solubility,mass\n1,2,3\n", Fault::usage),
              HasSubstr("the nearest are \"Solubility\""));
  options.response = "mass";
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
  EXPECT_THAT(refused([](auto& o) { o.drop = {"y"}; }), AllOf(HasSubstr("--response"), HasSubstr("--drop")));
  EXPECT_THAT(refused([](auto& o) { o.weight = "y"; }),
              AllOf(HasSubstr("--response"), HasSubstr("--weight")));
  EXPECT_THAT(refused([](auto& o) { o.offset = "a", o.factor = {"a"}; }), HasSubstr("--factor"));
  EXPECT_THAT(refused([](auto& o) { o.response = ""; }), HasSubstr("--response"));
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
