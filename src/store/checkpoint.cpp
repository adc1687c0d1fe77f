#include "vfe/store/checkpoint.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "store/arrays.hpp"
#include "store/hdf5.hpp"
#include "store/hdf5_crash.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

constexpr std::string_view prefix = "checkpoint.", suffix = ".h5";
constexpr std::size_t generations = 2;

class Packer {
 public:
  template <class T>
  void number(T value) {
    static_assert(sizeof value == 8);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(const std::string& value) {
    number(std::uint64_t{value.size()});
    bytes_.append(value);
  }
  void matrix(ConstMat value) {
    number(std::int64_t{value.rows()});
    number(std::int64_t{value.cols()});
    for (Index c = 0; c < value.cols(); ++c) {
      bytes_.append(reinterpret_cast<const char*>(value.col(c).data()), sizeof(double) * value.rows());
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(const std::string& bytes) : left_(bytes) {}
  template <class T>
  T number() {
    T value;
    static_assert(sizeof value == 8);
    std::memcpy(&value, next(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(next(number<std::uint64_t>())); }
  Matrix matrix() {
    const auto rows = number<std::int64_t>(), cols = number<std::int64_t>();
    const auto limit = static_cast<std::int64_t>(left_.size() / sizeof(double));
    if (rows < 0 || cols < 0 || (rows > 0 && cols > limit / rows)) fail();
    Matrix value(rows, cols);
    const std::string_view bytes = next(sizeof(double) * static_cast<std::size_t>(value.size()));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(value.data()));
    return value;
  }
  void finish() const {
    if (!left_.empty()) fail();
  }

 private:
  [[noreturn]] static void fail() { throw Error(Fault::checkpoint, "packed checkpoint: not of this form"); }
  std::string_view next(std::uint64_t count) {
    if (count > left_.size()) fail();
    const std::string_view piece = left_.substr(0, count);
    left_.remove_prefix(count);
    return piece;
  }
  std::string_view left_;
};

std::filesystem::path file_of(const std::filesystem::path& directory, std::uint64_t step) {
  return directory / fmt::format("{}{}{}", prefix, step, suffix);
}

/// The step in a checkpoint's file name.
std::optional<std::uint64_t> step_of(std::string_view text) {
  if (!text.starts_with(prefix) || !text.ends_with(suffix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.size() <= suffix.size()) return std::nullopt;
  text.remove_suffix(suffix.size());
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return step;
}

/// All but the newest generations up to `step`. Those beyond it belong to a future that a resume from an
/// older checkpoint has given up.
void remove_outdated(const std::filesystem::path& directory, std::uint64_t step) {
  std::size_t kept = 0;
  for (const std::uint64_t found : list_checkpoints(directory)) {
    std::error_code ignored;
    if (found > step || ++kept > generations) std::filesystem::remove(file_of(directory, found), ignored);
  }
}

std::uint64_t hash_of(const Checkpoint& checkpoint) {
  const std::string bytes = pack(checkpoint);
  return XXH3_64bits(bytes.data(), bytes.size());
}

void write_to(const hdf5::Handle& file, const Checkpoint& checkpoint) {
  using hdf5::Value;
  hdf5::write_attribute(file, "format", "vfe-checkpoint");
  hdf5::write_attribute(file, "version", Value(std::int64_t{checkpoint_version}));
  hdf5::write_attribute(file, "made_by", "vfe " VFE_VERSION);
  hdf5::write_attribute(file, "step", Value(checkpoint.state.step));
  hdf5::write_attribute(file, "stage", checkpoint.state.stage);
  hdf5::write_attribute(file, "model", Value(checkpoint.model));
  hdf5::write_attribute(file, "data", Value(checkpoint.data));
  hdf5::write_attribute(file, "content", Value(hash_of(checkpoint)));
  hdf5::write_strings(file, "config", {checkpoint.config});
  hdf5::write(hdf5::create_dataset(file, "lambda", H5T_IEEE_F64LE,
                                   {static_cast<hsize_t>(checkpoint.state.lambda.size())}),
              checkpoint.state.lambda.data());
  write_arrays(hdf5::create_group(file, "memory"), checkpoint.state.memory);
  const hdf5::Handle counters = hdf5::create_group(file, "counters");
  for (const auto& [name, value] : checkpoint.counters) hdf5::write_attribute(counters, name, value);
}

/// An attribute that must be there, of type T.
template <class T>
T required(const hdf5::Handle& object, const std::string& name) {
  const auto value = hdf5::read_attribute(object, name);
  if (value) {
    if (const T* found = std::get_if<T>(&*value)) return *found;
  }
  throw Error(Fault::checkpoint, fmt::format("attribute {} is missing or of another type", name));
}

Checkpoint read_from(const std::filesystem::path& path) {
  const hdf5::CrashGuard guard(path);
  const hdf5::Handle file = hdf5::open_file(path, hdf5::Sealed::yes);
  if (required<std::string>(file, "format") != "vfe-checkpoint") {
    throw Error(Fault::checkpoint, "is not a checkpoint");
  }
  if (const auto version = required<std::int64_t>(file, "version"); version != checkpoint_version) {
    throw Error(Fault::checkpoint, fmt::format("checkpoint version {}, this program reads version {}",
                                               version, checkpoint_version));
  }
  Checkpoint checkpoint;
  if (const auto made_by = hdf5::read_attribute(file, "made_by")) {
    if (const auto* text = std::get_if<std::string>(&*made_by)) checkpoint.made_by = *text;
  }
  checkpoint.state.step = required<std::uint64_t>(file, "step");
  checkpoint.state.stage = required<std::string>(file, "stage");
  checkpoint.model = required<std::uint64_t>(file, "model");
  checkpoint.data = required<std::uint64_t>(file, "data");
  const std::vector<std::string> config = hdf5::read_strings(hdf5::open_dataset(file, "config"));
  if (config.size() != 1) throw Error(Fault::checkpoint, "config is not one text");
  checkpoint.config = config.front();
  const hdf5::Handle lambda = hdf5::open_dataset(file, "lambda");
  const hdf5::Shape shape = hdf5::stored_shape(lambda);
  if (shape.size() != 1) throw Error(Fault::checkpoint, fmt::format("lambda has {} axes", shape.size()));
  checkpoint.state.lambda.resize(static_cast<Index>(shape[0]));
  hdf5::read(lambda, checkpoint.state.lambda.data());
  checkpoint.state.memory = read_arrays(hdf5::open_group(file, "memory"));
  const hdf5::Handle counters = hdf5::open_group(file, "counters");
  for (const std::string& name : hdf5::attribute_names(counters)) {
    checkpoint.counters[name] = required<double>(counters, name);
  }
  hdf5::throw_if_failed(file);
  if (hash_of(checkpoint) != required<std::uint64_t>(file, "content")) {
    throw Error(Fault::checkpoint, "contents do not match their hash");
  }
  return checkpoint;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint) {
  remove_temporaries(directory, [](const std::string& name) { return step_of(name).has_value(); });
  AtomicFile target(file_of(directory, checkpoint.state.step));
  hdf5::Handle file = hdf5::create_file(target.temporary());
  write_to(file, checkpoint);
  hdf5::finish_file(std::move(file), hdf5::Sealed::yes);
  target.commit();
  remove_outdated(directory, checkpoint.state.step);
}

std::optional<std::uint64_t> step_of_checkpoint(const std::filesystem::path& path) {
  return step_of(path.filename().string());
}

Checkpoint read_checkpoint_file(const std::filesystem::path& path) {
  try {
    Checkpoint checkpoint = read_from(path);
    const auto step = step_of_checkpoint(path);
    if (!step || *step == checkpoint.state.step) return checkpoint;
    throw Error(Fault::checkpoint, fmt::format("holds step {}", checkpoint.state.step));
  } catch (const Error& error) {
    // Errors of HDF5 name the file already, our own do not.
    const std::string line = error.what();
    throw Error(error.fault() == Fault::data ? Fault::checkpoint : error.fault(),
                line.starts_with(path.string()) ? line : fmt::format("{}: {}", path.string(), line));
  }
}

std::vector<std::uint64_t> list_checkpoints(const std::filesystem::path& directory) {
  std::vector<std::uint64_t> steps;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (const auto step = step_of(entry.path().filename().string())) steps.push_back(*step);
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& directory,
                                          std::vector<std::string>& warnings) {
  const std::vector<std::uint64_t> steps = list_checkpoints(directory);
  std::string reasons;
  for (const std::uint64_t step : steps) {
    std::string why;
    try {
      return read_checkpoint_file(file_of(directory, step));
    } catch (const std::exception& error) {
      why = error.what();
    }
    warnings.push_back(fmt::format("checkpoint skipped: {}", why));
    reasons += (reasons.empty() ? "" : "; ") + why;
  }
  if (steps.empty()) return std::nullopt;
  throw Error(Fault::checkpoint, fmt::format("no usable checkpoint in {}: {}", directory.string(), reasons));
}

std::string pack(const Checkpoint& checkpoint) {
  Packer out;
  out.number(checkpoint.state.step);
  out.text(checkpoint.state.stage);
  out.matrix(checkpoint.state.lambda);
  out.number(std::uint64_t{checkpoint.state.memory.size()});
  for (const auto& [name, values] : checkpoint.state.memory) {
    out.text(name);
    out.matrix(values);
  }
  out.text(checkpoint.config);
  out.number(checkpoint.model);
  out.number(checkpoint.data);
  out.number(std::uint64_t{checkpoint.counters.size()});
  for (const auto& [name, value] : checkpoint.counters) {
    out.text(name);
    out.number(value);
  }
  return out.take();
}

Checkpoint unpack_checkpoint(const std::string& bytes) {
  Unpacker in(bytes);
  Checkpoint checkpoint;
  checkpoint.state.step = in.number<std::uint64_t>();
  checkpoint.state.stage = in.text();
  checkpoint.state.lambda = in.matrix();
  for (auto count = in.number<std::uint64_t>(); count > 0; --count) {
    const std::string name = in.text();
    checkpoint.state.memory[name] = in.matrix();
  }
  checkpoint.config = in.text();
  checkpoint.model = in.number<std::uint64_t>();
  checkpoint.data = in.number<std::uint64_t>();
  for (auto count = in.number<std::uint64_t>(); count > 0; --count) {
    const std::string name = in.text();
    checkpoint.counters[name] = in.number<double>();
  }
  in.finish();
  return checkpoint;
}

}  // namespace vfe
