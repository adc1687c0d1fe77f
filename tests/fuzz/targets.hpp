#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "fuzz/mutator.hpp"

namespace vfe {

/// Something that reads what users give it.
class Target {
 public:
  virtual ~Target() = default;
  /// Makes an input in the folder and reads it. Throws the Error by which it is refused.
  virtual void attempt(Mutator& mutator) = 0;
};

/// By name: what makes one that works in an empty folder of its own.
const std::map<std::string, std::function<std::unique_ptr<Target>(const std::filesystem::path&)>>& targets();

}  // namespace vfe
