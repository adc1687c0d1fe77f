#include "vfe/commands/build_library.hpp"

#include <fmt/format.h>

#include "vfe/core/notice.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/stan/stan_build.hpp"

namespace vfe {

void build_library(const Communicator& comm, const Config& config) {
  if (!config.model.is(&ModelKind::takes_source) || config.model.source.empty()) return;
  const std::string file = stan_library_file(config);
  comm.on_root("building the Stan program", [&] {
    if (stan_library_is_current(config.model.source, file)) return;
    StanBuildOptions options;
    options.source = config.model.source;
    options.output = file;
    options.progress = [&](const std::string& tools) {
      notice(fmt::format("building {} from {}, {}: about a minute\n", file, config.model.source, tools));
    };
    build_stan(options);
  });
}

}  // namespace vfe
