#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "vfe/store/result.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// A verdict as attributes of /vfe, and back. Throws Fault::data where one is missing.
void put_verdict(const Verdict& verdict, std::map<std::string, Attribute>& attributes);
Verdict verdict_of(const std::map<std::string, Attribute>& attributes);
/// Other attributes of /vfe; throw Fault::data where one is missing or of another type.
const std::string& word_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
double number_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
std::int64_t count_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
/// 64 bits of a hash as the attributes hold them.
std::string hexadecimal(std::uint64_t hash);
std::uint64_t hash_of(const std::map<std::string, Attribute>& attributes, const std::string& name);
/// A text of /vfe, such as "config"; throws Fault::data where it is missing.
const std::string& text_of(const ResultFile& file, const std::string& name);

}  // namespace vfe
