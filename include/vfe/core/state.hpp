#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "vfe/core/slot.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// All that a fit in progress is, equal on every rank; written out it is the checkpoint. Diagnostics never
/// live here.
struct State {
  std::uint64_t step = 0;                ///< steps done, over all stages
  std::string stage;                     ///< the stage under way; empty when all are finished
  Vector lambda;                         ///< parameters of q; empty until a stage has set them
  std::map<std::string, Matrix> memory;  ///< what lies in the slots, by name: for files and hashes alone

  bool finished() const { return step > 0 && stage.empty(); }

  template <class T>
  bool has(const Slot<T>& slot) const {
    return memory.contains(slot.name);
  }
  /// A matrix is referred to, not copied. Throws Fault::checkpoint where the slot is empty.
  template <class T>
  decltype(auto) get(const Slot<T>& slot) const {
    return Packing<T>::unpack(written(slot.name));
  }
  template <class T>
  std::optional<T> find(const Slot<T>& slot) const {
    return has(slot) ? std::optional<T>(get(slot)) : std::nullopt;
  }
  template <class T>
  T get_or(const Slot<T>& slot, std::type_identity_t<T> otherwise) const {
    return has(slot) ? T(get(slot)) : otherwise;
  }
  template <class T>
  void put(const Slot<T>& slot, std::type_identity_t<T> value) {
    memory[slot.name] = Packing<T>::pack(std::move(value));
  }
  template <class... T>
  void drop(const Slot<T>&... slots) {
    (memory.erase(slots.name), ...);
  }
  /// What lies there, to be changed in place. Throws Fault::checkpoint where the slot is empty.
  Matrix& at(const Slot<Matrix>& slot);
  /// Adds columns to what lies there, if anything does.
  void append(const Slot<Matrix>& slot, ConstMat columns);

 private:
  const Matrix& written(const std::string& name) const;
};

/// Hash of every bit of the state (XXH3).
std::uint64_t hash(const State& state);
/// Hash of the bits of a matrix.
std::uint64_t hash(ConstMat values);

}  // namespace vfe
