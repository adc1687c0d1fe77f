#include "data/record_sorter.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {

namespace {

constexpr std::size_t num_buckets = 256;
constexpr std::size_t levels_of_key = 8;  // of 8 bits

std::size_t byte_at(std::span<const std::uint64_t> record, std::size_t level) {
  return (record[level / levels_of_key] >> (56 - 8 * (level % levels_of_key))) & 0xff;
}

/// A file without a name: unlinked as soon as it is open.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& folder) : folder_(folder) {
    std::string name = (folder / ".vfe-sort-XXXXXX").string();
    descriptor_ = ::mkstemp(name.data());
    if (descriptor_ < 0) fail(Fault::cannot_create, "creating");
    ::unlink(name.c_str());
  }
  ~TemporaryFile() { ::close(descriptor_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// Appends and returns where the words stand in the file.
  off_t append(std::span<const std::uint64_t> words) {
    const off_t begin = size_;
    const char* data = reinterpret_cast<const char*>(words.data());
    for (std::size_t left = words.size_bytes(); left > 0;) {
      const ssize_t done = ::pwrite(descriptor_, data, left, size_);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail(Fault::io, "writing");
      data += done, size_ += done, left -= static_cast<std::size_t>(done);
    }
    return begin;
  }

  void read(off_t begin, std::span<std::uint64_t> words) const {
    char* data = reinterpret_cast<char*>(words.data());
    for (std::size_t left = words.size_bytes(); left > 0;) {
      const ssize_t done = ::pread(descriptor_, data, left, begin);
      if (done < 0 && errno == EINTR) continue;
      if (done == 0) errno = EIO;
      if (done <= 0) fail(Fault::io, "reading");
      data += done, begin += done, left -= static_cast<std::size_t>(done);
    }
  }

 private:
  [[noreturn]] void fail(Fault fault, const char* doing) const {
    throw Error(fault, fmt::format("{} a temporary file in {} to shuffle rows: {}", doing, folder_.string(),
                                   std::strerror(errno)));
  }

  std::filesystem::path folder_;
  int descriptor_ = -1;
  off_t size_ = 0;
};

}  // namespace

struct RecordSorter::Buckets {
  struct Chunk {
    off_t begin;
    std::size_t words;
  };
  struct Bucket {
    std::vector<std::uint64_t> tail;  // not yet in the file
    std::vector<Chunk> chunks;
    std::uint64_t key = 0;       // of the first record, that which scatters
    bool has_other_key = false;  // another record has another
  };

  TemporaryFile file;
  std::array<Bucket, num_buckets> list;

  explicit Buckets(const std::filesystem::path& folder) : file(folder) {}

  void flush(Bucket& bucket) {
    if (bucket.tail.empty()) return;
    bucket.chunks.push_back({file.append(bucket.tail), bucket.tail.size()});
    bucket.tail.clear();
  }
};

RecordSorter::RecordSorter(std::filesystem::path folder, std::size_t words, std::size_t keys,
                           std::size_t memory, std::size_t level)
    : folder_(std::move(folder)), words_(words), keys_(keys), memory_(memory), level_(level) {
  // A quarter of the memory is for the tails of the buckets. Beside its words a record costs its entry in the
  // sorted order.
  capacity_ = std::max<std::size_t>(1, memory / 4 * 3 / (record_bytes() + sizeof(std::size_t)));
  chunk_ = std::max<std::size_t>(1, memory / 4 / num_buckets / record_bytes()) * words_;
}

RecordSorter::~RecordSorter() = default;

void RecordSorter::add(std::span<const std::uint64_t> record) {
  if (!buckets_) {
    // Reserved whole: growing by doubling would need the memory twice. Untouched pages cost nothing.
    if (records_.empty()) records_.reserve(capacity_ * words_);
    if (records_.size() < capacity_ * words_ || level_ >= keys_ * levels_of_key) {
      records_.insert(records_.end(), record.begin(), record.end());
      return;
    }
    spill();
  }
  Buckets::Bucket& bucket = buckets_->list[byte_at(record, level_)];
  const std::uint64_t key = record[level_ / levels_of_key];
  if (bucket.tail.capacity() == 0) {
    bucket.tail.reserve(chunk_);
    bucket.key = key;
  }
  bucket.has_other_key = bucket.has_other_key || key != bucket.key;
  bucket.tail.insert(bucket.tail.end(), record.begin(), record.end());
  if (bucket.tail.size() >= chunk_) buckets_->flush(bucket);
}

void RecordSorter::spill() {
  buckets_ = std::make_unique<Buckets>(folder_);
  const std::vector<std::uint64_t> records = std::exchange(records_, {});
  for (std::size_t i = 0; i < records.size(); i += words_) add({records.data() + i, words_});
}

void RecordSorter::drain(const std::function<void(std::span<const std::uint64_t>)>& take) {
  if (!buckets_) return drain_memory(take);
  for (Buckets::Bucket& bucket : buckets_->list) {
    buckets_->flush(bucket);
    std::vector<std::uint64_t>().swap(bucket.tail);
  }
  const std::unique_ptr<Buckets> buckets = std::move(buckets_);
  for (const Buckets::Bucket& bucket : buckets->list) {
    const std::size_t next = bucket.has_other_key ? level_ + 1 : (level_ / levels_of_key + 1) * levels_of_key;
    RecordSorter inner(folder_, words_, keys_, memory_, next);
    std::vector<std::uint64_t> words;
    for (const Buckets::Chunk& chunk : bucket.chunks) {
      words.resize(chunk.words);
      buckets->file.read(chunk.begin, words);
      for (std::size_t i = 0; i < words.size(); i += words_) inner.add({words.data() + i, words_});
    }
    inner.drain(take);
  }
}

void RecordSorter::drain_memory(const std::function<void(std::span<const std::uint64_t>)>& take) {
  std::vector<std::size_t> order(records_.size() / words_);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i * words_;
  std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    const auto begin = records_.data();
    return std::lexicographical_compare(begin + a, begin + a + keys_, begin + b, begin + b + keys_);
  });
  for (const std::size_t first : order) take({records_.data() + first, words_});
  std::vector<std::uint64_t>().swap(records_);
}

}  // namespace vfe
