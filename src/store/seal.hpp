#pragma once
#include "store/hdf5_driver.hpp"

/// A seal of 24 bytes behind the end of an HDF5 file, where HDF5, netCDF4 and ArviZ do not look: "vfe seal",
/// the number of bytes before it, and their XXH3 (64 bits), both little-endian. It covers what HDF5 has no
/// checksums of (texts in its heap), and it can be checked before HDF5 opens the file: of some damage HDF5
/// crashes or does not return.
namespace vfe::hdf5 {

void put_seal(FileBytes& bytes);
/// Whether they end with the mark of one, right or not. Throws Fault::io.
bool has_seal(FileBytes& bytes);
/// Throws Fault::data where there is none or it is not of these bytes, Fault::io where they cannot be read.
void check_seal(FileBytes& bytes);

}  // namespace vfe::hdf5
