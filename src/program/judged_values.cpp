#include "vfe/program/judged_values.hpp"

#include <algorithm>

namespace vfe {
namespace {

constexpr Index most_judged = 20000;  ///< entries of the quantities

/// For each entry judged the coordinate of theta of which it is a monotone function, as far as names and
/// transforms tell; else -1.
std::vector<Index> coordinates(const Model& model, Index count) {
  const Parameters& parameters = model.parameters();
  std::vector<Index> result;
  for (const Parameter& quantity : model.quantities()) {
    Index first = -1;
    for (std::size_t i = 0; i < parameters.list().size(); ++i) {
      const Parameter& own = parameters.list()[i];
      const bool elementwise = own.transform == Transform::identity || own.transform == Transform::positive ||
                               own.transform == Transform::bounded;
      if (own.name == quantity.name && elementwise && own.num_unconstrained() == quantity.num_constrained()) {
        first = parameters.first_unconstrained(i);
      }
    }
    for (Index entry = 0; entry < quantity.num_constrained(); ++entry) {
      result.push_back(first < 0 ? -1 : first + entry);
    }
  }
  result.resize(static_cast<std::size_t>(count));
  return result;
}

}  // namespace

Index num_judged_values(const Model& model) {
  return std::min(model.num_judged(), most_judged);
}

JudgedValues judged_values(const Model& model) {
  const Index count = num_judged_values(model);
  JudgedValues values;
  values.compute = [&model, count](ConstMat theta) -> Matrix {
    Matrix all(num_constrained(model.quantities()), theta.cols());
    model.compute_quantities(theta, 0, 0, all);  // what is judged is not random
    return all.topRows(count);
  };
  values.coordinate = coordinates(model, count);
  values.name = [&model](Index value) { return entry_name(model.quantities(), value); };
  return values;
}

}  // namespace vfe
