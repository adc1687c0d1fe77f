#include "vfe/target/riders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <map>

namespace vfe {
namespace {

constexpr std::array<int, 4> stop_signals = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
constexpr int piece_bits = 16;

}  // namespace

Riders::Riders(const Request& request, bool failed, std::uint64_t hash) {
  part_.failed = failed;
  part_.checkpoint = request.checkpoint;
  part_.stop = request.stop;
  for (std::size_t i = 0; i < stop_signals.size(); ++i) part_.signal[i] = request.signal == stop_signals[i];
  for (std::size_t i = 0; i < part_.hash.size(); ++i) {
    part_.hash[i] = static_cast<std::uint16_t>(hash >> (piece_bits * i));
    part_.hash_squared[i] = part_.hash[i] * part_.hash[i];
  }
}

void Riders::append_to(std::vector<std::int64_t>& numbers) const {
  const auto flat = std::bit_cast<std::array<std::int64_t, sizeof(Parts) / sizeof(std::int64_t)>>(part_);
  numbers.insert(numbers.end(), flat.begin(), flat.end());
}

Riders Riders::take_from(std::vector<std::int64_t>& numbers) {
  std::array<std::int64_t, sizeof(Parts) / sizeof(std::int64_t)> flat;
  std::copy(numbers.end() - static_cast<std::ptrdiff_t>(flat.size()), numbers.end(), flat.begin());
  numbers.resize(numbers.size() - flat.size());
  Riders riders;
  riders.part_ = std::bit_cast<Parts>(flat);
  return riders;
}

Request Riders::request() const {
  Request request;
  request.checkpoint = part_.checkpoint > 0;
  request.stop = part_.stop > 0;
  for (std::size_t i = 0; i < stop_signals.size(); ++i) {
    if (request.signal == 0 && part_.signal[i] > 0) request.signal = stop_signals[i];
  }
  return request;
}

bool Riders::hashes_equal(int num_ranks) const {
  // By Cauchy and Schwarz n * sum h^2 = (sum h)^2 only if all h are equal.
  for (std::size_t i = 0; i < part_.hash.size(); ++i) {
    if (num_ranks * part_.hash_squared[i] != part_.hash[i] * part_.hash[i]) return false;
  }
  return true;
}

}  // namespace vfe
