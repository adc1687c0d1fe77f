#include "vfe/run/posterior.hpp"

#include <fmt/format.h>

#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// A variable per parameter of `list` from values (all of the list's, row-major, x S).
void add_variables(const std::vector<Parameter>& list, const Matrix& values,
                   std::vector<Variable>& variables) {
  const Index num_draws = values.cols();
  Index begin = 0;
  for (const Parameter& parameter : list) {
    Variable variable{parameter.name, {{"chain", 1, {}}, {"draw", num_draws, {}}}, {}};
    variable.dimensions.insert(variable.dimensions.end(), parameter.dimensions.begin(),
                               parameter.dimensions.end());
    const Index size = parameter.num_constrained();
    // A draw is a column, so a parameter's rows are already in the file's order: draw by draw, row-major.
    const Matrix own = values.middleRows(begin, size);
    variable.values.assign(own.data(), own.data() + own.size());
    variables.push_back(std::move(variable));
    begin += size;
  }
}

Index num_values(const std::vector<Parameter>& list) {
  Index total = 0;
  for (const Parameter& parameter : list) total += parameter.num_constrained();
  return total;
}

}  // namespace

DrawsOfQ draw_from_q(const Family& family, ConstVec lambda, std::uint64_t seed, std::uint32_t first_draw,
                     Index count) {
  Matrix noise(family.num_noise(), count);
  fill_normal({.seed = seed, .purpose = Purpose::result}, noise, first_draw);
  DrawsOfQ draws{Matrix(family.size(), count), Vector(count)};
  family.transform(lambda, noise, draws.theta);
  Matrix no_gradient(family.size(), 0);
  family.log_density(lambda, draws.theta, draws.log_q, no_gradient);
  return draws;
}

Group posterior_group(const Glm& model, ConstMat theta) {
  const Parameters& parameters = model.parameters();
  const std::vector<Parameter>& derived = model.derived();
  Matrix values(parameters.num_constrained(), theta.cols()),
      derived_values(num_values(derived), theta.cols());
  for (Index s = 0; s < theta.cols(); ++s) {
    parameters.constrain(theta.col(s), values.col(s));
    if (!derived.empty()) model.derive(values.col(s), derived_values.col(s));
  }
  Group group{"posterior", {}};
  add_variables(parameters.list(), values, group.variables);
  add_variables(derived, derived_values, group.variables);
  return group;
}

Variable draw_variable(const std::string& name, ConstVec values) {
  return {
      name, {{"chain", 1, {}}, {"draw", values.size(), {}}}, {values.data(), values.data() + values.size()}};
}

Matrix unconstrained_draws(const ResultFile& result, const Parameters& parameters) {
  Matrix values;
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const Parameter& parameter = parameters.list()[i];
    const Variable& variable = result.variable("posterior", parameter.name);
    const Index size = parameter.num_constrained();
    const Index num_draws = variable.dimensions.size() > 1 ? variable.dimensions[1].size : 0;
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

Glm model_without_rows(const GlmOptions& options, const Schema& schema) {
  Rows none;
  none.x = Rows::RowMajor<double>(0, schema.num_columns());
  return Glm(options, schema, std::move(none));
}

}  // namespace vfe
