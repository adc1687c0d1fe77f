#pragma once
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"

namespace vfe {

/// What the names of a Stan program's quantities, as BridgeStan lists them ("b.1.1,b.2.1,t.1:2.1,z.real"),
/// say of their shapes.
struct StanQuantities {
  std::vector<Parameter> list;  ///< in the order in which their names begin
  std::vector<Index> position;  ///< of the list's k-th value among all values of `list`, each row-major
};

/// Throws Fault::data, with `library` in the line, where the names of a variable fill no array.
StanQuantities stan_quantities(const std::string& names, const std::string& library);

/// The unconstrained coordinates in their own order, those of one variable an axis with labels "2" or "2,1".
Parameters stan_coordinates(const std::string& names);

}  // namespace vfe
