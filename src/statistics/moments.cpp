#include "vfe/statistics/moments.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "statistics/prepared_draws.hpp"
#include "statistics/stein.hpp"
#include "statistics/stein_directions.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/statistics/psis.hpp"

namespace vfe {
namespace {

constexpr Index most_cubic = 6;  // dimension
// Draws needed for each polynomial.
constexpr double draws_quadratic = 2.5, draws_grouped = 4.0, draws_cubic = 4.0;
// Of the error of a plain mean. With 1,024 draws of log gamma variables of shape 3 residuals are off by 0.006
// of it, and their own errors say 0.003; with 64 chains of 28 draws one sd in 128 was off by 0.02 of it.
constexpr double unseen = 0.03;
constexpr double exact = 1e-6;  // residuals, relative to plain errors, that are rounding
// Added to squared distances: their logarithm near 0 says nothing of the tail.
constexpr double tail_floor = 1e-3;
// [nats] A tail of shape 0.5 ends within this of its beginning once in 500 (100 draws); one that does, of a
// bounded value say, or in groups of values, has a shape that means nothing.
constexpr double least_span = 1.386;
constexpr double tail_draws_least = 50.0, tail_draws_most = 2000.0;

/// The integrands of a value z: z, z^2 and for each probability whether z is at most its crude quantile.
class Integrands {
 public:
  Integrands(const PreparedDraws& sample, const std::vector<Index>& values,
             const std::vector<double>& probabilities)
      : sample_(sample), thresholds_(static_cast<Index>(probabilities.size()), sample.z.rows()) {
    if (probabilities.empty()) return;
    for (Index k : values) {
      const WeightedQuantiles quantiles(sample.z.row(k).transpose(), sample.design.weight);
      for (std::size_t q = 0; q < probabilities.size(); ++q)
        thresholds_(static_cast<Index>(q), k) = quantiles.at(probabilities[q]);
    }
  }

  Index count() const { return 2 + thresholds_.rows(); }

  Matrix of(Index value) const {
    Matrix rows(count(), sample_.size());
    const auto z = sample_.z.row(value);
    rows.row(0) = z;
    rows.row(1) = z.cwiseAbs2();
    for (Index q = 0; q < thresholds_.rows(); ++q)
      rows.row(2 + q) = (z.array() <= thresholds_(q, value)).cast<double>();
    return rows;
  }

  Matrix of_all(const std::vector<Index>& values) const {
    Matrix rows(count() * static_cast<Index>(values.size()), sample_.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      rows.middleRows(static_cast<Index>(i) * count(), count()) = of(values[i]);
    return rows;
  }

 private:
  const PreparedDraws& sample_;
  Matrix thresholds_;  // a row for each probability, P columns
};

/// The expectations of all integrands of the values that vary, one value after another, as one set of control
/// variates has them.
struct Candidate {
  ControlVariates set = ControlVariates::none;
  stein::Means means;
  double largest_deviation = 0.0;
  Index num_features = 0;
};

std::vector<Index> varying(const PreparedDraws& sample) {
  std::vector<Index> values;
  for (Index k = 0; k < sample.z.rows(); ++k)
    if (sample.varies(k)) values.push_back(k);
  return values;
}

class Estimator {
 public:
  Estimator(const PreparedDraws& sample, const Affine& whitening, const MomentOptions& options)
      : sample_(sample),
        whitening_(whitening),
        coordinate_(options.coordinate),
        values_(varying(sample)),
        integrands_(sample, values_, options.probabilities) {}

  const std::vector<Index>& values() const { return values_; }
  const Integrands& integrands() const { return integrands_; }

  Candidate estimate(ControlVariates set) const {
    if (values_.empty()) return {.set = set, .means = {}};
    switch (set) {
      case ControlVariates::none:
        return plain();
      case ControlVariates::own:
        return own();
      case ControlVariates::quadratic:
      case ControlVariates::cubic:
        break;
    }
    const Index count = stein::num_features(set, sample_.u.rows());
    const auto features = [&](Index first, Mat block) {
      stein::polynomials(set, sample_.u.middleCols(first, block.cols()),
                         sample_.gradient.middleCols(first, block.cols()), block);
    };
    stein::Regressed result = stein::regress(sample_.design, count, features, integrands_.of_all(values_));
    return {set, std::move(result.means), result.deviation.maxCoeff(), count};
  }

 private:
  Candidate empty(ControlVariates set) const {
    const Index size = integrands_.count() * static_cast<Index>(values_.size());
    return {.set = set, .means = {Vector::Zero(size), Vector::Zero(size)}};
  }

  void put(std::size_t i, const stein::Means& means, Candidate& candidate) const {
    const Index begin = static_cast<Index>(i) * integrands_.count();
    candidate.means.value.segment(begin, integrands_.count()) = means.value;
    candidate.means.error.segment(begin, integrands_.count()) = means.error;
  }

  Candidate plain() const {
    Candidate candidate = empty(ControlVariates::none);
    for (std::size_t i = 0; i < values_.size(); ++i)
      put(i, stein::weighted_means(sample_.design, integrands_.of(values_[i])), candidate);
    return candidate;
  }

  Candidate own() const {
    Candidate candidate = empty(ControlVariates::own);
    candidate.num_features = 3 * static_cast<Index>(values_.size());
    const OwnDirections directions(sample_, whitening_, coordinate_);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::pair<Vector, Vector> along = directions.along(values_[i]);
      const auto features = [&](Index first, Mat block) {
        stein::powers(along.first.segment(first, block.cols()), along.second.segment(first, block.cols()),
                      block);
      };
      const stein::Regressed result = stein::regress(sample_.design, 3, features, integrands_.of(values_[i]));
      put(i, result.means, candidate);
      candidate.largest_deviation = std::max(candidate.largest_deviation, result.deviation.maxCoeff());
    }
    return candidate;
  }

  const PreparedDraws& sample_;
  const Affine& whitening_;
  const std::vector<Index>& coordinate_;
  std::vector<Index> values_;
  Integrands integrands_;
};

std::vector<ControlVariates> allowed(const PreparedDraws& sample, const MomentOptions& options) {
  if (!sample.enough) return {};
  if (options.control_variates) return {*options.control_variates};
  const Index d = sample.u.rows();
  const auto n = static_cast<double>(sample.size());
  const auto suffice = [&](ControlVariates set, double each) {
    return n >= each * static_cast<double>(stein::num_features(set, d));
  };
  std::vector<ControlVariates> sets = {ControlVariates::own};
  if (suffice(ControlVariates::quadratic, sample.design.group.empty() ? draws_quadratic : draws_grouped))
    sets.push_back(ControlVariates::quadratic);
  if (d <= most_cubic && suffice(ControlVariates::cubic, draws_cubic)) sets.push_back(ControlVariates::cubic);
  return sets;
}

/// Replaces estimates by plain ones where these have the smaller error, and the moments of a value where the
/// others would leave it no variance.
void prefer_smaller_errors(const stein::Means& plain, Index stride, stein::Means& means) {
  const auto replace = [&](Index i) { means.value(i) = plain.value(i), means.error(i) = plain.error(i); };
  for (Index i = 0; i < means.value.size(); ++i)
    if (!(means.error(i) < plain.error(i))) replace(i);
  for (Index i = 0; i < means.value.size(); i += stride)
    if (!(means.value(i + 1) - means.value(i) * means.value(i) > 0.0)) replace(i), replace(i + 1);
}

/// Adds to errors what the residuals of control variates cannot show: a residual that is small where the
/// draws are may be large where rare ones would be. Where it is nothing at all the integrand is a sum of
/// features, and so everywhere.
void allow_for_the_unseen(const stein::Means& plain, stein::Means& means) {
  for (Index i = 0; i < means.error.size(); ++i) {
    if (means.error(i) > exact * plain.error(i) && means.error(i) < plain.error(i))
      means.error(i) = std::hypot(means.error(i), unseen * plain.error(i));
  }
}

/// How far control variates have moved the mean of a value, over the joint standard error; the furthest.
double largest_shift(const stein::Means& plain, const stein::Means& means, Index stride) {
  double largest = 0.0;
  for (Index i = 0; i < means.value.size(); i += stride) {
    const double shift = std::abs(means.value(i) - plain.value(i));
    if (shift > 1e-12) largest = std::max(largest, shift / std::hypot(means.error(i), plain.error(i)));
  }
  return largest;
}

/// Sum over values of squared standard errors of mean and second moment.
double total_error(const stein::Means& means, Index stride) {
  double total = 0.0;
  for (Index i = 0; i < means.error.size(); i += stride) total += means.error.segment(i, 2).squaredNorm();
  return total;
}

/// What part of the plain error of a second moment its control variates can be trusted to leave: they are
/// polynomials, and what they do to draws that are there tells little of a tail too long to have been seen.
double least_share_of_plain(double tail) {
  constexpr double long_tail = 0.3, too_long = 0.5;  // k-hat of squares; from 0.5 on they have no variance
  return std::clamp((tail - long_tail) / (too_long - long_tail), 0.0, 1.0);
}

Eigen::ArrayXd distance_to_nearest(const Eigen::ArrayXd& z, const Eigen::ArrayXd& centres) {
  Eigen::ArrayXd distance = Eigen::ArrayXd::Constant(z.size(), infinity);
  for (const double centre : centres) {
    if (std::isfinite(centre)) distance = distance.min((z - centre).abs());
  }
  return distance;
}

/// The shape of the tail of x, and its standard error.
std::pair<double, double> tail_of(const Vector& log_x) {
  const Psis tail = psis(log_x);
  if (tail.span < least_span) return {0.0, 0.0};
  return {tail.khat, tail.khat_error};
}

/// A sample without repetition of the posterior, for the tails of values.
std::vector<Index> tail_sample(const Vector& log_weights, double ess) {
  const auto count = static_cast<Index>(std::clamp(0.5 * ess, tail_draws_least, tail_draws_most));
  std::vector<Index> drawn = resample(log_weights, count, 0.5);
  drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  return drawn;
}

/// The expectations of the integrands of one value made moments of it. `estimated` and `plain` are those with
/// the smaller errors and those of the weighted draws.
void describe(const PreparedDraws& sample, Index value, const stein::Means& estimated,
              const stein::Means& plain, const std::vector<double>& probabilities, Moments& moments) {
  const double centre = sample.centre(value), scale = sample.scale(value);
  const double mean = estimated.value(0), sd = std::sqrt(estimated.value(1) - mean * mean);
  moments.mean(value) = centre + scale * mean;
  moments.mean_error(value) = scale * estimated.error(0);
  moments.sd(value) = scale * sd;
  moments.sd_error(value) = scale * estimated.error(1) / (2.0 * sd);
  if (probabilities.empty()) return;
  const WeightedQuantiles quantiles(sample.z.row(value).transpose(), sample.design.weight);
  for (std::size_t q = 0; q < probabilities.size(); ++q) {
    // The control variates say by how much the weighted distribution function is off at its quantile; its
    // error there, turned into one of the quantile by the function itself (as Vehtari et al. 2021).
    const auto row = static_cast<Index>(q);
    const double error = estimated.error(2 + row);
    const double probability = probabilities[q] + plain.value(2 + row) - estimated.value(2 + row);
    moments.quantiles(row, value) = centre + scale * quantiles.at(probability);
    moments.quantile_errors(row, value) =
        std::isfinite(error)
            ? 0.5 * scale * (quantiles.at(probability + error) - quantiles.at(probability - error))
            : infinity;
  }
}

/// Means of one value out of those of all.
stein::Means part(const stein::Means& means, Index begin, Index size) {
  return {means.value.segment(begin, size), means.error.segment(begin, size)};
}

/// All values as if they were constant, or, if beyond range, unknown.
void initialise(const PreparedDraws& sample, Index num_quantiles, Moments& moments) {
  const Vector spread = sample.scale.unaryExpr([](double x) { return std::isfinite(x) ? 0.0 : infinity; });
  moments.mean = sample.centre;
  moments.mean_error = moments.sd = moments.sd_error = spread;
  moments.weighted_tail = moments.resampled_tail = spread;
  moments.weighted_tail_error = moments.resampled_tail_error = Vector::Zero(spread.size());
  moments.quantiles = sample.centre.transpose().replicate(num_quantiles, 1);
  moments.quantile_errors = spread.transpose().replicate(num_quantiles, 1);
}

/// Over the values with sd above 0; infinite where one is not a number.
double largest_of_varying(ConstVec numbers, ConstVec sd) {
  double largest = -infinity;
  for (Index k = 0; k < sd.size(); ++k) {
    if (sd(k) == 0.0) continue;
    largest = std::max(largest, std::isnan(numbers(k)) ? infinity : numbers(k));
  }
  return largest == -infinity ? 0.0 : largest;
}

}  // namespace

std::string to_string(ControlVariates set) {
  switch (set) {
    case ControlVariates::none:
      break;
    case ControlVariates::own:
      return "own";
    case ControlVariates::quadratic:
      return "quadratic";
    case ControlVariates::cubic:
      return "cubic";
  }
  return "none";
}

Moments estimate_moments(const Draws& draws, ConstMat values, const Affine& whitening,
                         const MomentOptions& options) {
  const PreparedDraws sample = prepare(draws, values, whitening, options.coordinate);
  const Estimator estimator(sample, whitening, options);
  const Index stride = estimator.integrands().count(), num_quantiles = stride - 2;
  const Vector& weight = sample.design.weight;

  Moments moments;
  moments.ess = 1.0 / weight.squaredNorm();
  moments.used = sample.size();
  moments.groups = sample.design.num_groups;
  moments.non_finite = sample.non_finite;
  moments.lost_weight = sample.lost_weight;
  initialise(sample, num_quantiles, moments);

  const Candidate plain = estimator.estimate(ControlVariates::none);
  Candidate best = plain;
  if (!sample.enough) best.means.error.setConstant(infinity);
  double smallest = infinity;
  for (ControlVariates set : allowed(sample, options)) {
    Candidate candidate = estimator.estimate(set);
    prefer_smaller_errors(plain.means, stride, candidate.means);
    moments.stein.largest = std::max(moments.stein.largest, candidate.largest_deviation);
    moments.stein.num_features += candidate.num_features;
    if (const double total = total_error(candidate.means, stride); total < smallest)
      smallest = total, best = std::move(candidate);
  }
  allow_for_the_unseen(plain.means, best.means);
  moments.control_variates = best.set;
  if (moments.stein.num_features > 0) {
    moments.stein.limit = stein::deviation_limit(moments.stein.num_features, sample.design);
    moments.stein.largest = std::max(moments.stein.largest, largest_shift(plain.means, best.means, stride));
  } else {
    moments.stein.largest = infinity;
  }

  const Vector log_weights = weight.array().log();
  const std::vector<Index> resampled = tail_sample(log_weights, moments.ess);
  for (std::size_t i = 0; i < estimator.values().size(); ++i) {
    const Index value = estimator.values()[i], begin = static_cast<Index>(i) * stride;
    stein::Means own = part(best.means, begin, stride);
    const stein::Means own_plain = part(plain.means, begin, stride);
    const Eigen::ArrayXd z = sample.z.row(value).transpose();
    const double mean = own.value(0), sd = std::sqrt(own.value(1) - mean * mean);
    // The squared distance from the mean, or from the nearest mode, in sds.
    const Eigen::ArrayXd distance =
        options.centres.cols() > 0
            ? distance_to_nearest(z, (options.centres.row(value).transpose().array() - sample.centre(value)) /
                                         sample.scale(value))
            : Eigen::ArrayXd(z - mean);
    const Vector log_square = (tail_floor + (distance / sd).square()).log();
    std::tie(moments.weighted_tail(value), moments.weighted_tail_error(value)) =
        tail_of(log_weights + log_square);
    std::tie(moments.resampled_tail(value), moments.resampled_tail_error(value)) =
        tail_of(log_square(resampled));
    const double tail = std::max(moments.weighted_tail(value) - moments.weighted_tail_error(value),
                                 moments.resampled_tail(value) - moments.resampled_tail_error(value));
    if (own.error(1) > exact * own_plain.error(1))
      own.error(1) = std::max(own.error(1), least_share_of_plain(tail) * own_plain.error(1));
    describe(sample, value, own, own_plain, options.probabilities, moments);
  }
  return moments;
}

double Moments::largest_mean_error() const {
  return largest_of_varying(mean_error.cwiseQuotient(sd), sd);
}

double Moments::largest_sd_error() const {
  return largest_of_varying(sd_error.cwiseQuotient(sd), sd);
}

double Moments::largest_weighted_tail() const {
  return largest_of_varying(weighted_tail, sd);
}

double Moments::largest_resampled_tail() const {
  return largest_of_varying(resampled_tail, sd);
}

}  // namespace vfe
