#include "fuzz/hdf5_edits.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "run/temporary_folder.hpp"
#include "store/hdf5_driver.hpp"
#include "store/seal.hpp"

namespace vfe {
namespace {

using hdf5::Handle;

/// Paths of all groups and datasets.
std::vector<std::string> objects_of(const Handle& file) {
  std::vector<std::string> names;
  const H5O_iterate_t collect = [](hid_t, const char* name, const H5O_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Ovisit(file.id(), H5_INDEX_NAME, H5_ITER_NATIVE, collect, &names);
  return names;
}

std::vector<std::string> attributes_of(hid_t object) {
  std::vector<std::string> names;
  const H5A_operator2_t collect = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &names);
  return names;
}

Handle variable_text() {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

void put_attribute(hid_t object, const std::string& name, hid_t type, const void* value) {
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT));
  H5Awrite(attribute.id(), type, value);
}

void put_text(hid_t object, const std::string& name, const std::string& text) {
  const char* pointer = text.c_str();
  put_attribute(object, name, variable_text().id(), &pointer);
}

double number(Mutator& mutator) {
  return std::strtod(mutator.odd_number().c_str(), nullptr);
}

/// Texts of one text, or of what such a file might hold.
std::string text(Mutator& mutator, const std::string& now) {
  return mutator.mutated({now, "vfe-dataset", "{}", "[]", "1", "\xff"}, {"null", "\"", "{", "-1", "1e999"});
}

void change_attribute(hid_t object, const std::string& name, Mutator& mutator) {
  std::string now;
  if (const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT)); attribute) {
    const Handle type(H5Aget_type(attribute.id()));
    if (H5Tget_class(type.id()) == H5T_STRING && H5Tis_variable_str(type.id()) == 0) {
      now.resize(H5Tget_size(type.id()));
      H5Aread(attribute.id(), type.id(), now.data());
    }
  }
  H5Adelete(object, name.c_str());
  const double real = number(mutator);
  const auto whole = static_cast<std::int64_t>(mutator.below(2) == 0 ? mutator.below(9) : ~mutator.below(9));
  switch (mutator.below(4)) {
    case 0:
      return;
    case 1:
      return put_text(object, name, text(mutator, now));
    case 2:
      return put_attribute(object, name, H5T_NATIVE_DOUBLE, &real);
    default:
      return put_attribute(object, name, H5T_NATIVE_INT64, &whole);
  }
}

/// A text of a list, of fixed or variable length, is changed.
void change_text(hid_t dataset, hid_t type, std::size_t count, Mutator& mutator) {
  const std::size_t at = mutator.below(count);
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> list(count, nullptr);
    H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, list.data());
    const std::string changed = text(mutator, list[at] == nullptr ? "" : list[at]);
    std::vector<const char*> pointers(list.begin(), list.end());
    pointers[at] = changed.c_str();
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data());
    const Handle space(H5Dget_space(dataset));
    H5Dvlen_reclaim(type, space.id(), H5P_DEFAULT, list.data());
    return;
  }
  const std::size_t length = H5Tget_size(type);
  std::string all(count * length, '\0');
  H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
  std::string changed = text(mutator, all.substr(at * length, length).c_str());
  changed.resize(length);
  all.replace(at * length, length, changed);
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
}

void change_values(hid_t dataset, Mutator& mutator) {
  const Handle space(H5Dget_space(dataset)), type(H5Dget_type(dataset));
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.id()));
  if (count == 0) return;
  if (H5Tget_class(type.id()) == H5T_STRING) return change_text(dataset, type.id(), count, mutator);
  std::vector<double> values(count);
  H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  for (std::uint64_t changes = 1 + mutator.below(3); changes > 0; --changes) {
    values[mutator.below(count)] = number(mutator);
  }
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

/// Another dataset in its place: of another shape or type.
void replace_dataset(const Handle& file, const std::string& name, Mutator& mutator) {
  H5Ldelete(file.id(), name.c_str(), H5P_DEFAULT);
  std::vector<hsize_t> dims(mutator.below(4));
  for (hsize_t& n : dims) n = mutator.below(5) == 0 ? 200 : mutator.below(4);
  const Handle space(dims.empty() ? H5Screate(H5S_SCALAR)
                                  : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
  const std::vector<hid_t> types = {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_I64LE, H5T_STD_U8LE, H5T_C_S1};
  const Handle dataset(H5Dcreate2(file.id(), name.c_str(), mutator.one_of(types), space.id(), H5P_DEFAULT,
                                  H5P_DEFAULT, H5P_DEFAULT));
}

}  // namespace

void edit_hdf5(const std::filesystem::path& path, Mutator& mutator) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  for (std::uint64_t changes = 1 + mutator.below(2); changes > 0; --changes) {
    const std::string name = mutator.one_of(objects_of(file));
    const Handle object(H5Oopen(file.id(), name.c_str(), H5P_DEFAULT));
    const bool is_dataset = H5Iget_type(object.id()) == H5I_DATASET;
    const std::vector<std::string> attributes = attributes_of(object.id());
    if (!attributes.empty() && (!is_dataset || mutator.one_in(3))) {
      change_attribute(object.id(), mutator.one_of(attributes), mutator);
    } else if (is_dataset && !mutator.one_in(3)) {
      change_values(object.id(), mutator);
    } else if (name != ".") {
      if (is_dataset && mutator.one_in(2)) {
        replace_dataset(file, name, mutator);
      } else {
        H5Ldelete(file.id(), name.c_str(), H5P_DEFAULT);
      }
    }
  }
}

void write_foreign_dataset(const std::filesystem::path& path, int rows, int columns) {
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  put_text(file.id(), "format", "vfe-dataset");
  const std::int64_t version = 2;
  put_attribute(file.id(), "version", H5T_NATIVE_INT64, &version);
  const auto put_values = [&](const char* name, hsize_t width, hid_t type, bool compressed) {
    const std::array<hsize_t, 2> dims = {static_cast<hsize_t>(rows), width},
                                 chunk = {(dims[0] + 3) / 4, width};
    const Handle space(H5Screate_simple(2, dims.data(), nullptr));
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    if (compressed) {
      H5Pset_chunk(properties.id(), 2, chunk.data());
      H5Pset_deflate(properties.id(), 4);
    }
    std::vector<double> values(dims[0] * width);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
    const Handle dataset(
        H5Dcreate2(file.id(), name, type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT));
    H5Dwrite(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  };
  const auto put_texts = [&](const char* group_name, const char* name,
                             const std::vector<std::string>& texts) {
    Handle group(H5Gopen2(file.id(), group_name, H5P_DEFAULT));
    if (!group) group = Handle(H5Gcreate2(file.id(), group_name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    const hsize_t count = texts.size();
    const Handle space(H5Screate_simple(1, &count, nullptr));
    const Handle type = variable_text();
    const Handle dataset(
        H5Dcreate2(group.id(), name, type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data());
  };
  put_values("numbers", static_cast<hsize_t>(columns), H5T_IEEE_F64LE, true);
  put_values("codes", 1, H5T_STD_I8LE, false);  // all 0, sines being below 1
  const Handle matrices(H5Gcreate2(file.id(), "matrices", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  put_values("matrices/0", 4, H5T_STD_U8LE, true);
  std::vector<std::string> names, types;
  for (int j = 0; j < columns; ++j) {
    names.push_back("column " + std::to_string(j));
    types.emplace_back("number");
  }
  names.insert(names.end(), {"colour", "bits"});
  types.insert(types.end(), {"factor", "matrix"});
  put_texts("columns", "name", names);
  put_texts("columns", "type", types);
  put_texts("levels", "0", {"red", "blue"});
}

void seal(const std::filesystem::path& path) {
  const std::string bytes = contents(path);
  const auto file = hdf5::FileBytes::create(path);
  file->write(0, bytes.size(), bytes.data());
  hdf5::put_seal(*file);
  file->close();
}

}  // namespace vfe
