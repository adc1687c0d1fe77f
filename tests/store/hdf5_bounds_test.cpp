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

/// A dataset of 5 rows and 2 columns as another program may write it; `but` is left out, for a test to put
/// there.
class Foreign {
 public:
  explicit Foreign(const std::string& but = "") : file_(hdf5::create_file(folder_ / "data.h5")) {
    hdf5::write_attribute(file_, "format", "vfe-dataset");
    hdf5::write_attribute(file_, "version", std::int64_t{1});
    if (but != "columns") {
      hdf5::write_labels(hdf5::create_group(file_, "columns"), "name", {"a", "b"});
    }
    if (but != "x") put("x", {5, 2});
    if (but != "y") put("y", {5});
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
  Rows rows() {
    hdf5::finish_file(std::move(file_));
    const Dataset dataset(path("data.h5"));
    return dataset.read({0, dataset.schema().num_blocks()});
  }

 private:
  test::Folder folder_;
  Handle file_;
};

constexpr hsize_t huge = hsize_t{1} << 40;

TEST(Hdf5Bounds, C3ExtentsBeyondTheFileAreRefused) {
  {
    Foreign file("x");
    file.claim("x", {5, huge}, {5, 1000});
    EXPECT_THAT(file.refusal(),
                AllOf(HasSubstr("/x"), HasSubstr("5 x 1099511627776 entries"), HasSubstr("0 bytes of it")));
  }
  {
    Foreign file("x");
    file.claim("x", {huge, 2}, {1000, 2});
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/x"), HasSubstr("1099511627776 x 2")));
  }
  {
    Foreign file("x");  // the product of these overflows to nothing
    file.claim("x", {hsize_t{1} << 32, hsize_t{1} << 32}, {1000, 2});
    EXPECT_THAT(file.refusal(), HasSubstr("/x"));
  }
  {
    Foreign file("y");
    file.claim("y", {5}, {hsize_t{1} << 28}, 9);  // one chunk of 2 GiB, to be inflated
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/y"), HasSubstr("5 entries")));
  }
  {
    Foreign file;
    file.claim("block_offsets", {huge}, {1000});
    EXPECT_THAT(file.refusal(), HasSubstr("/block_offsets"));
  }
  for (const char* name : {"offset", "weight", "columns/centre"}) {
    Foreign file;
    file.claim(name, {name == std::string("columns/centre") ? hsize_t{2} : hsize_t{5}}, {5});
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr(name), HasSubstr("0 bytes of it are in the file")));
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
  Foreign file("x");
  file.claim("x", {5, 2}, {5, 2}, 9, true);
  file.claim("weight", {5}, {100000}, 9, true);
  EXPECT_EQ(file.rows().weight, Vector::Ones(5));
}

TEST(Hdf5Bounds, C3NumbersInAttributesAreNotBelieved) {
  const auto with = [](const std::string& name, std::int64_t value) {
    Foreign file;
    hdf5::write_attribute(file.file(), name, value);
    return file.refusal();
  };
  EXPECT_THAT(with("response_classes", std::int64_t{1} << 60),
              HasSubstr("attribute response_classes is 1152921504606846976, expected 0 to 65536"));
  EXPECT_THAT(with("block_rows", std::numeric_limits<std::int64_t>::max()),
              HasSubstr("attribute block_rows is 9223372036854775807, expected 1 to"));
  EXPECT_THAT(with("block_rows", -1), HasSubstr("attribute block_rows is -1"));
}

TEST(Hdf5Bounds, C3LinksToOtherFilesAreRefused) {
  for (const char* name : {"x", "y", "columns"}) {
    Foreign file(name);
    {
      const Handle other = hdf5::create_file(file.path("other.h5"));
      const Handle values = hdf5::create_dataset(other, name, H5T_IEEE_F64LE, {5, 2});
    }
    H5Lcreate_external("other.h5", name, file.file().id(), name, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_THAT(file.refusal(), HasSubstr(std::string("/") + name + " is a link to another file"));
  }
  Foreign file("y");  // by a detour
  const Handle other = hdf5::create_file(file.path("other.h5"));
  H5Lcreate_external("other.h5", "/", file.file().id(), "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/elsewhere/y", file.file().id(), "y", H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_THAT(file.refusal(), HasSubstr("y"));
}

TEST(Hdf5Bounds, LinksWithinTheFileAreFollowed) {
  Foreign file;
  H5Lcreate_soft("/y", file.file().id(), "weight", H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_EQ(file.rows().weight, Vector::Ones(5));
}

TEST(Hdf5Bounds, C3ValuesInOtherFilesAreRefused) {
  const hsize_t five = 5;
  const Handle space(H5Screate_simple(1, &five, nullptr));
  {
    Foreign file("y");
    write_file(file.path("raw"), std::string(40, 'x'));
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_external(properties.id(), file.path("raw").c_str(), 0, 40);
    Handle dataset(H5Dcreate2(file.file().id(), "y", H5T_IEEE_F64LE, space.id(), H5P_DEFAULT, properties.id(),
                              H5P_DEFAULT));
    dataset = Handle();
    EXPECT_THAT(file.refusal(),
                AllOf(HasSubstr("/y keeps its values in other files"), HasSubstr("external storage")));
  }
  for (const hsize_t extent : {five, H5S_UNLIMITED}) {
    Foreign file("y");
    {
      const Handle other = hdf5::create_file(file.path("other.h5"));
      hdf5::write(hdf5::create_dataset(other, "y", H5T_IEEE_F64LE, {5}), std::vector<double>(5, 1.0).data());
    }
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    const Handle growing(H5Screate_simple(1, &five, &extent));
    H5Pset_virtual(properties.id(), growing.id(), file.path("other.h5").c_str(), "y", space.id());
    Handle dataset(H5Dcreate2(file.file().id(), "y", H5T_IEEE_F64LE, growing.id(), H5P_DEFAULT,
                              properties.id(), H5P_DEFAULT));
    ASSERT_TRUE(dataset);
    dataset = Handle();
    EXPECT_THAT(file.refusal(), AllOf(HasSubstr("/y keeps its values in other files"), HasSubstr("virtual")));
  }
}

}  // namespace
}  // namespace vfe
