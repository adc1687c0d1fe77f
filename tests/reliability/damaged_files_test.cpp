// What commands say of files that are damaged: one line, the same exit code from all of them.
#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

void damage(const fs::path& file, double where) {
  std::string bytes = contents(file);
  char& one = bytes[static_cast<std::size_t>(where * static_cast<double>(bytes.size()))];
  one = static_cast<char>(one ^ 4);
  put(file, bytes);
}

class DamagedFiles : public testing::Test {
 protected:
  DamagedFiles() {
    EXPECT_EQ(vfe_run(folder.path(), "simulate logistic -o data.h5 --rows 500 --columns 3").code, 0);
    put_config(folder.path(), "logistic", long_fit(60));
    EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --accept-rejected --quiet").code, 0);
  }
  void expect_refusal(const std::string& arguments, int code, const std::string& text) const {
    const Finished found = vfe_run(folder.path(), arguments);
    EXPECT_EQ(found.code, code) << arguments << "\n" << found.err;
    EXPECT_THAT(found.messages(), ElementsAre(HasSubstr(text))) << arguments;
  }
  fs::path checkpoint(std::uint64_t step) const {
    return folder / "run" / ("checkpoint." + std::to_string(step) + ".h5");
  }

  TemporaryFolder folder;
};

TEST_F(DamagedFiles, A10AResultIsRefusedByEveryCommand) {
  damage(folder / "run" / "result.h5", 0.5);
  for (const char* command : {"diagnose run", "diagnose run/result.h5 --json", "predict run data.h5 -o p.h5",
                              "draws run -n 10 -o d.h5", "info run", "info run/result.h5",
                              "fit fit.toml --accept-rejected --resume --quiet"}) {
    expect_refusal(command, 65, "run/result.h5: is damaged");
  }
  EXPECT_FALSE(fs::exists(folder / "p.h5") || fs::exists(folder / "d.h5"));
}

TEST_F(DamagedFiles, C2CheckpointsThatAreDamagedAreSkippedAndWithoutAnyTheRunEnds) {
  const std::string expected = hashes(folder.path());
  fs::remove(folder / "run" / "result.h5");
  damage(checkpoint(newest_step(folder.path())), 0.3);
  EXPECT_EQ(vfe_run(folder.path(), "fit fit.toml --accept-rejected --resume --quiet").code, 0);
  EXPECT_EQ(hashes(folder.path()), expected);
  fs::remove(folder / "run" / "result.h5");
  for (const auto& entry : fs::directory_iterator(folder / "run")) {
    if (entry.path().extension() == ".h5") damage(entry.path(), 0.3);
  }
  expect_refusal("fit fit.toml --accept-rejected --resume --quiet", 76,
                 "is damaged: its bytes have the hash");
  expect_refusal("info " + checkpoint(newest_step(folder.path())).string(), 76, "is damaged");
}

TEST_F(DamagedFiles, ADatasetIsRefused) {
  damage(folder / "data.h5", 0.5);
  expect_refusal("fit fit.toml --accept-rejected --overwrite --quiet", 65, "data.h5");
  expect_refusal("predict run data.h5 -o p.h5", 65, "data.h5");
  expect_refusal("info data.h5", 65, "data.h5");
}

TEST_F(DamagedFiles, C12AFolderIsNoFile) {
  fs::create_directories(folder / "folder");
  expect_refusal("fit folder", 66, "folder: is a folder");
  expect_refusal("fit fit.toml --accept-rejected --overwrite --set data.file=folder", 66,
                 "folder: is a folder");
  expect_refusal("predict run folder -o p.h5", 66, "folder: is a folder");
  expect_refusal("diagnose folder", 66, "folder: no result.h5 in it");
  fs::create_directories(folder / "folder" / "result.h5");
  expect_refusal("diagnose folder", 66, "folder/result.h5: is a folder");
  expect_refusal("import folder -o d.h5", 66, "folder: is a folder");
}

}  // namespace
}  // namespace vfe
