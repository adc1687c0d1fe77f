#pragma once
#include <vector>

#include "vfe/family/family.hpp"
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
/// ...
LinearResponse linear_response(const Target& target, ConstVec lambda, const std::vector<Index>& coordinates,
                               const LinearResponseOptions& options);

}  // namespace vfe
