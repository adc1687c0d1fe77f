#include "store/hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "store/hdf5_check.hpp"
#include "store/hdf5_driver.hpp"
#include "store/seal.hpp"

namespace vfe::hdf5 {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

Handle access_properties(const std::shared_ptr<FileBytes>& bytes) {
  check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr));  // its errors are told in our own line
  Handle properties(check(H5Pcreate(H5P_FILE_ACCESS)));
  check(H5Pset_libver_bounds(properties.id(), H5F_LIBVER_V110, H5F_LIBVER_V110));
  use_driver(properties, bytes);
  // No chunk cache: we move whole chunks, and a chunk still in the cache when its dataset closes would be
  // written where nobody sees the return code.
  check(H5Pset_cache(properties.id(), 0, 521, 0, 0.75));
  return properties;
}

/// netCDF4 can append only to what tracks the order of creation.
constexpr unsigned tracked = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

Handle dataset_properties() {
  Handle properties(check(H5Pcreate(H5P_DATASET_CREATE)));
  check(H5Pset_attr_creation_order(properties.id(), tracked));
  return properties;
}

/// Chunks; or none, with the values in the object header, whose checksum covers them. HDF5 refuses a checksum
/// of variable-length texts.
void set_layout(const Handle& properties, const Shape& chunk, hid_t type) {
  if (chunk.empty() || count_of(chunk) == 0) {
    check(H5Pset_layout(properties.id(), H5D_COMPACT));
    return;
  }
  check(H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()));
  if (check(H5Tis_variable_str(type)) == 0) check(H5Pset_fletcher32(properties.id()));
}

/// The shape, halved along its longest axis until it has a chunk's size.
Shape chunk_of(Shape dims, std::size_t element) {
  while (count_of(dims) * element > chunk_bytes) {
    hsize_t& longest = *std::max_element(dims.begin(), dims.end());
    if (longest == 1) break;
    longest = (longest + 1) / 2;
  }
  return dims;
}

/// HDF5 looks for its signature here, at 0, 512, 1024, 2048, ...
bool has_signature(FileBytes& bytes) {
  constexpr std::array<char, 8> signature{'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  for (std::uint64_t at = 0; at + signature.size() <= bytes.size(); at = at == 0 ? 512 : 2 * at) {
    std::array<char, 8> found{};
    if (!bytes.read(at, found.size(), found.data())) bytes.throw_if_failed();
    if (found == signature) return true;
  }
  return false;
}

bool begins_as_text(FileBytes& bytes) {
  std::string begin(std::min<std::uint64_t>(bytes.size(), 256), '\0');
  if (!bytes.read(0, begin.size(), begin.data())) bytes.throw_if_failed();
  return !begin.empty() && std::ranges::all_of(begin, [](unsigned char c) {
    return c >= ' ' || c == '\n' || c == '\r' || c == '\t';
  });
}

/// Selects rows in the file's space; returns the matching space in memory.
Handle select_rows(const Handle& file_space, hsize_t first, hsize_t count) {
  Shape dims = shape_of(file_space.id()), start(dims.size(), 0);
  start[0] = first;
  dims[0] = count;
  check(H5Sselect_hyperslab(file_space.id(), H5S_SELECT_SET, start.data(), nullptr, dims.data(), nullptr));
  return space_of(dims);
}

}  // namespace

template <>
hid_t native<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t native<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t native<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

Handle create_file(const std::filesystem::path& path) {
  const std::shared_ptr<FileBytes> bytes = FileBytes::create(path);
  const Handle access = access_properties(bytes);
  const Handle creation(check(H5Pcreate(H5P_FILE_CREATE)));
  check(H5Pset_link_creation_order(creation.id(), tracked));
  check(H5Pset_attr_creation_order(creation.id(), tracked));
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()));
  if (!file) throw Error(Fault::cannot_create, fmt::format("creating {}: {}", path.string(), reason()));
  return file;
}

Handle open_file(const std::filesystem::path& path, Sealed sealed) {
  const std::shared_ptr<FileBytes> bytes = FileBytes::open(path);
  if (!has_signature(*bytes)) {
    throw Error(Fault::data, fmt::format("{}: is not an HDF5 file{}", path.string(),
                                         sealed == Sealed::no && begins_as_text(*bytes)
                                             ? " but text (vfe import makes a dataset of a CSV file)"
                                             : ""));
  }
  if (sealed == Sealed::yes) check_seal(*bytes);
  const Handle access = access_properties(bytes);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()));
  if (file) return file;
  const std::string why = reason();
  bytes->throw_if_failed();
  throw Error(Fault::data, fmt::format("{}: cannot be opened: {}", path.string(), why));
}

bool has_seal(const std::filesystem::path& path) {
  return has_seal(*FileBytes::open(path));
}

void finish_file(Handle file, Sealed sealed) {
  const std::shared_ptr<FileBytes> bytes = bytes_of(file);
  check(H5Fflush(file.id(), H5F_SCOPE_GLOBAL), Fault::io, "writing", file.id());
  if (H5Fclose(file.release()) < 0) {
    throw Error(Fault::io, fmt::format("writing {}: {}", bytes->name(), reason()));
  }
  if (bytes.use_count() != 1) {
    throw Error(Fault::bug, fmt::format("writing {}: something of it is still open", bytes->name()));
  }
  if (sealed == Sealed::yes) put_seal(*bytes);
  bytes->close();
  bytes->throw_if_failed();
}

void throw_if_failed(const Handle& object) {
  bytes_of(object)->throw_if_failed();
}

bool exists(const Handle& parent, const std::string& path) {
  refuse_outer_link(parent, path);
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (check(H5Lexists(parent.id(), part.c_str(), H5P_DEFAULT), Fault::data, "looking up", parent.id(),
              part) == 0) {
      throw_if_failed(parent);
      return false;
    }
  }
  return true;
}

Handle create_group(const Handle& parent, const std::string& path) {
  const Handle creation(check(H5Pcreate(H5P_GROUP_CREATE)));
  check(H5Pset_link_creation_order(creation.id(), tracked));
  check(H5Pset_attr_creation_order(creation.id(), tracked));
  for (std::size_t end = 0;;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    Handle group(exists(parent, part)
                     ? H5Gopen2(parent.id(), part.c_str(), H5P_DEFAULT)
                     : H5Gcreate2(parent.id(), part.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT));
    check(group.id(), Fault::io, "creating group", parent.id(), part);
    if (end == std::string::npos) return group;
  }
}

Handle open_group(const Handle& parent, const std::string& path) {
  refuse_outer_link(parent, path);
  return Handle(check(H5Gopen2(parent.id(), path.c_str(), links_within(H5P_GROUP_ACCESS).id()), Fault::data,
                      "opening", parent.id(), path));
}

std::vector<std::string> children(const Handle& parent) {
  const Handle group = open_group(parent, ".");  // a file too
  H5G_info_t info;
  check(H5Gget_info(group.id(), &info), Fault::data, "listing", group.id());
  const Handle creation(check(H5Gget_create_plist(group.id()), Fault::data, "listing", group.id()));
  unsigned order = 0;
  check(H5Pget_link_creation_order(creation.id(), &order));
  const H5_index_t index = (order & H5P_CRT_ORDER_TRACKED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto name_by_index = [&](char* text, std::size_t size) {
      return check(H5Lget_name_by_idx(group.id(), ".", index, H5_ITER_INC, i, text, size, H5P_DEFAULT),
                   Fault::data, "listing", group.id());
    };
    std::string text(static_cast<std::size_t>(name_by_index(nullptr, 0)), '\0');
    name_by_index(text.data(), text.size() + 1);
    names.push_back(std::move(text));
  }
  return names;
}

bool is_group(const Handle& parent, const std::string& path) {
  refuse_outer_link(parent, path);
  const Handle object(check(H5Oopen(parent.id(), path.c_str(), links_within(H5P_LINK_ACCESS).id()),
                            Fault::data, "opening", parent.id(), path));
  return H5Iget_type(object.id()) == H5I_GROUP;
}

std::string name(const Handle& object) {
  const std::string path = path_of(object.id());
  return path.substr(path.rfind('/') + 1);
}

Handle create_dataset(const Handle& parent, const std::string& name, hid_t type, const Shape& dims) {
  const Handle properties = dataset_properties();
  const Shape chunk = chunk_of(dims, H5Tget_size(type));
  set_layout(properties, chunk, type);
  const Handle space = space_of(dims);
  return Handle(check(
      H5Dcreate2(parent.id(), name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
      Fault::io, "creating", parent.id(), name));
}

Handle create_growing_dataset(const Handle& parent, const std::string& name, hid_t type, const Shape& row,
                              hsize_t chunk_rows) {
  Shape dims{0}, limits{H5S_UNLIMITED}, chunk{chunk_rows};
  for (const hsize_t n : row) {
    dims.push_back(n);
    limits.push_back(std::max<hsize_t>(n, 1));  // a chunk has at least one element, also of an empty row
    chunk.push_back(limits.back());
  }
  const Handle properties = dataset_properties();
  set_layout(properties, chunk, type);
  const Handle space(check(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), limits.data())));
  return Handle(check(
      H5Dcreate2(parent.id(), name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
      Fault::io, "creating", parent.id(), name));
}

Handle open_dataset(const Handle& parent, const std::string& path) {
  refuse_outer_link(parent, path);
  Handle dataset(check(H5Dopen2(parent.id(), path.c_str(), links_within(H5P_DATASET_ACCESS).id()),
                       Fault::data, "opening", parent.id(), path));
  refuse_outer_storage(dataset);
  return dataset;
}

Shape shape(const Handle& dataset) {
  const Handle space(check(H5Dget_space(dataset.id()), Fault::data, "reading", dataset.id()));
  return shape_of(space.id());
}

hsize_t size(const Handle& dataset) {
  return count_of(shape(dataset));
}

Kind kind(const Handle& dataset) {
  const Handle type(check(H5Dget_type(dataset.id()), Fault::data, "reading", dataset.id()));
  switch (H5Tget_class(type.id())) {
    case H5T_FLOAT:
      return H5Tget_size(type.id()) <= sizeof(float) ? Kind::single : Kind::real;
    case H5T_INTEGER:
      return Kind::integer;
    case H5T_STRING:
      return Kind::text;
    default:
      return Kind::other;
  }
}

std::size_t signed_bits(const Handle& dataset) {
  const Handle type(check(H5Dget_type(dataset.id()), Fault::data, "reading", dataset.id()));
  return 8 * H5Tget_size(type.id()) + (check(H5Tget_sign(type.id())) == H5T_SGN_NONE ? 1 : 0);
}

void write(const Handle& dataset, hid_t memory_type, const void* values) {
  if (size(dataset) == 0) return;
  check(H5Dwrite(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), Fault::io, "writing",
        dataset.id());
  throw_if_failed(dataset);
}

void read(const Handle& dataset, hid_t memory_type, void* values) {
  if (size(dataset) == 0) return;
  check(H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), Fault::data, "reading",
        dataset.id());
}

void write_rows(const Handle& dataset, hsize_t first, hsize_t count, hid_t memory_type, const void* values) {
  Shape dims = shape(dataset);
  if (dims[0] < first + count) {
    dims[0] = first + count;
    check(H5Dset_extent(dataset.id(), dims.data()), Fault::io, "extending", dataset.id());
  }
  const Handle space(check(H5Dget_space(dataset.id()), Fault::io, "writing", dataset.id()));
  const Handle memory = select_rows(space, first, count);
  if (H5Sget_select_npoints(memory.id()) == 0) return;
  check(H5Dwrite(dataset.id(), memory_type, memory.id(), space.id(), H5P_DEFAULT, values), Fault::io,
        "writing", dataset.id());
  throw_if_failed(dataset);
}

void read_rows(const Handle& dataset, hsize_t first, hsize_t count, hid_t memory_type, void* values) {
  const Handle space(check(H5Dget_space(dataset.id()), Fault::data, "reading", dataset.id()));
  if (count == 0 || count_of(shape_of(space.id())) == 0) return;
  const Handle memory = select_rows(space, first, count);
  check(H5Dread(dataset.id(), memory_type, memory.id(), space.id(), H5P_DEFAULT, values), Fault::data,
        "reading", dataset.id());
}

}  // namespace vfe::hdf5
