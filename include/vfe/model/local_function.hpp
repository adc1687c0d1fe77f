#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "vfe/model/function.hpp"
#include "vfe/model/local_model.hpp"

namespace vfe {

/// What a function says of latent variables: densities of the groups of a block at constrained values x
/// (concatenated, each row-major), which outlive what is returned, and by which its gradient is.
struct LocalFunction {
  Index num_latents = 0;
  std::function<std::unique_ptr<LocalDensity>(Index block, ConstVec x)> at = {};
};

/// A model with latent variables from a prior and a density of groups: those of this rank, group g of block b
/// with rows_of_groups[b][g] rows; other ranks hold the others. Of `grouping` name and effects count, a name
/// for each latent variable; results hold draws and moments of these by group. An empty prior is flat.
/// Integrated makes a Model of it. vfe/model/differentiate_local.hpp makes the density from log p(y_g, z_g |
/// x). Throws as make_model; Fault::usage where the effects are not as many as the latent variables, or the
/// grouping has keys or groups.
///
///     auto local = make_local_model({{"mean"}, {"sd", {}, Transform::positive}}, prior,
///                                   {.name = "school", .effects = {"level"}}, {{3, 5}, {4}}, density);
///     const Integrated model(std::move(local), 7);
std::unique_ptr<const LocalModel> make_local_model(std::vector<Parameter> parameters, LogDensity prior,
                                                   Grouping grouping,
                                                   std::vector<std::vector<Index>> rows_of_groups,
                                                   LocalFunction density);

}  // namespace vfe
