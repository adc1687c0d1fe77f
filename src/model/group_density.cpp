#include "model/group_density.hpp"

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/group_density.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/glm_counts-inl.hpp"
#include "model/glm_elementwise-inl.hpp"
#include "model/glm_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

// Of all rows at the points from `first` on, as many as a vector holds. Sums stay in registers.
template <class F, int Effects>
HWY_INLINE void evaluate_points(const GroupTask& task, const F& f, Index first, const GroupDensities& out) {
  const Index effects = Effects > 0 ? Effects : task.effects;
  const Real zero = hn::Zero(lanes);
  constexpr int held = Effects > 0 ? Effects : 1;
  Real at[held], sums[held], value = zero, by_first = zero, by_second = zero;
  if constexpr (Effects > 0) {
    for (int j = 0; j < Effects; ++j) {
      at[j] = hn::LoadU(lanes, task.at + j * task.points + first);
      sums[j] = zero;
    }
  } else {
    for (Index j = 0; j < effects; ++j) hn::StoreU(zero, lanes, out.effect_slope + j * task.points + first);
  }
  for (Index i = 0; i < task.rows; ++i) {
    const double* number = task.numbers + i;
    Real eta = constant(task.predictor[i]);
    for (Index j = 0; j < effects; ++j) {
      const Real effect = Effects > 0 ? at[j] : hn::LoadU(lanes, task.at + j * task.points + first);
      eta = hn::MulAdd(constant(number[j * task.numbers_stride]), effect, eta);
    }
    Real power = zero;
    if constexpr (F::has_power) power = f.power(eta);
    const Row row = f(eta, constant(task.y[i]), power, constant(task.beside[i]));
    // A row of weight 0 counts for nothing even where its density is 0.
    const bool counts = task.weight[i] != 0.0;
    const Real weight = constant(task.weight[i]);
    const Real slope = counts ? hn::Mul(weight, row.residual) : zero;
    hn::StoreU(slope, lanes, out.slope + i * task.points + first);
    if (counts) value = hn::MulAdd(weight, row.value, value);
    if constexpr (F::num_scales > 0) by_first = counts ? hn::MulAdd(weight, row.first, by_first) : by_first;
    if constexpr (F::num_scales > 1)
      by_second = counts ? hn::MulAdd(weight, row.second, by_second) : by_second;
    for (Index j = 0; j < effects; ++j) {
      const Real by = constant(number[j * task.numbers_stride]);
      if constexpr (Effects > 0) {
        sums[j] = hn::MulAdd(by, slope, sums[j]);
      } else {
        double* sum = out.effect_slope + j * task.points + first;
        hn::StoreU(hn::MulAdd(by, slope, hn::LoadU(lanes, sum)), lanes, sum);
      }
    }
  }
  hn::StoreU(value, lanes, out.value + first);
  if constexpr (Effects > 0) {
    for (int j = 0; j < Effects; ++j) hn::StoreU(sums[j], lanes, out.effect_slope + j * task.points + first);
  }
  if (out.by_scale[0] != nullptr) hn::StoreU(by_first, lanes, out.by_scale[0] + first);
  if (out.by_scale[1] != nullptr) hn::StoreU(by_second, lanes, out.by_scale[1] + first);
}

template <class F>
void evaluate_group(const GroupTask& task, const GroupDensities& out) {
  const F f(*task.constants);
  for (Index first = 0; first < task.points; first += lane_count) {
    switch (task.effects) {
      case 1:
        evaluate_points<F, 1>(task, f, first, out);
        break;
      case 2:
        evaluate_points<F, 2>(task, f, first, out);
        break;
      case 3:
        evaluate_points<F, 3>(task, f, first, out);
        break;
      default:
        evaluate_points<F, 0>(task, f, first, out);
    }
  }
}

void evaluate_group_of(const GroupTask& task, const GroupDensities& out) {
  switch (task.likelihood) {
    case Likelihood::linear:
      return evaluate_group<Linear>(task, out);
    case Likelihood::student_t:
      return evaluate_group<StudentT>(task, out);
    case Likelihood::logistic:
      return evaluate_group<Logistic>(task, out);
    case Likelihood::binomial:
      return evaluate_group<Binomial>(task, out);
    case Likelihood::poisson:
      return evaluate_group<Poisson>(task, out);
    case Likelihood::negative_binomial:
      return evaluate_group<NegativeBinomial>(task, out);
    default:
      return;
  }
}

void add_residuals_of(const double* slope, const double* weight, Index rows, Index points, double* residual) {
  for (Index i = 0; i < rows; ++i) {
    HWY_ALIGN double sums[panel_rows];
    for (Index part = 0; part < panel_rows; part += lane_count) {
      Real sum = hn::Zero(lanes);
      for (Index n = part; n < points; n += panel_rows)
        sum = hn::MulAdd(hn::LoadU(lanes, slope + i * points + n), hn::LoadU(lanes, weight + n), sum);
      hn::Store(sum, lanes, sums + part);
    }
    residual[i] += sum_lanes(sums);
  }
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vfe::glm_kernel {

HWY_EXPORT(evaluate_group_of);
HWY_EXPORT(add_residuals_of);

void evaluate(const GroupTask& task, const GroupDensities& out) {
  HWY_DYNAMIC_DISPATCH(evaluate_group_of)(task, out);
}

void add_residuals(const double* slope, const double* weight, Index rows, Index points, double* residual) {
  HWY_DYNAMIC_DISPATCH(add_residuals_of)(slope, weight, rows, points, residual);
}

}  // namespace vfe::glm_kernel
#endif
