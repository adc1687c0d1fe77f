#include "vfe/store/dataset.hpp"

#include <gmock/gmock.h>
#include <xxhash.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>

#include "store/folder.hpp"
#include "store/hdf5.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Schema example_schema(bool single) {
  Schema schema;
  schema.blocks = Blocks::of_equal(0, 32);
  schema.columns = {{"age", "age", "", "", 40.0, 12.5},
                    {"farbe[gr\xc3\xbcn]", "farbe", "gr\xc3\xbcn", "rot", 0.0, 1.0}};
  schema.response = "sick";
  schema.response_levels = {"no", "yes"};
  schema.response_classes = 2;
  schema.response_centre = 0.25;
  schema.response_scale = 1.0 / 3.0;
  schema.has_offset = schema.has_weight = schema.has_line = true;
  schema.single = single;
  schema.shuffle_seed = (std::uint64_t{1} << 55) + 1;
  schema.source = "people.csv";
  return schema;
}

/// Rows [first, first + count) of an endless table.
Rows example_rows(Index first, Index count) {
  Rows rows;
  Rows::RowMajor<double> x(count, 2);
  rows.y.resize(count);
  rows.offset.resize(count);
  rows.weight.resize(count);
  for (Index r = 0; r < count; ++r) {
    const auto t = static_cast<double>(first + r);
    x(r, 0) = std::sin(t);
    x(r, 1) = std::fmod(t, 2.0);
    rows.y[r] = std::fmod(t, 3.0) == 0.0;
    rows.offset[r] = 0.1 * t;
    rows.weight[r] = 1.0 + std::fmod(t, 5.0);
  }
  rows.x = x;
  return rows;
}

std::vector<std::int64_t> example_lines(Index first, Index count) {
  std::vector<std::int64_t> lines;
  for (Index r = first; r < first + count; ++r) lines.push_back(1000 - r);
  return lines;
}

/// Writes `rows` rows in pieces of growing size.
Schema write_example(const std::filesystem::path& path, Index rows, bool single) {
  DatasetWriter writer(path, example_schema(single));
  for (Index first = 0, count = 1; first < rows; first += count, count += 17) {
    count = std::min(count, rows - first);
    writer.append(example_rows(first, count), example_lines(first, count));
  }
  return writer.finish();
}

/// A small valid file through the plain layout, as another program would write it.
class Layout {
 public:
  explicit Layout(const std::filesystem::path& path) : file_(hdf5::create_file(path)) {
    hdf5::write_attribute(file_, "format", "vfe-dataset");
    hdf5::write_attribute(file_, "version", std::int64_t{1});
  }
  const hdf5::Handle& file() const { return file_; }
  void numbers(const std::string& name, const hdf5::Shape& shape, std::vector<double> values = {}) {
    const hdf5::Handle dataset = hdf5::create_dataset(file_, name, H5T_IEEE_F64LE, shape);
    if (values.empty()) values.assign(hdf5::size(dataset), 1.0);
    hdf5::write(dataset, values.data());
  }
  void names(const std::vector<std::string>& names) {
    hdf5::write_labels(hdf5::create_group(file_, "columns"), "name", names);
  }
  void finish() { hdf5::finish_file(std::move(file_)); }

 private:
  hdf5::Handle file_;
};

class DatasetOf : public testing::TestWithParam<bool> {};

TEST_P(DatasetOf, RowsAndSchemaAndBack) {
  const test::Folder folder;
  const bool single = GetParam();
  const Schema written = write_example(folder / "data.h5", 150, single);
  EXPECT_EQ(folder.num_files(), 1u);
  const Dataset dataset(folder / "data.h5");
  Schema expected = example_schema(single);
  expected.blocks = Blocks::of_equal(150, 32);
  expected.content = written.content;
  EXPECT_EQ(to_json(dataset.schema()), to_json(expected));
  EXPECT_EQ(to_json(written), to_json(expected));
  EXPECT_TRUE(dataset.has_content_hash());
  EXPECT_EQ(dataset.name_row(7), "row 7 (line 993 of people.csv)");
  EXPECT_THAT(dataset.lines(6, 9), ElementsAre(994, 993, 992));

  const Rows all = example_rows(0, 150);
  const auto& x = std::get<Rows::RowMajor<double>>(all.x);
  for (const BlockRange range : {BlockRange{0, 5}, BlockRange{1, 3}, BlockRange{4, 5}}) {
    const Rows rows = dataset.read(range);
    const Index first = 32 * range.first, count = std::min<Index>(150, 32 * range.last) - first;
    EXPECT_EQ(rows.first_row, first);
    EXPECT_EQ(rows.first_block, range.first);
    EXPECT_EQ(rows.blocks.num_blocks(), range.size());
    ASSERT_EQ(rows.size(), count);
    EXPECT_EQ(rows.y, all.y.segment(first, count));
    EXPECT_EQ(rows.offset, all.offset.segment(first, count));
    EXPECT_EQ(rows.weight, all.weight.segment(first, count));
    if (single) {
      EXPECT_EQ(std::get<Rows::RowMajor<float>>(rows.x), x.middleRows(first, count).cast<float>());
    } else {
      EXPECT_EQ(std::get<Rows::RowMajor<double>>(rows.x), x.middleRows(first, count));
    }
  }
}

TEST_P(DatasetOf, ContentHashAddsUpOverAnyShards) {
  const test::Folder folder;
  const Schema schema = write_example(folder / "data.h5", 150, GetParam());
  const Dataset dataset(folder / "data.h5");
  for (const int ranks : {1, 2, 3, 5, 8}) {
    std::uint64_t sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      sum += content_hash(dataset.read(shard(schema.num_blocks(), rank, ranks)));
    }
    EXPECT_EQ(sum, schema.content) << ranks;
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, DatasetOf, testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "float32" : "float64"; });

TEST(Dataset, ContentHashIsAsDocumented) {
  const test::Folder folder;
  const Schema schema = write_example(folder / "data.h5", 70, true);
  const Dataset dataset(folder / "data.h5");
  std::uint64_t sum = 0;
  for (Index block = 0; block < 3; ++block) {
    const Rows rows = dataset.read({block, block + 1});
    const auto& x = std::get<Rows::RowMajor<float>>(rows.x);
    std::string bytes(reinterpret_cast<const char*>(x.data()),
                      sizeof(float) * static_cast<std::size_t>(x.size()));
    for (const Vector* column : {&rows.y, &rows.offset, &rows.weight}) {
      bytes.append(reinterpret_cast<const char*>(column->data()),
                   sizeof(double) * static_cast<std::size_t>(column->size()));
    }
    sum += XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<XXH64_hash_t>(block));
  }
  EXPECT_EQ(sum, schema.content);
}

/// Rows 0 to 99 in blocks that end at these rows.
Schema write_unequal(const std::filesystem::path& path, const std::vector<Index>& ends) {
  DatasetWriter writer(path, example_schema(true));
  Index first = 0;
  for (const Index end : ends) {
    writer.append(example_rows(first, end - first), example_lines(first, end - first));
    writer.end_block();
    first = end;
  }
  return writer.finish();
}

TEST(Dataset, UnequalBlocksAndBack) {
  const test::Folder folder;
  const Schema written = write_unequal(folder / "data.h5", {5, 6, 38, 71, 100});
  const Dataset dataset(folder / "data.h5");
  const Schema& schema = dataset.schema();
  EXPECT_EQ(to_json(schema), to_json(written));
  // No block has more rows than the schema that the writer was given says.
  EXPECT_THAT(schema.blocks.offsets(), ElementsAre(0, 5, 6, 38, 70, 71, 100));
  const auto x = std::get<Rows::RowMajor<double>>(example_rows(0, 100).x).cast<float>().eval();
  for (Index b = 0; b < schema.num_blocks(); ++b) {
    const Rows rows = dataset.read({b, b + 1});
    EXPECT_EQ(rows.first_row, schema.blocks.first(b));
    EXPECT_EQ(rows.first_block, b);
    EXPECT_EQ(std::get<Rows::RowMajor<float>>(rows.x), x.middleRows(rows.first_row, schema.blocks.rows(b)));
  }
  for (const int ranks : {1, 2, 3, 6, 8}) {
    std::uint64_t sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const BlockRange range = shard(schema.num_blocks(), rank, ranks);
      const Rows rows = dataset.read(range);
      EXPECT_EQ(rows.blocks, schema.blocks.slice(range));
      sum += content_hash(rows);
    }
    EXPECT_EQ(sum, schema.content) << ranks;
  }
  // The same rows in other blocks are another content: their sums differ in the last bit.
  EXPECT_NE(write_unequal(folder / "other.h5", {5, 7, 38, 71, 100}).content, schema.content);
}

TEST(Dataset, BlocksClosedWhereTheyAreFullAreEqual) {
  const test::Folder folder;
  const Schema closed = write_unequal(folder / "data.h5", {32, 64, 96, 100});
  EXPECT_EQ(closed.blocks, Blocks::of_equal(100, 32));
  EXPECT_EQ(closed.content, write_example(folder / "equal.h5", 100, true).content);
  const hdf5::Handle file = hdf5::open_file(folder / "data.h5");
  EXPECT_FALSE(hdf5::exists(file, "block_offsets"));
  EXPECT_EQ(std::get<std::int64_t>(*hdf5::read_attribute(file, "version")), 1);
}

TEST(Dataset, AnEmptyRangeHasNoRows) {
  const test::Folder folder;
  write_example(folder / "data.h5", 70, true);
  const Dataset dataset(folder / "data.h5");
  for (const Index at : {0, 2, 3}) {
    const Rows rows = dataset.read({at, at});
    EXPECT_EQ(rows.size(), 0);
    EXPECT_EQ(rows.blocks.num_blocks(), 0);
    EXPECT_EQ(rows.first_row, std::min<Index>(70, 32 * at));
    EXPECT_EQ(std::get<Rows::RowMajor<float>>(rows.x).cols(), 2);
    EXPECT_EQ(content_hash(rows), 0u);
  }
  EXPECT_THROW(dataset.read({2, 4}), Error);
}

TEST(Dataset, TruthAndBack) {
  const test::Folder folder;
  Schema schema;
  schema.blocks = Blocks::of_equal(0, 8);
  schema.columns = {{"x1", "x1", "", "", 0.0, 1.0}};
  DatasetWriter writer(folder / "data.h5", schema);
  Rows rows;
  rows.x = Rows::RowMajor<float>(Rows::RowMajor<float>::Ones(3, 1));
  rows.y = Vector::Zero(3);
  writer.append(rows);
  writer.set_truth(Vector::LinSpaced(2, 0.1, 0.2), {"intercept", "beta[x1]"});
  writer.finish();
  const Dataset dataset(folder / "data.h5");
  EXPECT_EQ(dataset.truth(), Vector::LinSpaced(2, 0.1, 0.2));
  EXPECT_THAT(dataset.truth_names(), ElementsAre("intercept", "beta[x1]"));
  EXPECT_EQ(dataset.name_row(2), "row 2");
  EXPECT_TRUE(dataset.lines(0, 2).empty());
}

TEST(Dataset, NoRowsAreRefused) {
  const test::Folder folder;
  {
    DatasetWriter writer(folder / "data.h5", example_schema(true));
    EXPECT_THAT(test::error_line(Fault::data, [&] { writer.finish(); }), HasSubstr("no rows"));
  }
  EXPECT_EQ(folder.num_files(), 0u);
}

TEST(Dataset, MoreColumnsThanAHeaderHolds) {
  const test::Folder folder;
  Schema schema;
  schema.blocks = Blocks::of_equal(0, 4);
  for (int i = 0; i < 20000; ++i)
    schema.columns.push_back({"column " + std::to_string(i), "", "", "", 0.0, 1.0});
  DatasetWriter writer(folder / "data.h5", schema);
  Rows rows;
  rows.x = Rows::RowMajor<float>(Rows::RowMajor<float>::Constant(6, 20000, 0.5f));
  rows.y = Vector::Zero(6);
  writer.append(rows);
  writer.finish();
  const Dataset dataset(folder / "data.h5");
  EXPECT_EQ(dataset.schema().columns.back().name, "column 19999");
  EXPECT_EQ(dataset.schema().columns.back().source, "column 19999");
  EXPECT_EQ(std::get<Rows::RowMajor<float>>(dataset.read({0, 2}).x), std::get<Rows::RowMajor<float>>(rows.x));
}

TEST(Dataset, OnlyTheNeededParts) {
  const test::Folder folder;
  Layout layout(folder / "data.h5");
  layout.numbers("x", {5, 2});
  hdf5::write(hdf5::create_dataset(layout.file(), "y", H5T_STD_I8LE, {5}),
              std::vector<std::int64_t>{0, 1, 0, 1, 1}.data());
  layout.names({"a", "b"});
  layout.finish();
  const Dataset dataset(folder / "data.h5");
  const Schema& schema = dataset.schema();
  EXPECT_EQ(schema.num_rows(), 5);
  EXPECT_EQ(schema.blocks.block_rows(), 16384);  // 2 columns of float64 in 256 KiB
  EXPECT_EQ(schema.columns[1], (Column{"b", "b", "", "", 0.0, 1.0}));
  EXPECT_EQ(schema.response, "y");
  EXPECT_FALSE(schema.has_offset || schema.has_weight || schema.has_line || schema.single);
  EXPECT_FALSE(dataset.has_content_hash());
  EXPECT_EQ(dataset.read({0, 1}).y, (Vector(5) << 0, 1, 0, 1, 1).finished());
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
  hdf5::Handle file = hdf5::create_file(folder / "data.h5");
  hdf5::write_attribute(file, "format", "vfe-dataset");
  hdf5::write_attribute(file, "version", std::int64_t{dataset_version + 1});
  hdf5::finish_file(std::move(file));
  EXPECT_THAT(refusal(Fault::data), HasSubstr("version 3"));
}

/// What is said of a layout that `build` made.
std::string refusal(const std::function<void(Layout&)>& build) {
  const test::Folder folder;
  Layout layout(folder / "data.h5");
  build(layout);
  layout.finish();
  return test::error_line(Fault::data, [&] { Dataset(folder / "data.h5").read({0, 1}); });
}

TEST(Dataset, PartsThatAreMissingOrDisagree) {
  EXPECT_THAT(refusal([](Layout&) {}), HasSubstr("no /x"));
  EXPECT_THAT(refusal([](Layout& l) { l.numbers("x", {5}); }), HasSubstr("/x has 1 axes"));
  EXPECT_THAT(refusal([](Layout& l) { l.numbers("x", {0, 2}); }), HasSubstr("no rows"));
  EXPECT_THAT(refusal([](Layout& l) { l.numbers("x", {5, 2}); }), HasSubstr("no /y"));
  const auto with = [](const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.numbers("x", {5, 2});
      l.numbers("y", {5});
      more(l);
    });
  };
  EXPECT_THAT(with([](Layout&) {}), HasSubstr("no /columns/name"));
  EXPECT_THAT(with([](Layout& l) { l.names({"a"}); }), HasSubstr("/columns/name has 1 entries, /x has 2"));
  EXPECT_THAT(with([](Layout& l) { l.names({"a", "a"}); }), HasSubstr("two columns are named a"));
  EXPECT_THAT(with([](Layout& l) { l.numbers("offset", {4}); }),
              HasSubstr("/offset has 4 entries, expected 5"));
  EXPECT_THAT(with([](Layout& l) {
                l.names({"a", "b"});
                l.numbers("columns/scale", {2}, {1.0, 0.0});
              }),
              HasSubstr("column b: centre 0 and scale 0"));
  EXPECT_THAT(with([](Layout& l) {
                l.names({"a", "b"});
                hdf5::write_attribute(l.file(), "block_rows", std::int64_t{0});
              }),
              HasSubstr("block_rows is 0"));
  const auto with_offsets = [&](const std::vector<std::int64_t>& offsets, bool and_block_rows = false) {
    return with([&](Layout& l) {
      l.names({"a", "b"});
      if (and_block_rows) hdf5::write_attribute(l.file(), "block_rows", std::int64_t{2});
      hdf5::write(hdf5::create_dataset(l.file(), "block_offsets", H5T_STD_I64LE, {offsets.size()}),
                  offsets.data());
    });
  };
  EXPECT_THAT(with_offsets({1, 5}), HasSubstr("entry 0 is 1, expected 0 first"));
  EXPECT_THAT(with_offsets({0, 3, 3, 5}), HasSubstr("entry 2 is 3, expected more than the 3 before it"));
  EXPECT_THAT(with_offsets({0, 3}), HasSubstr("/block_offsets ends at 3, expected the 5 rows of /x"));
  EXPECT_THAT(with_offsets({0, 3, 6}), HasSubstr("/block_offsets ends at 6, expected the 5 rows of /x"));
  EXPECT_THAT(with([](Layout& l) {
                l.names({"a", "b"});
                l.numbers("block_offsets", {2}, {0.0, 5.0});
              }),
              HasSubstr("/block_offsets is no list of integers"));
  EXPECT_THAT(with_offsets({0, 5}, true), HasSubstr("both /block_offsets and attribute block_rows"));
  EXPECT_THAT(with([](Layout& l) {
                l.names({"a", "b"});
                hdf5::write_attribute(l.file(), "response", 3.0);
              }),
              HasSubstr("attribute response is not a text"));
  EXPECT_THAT(refusal([](Layout& l) {
                l.numbers("x", {5, 2});
                hdf5::write_strings(l.file(), "y", {"a", "b", "c", "d", "e"});
              }),
              HasSubstr("/y holds neither"));
}

TEST(Dataset, TheFirstValueThatIsNotFiniteIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto with = [](std::vector<double> x, std::vector<double> y, std::vector<double> offset) {
    return refusal([&](Layout& l) {
      l.numbers("x", {3, 2}, x);
      l.numbers("y", {3}, y);
      l.numbers("offset", {3}, offset);
      l.names({"a", "b"});
    });
  };
  const std::vector<double> good{1, 2, 3};
  EXPECT_THAT(with({1, 2, 3, nan, nan, 6}, good, good), HasSubstr("row 1, column b: found nan"));
  EXPECT_THAT(with({1, 2, 3, 4, -inf, 6}, good, good), HasSubstr("row 2, column a: found -inf"));
  EXPECT_THAT(with({1, 2, 3, 4, 5, 6}, {1, inf, 3}, good), HasSubstr("row 1, column y: found inf"));
  EXPECT_THAT(with({1, 2, 3, 4, 5, 6}, good, {nan, 0, 0}), HasSubstr("row 0, column offset: found nan"));
}

TEST(Dataset, NoFlippedBitIsSilent) {
  const test::Folder folder;
  write_example(folder / "data.h5", 70, true);
  const std::size_t size = std::filesystem::file_size(folder / "data.h5");
  const auto contents = [&] {
    const Dataset dataset(folder / "data.h5");
    std::string all = to_json(dataset.schema());
    const Rows rows = dataset.read({0, dataset.schema().num_blocks()});
    for (Index r = 0; r < rows.size(); ++r) all += dataset.name_row(r);
    return all + std::to_string(content_hash(rows));
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

TEST(Dataset, FullDiskLeavesTheOlderFile) {
  const test::Folder folder;
  const std::uint64_t older = write_example(folder / "data.h5", 70, true).content;
  const auto write_large = [&] {
    DatasetWriter writer(folder / "data.h5", example_schema(false));
    for (Index piece = 0; piece < 40; ++piece) {
      writer.append(example_rows(1000 * piece, 1000), example_lines(1000 * piece, 1000));
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

/// The pieces of Python on the page for people who write datasets themselves.
std::string python_on(const std::filesystem::path& page) {
  const std::string text = read_file(page), open = "```python\n", close = "```\n";
  std::string code;
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    at += open.size();
    const std::size_t end = text.find(close, at);
    code += text.substr(at, end - at);
    at = end;
  }
  return code;
}

TEST(PythonDataset, ThePageWritesWhatIsRead) {
  const test::Folder folder;
  write_file(folder / "page.py", python_on(VFE_SOURCE_DIR "/cluster/data.md"));
  const std::string command =
      "cd '" + folder.path().string() + "' && " VFE_BINARY_DIR "/venv/bin/python page.py";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;

  const Dataset data(folder / "data.h5");
  EXPECT_EQ(data.schema().num_rows(), 1000);
  EXPECT_EQ(data.schema().num_blocks(), 4);
  EXPECT_TRUE(data.schema().single);
  EXPECT_EQ(data.schema().columns[1], (Column{"age", "age", "", "", 0.0, 1.0}));
  const Rows rows = data.read({0, 4});
  EXPECT_NEAR(rows.y.mean(), 0.5, 0.1);
  EXPECT_NEAR(std::get<Rows::RowMajor<float>>(rows.x).mean(), 0.0, 0.1);

  const Dataset claims(folder / "claims.h5");
  const Schema& schema = claims.schema();
  EXPECT_EQ(schema.response, "claims");
  EXPECT_EQ(schema.columns[0].source, "age");
  EXPECT_NEAR(schema.columns[0].centre, 40.0, 2.0);
  EXPECT_NEAR(schema.columns[0].scale, 12.0, 2.0);
  EXPECT_EQ(schema.columns[2], (Column{"colour[blue]", "colour", "blue", "red", 0.0, 1.0}));
  const Rows all = claims.read({0, schema.num_blocks()});
  const auto& x = std::get<Rows::RowMajor<double>>(all.x);
  EXPECT_NEAR(x.col(0).squaredNorm(), 1000.0, 1e-6);
  EXPECT_LE(x.rightCols(2).rowwise().sum().maxCoeff(), 1.0);
  EXPECT_EQ(all.weight, Vector::Ones(1000));
  EXPECT_GT(all.offset.minCoeff(), -0.7);
}

}  // namespace
}  // namespace vfe
