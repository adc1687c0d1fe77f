#pragma once
#include <cstdint>

namespace vfe {

// Steps of the addresses with Purpose::simulate, so that no two share random numbers. Effects of the
// groupings of a formula are at effects_step, effects_step + 1, ...
constexpr std::uint32_t numbers_step = 0, response_step = 1, levels_step = 2, trials_step = 3, sizes_step = 4,
                        effects_step = 16;

}  // namespace vfe
