#pragma once
#include <string>

#include "vfe/commands/diagnose.hpp"
#include "vfe/commands/saved_fit.hpp"

namespace vfe {

/// The moments and quantiles of draws, without errors; NaN where a draw is.
Coefficient summary(const std::string& name, ConstVec draws);

/// Whether a variable of the group posterior is of the effects of groups.
bool is_of_groups(const std::string& variable, const DesignSchema& design);

/// What a fit says of one of its groupings, but for `components`.
GroupingDiagnosis diagnose_grouping(const SavedFit& fit, const Group& posterior, const GroupEffects& effects);

}  // namespace vfe
