#include "store/arrays.hpp"

namespace vfe {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void collect(const hdf5::Handle& group, const std::string& prefix, std::map<std::string, Matrix>& arrays) {
  for (const std::string& name : hdf5::children(group)) {
    if (hdf5::is_group(group, name)) {
      collect(hdf5::open_group(group, name), prefix + name + "/", arrays);
      continue;
    }
    const hdf5::Handle dataset = hdf5::open_dataset(group, name);
    if (hdf5::shape(dataset).size() != 2 || hdf5::kind(dataset) == hdf5::Kind::text ||
        hdf5::is_scale(dataset))
      continue;
    const hdf5::Shape shape = hdf5::stored_shape(dataset);
    RowMajor values(static_cast<Index>(shape[0]), static_cast<Index>(shape[1]));
    hdf5::read(dataset, values.data());
    arrays[prefix + name] = values;
  }
}

}  // namespace

void write_arrays(
    const hdf5::Handle& group, const std::map<std::string, Matrix>& arrays,
    const std::function<void(const hdf5::Handle& group, const hdf5::Handle& dataset)>& written) {
  for (const auto& [path, values] : arrays) {
    const std::size_t slash = path.rfind('/');
    const hdf5::Handle place = slash == std::string::npos ? hdf5::open_group(group, ".")
                                                          : hdf5::create_group(group, path.substr(0, slash));
    const hdf5::Shape shape{static_cast<hsize_t>(values.rows()), static_cast<hsize_t>(values.cols())};
    const hdf5::Handle dataset = hdf5::create_dataset(place, path.substr(slash + 1), H5T_IEEE_F64LE, shape);
    const RowMajor stored = values;
    hdf5::write(dataset, stored.data());
    if (written) written(place, dataset);
  }
}

std::map<std::string, Matrix> read_arrays(const hdf5::Handle& group) {
  std::map<std::string, Matrix> arrays;
  collect(group, "", arrays);
  return arrays;
}

}  // namespace vfe
