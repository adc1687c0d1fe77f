#pragma once
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

/// [collective] The groups that have numbers for every row, in the order of the dataset, as far as
/// config.output asks for them: log_likelihood and posterior_predictive at the draws (columns of theta), and
/// observed_data beside either. Of a model whose effects of groups are integrated, log_likelihood alone, of
/// every group. Values are on rank 0 alone.
std::vector<Group> row_groups(const Communicator& comm, const Config& config, const Problem& problem,
                              ConstMat theta);

/// [collective] Throws Fault::config where those at all draws take more memory than rank 0 is to have for
/// them, or the model cannot say them.
void check_row_groups(const Communicator& comm, const Config& config, const Problem& problem);

}  // namespace vfe
