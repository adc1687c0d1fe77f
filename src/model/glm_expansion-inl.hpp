// Derivatives of log densities of one row up to the third, given its linear predictor, in vectors of rows.
// Compiled once per instruction set, hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_EXPANSION_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_EXPANSION_INL_HPP
#undef VFE_MODEL_GLM_EXPANSION_INL_HPP
#else
#define VFE_MODEL_GLM_EXPANSION_INL_HPP
#endif

#include <hwy/highway.h>

#include "model/glm_elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

/// As RowExpansions.
struct RowExpansion {
  Real slope, curvature, spread, spread_slope;
  Real slope_by_first, spread_by_first, slope_by_second, spread_by_second;
};

HWY_INLINE RowExpansion concave(Real slope, Real curvature, Real curvature_slope) {
  const Real zero = hn::Zero(lanes);
  return {slope, curvature, curvature, curvature_slope, zero, zero, zero, zero};
}

// p = 1 / (1 + exp(-v)), 1 - p, p (1 - p) and 1 - 2 p.
struct Chance {
  Real p, complement, variance, skew;
};
HWY_INLINE Chance chance(Real v) {
  const Real e = exp_nonpositive(hn::Neg(hn::Abs(v)));
  const Real inverse = hn::Div(constant(1.0), hn::Add(constant(1.0), e));
  const Real far = hn::Mul(e, inverse);
  const auto positive = hn::Gt(v, hn::Zero(lanes));
  const Real p = hn::IfThenElse(positive, inverse, far), complement = hn::IfThenElse(positive, far, inverse);
  return {p, complement, hn::Mul(inverse, far), hn::Sub(complement, p)};
}

struct LinearExpansion {
  Real inverse_sigma;
  HWY_INLINE explicit LinearExpansion(const DrawConstants& c) : inverse_sigma(constant(c.inverse_sigma)) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real) const {
    const Real precision = hn::Mul(inverse_sigma, inverse_sigma);
    RowExpansion at = concave(hn::Mul(hn::Sub(y, eta), precision), precision, hn::Zero(lanes));
    at.slope_by_first = hn::Mul(at.slope, constant(-2.0));
    at.spread_by_first = hn::Mul(precision, constant(-2.0));
    return at;
  }
};

// With a = (y - eta) / (sigma sqrt(nu)) and t = 1 / (1 + a^2), so that a^2 t = 1 - t stays finite.
struct StudentTExpansion {
  Real inverse_sigma, nu_plus_one, nu;
  HWY_INLINE explicit StudentTExpansion(const DrawConstants& c)
      : inverse_sigma(constant(c.inverse_sigma)),
        nu_plus_one(constant(2.0 * c.half_nu_plus_one)),
        nu(constant(c.nu)) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real) const {
    const Real one = constant(1.0), two = constant(2.0);
    const Real a = hn::Mul(hn::Sub(y, eta), inverse_sigma);
    const Real t = hn::Div(one, hn::MulAdd(a, a, one));
    const Real at = hn::Mul(a, t), precision = hn::Mul(inverse_sigma, inverse_sigma);
    // By log nu inverse_sigma falls by half: a by -a / 2.
    const Real largest = hn::Mul(nu_plus_one, precision);  // spread at a = 0
    const Real slope = hn::Mul(hn::Mul(nu_plus_one, inverse_sigma), at);
    const Real spread = hn::Mul(largest, t);
    const Real curvature = hn::Mul(spread, hn::Sub(hn::Add(t, t), one));  // (1 - a^2) t = 2 t - 1
    const Real spread_slope = hn::Mul(hn::Mul(two, hn::Mul(spread, at)), inverse_sigma);
    const Real slope_by_sigma = hn::Neg(hn::Mul(hn::Mul(two, slope), t));
    const Real spread_by_sigma = hn::Neg(hn::Mul(hn::Mul(two, spread), t));
    const Real growth = hn::Div(nu, nu_plus_one);  // d log(nu + 1) / d log nu
    const Real slope_by_nu = hn::Mul(slope, hn::Sub(growth, t));
    const Real spread_by_nu = hn::Mul(spread, hn::Sub(growth, t));
    return {slope,          curvature,       spread,      spread_slope,
            slope_by_sigma, spread_by_sigma, slope_by_nu, spread_by_nu};
  }
};

struct LogisticExpansion {
  HWY_INLINE explicit LogisticExpansion(const DrawConstants&) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real) const {
    const Chance c = chance(eta);
    const auto happened = hn::Gt(y, constant(0.5));
    return concave(hn::IfThenElse(happened, c.complement, hn::Neg(c.p)), c.variance,
                   hn::Mul(c.variance, c.skew));
  }
};

struct BinomialExpansion {
  HWY_INLINE explicit BinomialExpansion(const DrawConstants&) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real trials) const {
    const Chance c = chance(eta);
    const Real slope = hn::MulSub(y, c.complement, hn::Mul(hn::Sub(trials, y), c.p));
    const Real curvature = hn::Mul(trials, c.variance);
    return concave(slope, curvature, hn::Mul(curvature, c.skew));
  }
};

struct PoissonExpansion {
  HWY_INLINE explicit PoissonExpansion(const DrawConstants&) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real) const {
    const Real mean = exponential(eta);
    return concave(hn::Sub(y, mean), mean, mean);
  }
};

// As in NegativeBinomial, p = 1 / (1 + exp(-v)).
struct NegativeBinomialExpansion {
  Real r, log_overdispersion;
  HWY_INLINE explicit NegativeBinomialExpansion(const DrawConstants& c)
      : r(constant(c.r)), log_overdispersion(constant(c.log_overdispersion)) {}
  HWY_INLINE RowExpansion operator()(Real eta, Real y, Real) const {
    const Chance c = chance(hn::Add(eta, log_overdispersion));
    const Real curvature = hn::Mul(hn::Add(y, r), c.variance);
    RowExpansion at =
        concave(hn::MulSub(y, c.complement, hn::Mul(r, c.p)), curvature, hn::Mul(curvature, c.skew));
    at.slope_by_first = hn::MulSub(r, c.p, curvature);
    at.spread_by_first = hn::NegMulAdd(r, c.variance, at.spread_slope);
    return at;
  }
};

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
