#include "model/row_expansion.hpp"

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/row_expansion.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/glm_elementwise-inl.hpp"
#include "model/glm_expansion-inl.hpp"
#include "model/glm_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

HWY_INLINE void store(Real value, double* to, Index i) {
  if (to != nullptr) hn::StoreU(value, lanes, to + i);
}

template <class F>
void expand_all(const RowTask& task, const RowExpansions& out) {
  const F f(*task.constants);
  for (Index i = 0; i < task.rows; i += lane_count) {
    const RowExpansion row =
        f(hn::LoadU(lanes, task.eta + i), hn::LoadU(lanes, task.y + i), hn::LoadU(lanes, task.beside + i));
    const Real weight = hn::LoadU(lanes, task.weight + i);
    const auto counts = hn::Ne(weight, hn::Zero(lanes));
    const auto weighted = [&](Real x) HWY_ATTR { return hn::IfThenElseZero(counts, hn::Mul(weight, x)); };
    hn::StoreU(weighted(row.slope), lanes, out.slope + i);
    hn::StoreU(weighted(row.curvature), lanes, out.curvature + i);
    hn::StoreU(weighted(row.spread), lanes, out.spread + i);
    store(weighted(row.spread_slope), out.spread_slope, i);
    store(weighted(row.slope_by_first), out.slope_by_scale[0], i);
    store(weighted(row.spread_by_first), out.spread_by_scale[0], i);
    store(weighted(row.slope_by_second), out.slope_by_scale[1], i);
    store(weighted(row.spread_by_second), out.spread_by_scale[1], i);
  }
}

void expand_rows_of(const RowTask& task, const RowExpansions& out) {
  switch (task.likelihood) {
    case Likelihood::linear:
      return expand_all<LinearExpansion>(task, out);
    case Likelihood::student_t:
      return expand_all<StudentTExpansion>(task, out);
    case Likelihood::logistic:
      return expand_all<LogisticExpansion>(task, out);
    case Likelihood::binomial:
      return expand_all<BinomialExpansion>(task, out);
    case Likelihood::poisson:
      return expand_all<PoissonExpansion>(task, out);
    case Likelihood::negative_binomial:
      return expand_all<NegativeBinomialExpansion>(task, out);
    default:
      return;
  }
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vfe::glm_kernel {

HWY_EXPORT(expand_rows_of);

bool can_expand(Likelihood likelihood) {
  switch (likelihood) {
    case Likelihood::linear:
    case Likelihood::student_t:
    case Likelihood::logistic:
    case Likelihood::binomial:
    case Likelihood::poisson:
    case Likelihood::negative_binomial:
      return true;
    default:
      return false;
  }
}

bool is_concave(Likelihood likelihood) {
  return likelihood != Likelihood::student_t;
}

void expand(const RowTask& task, const RowExpansions& out) {
  HWY_DYNAMIC_DISPATCH(expand_rows_of)(task, out);
}

}  // namespace vfe::glm_kernel
#endif
