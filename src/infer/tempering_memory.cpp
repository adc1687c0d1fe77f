#include "infer/tempering_memory.hpp"

namespace vfe {

std::string tempering_key(const char* what) {
  return std::string("tempering_") + what;
}

TemperingProgress::TemperingProgress(const State& state) {
  const Matrix& row = state.memory.at(tempering_key("progress"));
  Index k = 0;
  each(*this, [&](double& field) { field = row(0, k++); });
}

void TemperingProgress::save(State& state) const {
  Index count = 0, k = 0;
  each(*this, [&](double) { ++count; });
  Matrix row(1, count);
  each(*this, [&](double field) { row(0, k++) = field; });
  state.memory[tempering_key("progress")] = row;
}

}  // namespace vfe
