#pragma once
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// The response of this rank's rows, as the model takes it.
struct ResponseOfShard {
  const Schema& schema;
  const Vector& y;
  double largest_offset = 0.0;
};

/// [collective] Refuses, with Fault::data and what to do, what each row alone does not show: offsets that are
/// no logarithms, a real response that is the same in every row or far from the units that priors are in,
/// classes without rows of which none is named.
void require_fit_response(const Communicator& comm, const GlmOptions& model, const std::string& file,
                          const ResponseOfShard& response);

}  // namespace vfe
