#include "vfe/core/state.hpp"

#define XXH_STATIC_LINKING_ONLY  // a hash state on the stack
#include <fmt/format.h>
#include <xxhash.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

class Hasher {
 public:
  Hasher() { XXH3_64bits_reset(&state_); }
  void add(const void* bytes, std::size_t size) { XXH3_64bits_update(&state_, bytes, size); }
  void add(std::uint64_t number) { add(&number, sizeof number); }
  // Sizes go in as well, so that what is next to each other cannot run together.
  void add(const std::string& text) {
    add(std::uint64_t{text.size()});
    add(text.data(), text.size());
  }
  void add(ConstMat values) {
    add(static_cast<std::uint64_t>(values.rows()));
    add(static_cast<std::uint64_t>(values.cols()));
    for (Index j = 0; j < values.cols(); ++j) {
      add(values.col(j).data(), static_cast<std::size_t>(values.rows()) * sizeof(double));
    }
  }
  std::uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

}  // namespace

const Matrix& State::written(const std::string& name) const {
  const auto found = memory.find(name);
  if (found == memory.end()) {
    throw Error(Fault::checkpoint,
                fmt::format("going on at step {}: the state holds no \"{}\", expected what an earlier step "
                            "leaves there",
                            step, name));
  }
  return found->second;
}

Matrix& State::at(const Slot<Matrix>& slot) {
  return const_cast<Matrix&>(written(slot.name));
}

void State::append(const Slot<Matrix>& slot, ConstMat columns) {
  Matrix& kept = memory[slot.name];
  if (kept.size() == 0) kept.resize(columns.rows(), 0);
  append_columns(kept, columns);
}

std::uint64_t hash(const State& state) {
  Hasher hasher;
  hasher.add(state.step);
  hasher.add(state.stage);
  hasher.add(state.lambda);
  hasher.add(std::uint64_t{state.memory.size()});
  for (const auto& [name, values] : state.memory) {
    hasher.add(name);
    hasher.add(values);
  }
  return hasher.value();
}

std::uint64_t hash(ConstMat values) {
  Hasher hasher;
  hasher.add(values);
  return hasher.value();
}

}  // namespace vfe
