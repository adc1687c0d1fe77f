#pragma once
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

/// [collective] Those groups, on all ranks.
Index num_groups(const Communicator& comm, const LocalModel& model);
/// [collective] Their dimension, in the order of the dataset: names are on rank 0 alone.
Dimension group_dimension(const Communicator& comm, const Problem& problem, const LocalModel& model);

/// What a result holds of the effects of groups, on the user's scale. They are on rank 0 alone.
struct EffectsOfGroups {
  /// "r_school" over (chain, draw, school, school_effect), of groupings with few enough effects.
  std::vector<Variable> draws;
  /// The group "group_effects": "r_school_mean" and "r_school_sd" over (school, school_effect), and
  /// "rows_school", the rows of each group.
  std::vector<Group> moments;
};

/// [collective] As far as config.output asks for them, at the draws (columns of theta) of the result. Of
/// groups that are integrated, draws are made for each of theta, and moments are the means over some of theta
/// of those given theta.
EffectsOfGroups effects_of_groups(const Communicator& comm, const Config& config, const Problem& problem,
                                  ConstMat theta);

/// [collective] Throws Fault::config where draws that are asked for take more memory than rank 0 is to have
/// for them.
void check_size_of_group_effects(const Communicator& comm, const Config& config, const Problem& problem);

}  // namespace vfe
