#pragma once
#include <filesystem>
#include <string>

namespace vfe {

/// The kinds of files that vfe writes. A result is whatever has our group /vfe: of a fit, draws, predictions.
enum class StoredKind { dataset, checkpoint, result };
std::string to_string(StoredKind kind);

/// Which of them a file is meant to be, by its name, its seal and what it says of itself; one that says
/// nothing is taken for a dataset, whose reader tells what it lacks. Whether it is whole, its reader finds
/// out. Throws Fault::missing, Fault::io, Fault::data where it is not HDF5 or a seal is not of its bytes.
StoredKind stored_kind(const std::filesystem::path& path);

}  // namespace vfe
