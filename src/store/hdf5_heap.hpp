#pragma once
#include <cstddef>

namespace vfe::hdf5 {

/// Whether HDF5 gets through what it has read. Where that is not a collection of its global heap, in which it
/// keeps texts of variable length without a checksum, it is no matter here. In a collection every object must
/// end within it: HDF5 1.10 walks from one to the next by their sizes, for ever where one is 0, and copies
/// what lies behind the end.
bool heap_is_sound(const void* bytes, std::size_t count);

}  // namespace vfe::hdf5
