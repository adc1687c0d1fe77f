// Coefficients of a horseshoe: what stands for them in theta, and the way back.
#include <cmath>

#include "model/glm_impl.hpp"

namespace vfe {
namespace {

struct Shrinkage {
  double log_factor;  ///< of z
  double slab_share;  ///< d log_factor / d log of the slab's scale; 1 less it by log of the others
};

Shrinkage shrinkage(double log_unshrunk, double log_slab) {
  // log t - log(1 + (t / s)^2) / 2, by the smaller of t and s.
  const double v = 2.0 * (log_unshrunk - log_slab), e = std::exp(-std::abs(v));
  return {std::min(log_unshrunk, log_slab) - 0.5 * std::log1p(e), (v > 0.0 ? 1.0 : e) / (1.0 + e)};
}

}  // namespace

template <class F>
void Glm::Impl::for_shrunk(ConstVec theta, F f) const {
  const auto m = static_cast<Index>(layout.shrunk.size());
  for (Index k = 0; k < layout.classes; ++k) {
    for (Index i = 0; i < m; ++i) {
      const Index j = layout.shrunk[static_cast<std::size_t>(i)], local = layout.local_scale + k * m + i;
      const Shrinkage by =
          shrinkage(theta[layout.global_scale] + theta[local],
                    theta[layout.slab_scale] + std::log(priors[static_cast<std::size_t>(j)].scale()));
      f(layout.beta + k * layout.columns + j, local, by);
    }
  }
}

Matrix Glm::Impl::with_coefficients(ConstMat theta) const {
  Matrix at = theta;
  for (Index s = 0; s < theta.cols(); ++s) {
    for_shrunk(theta.col(s),
               [&](Index beta, Index, const Shrinkage& by) { at(beta, s) *= std::exp(by.log_factor); });
  }
  return at;
}

void Glm::Impl::pull_back_coefficients(ConstMat theta, ConstMat at, ConstMat of_it, Mat grad) const {
  for (Index s = 0; s < theta.cols(); ++s) {
    Vector own = of_it.col(s);
    for_shrunk(theta.col(s), [&](Index beta, Index local, const Shrinkage& by) {
      const double by_log = of_it(beta, s) * at(beta, s);
      own[beta] *= std::exp(by.log_factor);
      own[local] += by_log * (1.0 - by.slab_share);
      own[layout.global_scale] += by_log * (1.0 - by.slab_share);
      own[layout.slab_scale] += by_log * by.slab_share;
    });
    grad.col(s) += own;
  }
}

}  // namespace vfe
