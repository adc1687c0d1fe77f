#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stan/stan_tools.hpp"

namespace vfe {

struct StanTranslation {
  StanTools tools;          ///< those that did it
  std::string description;  ///< of them and their version, for people
  std::string warnings;     ///< stanc's, in its own lines
};

/// Writes the class that stanc makes of the program `source` to `output`, with the first of `choices`; where
/// that does not know what a newer Stan may, with the next that is newer. `progress`, if any, is told which.
/// Throws Fault::missing where stanc cannot run; StanBuildError with Fault::data where the program is wrong,
/// or needs a newer Stan (with its version and where it comes from); Fault::stopped.
StanTranslation translate_stan(const std::vector<StanTools>& choices, const std::filesystem::path& source,
                               const std::filesystem::path& output,
                               const std::function<void(const std::string& line)>& progress);

/// What to add to the complaint of a stanc of this version ("2.35.0") where a newer one may know what it
/// complains of; else empty.
std::string newer_stan_advice(const std::string& complaint, const std::string& version);

}  // namespace vfe
