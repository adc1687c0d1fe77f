// Damage of every kind of file, read in this process: told or without effect, never a difference and never a
// crash.
#include <gmock/gmock.h>

#include <functional>
#include <random>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

void add(std::string& all, const void* bytes, std::size_t size) {
  all.append(static_cast<const char*>(bytes), size);
}

std::string contents_of_result(const std::filesystem::path& path) {
  const ResultFile file = read_result(path);
  std::string all;
  for (const Group& group : file.groups) {
    all += group.name;
    for (const Variable& variable : group.variables) {
      all += variable.name;
      for (const Dimension& dimension : variable.dimensions) {
        all += dimension.name + std::to_string(dimension.size);
        for (const std::string& label : dimension.labels) all += label + ";";
      }
      add(all, variable.values.data(), variable.values.size() * sizeof(double));
    }
  }
  for (const auto& [name, value] : file.attributes) {
    all += name;
    if (const auto* text = std::get_if<std::string>(&value)) {
      all += *text;
    } else if (const auto* real = std::get_if<double>(&value)) {
      add(all, real, sizeof *real);
    } else {
      add(all, &std::get<std::int64_t>(value), sizeof(std::int64_t));
    }
  }
  for (const auto& [name, text] : file.texts) all += name + text;
  for (const auto& [name, values] : file.arrays) {
    all += name;
    add(all, values.data(), static_cast<std::size_t>(values.size()) * sizeof(double));
  }
  return all;
}

/// As a fit reads it, the comparison of the content hash included.
std::string contents_of_dataset(const std::filesystem::path& path) {
  const Dataset dataset(path);
  const Schema& schema = dataset.schema();
  const Rows rows = dataset.read({0, schema.num_blocks()});
  if (dataset.has_content_hash() && content_hash(rows) != schema.content) {
    throw Error(Fault::data, "the contents have another hash");
  }
  std::string all = to_json(schema) + std::to_string(content_hash(rows));
  for (const std::int64_t line : dataset.lines(0, rows.size())) all += std::to_string(line) + ";";
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
    Schema schema = small_schema(3);
    schema.has_line = true;
    schema.source = "table.csv";
    schema.columns.push_back({"colour[gr\xc3\xbcn]", "colour", "gr\xc3\xbcn", "rot", 0.0, 1.0});
    std::vector<std::int64_t> lines(500);
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] = static_cast<std::int64_t>(7 * i);
    write_dataset(folder / "data.h5", schema, small_rows(500, 4), lines);
    run_fit(small_config(folder));
    const auto steps = list_checkpoints(folder / "run");
    std::filesystem::create_directory(folder / "one");
    const std::string name = "checkpoint." + std::to_string(steps.front()) + ".h5";
    std::filesystem::copy(folder / "run" / name, folder / "one" / name);
    files = {{"checkpoint", folder / "one" / name, contents_of_checkpoint, Fault::checkpoint},
             {"dataset", folder / "data.h5", contents_of_dataset, Fault::data},
             {"result", folder / "run" / "result.h5", contents_of_result, Fault::data}};
  }

  /// Damages each file `times` times; says how often that was told.
  void expect_told_or_without_effect(int times, std::size_t span,
                                     const std::function<void(std::string&, std::size_t)>& damage) {
    std::mt19937_64 random(20261129);
    for (const Damaged& file : files) {
      const std::string whole = contents(file.path), expected = file.read(file.path);
      int told = 0;
      for (int i = 0; i < times; ++i) {
        std::string bytes = whole;
        damage(bytes, random() % (bytes.size() - span + 1));
        put(file.path, bytes);
        try {
          ASSERT_EQ(file.read(file.path), expected)
              << file.name << ", damage " << i << ": a silent difference";
        } catch (const Error& error) {
          EXPECT_EQ(error.fault(), file.fault) << error.what();
          EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
          ++told;
        }
      }
      put(file.path, whole);
      EXPECT_EQ(file.read(file.path), expected);
      EXPECT_GT(told, times / 10) << file.name;
      RecordProperty(file.name + "_told", told);
    }
  }

  TemporaryFolder folder;
  std::vector<Damaged> files;
};

TEST_F(FlippedBits, A10NoneIsSilentAndNoneCrashes) {
  std::mt19937 random(7);
  expect_told_or_without_effect(667, 1, [&](std::string& bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
  });
}

TEST_F(FlippedBits, C2NorAre64ZeroedBytes) {
  expect_told_or_without_effect(
      150, 64, [](std::string& bytes, std::size_t at) { bytes.replace(at, 64, std::string(64, '\0')); });
}

}  // namespace
}  // namespace vfe
