#include "run/build.hpp"

namespace vfe {

std::string build_description() {
#ifdef NDEBUG
  const std::string kind = "release";
#else
  const std::string kind = "with assertions";
#endif
  return "compiler " __VERSION__ ", " + kind;
}

}  // namespace vfe
