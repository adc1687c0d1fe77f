#include "vfe/infer/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {

Program::Program(std::vector<Place> places) : places_(std::move(places)) {
  if (places_.empty()) throw Error(Fault::bug, "building a program: found no stage, expected at least one");
}

void Program::enter(State& state, std::vector<Place>::const_iterator place) const {
  if (place->prepare) place->prepare(state);
  state.stage = place->stage->name();
  place->stage->start(state);
}

State Program::start() const {
  State state;
  enter(state, places_.begin());
  return state;
}

Record Program::advance(State& state) const {
  const auto place =
      std::ranges::find_if(places_, [&](const Place& p) { return p.stage->name() == state.stage; });
  if (place == places_.end()) {
    throw Error(Fault::checkpoint,
                fmt::format("going on at step {}: found stage \"{}\", which this program does not have",
                            state.step, state.stage));
  }
  Step step = place->stage->advance(state);
  step.stage = place->stage->name();
  step.place = std::distance(places_.begin(), place) + 1;
  step.places = std::ssize(places_);
  step.all_run = std::ranges::none_of(places_, [](const Place& p) { return static_cast<bool>(p.when); });
  ++state.step;
  if (step.done) {
    const auto next = std::find_if(std::next(place), places_.end(),
                                   [&](const Place& p) { return !p.when || p.when(state); });
    if (next == places_.end()) {
      state.stage = "";
    } else {
      enter(state, next);
    }
  }
  return step;
}

}  // namespace vfe
