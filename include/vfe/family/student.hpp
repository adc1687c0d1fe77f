#pragma once
#include <cstdint>
#include <limits>

#include "vfe/core/random.hpp"
#include "vfe/family/affine.hpp"

namespace vfe {

/// A multivariate Student t: theta = base(z), z a standard normal over the root of chi-square(nu) / nu; for
/// nu > 2 the covariance is nu / (nu - 2) that of the base. nu = infinity is the normal itself.
struct Student {
  Affine base;
  double nu = std::numeric_limits<double>::infinity();  ///< degrees of freedom, at least 1

  Index size() const { return base.size(); }
  /// d x count draws, independent. Draw s uses the coordinates of `at` with draw = at.draw + s, so that they
  /// differ if their addresses do. Finite at every address if the base is.
  Matrix draw(const Address& at, Index count) const;
  /// log density [nats] of d x S points; -infinity where one is not finite.
  Vector log_density(ConstMat theta) const;
  /// The same with a scale `factor` times as large.
  Student inflated(double factor) const;
};

/// A draw of the chi-square distribution with nu >= 1 degrees of freedom, above 1e-60; made of the numbers at
/// counter `first` and above (that is, of coordinate 2 first and above), a few of them (Marsaglia and Tsang
/// 2000).
double chi_square(const Address& at, std::uint32_t first, double nu);

/// Throws Fault::bug unless the base is d x d or d x 1 and nu at least 1, Fault::numeric unless the base is
/// finite and invertible. What draws and densities rely on.
void require_valid(const Student& student);

}  // namespace vfe
