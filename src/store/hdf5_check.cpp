#include "store/hdf5_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vfe::hdf5 {
namespace {

constexpr hsize_t bookkeeping = hsize_t{1} << 18;

/// Lets the file have `size` bytes on the disk, and some more so as not to be asked for every attribute.
void allocate(int descriptor, hsize_t size, const std::string& name) {
  struct stat status;
  int error = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  if (error == 0 && status.st_size < static_cast<off_t>(size)) {
    const hsize_t more = size - static_cast<hsize_t>(status.st_size) + bookkeeping;
    error = ::posix_fallocate(descriptor, status.st_size, static_cast<off_t>(more));
  }
  if (error != 0) throw Error(Fault::io, fmt::format("writing {}: {}", name, std::strerror(error)));
}

}  // namespace

std::string reason() {
  std::string text;
  const H5E_walk2_t first = [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
    if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &text);
  const std::string mark = "error message = '";
  if (const std::size_t from = text.find(mark); from != std::string::npos) {
    const std::size_t begin = from + mark.size();
    text = text.substr(begin, text.find('\'', begin) - begin);
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "HDF5 gives no reason" : text;
}

std::string file_of(hid_t id) {
  const ssize_t length = H5Fget_name(id, nullptr, 0);
  if (length < 0) return "HDF5 file";
  std::string text(static_cast<std::size_t>(length), '\0');
  H5Fget_name(id, text.data(), text.size() + 1);
  return text;
}

std::string path_of(hid_t id) {
  const ssize_t length = H5Iget_name(id, nullptr, 0);
  if (length <= 0) return "";
  std::string text(static_cast<std::size_t>(length), '\0');
  H5Iget_name(id, text.data(), text.size() + 1);
  return text;
}

void fail(Fault fault, const char* doing, hid_t object, const std::string& part) {
  const std::string why = reason();  // before other calls clear the stack
  throw Error(fault, fmt::format("{}: {} {}{}{}: {}", file_of(object), doing, path_of(object),
                                 part.empty() ? "" : " ", part, why));
}

void reserve(const Handle& object, hsize_t bytes) {
  const Handle file(check(H5Iget_file_id(object.id())));
  void* descriptor = nullptr;
  check(H5Fget_vfd_handle(file.id(), H5P_DEFAULT, &descriptor));
  hsize_t used = 0;
  check(H5Fget_filesize(file.id(), &used));
  allocate(*static_cast<const int*>(descriptor), used + bytes + bookkeeping, file_of(file.id()));
}

void reserve_first(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw Error(Fault::cannot_create, fmt::format("creating {}: {}", path.string(), std::strerror(errno)));
  }
  try {
    allocate(descriptor, bookkeeping, path.string());
  } catch (const Error&) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

hsize_t count_of(const Shape& dims) {
  hsize_t count = 1;
  for (const hsize_t n : dims) count *= n;
  return count;
}

Handle space_of(const Shape& dims) {
  if (dims.empty()) return Handle(check(H5Screate(H5S_SCALAR)));
  return Handle(check(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr)));
}

Shape shape_of(hid_t space) {
  Shape dims(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space))));
  if (!dims.empty()) check(H5Sget_simple_extent_dims(space, dims.data(), nullptr));
  return dims;
}

}  // namespace vfe::hdf5
