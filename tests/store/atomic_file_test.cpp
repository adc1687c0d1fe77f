#include "vfe/store/atomic_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// The number of a process that is no more.
std::string gone() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return std::to_string(child);
}

TEST(AtomicFile, C9RemovesWhatKilledProcessesLeftBesideIt) {
  const test::Folder folder;
  const std::string dead = gone(), own = std::to_string(::getpid());
  const std::filesystem::path left = folder / ("a.txt." + dead + ".tmp");
  for (const auto& name : {"a.txt." + dead + ".tmp", "a.txt." + own + ".tmp"})
    test::overwrite(folder / name, "half");
  const std::vector<std::string> others{"b.txt." + dead + ".tmp", "a.txt.tmp", "a.txt.x.tmp",
                                        "a.txt." + std::to_string(::getppid()) + ".tmp"};
  for (const std::string& name : others) test::overwrite(folder / name, "of others");
  write_file(folder / "a.txt", "text");
  EXPECT_EQ(read_file(folder / "a.txt"), "text");
  EXPECT_FALSE(std::filesystem::exists(left));
  for (const std::string& name : others) EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  EXPECT_EQ(folder.num_files(), 1 + others.size());
  // A process of another machine, whose number says nothing here, holds the lock.
  test::overwrite(left, "half");
  const int descriptor = ::open(left.c_str(), O_RDONLY);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  write_file(folder / "a.txt", "text");
  EXPECT_TRUE(std::filesystem::exists(left));
  ::close(descriptor);
  write_file(folder / "a.txt", "text");
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST(AtomicFile, C14DoesNotFollowALinkInItsTemporarysPlace) {
  const test::Folder folder;
  write_file(folder / "theirs", "precious");
  std::filesystem::create_symlink(folder / "theirs",
                                  folder / ("a.txt." + std::to_string(::getpid()) + ".tmp"));
  write_file(folder / "a.txt", "text");
  EXPECT_EQ(read_file(folder / "theirs"), "precious");
  EXPECT_EQ(read_file(folder / "a.txt"), "text");
  EXPECT_EQ(folder.num_files(), 2u);
}

TEST(AtomicFile, WhatCannotBeRead) {
  const test::Folder folder;
  EXPECT_THAT(test::error_line(Fault::missing, [&] { read_file(folder / "absent"); }), HasSubstr("absent"));
  EXPECT_THAT(test::error_line(Fault::missing, [&] { read_file(folder.path()); }),
              HasSubstr("is a folder, expected a file"));
}

}  // namespace
}  // namespace vfe
