#pragma once
#include <filesystem>

#include "fuzz/mutator.hpp"

namespace vfe {

/// Lets another program change an HDF5 file as it likes: values, attributes and shapes, or what is missing.
void edit_hdf5(const std::filesystem::path& path, Mutator& mutator);

/// As HDF5 writes by default, and h5py with it: no checksums, texts of variable length in a heap.
void write_foreign_dataset(const std::filesystem::path& path, int rows, int columns);

/// Puts the seal of vfe behind the bytes.
void seal(const std::filesystem::path& path);

}  // namespace vfe
