#pragma once
#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// HDF5 for the rest of the layer: handles that close themselves and checked functions, the only place that
/// looks at HDF5's return codes. What creates or writes throws Fault::io, what opens or reads Fault::data;
/// the line names the object, the file and HDF5's innermost reason.
namespace vfe::hdf5 {

/// Owns an identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  hid_t id() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using Shape = std::vector<hsize_t>;

/// The memory type of float, double, std::int32_t, std::int64_t, std::uint64_t.
template <class T>
hid_t native();

// Files. Library version bounds V110: all metadata carry checksums. No file locks: some parallel file systems
// lack them, and files appear whole by rename, so that nobody reads what another writes.

/// Truncates what is there. Throws Fault::cannot_create.
Handle create_file(const std::filesystem::path& path);
/// Whether a file ends with a seal of all its bytes; see store/seal.hpp.
enum class Sealed { no, yes };
/// Read-only. Throws Fault::missing, or Fault::data when it is not HDF5 or truncated, or is expected to be
/// sealed and is not: then before HDF5 sees it.
Handle open_file(const std::filesystem::path& path, Sealed sealed = Sealed::no);
/// Whether it ends with the mark of a seal, right or not. Throws Fault::missing, Fault::io.
bool has_seal(const std::filesystem::path& path);
/// Closes the file and seals it. Throws Fault::io if anything of it could not be written, at whatever time.
/// All other handles into the file must be gone.
void finish_file(Handle file, Sealed sealed = Sealed::no);

/// Throws Fault::io if anything of an object's file could not be read or written: HDF5 may have taken what it
/// could not read for what is not there.
void throw_if_failed(const Handle& object);

// Groups and links. A path may have several parts: "trace/free_energy". What is opened must be in the file
// itself: links to other files, virtual datasets and external storage are refused with Fault::data.

bool exists(const Handle& parent, const std::string& path);
/// Opens the group, made with all groups above it where they are not there.
Handle create_group(const Handle& parent, const std::string& path);
Handle open_group(const Handle& parent, const std::string& path);
/// Names of the links of a group, in order of creation where the file tracks it.
std::vector<std::string> children(const Handle& parent);
bool is_group(const Handle& parent, const std::string& path);
/// The last part of the object's path.
std::string name(const Handle& object);

// Datasets, in chunks with checksums (fletcher32); without axes or elements inside the object header.

Handle create_dataset(const Handle& parent, const std::string& name, hid_t type, const Shape& shape);
/// No rows yet; the first axis grows. `row` is the shape of one row.
Handle create_growing_dataset(const Handle& parent, const std::string& name, hid_t type, const Shape& row,
                              hsize_t chunk_rows);
Handle open_dataset(const Handle& parent, const std::string& path);
Shape shape(const Handle& dataset);
hsize_t size(const Handle& dataset);  ///< number of elements
/// The shape of a dataset to be read. Throws Fault::data naming dataset and sizes where the file cannot hold
/// as much: ask before allocating.
Shape stored_shape(const Handle& dataset);

enum class Kind { single, real, integer, text, other };
Kind kind(const Handle& dataset);
/// Of a dataset of integers: the bits of the least signed integer that holds any of them, 33 of uint32.
std::size_t signed_bits(const Handle& dataset);

void write(const Handle& dataset, hid_t memory_type, const void* values);
void read(const Handle& dataset, hid_t memory_type, void* values);
/// Rows [first, first + count) of the first axis; write_rows extends a growing dataset to hold them.
void write_rows(const Handle& dataset, hsize_t first, hsize_t count, hid_t memory_type, const void* values);
void read_rows(const Handle& dataset, hsize_t first, hsize_t count, hid_t memory_type, void* values);

template <class T>
void write(const Handle& dataset, const T* values) {
  write(dataset, native<T>(), values);
}
template <class T>
void read(const Handle& dataset, T* values) {
  read(dataset, native<T>(), values);
}
template <class T>
void write_rows(const Handle& dataset, hsize_t first, hsize_t count, const T* values) {
  write_rows(dataset, first, count, native<T>(), values);
}
template <class T>
void read_rows(const Handle& dataset, hsize_t first, hsize_t count, T* values) {
  read_rows(dataset, first, count, native<T>(), values);
}

// Texts, UTF-8. HDF5 keeps variable-length ones in a heap that has no checksum, and a flipped bit there can
// crash it: what must be safe has fixed lengths or is in a sealed file; what netCDF4 tools shall read as text
// must be variable.

/// A list of fixed length, padded with zeros.
void write_strings(const Handle& parent, const std::string& name, const std::vector<std::string>& texts);
/// A list of variable length.
Handle write_labels(const Handle& parent, const std::string& name, const std::vector<std::string>& texts);
/// One text of variable length.
void write_text(const Handle& parent, const std::string& name, const std::string& text);
/// Either kind, from any program.
std::vector<std::string> read_strings(const Handle& dataset);

// Attributes.

using Value = std::variant<std::string, double, std::int64_t, std::uint64_t, std::vector<std::string>>;
enum class TextLength { fixed, variable };  ///< of one text; those of a list are variable
void write_attribute(const Handle& object, const std::string& name, const Value& value,
                     TextLength length = TextLength::fixed);
bool has_attribute(const Handle& object, const std::string& name);
/// Nothing when it is not there. Throws Fault::data when it is neither texts nor one number.
std::optional<Value> read_attribute(const Handle& object, const std::string& name);
std::vector<std::string> attribute_names(const Handle& object);

// Dimension scales, as netCDF4 uses them.

void make_scale(const Handle& dataset, const std::string& title);
void attach_scale(const Handle& dataset, const Handle& scale, unsigned axis);
bool is_scale(const Handle& dataset);
/// The scale of an axis; empty if it has none.
Handle scale(const Handle& dataset, unsigned axis);

}  // namespace vfe::hdf5
