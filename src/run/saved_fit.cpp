#include "vfe/run/saved_fit.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

template <class T>
const T& attribute(const std::map<std::string, Attribute>& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  const T* value = found == attributes.end() ? nullptr : std::get_if<T>(&found->second);
  if (value == nullptr) {
    throw Error(Fault::data, fmt::format("attribute {} of /vfe: {}", name,
                                         found == attributes.end() ? "is missing" : "is of another type"));
  }
  return *value;
}

const std::string& text_of(const ResultFile& file, const std::string& name) {
  const auto found = file.texts.find(name);
  if (found == file.texts.end()) throw Error(Fault::data, fmt::format("/vfe/{} is missing", name));
  return found->second;
}

/// The numbers of a verdict by their attributes' names.
constexpr std::pair<const char*, double Verdict::*> numbers[] = {
    {"khat", &Verdict::khat},
    {"khat_limit", &Verdict::khat_limit},
    {"ess", &Verdict::ess},
    {"free_energy", &Verdict::free_energy},
    {"free_energy_error", &Verdict::free_energy_error},
    {"log_evidence", &Verdict::log_evidence},
    {"log_evidence_error", &Verdict::log_evidence_error},
    {"mean_error", &Verdict::mean_error},
    {"sd_ratio", &Verdict::sd_ratio},
    {"log_evidence_lower", &Verdict::log_evidence_lower},
    {"log_evidence_upper", &Verdict::log_evidence_upper},
    {"mean_standard_error", &Verdict::mean_standard_error},
    {"sd_standard_error", &Verdict::sd_standard_error},
    {"rhat", &Verdict::rhat},
    {"rhat_limit", &Verdict::rhat_limit},
};

constexpr std::pair<const char*, std::string Verdict::*> sentences[] = {
    {"reason", &Verdict::reason},
    {"advice", &Verdict::advice},
    {"evidence_reason", &Verdict::evidence_reason},
};

}  // namespace

SavedFit read_saved_fit(const std::filesystem::path& run, WithDraws draws) {
  std::filesystem::path path = run;
  if (std::filesystem::is_directory(run)) {
    path /= "result.h5";
    if (!std::filesystem::exists(path)) {
      throw Error(Fault::missing,
                  fmt::format("{}: no result.h5 in it, expected a run that has finished (vfe fit "
                              "--resume continues one)",
                              run.string()));
    }
  }
  SavedFit fit;
  fit.file = draws == WithDraws::yes ? read_result(path) : read_result_summary(path);
  try {
    fit.config = parse_config(text_of(fit.file, "config"), "/vfe/config");
    if (fit.file.texts.contains("schema")) fit.schema = schema_from_json(text_of(fit.file, "schema"));
    fit.parameters = parameters_from_json(text_of(fit.file, "parameters"));
    fit.verdict = verdict_of(fit.file.attributes);
    FamilyOptions family = fit.config.family;
    family.type = attribute<std::string>(fit.file.attributes, "family");
    family.rank = static_cast<Index>(count_of(fit.file.attributes, "rank"));
    fit.family = make_family(family, fit.parameters.size());
    const auto lambda = fit.file.arrays.find("lambda");
    if (lambda == fit.file.arrays.end() || lambda->second.size() != fit.family->num_lambda()) {
      throw Error(Fault::data,
                  fmt::format("/vfe/lambda: expected {} numbers of a {} q of {} parameters",
                              fit.family->num_lambda(), fit.family->name(), fit.parameters.size()));
    }
    fit.lambda = Eigen::Map<const Vector>(lambda->second.data(), lambda->second.size());
  } catch (const Error& error) {
    throw Error(Fault::data, fmt::format("{}: {}", path.string(), error.what()));
  }
  return fit;
}

void put_verdict(const Verdict& verdict, std::map<std::string, Attribute>& attributes) {
  attributes["verdict"] = to_string(verdict.grade);
  for (const auto& [name, field] : sentences) attributes[name] = verdict.*field;
  for (const auto& [name, field] : numbers) attributes[name] = verdict.*field;
}

Verdict verdict_of(const std::map<std::string, Attribute>& attributes) {
  Verdict verdict;
  verdict.grade = grade_from_string(attribute<std::string>(attributes, "verdict"));
  for (const auto& [name, field] : sentences) verdict.*field = attribute<std::string>(attributes, name);
  for (const auto& [name, field] : numbers) verdict.*field = number_of(attributes, name);
  return verdict;
}

double number_of(const std::map<std::string, Attribute>& attributes, const std::string& name) {
  return attribute<double>(attributes, name);
}

std::int64_t count_of(const std::map<std::string, Attribute>& attributes, const std::string& name) {
  return attribute<std::int64_t>(attributes, name);
}

std::string hexadecimal(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::uint64_t hash_of(const std::map<std::string, Attribute>& attributes, const std::string& name) {
  const std::string& text = attribute<std::string>(attributes, name);
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error(Fault::data,
                fmt::format("attribute {} of /vfe: found {}, expected 16 hexadecimal digits", name, text));
  }
  return hash;
}

std::string verdict_text(const Verdict& verdict) {
  std::string text = fmt::format("{}: {}\n", to_string(verdict.grade), verdict.reason);
  if (!verdict.advice.empty()) text += fmt::format("to try: {}\n", verdict.advice);
  text +=
      fmt::format("free energy of q {:.3f} +- {:.1g} nats", verdict.free_energy, verdict.free_energy_error);
  if (std::isnan(verdict.log_evidence)) {
    text += fmt::format("; no log evidence: {}\n", verdict.evidence_reason);
    return text;
  }
  text +=
      fmt::format("; log evidence {:.3f} +- {:.1g} nats", verdict.log_evidence, verdict.log_evidence_error);
  if (!verdict.evidence_reason.empty()) text += fmt::format(", {}", verdict.evidence_reason);
  constexpr double telling = 3.0;  // [nats] that a bound may be away and still say something
  const double away = std::max(verdict.log_evidence - verdict.log_evidence_lower,
                               verdict.log_evidence_upper - verdict.log_evidence);
  if (std::isfinite(verdict.log_evidence_lower) && away <= telling) {
    text +=
        fmt::format(" (between {:.3f} and {:.3f})", verdict.log_evidence_lower, verdict.log_evidence_upper);
  }
  return text + "\n";
}

}  // namespace vfe
