// What a header says of sizes and of other files is not believed.
#include <gmock/gmock.h>

#include <functional>

#include "store/folder.hpp"
#include "store/hdf5.hpp"
#include "vfe/core/blocks.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using hdf5::Handle;
using testing::AllOf;
using testing::HasSubstr;

/// A dataset of 5 rows, 2 columns of numbers and one that is a matrix, as another program may write it; `but`
/// is left out, for a test to put there.
class Foreign {
 public:
  explicit Foreign(const std::string& but = "") : file_(hdf5::create_file(folder_ / "data.h5")) {
    hdf5::write_attribute(file_, "format", "vfe-dataset");
    hdf5::write_attribute(file_, "version", std::int64_t{2});
    if (but != "columns") {
      const Handle columns = hdf5::create_group(file_, "columns");
      hdf5::write_labels(columns, "name", {"a", "b", "m"});
      hdf5::write_labels(columns, "type", {"number", "number", "matrix"});
    }
    if (but != "numbers") put("numbers", {5, 2});
    const Handle matrices = hdf5::create_group(file_, "matrices");
    if (but != "matrices/0") put("matrices/0", {5, 3});
  }
  const Handle& file() const { return file_; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  void put(const std::string& name, const hdf5::Shape& shape) {
    const Handle dataset = hdf5::create_dataset(file_, name, H5T_IEEE_F64LE, shape);
    hdf5::write(dataset, std::vector<double>(hdf5::size(dataset), 1.0).data());
  }
  /// Chunks, none of which is there: as much as one likes in a small file.
  void claim(const std::string& name, const hdf5::Shape& shape, const hdf5::Shape& chunk, int deflate = 0,
             bool write_one = false) {
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data());
    if (deflate > 0) H5Pset_deflate(properties.id(), static_cast<unsigned>(deflate));
    const hdf5::Shape limits(shape.size(), H5S_UNLIMITED);
    const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), limits.data()));
    const Handle dataset(H5Dcreate2(file_.id(), name.c_str(), H5T_IEEE_F64LE, space.id(), H5P_DEFAULT,
                                    properties.id(), H5P_DEFAULT));
    ASSERT_TRUE(dataset);
    if (write_one) {
      std::vector<double> values(hdf5::size(dataset), 1.0);
      hdf5::write(dataset, values.data());
    }
  }
  std::string refusal() {
    hdf5::finish_file(std::move(file_));
    return test::error_line(Fault::data, [&] { Dataset(path("data.h5")).read({0, 1}); });
  }
  /// The matrix.
  Matrix matrix() {
    hdf5::finish_file(std::move(file_));
    const Dataset dataset(path("data.h5"));
    Matrix values(5, 3);
    dataset.read({0, dataset.schema().num_blocks()}).read_matrix(0, values);
    return values;
  }

 private:
  test::Folder folder_;
  Handle file_;
};

constexpr hsize_t huge = hsize_t{1} << 40;

TEST(Hdf5Bounds, C3ExtentsBeyondTheFileAreRefused) {
  {
    Foreign file("numbers");
    file.claim("numbers", {5, huge}, {5, 1000});
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/numbers"), HasSubstr("5 x 1099511627776 entries"),
                                      HasSubstr("0 bytes of it")));
  }
  {
    Foreign file("numbers");
    file.claim("numbers", {huge, 2}, {1000, 2});
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/numbers"), HasSubstr("1099511627776 x 2")));
  }
  {
    Foreign file("numbers");  // the product of these overflows to nothing
    file.claim("numbers", {hsize_t{1} << 32, hsize_t{1} << 32}, {1000, 2});
    EXPECT_THAT(file.refusal(), HasSubstr("/numbers"));
  }
  {
    Foreign file("matrices/0");
    file.claim("matrices/0", {5, 3}, {hsize_t{1} << 26, 4}, 9);  // one chunk of 2 GiB, to be inflated
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/matrices/0"), HasSubstr("5 x 3 entries")));
  }
  {
    Foreign file;
    file.claim("block_offsets", {huge}, {1000});
    EXPECT_THAT(file.refusal(), HasSubstr("/block_offsets"));
  }
  {
    Foreign file("matrices/0");
    file.claim("matrices/0", {5, 3}, {5, 3});
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("matrices/0"), HasSubstr("0 bytes of it are in the file")));
  }
  {
    Foreign file;
    Handle group = hdf5::create_group(file.file(), "truth");
    file.claim("truth/value", {huge}, {1000});
    const Handle type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.id(), std::size_t{1} << 30);
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    const hsize_t one = 1, many = 1 << 20;
    H5Pset_chunk(properties.id(), 1, &one);
    const Handle space(H5Screate_simple(1, &many, nullptr));
    Handle dataset(
        H5Dcreate2(group.id(), "name", type.id(), space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT));
    dataset = Handle();
    group = Handle();
    EXPECT_THAT(file.refusal(), HasSubstr("/truth/name"));
  }
}

TEST(Hdf5Bounds, WhatIsCompressedIsRead) {
  Foreign file("numbers");
  file.claim("numbers", {5, 2}, {5, 2}, 9, true);
  EXPECT_EQ(file.matrix(), Matrix::Ones(5, 3));
}

TEST(Hdf5Bounds, C3NumbersInAttributesAreNotBelieved) {
  const auto with = [](const std::string& name, std::int64_t value) {
    Foreign file;
    hdf5::write_attribute(file.file(), name, value);
    return file.refusal();
  };
  EXPECT_THAT(with("block_rows", std::numeric_limits<std::int64_t>::max()),
              HasSubstr("attribute block_rows is 9223372036854775807, expected 1 to"));
  EXPECT_THAT(with("block_rows", -1), HasSubstr("attribute block_rows is -1"));
}

TEST(Hdf5Bounds, C3LinksToOtherFilesAreRefused) {
  for (const char* name : {"numbers", "columns"}) {
    Foreign file(name);
    {
      const Handle other = hdf5::create_file(file.path("other.h5"));
      const Handle values = hdf5::create_dataset(other, name, H5T_IEEE_F64LE, {5, 2});
    }
    H5Lcreate_external("other.h5", name, file.file().id(), name, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_THAT(file.refusal(), HasSubstr(std::string("/") + name + " is a link to another file"));
  }
  Foreign file("numbers");  // by a detour
  const Handle other = hdf5::create_file(file.path("other.h5"));
  H5Lcreate_external("other.h5", "/", file.file().id(), "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/elsewhere/numbers", file.file().id(), "numbers", H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_THAT(file.refusal(), HasSubstr("numbers"));
}

TEST(Hdf5Bounds, LinksWithinTheFileAreFollowed) {
  Foreign file("matrices/0");
  file.put("elsewhere", {5, 3});
  H5Lcreate_soft("/elsewhere", file.file().id(), "matrices/0", H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_EQ(file.matrix(), Matrix::Ones(5, 3));
}

TEST(Hdf5Bounds, C3ValuesInOtherFilesAreRefused) {
  const hsize_t shape[] = {5, 2}, growing_shape[] = {H5S_UNLIMITED, 2};
  const Handle space(H5Screate_simple(2, shape, nullptr));
  {
    Foreign file("numbers");
    write_file(file.path("raw"), std::string(80, 'x'));
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_external(properties.id(), file.path("raw").c_str(), 0, 80);
    Handle dataset(H5Dcreate2(file.file().id(), "numbers", H5T_IEEE_F64LE, space.id(), H5P_DEFAULT,
                              properties.id(), H5P_DEFAULT));
    dataset = Handle();
    EXPECT_THAT(file.refusal(),
                AllOf(HasSubstr("/numbers keeps its values in other files"), HasSubstr("external storage")));
  }
  for (const hsize_t* extent : {shape, growing_shape}) {
    Foreign file("numbers");
    {
      const Handle other = hdf5::create_file(file.path("other.h5"));
      hdf5::write(hdf5::create_dataset(other, "numbers", H5T_IEEE_F64LE, {5, 2}),
                  std::vector<double>(10, 1.0).data());
    }
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    const Handle growing(H5Screate_simple(2, shape, extent));
    H5Pset_virtual(properties.id(), growing.id(), file.path("other.h5").c_str(), "numbers", space.id());
    Handle dataset(H5Dcreate2(file.file().id(), "numbers", H5T_IEEE_F64LE, growing.id(), H5P_DEFAULT,
                              properties.id(), H5P_DEFAULT));
    ASSERT_TRUE(dataset);
    dataset = Handle();
    EXPECT_THAT(file.refusal(),
                AllOf(HasSubstr("/numbers keeps its values in other files"), HasSubstr("virtual")));
  }
}

}  // namespace
}  // namespace vfe
