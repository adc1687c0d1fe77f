#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/hdf5.hpp"

/// The driver by which HDF5 reaches the disk. After a failed write HDF5 neither closes its file nor gets
/// through the end of the program (1.10.8 crashes there), so it is never told of one: what could not be
/// written stays in memory, where HDF5 finds it again, and who writes asks for the failure.
namespace vfe::hdf5 {

/// The bytes of one file. The first failure is kept, and no later call hides it.
class FileBytes {
 public:
  /// Throws Fault::cannot_create.
  static std::shared_ptr<FileBytes> create(const std::filesystem::path& path);
  /// Throws Fault::missing, or Fault::io with the system's reason.
  static std::shared_ptr<FileBytes> open(const std::filesystem::path& path);
  ~FileBytes();  ///< what has not been closed is given up
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  int failure() const { return failure_; }  ///< errno; 0: none
  /// Fault::io with the system's reason, if anything has failed.
  void throw_if_failed() const;

  /// Zeros beyond the end. False where the system cannot read a file that was opened; of one that is created
  /// the failure is kept.
  bool read(std::uint64_t offset, std::size_t count, void* out);
  void write(std::uint64_t offset, std::size_t count, const void* from);
  void resize(std::uint64_t size);
  /// Puts on the disk what is still in memory.
  void close();

 private:
  FileBytes(std::string name, int descriptor, std::uint64_t size, bool writable);
  bool write_to_disk(std::uint64_t offset, const char* from, std::size_t count);
  void keep(int reason) {
    if (failure_ == 0) failure_ = reason;
  }

  std::string name_;
  int descriptor_;
  std::uint64_t size_;
  bool writable_;
  bool in_memory_;     ///< all of it, in image_
  std::string image_;  ///< of a new file as long as it is small: one write instead of hundreds
  std::vector<std::pair<std::uint64_t, std::string>> unwritten_;  ///< in the order of writing
  int failure_ = 0;
};

/// Lets file access properties reach `bytes`, and no other file: HDF5 follows neither external links nor
/// virtual datasets with them.
void use_driver(const Handle& properties, const std::shared_ptr<FileBytes>& bytes);

/// Those of the file that holds an object.
const std::shared_ptr<FileBytes>& bytes_of(const Handle& object);

}  // namespace vfe::hdf5
