#include "vfe/run/result_attributes.hpp"

#include <fmt/format.h>

#include <charconv>

#include "vfe/core/error.hpp"

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
    {"plain", &Verdict::plain},
    {"advice", &Verdict::advice},
    {"evidence_reason", &Verdict::evidence_reason},
};

}  // namespace

void put_verdict(const Verdict& verdict, std::map<std::string, Attribute>& attributes) {
  attributes["verdict"] = to_string(verdict.grade);
  for (const auto& [name, field] : sentences) attributes[name] = verdict.*field;
  for (const auto& [name, field] : numbers) attributes[name] = verdict.*field;
}

Verdict verdict_of(const std::map<std::string, Attribute>& attributes) {
  Verdict verdict;
  verdict.grade = grade_from_string(word_of(attributes, "verdict"));
  for (const auto& [name, field] : sentences) verdict.*field = attribute<std::string>(attributes, name);
  for (const auto& [name, field] : numbers) verdict.*field = number_of(attributes, name);
  return verdict;
}

const std::string& word_of(const std::map<std::string, Attribute>& attributes, const std::string& name) {
  return attribute<std::string>(attributes, name);
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

const std::string& text_of(const ResultFile& file, const std::string& name) {
  const auto found = file.texts.find(name);
  if (found == file.texts.end()) throw Error(Fault::data, fmt::format("/vfe/{} is missing", name));
  return found->second;
}

}  // namespace vfe
