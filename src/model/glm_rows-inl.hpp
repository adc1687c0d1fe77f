// The rows of a tile: their densities, and their residuals in place of their linear predictors. Compiled once
// per instruction set, hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_ROWS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_ROWS_INL_HPP
#undef VFE_MODEL_GLM_ROWS_INL_HPP
#else
#define VFE_MODEL_GLM_ROWS_INL_HPP
#endif

#include <hwy/highway.h>

#include "model/glm_counts-inl.hpp"
#include "model/glm_elementwise-inl.hpp"
#include "model/glm_kernel.hpp"
#include "model/glm_positive-inl.hpp"
#include "model/glm_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

/// One tile of rows and what the kernels need of it. Rows beyond the block's last are padded with x = y = 0
/// and weight 0.
struct Tile {
  Index first = 0, rows = 0, panels = 0;
  double *y = nullptr, *weight = nullptr, *offset = nullptr, *row_value = nullptr, *power = nullptr;
  double* beside = nullptr;
};

/// Sums over rows, 8 lanes each, kept from tile to tile.
struct LaneSums {
  double *value = nullptr, *residual = nullptr, *scale = nullptr;  // [draw], [predictor], [draw, 2]
};

// Runs f over a tile for one draw: eta becomes the weighted residual, sums are added to.
template <class F>
void evaluate_rows(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  const F f(task.constants[draw]);
  if constexpr (F::has_power) {
    for (Index i = 0; i < tile.panels * panel_rows; i += lane_count) {
      hn::Store(f.power(hn::Load(lanes, eta + i)), lanes, tile.power + i);
    }
  }
  double* value_lanes = sums.value + draw * panel_rows;
  double* residual_lanes = sums.residual + draw * panel_rows;
  double* scale_lanes = sums.scale + draw * 2 * panel_rows;
  for (Index part = 0; part < parts; ++part) {
    const Index at = part * lane_count;
    Real value = hn::Load(lanes, value_lanes + at), residual = hn::Load(lanes, residual_lanes + at);
    Real first = hn::Load(lanes, scale_lanes + at), second = hn::Load(lanes, scale_lanes + panel_rows + at);
    for (Index i = at; i < tile.panels * panel_rows; i += panel_rows) {
      const Row row = f(hn::Load(lanes, eta + i), hn::Load(lanes, tile.y + i),
                        hn::Load(lanes, tile.power + i), hn::Load(lanes, tile.beside + i));
      // A row of weight 0 counts for nothing even where its density is 0.
      const Real weight = hn::Load(lanes, tile.weight + i);
      const auto counts = hn::Ne(weight, hn::Zero(lanes));
      const Real row_value = hn::IfThenElseZero(counts, hn::Mul(weight, row.value));
      const Real row_residual = hn::IfThenElseZero(counts, hn::Mul(weight, row.residual));
      hn::Store(row_residual, lanes, eta + i);
      hn::Store(row_value, lanes, tile.row_value + i);
      value = hn::Add(value, row_value);
      residual = hn::Add(residual, row_residual);
      if constexpr (F::num_scales > 0) {
        first = hn::Add(first, hn::IfThenElseZero(counts, hn::Mul(weight, row.first)));
      }
      if constexpr (F::num_scales > 1) {
        second = hn::Add(second, hn::IfThenElseZero(counts, hn::Mul(weight, row.second)));
      }
    }
    hn::Store(value, lanes, value_lanes + at);
    hn::Store(residual, lanes, residual_lanes + at);
    hn::Store(first, lanes, scale_lanes + at);
    hn::Store(second, lanes, scale_lanes + panel_rows + at);
  }
}

// The same for softmax, whose rows have a linear predictor per class: eta is [class][tile_rows].
void evaluate_softmax(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  double* value_lanes = sums.value + draw * panel_rows;
  for (Index i = 0; i < tile.panels * panel_rows; i += lane_count) {
    const Index at = i % panel_rows;
    const Real y = hn::Load(lanes, tile.y + i), weight = hn::Load(lanes, tile.weight + i);
    const auto counts = hn::Ne(weight, hn::Zero(lanes));
    Real largest = hn::Zero(lanes), chosen = hn::Zero(lanes);  // the reference class has eta = 0
    for (Index k = 0; k < task.classes; ++k) {
      const Real v = hn::Load(lanes, eta + k * tile_rows + i);
      largest = hn::Max(largest, v);
      chosen = hn::IfThenElse(hn::Eq(y, constant(static_cast<double>(k + 1))), v, chosen);
    }
    Real sum = exp_nonpositive(hn::Neg(largest));
    for (Index k = 0; k < task.classes; ++k) {
      const Real e = exp_nonpositive(hn::Sub(hn::Load(lanes, eta + k * tile_rows + i), largest));
      hn::Store(e, lanes, eta + k * tile_rows + i);
      sum = hn::Add(sum, e);
    }
    // Highway's log turns NaN into a number.
    const Real log_sum = hn::IfThenElse(hn::Eq(sum, sum), hn::Log(lanes, sum), sum);
    const Real row_value =
        hn::IfThenElseZero(counts, hn::Mul(weight, hn::Sub(hn::Sub(chosen, largest), log_sum)));
    hn::Store(row_value, lanes, tile.row_value + i);
    hn::Store(hn::Add(hn::Load(lanes, value_lanes + at), row_value), lanes, value_lanes + at);
    const Real inverse = hn::Div(constant(1.0), sum);
    for (Index k = 0; k < task.classes; ++k) {
      const auto observed = hn::Eq(y, constant(static_cast<double>(k + 1)));
      const Real e = hn::Load(lanes, eta + k * tile_rows + i);
      const Real residual = hn::NegMulAdd(e, inverse, hn::IfThenElseZero(observed, constant(1.0)));
      const Real weighted = hn::IfThenElseZero(counts, hn::Mul(weight, residual));
      hn::Store(weighted, lanes, eta + k * tile_rows + i);
      double* residual_lanes = sums.residual + (draw * task.classes + k) * panel_rows + at;
      hn::Store(hn::Add(hn::Load(lanes, residual_lanes), weighted), lanes, residual_lanes);
    }
  }
}

// The same for ordinal, whose rows lie between two cutpoints: with a and b those less eta,
// 1 / (1 + exp(-a)) - 1 / (1 + exp(-b)) = (1 - exp(b - a)) / (1 + exp(-a)) / (1 + exp(b)).
void evaluate_ordinal(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  const DrawConstants& c = task.constants[draw];
  HWY_ALIGN double upper[tile_rows], lower[tile_rows], log_gap[tile_rows];
  // A response that is not known is NaN.
  const auto level = [&](Index i) { return tile.y[i] > 0.0 ? static_cast<std::size_t>(tile.y[i]) : 0; };
  for (Index i = 0; i < tile.panels * panel_rows; ++i) {
    upper[i] = c.ends[level(i) + 1];
    lower[i] = c.ends[level(i)];
    log_gap[i] = c.log_gaps[level(i)];
  }
  double* value_lanes = sums.value + draw * panel_rows;
  double* residual_lanes = sums.residual + draw * panel_rows;
  const Real zero = hn::Zero(lanes);
  for (Index i = 0; i < tile.panels * panel_rows; i += lane_count) {
    const Index at = i % panel_rows;
    const Real weight = hn::Load(lanes, tile.weight + i), v = hn::Load(lanes, eta + i);
    const auto counts = hn::Ne(weight, zero);
    const auto weighted = [&](Real x) HWY_ATTR { return hn::IfThenElseZero(counts, hn::Mul(weight, x)); };
    const Real a = hn::Sub(hn::Load(lanes, upper + i), v), b = hn::Sub(hn::Load(lanes, lower + i), v);
    const Real of_a = exp_nonpositive(hn::Neg(hn::Abs(a))), of_b = exp_nonpositive(hn::Neg(hn::Abs(b)));
    const Log1pUnit la = log1p_unit(of_a), lb = log1p_unit(of_b);
    // log 1 / (1 + exp(-a)), 1 / (1 + exp a); log 1 / (1 + exp b), 1 / (1 + exp(-b))
    const Real below = hn::Sub(hn::Min(a, zero), la.log1p);
    const Real over = hn::IfThenElse(hn::Lt(a, zero), la.inverse, hn::Mul(of_a, la.inverse));
    const Real above = hn::Sub(hn::Min(hn::Neg(b), zero), lb.log1p);
    const Real under = hn::IfThenElse(hn::Lt(b, zero), hn::Mul(of_b, lb.inverse), lb.inverse);
    const Real value = hn::Add(hn::Add(below, above), hn::Load(lanes, log_gap + i));
    const Real row_value = weighted(value), row_residual = weighted(hn::Sub(under, over));
    hn::Store(row_value, lanes, tile.row_value + i);
    hn::Store(row_residual, lanes, eta + i);
    hn::Store(hn::Add(hn::Load(lanes, value_lanes + at), row_value), lanes, value_lanes + at);
    hn::Store(hn::Add(hn::Load(lanes, residual_lanes + at), row_residual), lanes, residual_lanes + at);
    hn::Store(weighted(over), lanes, upper + i);
    hn::Store(weighted(under), lanes, lower + i);
  }
  if (task.class_grad == nullptr) return;
  const std::size_t classes = c.log_gaps.size();
  double* by_class = task.class_grad + 2 * classes * static_cast<std::size_t>(draw);
  for (Index i = 0; i < tile.rows; ++i) {
    by_class[level(i)] += upper[i];
    by_class[classes + level(i)] += lower[i];
  }
}

void evaluate_draw(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  switch (task.likelihood) {
    case Likelihood::linear:
      return evaluate_rows<Linear>(task, tile, draw, eta, sums);
    case Likelihood::student_t:
      return evaluate_rows<StudentT>(task, tile, draw, eta, sums);
    case Likelihood::logistic:
      return evaluate_rows<Logistic>(task, tile, draw, eta, sums);
    case Likelihood::poisson:
      return evaluate_rows<Poisson>(task, tile, draw, eta, sums);
    case Likelihood::negative_binomial:
      return evaluate_rows<NegativeBinomial>(task, tile, draw, eta, sums);
    case Likelihood::softmax:
      return evaluate_softmax(task, tile, draw, eta, sums);
    case Likelihood::binomial:
      return evaluate_rows<Binomial>(task, tile, draw, eta, sums);
    case Likelihood::ordinal:
      return evaluate_ordinal(task, tile, draw, eta, sums);
    case Likelihood::zero_inflated_poisson:
      return evaluate_rows<ZeroInflated<Poisson>>(task, tile, draw, eta, sums);
    case Likelihood::zero_inflated_negative_binomial:
      return evaluate_rows<ZeroInflated<NegativeBinomial>>(task, tile, draw, eta, sums);
    case Likelihood::hurdle_poisson:
      return evaluate_rows<Hurdle<Poisson>>(task, tile, draw, eta, sums);
    case Likelihood::hurdle_negative_binomial:
      return evaluate_rows<Hurdle<NegativeBinomial>>(task, tile, draw, eta, sums);
    case Likelihood::gamma:
      return evaluate_rows<Gamma>(task, tile, draw, eta, sums);
    case Likelihood::beta:
      return evaluate_rows<Beta>(task, tile, draw, eta, sums);
    case Likelihood::lognormal:
      return evaluate_rows<Linear>(task, tile, draw, eta, sums);
    case Likelihood::exponential:
    case Likelihood::weibull:
      return evaluate_rows<Weibull>(task, tile, draw, eta, sums);
  }
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
