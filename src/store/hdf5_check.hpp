#pragma once
#include <string>

#include "store/hdf5.hpp"
#include "vfe/core/error.hpp"

/// What the bodies of hdf5.hpp share: turning return codes into errors, and shapes into spaces.
namespace vfe::hdf5 {

/// The reason at the bottom of HDF5's error stack, cut to what a reader can use.
std::string reason();

/// Name of the file that holds an object, and the object's path in it.
std::string file_of(hid_t id);
std::string path_of(hid_t id);

/// Throws "<file>: <doing> <path of the object>[ <part>]: <reason>".
[[noreturn]] void fail(Fault fault, const char* doing, hid_t object, const std::string& part = "");

/// Passes on a result that is not negative.
template <class Result>
Result check(Result result, Fault fault, const char* doing, hid_t object, const std::string& part = "") {
  if (result < 0) fail(fault, doing, object, part);
  return result;
}

/// For calls that fail only on wrong use.
template <class Result>
Result check(Result result) {
  if (result < 0) throw Error(Fault::bug, "HDF5 refuses a property, type or shape: " + reason());
  return result;
}

/// Makes room on the disk for `bytes` more in the file of `object`, and for HDF5's own bookkeeping. HDF5 must
/// not meet a full disk: after a failed write it neither closes the file nor gets through the end of the
/// program. Throws Fault::io with the system's reason.
void reserve(const Handle& object, hsize_t bytes);
/// The same for a file that HDF5 has not created yet.
void reserve_first(const std::filesystem::path& path);

hsize_t count_of(const Shape& dims);
Handle space_of(const Shape& dims);  ///< of a scalar when there are no axes
Shape shape_of(hid_t space);

}  // namespace vfe::hdf5
