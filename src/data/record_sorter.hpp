#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Puts records into the order of their first word (equal ones: of their second) in bounded memory. The order
/// does not depend on the memory. What does not fit is scattered by the leading bits of the first word to 256
/// buckets in one temporary file, each of which is then sorted in memory, or scattered once more. Made for
/// random first words: records that share all 64 bits of it must fit in memory.
class RecordSorter {
 public:
  /// Records of `words` (at least 2) words, `memory` in bytes. The temporary file is made in `folder` when it
  /// is needed, and has no name: it cannot outlive the process.
  RecordSorter(std::filesystem::path folder, Index words, std::size_t memory, int level = 0);
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
  std::size_t words_, memory_;
  std::size_t capacity_ = 0;  // records in memory
  std::size_t chunk_ = 0;     // words written at a time
  int level_;
  std::vector<std::uint64_t> records_;
  std::unique_ptr<Buckets> buckets_;  // once memory was too small
};

}  // namespace vfe
