#include "store/hdf5_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "store/hdf5_driver.hpp"

namespace vfe::hdf5 {
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

namespace {

/// Of the bytes of the file that holds an object: errno, or 0.
int failure_of(hid_t object) {
  const Handle file(H5Iget_file_id(object));
  void* bytes = nullptr;
  if (!file || H5Fget_vfd_handle(file.id(), H5P_DEFAULT, &bytes) < 0) return 0;
  return (*static_cast<const std::shared_ptr<FileBytes>*>(bytes))->failure();
}

}  // namespace

void fail(Fault fault, const char* doing, hid_t object, const std::string& part) {
  std::string why = reason();                                  // before other calls clear the stack
  if (const int failure = failure_of(object); failure != 0) {  // not HDF5's doing
    fault = Fault::io;
    why = std::strerror(failure);
  }
  throw Error(fault, fmt::format("{}: {} {}{}{}: {}", file_of(object), doing, path_of(object),
                                 part.empty() ? "" : " ", part, why));
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
