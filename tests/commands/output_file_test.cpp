#include "vfe/commands/output_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct FaultsA3OutputFile : testing::Test {
  std::string refusal(const std::string& name, Fault fault, bool overwrite = true,
                      const std::vector<std::string>& inputs = {}) {
    std::vector<fs::path> paths;
    for (const std::string& input : inputs) paths.push_back(folder / input);
    try {
      check_output(folder / name, overwrite, paths);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), fault) << error.what();
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder;
};

TEST_F(FaultsA3OutputFile, WhatIsThereIsReplacedOnDemandAlone) {
  put(folder / "a.h5", "mine");
  EXPECT_THAT(refusal("a.h5", Fault::cannot_create, false), HasSubstr("--overwrite replaces it"));
  EXPECT_EQ(refusal("a.h5", Fault::cannot_create), "accepted");
  EXPECT_EQ(refusal("new.h5", Fault::cannot_create, false), "accepted");
  fs::permissions(folder / "a.h5", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  EXPECT_THAT(refusal("a.h5", Fault::cannot_create), HasSubstr("read-only"));
}

TEST_F(FaultsA3OutputFile, WhatIsNoRegularFileIsRefused) {
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal("pipe", Fault::cannot_create), HasSubstr("no regular file"));
  fs::create_symlink(folder / "pipe", folder / "link");
  EXPECT_THAT(refusal("link", Fault::cannot_create), HasSubstr("no regular file"));
  EXPECT_THROW(AtomicFile(folder / "pipe"), Error);
  fs::create_symlink("round", folder / "round");
  EXPECT_THAT(refusal("round", Fault::cannot_create), HasSubstr("symbolic links"));
}

TEST_F(FaultsA3OutputFile, AnInputIsNoOutputUnderAnyName) {
  put(folder / "d.h5", "data");
  fs::create_directory(folder / "run");
  put(folder / "run" / "result.h5", "result");
  fs::create_hard_link(folder / "d.h5", folder / "other.h5");
  fs::create_symlink("run/result.h5", folder / "link");
  for (const char* output : {"d.h5", "other.h5", "link", "run/result.h5"}) {
    EXPECT_THAT(refusal(output, Fault::usage, true, {"run", "d.h5"}),
                HasSubstr("is an input of this command"));
  }
  EXPECT_EQ(refusal("run/p.h5", Fault::usage, true, {"run", "d.h5"}), "accepted");
}

TEST_F(FaultsA3OutputFile, ALinkStaysAndItsTargetIsReplaced) {
  fs::create_directory(folder / "far");
  put(folder / "far" / "a.txt", "old");
  fs::create_symlink("far/a.txt", folder / "link");
  fs::create_symlink("far/new.txt", folder / "ahead");
  write_file(folder / "link", "new");
  write_file(folder / "ahead", "first");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(contents(folder / "far" / "a.txt"), "new");
  EXPECT_EQ(contents(folder / "far" / "new.txt"), "first");
}

}  // namespace
}  // namespace vfe
