#pragma once
#include <string>

namespace vfe {

/// Throws Fault::data, naming the line, where arrays and objects of a JSON text lie in one another deeper
/// than any data do: what reads JSON calls itself for each of them, and the stack has an end.
void check_json_depth(const std::string& json, const std::string& name);

}  // namespace vfe
