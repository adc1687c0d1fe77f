#pragma once
#include "vfe/model/model.hpp"
#include "vfe/verdict/certificate.hpp"

namespace vfe {

/// What a fit of the model is judged by: its first entries of quantities, as the user sees them. Refers to
/// the model.
JudgedValues judged_values(const Model& model);

/// Their number.
Index num_judged_values(const Model& model);

}  // namespace vfe
