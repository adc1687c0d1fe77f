#pragma once
#include <vector>

#include "vfe/target/target.hpp"

namespace vfe {

struct LinearResponseOptions {
  Index draws = 16;         ///< antithetic, fixed: those of the fit
  double tolerance = 1e-3;  ///< relative, on the residual
  Index max_products = 50;  ///< Hessian-vector products for each coordinate
  std::uint64_t seed = 1;
};

struct LinearResponse {
  Vector sd;  ///< of the coordinates asked, corrected
  std::vector<bool> converged;
  std::uint64_t gradients = 0;
};

/// [collective] Sds of a mean-field fit corrected by linear response (Giordano, Broderick and Jordan 2018):
/// how far the mean of a coordinate moves when log f is tilted along it is its variance, with what mean field
/// leaves out. That is an entry of the inverse Hessian of the free energy in lambda (means and log sds),
/// found by conjugate gradients; a product costs 2 `draws` gradients, and the fit's own sds precondition.
///
/// lambda is mean_field's, at a minimum of the free energy at these draws: exact for a normal posterior, and
/// for others as good as mean field's means are (of global scales with a skewed posterior it errs up to 10
/// %). Where the Hessian is not positive definite or a draw not finite, the coordinate has not converged, and
/// its sd is what was found until then, the fit's at least.
LinearResponse linear_response(const Target& target, ConstVec lambda, const std::vector<Index>& coordinates,
                               const LinearResponseOptions& options = {});

}  // namespace vfe
