#pragma once
#include <vector>

#include "config/config_keys.hpp"

namespace vfe {

/// The keys of the tables [data] and [model], in their order.
std::vector<ConfigKey> model_keys();

/// A generalised linear model.
Condition with_likelihood();
/// One of these with effects of groups.
Condition with_groups();
/// A model that tells its prior from its likelihood.
Condition with_prior();

}  // namespace vfe
