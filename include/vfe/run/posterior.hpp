#pragma once
#include <cstdint>

#include "vfe/family/family.hpp"
#include "vfe/model/model.hpp"
#include "vfe/statistics/draws.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

/// Draws of a finished q, theta and log_proposal: columns first_draw, first_draw + 1, ... of the sequence
/// that (seed, Purpose::result) addresses.
OwnedDraws draw_from_q(const Family& family, ConstVec lambda, std::uint64_t seed, std::uint32_t first_draw,
                       Index count);

/// (chain, draw) of independent draws: four chains of equal length, or two, or one, where their number can be
/// divided so. What looks for differences between chains, as R-hat and rank plots do, then has something to
/// look at, and finds none.
std::vector<Dimension> sampling_dimensions(Index draws);

/// The draws of a variable over (chain, draw, ...); 0 of one over something else.
Index num_sampled(const Variable& variable);

/// Attributes of a group whose variables are over (chain, draw): where ArviZ 1 looks for these names.
std::map<std::string, Attribute> sampled_attributes();

/// A group of variables, each with the dimensions (chain, draw, its own), from their values (a column per
/// draw).
Group group_of_draws(const std::string& name, const std::vector<Parameter>& variables, ConstMat values);

/// The group "posterior" of a model's quantities. Its attributes say which of them were sampled, the others
/// being made of these, what the chains are, and `moments`, what was done for those of the draws.
Group posterior_group(const Model& model, ConstMat values, const std::string& moments);

/// What was done, in words, by match_moments().
std::string moments_matched(const std::vector<std::string>& names);

/// A variable over (chain, draw).
Variable draw_variable(const std::string& name, ConstVec values);

/// The draws of a group "posterior", unconstrained again (d x S): the inverse of posterior_group. Throws
/// Fault::data where a variable is missing or of another shape.
Matrix unconstrained_draws(const ResultFile& result, const Parameters& parameters);

}  // namespace vfe
