// Log densities of one row given its linear predictor, in vectors of rows. Compiled once per instruction set,
// hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_ELEMENTWISE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_ELEMENTWISE_INL_HPP
#undef VFE_MODEL_GLM_ELEMENTWISE_INL_HPP
#else
#define VFE_MODEL_GLM_ELEMENTWISE_INL_HPP
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "model/glm_kernel.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A capped tag has a size known at compile time, so vectors can stand in arrays and structs.
using Lanes = hn::CappedTag<double, panel_rows>;
using Real = hn::Vec<Lanes>;
constexpr Lanes lanes;

HWY_INLINE Real constant(double x) {
  return hn::Set(lanes, x);
}

// exp on the whole line: Highway's is for arguments up to 706 and turns NaN into 0.
HWY_INLINE Real exponential(Real x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(lanes, hn::Min(x, constant(710.0))), x);
}

// exp(x) for x <= 0, 0 below -708; keeps NaN. Half the work of the general one: the power of two never leaves
// the range of normal numbers. Taylor's series to degree 13 on |r| <= log(2) / 2 (remainder below 2^-57).
HWY_INLINE Real exp_nonpositive(Real x) {
  const hn::RebindToUnsigned<Lanes> bits;
  // In doubles from 2^52 on the last bit is 1: adding rounds to an integer, which stands in the low bits.
  const Real shift = constant(6755399441055744.0 + 1023.0);
  const Real shifted = hn::MulAdd(x, constant(1.44269504088896338700), shift);
  const Real k = hn::Sub(shifted, shift);
  const Real power = hn::BitCast(lanes, hn::ShiftLeft<52>(hn::BitCast(bits, shifted)));
  Real r = hn::NegMulAdd(k, constant(6.93147180369123816490e-01), x);
  r = hn::NegMulAdd(k, constant(1.90821492927058770002e-10), r);
  // Estrin's scheme: what limits this loop is the length of its chains.
  const Real r2 = hn::Mul(r, r), r4 = hn::Mul(r2, r2), r8 = hn::Mul(r4, r4);
  const Real c2 = hn::MulAdd(r, constant(1.0 / 6), constant(0.5));
  const Real c4 = hn::MulAdd(r, constant(1.0 / 120), constant(1.0 / 24));
  const Real c6 = hn::MulAdd(r, constant(1.0 / 5040), constant(1.0 / 720));
  const Real c8 = hn::MulAdd(r, constant(1.0 / 362880), constant(1.0 / 40320));
  const Real c10 = hn::MulAdd(r, constant(1.0 / 39916800), constant(1.0 / 3628800));
  const Real c12 = hn::MulAdd(r, constant(1.0 / 6227020800), constant(1.0 / 479001600));
  const Real tail = hn::MulAdd(hn::MulAdd(c12, r2, c10), r8,
                               hn::MulAdd(hn::MulAdd(c8, r2, c6), r4, hn::MulAdd(c4, r2, c2)));
  const Real fraction = hn::Add(hn::MulAdd(tail, r2, r), constant(1.0));
  return hn::IfThenZeroElse(hn::Lt(x, constant(-708.0)), hn::Mul(fraction, power));
}

// log(1 + x), x >= 0 and not too near to overflow; keeps NaN.
HWY_INLINE Real log1p_positive(Real x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Log1p(lanes, x), x);
}

// log(1 + e) and 1 / (1 + e), 0 <= e <= 1, for one division. Either 1 + e = 1 + f or 1 + e = 2 (1 + f) with f
// exact, then the polynomial of fdlibm's log (Sun Microsystems 1993, error below 2^-58) in s = f / (2 + f).
struct Log1pUnit {
  Real log1p, inverse;
};
HWY_INLINE Log1pUnit log1p_unit(Real e) {
  const auto upper = hn::Gt(e, constant(0.41421356237309503));
  const Real f = hn::IfThenElse(upper, hn::MulAdd(e, constant(0.5), constant(-0.5)), e);
  const Real above_one = hn::Add(e, constant(1.0)), above_two = hn::Add(f, constant(2.0));
  const Real both = hn::Div(constant(1.0), hn::Mul(above_one, above_two));
  const Real s = hn::Mul(f, hn::Mul(both, above_one));
  const Real z = hn::Mul(s, s), w = hn::Mul(z, z);
  Real even = hn::MulAdd(w, constant(1.531383769920937332e-01), constant(2.222219843214978396e-01));
  even = hn::MulAdd(w, even, constant(3.999999999940941908e-01));
  Real odd = hn::MulAdd(w, constant(1.479819860511658591e-01), constant(1.818357216161805012e-01));
  odd = hn::MulAdd(w, odd, constant(2.857142874366239149e-01));
  odd = hn::MulAdd(w, odd, constant(6.666666666666735130e-01));
  const Real polynomial = hn::MulAdd(z, odd, hn::Mul(w, even));
  const Real log1p_f = hn::NegMulAdd(s, hn::Sub(f, polynomial), f);
  return {hn::Add(log1p_f, hn::IfThenElseZero(upper, constant(0.69314718055994530942))),
          hn::Mul(both, above_two)};
}

// t - log(1 + t), 0 <= t <= 1/2, without cancellation: log(1 + t) = 2 atanh(s), s = t / (2 + t).
HWY_INLINE Real log1p_gap_series(Real t) {
  const Real s = hn::Div(t, hn::Add(t, constant(2.0)));
  const Real z = hn::Mul(s, s);
  Real sum = constant(1.0 / 25);
  for (int odd = 23; odd >= 3; odd -= 2) sum = hn::MulAdd(sum, z, constant(1.0 / odd));
  return hn::NegMulAdd(hn::Mul(hn::Mul(s, z), constant(2.0)), sum, hn::Mul(t, s));
}

// log(1 + t) and t - log(1 + t), t >= 0, both to full relative accuracy.
struct Log1pGap {
  Real log1p, gap;
};
HWY_INLINE Log1pGap log1p_gap(Real t) {
  const auto small = hn::Lt(t, constant(0.5));
  const Real series = log1p_gap_series(hn::IfThenElseZero(small, t));
  const Real direct = log1p_positive(t);
  return {hn::IfThenElse(small, hn::Sub(t, series), direct),
          hn::IfThenElse(small, series, hn::Sub(t, direct))};
}

// The asymptotic series of special.hpp.
HWY_INLINE Real log_gamma_remainder(Real x) {
  const Real u = hn::Div(constant(1.0), x), u2 = hn::Mul(u, u);
  Real sum = constant(1.0 / 1188);
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 1680));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 1260));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 360));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 12));
  return hn::Mul(u, sum);
}

HWY_INLINE Real digamma_remainder(Real x) {
  const Real u = hn::Div(constant(1.0), x), u2 = hn::Mul(u, u);
  Real sum = constant(1.0 / 132);
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 240));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 252));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 120));
  sum = hn::NegMulAdd(u2, sum, constant(1.0 / 12));
  return hn::Neg(hn::MulAdd(u2, sum, hn::Mul(u, constant(0.5))));
}

/// Log density of a row, its derivative by the linear predictor, and by the log of up to two scale
/// parameters.
struct Row {
  Real value, residual, first, second;
};

struct Linear {
  static constexpr int num_scales = 1;
  static constexpr bool has_power = false;
  Real log_density, inverse_sigma;
  HWY_INLINE explicit Linear(const DrawConstants& c)
      : log_density(constant(c.log_density)), inverse_sigma(constant(c.inverse_sigma)) {}
  HWY_INLINE Row operator()(Real eta, Real y, Real, Real) const {
    const Real z = hn::Mul(hn::Sub(y, eta), inverse_sigma);
    const Real z2 = hn::Mul(z, z);
    return {hn::NegMulAdd(z2, constant(0.5), log_density), hn::Mul(z, inverse_sigma),
            hn::Sub(z2, constant(1.0)), hn::Zero(lanes)};
  }
};

struct StudentT {
  static constexpr int num_scales = 2;
  static constexpr bool has_power = false;
  Real log_density, inverse_sigma, half_nu_plus_one, half_nu, nu_slope;
  HWY_INLINE explicit StudentT(const DrawConstants& c)
      : log_density(constant(c.log_density)),
        inverse_sigma(constant(c.inverse_sigma)),
        half_nu_plus_one(constant(c.half_nu_plus_one)),
        half_nu(constant(0.5 * c.nu)),
        nu_slope(constant(c.nu_slope)) {}
  HWY_INLINE Row operator()(Real eta, Real y, Real, Real) const {
    // a = z / sqrt(nu); where a^2 would overflow, log(1 + a^2) = 2 log(1 + a) to double precision.
    const Real a = hn::Mul(hn::Sub(y, eta), inverse_sigma);
    const Real a2 = hn::Mul(a, a);
    const auto large = hn::Gt(hn::Abs(a), constant(1e100));
    const Real base = log1p_positive(hn::IfThenElse(large, hn::Abs(a), a2));
    const Real log1p_a2 = hn::IfThenElse(large, hn::Add(base, base), base);
    const Real tail = hn::Div(constant(1.0), hn::Add(constant(1.0), a2));
    // a^2 / (1 + a^2), not 1 - 1 / (1 + a^2): nu times its rounding would show where nu is large.
    const Real share = hn::IfThenElse(large, constant(1.0), hn::Mul(a2, tail));
    const Real pull = hn::Mul(half_nu_plus_one, share);
    return {hn::NegMulAdd(half_nu_plus_one, log1p_a2, log_density),
            hn::Mul(hn::Mul(hn::Add(half_nu_plus_one, half_nu_plus_one), inverse_sigma), hn::Mul(a, tail)),
            hn::MulAdd(pull, constant(2.0), constant(-1.0)),
            hn::Add(hn::NegMulAdd(half_nu, log1p_a2, pull), nu_slope)};
  }
};

struct Logistic {
  static constexpr int num_scales = 0;
  static constexpr bool has_power = true;
  HWY_INLINE explicit Logistic(const DrawConstants&) {}
  HWY_INLINE Real power(Real eta) const { return exp_nonpositive(hn::Neg(hn::Abs(eta))); }
  HWY_INLINE Row operator()(Real eta, Real y, Real power, Real) const {
    // With v the log odds of what was observed: log density -log(1 + exp(-v)), slope 1 / (1 + exp v).
    const Real sign = hn::MulAdd(y, constant(2.0), constant(-1.0));
    const Real v = hn::Mul(sign, eta);
    const Log1pUnit l = log1p_unit(power);
    const Real value = hn::Sub(hn::Min(v, hn::Zero(lanes)), l.log1p);
    const Real numerator = hn::IfThenElse(hn::Lt(v, hn::Zero(lanes)), sign, hn::Mul(sign, power));
    return {value, hn::Mul(numerator, l.inverse), hn::Zero(lanes), hn::Zero(lanes)};
  }
};

struct Poisson {
  static constexpr int num_scales = 0;
  static constexpr bool has_power = true;
  HWY_INLINE explicit Poisson(const DrawConstants&) {}
  HWY_INLINE Real power(Real eta) const { return exponential(eta); }
  HWY_INLINE Row operator()(Real eta, Real y, Real mean, Real) const {
    const auto overflow = hn::Gt(mean, constant(std::numeric_limits<double>::max()));
    const Real gain = hn::IfThenElseZero(hn::Gt(y, hn::Zero(lanes)), hn::Mul(y, eta));
    // y eta - mean is -infinity by itself once the mean overflows.
    return {hn::Sub(gain, mean), hn::IfThenZeroElse(overflow, hn::Sub(y, mean)), hn::Zero(lanes),
            hn::Zero(lanes)};
  }
};

/// With alpha the overdispersion, r = 1 / alpha and v = eta + log alpha,
///   log density = A(y) + y eta - (y + r) log(1 + exp v) - log y!,
///   A(y) = log Gamma(y + r) - log Gamma(r) - y log r = sum over k < y of log(1 + k alpha),
/// in which no term grows as alpha -> 0: the Poisson limit. Gamma functions by their asymptotic series, with
/// r raised by `shift` steps where it is small.
struct NegativeBinomial {
  static constexpr int num_scales = 1;
  static constexpr bool has_power = true;
  const DrawConstants& c;
  HWY_INLINE explicit NegativeBinomial(const DrawConstants& constants) : c(constants) {}
  HWY_INLINE Real power(Real eta) const {
    return exp_nonpositive(hn::Neg(hn::Abs(hn::Add(eta, constant(c.log_overdispersion)))));
  }
  HWY_INLINE Row operator()(Real eta, Real y, Real e, Real) const {
    const Real r = constant(c.r);
    const Row rising = rising_factorial(y);
    const Real v = hn::Add(eta, constant(c.log_overdispersion));
    const auto positive = hn::Gt(v, hn::Zero(lanes));
    const auto [log1p_e, inverse] = log1p_unit(e);
    const Real softplus = hn::Add(hn::IfThenElseZero(positive, v), log1p_e);
    const Real sigmoid = hn::IfThenElse(positive, inverse, hn::Mul(e, inverse));
    const Real complement = hn::IfThenElse(positive, hn::Mul(e, inverse), inverse);
    // softplus(v) - sigmoid(v), by the series where both are small and r is large.
    const auto small = hn::Lt(v, constant(-0.6931471805599453));
    const Real u = hn::IfThenElseZero(small, e);
    const Real gap = hn::IfThenElse(small, hn::MulSub(u, hn::Mul(u, inverse), log1p_gap_series(u)),
                                    hn::Sub(softplus, sigmoid));
    const Real gain = hn::IfThenElseZero(hn::Gt(y, hn::Zero(lanes)), hn::Mul(y, eta));
    const Real value = hn::Add(rising.value, hn::NegMulAdd(hn::Add(y, r), softplus, gain));
    const Real residual = hn::MulSub(y, complement, hn::Mul(r, sigmoid));
    const Real by_alpha = hn::Add(rising.first, hn::NegMulAdd(y, sigmoid, hn::Mul(r, gap)));
    return {hn::IfThenElse(hn::Eq(eta, eta), value, eta), residual, by_alpha, hn::Zero(lanes)};
  }

 private:
  // A(y) as value and alpha dA/d alpha as first.
  HWY_INLINE Row rising_factorial(Real y) const {
    const Real r = constant(c.r), raised = constant(c.raised_r);
    const Real t = hn::Div(y, raised), upper = hn::Add(y, raised);
    const Log1pGap l = log1p_gap(t);
    // (1 + t) log(1 + t) - t, which is t^2 - (1 + t) gap.
    const Real direct = hn::MulSub(hn::Add(constant(1.0), t), l.log1p, t);
    const Real series = hn::NegMulAdd(hn::Add(constant(1.0), t), l.gap, hn::Mul(t, t));
    const Real entropy = hn::IfThenElse(hn::Lt(t, constant(0.5)), series, direct);
    Real value = hn::MulAdd(raised, entropy, hn::Mul(l.log1p, constant(-0.5)));
    value = hn::Add(value, hn::Sub(log_gamma_remainder(upper), constant(c.log_gamma_remainder)));
    Real slope = hn::Sub(constant(c.digamma_remainder), digamma_remainder(upper));
    Real first = hn::Mul(r, l.gap);
    if (c.shift > 0) {
      Real product = hn::Add(y, r), derivative = constant(1.0);
      for (int k = 1; k < c.shift; ++k) {
        const Real factor = hn::Add(y, constant(c.r + k));
        derivative = hn::MulAdd(derivative, factor, product);
        product = hn::Mul(product, factor);
      }
      value = hn::MulAdd(y, constant(c.log_raise), value);
      value = hn::Add(value, hn::Sub(constant(c.log_rising), hn::Log(lanes, product)));
      slope = hn::Add(slope, hn::Sub(hn::Div(derivative, product), constant(c.rising_slope)));
      first = hn::MulAdd(y, constant(c.shift / c.raised_r), first);
    }
    first = hn::MulAdd(r, slope, first);
    const auto some = hn::Gt(y, hn::Zero(lanes));
    return {hn::IfThenElseZero(some, value), hn::Zero(lanes), hn::IfThenElseZero(some, first),
            hn::Zero(lanes)};
  }
};

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
