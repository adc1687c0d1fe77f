#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "vfe/model/model.hpp"

namespace vfe {

/// The log density [nats] of parameters at constrained values x (concatenated, each row-major), without the
/// Jacobian of the transforms, which is the model's; its gradient is added to grad, unless grad is empty.
/// What cannot be computed is NaN.
using LogDensity = std::function<double(ConstVec x, Vec grad)>;

/// The same for a block of rows.
using BlockLogDensity = std::function<double(Index block, ConstVec x, Vec grad)>;

/// A model from a function: a density without data, or with data that every rank holds. One block of one row,
/// and ranks share out the draws. Throws Fault::config where parameters contradict
/// themselves, Fault::usage where there are none.
///
///     auto model = make_model({{"mu"}, {"sigma", {}, Transform::positive}},
///                             [](ConstVec x, Vec grad) { ...; return log_density; });
std::unique_ptr<const Model> make_model(std::vector<Parameter> parameters, LogDensity density);

/// A model from a prior and the likelihood of blocks of rows: those of this rank, block b with
/// rows_of_block[b] rows; other ranks hold the others. An empty prior is flat. The likelihood is called from
/// several threads at once where fit.threads is above 1. Throws as the other.
std::unique_ptr<const Model> make_model(std::vector<Parameter> parameters, LogDensity prior,
                                        std::vector<Index> rows_of_block, BlockLogDensity likelihood);

}  // namespace vfe
