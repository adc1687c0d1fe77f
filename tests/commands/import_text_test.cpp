#include "vfe/commands/import_text.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "run/temporary_folder.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct ImportText : testing::Test {
  std::string text_of(const std::string& csv) {
    put(folder / "data.csv", csv);
    options.input = folder / "data.csv";
    options.output = folder / "data.h5";
    options.quiet = true;
    return import_text(import_csv(options), options);
  }

  TemporaryFolder folder;
  ImportOptions options;
};

TEST_F(ImportText, SaysWhatTheColumnsAre) {
  std::string csv = "a,b,day,carrier,origin,id,note\n";
  for (int i = 0; i < 30; ++i) {
    csv += fmt::format("{},{},2024-01-{:02},{},{},m{},\n", i, i % 4 == 0 ? "" : "0.5", 1 + i, "ZBA"[i % 3],
                       i % 2 == 0 ? "EWR" : "JFK", i);
  }
  options.missing = Missing::keep;
  EXPECT_THAT(
      text_of(csv),
      AllOf(StartsWith(
                "2 numbers, 1 date, 2 factors (carrier 3 levels, origin 2), 1 dropped: all distinct text "
                "\"id\", 1\n  dropped: without any value \"note\"\n"
                "references: carrier A, origin EWR\n"
                "missing values kept: b 8\n"
                "30 rows, 5 columns, 1 block of "),
            HasSubstr("data.h5")));
  options.missing = Missing::drop;
  EXPECT_THAT(text_of(csv), HasSubstr("8 of 30 rows dropped for missing values: b 8\n22 rows"));
}

TEST_F(ImportText, SaysWhatRowsAreGroupedBy) {
  options.group = {"school/class"};
  options.block_rows = 2;
  EXPECT_THAT(
      text_of("school,class,y\na,1,1\nb,1,2\na,2,3\na,1,4\nb,1,5\na,2,6\n"),
      AllOf(StartsWith("1 number, 1 integer, 1 factor (school 2 levels)\n"),
            HasSubstr("\ngrouped by school, class\n6 rows, 3 columns, 2 blocks of up to 4 rows in ")));
}

TEST_F(ImportText, NamesTwentyFactorsAndCountsTheOthers) {
  std::string header = "f0", first = "u", second = "v";
  for (int j = 1; j < 23; ++j) {
    header += fmt::format(",f{}", j);
    first += ",u";
    second += ",v";
  }
  const std::string text = text_of(header + "\n" + first + "\n" + second + "\n");
  EXPECT_THAT(text,
              AllOf(StartsWith("23 factors (f0 2 levels, f1 2,"), HasSubstr("f19"), Not(HasSubstr("f20"))));
  EXPECT_THAT(text, HasSubstr("f19 2, and 3 more)\nreferences: f0 u,"));
}

TEST_F(ImportText, FaultsDOneIsNotSeveral) {
  EXPECT_THAT(text_of("x,y\n1,0.5\n2,1\n3,1\n"), HasSubstr("3 rows, 2 columns, 1 block of "));
}

TEST_F(ImportText, FaultsC11LongLevelsAreCut) {
  const std::string level(100000, 'a');
  const std::string text = text_of("x,y\n1," + level + "\n2,b\n3," + level + "\n");
  EXPECT_LT(text.size(), 1000u);
  EXPECT_THAT(text, HasSubstr("(100000\n  bytes)"));
}

}  // namespace
}  // namespace vfe
