#include "store/seal.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <vector>

#include "vfe/core/error.hpp"

namespace vfe::hdf5 {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::size_t piece_bytes = std::size_t{1} << 20;

struct Seal {
  std::array<char, 8> mark = {'v', 'f', 'e', ' ', 's', 'e', 'a', 'l'};
  std::uint64_t size = 0, hash = 0;
};
static_assert(sizeof(Seal) == 24);

void read(FileBytes& bytes, std::uint64_t offset, std::size_t count, void* out) {
  if (!bytes.read(offset, count, out)) bytes.throw_if_failed();
}

Seal seal_of(FileBytes& bytes, std::uint64_t size) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> piece(std::min<std::uint64_t>(size, piece_bytes));
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(std::min<std::uint64_t>(size - done, piece_bytes));
    read(bytes, done, piece.size(), piece.data());
    XXH3_64bits_update(state.get(), piece.data(), piece.size());
  }
  Seal seal;
  seal.size = size;
  seal.hash = XXH3_64bits_digest(state.get());
  return seal;
}

std::optional<Seal> found_seal(FileBytes& bytes) {
  Seal found;
  if (bytes.size() < sizeof found) return std::nullopt;
  read(bytes, bytes.size() - sizeof found, sizeof found, &found);
  return found.mark == Seal().mark ? std::optional(found) : std::nullopt;
}

}  // namespace

void put_seal(FileBytes& bytes) {
  const Seal seal = seal_of(bytes, bytes.size());
  bytes.write(seal.size, sizeof seal, &seal);
}

bool has_seal(FileBytes& bytes) {
  return found_seal(bytes).has_value();
}

void check_seal(FileBytes& bytes) {
  const std::optional<Seal> at_end = found_seal(bytes);
  if (!at_end) {
    throw Error(Fault::data,
                fmt::format("{}: does not end with the seal that vfe puts on checkpoints and results: "
                            "it is neither, or it was cut short, or another program has changed it",
                            bytes.name()));
  }
  const Seal& found = *at_end;
  const std::uint64_t size = bytes.size() - sizeof found;
  if (found.size != size) {
    throw Error(Fault::data, fmt::format("{}: is damaged: has {} bytes, its seal is of {}", bytes.name(),
                                         size, found.size));
  }
  if (const std::uint64_t hash = seal_of(bytes, size).hash; hash != found.hash) {
    throw Error(Fault::data,
                fmt::format("{}: is damaged: its bytes have the hash {:016x}, expected {:016x} of its seal",
                            bytes.name(), hash, found.hash));
  }
}

}  // namespace vfe::hdf5
