#include "vfe/run/posterior.hpp"

#include <fmt/format.h>

#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index most_chains = 4;

void append_entries(Vector& kept, const Vector& more) {
  Vector both(kept.size() + more.size());
  both << kept, more;
  kept = std::move(both);
}

}  // namespace

void DrawsOfQ::append(const DrawsOfQ& more) {
  append_columns(theta, more.theta);
  append_entries(log_q, more.log_q);
  append_entries(log_joint, more.log_joint);
}

DrawsOfQ draw_from_q(const Family& family, ConstVec lambda, std::uint64_t seed, std::uint32_t first_draw,
                     Index count) {
  Matrix noise(family.num_noise(), count);
  fill_normal({.seed = seed, .purpose = Purpose::result}, noise, first_draw);
  DrawsOfQ draws{Matrix(family.size(), count), Vector(count), {}};
  family.transform(lambda, noise, draws.theta);
  Matrix no_gradient(family.size(), 0);
  family.log_density(lambda, draws.theta, draws.log_q, no_gradient);
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

Group posterior_group(const std::vector<Parameter>& quantities, ConstMat values) {
  Group group{"posterior", {}};
  Index begin = 0;
  for (const Parameter& quantity : quantities) {
    Variable variable{quantity.name, sampling_dimensions(values.cols()), {}};
    variable.dimensions.insert(variable.dimensions.end(), quantity.dimensions.begin(),
                               quantity.dimensions.end());
    const Index size = quantity.num_constrained();
    // A draw is a column, so a quantity's rows are already in the file's order: draw by draw, row-major.
    const Matrix own = values.middleRows(begin, size);
    variable.values.assign(own.data(), own.data() + own.size());
    group.variables.push_back(std::move(variable));
    begin += size;
  }
  return group;
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
