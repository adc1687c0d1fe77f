#pragma once
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// [collective] An offset of counts and positive responses is added to the log of their mean: refuses, with
/// Fault::data and what to do, one whose exponential is no double, which is the exposure itself. `largest` is
/// of this rank's rows.
void require_log_offsets(const Communicator& comm, const GlmOptions& model, const std::string& file,
                         double largest);

}  // namespace vfe
