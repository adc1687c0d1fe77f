// Imports that keep the rows of groups together.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/data/import.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct ImportGroups : testing::Test {
  TemporaryFolder folder;
  ImportOptions options;
  ImportReport report;

  ImportGroups() {
    options.input = folder / "data.csv";
    options.output = folder / "data.h5";
    options.group = {"school"};
    options.block_rows = 8;
    options.quiet = true;
  }

  const DatasetSchema& import(const std::string& text) {
    put(options.input, text);
    report = import_csv(options);
    return report.schema;
  }

  std::string error(const std::string& text, Fault fault = Fault::data) {
    put(options.input, text);
    try {
      import_csv(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), fault) << e.what();
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
};

/// 1000 rows of 40 schools with classes 1, 2, 3 each, in no order; row i is on line i + 2.
std::string school_of(int row) {
  return fmt::format("s{}", row * 7 % 40);
}
int class_of(int row) {
  return row / 40 % 3 + 1;
}
std::string schools(int rows = 1000) {
  std::string text = "x,class,school\n";
  for (int i = 0; i < rows; ++i) text += fmt::format("{},{},{}\n", i, class_of(i), school_of(i));
  return text;
}

/// The groups of the rows of a file, by the lines that they came from, one for each run.
template <class GroupOf>
auto runs(const std::filesystem::path& path, GroupOf group_of) {
  const Dataset file(path);
  std::vector<decltype(group_of(0))> found;
  for (const std::int64_t line : file.lines(0, file.schema().num_rows())) {
    const auto group = group_of(static_cast<int>(line) - 2);
    if (found.empty() || found.back() != group) found.push_back(group);
  }
  return found;
}

template <class T>
bool all_different(const std::vector<T>& list) {
  return std::set<T>(list.begin(), list.end()).size() == list.size();
}

TEST_F(ImportGroups, KeepRowsTogetherAndInABlock) {
  const DatasetSchema& schema = import(schools());
  EXPECT_THAT(schema.grouped_by, ElementsAre("school"));
  const std::vector<std::string> order = runs(options.output, school_of);
  EXPECT_EQ(order.size(), 40u);
  EXPECT_TRUE(all_different(order));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(schema.num_rows(), 1000);
  EXPECT_EQ(schema.num_blocks(), 40);  // 25 rows each are more than 8
  options.block_rows = 60;
  EXPECT_THAT(import(schools()).blocks.offsets(),
              ElementsAre(0, 75, 150, 225, 300, 375, 450, 525, 600, 675, 750, 825, 900, 975, 1000));
  EXPECT_EQ(runs(options.output, school_of), order);
  // Rows of a school are in no order.
  const std::vector<std::int64_t> lines = Dataset(options.output).lines(0, 25);
  EXPECT_FALSE(std::is_sorted(lines.begin(), lines.end()));
}

TEST_F(ImportGroups, InsideOfGroups) {
  options.block_rows = 60;
  const auto class_and_school = [](int row) { return std::pair(school_of(row), class_of(row)); };
  options.group = {"school/class"};
  const DatasetSchema slashed = import(schools());
  EXPECT_THAT(slashed.grouped_by, ElementsAre("school", "class"));
  EXPECT_EQ(slashed.table[1].type, ColumnType::integer);
  EXPECT_EQ(runs(options.output, school_of).size(), 40u);
  const auto order = runs(options.output, class_and_school);
  EXPECT_EQ(order.size(), 120u);
  EXPECT_TRUE(all_different(order));
  options.group = {"school", "class"};
  EXPECT_EQ(import(schools()).content, slashed.content);
  options.group = {"class"};  // three of more than 300 rows
  EXPECT_EQ(import(schools()).num_blocks(), 3);
  EXPECT_EQ(runs(options.output, class_of).size(), 3u);
}

TEST_F(ImportGroups, AreOfTheFileAndTheSeedWhateverTheMemory) {
  options.group = {"school", "class"};
  const std::uint64_t content = import(schools(3000)).content;
  const std::vector<Index> offsets = report.schema.blocks.offsets();
  for (const std::size_t memory : {std::size_t{1} << 28, std::size_t{1} << 14, std::size_t{1} << 11}) {
    options.memory = memory;
    EXPECT_EQ(import(schools(3000)).content, content) << memory;
    EXPECT_EQ(report.schema.blocks.offsets(), offsets) << memory;
  }
  const auto order = runs(options.output, school_of);
  options.seed = 2;
  import(schools(3000));
  EXPECT_NE(runs(options.output, school_of), order);
}

TEST_F(ImportGroups, OfOneRowEach) {
  options.group = {"id"};
  std::string text = "id,y\n";
  for (int i = 0; i < 100; ++i) text += fmt::format("m{:03},{}\n", i, i);
  const DatasetSchema& schema = import(text);  // texts all different, otherwise left out
  ASSERT_EQ(schema.table[0].name, "id");
  EXPECT_EQ(schema.table[0].levels.size(), 100u);
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_EQ(schema.blocks, Blocks::of_equal(100, 8));
}

TEST_F(ImportGroups, OfWholeNumbersAreKeptExactly) {
  options.single = true;
  const DatasetSchema& schema = import(
      "school,y\n9007199254740993,1\n-9223372036854775807,2\n9221120237041090560,0.5\n 9007199254740992 ,4\n"
      "+9007199254740993,5\n1e3,6\n");
  EXPECT_EQ(schema.table[0], (TableColumn{.name = "school", .type = ColumnType::integer}));
  EXPECT_TRUE(schema.single);  // what groups are called is no reason for double precision
  EXPECT_THAT(report.warnings, IsEmpty());
  const Dataset file(options.output);
  std::map<std::int64_t, std::int64_t> of_line;
  const TableRows rows = file.read({0, schema.num_blocks()});
  for (Index r = 0; r < 6; ++r) of_line[file.lines(r, r + 1)[0]] = rows.integers(r, 0);
  EXPECT_THAT(of_line, ElementsAre(std::pair(2, 9007199254740993), std::pair(3, -9223372036854775807),
                                   std::pair(4, 9221120237041090560),  // the bits of NaN
                                   std::pair(5, 9007199254740992), std::pair(6, 9007199254740993),
                                   std::pair(7, 1000)));
  EXPECT_EQ(report.columns[0].kind, ImportedColumn::Kind::integer);
  options.factor = {"school"};
  EXPECT_THAT(import("school,y\n10,1\n9,2\n10,3\n").table[0].levels, ElementsAre("9", "10"));
  options.factor = {};
  EXPECT_EQ(import("school,y\n2024-03-01,1\n2024-03-02,2\n").table[0].type, ColumnType::integer);
  EXPECT_EQ(Dataset(options.output).read({0, 1}).integers.minCoeff(), 19783);
  import("school,y\n9007199254740993,1\n9007199254740993,2\n");
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("is constant, 9007199254740993")));
}

TEST_F(ImportGroups, ThatNameNoneAreRefusedWhereTheyStand) {
  EXPECT_THAT(error("school,y\n1,1\n1.5,2\n3,3\n-0.25,4\n"),
              AllOf(HasSubstr("data.csv, line 3, column \"school\": \"1.5\" names a group, expected a whole"),
                    HasSubstr("--factor school"), HasSubstr("2 bad rows in all, on lines 3, 5")));
  for (const char* number : {"9223372036854775808", "-9223372036854775808", "1e30"})
    EXPECT_THAT(error(fmt::format("school,y\n1,1\n{},2\n", number)), HasSubstr("expected a whole number"));
  EXPECT_THAT(error("school,y\n2024-03-01,1\n2024-03-01T12:00,2\n"), HasSubstr("expected a whole number"));
  EXPECT_THAT(error("school,y\na,1\n2,2\n"), HasSubstr("\"2\" is a number, but line 2 has \"a\""));
}

TEST_F(ImportGroups, AreNeverMissing) {
  const std::string text = "school,x,y\n,1,1\na,,2\nb,3,3\nNA,4,4\n";
  EXPECT_THAT(error(text), AllOf(HasSubstr("line 2, column \"school\": missing value; 3 of 4 rows"),
                                 HasSubstr("school 2, x 1")));
  options.missing = Missing::drop;
  EXPECT_EQ(import(text).num_rows(), 1);
  EXPECT_EQ(report.rows_dropped, 3);
  options.missing = Missing::keep;
  EXPECT_THAT(error(text),
              AllOf(HasSubstr("data.csv, line 2, column \"school\": missing value, but every row"),
                    HasSubstr("--missing drop"), HasSubstr("on lines 2, 5")));
  const DatasetSchema& schema = import("school,x,y\na,1,1\na,,2\nb,3,3\n");
  EXPECT_EQ(schema.num_rows(), 3);
  for (const Missing missing : {Missing::drop, Missing::error, Missing::keep}) {
    options.missing = missing;
    error("school,y\n,1\n,2\n");
  }
}

TEST_F(ImportGroups, StandTogetherInBothFilesOfAHoldout) {
  options.holdout = 0.3;
  options.holdout_output = folder / "holdout.h5";
  import(schools());
  std::set<std::int64_t> lines;
  for (const std::filesystem::path& path : {options.output, options.holdout_output}) {
    EXPECT_TRUE(all_different(runs(path, school_of))) << path;
    const Dataset file(path);
    EXPECT_THAT(file.schema().grouped_by, ElementsAre("school"));
    for (const std::int64_t line : file.lines(0, file.schema().num_rows()))
      EXPECT_TRUE(lines.insert(line).second);
  }
  EXPECT_EQ(lines.size(), 1000u);
  // The rows set aside are those that are without groups.
  const std::vector<std::int64_t> aside = [&] {
    options.group.clear();
    import(schools());
    const Dataset file(options.holdout_output);
    return file.lines(0, file.schema().num_rows());
  }();
  options.group = {"school"};
  import(schools());
  const Dataset file(options.holdout_output);
  EXPECT_THAT(file.lines(0, file.schema().num_rows()), testing::UnorderedElementsAreArray(aside));
  // A school all of whose rows are aside is no reason for a line about each.
  options.holdout = 0.9;
  std::string text = "school,y\n";
  for (int i = 0; i < 200; ++i) text += fmt::format("s{},{}\n", i, i);
  import(text);
  EXPECT_THAT(report.warnings, IsEmpty());
}

TEST_F(ImportGroups, HaveNamesThatAreColumns) {
  const std::string text = "a/b,a,b,y\n1,2,3,4\n1,2,3,5\n2,2,3,6\n";
  options.group = {"a/b"};  // a column as it stands
  EXPECT_THAT(import(text).grouped_by, ElementsAre("a/b"));
  options.group = {"a/b", "a"};
  EXPECT_THAT(import(text).grouped_by, ElementsAre("a/b", "a"));
  options.group = {"b/a/y"};
  EXPECT_THAT(import(text).grouped_by, ElementsAre("b", "a", "y"));
  const auto refused = [&](const std::vector<std::string>& group) {
    options.group = group;
    return error(text, Fault::usage);
  };
  EXPECT_THAT(refused({"a/c"}), AllOf(HasSubstr("no column \"c\" (--group)"), HasSubstr("nearest")));
  EXPECT_THAT(refused({"a/"}), HasSubstr("no column \"\" (--group)"));
  EXPECT_THAT(refused({"a", "b/a"}), HasSubstr("column \"a\" is named by --group twice"));
  options.drop = {"a"};
  EXPECT_THAT(refused({"a"}), HasSubstr("named by --drop and by --group"));
}

}  // namespace
}  // namespace vfe
