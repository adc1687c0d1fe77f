#include "vfe/infer/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {

Program::Program(std::vector<std::unique_ptr<Stage>> stages) : stages_(std::move(stages)) {
  if (stages_.empty()) throw Error(Fault::bug, "building a program: found no stage, expected at least one");
}

State Program::start() const {
  State state;
  state.stage = stages_.front()->name();
  stages_.front()->start(state);
  return state;
}

Record Program::advance(State& state) const {
  const auto stage =
      std::find_if(stages_.begin(), stages_.end(), [&](const auto& s) { return s->name() == state.stage; });
  if (stage == stages_.end()) {
    throw Error(Fault::checkpoint,
                fmt::format("going on at step {}: found stage \"{}\", which this program does not have",
                            state.step, state.stage));
  }
  bool done = false;
  Record record = (*stage)->advance(state, done);
  record.stage = (*stage)->name();
  ++state.step;
  if (done) {
    const auto next = std::next(stage);
    state.stage = next == stages_.end() ? "" : (*next)->name();
    if (next != stages_.end()) (*next)->start(state);
  }
  return record;
}

}  // namespace vfe
