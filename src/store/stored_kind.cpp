#include "vfe/store/stored_kind.hpp"

#include "store/hdf5.hpp"
#include "vfe/store/checkpoint.hpp"

namespace vfe {

std::string to_string(StoredKind kind) {
  switch (kind) {
    case StoredKind::dataset:
      return "dataset";
    case StoredKind::checkpoint:
      return "checkpoint";
    case StoredKind::result:
      break;
  }
  return "result";
}

StoredKind stored_kind(const std::filesystem::path& path) {
  // Of a checkpoint that is damaged nothing but its name says what it is.
  if (step_of_checkpoint(path)) return StoredKind::checkpoint;
  // What has a seal is not shown to HDF5 before that is found to be right.
  const hdf5::Handle file =
      hdf5::open_file(path, hdf5::has_seal(path) ? hdf5::Sealed::yes : hdf5::Sealed::no);
  const auto format = hdf5::read_attribute(file, "format");
  const auto* name = format ? std::get_if<std::string>(&*format) : nullptr;
  if (name != nullptr && *name == "vfe-checkpoint") return StoredKind::checkpoint;
  if (name == nullptr && hdf5::exists(file, "vfe")) return StoredKind::result;
  return StoredKind::dataset;
}

}  // namespace vfe
