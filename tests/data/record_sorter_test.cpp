#include "data/record_sorter.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

using Record = std::array<std::uint64_t, 3>;

std::vector<Record> random_records(std::size_t count, std::uint64_t key_mask) {
  Stream random({.seed = 3});
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) records.push_back({random() & key_mask, i, random()});
  return records;
}

std::vector<Record> sorted_by(RecordSorter& sorter, const std::vector<Record>& records) {
  for (const Record& record : records) sorter.add(record);
  std::vector<Record> sorted;
  sorter.drain([&](std::span<const std::uint64_t> record) {
    sorted.push_back({record[0], record[1], record[2]});
  });
  return sorted;
}

TEST(RecordSorter, GivesTheSameOrderWhateverTheMemory) {
  const std::vector<Record> records = random_records(20000, ~std::uint64_t{0});
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  const TemporaryFolder folder;
  // All in memory; one level of buckets; buckets that are scattered once more and again.
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{1} << 14, std::size_t{256}}) {
    RecordSorter sorter(folder.path(), 3, 2, memory);
    EXPECT_EQ(sorted_by(sorter, records), expected) << memory;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
}

TEST(RecordSorter, OrdersEqualKeysByTheSecondWord) {
  std::vector<Record> records = random_records(2000, 0x0f00000000000000);  // 16 keys
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  std::reverse(records.begin(), records.end());
  const TemporaryFolder folder;
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{1} << 10}) {
    RecordSorter sorter(folder.path(), 3, 2, memory);
    EXPECT_EQ(sorted_by(sorter, records), expected) << memory;
  }
}

TEST(RecordSorter, ScattersRecordsOfOneKeyByTheNext) {
  std::vector<Record> records;
  Stream random({.seed = 5});
  for (std::uint64_t i = 0; i < 5000; ++i) records.push_back({42 + i / 2500, random() >> 60 << 60, random()});
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  const TemporaryFolder folder;
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{1} << 12}) {
    RecordSorter sorter(folder.path(), 3, 3, memory);
    EXPECT_EQ(sorted_by(sorter, records), expected) << memory;
  }
}

TEST(RecordSorter, HandsOverNothingTwice) {
  const TemporaryFolder folder;
  RecordSorter sorter(folder.path(), 3, 2, 256);
  EXPECT_EQ(sorted_by(sorter, random_records(500, ~std::uint64_t{0})).size(), 500u);
  EXPECT_TRUE(sorted_by(sorter, {}).empty());
}

TEST(RecordSorter, NamesTheFolderThatCannotHoldIt) {
  const TemporaryFolder folder;
  RecordSorter sorter(folder.path() / "absent", 3, 2, 256);
  try {
    sorted_by(sorter, random_records(500, ~std::uint64_t{0}));
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::cannot_create);
  }
}

TEST(RecordSorter, ReportsAFullDisk) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const TemporaryFolder folder;
  RecordSorter sorter(folder.path(), 3, 2, 256);
  Fault fault = Fault::bug;
  try {
    sorted_by(sorter, random_records(500, ~std::uint64_t{0}));
  } catch (const Error& e) {
    fault = e.fault();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fault, Fault::io);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace vfe
