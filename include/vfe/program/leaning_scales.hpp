#pragma once
#include "vfe/model/model.hpp"

namespace vfe {

/// Draws without which no fit of a model with integrated effects of groups may be certified: 8,192 where the
/// log of some positive parameter has a posterior sd above 0.3, as that of an sd that may be 0; else none.
/// Its tail, of mass exp(t) below t, is far out for a normal q and for short chains, and neither weights nor
/// their standard errors show what has not been met: with 1,000 to 2,500 draws an sd of the radon data was 5
/// to 8 % too small with four seeds of twelve. theta is d x S, log_weight S, or empty: all equal.
Index least_draws(const Model& model, ConstMat theta, ConstVec log_weight);

}  // namespace vfe
