#include "vfe/store/result.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "store/folder.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Index draws = 200;

std::vector<double> values(Index count) {
  std::vector<double> list(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = std::sin(static_cast<double>(i)) + 0.1;
  return list;
}

Matrix matrix(Index rows, Index cols) {
  const std::vector<double> list = values(rows * cols);
  return Eigen::Map<const Matrix>(list.data(), rows, cols);
}

ResultFile example() {
  const Dimension chain{"chain", 1, {}}, draw{"draw", draws, {}};
  const Dimension column{"column",
                         3,
                         {"age", "colour[gr\xc3\xbcn]",
                          "Gr\xc3\xb6\xc3\x9f"
                          "e"}};
  ResultFile result;
  result.groups = {{"posterior",
                    {{"sigma", {chain, draw}, values(draws)},
                     {"beta", {chain, draw, column}, values(3 * draws)},
                     {"weights", {chain, draw, {"class", 2, {}}, column}, values(6 * draws)}}},
                   {"sample_stats", {{"lp", {chain, draw}, values(draws)}}},
                   {"observed_data", {{"y", {{"row", 4, {}}}, values(4)}}}};
  result.groups[0].attributes = {{"sample_dims", std::vector<std::string>{"chain", "draw"}},
                                 {"sampled_variables", std::vector<std::string>{"sigma"}},
                                 {"moments", std::string("gr\xc3\xbcn")}};
  result.attributes = {{"verdict", std::string("certified")},
                       {"khat", 0.1},
                       {"gradients", std::int64_t{1} << 60},
                       {"reason", std::string("k\xcc\x82 is small")}};
  result.texts = {{"config", "[fit]\nseed = 1  # \xc3\xa4\n"}, {"schema", ""}};
  result.arrays = {{"lambda", matrix(7, 1)},
                   {"trace/free_energy", matrix(11, 2)},
                   {"trace/rate", matrix(11, 1)},
                   {"square", matrix(7, 7)},
                   {"nothing", Matrix(0, 3)}};
  return result;
}

void expect_same_summary(const ResultFile& found, const ResultFile& expected) {
  EXPECT_EQ(found.attributes, expected.attributes);
  EXPECT_EQ(found.texts, expected.texts);
  ASSERT_EQ(found.arrays.size(), expected.arrays.size());
  for (const auto& [name, array] : expected.arrays) {
    ASSERT_TRUE(found.arrays.contains(name)) << name;
    EXPECT_EQ(found.arrays.at(name), array) << name;
  }
}

TEST(Result, FileAndBack) {
  const test::Folder folder;
  const ResultFile expected = example();
  write_result(folder / "result.h5", expected);
  const ResultFile found = read_result(folder / "result.h5");
  expect_same_summary(found, expected);
  ASSERT_EQ(found.groups.size(), expected.groups.size());
  for (std::size_t g = 0; g < expected.groups.size(); ++g) {
    EXPECT_EQ(found.groups[g].name, expected.groups[g].name);
    EXPECT_EQ(found.groups[g].attributes, expected.groups[g].attributes);
    ASSERT_EQ(found.groups[g].variables.size(), expected.groups[g].variables.size());
    for (std::size_t v = 0; v < expected.groups[g].variables.size(); ++v) {
      EXPECT_EQ(found.groups[g].variables[v].name, expected.groups[g].variables[v].name);
      EXPECT_EQ(found.groups[g].variables[v].dimensions, expected.groups[g].variables[v].dimensions);
      EXPECT_EQ(found.groups[g].variables[v].values, expected.groups[g].variables[v].values);
    }
  }
  EXPECT_EQ(found.variable("sample_stats", "lp").values, values(draws));
  EXPECT_THAT(test::error_line(Fault::data, [&] { found.variable("posterior", "tau"); }),
              HasSubstr("posterior/tau"));
}

TEST(Result, SummaryReadsNoDraws) {
  const test::Folder folder;
  write_result(folder / "result.h5", example());
  const ResultFile found = read_result_summary(folder / "result.h5");
  expect_same_summary(found, example());
  EXPECT_TRUE(found.groups.empty());
}

TEST(Result, DimensionsThatClashAreRenamed) {
  const test::Folder folder;
  const Dimension age{"age", 2, {"young", "old"}}, item{"item", 3, {}}, other_item{"item", 2, {}};
  ResultFile result;
  result.groups = {{"posterior",
                    {{"age", {age}, values(2)},                // named like its dimension
                     {"covariance", {item, item}, values(9)},  // a dimension twice
                     {"item_effect", {item}, values(3)},
                     {"short", {other_item}, values(2)}}}};  // another dimension of that name
  write_result(folder / "result.h5", result);
  const ResultFile found = read_result(folder / "result.h5");
  const auto axes = [&](const std::string& variable) {
    std::vector<std::string> names;
    for (const Dimension& dimension : found.variable("posterior", variable).dimensions) {
      names.push_back(dimension.name);
    }
    return names;
  };
  EXPECT_THAT(axes("age"), ElementsAre("age_dim"));
  EXPECT_THAT(axes("covariance"), ElementsAre("item", "covariance_item_0"));
  EXPECT_THAT(axes("item_effect"), ElementsAre("item"));
  EXPECT_THAT(axes("short"), ElementsAre("short_item_0"));
  EXPECT_THAT(found.variable("posterior", "age").dimensions[0].labels, ElementsAre("young", "old"));
  EXPECT_EQ(found.variable("posterior", "covariance").values, values(9));
}

TEST(Result, WhatIsNotAResult) {
  const test::Folder folder;
  EXPECT_THAT(test::error_line(Fault::missing, [&] { read_result(folder / "result.h5"); }),
              HasSubstr("result.h5"));
  test::overwrite(folder / "result.h5", "text");
  EXPECT_THAT(test::error_line(Fault::data, [&] { read_result(folder / "result.h5"); }),
              HasSubstr("not an HDF5"));
  write_result(folder / "result.h5", example());
  std::filesystem::resize_file(folder / "result.h5", std::filesystem::file_size(folder / "result.h5") - 1);
  EXPECT_THAT(test::error_line(Fault::data, [&] { read_result(folder / "result.h5"); }),
              HasSubstr("cut short"));
  EXPECT_THAT(test::error_line(Fault::missing, [&] { read_result(folder.path()); }),
              HasSubstr("is a folder"));
  EXPECT_THAT(test::error_line(Fault::cannot_create, [&] { write_result(folder / "absent" / "a.h5", {}); }),
              HasSubstr("absent/a.h5"));
}

TEST(Result, ValuesThatDoNotFitAreABug) {
  const test::Folder folder;
  ResultFile result;
  result.groups = {{"posterior", {{"mu", {{"draw", 3, {}}}, values(4)}}}};
  test::error_line(Fault::bug, [&] { write_result(folder / "result.h5", result); });
  result.groups = {{"posterior", {{"mu", {{"draw", 3, {"a"}}}, values(3)}}}};
  test::error_line(Fault::bug, [&] { write_result(folder / "result.h5", result); });
  EXPECT_EQ(folder.num_files(), 0u);
}

/// HDF5 has no checksum of texts of variable length.
TEST(Result, A10AChangedTextIsTold) {
  const test::Folder folder;
  ResultFile result = example();
  result.texts["schema"] = "{\"centre\":40.0,\"scale\":12.5}";
  write_result(folder / "result.h5", result);
  std::string bytes = read_file(folder / "result.h5");
  for (const std::string text : {"\"centre\":40", "certified", "gr\xc3\xbcn"}) {
    const std::size_t at = bytes.find(text);
    ASSERT_NE(at, std::string::npos) << text;
    test::flip_bit(folder / "result.h5", at + text.size() - 1);
    for (const auto read : {read_result, read_result_summary}) {
      EXPECT_THAT(test::error_line(Fault::data, [&] { read(folder / "result.h5"); }),
                  HasSubstr("result.h5: is damaged"));
    }
    test::flip_bit(folder / "result.h5", at + text.size() - 1);
  }
  expect_same_summary(read_result(folder / "result.h5"), result);
}

TEST(Result, FullDiskLeavesTheOlderFile) {
  const test::Folder folder;
  write_result(folder / "result.h5", example());
  ResultFile large = example();
  large.arrays["lambda"] = Matrix::Zero(500, 300);
  large.texts["config"] = std::string(100000, 'x');
  for (std::size_t limit = 0; limit < 1300000; limit += 100000) {
    const std::string line = test::error_line(Fault::io, [&] {
      const test::FileSizeLimit full(limit);
      write_result(folder / "result.h5", large);
    });
    EXPECT_THAT(line, HasSubstr("File too large"));
    EXPECT_EQ(folder.num_files(), 1u);
  }
  expect_same_summary(read_result(folder / "result.h5"), example());
}

TEST(PythonResult, ArvizOpensIt) {
  const test::Folder folder;
  write_result(folder / "result.h5", example());
  write_file(folder / "check.py", R"(
import warnings
import arviz as az, numpy as np
warnings.simplefilter("error", UserWarning)
expected = lambda *shape: np.sin(np.arange(np.prod(shape))).reshape(shape) + 0.1
for engine in ["h5netcdf", "netcdf4"]:
    data = az.from_netcdf("result.h5", engine=engine)
    assert set(data.groups()) == {"posterior", "sample_stats", "observed_data", "vfe"}, data.groups()
    posterior = data.posterior
    assert posterior.sizes == {"chain": 1, "draw": 200, "column": 3, "class": 2}, posterior.sizes
    assert list(posterior.column.values) == ["age", "colour[grün]", "Größe"], posterior.column.values
    assert all(type(label) is not bytes for label in posterior.column.values)
    assert posterior.beta.dims == ("chain", "draw", "column")
    assert posterior.weights.dims == ("chain", "draw", "class", "column")
    assert all(posterior[name].dtype == np.float64 for name in posterior.data_vars)
    np.testing.assert_allclose(posterior.weights.values, expected(1, 200, 2, 3), rtol=1e-14)
    np.testing.assert_allclose(data.observed_data.y.values, expected(4), rtol=1e-14)
    assert posterior.attrs["inference_library"] == "vfe" and posterior.attrs["moments"] == "grün"
    assert list(posterior.attrs["sample_dims"]) == ["chain", "draw"], posterior.attrs
    assert np.atleast_1d(posterior.attrs["sampled_variables"]).tolist() == ["sigma"], posterior.attrs
    assert "created_at" in posterior.attrs and "inference_library_version" in posterior.attrs
    assert data.vfe.attrs["verdict"] == "certified" and data.vfe.attrs["gradients"] == 2**60
    assert data.vfe["lambda"].shape == (7, 1) and data.vfe["square"].shape == (7, 7)
    assert "seed = 1  # ä" in str(data.vfe["config"].values)
    table = az.summary(data, round_to="none")
    assert list(table.index)[:4] == ["sigma", "beta[age]", "beta[colour[grün]]", "beta[Größe]"], table.index
    np.testing.assert_allclose(table["mean"]["sigma"], expected(200).mean())
)");
  const std::string command =
      "cd '" + folder.path().string() + "' && " VFE_BINARY_DIR "/venv/bin/python check.py";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

/// Another program may add to the file (netCDF4 wants the order of creation tracked for that), and then has
/// it for itself: what it made of ours is not known to be ours.
TEST(PythonResult, NetcdfAppendsToIt) {
  const test::Folder folder;
  write_result(folder / "result.h5", example());
  write_file(folder / "append.py", R"(
import netCDF4, numpy as np
with netCDF4.Dataset("result.h5", "a") as file:
    group = file["posterior"]
    group.createVariable("twice", "f8", ("chain", "draw"))[:] = 2 * group["sigma"][:]
with netCDF4.Dataset("result.h5") as file:
    np.testing.assert_array_equal(file["posterior"]["twice"][:], 2 * file["posterior"]["sigma"][:])
)");
  const std::string command =
      "cd '" + folder.path().string() + "' && " VFE_BINARY_DIR "/venv/bin/python append.py";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  EXPECT_THAT(test::error_line(Fault::data, [&] { read_result(folder / "result.h5"); }),
              HasSubstr("another program has changed it"));
}

TEST(PythonResult, C2TheSealDoesNotKeepOtherReadersOut) {
  const test::Folder folder;
  write_result(folder / "result.h5", example());
  write_file(folder / "check.py", R"(
import h5py, xarray
assert open("result.h5", "rb").read()[-24:-16] == b"vfe seal"
with h5py.File("result.h5") as file:
    assert file["posterior/beta"].shape == (1, 200, 3)
for engine in ["h5netcdf", "netcdf4"]:
    with xarray.open_dataset("result.h5", group="posterior", engine=engine) as data:
        assert data.sizes["draw"] == 200
)");
  const std::string command =
      "cd '" + folder.path().string() + "' && " VFE_BINARY_DIR "/venv/bin/python check.py";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(Result, TextsThatAreNoUtf8AreRefused) {
  const test::Folder folder;
  const auto refusal = [&](const std::function<void(ResultFile&)>& change) {
    ResultFile result = example();
    change(result);
    write_result(folder / "result.h5", result);
    return test::error_line(Fault::data, [&] { read_result(folder / "result.h5"); });
  };
  EXPECT_THAT(refusal([](ResultFile& file) { file.attributes["reason"] = std::string("j\xe4"); }),
              HasSubstr("vfe/reason is \"j"));
  EXPECT_THAT(refusal([](ResultFile& file) { file.texts["config"] = "j\xe4"; }), HasSubstr("vfe/config is"));
  EXPECT_THAT(refusal([](ResultFile& file) {
                file.groups[0].attributes["sample_dims"] = std::vector<std::string>{"chain", "\xff"};
              }),
              HasSubstr("posterior/sample_dims is"));
}

}  // namespace
}  // namespace vfe
