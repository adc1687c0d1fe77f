#include "vfe/store/checkpoint.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "store/folder.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Checkpoint example(std::uint64_t step) {
  Checkpoint checkpoint;
  checkpoint.state.step = step;
  checkpoint.state.stage = "stochastic";
  checkpoint.state.lambda = Vector::LinSpaced(17, -1.0, 1.0 / 3.0);
  checkpoint.state.memory["adam/first"] = Matrix::Constant(5, 3, 0.1 * static_cast<double>(step + 1));
  checkpoint.state.memory["adam/second"] = Matrix::Identity(3, 4);
  checkpoint.state.memory["empty"] = Matrix(0, 2);
  checkpoint.state.memory["extreme"] = Vector::Constant(1, -0.0);
  checkpoint.state.memory["extreme"].conservativeResize(1, 4);
  checkpoint.state.memory["extreme"].rightCols(3) << std::numeric_limits<double>::denorm_min(),
      std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN();
  checkpoint.config = "[fit]\nseed = 1  # \xc3\xa4\n";
  checkpoint.model = 0xfedcba9876543210;
  checkpoint.data = 42;
  checkpoint.counters = {{"gradients", 1e15}, {"seconds", 0.1}};
  return checkpoint;
}

std::filesystem::path file_of(const test::Folder& folder, std::uint64_t step) {
  return folder / ("checkpoint." + std::to_string(step) + ".h5");
}

TEST(Checkpoint, BytesAndBack) {
  const Checkpoint checkpoint = example(3);
  const Checkpoint back = unpack_checkpoint(pack(checkpoint));
  EXPECT_EQ(pack(back), pack(checkpoint));
  EXPECT_EQ(hash(back.state), hash(checkpoint.state));
  EXPECT_EQ(back.config, checkpoint.config);
  EXPECT_EQ(back.model, checkpoint.model);
  EXPECT_EQ(back.counters, checkpoint.counters);
}

TEST(Checkpoint, BytesCutAnywhereAreRefused) {
  const std::string bytes = pack(example(3));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(unpack_checkpoint(bytes.substr(0, size)), Error) << size;
  }
  EXPECT_THROW(unpack_checkpoint(bytes + "x"), Error);
}

TEST(Checkpoint, FileAndBack) {
  const test::Folder folder;
  for (const Checkpoint& checkpoint : {example(12), Checkpoint{}}) {
    std::vector<std::string> warnings;
    write_checkpoint(folder.path(), checkpoint);
    const auto back = read_checkpoint(folder.path(), warnings);
    ASSERT_TRUE(back);
    EXPECT_EQ(pack(*back), pack(checkpoint));
    EXPECT_TRUE(warnings.empty());
  }
}

TEST(Checkpoint, OneFileByItself) {
  const test::Folder folder;
  write_checkpoint(folder.path(), example(12));
  const std::filesystem::path path = file_of(folder, 12);
  EXPECT_EQ(step_of_checkpoint(path), 12u);
  EXPECT_FALSE(step_of_checkpoint(folder / "checkpoint.x.h5"));
  const Checkpoint back = read_checkpoint_file(path);
  EXPECT_EQ(pack(back), pack(example(12)));
  EXPECT_THAT(back.made_by, testing::MatchesRegex("vfe [0-9.]+"));
  const auto refusal = [&](const std::filesystem::path& file) {
    return test::error_line(Fault::checkpoint, [&] { read_checkpoint_file(file); });
  };
  std::filesystem::copy_file(path, file_of(folder, 13));
  EXPECT_THAT(refusal(file_of(folder, 13)), HasSubstr("checkpoint.13.h5: holds step 12"));
  std::filesystem::copy_file(path, folder / "kept.h5");
  EXPECT_EQ(read_checkpoint_file(folder / "kept.h5").state.step, 12u);
  test::flip_bit(path, 1000);
  EXPECT_THAT(refusal(path), HasSubstr("is damaged"));
  test::error_line(Fault::missing, [&] { read_checkpoint_file(folder / "absent"); });
}

TEST(Checkpoint, NoneAtAll) {
  const test::Folder folder;
  std::vector<std::string> warnings;
  write_file(folder / "checkpoint.x.h5", "of somebody else");
  EXPECT_FALSE(read_checkpoint(folder.path(), warnings));
  EXPECT_FALSE(read_checkpoint(folder / "absent", warnings));
  EXPECT_TRUE(warnings.empty());
}

TEST(Checkpoint, KeepsTheTwoNewestAndRemovesLeftovers) {
  const test::Folder folder;
  write_file(folder / "checkpoint.4.h5.99999.tmp", "of a killed writer");
  write_file(folder / "config.toml", "stays");
  for (const std::uint64_t step : {9, 10, 11}) write_checkpoint(folder.path(), example(step));
  EXPECT_THAT(list_checkpoints(folder.path()), ElementsAre(11, 10));
  EXPECT_EQ(folder.num_files(), 3u);
}

TEST(Checkpoint, AStepBackGivesUpWhatCameAfter) {
  const test::Folder folder;
  for (const std::uint64_t step : {10, 20}) write_checkpoint(folder.path(), example(step));
  write_file(file_of(folder, 20), "broken");
  write_checkpoint(folder.path(), example(15));  // resumed from 10
  EXPECT_THAT(list_checkpoints(folder.path()), ElementsAre(15, 10));
}

TEST(Checkpoint, FallsBackAGeneration) {
  const test::Folder folder;
  for (const std::uint64_t step : {10, 20}) write_checkpoint(folder.path(), example(step));
  const std::string whole = read_file(file_of(folder, 20));
  const std::string other = read_file(file_of(folder, 10));
  for (const std::string& bad :
       {whole.substr(0, whole.size() / 2), std::string("foreign"), std::string(), other}) {
    write_file(file_of(folder, 20), bad);
    std::vector<std::string> warnings;
    const auto back = read_checkpoint(folder.path(), warnings);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->state.step, 10u);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_THAT(warnings[0], HasSubstr("checkpoint.20.h5"));
  }
  write_file(file_of(folder, 10), "foreign");
  std::vector<std::string> warnings;
  const std::string line =
      test::error_line(Fault::checkpoint, [&] { read_checkpoint(folder.path(), warnings); });
  EXPECT_THAT(line, HasSubstr("checkpoint.20.h5"));
  EXPECT_THAT(line, HasSubstr("checkpoint.10.h5"));
}

TEST(Checkpoint, NoFlippedBitIsSilent) {
  const test::Folder folder;
  const Checkpoint checkpoint = example(12);
  write_checkpoint(folder.path(), checkpoint);
  const std::string expected = pack(checkpoint);
  const std::size_t size = std::filesystem::file_size(file_of(folder, 12));
  int refused = 0;
  for (std::size_t at = 0; at < size; at += 3) {
    test::flip_bit(file_of(folder, 12), at);
    std::vector<std::string> warnings;
    try {
      const auto back = read_checkpoint(folder.path(), warnings);
      ASSERT_TRUE(back);
      EXPECT_EQ(pack(*back), expected) << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::checkpoint);
      ++refused;
    }
    test::flip_bit(file_of(folder, 12), at);
  }
  EXPECT_GT(refused, 200);
}

TEST(Checkpoint, FullDiskLeavesTheOlderGenerations) {
  const test::Folder folder;
  for (const std::uint64_t step : {1, 2}) write_checkpoint(folder.path(), example(step));
  Checkpoint large = example(3);
  large.state.lambda = Vector::Zero(100000);
  for (std::size_t limit = 0; limit < 800000; limit += 20000) {
    const std::string line = test::error_line(Fault::io, [&] {
      const test::FileSizeLimit full(limit);
      write_checkpoint(folder.path(), large);
    });
    EXPECT_THAT(line, HasSubstr("checkpoint.3.h5"));
    EXPECT_THAT(line, HasSubstr("File too large"));
    EXPECT_EQ(folder.num_files(), 2u);
  }
  std::vector<std::string> warnings;
  EXPECT_EQ(pack(*read_checkpoint(folder.path(), warnings)), pack(example(2)));
}

}  // namespace
}  // namespace vfe
