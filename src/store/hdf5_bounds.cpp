// What a file says of its sizes, and of other files: the parts of hdf5.hpp that do not believe it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "store/hdf5_check.hpp"
#include "store/hdf5_driver.hpp"

namespace vfe::hdf5 {
namespace {

using Wide = unsigned __int128;

/// How many bytes one stored byte can become. Deflate: 1032, and what it says of itself; what others reach is
/// not known.
hsize_t most_expansion(const Handle& properties) {
  hsize_t most = 1;
  const int filters = check(H5Pget_nfilters(properties.id()));
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = check(H5Pget_filter2(properties.id(), static_cast<unsigned>(i), &flags,
                                                     &values, nullptr, 0, nullptr, &config));
    if (filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32) continue;
    most = std::max<hsize_t>(most, filter == H5Z_FILTER_DEFLATE ? 2048 : 1 << 20);
  }
  return most;
}

Wide bytes_of_shape(const Shape& dims, std::size_t element) {
  constexpr auto most = static_cast<Wide>(std::numeric_limits<std::uint64_t>::max());
  if (std::find(dims.begin(), dims.end(), hsize_t{0}) != dims.end()) return 0;
  Wide bytes = element;
  for (const hsize_t n : dims) bytes = std::min(bytes * n, most);
  return bytes;
}

}  // namespace

Handle links_within(hid_t kind) {
  Handle properties(check(H5Pcreate(kind)));
  const H5L_elink_traverse_t refuse = [](const char*, const char*, const char*, const char*, unsigned*, hid_t,
                                         void*) -> herr_t { return -1; };
  check(H5Pset_elink_cb(properties.id(), refuse, nullptr));
  return properties;
}

void refuse_outer_link(const Handle& parent, const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (part == ".") continue;
    H5L_info_t info;
    if (H5Lget_info(parent.id(), part.c_str(), &info, H5P_DEFAULT) < 0) return;  // opening says why
    if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT) {
      throw Error(Fault::data,
                  fmt::format("{}: {}{}{} is a link to another file, expected all data in this one",
                              file_of(parent.id()), path_of(parent.id()),
                              path_of(parent.id()).ends_with('/') ? "" : "/", part));
    }
  }
}

void refuse_outer_storage(const Handle& dataset) {
  const Handle properties(check(H5Dget_create_plist(dataset.id()), Fault::data, "reading", dataset.id()));
  const bool outside = H5Pget_layout(properties.id()) == H5D_VIRTUAL;
  if (outside || check(H5Pget_external_count(properties.id())) > 0) {
    throw Error(Fault::data,
                fmt::format("{}: {} keeps its values in other files ({}), expected all data in this one",
                            file_of(dataset.id()), path_of(dataset.id()),
                            outside ? "a virtual dataset" : "external storage"));
  }
}

Shape stored_shape(const Handle& dataset) {
  const Shape dims = shape(dataset);
  const Handle type(check(H5Dget_type(dataset.id()), Fault::data, "reading", dataset.id()));
  const Handle properties(check(H5Dget_create_plist(dataset.id()), Fault::data, "reading", dataset.id()));
  const std::size_t element = H5Tget_size(type.id());
  const Wide declared = bytes_of_shape(dims, element);
  if (declared == 0) return dims;
  Wide needed = declared;
  if (H5Pget_layout(properties.id()) == H5D_CHUNKED) {  // whole chunks are held in memory, too
    Shape chunk(dims.size());
    check(H5Pget_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()));
    needed = std::max(needed, bytes_of_shape(chunk, element));
  }
  const hsize_t stored = std::min<hsize_t>(H5Dget_storage_size(dataset.id()), bytes_of(dataset)->size());
  throw_if_failed(dataset);
  if (needed > static_cast<Wide>(stored) * most_expansion(properties)) {
    throw Error(
        Fault::data,
        fmt::format("{}: {} is said to hold {} entries of {} bytes, but {} bytes of it are in the file",
                    file_of(dataset.id()), path_of(dataset.id()),
                    dims.empty() ? "1" : fmt::format("{}", fmt::join(dims, " x ")), element, stored));
  }
  return dims;
}

}  // namespace vfe::hdf5
