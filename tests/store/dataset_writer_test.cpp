#include <gmock/gmock.h>

#include "store/folder.hpp"
#include "store/table_example.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(DatasetWriter, TruthAndMakerAndBack) {
  const test::Folder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 8);
  schema.table.columns = {{.name = "x1"}};
  DatasetWriter writer(folder / "data.h5", schema);
  TableRows rows = missing_rows(schema.table, 3);
  writer.append(rows);
  writer.set_command("simulate");
  writer.set_truth(Vector::LinSpaced(2, 0.1, 0.2), {"intercept", "beta[x1]"});
  writer.finish();
  const Dataset file(folder / "data.h5");
  EXPECT_EQ(file.truth(), Vector::LinSpaced(2, 0.1, 0.2));
  EXPECT_THAT(file.truth_names(), ElementsAre("intercept", "beta[x1]"));
  EXPECT_THAT(file.made_by(), testing::MatchesRegex("vfe [0-9.]+ simulate"));
}

TEST(DatasetWriter, NoRowsAreRefused) {
  const test::Folder folder;
  {
    DatasetWriter writer(folder / "data.h5", test::example_schema(true));
    EXPECT_THAT(test::error_line(Fault::data, [&] { writer.finish(); }), HasSubstr("no rows"));
  }
  EXPECT_EQ(folder.num_files(), 0u);
}

TEST(DatasetWriter, RowsOfAnotherTableAreRefused) {
  const test::Folder folder;
  DatasetWriter writer(folder / "data.h5", test::example_schema(true));
  const auto refused = [&](auto change) {
    TableRows rows = test::example_rows(0, 4);
    std::vector<std::int64_t> lines = test::example_lines(0, 4);
    change(rows, lines);
    return test::error_line(Fault::bug, [&] { writer.append(rows, lines); });
  };
  for (const std::string& line :
       {refused([](TableRows&rows, auto&) { rows.num_rows = 3; }),
        refused([](TableRows&rows, auto&) { rows.codes.conservativeResize(4, 1); }),
        refused([](TableRows&rows, auto&) { rows.integers.conservativeResize(3, 1); }),
        refused([](TableRows&rows, auto&) { rows.numbers = TableRows::RowMajor<float>(4, 3); }),
        refused([](TableRows&rows, auto&) { rows.matrices.pop_back(); }),
        refused([](TableRows&rows, auto&) { rows.matrices[1] = rows.matrices[0]; }),
        refused([](TableRows&, auto&lines) { lines.clear(); })}) {
    EXPECT_THAT(line, HasSubstr("do not fit the schema"));
  }
}

TEST(DatasetWriter, PiecesOfAnySizeMakeTheSameFile) {
  const test::Folder folder;
  const DatasetSchema pieces = test::write_example(folder / "pieces.h5", 150, true);
  DatasetWriter writer(folder / "whole.h5", test::example_schema(true));
  writer.append(test::example_rows(0, 150), test::example_lines(0, 150));
  EXPECT_EQ(to_json(writer.finish()), to_json(pieces));
}

TEST(DatasetWriter, FullDiskLeavesTheOlderFile) {
  const test::Folder folder;
  const std::uint64_t older = test::write_example(folder / "data.h5", 70, true).content;
  const auto write_large = [&] {
    DatasetWriter writer(folder / "data.h5", test::example_schema(false));
    for (Index piece = 0; piece < 40; ++piece) {
      writer.append(test::example_rows(1000 * piece, 1000), test::example_lines(1000 * piece, 1000));
    }
    writer.finish();
  };
  for (std::size_t limit = 0; limit < 1600000; limit += 100000) {
    const std::string line = test::error_line(Fault::io, [&] {
      const test::FileSizeLimit full(limit);
      write_large();
    });
    EXPECT_THAT(line, HasSubstr("File too large"));
    EXPECT_EQ(folder.num_files(), 1u);
    EXPECT_EQ(Dataset(folder / "data.h5").schema().content, older);
  }
  write_large();
  EXPECT_EQ(Dataset(folder / "data.h5").schema().num_rows(), 40000);
}

}  // namespace
}  // namespace vfe
