// Texts, attributes and dimension scales of hdf5.hpp.
#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <cstring>

#include "store/hdf5_check.hpp"

namespace vfe::hdf5 {
namespace {

Handle text_type(std::size_t length) {
  Handle type(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_size(type.id(), length));
  check(H5Tset_cset(type.id(), H5T_CSET_UTF8));
  if (length != H5T_VARIABLE) check(H5Tset_strpad(type.id(), H5T_STR_NULLPAD));
  return type;
}

std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t length = 1;
  for (const std::string& text : texts) length = std::max(length, text.size());
  return length;
}

/// Texts as HDF5 wants them in memory: zero-padded, or pointers.
std::vector<char> padded(const std::vector<std::string>& texts, std::size_t length) {
  std::vector<char> bytes(texts.size() * length, '\0');
  for (std::size_t i = 0; i < texts.size(); ++i)
    std::copy(texts[i].begin(), texts[i].end(), &bytes[i * length]);
  return bytes;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> list;
  for (const std::string& text : texts) list.push_back(text.c_str());
  return list;
}

/// Texts of a file's type, read by `read_into(memory type, buffer)`.
template <class Read>
std::vector<std::string> read_texts(hid_t type, hid_t space, Read read_into) {
  const hsize_t count = count_of(shape_of(space));
  std::vector<std::string> texts;
  if (count == 0) return texts;
  if (check(H5Tis_variable_str(type)) > 0) {
    // The character set must be the file's: HDF5 does not convert ASCII to UTF-8.
    Handle memory_type = text_type(H5T_VARIABLE);
    check(H5Tset_cset(memory_type.id(), H5Tget_cset(type)));
    std::vector<char*> list(count, nullptr);
    read_into(memory_type.id(), list.data());
    for (const char* text : list) texts.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(memory_type.id(), space, H5P_DEFAULT, list.data());
    return texts;
  }
  const std::size_t length = H5Tget_size(type);
  std::vector<char> bytes(count * length);
  read_into(type, bytes.data());
  for (hsize_t i = 0; i < count; ++i) {
    std::string text(&bytes[i * length], strnlen(&bytes[i * length], length));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text.erase(text.find_last_not_of(' ') + 1);
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace

void write_strings(const Handle& parent, const std::string& name, const std::vector<std::string>& texts) {
  const std::size_t length = longest(texts);
  const Handle type = text_type(length);
  const Handle dataset = create_dataset(parent, name, type.id(), {texts.size()});
  write(dataset, type.id(), padded(texts, length).data());
}

Handle write_labels(const Handle& parent, const std::string& name, const std::vector<std::string>& texts) {
  const Handle type = text_type(H5T_VARIABLE);
  Handle dataset = create_dataset(parent, name, type.id(), {texts.size()});
  write(dataset, type.id(), pointers(texts).data());
  return dataset;
}

void write_text(const Handle& parent, const std::string& name, const std::string& text) {
  const Handle type = text_type(H5T_VARIABLE);
  const Handle dataset = create_dataset(parent, name, type.id(), {});
  const char* pointer = text.c_str();
  write(dataset, type.id(), &pointer);
}

std::vector<std::string> read_strings(const Handle& dataset) {
  if (kind(dataset) != Kind::text) {
    throw Error(Fault::data,
                fmt::format("{}: {} does not hold texts", file_of(dataset.id()), path_of(dataset.id())));
  }
  stored_shape(dataset);
  const Handle type(check(H5Dget_type(dataset.id()), Fault::data, "reading", dataset.id()));
  const Handle space(check(H5Dget_space(dataset.id()), Fault::data, "reading", dataset.id()));
  return read_texts(type.id(), space.id(),
                    [&](hid_t memory_type, void* out) { read(dataset, memory_type, out); });
}

void write_attribute(const Handle& object, const std::string& name, const Value& value, TextLength length) {
  const auto put = [&](hid_t type, const void* bytes, const Shape& shape = {}) {
    const Handle space = space_of(shape);
    const Handle attribute(
        check(H5Acreate2(object.id(), name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT), Fault::io,
              "creating attribute of", object.id(), name));
    check(H5Awrite(attribute.id(), type, bytes), Fault::io, "writing attribute of", object.id(), name);
  };
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (length == TextLength::fixed) {
      put(text_type(longest({*text})).id(), padded({*text}, longest({*text})).data());
    } else {
      const char* pointer = text->c_str();
      put(text_type(H5T_VARIABLE).id(), &pointer);
    }
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    put(text_type(H5T_VARIABLE).id(), pointers(*texts).data(), {texts->size()});
  } else if (const auto* real = std::get_if<double>(&value)) {
    put(native<double>(), real);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    put(native<std::int64_t>(), integer);
  } else {
    put(native<std::uint64_t>(), &std::get<std::uint64_t>(value));
  }
}

bool has_attribute(const Handle& object, const std::string& name) {
  const bool found = check(H5Aexists(object.id(), name.c_str()), Fault::data, "looking up attribute of",
                           object.id(), name) > 0;
  if (!found) throw_if_failed(object);
  return found;
}

std::optional<Value> read_attribute(const Handle& object, const std::string& name) {
  if (!has_attribute(object, name)) return std::nullopt;
  const auto checked = [&](auto result) {
    return check(result, Fault::data, "reading attribute of", object.id(), name);
  };
  const Handle attribute(checked(H5Aopen(object.id(), name.c_str(), H5P_DEFAULT)));
  const Handle type(checked(H5Aget_type(attribute.id())));
  const Handle space(checked(H5Aget_space(attribute.id())));
  const auto get = [&](hid_t memory_type, void* out) { checked(H5Aread(attribute.id(), memory_type, out)); };
  const auto number = [&]<class T>(T out) {
    get(native<T>(), &out);
    return Value(out);
  };
  if (H5Tget_class(type.id()) == H5T_STRING && H5Sget_simple_extent_ndims(space.id()) == 1) {
    return read_texts(type.id(), space.id(), get);
  }
  if (H5Sget_simple_extent_npoints(space.id()) == 1) {
    switch (H5Tget_class(type.id())) {
      case H5T_STRING:
        return read_texts(type.id(), space.id(), get).front();
      case H5T_FLOAT:
        return number(double{});
      case H5T_INTEGER:
        if (H5Tget_sign(type.id()) == H5T_SGN_NONE) return number(std::uint64_t{});
        return number(std::int64_t{});
      default:
        break;
    }
  }
  throw Error(Fault::data,
              fmt::format("{}: attribute {} is neither texts nor one number", file_of(object.id()), name));
}

std::vector<std::string> attribute_names(const Handle& object) {
  std::vector<std::string> names;
  const H5A_operator2_t collect = [](hid_t, const char* text, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(text);
    return 0;
  };
  check(H5Aiterate2(object.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names), Fault::data,
        "listing attributes of", object.id());
  return names;
}

void make_scale(const Handle& dataset, const std::string& title) {
  check(H5DSset_scale(dataset.id(), title.c_str()), Fault::io, "making a dimension of", dataset.id());
}

void attach_scale(const Handle& dataset, const Handle& scale, unsigned axis) {
  check(H5DSattach_scale(dataset.id(), scale.id(), axis), Fault::io, "attaching a dimension to",
        dataset.id());
}

bool is_scale(const Handle& dataset) {
  return check(H5DSis_scale(dataset.id()), Fault::data, "reading", dataset.id()) > 0;
}

Handle scale(const Handle& dataset, unsigned axis) {
  const int attached =
      check(H5DSget_num_scales(dataset.id(), axis), Fault::data, "reading dimensions of", dataset.id());
  if (attached == 0) return {};
  hid_t found = H5I_INVALID_HID;
  const H5DS_iterate_t take = [](hid_t, unsigned, hid_t id, void* out) -> herr_t {
    H5Iinc_ref(id);  // the library closes its own reference
    *static_cast<hid_t*>(out) = id;
    return 1;
  };
  check(H5DSiterate_scales(dataset.id(), axis, nullptr, take, &found), Fault::data, "reading dimensions of",
        dataset.id());
  return Handle(found);
}

}  // namespace vfe::hdf5
