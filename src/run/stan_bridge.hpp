#pragma once

namespace vfe {

/// The text of apps/stan/bridge.cpp, which is compiled with every Stan program: the build puts it into the
/// program, so that an installed vfe has it with it.
extern const char* const stan_bridge_source;

}  // namespace vfe
