#pragma once
#include <memory>

#include "vfe/core/types.hpp"

namespace vfe {

/// An invertible map v = W(z; c) of d coordinates that a normal family's noise passes first. Points are d x
/// S; stateless, the coefficients c are the caller's. Finite z and c give finite v; gradients may overflow.
class Warp {
 public:
  virtual ~Warp() = default;
  virtual Index num_coefficients() const = 0;
  /// The identity, where no gradient of a free energy vanishes for good.
  virtual Vector init() const = 0;
  /// Sets v and log_det = log |det dv/dz| [nats].
  virtual void forward(ConstVec c, ConstMat z, Mat v, Vec log_det) const = 0;
  /// Adds the gradient in c of the sum over draws of <grad_v, v> + grad_log_det log_det.
  virtual void pull_back(ConstVec c, ConstMat z, ConstMat grad_v, double grad_log_det, Vec grad_c) const = 0;
  /// The density of v where z is standard normal, without its constant -d/2 log 2 pi: sets value [nats] and
  /// its gradient in v (skipped with 0 columns). Either may be NaN where v is too extreme.
  virtual void log_density(ConstVec c, ConstMat v, Vec value, Mat grad_v) const = 0;
  /// The coefficients of S W S, S = diag(signs).
  virtual Vector reflect(ConstVec c, ConstVec signs) const = 0;
};

/// The autoregressive conditionals of Flow with m = 0 and linear log scales, in natural order; c = skew, log
/// tail, then the rows of the log scales' coefficients.
std::unique_ptr<Warp> sinh_arcsinh_warp(Index d);
/// Affine coupling layers; c = for each layer what stands in coupling.cpp.
std::unique_ptr<Warp> coupling_warp(Index d, Index units);

}  // namespace vfe
