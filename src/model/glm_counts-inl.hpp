// Likelihoods of counts made of others, and of so many trials. Compiled once per instruction set, hence the
// guard that Highway toggles.
#if defined(VFE_MODEL_GLM_COUNTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_COUNTS_INL_HPP
#undef VFE_MODEL_GLM_COUNTS_INL_HPP
#else
#define VFE_MODEL_GLM_COUNTS_INL_HPP
#endif

#include <hwy/highway.h>

#include "model/glm_elementwise-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

struct Binomial {
  static constexpr int num_scales = 0;
  static constexpr bool has_power = true;
  HWY_INLINE explicit Binomial(const DrawConstants&) {}
  HWY_INLINE Real power(Real eta) const { return exp_nonpositive(hn::Neg(hn::Abs(eta))); }
  HWY_INLINE Row operator()(Real eta, Real y, Real e, Real trials) const {
    const auto [log1p_e, inverse] = log1p_unit(e);
    const Real zero = hn::Zero(lanes), failures = hn::Sub(trials, y);
    const auto negative = hn::Lt(eta, zero);
    // -y log(1 + exp(-eta)) - failures log(1 + exp eta), all terms of one sign
    const Real wrong = hn::Mul(hn::IfThenElse(negative, y, failures), hn::Abs(eta));
    const Real value = hn::Neg(hn::MulAdd(trials, log1p_e, wrong));
    const Real near = inverse, far = hn::Mul(e, inverse);  // 1 / (1 + exp(-|eta|)), and what is left
    const Real up = hn::Mul(y, hn::IfThenElse(negative, near, far));
    const Real residual = hn::NegMulAdd(failures, hn::IfThenElse(negative, far, near), up);
    return {value, residual, zero, zero};
  }
};

/// f of 0 with probability p, else of one of the distributions above: log odds of p, and for its slopes the
/// share of the zeros that are the distribution's.
template <class Counts>
struct ZeroInflated {
  static constexpr int num_scales = Counts::num_scales + 1;
  static constexpr bool has_power = true;
  const Counts counts;
  Real log_odds, log_some, probability;
  HWY_INLINE explicit ZeroInflated(const DrawConstants& c)
      : counts(c),
        log_odds(constant(c.zero_log_odds)),
        log_some(constant(c.log_some)),
        probability(constant(c.zero_probability)) {}
  HWY_INLINE Real power(Real eta) const { return counts.power(eta); }
  HWY_INLINE Row operator()(Real eta, Real y, Real e, Real beside) const {
    const Row of_counts = counts(eta, y, e, beside);
    const auto none = hn::Eq(y, hn::Zero(lanes));
    // log(exp(log odds) + f(0)), and the shares in it
    const Real excess = hn::Sub(log_odds, of_counts.value);
    const Real smaller = exp_nonpositive(hn::Neg(hn::Abs(excess)));
    const auto [log1p_smaller, inverse] = log1p_unit(smaller);
    const auto mostly_extra = hn::Gt(excess, hn::Zero(lanes));
    const Real larger = hn::IfThenElse(mostly_extra, log_odds, of_counts.value);
    const Real less = hn::Mul(smaller, inverse);
    const Real own = hn::IfThenElse(none, hn::IfThenElse(mostly_extra, less, inverse), constant(1.0));
    const Real extra = hn::IfThenElseZero(none, hn::IfThenElse(mostly_extra, inverse, less));
    const Real value = hn::IfThenElse(none, hn::Add(larger, log1p_smaller), of_counts.value);
    const Real by_odds = hn::Sub(extra, probability);
    const Real residual = hn::Mul(own, of_counts.residual);
    if constexpr (Counts::num_scales == 0) {
      return {hn::Add(value, log_some), residual, by_odds, hn::Zero(lanes)};
    } else {
      return {hn::Add(value, log_some), residual, hn::Mul(own, of_counts.first), by_odds};
    }
  }
};

/// 0 with probability p, else one of the distributions above given that it is not 0.
template <class Counts>
struct Hurdle {
  static constexpr int num_scales = Counts::num_scales + 1;
  static constexpr bool has_power = true;
  const Counts counts;
  Real log_zero, log_some, probability;
  HWY_INLINE explicit Hurdle(const DrawConstants& c)
      : counts(c),
        log_zero(constant(c.log_zero)),
        log_some(constant(c.log_some)),
        probability(constant(c.zero_probability)) {}
  HWY_INLINE Real power(Real eta) const { return counts.power(eta); }
  HWY_INLINE Row operator()(Real eta, Real y, Real e, Real beside) const {
    const Real zero = hn::Zero(lanes), one = constant(1.0);
    const Row of_counts = counts(eta, y, e, beside), of_zero = counts(eta, zero, e, beside);
    // 1 - f(0) goes to exp eta.
    const auto rare = hn::Lt(eta, constant(-300.0));
    const Real some = hn::Neg(hn::Expm1(lanes, hn::Max(of_zero.value, constant(-700.0))));
    const Real log_some_of_counts = hn::IfThenElse(rare, eta, hn::Log(lanes, some));
    const Real odds = hn::Div(hn::Sub(one, some), hn::IfThenElse(rare, one, some));
    const Real gain = hn::IfThenElse(rare, constant(-1.0), hn::Mul(odds, of_zero.residual));
    const auto above = hn::Gt(y, zero);
    const Real some_value = hn::Add(hn::Sub(of_counts.value, log_some_of_counts), log_some);
    const Real value = hn::IfThenElse(above, some_value, log_zero);
    const Real by_odds = hn::Sub(hn::IfThenElse(above, zero, one), probability);
    const Real residual = hn::IfThenElseZero(above, hn::Add(of_counts.residual, gain));
    const auto is_number = hn::Eq(of_zero.value, of_zero.value);
    const Real known = hn::IfThenElse(is_number, value, of_zero.value);
    if constexpr (Counts::num_scales == 0) {
      return {known, residual, by_odds, zero};
    } else {
      const Real more = hn::IfThenElse(rare, zero, hn::Mul(odds, of_zero.first));
      return {known, residual, hn::IfThenElseZero(above, hn::Add(of_counts.first, more)), by_odds};
    }
  }
};

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
