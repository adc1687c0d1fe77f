#include "vfe/verdict/certificate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/objection.hpp"
#include "vfe/family/student.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/statistics/distributions.hpp"
#include "vfe/statistics/limits.hpp"
#include "vfe/statistics/mixing.hpp"
#include "vfe/statistics/psis.hpp"
#include "vfe/statistics/rhat.hpp"

namespace vfe {
namespace {

constexpr double wrong = 0.005;     // probability of one larger, over all values
constexpr double most_lost = 1e-3;  // share of the weights
// Iterations after which chains have forgotten where they began, and of a run whose mean no other run's tells
// much of: neighbours in a chain are correlated by less than 0.5, or trajectories grow.
constexpr Index forgotten = 32, iterations_of_a_run = 128, most_runs = 4;
// R-hat of chains that keep to modes of their own, and iterations after which it is no matter of time.
constexpr double apart = 1.5;
constexpr Index enough_to_despair = 20;
constexpr double slow = 0.5,
                 immaterial = 0.004;  // correlation of neighbours; difference of estimates, in sds
constexpr Index draws_each = 4;       // for each polynomial, to be tried

std::string name_of(const JudgedValues& values, Index value) {
  return values.name ? values.name(value) : fmt::format("value {}", value + 1);
}

/// What of a sample can be judged.
struct Judged {
  Matrix values;             ///< P x N; 0 in the rows of those passed over
  std::vector<Index> unset;  ///< values that are nowhere a number, as entries that a program never sets
  double lost = 0.0;         ///< share of the weights on draws with something not finite
  Index worst = -1;          ///< the value that is to blame for most of it; -1: theta or a gradient
};

/// As compute() of JudgedValues has them; 0 in the rows that are nowhere a number.
Matrix compute_values(const JudgedValues& judged, const Matrix& theta) {
  Matrix x = judged.compute(theta);
  for (Index k = 0; k < x.rows(); ++k) {
    if (x.row(k).array().isNaN().all()) x.row(k).setZero();
  }
  return x;
}

/// `weight` is normalised.
Judged compute(const JudgedValues& judged, const Matrix& theta, const Matrix& gradient,
               const Vector& weight) {
  Judged result{.values = judged.compute(theta)};
  Matrix& x = result.values;
  if (x.cols() != theta.cols()) {
    throw Error(Fault::bug, fmt::format("judging {} draws: found values of {}", theta.cols(), x.cols()));
  }
  const Vector used = (weight.array() > 0.0).cast<double>();
  double most = 0.0;
  for (Index k = 0; k < x.rows(); ++k) {
    const Vector missing = x.row(k).unaryExpr([](double v) { return std::isfinite(v) ? 0.0 : 1.0; });
    if (missing.dot(used) == used.sum()) {
      result.unset.push_back(k);
      x.row(k).setZero();
    } else if (const double lost = missing.dot(weight); lost > most) {
      most = lost;
      result.worst = k;
    }
  }
  for (Index s = 0; s < x.cols(); ++s)
    if (!(theta.col(s).allFinite() && gradient.col(s).allFinite() && x.col(s).allFinite()))
      result.lost += weight(s);
  return result;
}

Index num_varying(const Moments& moments) {
  return (moments.sd.array() != 0.0).count();
}

/// What k-hat of squares may be, over all draws and over some of them, resampled by weight, for the tail to
/// be called light. Without weights all draws tell more than some: with 4,096 k-hat of t3, which has no
/// fourth moment, is 0.62 to 0.89, that of a lognormal of sd 0.5 on the log scale 0.36 to 0.55.
struct TailLimits {
  double all, resampled;
  /// Whether the standard error of the first is allowed for: the posterior's own tail is what it is, but that
  /// of weights is to be mended.
  bool allow;
};
constexpr TailLimits weighted_tails{0.7, 0.6, false}, equal_tails{0.6, infinity, true};

/// What divides the limits of standard errors where k-hat, its own standard error allowed for, says that
/// weights have no variance: 2 at 0.7.
double strictness_at(double khat) {
  constexpr double slope = 5.0;
  return std::clamp(1.0 + slope * (khat - limits::finite_variance_khat), 1.0, 2.0);
}

/// What the tail of a value's squares comes to: whether there is no fourth moment, and what the limit of its
/// sd's error is divided by.
struct TailVerdict {
  bool heavy = false;
  double strictness = 1.0;
};

TailVerdict tail_verdict(double khat, double error, double limit) {
  if (std::isnan(khat)) return {true, 1.0};
  return {khat > limit && khat - error > limits::finite_variance_khat, strictness_at(khat - error)};
}

std::vector<TailVerdict> tail_verdicts(const Moments& moments, const TailLimits& limits) {
  std::vector<TailVerdict> verdicts(static_cast<std::size_t>(moments.sd.size()));
  for (Index k = 0; k < moments.sd.size(); ++k) {
    if (moments.sd(k) == 0.0) continue;
    TailVerdict all = tail_verdict(moments.weighted_tail(k), moments.weighted_tail_error(k), limits.all);
    if (!limits.allow) all.heavy = !(moments.weighted_tail(k) <= limits.all);
    const TailVerdict some =
        limits.resampled < infinity
            ? tail_verdict(moments.resampled_tail(k), moments.resampled_tail_error(k), limits.resampled)
            : TailVerdict{};
    verdicts[static_cast<std::size_t>(k)] = {all.heavy || some.heavy,
                                             std::max(all.strictness, some.strictness)};
  }
  return verdicts;
}

/// The standard error that is furthest beyond its limit.
struct Shortfall {
  double ratio = 0.0;  ///< to its limit
  Index at = 0;
  bool of_sd = false;
};
Shortfall shortfall(const Moments& moments, const StandardErrorLimits& limits,
                    const std::vector<TailVerdict>& tails = {}) {
  Shortfall worst;
  const auto consider = [&](double error, double limit, Index at, bool of_sd) {
    const double ratio = std::isnan(error) ? infinity : error / limit;
    if (ratio > worst.ratio) worst = {ratio, at, of_sd};
  };
  for (Index k = 0; k < moments.sd.size(); ++k) {
    if (moments.sd(k) == 0.0) continue;
    consider(moments.mean_error(k) / moments.sd(k), limits.mean, k, false);
    const double strictness = tails.empty() ? 1.0 : tails[static_cast<std::size_t>(k)].strictness;
    consider(moments.sd_error(k) / moments.sd(k), limits.sd / strictness, k, true);
  }
  return worst;
}

/// `strictness` divides the limits. Independent draws have no `groups`.
StandardErrorLimits limits_of(const Moments& moments, Index groups, double strictness) {
  const StandardErrorLimits limits = standard_error_limits(num_varying(moments), groups);
  return {limits.mean / strictness, limits.sd / strictness};
}

Moments estimate(const Draws& draws, const Matrix& x, const Affine& whitening, const JudgedValues& values,
                 MomentOptions options, double strictness) {
  options.coordinate = values.coordinate;
  const Index d = draws.theta.rows();
  if (options.control_variates || d <= regimes::polynomials_first)
    return estimate_moments(draws, x, whitening, options);
  MomentOptions own = options;
  own.control_variates = ControlVariates::own;
  Moments moments = estimate_moments(draws, x, whitening, own);
  const bool affordable = d <= regimes::polynomials && draws.theta.cols() >= draws_each * d * (d + 3) / 2;
  const Index groups = draws.group.empty() ? 0 : moments.groups;
  if (!affordable || shortfall(moments, limits_of(moments, groups, strictness)).ratio <= 1.0) return moments;
  return estimate_moments(draws, x, whitening, options);
}

/// The first of a list of checks that fails has the word.
class Findings {
 public:
  /// `plain` and `text` say what is wrong, without numbers and with them.
  template <class Text>
  void expect(bool good, const char* plain, const Text& text) {
    if (!good && failed_.empty()) failed_ = {text(), plain};
  }
  void conclude(const std::string& all_is_well, Certificate& certificate) const {
    certificate.holds = failed_.empty();
    certificate.reason = certificate.holds ? all_is_well : failed_.reason;
    certificate.plain = failed_.plain;
  }

 private:
  Objection failed_;
};

/// False where no draw is left to estimate anything from.
bool expect_finite(const Judged& judged, const JudgedValues& values, Findings& findings) {
  findings.expect(judged.lost <= most_lost, "too many of the draws have values that are not finite", [&] {
    return fmt::format("{} is not finite at draws with {:.2g} of the weight (limit {})",
                       judged.worst < 0 ? "theta or a gradient" : name_of(values, judged.worst), judged.lost,
                       most_lost);
  });
  return judged.lost < 1.0 - most_lost;
}

/// What is asked of the moments of any sample.
void expect_moments(const Moments& moments, const StandardErrorLimits& limits, const TailLimits& tails,
                    const JudgedValues& values, Findings& findings, Certificate& certificate) {
  const std::vector<TailVerdict> verdicts = tail_verdicts(moments, tails);
  const Shortfall worst = shortfall(moments, limits, verdicts);
  certificate.shortfall = worst.ratio * worst.ratio;
  findings.expect(num_varying(moments) > 0, "all draws are the same",
                  [] { return std::string("no value varies over the draws"); });
  findings.expect(moments.stein.num_features > 0, "there are too few independent draws", [&] {
    return fmt::format("{} draws in {} independent groups are too few for standard errors", moments.used,
                       moments.groups);
  });
  findings.expect(
      moments.stein.passed(), "the draws and the gradients of the density contradict each other", [&] {
        return fmt::format(
            "Stein's identities fail: the mean of a control variate is {:.1f} standard errors from 0 (limit "
            "{:.1f} for {}), as where the density ends at a boundary without a transform, a gradient is "
            "wrong, "
            "or draws stop short of the tails",
            moments.stein.largest, moments.stein.limit, moments.stein.num_features);
      });
  const auto heavy = std::ranges::find(verdicts, true, &TailVerdict::heavy);
  findings.expect(
      heavy == verdicts.end(), "a parameter's tails are too heavy for its sd to be estimated", [&] {
        const Index at = heavy - verdicts.begin();
        const bool all = moments.weighted_tail(at) - tails.all > moments.resampled_tail(at) - tails.resampled;
        return fmt::format(
            "{}: too heavy a tail for its sd to be estimated (k-hat of its squares {:.2f} +- {:.2f}, limit "
            "{:.2f})",
            name_of(values, at), all ? moments.weighted_tail(at) : moments.resampled_tail(at),
            all ? moments.weighted_tail_error(at) : moments.resampled_tail_error(at),
            all ? tails.all : tails.resampled);
      });
  findings.expect(worst.ratio <= 1.0, "means and sds are not known well enough", [&] {
    const Vector& errors = worst.of_sd ? moments.sd_error : moments.mean_error;
    return fmt::format("{}: the standard error of its {} is {:.4f} sd (limit {:.4f})",
                       name_of(values, worst.at), worst.of_sd ? "sd" : "mean",
                       errors(worst.at) / moments.sd(worst.at),
                       errors(worst.at) / moments.sd(worst.at) / worst.ratio);
  });
}

std::string describe(const Moments& moments, const StandardErrorLimits& limits) {
  return fmt::format(
      "standard errors of means at most {:.4f} sd (limit {:.4f}), of sds {:.4f} (limit {:.4f})",
      moments.largest_mean_error(), limits.mean, moments.largest_sd_error(), limits.sd);
}

std::string describe(const SteinCheck& stein) {
  return fmt::format("Stein's identities hold for all {} control variates", stein.num_features);
}

/// Values that are nowhere a number have no mean.
void put_unset(const std::vector<Index>& unset, Moments& moments) {
  for (Index k : unset) {
    moments.mean(k) = nan;
    moments.quantiles.col(k).setConstant(moments.mean(k));
  }
}

/// The options with the values at all modes and their images, where there are several.
MomentOptions with_centres(const MomentOptions& options, const JudgedValues& values, const Matrix& modes,
                           const Symmetries& symmetries) {
  MomentOptions result = options;
  const Matrix all = symmetries.size() > 1 && modes.cols() > 0 ? images(symmetries, modes) : modes;
  if (all.cols() > 1) result.centres = compute_values(values, all);
  return result;
}

/// For each draw the group that it belongs to, groups being as good as independent of each other:
/// superchains, while chains remember their common start; then chains; then runs of iterations of each.
std::vector<Index> independent_groups(const ChainDraws& draws) {
  const Index iterations = draws.iterations(), each = draws.chains / draws.superchains;
  const Index runs = std::clamp<Index>(iterations / iterations_of_a_run, 1, most_runs);
  std::vector<Index> group;
  for (Index s = 0; s < draws.theta.cols(); ++s) {
    const Index chain = s % draws.chains, iteration = s / draws.chains / draws.copies;
    group.push_back(iterations < forgotten ? chain / each : chain * runs + iteration * runs / iterations);
  }
  return group;
}

/// What part of the normal that `whitening` makes lies where the density is not finite, from the pool's
/// draws.
double share_outside(const WeightedPool& pool, const Affine& whitening) {
  const Vector of_q = log_density_of_copies(
      pool.symmetries, pool.theta, [&](ConstMat theta) { return Student{whitening}.log_density(theta); });
  const Vector log_ratio = of_q - pool.log_proposal;
  const double top = log_ratio.maxCoeff();
  double outside = 0.0, all = 0.0;
  for (Index s = 0; s < log_ratio.size(); ++s) {
    const double mass = std::exp(log_ratio(s) - top);
    all += mass;
    if (!std::isfinite(pool.log_joint(s))) outside += mass;
  }
  return outside / all;
}

}  // namespace

StandardErrorLimits standard_error_limits(Index values, Index groups) {
  const double above = wrong / (2.0 * static_cast<double>(std::max<Index>(values, 1)));
  const double quantile = groups == 0  ? -normal_quantile(above)
                          : groups > 1 ? student_exceeded(above, groups - 1)
                                       : infinity;
  return {limits::mean / quantile, limits::sd / quantile};
}

Certificate certify(const WeightedPool& pool, const Affine& whitening, const JudgedValues& values,
                    const MomentOptions& options) {
  Certificate certificate;
  const Index n = pool.theta.cols();
  const Psis smoothed = psis(pool.log_weight);
  certificate.khat = smoothed.khat;
  certificate.khat_limit = khat_threshold(n);
  certificate.ess = smoothed.ess;
  certificate.shortfall = infinity;
  if (smoothed.ess == 0.0) {
    certificate.reason = fmt::format("the log density is not finite at any of {} draws", n);
    certificate.plain = "the log density is not finite at any draw";
    return certificate;
  }

  Findings findings;
  const std::string tail = fmt::format("k-hat {:.2f} (limit {:.2f}), {:.0f} effective of {} draws",
                                       certificate.khat, certificate.khat_limit, certificate.ess, n);
  const Judged judged = compute(values, pool.theta, pool.gradient,
                                smoothed.log_weights.unaryExpr([](double x) { return std::exp(x); }));
  if (!expect_finite(judged, values, findings)) {
    findings.conclude({}, certificate);
    return certificate;
  }
  findings.expect(certificate.khat <= certificate.khat_limit,
                  "few draws carry most of the weight, the approximation is too narrow",
                  [&] { return fmt::format("the weights have too heavy a tail: {}", tail); });
  findings.expect(
      certificate.ess >= limits::ess, "too few draws carry weight, the approximation is far off", [&] {
        return fmt::format("too few draws carry weight: {} (at least {:.0f} are needed)", tail, limits::ess);
      });
  const double outside = share_outside(pool, whitening);
  findings.expect(outside <= limits::outside,
                  "the density ends within the region of the posterior, or cannot be computed there", [&] {
                    return fmt::format(
                        "the density is not finite in a region with {:.2g} of q (limit {}): "
                        "where it ends without a transform, or cannot be computed, Stein's identities fail",
                        outside, limits::outside);
                  });
  const double strictness = strictness_at(certificate.khat - smoothed.khat_error);
  const MomentOptions own_options = with_centres(options, values, pool.modes, pool.symmetries);
  Draws draws = pool;
  draws.log_weight = smoothed.log_weights;
  if (pool.symmetries.size() > 1) {
    const Symmetrised all = symmetrise(pool.symmetries, draws);
    certificate.moments =
        estimate(view(all), compute_values(values, all.theta), whitening, values, own_options, strictness);
  } else {
    certificate.moments = estimate(draws, judged.values, whitening, values, own_options, strictness);
  }
  const StandardErrorLimits limits = limits_of(certificate.moments, 0, strictness);
  expect_moments(certificate.moments, limits, weighted_tails, values, findings, certificate);
  put_unset(judged.unset, certificate.moments);
  findings.conclude(fmt::format("{}, {}; {}", describe(certificate.moments, limits), tail,
                                describe(certificate.moments.stein)),
                    certificate);
  return certificate;
}

Certificate certify(const ChainDraws& draws, Index divergences, const Affine& whitening,
                    const JudgedValues& values, const MomentOptions& options) {
  if (draws.symmetries.size() > 1 || draws.modes.cols() > 1) {
    const MomentOptions own_options = with_centres(options, values, draws.modes, draws.symmetries);
    if (draws.symmetries.size() > 1) {
      // As if each chain stayed as many times as long, and went through all copies.
      const Symmetrised all = symmetrise(draws.symmetries, draws, draws.chains);
      const ChainDraws in_all{view(all), draws.superchains, draws.chains, draws.metric, {}, all.copies};
      return certify(in_all, divergences, whitening, values, own_options);
    }
    ChainDraws plain = draws;
    plain.modes.resize(0, 0);
    return certify(plain, divergences, whitening, values, own_options);
  }
  Certificate certificate;
  const Index n = draws.theta.cols();
  certificate.shortfall = infinity;
  Findings findings;
  const Judged judged =
      compute(values, draws.theta, draws.gradient, Vector::Constant(n, 1.0 / static_cast<double>(n)));
  if (!expect_finite(judged, values, findings)) {
    findings.conclude({}, certificate);
    return certificate;
  }

  const Mixing mixed = mixing(judged.values, draws.superchains, draws.chains);
  certificate.rhat = mixed.rhat;
  certificate.rhat_limit = nested_rhat_limit(draws.superchains, mixed.quantities);
  certificate.lag_correlation = mixed.lag_correlation;
  certificate.ess = std::clamp(1.0 / (mixed.mean_error * mixed.mean_error), 1.0, static_cast<double>(n));

  Draws grouped = draws;
  grouped.group = independent_groups(draws);
  certificate.moments = estimate(grouped, judged.values, whitening, values, options, 1.0);
  const StandardErrorLimits limits = limits_of(certificate.moments, certificate.moments.groups, 1.0);

  findings.expect(divergences == 0, "the Markov chains missed a part of the posterior", [&] {
    return fmt::format("{} trajectories diverged: the chains missed a part of the posterior", divergences);
  });
  findings.expect(mixed.rhat < certificate.rhat_limit, "the Markov chains disagree", [&] {
    return fmt::format("{}: the chains disagree, nested R-hat {:.4f} (limit {:.4f})",
                       name_of(values, mixed.rhat_at), mixed.rhat, certificate.rhat_limit);
  });
  expect_moments(certificate.moments, limits, equal_tails, values, findings, certificate);
  // R-hat squared less 1 is a variance of means, and falls like one.
  const auto excess = [](double rhat) { return rhat * rhat - 1.0; };
  certificate.shortfall =
      std::max(certificate.shortfall, excess(mixed.rhat) / excess(certificate.rhat_limit));
  put_unset(judged.unset, certificate.moments);
  findings.conclude(fmt::format("{}, nested R-hat {:.4f} (limit {:.4f}), {} draws of {} chains; {}",
                                describe(certificate.moments, limits), certificate.rhat,
                                certificate.rhat_limit, n, draws.chains, describe(certificate.moments.stein)),
                    certificate);
  return certificate;
}

PoolRule pool_rule(const JudgedValues& values) {
  return [values](const WeightedPool& pool) {
    const Certificate found = certify(pool, pool.whitening, values);
    return PoolCheck{.enough = found.holds,
                     .khat = found.khat,
                     .ess = found.ess,
                     .shortfall = found.shortfall,
                     .note = found.reason};
  };
}

ChainRule chain_rule(const JudgedValues& values) {
  return [values](const ChainDraws& draws) {
    const Certificate found = certify(draws, 0, draws.metric, values);
    return ChainCheck{.enough = found.holds,
                      .lengthen = found.lag_correlation > slow,
                      .hopeless = found.rhat > apart && draws.iterations() >= enough_to_despair,
                      .shortfall = found.shortfall,
                      .note = found.reason};
  };
}

std::string disagreement(const Moments& pool, const Moments& chains, double errors,
                         const JudgedValues& values) {
  double worst = errors;
  std::string what;
  for (Index k = 0; k < pool.mean.size(); ++k) {
    const auto compare = [&](const char* moment, double one, double one_error, double other,
                             double other_error) {
      if (std::isnan(one) && std::isnan(other)) return;  // of a value that is nowhere a number
      const double joint = std::hypot(one_error, other_error, immaterial * pool.sd(k));
      const double apart = one == other ? 0.0 : std::abs(one - other) / joint;
      if (apart <= worst && std::isfinite(joint)) return;
      worst = std::isfinite(joint) && !std::isnan(apart) ? apart : infinity;
      what = fmt::format("{}: its {} is {:.4g} +- {:.2g} by importance sampling, {:.4g} +- {:.2g} by chains",
                         name_of(values, k), moment, one, one_error, other, other_error);
    };
    compare("mean", pool.mean(k), pool.mean_error(k), chains.mean(k), chains.mean_error(k));
    compare("sd", pool.sd(k), pool.sd_error(k), chains.sd(k), chains.sd_error(k));
  }
  return what;
}

}  // namespace vfe
