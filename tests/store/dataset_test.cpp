#include "vfe/store/dataset.hpp"

#include <gmock/gmock.h>
#include <xxhash.h>

#include <cmath>
#include <functional>

#include "store/folder.hpp"
#include "store/hdf5.hpp"
#include "store/table_example.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

using test::example_rows;
using test::write_example;
using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
const TableRows::RowMajor<T>& as(const TableRows::Numbers& numbers) {
  return std::get<TableRows::RowMajor<T>>(numbers);
}

class DatasetOf : public testing::TestWithParam<bool> {};

TEST_P(DatasetOf, RowsAndSchemaAndBack) {
  const test::Folder folder;
  const bool single = GetParam();
  const DatasetSchema written = write_example(folder / "data.h5", 150, single);
  EXPECT_EQ(folder.num_files(), 1u);
  const Dataset file(folder / "data.h5");
  DatasetSchema expected = test::example_schema(single);
  expected.blocks = Blocks::of_equal(150, 32);
  expected.content = written.content;
  EXPECT_EQ(to_json(file.schema()), to_json(expected));
  EXPECT_EQ(file.schema().table, expected.table);
  EXPECT_EQ(to_json(written), to_json(expected));
  EXPECT_TRUE(file.has_content_hash());
  EXPECT_EQ(file.name_row(7), "row 7 (line 993 of people.csv)");
  EXPECT_THAT(file.lines(6, 9), ElementsAre(994, 993, 992));

  const TableRows all = example_rows(0, 150);
  for (const BlockRange range : {BlockRange{0, 5}, BlockRange{1, 3}, BlockRange{4, 5}}) {
    const TableRows rows = file.read(range);
    const Index first = 32 * range.first, count = std::min<Index>(150, 32 * range.last) - first;
    EXPECT_EQ(rows.first_row, first);
    EXPECT_EQ(rows.first_block, range.first);
    ASSERT_EQ(rows.num_rows, count);
    EXPECT_EQ(rows.codes, all.codes.middleRows(first, count));
    EXPECT_EQ(rows.integers, all.integers.middleRows(first, count));
    const auto expect_same = [&](const TableRows::Numbers& found, const TableRows::Numbers& stored) {
      const auto values = as<double>(stored).middleRows(first, count);
      if (single) {
        EXPECT_TRUE(test::same(as<float>(found), values.cast<float>()));
      } else {
        EXPECT_TRUE(test::same(as<double>(found), values));
      }
    };
    expect_same(rows.numbers, all.numbers);
    ASSERT_EQ(rows.matrices.size(), 2u);
    expect_same(rows.matrices[0], all.matrices[0]);
    expect_same(rows.matrices[1], all.matrices[1]);
  }
}

TEST_P(DatasetOf, ContentHashAddsUpOverAnyShards) {
  const test::Folder folder;
  const DatasetSchema schema = write_example(folder / "data.h5", 150, GetParam());
  const Dataset file(folder / "data.h5");
  for (const int ranks : {1, 2, 3, 5, 8}) {
    std::uint64_t sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const BlockRange range = shard(schema.num_blocks(), rank, ranks);
      sum += content_hash(file.read(range), schema.blocks.slice(range));
    }
    EXPECT_EQ(sum, schema.content) << ranks;
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, DatasetOf, testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "float32" : "float64"; });

TEST(Dataset, ContentHashIsAsDocumented) {
  const test::Folder folder;
  const DatasetSchema schema = write_example(folder / "data.h5", 70, true);
  const Dataset file(folder / "data.h5");
  std::uint64_t sum = 0;
  for (Index block = 0; block < 3; ++block) {
    const TableRows rows = file.read({block, block + 1});
    std::string bytes;
    const auto add = [&](const auto& values) {  // row by row
      for (Index r = 0; r < values.rows(); ++r) {
        for (Index c = 0; c < values.cols(); ++c) {
          const auto value = values(r, c);
          bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        }
      }
    };
    add(as<float>(rows.numbers));
    add(rows.codes);
    add(rows.integers);
    add(as<float>(rows.matrices[0]));
    add(as<float>(rows.matrices[1]));
    sum += XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<XXH64_hash_t>(block));
  }
  EXPECT_EQ(sum, schema.content);
}

TEST(Dataset, EachPartOfARowCountsInTheHash) {
  const TableRows rows = example_rows(0, 8);
  const Blocks blocks = Blocks::of_equal(8, 8);
  std::vector<std::uint64_t> hashes = {content_hash(rows, blocks)};
  const auto changed = [&](const std::function<void(TableRows&)>& change) {
    TableRows other = rows;
    change(other);
    hashes.push_back(content_hash(other, blocks));
  };
  changed([](TableRows& r) { std::get<TableRows::RowMajor<double>>(r.numbers)(3, 1) += 1.0; });
  changed([](TableRows& r) { r.codes(7, 1) = 0; });
  changed([](TableRows& r) { r.integers(0, 0) += 1; });
  changed([](TableRows& r) { std::get<TableRows::RowMajor<double>>(r.matrices[1])(2, 0) = 0.5; });
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

/// Rows 0 to 99 in blocks that end at these rows.
DatasetSchema write_unequal(const std::filesystem::path& path, const std::vector<Index>& ends) {
  DatasetWriter writer(path, test::example_schema(true));
  Index first = 0;
  for (const Index end : ends) {
    writer.append(example_rows(first, end - first), test::example_lines(first, end - first));
    writer.end_block();
    first = end;
  }
  return writer.finish();
}

TEST(Dataset, UnequalBlocksAndBack) {
  const test::Folder folder;
  const DatasetSchema written = write_unequal(folder / "data.h5", {5, 6, 38, 71, 100});
  const Dataset file(folder / "data.h5");
  const DatasetSchema& schema = file.schema();
  EXPECT_EQ(to_json(schema), to_json(written));
  // No block has more rows than the schema that the writer was given says.
  EXPECT_THAT(schema.blocks.offsets(), ElementsAre(0, 5, 6, 38, 70, 71, 100));
  const TableRows all = example_rows(0, 100);
  for (Index b = 0; b < schema.num_blocks(); ++b) {
    const TableRows rows = file.read({b, b + 1});
    EXPECT_EQ(rows.first_row, schema.blocks.first(b));
    EXPECT_EQ(rows.first_block, b);
    EXPECT_EQ(rows.num_rows, schema.blocks.rows(b));
    EXPECT_EQ(rows.codes, all.codes.middleRows(rows.first_row, rows.num_rows));
  }
  for (const int ranks : {1, 2, 3, 6, 8}) {
    std::uint64_t sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const BlockRange range = shard(schema.num_blocks(), rank, ranks);
      sum += content_hash(file.read(range), schema.blocks.slice(range));
    }
    EXPECT_EQ(sum, schema.content) << ranks;
  }
  // The same rows in other blocks are another content: their sums differ in the last bit.
  EXPECT_NE(write_unequal(folder / "other.h5", {5, 7, 38, 71, 100}).content, schema.content);
}

TEST(Dataset, BlocksClosedWhereTheyAreFullAreEqual) {
  const test::Folder folder;
  const DatasetSchema closed = write_unequal(folder / "data.h5", {32, 64, 96, 100});
  EXPECT_EQ(closed.blocks, Blocks::of_equal(100, 32));
  EXPECT_EQ(closed.content, write_example(folder / "equal.h5", 100, true).content);
  EXPECT_FALSE(hdf5::exists(hdf5::open_file(folder / "data.h5"), "block_offsets"));
}

TEST(Dataset, AnEmptyRangeHasNoRows) {
  const test::Folder folder;
  write_example(folder / "data.h5", 70, true);
  const Dataset file(folder / "data.h5");
  for (const Index at : {0, 2, 3}) {
    const TableRows rows = file.read({at, at});
    EXPECT_EQ(rows.num_rows, 0);
    EXPECT_EQ(rows.first_row, std::min<Index>(70, 32 * at));
    EXPECT_EQ(as<float>(rows.numbers).cols(), 2);
    EXPECT_EQ(rows.codes.cols(), 2);
    EXPECT_EQ(as<float>(rows.matrices[0]).cols(), 3);
    EXPECT_EQ(content_hash(rows, file.schema().blocks.slice({at, at})), 0u);
  }
  EXPECT_THROW(file.read({2, 4}), Error);
}

TEST(Dataset, MoreColumnsThanAHeaderHolds) {
  const test::Folder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 4);
  for (int i = 0; i < 20000; ++i) schema.table.columns.push_back({.name = "column " + std::to_string(i)});
  DatasetWriter writer(folder / "data.h5", schema);
  TableRows rows = missing_rows(schema.table, 6);
  rows.numbers = TableRows::RowMajor<float>(TableRows::RowMajor<float>::Constant(6, 20000, 0.5f));
  writer.append(rows);
  writer.finish();
  const Dataset file(folder / "data.h5");
  EXPECT_EQ(file.schema().table, schema.table);
  EXPECT_EQ(as<float>(file.read({0, 2}).numbers), as<float>(rows.numbers));
}

TEST(Dataset, NoFlippedBitIsSilent) {
  const test::Folder folder;
  write_example(folder / "data.h5", 70, true);
  const std::size_t size = std::filesystem::file_size(folder / "data.h5");
  const auto contents = [&] {
    const Dataset file(folder / "data.h5");
    std::string all = to_json(file.schema());
    const TableRows rows = file.read({0, file.schema().num_blocks()});
    for (Index r = 0; r < rows.num_rows; ++r) all += file.name_row(r);
    return all + std::to_string(content_hash(rows, file.schema().blocks));
  };
  const std::string expected = contents();
  int refused = 0;
  for (std::size_t at = 0; at < size; at += 13) {
    test::flip_bit(folder / "data.h5", at);
    try {
      EXPECT_EQ(contents(), expected) << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data) << error.what();
      ++refused;
    }
    test::flip_bit(folder / "data.h5", at);
  }
  EXPECT_GT(refused, 100);
}

TEST(Dataset, WhatIsNotADataset) {
  const test::Folder folder;
  const auto refusal = [&](Fault fault) {
    const std::string line = test::error_line(fault, [&] { Dataset(folder / "data.h5"); });
    EXPECT_THAT(line, HasSubstr("data.h5"));
    return line;
  };
  EXPECT_THAT(refusal(Fault::missing), HasSubstr("no such file"));
  test::overwrite(folder / "data.h5", "a,b\n1,2\n");
  EXPECT_THAT(refusal(Fault::data), HasSubstr("is not an HDF5 file"));
  write_example(folder / "data.h5", 150, true);
  std::filesystem::resize_file(folder / "data.h5", std::filesystem::file_size(folder / "data.h5") - 1);
  EXPECT_THAT(refusal(Fault::data), HasSubstr("truncated"));
  hdf5::finish_file(hdf5::create_file(folder / "data.h5"));
  EXPECT_THAT(refusal(Fault::data), HasSubstr("format is missing"));
  for (const int version : {1, 3}) {
    hdf5::Handle file = hdf5::create_file(folder / "data.h5");
    hdf5::write_attribute(file, "format", "vfe-dataset");
    hdf5::write_attribute(file, "version", std::int64_t{version});
    hdf5::finish_file(std::move(file));
    EXPECT_THAT(refusal(Fault::data),
                HasSubstr(version == 1 ? "is a dataset of version 1 (a finished design matrix); import its "
                                         "source again with this version"
                                       : "dataset version 3, this program reads version 2"));
  }
}

}  // namespace
}  // namespace vfe
