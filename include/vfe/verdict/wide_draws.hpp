#pragma once
#include <functional>
#include <string>

#include "vfe/core/objection.hpp"
#include "vfe/family/family.hpp"
#include "vfe/family/student.hpp"
#include "vfe/statistics/draws.hpp"

namespace vfe {

/// Dimension up to which wide draws are of use: above, hardly one lands where a posterior has mass.
inline constexpr Index most_wide_dimensions = 30;

/// A Student's t of 3 degrees of freedom around q, three times as wide. Weights of q's own draws say nothing
/// of what lies beyond them: q with lighter tails than the posterior's agrees with it in all that both have
/// seen, and may have a sd 16 % too small (mixtures of a t of 3 degrees of freedom).
Student wider_than(ConstVec mean, ConstVec sd);

/// Draws of q and of the wide density as one sample of the mixture of both (Veach and Guibas 1995): weights
/// are bounded by those of either. Both have theta and log_joint, and `of_q` its log_proposal; what is not
/// finite counts for nothing.
OwnedDraws in_one_sample(const Draws& of_q, const Draws& wide, const Student& density, const Family& family,
                         ConstVec lambda);

/// What that sample finds that the weighted draws of q do not: a mean off by more than 0.1 sd, or a sd by 5
/// %, and by more than three standard errors. `name` names a coordinate.
Objection missed_by_q(const Draws& all, const Draws& of_q, const std::function<std::string(Index)>& name);

}  // namespace vfe
