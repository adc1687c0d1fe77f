#include "store/hdf5_driver.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <random>

#include "store/folder.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using hdf5::FileBytes;
using testing::HasSubstr;

/// Writes pieces here and there and compares what is read with a plain text of the same, until `size` is
/// reached.
void write_and_compare(FileBytes& bytes, std::string& expected, std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  while (expected.size() < size) {
    const std::size_t count = 1 + random() % 700000, at = random() % (expected.size() + 100000);
    const std::string piece(count, static_cast<char>('a' + random() % 26));
    if (expected.size() < at + count) expected.resize(at + count, '\0');
    expected.replace(at, count, piece);
    bytes.write(at, count, piece.data());
    ASSERT_EQ(bytes.size(), expected.size());
    std::string found(count + 20, 'x');
    const std::size_t from = at < 10 ? 0 : at - 10;
    ASSERT_TRUE(bytes.read(from, found.size(), found.data()));
    std::string wanted = expected.substr(from, found.size());
    wanted.resize(found.size(), '\0');
    ASSERT_EQ(found, wanted);
  }
}

TEST(Hdf5Driver, SmallAndLargeFilesHoldWhatWasWritten) {
  const test::Folder folder;
  for (const std::size_t size : {std::size_t{1} << 20, std::size_t{40} << 20}) {
    std::string expected;
    const auto bytes = FileBytes::create(folder / "file");
    write_and_compare(*bytes, expected, size, 1);
    bytes->resize(expected.size() + 1000);
    bytes->close();
    bytes->throw_if_failed();
    expected.resize(expected.size() + 1000, '\0');
    EXPECT_EQ(read_file(folder / "file"), expected);
    const auto back = FileBytes::open(folder / "file");
    std::string found(100, 'x');
    ASSERT_TRUE(back->read(expected.size() - 50, 100, found.data()));
    EXPECT_EQ(found, std::string(100, '\0'));
  }
}

/// What HDF5 writes and reads again while it closes a file on a full disk.
TEST(Hdf5Driver, C1AFailureIsKeptAndTheBytesAreStillThere) {
  const test::Folder folder;
  for (const std::size_t limit : {std::size_t{1} << 20, std::size_t{17} << 20, std::size_t{25} << 20}) {
    const test::FileSizeLimit full(limit);
    std::string expected;
    const auto bytes = FileBytes::create(folder / "file");
    write_and_compare(*bytes, expected, std::size_t{30} << 20, 2);
    bytes->resize(expected.size());
    bytes->close();
    EXPECT_EQ(bytes->failure(), EFBIG);
    EXPECT_THAT(test::error_line(Fault::io, [&] { bytes->throw_if_failed(); }),
                AllOf(HasSubstr("writing"), HasSubstr("File too large")));
  }
}

/// Larger than what is kept in memory: the disk fills up while HDF5 writes, and HDF5 gets over it.
TEST(Hdf5Driver, C1ALargeDatasetOnADiskThatFillsUp) {
  const test::Folder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 1000);
  schema.table.columns = {{"a"}, {"b"}, {"c"}};
  schema.single = false;
  TableRows rows = missing_rows(schema.table, 100000);
  rows.numbers = TableRows::RowMajor<double>(TableRows::RowMajor<double>::Constant(100000, 3, 0.5));
  const auto write = [&] {
    DatasetWriter writer(folder / "data.h5", schema);
    for (int i = 0; i < 13; ++i) writer.append(rows);
    writer.finish();
  };
  for (std::size_t limit = 1000000; limit < 31000000; limit += 2900000) {
    EXPECT_THAT(test::error_line(Fault::io,
                                 [&] {
                                   const test::FileSizeLimit full(limit);
                                   write();
                                 }),
                HasSubstr("File too large"));
    EXPECT_EQ(folder.num_files(), 0u);
  }
  write();
  Vector values(1000);
  Dataset(folder / "data.h5").read({1299, 1300}).read_number(2, values);
  EXPECT_EQ(values, Vector::Constant(1000, 0.5));
}

TEST(Hdf5Driver, WhatIsNoFile) {
  const test::Folder folder;
  const auto refusal = [&](const std::string& name, Fault fault) {
    return test::error_line(fault, [&] { FileBytes::open(folder / name); });
  };
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal("absent", Fault::missing), HasSubstr("absent: no such file"));
  EXPECT_THAT(refusal("", Fault::missing), HasSubstr("is a folder, expected an HDF5 file"));
  EXPECT_THAT(refusal("pipe", Fault::missing), HasSubstr("is no regular file"));
  EXPECT_THAT(test::error_line(Fault::cannot_create, [&] { FileBytes::create(folder / "absent" / "file"); }),
              HasSubstr("absent/file: No such file"));
}

}  // namespace
}  // namespace vfe
