// Damage of every kind of file, read in this process: told or without effect, never a difference and never a
// crash.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "fuzz/hdf5_edits.hpp"
#include "reliability/result_bits.hpp"
#include "reliability/tally.hpp"
#include "run/small_fit.hpp"
#include "store/table_example.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

std::string contents_of_result(const std::filesystem::path& path) {
  const ResultFile file = read_result(path);
  std::string all = bits_of_groups(file);
  for (const auto& [name, value] : file.attributes) {
    all += name;
    if (const auto* text = std::get_if<std::string>(&value)) {
      all += *text;
    } else if (const auto* real = std::get_if<double>(&value)) {
      append_bytes(all, real, sizeof *real);
    } else {
      append_bytes(all, &std::get<std::int64_t>(value), sizeof(std::int64_t));
    }
  }
  for (const auto& [name, text] : file.texts) all += name + text;
  for (const auto& [name, values] : file.arrays) {
    all += name;
    append_bytes(all, values.data(), static_cast<std::size_t>(values.size()) * sizeof(double));
  }
  return all;
}

/// As a fit reads it, the comparison of the content hash included.
std::string contents_of_dataset(const std::filesystem::path& path) {
  const Dataset file(path);
  const DatasetSchema& schema = file.schema();
  const std::uint64_t content = content_hash(file.read({0, schema.num_blocks()}), schema.blocks);
  if (file.has_content_hash()) expect_content(path.string(), content, schema.content);
  std::string all = to_json(schema) + std::to_string(content);
  for (const std::int64_t line : file.lines(0, schema.num_rows())) all += std::to_string(line) + ";";
  return all;
}

std::string contents_of_checkpoint(const std::filesystem::path& path) {
  std::vector<std::string> warnings;
  const auto checkpoint = read_checkpoint(path.parent_path(), warnings);
  return checkpoint ? pack(*checkpoint) : "none";
}

struct Damaged {
  std::string name;
  std::filesystem::path path;
  std::function<std::string(const std::filesystem::path&)> read;
  Fault fault;
};

class FlippedBits : public testing::Test {
 protected:
  FlippedBits() {
    write_dataset(folder / "data.h5", small_rows(500, 4));
    test::write_example(folder / "table.h5", 500, false);
    run_fit(small_config(folder));
    const auto steps = list_checkpoints(folder / "run");
    std::filesystem::create_directory(folder / "one");
    const std::string name = "checkpoint." + std::to_string(steps.front()) + ".h5";
    std::filesystem::copy(folder / "run" / name, folder / "one" / name);
    files = {{"checkpoint", folder / "one" / name, contents_of_checkpoint, Fault::checkpoint},
             {"dataset", folder / "table.h5", contents_of_dataset, Fault::data},
             {"result", folder / "run" / "result.h5", contents_of_result, Fault::data}};
  }

  /// Damages each file `times` times; says how often that was told.
  void expect_told_or_without_effect(const std::string& kind, int times, std::size_t span,
                                     const std::function<void(std::string&, std::size_t)>& damage) {
    std::mt19937_64 random(20261129);
    Tally tally(kind);
    for (const Damaged& file : files) {
      const std::string whole = contents(file.path), expected = file.read(file.path);
      int told = 0;
      for (int i = 0; i < times; ++i) {
        std::string bytes = whole;
        damage(bytes, random() % (bytes.size() - span + 1));
        put(file.path, bytes);
        tally.add();
        try {
          if (file.read(file.path) != expected) tally.find_silent(fmt::format("{}, damage {}", file.name, i));
        } catch (const Error& error) {
          EXPECT_EQ(error.fault(), file.fault) << error.what();
          EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
          ++told;
        }
      }
      put(file.path, whole);
      EXPECT_EQ(file.read(file.path), expected);
      EXPECT_GT(told, times / 10) << file.name;
    }
  }

  TemporaryFolder folder;
  std::vector<Damaged> files;
};

TEST_F(FlippedBits, A10NoneIsSilentAndNoneCrashes) {
  std::mt19937 random(7);
  expect_told_or_without_effect("flipped bit in a checkpoint, dataset or result", 667, 1,
                                [&](std::string& bytes, std::size_t at) {
                                  bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
                                });
}

TEST_F(FlippedBits, C2NorAre64ZeroedBytes) {
  expect_told_or_without_effect(
      "64 zeroed bytes in a checkpoint, dataset or result", 150, 64,
      [](std::string& bytes, std::size_t at) { bytes.replace(at, 64, std::string(64, '\0')); });
}

/// What h5py writes by itself has no checksums: values may differ without a word, but nothing hangs or
/// crashes. Each is read by a process that may end itself.
void expect_the_end_of_each_foreign_one(int times) {
  constexpr int different = 1;
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "data.h5";
  write_foreign_dataset(file, 200, 3);
  const std::string whole = contents(file), expected = contents_of_dataset(file);
  std::mt19937_64 random(20261130);
  Tally tally("flipped bit in a dataset of another program, without checksums", Silence::expected);
  int told = 0;
  for (int i = 0; i < times; ++i) {
    std::string bytes = whole;
    char& one = bytes[random() % bytes.size()];
    one = static_cast<char>(one ^ (1 << (random() % 8)));
    put(file, bytes);
    tally.add();
    const pid_t reader = ::fork();
    if (reader == 0) {
      ::alarm(10);
      ::close(STDERR_FILENO);  // where the line of a crash goes: the code says the same
      try {
        ::_exit(contents_of_dataset(file) == expected ? 0 : different);
      } catch (const Error& error) {
        ::_exit(static_cast<int>(error.fault()));
      }
    }
    int status = 0;
    ::waitpid(reader, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    told += code == static_cast<int>(Fault::data);
    if (code == different) {
      tally.find_silent(fmt::format("damage {}", i));
    } else if (code != 0 && code != static_cast<int>(Fault::data)) {
      tally.lose(fmt::format("damage {}: ends with {}", i, code));
    }
  }
  EXPECT_GT(told, times / 20);
}

TEST(FlippedBitsOfOthers, NeitherCrashNorHang) {
  expect_the_end_of_each_foreign_one(2000);
}

TEST(FlippedBitsOfOthersLong, NeitherCrashNorHang) {
  expect_the_end_of_each_foreign_one(20000);
}

}  // namespace
}  // namespace vfe
