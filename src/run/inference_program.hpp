#pragma once
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/run/config.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// The stages that a configuration asks for. Target and family must outlive them.
Program inference_program(const Config& config, const Target& target, const Family& family);

}  // namespace vfe
