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

/// Access properties of a class, that of links or one of theirs, that refuse links to other files.
Handle links_within(hid_t kind);
/// Throws Fault::data where a part of the path is a link to another file.
void refuse_outer_link(const Handle& parent, const std::string& path);
/// Throws Fault::data where a dataset keeps its values in other files.
void refuse_outer_storage(const Handle& dataset);

hsize_t count_of(const Shape& dims);
Handle space_of(const Shape& dims);  ///< of a scalar when there are no axes
Shape shape_of(hid_t space);

}  // namespace vfe::hdf5
