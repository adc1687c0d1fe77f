#include "vfe/run/posterior.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index most_chains = 4;

}  // namespace

OwnedDraws draw_from_q(const Family& family, ConstVec lambda, std::uint64_t seed, std::uint32_t first_draw,
                       Index count) {
  Matrix noise(family.num_noise(), count);
  fill_normal({.seed = seed, .purpose = Purpose::result}, noise, first_draw);
  OwnedDraws draws{.theta = Matrix(family.size(), count), .gradient = {}};
  draws.log_proposal.resize(count);
  family.transform(lambda, noise, draws.theta);
  Matrix no_gradient(family.size(), 0);
  family.log_density(lambda, draws.theta, draws.log_proposal, no_gradient);
  return draws;
}

std::vector<Dimension> sampling_dimensions(Index draws) {
  Index chains = most_chains;
  while (draws % chains != 0) chains /= 2;
  return {{"chain", chains, {}}, {"draw", draws / chains, {}}};
}

Index num_sampled(const Variable& variable) {
  if (variable.dimensions.size() < 2) return 0;
  return variable.dimensions[0].size * variable.dimensions[1].size;
}

std::map<std::string, Attribute> sampled_attributes() {
  std::vector<std::string> names;
  for (const Dimension& dimension : sampling_dimensions(1)) names.push_back(dimension.name);
  return {{"sample_dims", names}};
}

Group group_of_draws(const std::string& name, const std::vector<Parameter>& variables, ConstMat values) {
  Group group{name, {}, sampled_attributes()};
  Index begin = 0;
  for (const Parameter& parameter : variables) {
    Variable variable{parameter.name, sampling_dimensions(values.cols()), {}};
    variable.dimensions.insert(variable.dimensions.end(), parameter.dimensions.begin(),
                               parameter.dimensions.end());
    const Index size = parameter.num_constrained();
    // A draw is a column, so a variable's rows are already in the file's order: draw by draw, row-major.
    const Matrix own = values.middleRows(begin, size);
    variable.values.assign(own.data(), own.data() + own.size());
    group.variables.push_back(std::move(variable));
    begin += size;
  }
  return group;
}

Group posterior_group(const Model& model, ConstMat values, const std::string& moments) {
  Group group = group_of_draws("posterior", model.quantities(), values);
  std::vector<std::string> sampled;
  for (const Parameter& quantity : model.quantities()) {
    if (std::ranges::count(model.parameters().list(), quantity.name, &Parameter::name) > 0) {
      sampled.push_back(quantity.name);
    }
  }
  group.attributes["sampled_variables"] = sampled;
  group.attributes["chains"] =
      fmt::format("no Markov chains: {} runs of equal length of draws in random order",
                  sampling_dimensions(values.cols()).front().size);
  group.attributes["moments"] = moments;
  return group;
}

std::string moments_matched(const std::vector<std::string>& names) {
  return fmt::format(
      "draws of {} shifted and scaled to the means and sds certified; what is made of "
      "them follows",
      fmt::join(names, ", "));
}

Variable draw_variable(const std::string& name, ConstVec values) {
  return {name, sampling_dimensions(values.size()), {values.data(), values.data() + values.size()}};
}

Matrix unconstrained_draws(const ResultFile& result, const Parameters& parameters) {
  Matrix values;
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const Parameter& parameter = parameters.list()[i];
    const Variable& variable = result.variable("posterior", parameter.name);
    const Index size = parameter.num_constrained();
    const Index num_draws = num_sampled(variable);
    if (i == 0) values.resize(parameters.num_constrained(), num_draws);
    if (num_draws != values.cols() || static_cast<Index>(variable.values.size()) != size * num_draws) {
      throw Error(Fault::data, fmt::format("variable {} of group posterior: found {} values, expected {}",
                                           variable.name, variable.values.size(), size * values.cols()));
    }
    values.middleRows(parameters.first_constrained(i), size) =
        Eigen::Map<const Matrix>(variable.values.data(), size, num_draws);
  }
  Matrix theta(parameters.size(), values.cols());
  for (Index s = 0; s < values.cols(); ++s) theta.col(s) = parameters.unconstrain(values.col(s));
  return theta;
}

}  // namespace vfe
