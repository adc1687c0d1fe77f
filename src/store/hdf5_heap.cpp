#include "store/hdf5_heap.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace vfe::hdf5 {
namespace {

constexpr std::size_t header = 16;  // of a collection and of an object alike, where lengths have 8 bytes

template <class T>
T number_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

// "GCOL", version, 3 bytes, size (8); then objects: index (2), references (2), 4 bytes, size (8), contents
// filled up to a multiple of 8. Index 0 is what is free, and its size is with the header.
bool heap_is_sound(const void* bytes, std::size_t count) {
  const auto* all = static_cast<const char*>(bytes);
  if (count < header || std::string_view(all, 4) != "GCOL") return true;
  const auto size = number_at<std::uint64_t>(all + 8);
  if (size > count) return true;  // the beginning alone: HDF5 will ask for the whole
  for (std::uint64_t at = header; at + header <= size;) {
    const auto index = number_at<std::uint16_t>(all + at);
    const auto length = number_at<std::uint64_t>(all + at + 8);
    const std::uint64_t left = size - at;
    if (length > left || (index == 0 && length < header)) return false;
    const std::uint64_t needed = index == 0 ? length : header + (length + 7) / 8 * 8;
    if (needed > left) return false;
    at += needed;
  }
  return true;
}

}  // namespace vfe::hdf5
