// Likelihoods of responses that are above 0, or between 0 and 1, of which the log is given. Compiled once per
// instruction set, hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_POSITIVE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_POSITIVE_INL_HPP
#undef VFE_MODEL_GLM_POSITIVE_INL_HPP
#else
#define VFE_MODEL_GLM_POSITIVE_INL_HPP
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <limits>

#include "model/glm_elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

// Slopes beyond doubles, where the density is 0.
HWY_INLINE Real zero_if_infinite(Real x) {
  return hn::IfThenZeroElse(hn::Gt(hn::Abs(x), constant(std::numeric_limits<double>::max())), x);
}

/// With z = log y - eta: log density C + shape (z - (exp z - 1)) - log y.
struct Gamma {
  static constexpr int num_scales = 1;
  static constexpr bool has_power = false;
  Real log_density, shape, slope;
  HWY_INLINE explicit Gamma(const DrawConstants& c)
      : log_density(constant(c.log_density)), shape(constant(c.shape)), slope(constant(c.scale_slope)) {}
  HWY_INLINE Row operator()(Real eta, Real log_y, Real, Real) const {
    const Real z = hn::Sub(log_y, eta), one = constant(1.0);
    const auto small = hn::Lt(hn::Abs(z), one);
    const Real expm1 =
        hn::IfThenElse(small, hn::Expm1(lanes, hn::IfThenElseZero(small, z)), hn::Sub(exponential(z), one));
    const Real gap = hn::Sub(expm1, z);
    return {hn::NegMulAdd(shape, gap, log_density), zero_if_infinite(hn::Mul(shape, expm1)),
            zero_if_infinite(hn::NegMulAdd(shape, gap, slope)), hn::Zero(lanes)};
  }
};

/// With z = shape (log y - eta): log density log shape + z - exp z - log y; of what is censored -exp z.
struct Weibull {
  static constexpr int num_scales = 1;
  static constexpr bool has_power = false;
  Real log_shape, shape;
  HWY_INLINE explicit Weibull(const DrawConstants& c)
      : log_shape(constant(c.log_density)), shape(constant(c.shape)) {}
  HWY_INLINE Row operator()(Real eta, Real log_y, Real, Real censored) const {
    const Real z = hn::Mul(shape, hn::Sub(log_y, eta)), seen = hn::Sub(constant(1.0), censored);
    // Before z exp z is no double.
    const auto beyond = hn::Gt(z, constant(700.0));
    const Real hazard =
        hn::IfThenElse(beyond, constant(std::numeric_limits<double>::infinity()), exponential(z));
    return {hn::MulSub(seen, hn::Add(log_shape, z), hazard),
            zero_if_infinite(hn::Mul(shape, hn::Sub(hazard, seen))),
            zero_if_infinite(hn::NegMulAdd(z, hazard, hn::MulAdd(seen, z, seen))), hn::Zero(lanes)};
  }
};

// log Gamma(1 + x) and digamma(1 + x), x >= 0, by their asymptotic series above 16.
struct LogGamma {
  Real value, slope;
};
HWY_INLINE LogGamma log_gamma_1p(Real x) {
  const Real one = constant(1.0), from = hn::Add(x, one);
  const auto large = hn::Ge(from, constant(16.0));
  // (x + 1) ... (x + 15), and its derivative
  Real product = hn::IfThenElse(large, one, from), derivative = hn::IfThenElse(large, hn::Zero(lanes), one);
  const Real low = hn::IfThenElseZero(hn::Not(large), x);
  for (int k = 2; k < 16; ++k) {
    const Real factor = hn::IfThenElse(large, one, hn::Add(low, constant(k)));
    derivative = hn::MulAdd(derivative, factor, hn::IfThenElse(large, hn::Zero(lanes), product));
    product = hn::Mul(product, factor);
  }
  const Real t = hn::IfThenElse(large, from, hn::Add(from, constant(15.0)));
  const Real log_t = hn::Log(lanes, t);
  const Real value = hn::Add(hn::MulAdd(hn::Sub(t, constant(0.5)), log_t, hn::Neg(t)),
                             hn::Add(constant(0.91893853320467274178), log_gamma_remainder(t)));
  return {hn::Sub(value, hn::Log(lanes, product)),
          hn::Sub(hn::Add(log_t, digamma_remainder(t)), hn::Div(derivative, product))};
}

/// With mean m = 1 / (1 + exp(-eta)), a = m precision and b = (1 - m) precision the log density is
///   log Gamma(precision) - log Gamma(a) - log Gamma(b) + (a - 1) log y + (b - 1) log(1 - y),
/// its Gamma functions by those of 1 + a, 1 + b, which have no pole where the mean goes to 0 or 1.
struct Beta {
  static constexpr int num_scales = 1;
  static constexpr bool has_power = true;
  Real log_density, precision, slope;
  HWY_INLINE explicit Beta(const DrawConstants& c)
      : log_density(constant(c.log_density)),
        precision(constant(c.precision)),
        slope(constant(c.scale_slope)) {}
  HWY_INLINE Real power(Real eta) const { return exp_nonpositive(hn::Neg(hn::Abs(eta))); }
  HWY_INLINE Row operator()(Real eta, Real log_y, Real e, Real log_rest) const {
    const auto [log1p_e, inverse] = log1p_unit(e);
    const auto negative = hn::Lt(eta, hn::Zero(lanes));
    const Real less = hn::Mul(e, inverse);
    const Real mean = hn::IfThenElse(negative, less, inverse), rest = hn::IfThenElse(negative, inverse, less);
    const Real a = hn::Mul(precision, mean), b = hn::Mul(precision, rest);
    const LogGamma of_a = log_gamma_1p(a), of_b = log_gamma_1p(b);
    const Real data = hn::MulAdd(a, log_y, hn::Mul(b, log_rest));
    const Real log_both = hn::NegMulAdd(constant(2.0), log1p_e, hn::Neg(hn::Abs(eta)));  // log mean rest
    const Real value =
        hn::Add(hn::Sub(hn::Sub(hn::Add(log_density, log_both), of_a.value), of_b.value), data);
    const Real pull = hn::Add(hn::Sub(log_y, log_rest), hn::Sub(of_b.slope, of_a.slope));
    const Real residual = hn::MulAdd(hn::Mul(a, rest), pull, hn::Sub(rest, mean));
    const Real first = hn::Add(hn::NegMulAdd(a, of_a.slope, hn::NegMulAdd(b, of_b.slope, slope)), data);
    const auto is_number = hn::Eq(a, a);
    return {hn::IfThenElse(is_number, value, a), residual, first, hn::Zero(lanes)};
  }
};

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
