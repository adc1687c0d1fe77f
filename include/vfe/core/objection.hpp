#pragma once
#include <string>

namespace vfe {

/// What speaks against a result: once with the numbers that decided, once without, for those to whom they say
/// nothing.
struct Objection {
  std::string reason, plain;

  bool empty() const { return reason.empty(); }
};

}  // namespace vfe
