#include "problem/log_offsets.hpp"

#include <fmt/format.h>

#include "vfe/core/error.hpp"

namespace vfe {

void require_log_offsets(const Communicator& comm, const GlmOptions& model, const std::string& file,
                         double largest) {
  constexpr double most = 700.0;
  const Support support = traits(model.likelihood).support;
  if (support != Support::count && support != Support::positive) return;
  comm.max({&largest, 1});
  if (largest <= most) return;
  throw Error(Fault::data,
              fmt::format("{}: offsets reach {}, expected at most {}: they are added to the log of the mean; "
                          "write offset(log(...)) of an exposure",
                          file, largest, most));
}

}  // namespace vfe
