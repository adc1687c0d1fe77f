#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Puts records into the order of their first words, the keys, in bounded memory. The order does not depend
/// on the memory. What does not fit is scattered by the leading bits of the first key to 256 buckets in one
/// temporary file, each of which is then sorted in memory, or scattered once more, by the next bits or, where
/// all of its records have one first key, by the next key. Made for random keys: as many records as share all
/// of them must fit in memory.
class RecordSorter {
 public:
  /// Records of `words` words, the first `keys` of which are compared; `memory` in bytes. The temporary file
  /// is made in `folder` when it is needed, and has no name: it cannot outlive the process.
  RecordSorter(std::filesystem::path folder, std::size_t words, std::size_t keys, std::size_t memory,
               std::size_t level = 0);
  ~RecordSorter();
  RecordSorter(const RecordSorter&) = delete;
  RecordSorter& operator=(const RecordSorter&) = delete;

  /// Throws Fault::cannot_create or Fault::io (disk full) for the temporary file.
  void add(std::span<const std::uint64_t> record);
  /// Hands over every record in order, and forgets them.
  void drain(const std::function<void(std::span<const std::uint64_t>)>& take);

 private:
  struct Buckets;
  std::size_t record_bytes() const { return words_ * sizeof(std::uint64_t); }
  void spill();
  void drain_memory(const std::function<void(std::span<const std::uint64_t>)>& take);

  std::filesystem::path folder_;
  std::size_t words_, keys_, memory_;
  std::size_t capacity_ = 0;  // records in memory
  std::size_t chunk_ = 0;     // words written at a time
  std::size_t level_;         // the byte of the keys that scatters, from the leading one of the first on
  std::vector<std::uint64_t> records_;
  std::unique_ptr<Buckets> buckets_;  // once memory was too small
};

}  // namespace vfe
