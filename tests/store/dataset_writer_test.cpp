#include <gmock/gmock.h>

#include <algorithm>

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

/// Rows of these groups, written in pieces of `piece` rows to blocks of 4, back as they lie in the file.
std::vector<std::vector<Index>> blocks_of(const std::vector<Index>& groups, Index piece, ColumnType type) {
  const test::Folder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 4);
  schema.table.columns = {{.name = "other", .type = type, .levels = {"u"}},
                          {.name = "school", .type = type, .levels = {"a", "b", "c", "d", "e", "f"}}};
  schema.grouped_by = {"school"};
  schema.has_line = true;
  DatasetWriter writer(folder / "data.h5", schema);
  for (Index first = 0; first < std::ssize(groups); first += piece) {
    TableRows rows = missing_rows(schema.table, std::min(piece, std::ssize(groups) - first));
    std::vector<std::int64_t> lines;
    for (Index r = 0; r < rows.num_rows; ++r) {
      const Index group = groups[static_cast<std::size_t>(first + r)];
      if (type == ColumnType::factor) rows.codes(r, 1) = static_cast<std::int32_t>(group);
      if (type == ColumnType::integer) rows.integers(r, 1) = group;
      lines.push_back(first + r);
    }
    writer.append(rows, lines);
  }
  const DatasetSchema written = writer.finish();
  const Dataset file(folder / "data.h5");
  EXPECT_EQ(to_json(file.schema()), to_json(written));
  EXPECT_THAT(file.schema().grouped_by, ElementsAre("school"));
  std::vector<std::vector<Index>> blocks;
  std::uint64_t content = 0;
  for (Index b = 0; b < written.num_blocks(); ++b) {
    const TableRows rows = file.read({b, b + 1});
    content += content_hash(rows, written.blocks.slice({b, b + 1}));
    blocks.emplace_back();
    for (Index r = 0; r < rows.num_rows; ++r)
      blocks.back().push_back(type == ColumnType::factor ? rows.codes(r, 1) : rows.integers(r, 1));
    EXPECT_EQ(file.lines(rows.first_row, rows.first_row + 1), std::vector<std::int64_t>{rows.first_row});
  }
  EXPECT_EQ(content, written.content);
  return blocks;
}

TEST(DatasetWriter, BlocksOfGroupsCloseWhereAGroupEnds) {
  for (const ColumnType type : {ColumnType::factor, ColumnType::integer}) {
    for (const Index piece : {1, 2, 3, 5, 100}) {
      // Closed at the first end at or past four rows: within four, at four, of a group of more than two
      // blocks.
      EXPECT_THAT(blocks_of({3, 3, 0, 0, 0, 5, 5, 5, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4}, piece, type),
                  ElementsAre(ElementsAre(3, 3, 0, 0, 0), ElementsAre(5, 5, 5, 5),
                              ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 1), ElementsAre(2, 4)));
      // Offsets of which all but the last are multiples of four, and yet not equal blocks.
      EXPECT_THAT(blocks_of({1, 1, 1, 1, 1, 1, 1, 1, 2}, piece, type),
                  ElementsAre(ElementsAre(1, 1, 1, 1, 1, 1, 1, 1), ElementsAre(2)));
      EXPECT_THAT(blocks_of({1, 1, 1, 1, 2, 2, 2, 2, 2, 2}, piece, type),
                  ElementsAre(ElementsAre(1, 1, 1, 1), ElementsAre(2, 2, 2, 2, 2, 2)));
      // Two rows of -1, the code of no level, stand together like others.
      EXPECT_THAT(blocks_of({1, 1, 1, -1, -1, 0}, piece, type),
                  ElementsAre(ElementsAre(1, 1, 1, -1, -1), ElementsAre(0)));
    }
  }
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
