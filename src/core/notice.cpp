#include "vfe/core/notice.hpp"

#include <cstdio>

namespace vfe {

void notice(std::string_view text) {
  // One write, so that lines of several ranks stay whole.
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);
}

}  // namespace vfe
