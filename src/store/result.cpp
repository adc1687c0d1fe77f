#include "vfe/store/result.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "store/arrays.hpp"
#include "store/hdf5.hpp"
#include "store/hdf5_crash.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

using hdf5::TextLength;

/// What netCDF4 reads in the title of a dimension that has no values of its own.
std::string title_without_values(hsize_t size) {
  return fmt::format("This is a netCDF dimension but not a netCDF variable.{:10d}", size);
}

// Attributes of every group.
const std::string created_at = "created_at", library = "inference_library",
                  library_version = "inference_library_version";

/// Writes the groups of one file. netCDF4 wants every axis of every variable attached to a dimension scale in
/// the same group, scales numbered through the file, and no variable named like a dimension.
class Writer {
 public:
  explicit Writer(const hdf5::Handle& file) : file_(file) {
    hdf5::write_attribute(file_, "_NCProperties", fmt::format("version=2,vfe={}", VFE_VERSION));
  }

  void write_group(const Group& group) {
    const hdf5::Handle place = hdf5::create_group(file_, group.name);
    std::map<std::string, Attribute> attributes = group.attributes;
    attributes.merge(attributes_of_every_group());
    write_attributes(place, attributes);
    std::set<std::string> names;
    for (const Variable& variable : group.variables) {
      if (!names.insert(variable.name).second) {
        throw Error(Fault::bug, fmt::format("group {}: two variables named {}", group.name, variable.name));
      }
    }
    std::map<std::string, Dimension> dimensions;  // of this group, by their names in the file
    std::map<std::string, hdf5::Handle> scales;
    for (const Variable& variable : group.variables) {
      std::vector<std::string> axes;
      hdf5::Shape shape;
      for (const Dimension& dimension : variable.dimensions) {
        axes.push_back(place_dimension(dimension, variable.name, axes, names, dimensions));
        shape.push_back(static_cast<hsize_t>(dimension.size));
        if (!scales.contains(axes.back()))
          scales.emplace(axes.back(), write_scale(place, axes.back(), dimension));
      }
      const hid_t stored = variable.whole ? H5T_STD_I64LE : H5T_IEEE_F64LE;
      const hdf5::Handle dataset = hdf5::create_dataset(place, variable.name, stored, shape);
      if (hdf5::size(dataset) != variable.values.size()) {
        throw Error(Fault::bug, fmt::format("variable {}: {} values for {} entries", variable.name,
                                            variable.values.size(), hdf5::size(dataset)));
      }
      if (variable.whole) {
        const std::vector<std::int64_t> integers(variable.values.begin(), variable.values.end());
        hdf5::write(dataset, integers.data());
      } else {
        hdf5::write(dataset, variable.values.data());
      }
      for (std::size_t i = 0; i < axes.size(); ++i) {
        hdf5::attach_scale(dataset, scales.at(axes[i]), static_cast<unsigned>(i));
      }
    }
  }

  void write_summary(const ResultFile& result) {
    const hdf5::Handle place = hdf5::create_group(file_, "vfe");
    write_attributes(place, result.attributes);
    for (const auto& [name, text] : result.texts) hdf5::write_text(place, name, text);
    write_arrays(place, result.arrays, [&](const hdf5::Handle& group, const hdf5::Handle& dataset) {
      attach_sizes(group, dataset);
    });
  }

 private:
  static std::map<std::string, Attribute> attributes_of_every_group() {
    return {{created_at, fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00", fmt::gmtime(std::time(nullptr)))},
            {library, "vfe"},
            {library_version, VFE_VERSION}};
  }

  static void write_attributes(const hdf5::Handle& place,
                               const std::map<std::string, Attribute>& attributes) {
    for (const auto& [name, value] : attributes) {
      std::visit(
          [&, &key = name](const auto& v) { hdf5::write_attribute(place, key, v, TextLength::variable); },
          value);
    }
  }

  /// The name in the file of a variable's next axis: its own, unless a variable or another dimension of the
  /// group has that name or an earlier axis of this variable is the same dimension.
  static std::string place_dimension(const Dimension& dimension, const std::string& variable,
                                     const std::vector<std::string>& earlier,
                                     const std::set<std::string>& variables,
                                     std::map<std::string, Dimension>& dimensions) {
    std::string name = variables.contains(dimension.name) ? dimension.name + "_dim" : dimension.name;
    const auto taken = [&] {
      const auto found = dimensions.find(name);
      return variables.contains(name) || std::find(earlier.begin(), earlier.end(), name) != earlier.end() ||
             (found != dimensions.end() && found->second != dimension);
    };
    for (int i = 0; taken(); ++i) name = fmt::format("{}_{}_{}", variable, dimension.name, i);
    dimensions.emplace(name, dimension);
    return name;
  }

  hdf5::Handle write_scale(const hdf5::Handle& place, const std::string& name, const Dimension& dimension) {
    hdf5::Handle scale;
    if (dimension.labels.empty()) {
      std::vector<std::int64_t> numbers(static_cast<std::size_t>(dimension.size));
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
      scale = hdf5::create_dataset(place, name, H5T_STD_I64LE, {numbers.size()});
      hdf5::write(scale, numbers.data());
    } else if (static_cast<Index>(dimension.labels.size()) == dimension.size) {
      scale = hdf5::write_labels(place, name, dimension.labels);
    } else {
      throw Error(Fault::bug, fmt::format("dimension {}: {} labels for {} entries", dimension.name,
                                          dimension.labels.size(), dimension.size));
    }
    number_scale(scale, name);
    return scale;
  }

  /// Dimensions by size, shared by the arrays of a group: without any, some readers of netCDF4 refuse the
  /// file.
  void attach_sizes(const hdf5::Handle& group, const hdf5::Handle& dataset) {
    const hdf5::Shape shape = hdf5::shape(dataset);
    for (unsigned axis = 0; axis < shape.size(); ++axis) {
      const std::string name = fmt::format("{}_{}", axis == 0 ? "rows" : "columns", shape[axis]);
      if (hdf5::exists(group, name)) {
        hdf5::attach_scale(dataset, hdf5::open_dataset(group, name), axis);
      } else {
        const hdf5::Handle scale = hdf5::create_dataset(group, name, H5T_IEEE_F32BE, {shape[axis]});
        number_scale(scale, title_without_values(shape[axis]));
        hdf5::attach_scale(dataset, scale, axis);
      }
    }
  }

  void number_scale(const hdf5::Handle& scale, const std::string& title) {
    hdf5::make_scale(scale, title);
    hdf5::write_attribute(scale, "_Netcdf4Dimid", next_dimension_++);
  }

  const hdf5::Handle& file_;
  std::int64_t next_dimension_ = 0;
};

/// What is shown as text must be text.
const std::string& checked_text(const hdf5::Handle& place, const std::string& name, const std::string& text) {
  if (is_utf8(text)) return text;
  throw Error(Fault::data,
              fmt::format("/{}/{} is \"{}\", expected UTF-8", hdf5::name(place), name, printable(text)));
}

Dimension read_dimension(const hdf5::Handle& dataset, unsigned axis, hsize_t size) {
  const hdf5::Handle scale = hdf5::scale(dataset, axis);
  if (!scale) {
    throw Error(Fault::data,
                fmt::format("variable {} has no dimension on axis {}", hdf5::name(dataset), axis));
  }
  Dimension dimension{hdf5::name(scale), static_cast<Index>(size), {}};
  if (hdf5::kind(scale) == hdf5::Kind::text) dimension.labels = hdf5::read_strings(scale);
  if (!dimension.labels.empty() && dimension.labels.size() != size) {
    throw Error(Fault::data, fmt::format("variable {} has {} labels on an axis of {}", hdf5::name(dataset),
                                         dimension.labels.size(), size));
  }
  for (const std::string& label : dimension.labels) checked_text(dataset, dimension.name, label);
  return dimension;
}

std::map<std::string, Attribute> read_attributes(const hdf5::Handle& place) {
  std::map<std::string, Attribute> attributes;
  for (const std::string& name : hdf5::attribute_names(place)) {
    const hdf5::Value value = *hdf5::read_attribute(place, name);
    attributes[name] = std::visit(
        [&]<class T>(const T& v) -> Attribute {
          if constexpr (std::is_same_v<T, std::uint64_t>) {
            return static_cast<std::int64_t>(v);
          } else if constexpr (std::is_same_v<T, std::string>) {
            return checked_text(place, name, v);
          } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            for (const std::string& text : v) checked_text(place, name, text);
            return v;
          } else {
            return v;
          }
        },
        value);
  }
  return attributes;
}

Group read_group(const hdf5::Handle& file, const std::string& name) {
  const hdf5::Handle place = hdf5::open_group(file, name);
  Group group{name, {}, read_attributes(place)};
  for (const std::string& every : {created_at, library, library_version}) group.attributes.erase(every);
  for (const std::string& child : hdf5::children(place)) {
    if (hdf5::is_group(place, child)) continue;
    const hdf5::Handle dataset = hdf5::open_dataset(place, child);
    const hdf5::Kind kind = hdf5::kind(dataset);
    if (hdf5::is_scale(dataset) || kind == hdf5::Kind::text || kind == hdf5::Kind::other) continue;
    const hdf5::Shape shape = hdf5::stored_shape(dataset);
    Variable variable{child, {}, std::vector<double>(hdf5::size(dataset))};
    for (unsigned axis = 0; axis < shape.size(); ++axis) {
      variable.dimensions.push_back(read_dimension(dataset, axis, shape[axis]));
    }
    hdf5::read(dataset, variable.values.data());
    group.variables.push_back(std::move(variable));
  }
  return group;
}

void read_summary(const hdf5::Handle& file, const std::filesystem::path& path, ResultFile& result) {
  if (!hdf5::exists(file, "vfe")) {
    throw Error(Fault::data, fmt::format("{}: is not a result: it has no group /vfe", path.string()));
  }
  const hdf5::Handle place = hdf5::open_group(file, "vfe");
  result.attributes = read_attributes(place);
  for (const std::string& name : hdf5::children(place)) {
    if (hdf5::is_group(place, name)) continue;
    const hdf5::Handle dataset = hdf5::open_dataset(place, name);
    if (hdf5::kind(dataset) != hdf5::Kind::text || hdf5::size(dataset) != 1) continue;
    result.texts[name] = checked_text(place, name, hdf5::read_strings(dataset).front());
  }
  result.arrays = read_arrays(place);
}

}  // namespace

const Variable& ResultFile::variable(const std::string& group, const std::string& name) const {
  for (const Group& candidate : groups) {
    if (candidate.name != group) continue;
    for (const Variable& found : candidate.variables) {
      if (found.name == name) return found;
    }
  }
  throw Error(Fault::data, fmt::format("the result has no variable {}/{}", group, name));
}

void write_result(const std::filesystem::path& path, const ResultFile& result) {
  AtomicFile target(path);
  hdf5::Handle file = hdf5::create_file(target.temporary());
  {
    Writer writer(file);
    for (const Group& group : result.groups) writer.write_group(group);
    writer.write_summary(result);
  }
  hdf5::finish_file(std::move(file), hdf5::Sealed::yes);
  target.commit();
}

ResultFile read_result(const std::filesystem::path& path) {
  const hdf5::CrashGuard guard(path);
  const hdf5::Handle file = hdf5::open_file(path, hdf5::Sealed::yes);
  ResultFile result;
  read_summary(file, path, result);
  for (const std::string& name : hdf5::children(file)) {
    if (name != "vfe" && hdf5::is_group(file, name)) result.groups.push_back(read_group(file, name));
  }
  hdf5::throw_if_failed(file);
  return result;
}

ResultFile read_result_summary(const std::filesystem::path& path) {
  const hdf5::CrashGuard guard(path);
  const hdf5::Handle file = hdf5::open_file(path, hdf5::Sealed::yes);
  ResultFile result;
  read_summary(file, path, result);
  hdf5::throw_if_failed(file);
  return result;
}

}  // namespace vfe
