#pragma once
#include <string>

#include "vfe/commands/diagnose.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// The verdict in plain lines, each ended by a newline: grade and reason; free energy and evidence.
std::string verdict_text(const Verdict& verdict);

/// Verdict and a table of the coefficients, for people.
std::string to_text(const Diagnosis& diagnosis);
/// The same for scripts; numbers that are not finite are null.
std::string to_json(const Diagnosis& diagnosis);

}  // namespace vfe
