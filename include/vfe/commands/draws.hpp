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

struct DrawsReport {
  Verdict verdict;
  bool of_q = false;      ///< they are draws of q as it is, neither weighted nor resampled
  double repeated = 0.0;  ///< else: the share of draws that are there before
};

/// More draws from a finished fit, without its rows (a Stan program's library and JSON are needed, for its
/// quantities are its own business), to a file of the result's layout: groups "posterior" and "sample_stats".
/// Of an automatic fit they are resampled from what it has sampled, and have the moments certified if the
/// result's draws have, but then no "sample_stats": log densities take rows. Else they are draws of q. Throws
/// as read_saved_fit(), Fault::cannot_create, Fault::io.
DrawsReport write_draws(const DrawsOptions& options);

}  // namespace vfe
