#include "vfe/store/atomic_file.hpp"

#include <gmock/gmock.h>

#include "store/folder.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(AtomicFile, WritesAndReplacesWhole) {
  const test::Folder folder;
  const std::string text("a\0b\nc", 5);
  write_file(folder / "a.txt", "older");
  write_file(folder / "a.txt", text);
  EXPECT_EQ(read_file(folder / "a.txt"), text);
  write_file(folder / "a.txt", "");
  EXPECT_EQ(read_file(folder / "a.txt"), "");
  EXPECT_EQ(folder.num_files(), 1u);
}

TEST(AtomicFile, WithoutCommitTheOlderFileStays) {
  const test::Folder folder;
  write_file(folder / "a.txt", "older");
  {
    AtomicFile file(folder / "a.txt");
    EXPECT_EQ(file.temporary().parent_path(), file.path().parent_path());
    EXPECT_TRUE(std::filesystem::exists(file.temporary()));
    write_file(file.temporary(), "half of the new");
  }
  EXPECT_EQ(read_file(folder / "a.txt"), "older");
  EXPECT_EQ(folder.num_files(), 1u);
}

TEST(AtomicFile, FullDiskLeavesTheOlderFile) {
  const test::Folder folder;
  write_file(folder / "a.txt", "older");
  const std::string line = test::error_line(Fault::io, [&] {
    const test::FileSizeLimit limit(1000);
    write_file(folder / "a.txt", std::string(5000, 'x'));
  });
  EXPECT_THAT(line, HasSubstr("a.txt"));
  EXPECT_THAT(line, HasSubstr("File too large"));
  EXPECT_EQ(read_file(folder / "a.txt"), "older");
  EXPECT_EQ(folder.num_files(), 1u);
}

TEST(AtomicFile, WhatCannotBeCreated) {
  const test::Folder folder;
  write_file(folder / "file", "text");
  std::filesystem::create_directory(folder / "folder");
  const auto create = [&](const std::string& name) {
    return test::error_line(Fault::cannot_create, [&] { write_file(folder / name, "text"); });
  };
  EXPECT_THAT(create("absent/a.txt"), HasSubstr("absent/a.txt: No such file or directory"));
  EXPECT_THAT(create("file/a.txt"), HasSubstr("Not a directory"));
  EXPECT_THAT(create("folder"), HasSubstr("is a folder"));
}

TEST(AtomicFile, WhatCannotBeRead) {
  const test::Folder folder;
  EXPECT_THAT(test::error_line(Fault::missing, [&] { read_file(folder / "absent"); }), HasSubstr("absent"));
  EXPECT_THAT(test::error_line(Fault::io, [&] { read_file(folder.path()); }), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace vfe
