#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "vfe/core/types.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

struct DrawsOptions {
  std::filesystem::path run;  ///< a run's folder or its result file
  std::filesystem::path output;
  Index count = 4000;
  std::optional<std::uint64_t> seed;  ///< not set: the draws that follow those in the result
};

/// More draws of q from a finished fit, without its rows (a Stan program's library and JSON are needed, for
/// its quantities are its own business), to a file of the result's layout: groups
/// "posterior" and "sample_stats" (log_q). They are draws of q as it is, neither weighted nor resampled:
/// returns the verdict for the caller to say what that means. Throws as read_saved_fit(),
/// Fault::cannot_create, Fault::io.
Verdict write_draws(const DrawsOptions& options);

}  // namespace vfe
