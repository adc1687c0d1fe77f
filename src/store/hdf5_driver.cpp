#include "store/hdf5_driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "store/hdf5_check.hpp"
#include "store/hdf5_heap.hpp"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace vfe::hdf5 {
namespace {

constexpr std::size_t most_in_memory = std::size_t{16} << 20;
constexpr std::size_t most_at_once = std::size_t{1} << 30;  // a system call moves 2 GiB at most

/// What HDF5 holds of an open file.
struct DrivenFile : H5FD_t {
  std::shared_ptr<FileBytes> bytes;
  haddr_t allocated = 0;
};

/// What the access properties carry. HDF5 copies it byte by byte and never looks inside.
struct Link {
  const std::shared_ptr<FileBytes>* bytes;
};

FileBytes& of(const H5FD_t* file) {
  return *static_cast<const DrivenFile*>(file)->bytes;
}

H5FD_t* open_driven(const char* name, unsigned, hid_t properties, haddr_t) {
  const auto* link = static_cast<const Link*>(H5Pget_driver_info(properties));
  if (link == nullptr || (*link->bytes)->name() != name) return nullptr;
  auto* file = new (std::nothrow) DrivenFile();
  if (file != nullptr) file->bytes = *link->bytes;
  return file;
}

// The bytes stay open for who holds them too: they may yet be sealed.
herr_t close_driven(H5FD_t* file) {
  delete static_cast<DrivenFile*>(file);
  return 0;
}

herr_t read_driven(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, std::size_t count, void* out) {
  return of(file).read(offset, count, out) && heap_is_sound(out, count) ? 0 : -1;
}

herr_t write_driven(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, std::size_t count, const void* from) {
  of(file).write(offset, count, from);
  return 0;
}

herr_t truncate_driven(H5FD_t* file, hid_t, hbool_t) {
  of(file).resize(static_cast<DrivenFile*>(file)->allocated);
  return 0;
}

const H5FD_class_t& driver_class() {
  static const H5FD_class_t driver = [] {
    // Field by field: newer versions of HDF5 have more of them, and in another order.
    H5FD_class_t made{};
#if H5_VERSION_GE(1, 13, 0)
    made.version = H5FD_CLASS_VERSION;
    made.value = 258;  // 256 to 511: drivers that are not registered with the HDF Group
#endif
    made.name = "vfe";
    made.maxaddr = static_cast<haddr_t>(std::numeric_limits<std::int64_t>::max());
    made.fc_degree = H5F_CLOSE_WEAK;
    made.fapl_size = sizeof(Link);
    made.open = open_driven;
    made.close = close_driven;
    made.query = [](const H5FD_t*, unsigned long* flags) -> herr_t {
      *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
               H5FD_FEAT_AGGREGATE_SMALLDATA;
      return 0;
    };
    made.get_eoa = [](const H5FD_t* file, H5FD_mem_t) {
      return static_cast<const DrivenFile*>(file)->allocated;
    };
    made.set_eoa = [](H5FD_t* file, H5FD_mem_t, haddr_t end) -> herr_t {
      static_cast<DrivenFile*>(file)->allocated = end;
      return 0;
    };
    made.get_eof = [](const H5FD_t* file, H5FD_mem_t) { return haddr_t{of(file).size()}; };
    made.get_handle = [](H5FD_t* file, hid_t, void** handle) -> herr_t {
      *handle = &static_cast<DrivenFile*>(file)->bytes;
      return 0;
    };
    made.read = read_driven;
    made.write = write_driven;
    made.truncate = truncate_driven;
    std::fill(std::begin(made.fl_map), std::end(made.fl_map), H5FD_MEM_SUPER);
    return made;
  }();
  return driver;
}

/// Registered anew where somebody has closed and opened HDF5 since.
hid_t driver() {
  static hid_t registered = H5I_INVALID_HID;
  if (H5Iget_type(registered) != H5I_VFL) registered = check(H5FDregister(&driver_class()));
  return registered;
}

}  // namespace

FileBytes::FileBytes(std::string name, int descriptor, std::uint64_t size, bool writable)
    : name_(std::move(name)),
      descriptor_(descriptor),
      size_(size),
      writable_(writable),
      in_memory_(writable) {}

std::shared_ptr<FileBytes> FileBytes::create(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw Error(Fault::cannot_create, fmt::format("creating {}: {}", path.string(), std::strerror(errno)));
  }
  return std::shared_ptr<FileBytes>(new FileBytes(path.string(), descriptor, 0, true));
}

std::shared_ptr<FileBytes> FileBytes::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe shall not hold us
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(Fault::missing, fmt::format("{}: no such file", path.string()));
    }
    throw Error(Fault::io, fmt::format("reading {}: {}", path.string(), std::strerror(errno)));
  }
  std::shared_ptr<FileBytes> bytes(new FileBytes(path.string(), descriptor, 0, false));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    throw Error(Fault::io, fmt::format("reading {}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(Fault::missing, fmt::format("{}: is {}, expected an HDF5 file", path.string(),
                                            S_ISDIR(status.st_mode) ? "a folder" : "no regular file"));
  }
  bytes->size_ = static_cast<std::uint64_t>(status.st_size);
  return bytes;
}

FileBytes::~FileBytes() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileBytes::throw_if_failed() const {
  if (failure_ == 0) return;
  throw Error(Fault::io,
              fmt::format("{} {}: {}", writable_ ? "writing" : "reading", name_, std::strerror(failure_)));
}

bool FileBytes::read(std::uint64_t offset, std::size_t count, void* out) {
  auto* to = static_cast<char*>(out);
  if (in_memory_) {
    const std::size_t there = offset < image_.size() ? std::min(count, image_.size() - offset) : 0;
    if (there > 0) std::memcpy(to, image_.data() + offset, there);
    std::memset(to + there, 0, count - there);
    return true;
  }
  for (std::size_t done = 0; done < count;) {
    const ssize_t got = ::pread(descriptor_, to + done, std::min(count - done, most_at_once),
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      keep(errno);
      if (!writable_) return false;
    }
    if (got <= 0) {
      std::memset(to + done, 0, count - done);
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  for (const auto& [begin, piece] : unwritten_) {
    const std::uint64_t from = std::max(begin, offset), end = std::min(begin + piece.size(), offset + count);
    if (from < end) std::memcpy(to + (from - offset), piece.data() + (from - begin), end - from);
  }
  return true;
}

bool FileBytes::write_to_disk(std::uint64_t offset, const char* from, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    const ssize_t put = ::pwrite(descriptor_, from + done, std::min(count - done, most_at_once),
                                 static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      keep(put < 0 ? errno : ENOSPC);
      return false;
    }
    done += static_cast<std::size_t>(put);
  }
  return true;
}

void FileBytes::write(std::uint64_t offset, std::size_t count, const void* from) {
  const auto* bytes = static_cast<const char*>(from);
  size_ = std::max<std::uint64_t>(size_, offset + count);
  if (in_memory_ && failure_ == 0 && size_ > most_in_memory &&
      write_to_disk(0, image_.data(), image_.size())) {
    in_memory_ = false;
    image_ = {};
  }
  try {
    if (in_memory_) {
      if (image_.size() < offset + count) image_.resize(offset + count);
      std::memcpy(image_.data() + offset, bytes, count);
    } else if (failure_ != 0 || !write_to_disk(offset, bytes, count)) {
      unwritten_.emplace_back(offset, std::string(bytes, count));
    }
  } catch (const std::bad_alloc&) {  // HDF5 below us is C
    keep(ENOMEM);
  }
}

void FileBytes::resize(std::uint64_t size) {
  size_ = size;
  if (in_memory_) {
    image_.resize(size);
  } else if (failure_ == 0 && ::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    keep(errno);
  }
}

void FileBytes::close() {
  if (descriptor_ < 0) return;
  if (in_memory_ && failure_ == 0) write_to_disk(0, image_.data(), image_.size());
  if (::close(std::exchange(descriptor_, -1)) != 0) keep(errno);
}

void use_driver(const Handle& properties, const std::shared_ptr<FileBytes>& bytes) {
  const Link link{&bytes};
  check(H5Pset_driver(properties.id(), driver(), &link));
}

const std::shared_ptr<FileBytes>& bytes_of(const Handle& object) {
  const Handle file(check(H5Iget_file_id(object.id())));
  void* bytes = nullptr;
  check(H5Fget_vfd_handle(file.id(), H5P_DEFAULT, &bytes));
  return *static_cast<const std::shared_ptr<FileBytes>*>(bytes);
}

}  // namespace vfe::hdf5
