#include "vfe/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace vfe {
namespace {

// What `work` throws must be an Error of this fault with exactly this line.
void expect_error(const std::function<void()>& work, Fault fault, const std::string& line) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.fault()), static_cast<int>(fault));
    EXPECT_EQ(std::string(error.what()), line);
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

void reductions(const Communicator& comm) {
  const int n = comm.size(), r = comm.rank();
  std::vector<std::int64_t> values = {r, -r, std::int64_t{1} << 55, 7};
  std::vector<std::int64_t> low = values, high = values;
  comm.sum(values);
  EXPECT_EQ(values, (std::vector<std::int64_t>{n * (n - 1) / 2, -n * (n - 1) / 2, (std::int64_t{1} << 55) * n,
                                               7 * n}));
  comm.min(low);
  EXPECT_EQ(low, (std::vector<std::int64_t>{0, 1 - n, std::int64_t{1} << 55, 7}));
  comm.max(high);
  EXPECT_EQ(high, (std::vector<std::int64_t>{n - 1, 0, std::int64_t{1} << 55, 7}));
  std::vector<double> least = {r - 0.5, -0.0}, greatest = {0.5 - r, r == 0 ? 0.0 : -0.0};
  comm.min(least);
  comm.max(greatest);
  EXPECT_EQ(least[0], -0.5);
  EXPECT_EQ(greatest[0], 0.5);
  EXPECT_FALSE(std::signbit(least[1]) || std::signbit(greatest[1]));
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(comm.sum(most), most - static_cast<std::uint64_t>(n) + 1);  // modulo 2^64
  comm.sum(std::span<std::int64_t>{});
  comm.barrier();
}

void transfers(const Communicator& comm) {
  const int n = comm.size(), r = comm.rank();
  for (int root = 0; root < n; ++root) {
    std::vector<double> values = {r + 0.5, -1.0 * r};
    comm.broadcast(values, root);
    EXPECT_EQ(values, (std::vector<double>{root + 0.5, -1.0 * root}));
    EXPECT_EQ(comm.broadcast(std::string(static_cast<std::size_t>(r), 'x') + "end", root),
              std::string(static_cast<std::size_t>(root), 'x') + "end");
  }
  const std::vector<std::string> texts = comm.gather("rank " + std::string(static_cast<std::size_t>(r), '+'));
  const std::vector<double> piece(static_cast<std::size_t>(2 * r), r);
  const std::vector<double> numbers = comm.gather(piece);
  if (comm.is_root()) {
    ASSERT_EQ(texts.size(), static_cast<std::size_t>(n));
    std::vector<double> expected;
    for (int k = 0; k < n; ++k) {
      EXPECT_EQ(texts[static_cast<std::size_t>(k)], "rank " + std::string(static_cast<std::size_t>(k), '+'));
      expected.insert(expected.end(), static_cast<std::size_t>(2 * k), k);
    }
    EXPECT_EQ(numbers, expected);
  } else {
    EXPECT_TRUE(texts.empty());
    EXPECT_TRUE(numbers.empty());
  }
}

// One rank fails, each in turn; then all from some rank on.
void failures(const Communicator& comm) {
  const int n = comm.size(), r = comm.rank();
  const auto opening = [n](int rank) {
    return n > 1 ? "while loading data, rank " + std::to_string(rank) + ": "
                 : std::string("while loading data: ");
  };
  for (int bad = 0; bad < n; ++bad) {
    for (const bool all_above : {false, true}) {
      expect_error(
          [&] {
            comm.collectively("loading data", [&] {
              if (r == bad || (all_above && r > bad)) throw Error(Fault::data, "row " + std::to_string(r));
            });
          },
          Fault::data, opening(bad) + "row " + std::to_string(bad));
    }
    const auto collectively_throw = [&](auto thrown) {
      return [&comm, r, bad, thrown] {
        comm.collectively("loading data", [&] {
          if (r == bad) throw thrown;
        });
      };
    };
    expect_error(collectively_throw(std::out_of_range("two\nlines\n")), Fault::bug,
                 opening(bad) + "two lines");
    expect_error(collectively_throw(3), Fault::bug, opening(bad) + "an exception of unknown type");
  }
  expect_error([&] { comm.on_root("reading", [] { throw Error(Fault::missing, "no file"); }); },
               Fault::missing, "while reading: no file");
  int calls = 0;
  comm.collectively("counting", [&] { ++calls; });
  EXPECT_EQ(calls, 1);
  comm.on_root("counting", [&] { ++calls; });
  EXPECT_EQ(calls, comm.is_root() ? 2 : 1);
  reductions(comm);  // ranks are still in step
}

TEST(Communicator, SelfReducesToItself) {
  reductions(Communicator::self());
}
TEST(Communicator, SelfTransfersToItself) {
  transfers(Communicator::self());
}
TEST(Communicator, SelfReportsFailures) {
  failures(Communicator::self());
}

TEST(CommunicatorMpi, Reduces) {
  reductions(Communicator::world());
}
TEST(CommunicatorMpi, Transfers) {
  transfers(Communicator::world());
}
TEST(CommunicatorMpi, FailsTogether) {
  failures(Communicator::world());
}

}  // namespace
}  // namespace vfe
