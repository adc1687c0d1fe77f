#pragma once
#include <string>

#include "vfe/commands/diagnose.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// What the result may be used for, or why for nothing and what to try: one sentence, without a newline.
std::string usability(const Verdict& verdict);

/// Grade and reason, free energy and evidence, in lines each ended by a newline.
std::string verdict_text(const Verdict& verdict);

/// For people: usability, coefficients, stages, and the verdict with its numbers.
std::string to_text(const Diagnosis& diagnosis);
/// The same for scripts; numbers that are not finite are null.
std::string to_json(const Diagnosis& diagnosis);

}  // namespace vfe
