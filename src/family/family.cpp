#include "vfe/family/family.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vfe/core/error.hpp"

namespace vfe {

std::unique_ptr<Family> make_family(const std::string& name, Index d, Index rank) {
  if (name == "mean_field") return mean_field(d);
  if (name == "full_rank") return full_rank(d);
  if (name == "low_rank") {
    if (rank < 1) {
      throw Error(Fault::config, fmt::format("[family] rank: found {}, expected a number from 1 on", rank));
    }
    return low_rank(d, std::min(rank, d));
  }
  throw Error(Fault::config,
              fmt::format("[family] type: found \"{}\", expected mean_field, low_rank or full_rank", name));
}

}  // namespace vfe
