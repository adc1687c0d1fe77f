// What other programs may write: a table's layout, whole and not.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "store/folder.hpp"
#include "store/hdf5.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A file through the plain layout, as another program would write it.
class Layout {
 public:
  explicit Layout(const std::filesystem::path& path) : file_(hdf5::create_file(path)) {
    hdf5::write_attribute(file_, "format", "vfe-dataset");
    hdf5::write_attribute(file_, "version", std::int64_t{2});
  }
  const hdf5::Handle& file() const { return file_; }
  template <class T = double>
  void put(const std::string& name, const hdf5::Shape& shape, hid_t type, std::vector<T> values = {}) {
    const std::size_t slash = name.find('/');
    const std::string part = name.substr(slash + 1);  // or all of it
    const hdf5::Handle group = slash == std::string::npos ? hdf5::open_group(file_, ".")
                                                          : hdf5::create_group(file_, name.substr(0, slash));
    const hdf5::Handle dataset = hdf5::create_dataset(group, part, type, shape);
    if (values.empty()) values.assign(hdf5::size(dataset), T{1});
    hdf5::write(dataset, values.data());
  }
  void numbers(const hdf5::Shape& shape, std::vector<double> values = {}) {
    put("numbers", shape, H5T_IEEE_F64LE, std::move(values));
  }
  void codes(const hdf5::Shape& shape, std::vector<std::int64_t> values = {}) {
    put("codes", shape, H5T_STD_I32LE, std::move(values));
  }
  void names(const std::vector<std::string>& names) { texts("columns/name", names); }
  void types(const std::vector<std::string>& types) { texts("columns/type", types); }
  void levels(const std::vector<std::string>& levels) { texts("levels/0", levels); }
  void finish() { hdf5::finish_file(std::move(file_)); }

 private:
  void texts(const std::string& path, const std::vector<std::string>& texts) {
    const std::size_t slash = path.find('/');
    hdf5::write_labels(hdf5::create_group(file_, path.substr(0, slash)), path.substr(slash + 1), texts);
  }

  hdf5::Handle file_;
};

TEST(DatasetLayout, OnlyTheNeededParts) {
  const test::Folder folder;
  Layout layout(folder / "data.h5");
  layout.numbers({5, 2});
  layout.names({"a", "b"});
  layout.finish();
  const Dataset file(folder / "data.h5");
  const DatasetSchema& schema = file.schema();
  EXPECT_EQ(schema.num_rows(), 5);
  EXPECT_EQ(schema.blocks.block_rows(), 16384);  // 2 columns of float64 in 256 KiB
  EXPECT_EQ(schema.table, (TableSchema{{{.name = "a"}, {.name = "b"}}}));
  EXPECT_FALSE(schema.has_line || schema.single);
  EXPECT_FALSE(file.has_content_hash());
  EXPECT_EQ(file.made_by(), "");
  EXPECT_EQ(file.name_row(3), "row 3");
  EXPECT_TRUE(file.lines(0, 2).empty());
  const TableRows rows = file.read({0, 1});
  EXPECT_EQ(rows.codes.rows(), 5);
  EXPECT_EQ(rows.codes.cols(), 0);
  EXPECT_TRUE(rows.matrices.empty());
}

TEST(DatasetLayout, PartsInOtherTypesThanOurs) {
  const test::Folder folder;
  Layout layout(folder / "data.h5");
  layout.names({"smell", "bits", "n"});
  layout.types({"factor", "matrix", "integer"});
  layout.levels({"faint", "strong"});
  layout.put<std::int64_t>("codes", {3, 1}, H5T_STD_I8BE, {1, -1, 0});
  layout.put<std::int64_t>("matrices/0", {3, 2}, H5T_STD_U8LE, {0, 255, 2, 3, 4, 5});
  layout.put<std::int64_t>("integers", {3, 1}, H5T_STD_U32LE, {4294967295, 0, 7});
  layout.finish();
  const Dataset file(folder / "data.h5");
  EXPECT_TRUE(file.schema().single);
  EXPECT_EQ(file.schema().table[1].width, 2);
  const TableRows rows = file.read({0, 1});
  EXPECT_THAT(rows.codes.reshaped(), ElementsAre(1, -1, 0));
  EXPECT_THAT(rows.integers.reshaped(), ElementsAre(4294967295, 0, 7));
  EXPECT_THAT((std::get<TableRows::RowMajor<float>>(rows.matrices[0]).reshaped<Eigen::RowMajor>()),
              ElementsAre(0, 255, 2, 3, 4, 5));
  EXPECT_EQ(std::get<TableRows::RowMajor<float>>(rows.numbers).rows(), 3);
}

/// What is said of a layout that `build` made.
std::string refusal(const std::function<void(Layout&)>& build) {
  const test::Folder folder;
  Layout layout(folder / "data.h5");
  build(layout);
  layout.finish();
  const std::string line = test::error_line(Fault::data, [&] { Dataset(folder / "data.h5").read({0, 1}); });
  EXPECT_THAT(line, HasSubstr("data.h5"));
  return line;
}

TEST(DatasetLayout, PartsThatAreMissingOrDisagree) {
  EXPECT_THAT(refusal([](Layout&) {}), HasSubstr("has no /columns/name"));
  EXPECT_THAT(refusal([](Layout& l) { l.numbers({5, 2}); }), HasSubstr("has no /columns/name"));
  const auto named = [](const std::vector<std::string>& names, const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.names(names);
      more(l);
    });
  };
  EXPECT_THAT(named({"a"}, [](Layout&) {}), HasSubstr("has no /numbers, expected rows x 1: the columns of"));
  EXPECT_THAT(named({"a"}, [](Layout& l) { l.numbers({5}); }), HasSubstr("/numbers has 1 axes"));
  EXPECT_THAT(named({"a"}, [](Layout& l) { l.numbers({0, 1}); }), HasSubstr("has no rows: /numbers"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.numbers({5, 2});
                    }),
              HasSubstr("/numbers has 2 columns, expected 1"));
  EXPECT_THAT(named({"a", "a"},
                    [](Layout& l) {
                      l.numbers({5, 2});
                    }),
              HasSubstr("two columns are named \"a\""));
  EXPECT_THAT(named({"a", ""},
                    [](Layout& l) {
                      l.numbers({5, 2});
                    }),
              HasSubstr("column 1 has an empty name"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.types({"number", "number"});
                    }),
              HasSubstr("/columns/type has 2 entries, /columns/name has 1"));
  EXPECT_THAT(named({"a"}, [](Layout& l) { l.types({"text"}); }),
              HasSubstr("column \"a\": its type is \"text\", expected number, factor, integer or matrix"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.put<std::int64_t>("numbers", {5, 1}, H5T_STD_I64LE);
                    }),
              HasSubstr("/numbers does not hold floating-point numbers"));
  EXPECT_THAT(refusal([](Layout& l) {
                hdf5::write_strings(hdf5::create_group(l.file(), "columns"), "name", {"gr\xf6n"});
              }),
              HasSubstr("/columns/name holds \"gr\\xf6n\" at 0, expected UTF-8"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.numbers({5, 1});
                      hdf5::write_attribute(l.file(), "source", 3.0);
                    }),
              HasSubstr("attribute source is not a text"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.numbers({5, 1});
                      l.put("line", {4}, H5T_IEEE_F64LE);
                    }),
              HasSubstr("/line has 4 entries, expected 5"));
  EXPECT_THAT(named({"a"},
                    [](Layout& l) {
                      l.put("x", {5, 1}, H5T_IEEE_F64LE);
                    }),
              HasSubstr("is a dataset of version 1"));
}

TEST(DatasetLayout, FactorsWithoutTheirLevels) {
  const auto factor = [](const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.names({"a", "f"});
      l.types({"number", "factor"});
      l.numbers({3, 1});
      more(l);
    });
  };
  EXPECT_THAT(factor([](Layout&) {}), HasSubstr("has no levels of the factor \"f\", expected /levels/0"));
  EXPECT_THAT(factor([](Layout& l) { l.levels({"u"}); }), HasSubstr("has no /codes, expected rows x 1"));
  EXPECT_THAT(factor([](Layout& l) {
                l.levels({"u", "v", "u"});
              }),
              HasSubstr("/levels/0: two levels of the factor \"f\" are \"u\""));
  EXPECT_THAT(factor([](Layout& l) {
                l.levels({"u", ""});
              }),
              HasSubstr("a level of the factor \"f\" is empty"));
  EXPECT_THAT(factor([](Layout& l) {
                l.levels({"u"});
                l.codes({4, 1});
              }),
              HasSubstr("/codes has 4 rows, /numbers has 3"));
  EXPECT_THAT(factor([](Layout& l) {
                l.levels({"u"});
                l.put("codes", {3, 1}, H5T_IEEE_F32LE);
              }),
              HasSubstr("/codes does not hold integers"));
  const auto coded = [&](const std::vector<std::int64_t>& codes) {
    return factor([&](Layout& l) {
      l.levels({"u", "v"});
      l.codes({3, 1}, codes);
    });
  };
  EXPECT_THAT(coded({0, 2, 5}), HasSubstr("row 1, column \"f\": found the code 2, expected 0 to 1, or -1"));
  EXPECT_THAT(coded({0, 1, -2}), HasSubstr("row 2, column \"f\": found the code -2"));
}

TEST(DatasetLayout, IntegersAndMatricesThatAreNone) {
  const auto integer = [](const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.names({"n"});
      l.types({"integer"});
      more(l);
    });
  };
  EXPECT_THAT(integer([](Layout& l) {
                l.put("integers", {3, 1}, H5T_IEEE_F64LE);
              }),
              HasSubstr("/integers does not hold integers"));
  // HDF5 would make the largest of int64 of what is larger.
  EXPECT_THAT(integer([](Layout& l) {
                l.put<std::int64_t>("integers", {3, 1}, H5T_STD_U64LE);
              }),
              HasSubstr("/integers does not hold integers, expected int64"));
  const auto matrix = [](const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.names({"a", "fp"});
      l.types({"number", "matrix"});
      l.numbers({3, 1});
      more(l);
    });
  };
  EXPECT_THAT(matrix([](Layout&) {}),
              HasSubstr("has no /matrices/0, expected rows x width: the matrix \"fp\""));
  EXPECT_THAT(matrix([](Layout& l) {
                l.put("matrices/0", {3, 0}, H5T_IEEE_F32LE);
              }),
              HasSubstr("/matrices/0 has no columns"));
  EXPECT_THAT(matrix([](Layout& l) {
                l.put("matrices/0", {2, 4}, H5T_IEEE_F32LE);
              }),
              HasSubstr("/matrices/0 has 2 rows, /numbers has 3"));
  EXPECT_THAT(matrix([](Layout& l) { l.put("matrices/0", {12}, H5T_IEEE_F32LE); }),
              HasSubstr("/matrices/0 has 1 axes"));
  EXPECT_THAT(matrix([](Layout& l) {
                l.put<std::int64_t>("matrices/0", {3, 4}, H5T_STD_I32LE);
              }),
              HasSubstr("/matrices/0 holds neither floating-point numbers nor bytes"));
  EXPECT_THAT(matrix([](Layout& l) {
                l.put("matrices/0", {3, 2}, H5T_IEEE_F32LE, {1, 2, 3, nan, 5, infinity});
              }),
              HasSubstr("row 2, column \"fp\": found inf"));
}

TEST(DatasetLayout, TheFirstInfiniteNumberIsNamedAndNaNIsMissing) {
  const auto with = [](std::vector<double> values) {
    return refusal([&](Layout& l) {
      l.numbers({3, 2}, values);
      l.names({"a", "b"});
    });
  };
  EXPECT_THAT(with({1, nan, 3, infinity, infinity, 6}),
              HasSubstr("row 1, column \"b\": found inf, expected"));
  EXPECT_THAT(with({1, 2, nan, 4, -infinity, 6}), HasSubstr("row 2, column \"a\": found -inf"));
}

TEST(DatasetLayout, BlocksThatAreNone) {
  const auto with = [](const std::function<void(Layout&)>& more) {
    return refusal([&](Layout& l) {
      l.numbers({5, 1});
      l.names({"a"});
      more(l);
    });
  };
  const auto with_offsets = [&](const std::vector<std::int64_t>& offsets, bool and_block_rows = false) {
    return with([&](Layout& l) {
      if (and_block_rows) hdf5::write_attribute(l.file(), "block_rows", std::int64_t{2});
      l.put("block_offsets", {offsets.size()}, H5T_STD_I64LE, offsets);
    });
  };
  EXPECT_THAT(with([](Layout& l) { hdf5::write_attribute(l.file(), "block_rows", std::int64_t{0}); }),
              HasSubstr("block_rows is 0"));
  EXPECT_THAT(with_offsets({1, 5}), HasSubstr("entry 0 is 1, expected 0 first"));
  EXPECT_THAT(with_offsets({0, 3, 3, 5}), HasSubstr("entry 2 is 3, expected more than the 3 before it"));
  EXPECT_THAT(with_offsets({0, 3}), HasSubstr("/block_offsets ends at 3, expected the 5 rows there are"));
  EXPECT_THAT(with_offsets({0, 3, 6}), HasSubstr("/block_offsets ends at 6, expected the 5 rows there are"));
  EXPECT_THAT(with_offsets({0, 5}, true), HasSubstr("both /block_offsets and attribute block_rows"));
  EXPECT_THAT(with([](Layout& l) {
                l.put("block_offsets", {2}, H5T_IEEE_F64LE, {0.0, 5.0});
              }),
              HasSubstr("/block_offsets is no list of integers"));
}

TEST(DatasetLayout, GroupsThatAreNone) {
  const auto with = [](const std::vector<std::string>& names) {
    return refusal([&](Layout& l) {
      l.names({"a", "g"});
      l.types({"number", "integer"});
      l.numbers({5, 1});
      l.put<std::int64_t>("integers", {5, 1}, H5T_STD_I64LE);
      hdf5::write_labels(l.file(), "grouped_by", names);
    });
  };
  EXPECT_THAT(with({"g", "b"}), HasSubstr("/grouped_by names \"b\", which is no column of the table"));
  EXPECT_THAT(with({"g", "g"}), HasSubstr("/grouped_by names \"g\" twice"));
  EXPECT_THAT(with({"a"}),
              HasSubstr("/grouped_by names \"a\", a column of type number, expected factor or integer"));
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

constexpr const char* frame = R"(
import pandas as pd

rows = np.arange(6)
frame = pd.DataFrame({
    "colour/2": pd.Categorical.from_codes([0, 1, -1, 1, 0, 1], ["red", "gr\u00fcn"]), "mass": rows / 8,
    "rings": rows.astype("int32"), "smell": pd.Categorical.from_codes([2, 1, 0, 2, 1, 0], ["none", "faint", "strong"]),
    "logp": np.where(rows == 3, np.nan, rows)})
write_table("mols.h5", frame, {"fp": (np.outer(rows, [1, 2, 4]) % 3 == 1).astype("uint8")})
)";

TEST(PythonDatasetLayout, ThePageWritesWhatIsRead) {
  const test::Folder folder;
  write_file(folder / "page.py", python_on(VFE_SOURCE_DIR "/cluster/data.md") + frame);
  const std::string command =
      "cd '" + folder.path().string() + "' && " VFE_BINARY_DIR "/venv/bin/python page.py";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;

  const Dataset data(folder / "data.h5");
  EXPECT_EQ(data.schema().num_rows(), 1000);
  EXPECT_EQ(data.schema().num_blocks(), 4);
  EXPECT_TRUE(data.schema().single);
  EXPECT_EQ(data.schema().table, (TableSchema{{{.name = "dose"}, {.name = "age"}, {.name = "sick"}}}));
  const TableRows rows = data.read({0, 4});
  Vector sick(1000), dose(1000);
  rows.read_number(0, dose);
  rows.read_number(2, sick);
  EXPECT_NEAR(sick.mean(), 0.5, 0.1);
  EXPECT_GT(sick.dot(dose), 100.0);

  const Dataset schools(folder / "schools.h5");
  EXPECT_THAT(schools.schema().grouped_by, ElementsAre("school"));
  EXPECT_EQ(schools.schema().num_rows(), 1000);
  EXPECT_EQ(schools.schema().num_blocks(), 5);
  for (Index b = 1; b < 5; ++b) {  // no school is in two of them
    const Index before = schools.read({b - 1, b}).integers.maxCoeff();
    EXPECT_LT(before, schools.read({b, b + 1}).integers.minCoeff());
  }

  const Dataset mols(folder / "mols.h5");
  const TableSchema expected{
      {{.name = "colour/2", .type = ColumnType::factor, .levels = {"red", "gr\xc3\xbcn"}},
       {.name = "mass"},
       {.name = "rings", .type = ColumnType::integer},
       {.name = "smell", .type = ColumnType::factor, .levels = {"none", "faint", "strong"}},
       {.name = "logp"},
       {.name = "fp", .type = ColumnType::matrix, .width = 3}}};
  EXPECT_EQ(mols.schema().table, expected);
  const TableRows all = mols.read({0, mols.schema().num_blocks()});
  EXPECT_THAT(all.codes.col(0).reshaped(), ElementsAre(0, 1, -1, 1, 0, 1));
  EXPECT_THAT(all.codes.col(1).reshaped(), ElementsAre(2, 1, 0, 2, 1, 0));
  EXPECT_THAT(all.integers.reshaped(), ElementsAre(0, 1, 2, 3, 4, 5));
  Vector logp(6);
  all.read_number(1, logp);
  EXPECT_TRUE(std::isnan(logp[3]));
  EXPECT_EQ(logp[5], 5.0);
  EXPECT_THAT((std::get<TableRows::RowMajor<float>>(all.matrices[0]).row(1).reshaped()),
              ElementsAre(1, 0, 1));
}

}  // namespace
}  // namespace vfe
