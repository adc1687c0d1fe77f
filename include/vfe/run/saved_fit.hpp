#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "vfe/config/config.hpp"
#include "vfe/family/family.hpp"
#include "vfe/store/result.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// A finished fit, read back: all that is needed to draw from q with neither model nor data.
struct SavedFit {
  ResultFile file;
  Config config;
  std::optional<Schema> schema;  ///< of the dataset, if there was one
  Parameters parameters;
  std::unique_ptr<const Family> family;
  Vector lambda;
  Verdict verdict;
};

enum class WithDraws { no, yes };

/// `run` is the folder of a run or its result file. Throws Fault::missing where the run is not finished,
/// Fault::data where the file is damaged.
SavedFit read_saved_fit(const std::filesystem::path& run, WithDraws draws);

/// A verdict as attributes of /vfe, and back. Throws Fault::data where one is missing.
void put_verdict(const Verdict& verdict, std::map<std::string, Attribute>& attributes);
Verdict verdict_of(const std::map<std::string, Attribute>& attributes);
/// Other attributes of /vfe; throw Fault::data where one is missing or of another type.
double number_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
std::int64_t count_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
/// 64 bits of a hash as the attributes hold them.
std::string hexadecimal(std::uint64_t hash);
std::uint64_t hash_of(const std::map<std::string, Attribute>& attributes, const std::string& name);

/// The verdict in plain lines, each ended by a newline: grade and reason; free energy and evidence.
std::string verdict_text(const Verdict& verdict);

}  // namespace vfe
