#pragma once

namespace vfe {

/// The texts of apps/stan/bridge.cpp and bridge_r.cpp, one after the other, which are compiled with every
/// Stan program: the build puts them into the program, so that an installed vfe has them with it.
extern const char* const stan_bridge_source;

}  // namespace vfe
