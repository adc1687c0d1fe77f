#include "vfe/statistics/moments.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"
#include "vfe/statistics/psis.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index columns, std::uint32_t which, std::uint32_t block = 0) {
  Matrix x(rows, columns);
  fill_normal({.seed = 21, .purpose = Purpose::check, .step = which, .block = block}, x);
  return x;
}

/// Draws and the values whose moments are asked.
struct Owned : OwnedDraws {
  Matrix values = {};
  std::vector<Index> coordinate = {};
};

Moments moments_of(const Owned& draws, const Affine& whitening, MomentOptions options = {}) {
  options.coordinate = draws.coordinate;
  return estimate_moments(view(draws), draws.values, whitening, options);
}

Affine unit(Index d) {
  return {.shift = Vector::Zero(d), .scale = Matrix::Ones(d, 1)};
}

/// A lower triangular matrix with a diagonal from 0.5 to 1.5.
Matrix cholesky(Index d) {
  Matrix lower = 0.5 * normals(d, d, 900) / std::sqrt(static_cast<double>(d));
  lower.triangularView<Eigen::StrictlyUpper>().setZero();
  lower.diagonal().setLinSpaced(0.5, 1.5);
  return lower;
}

/// A Gaussian N(mean, L L') with weighted draws of N(0, 2.5^2 I); values are theta.
Owned wrong_gaussian(const Vector& mean, const Matrix& lower, Index n) {
  const Index d = mean.size();
  Owned draws{{.theta = 2.5 * normals(d, n, 901), .gradient = {}}};
  draws.log_weight.resize(n);
  const Matrix u = lower.triangularView<Eigen::Lower>().solve(draws.theta.colwise() - mean);
  draws.gradient = -lower.transpose().triangularView<Eigen::Upper>().solve(u);
  draws.values = draws.theta;
  for (Index s = 0; s < n; ++s)
    draws.log_weight(s) = -0.5 * u.col(s).squaredNorm() + 0.5 * (draws.theta.col(s) / 2.5).squaredNorm();
  return draws;
}

TEST(Moments, OfAGaussianAreExactWithQuadraticControlVariates) {
  const Index d = 4;
  const Vector mean = 0.7 * normals(d, 1, 902).col(0);
  const Matrix lower = cholesky(d);
  const Owned draws = wrong_gaussian(mean, lower, 600);
  // Neither the proposal nor the whitening is that of the target.
  const Moments moments = moments_of(draws, unit(d), {.control_variates = ControlVariates::quadratic});
  EXPECT_EQ(moments.control_variates, ControlVariates::quadratic);
  for (Index k = 0; k < d; ++k) {
    EXPECT_NEAR(moments.mean(k), mean(k), 1e-8) << k;
    EXPECT_NEAR(moments.sd(k), lower.row(k).norm(), 1e-8) << k;
    EXPECT_LT(moments.mean_error(k), 1e-8) << k;
    EXPECT_LT(moments.sd_error(k), 1e-8) << k;
  }
  EXPECT_TRUE(moments.stein.passed()) << moments.stein.largest;
}

// Here the whitening is the target's own, dense and diagonal; values have coordinates, or are found by
// regression, being sums of several.
TEST(Moments, OfAGaussianAreExactAlongTheirOwnDirections) {
  const Index d = 8;
  const Vector mean = 0.7 * normals(d, 1, 902).col(0);
  for (int diagonal = 0; diagonal < 2; ++diagonal) {
    Matrix lower = cholesky(d);
    if (diagonal) lower.triangularView<Eigen::StrictlyLower>().setZero();
    Owned draws = wrong_gaussian(mean, lower, 3000);
    const Affine whitening{mean, diagonal ? Matrix(lower.diagonal()) : lower};
    const Matrix sums = normals(2, d, 903);
    draws.values.conservativeResize(d + 2, Eigen::NoChange);
    draws.values.bottomRows(2) = sums * draws.theta;
    for (Index k = 0; k < d; ++k) draws.coordinate.push_back(k);
    draws.coordinate.insert(draws.coordinate.end(), {-1, -1});
    // An ESS large enough for a regression; what is exact is so whatever the weights.
    draws.log_weight *= 0.25;
    const Moments moments = moments_of(draws, whitening, {.control_variates = ControlVariates::own});
    for (Index k = 0; k < d + 2; ++k) {
      const Vector row = k < d ? Vector(lower.row(k)) : Vector(sums.row(k - d) * lower);
      const double exact = k < d ? mean(k) : sums.row(k - d).dot(mean);
      EXPECT_NEAR(moments.mean(k), exact, 1e-7) << k << " " << diagonal;
      EXPECT_NEAR(moments.sd(k), row.norm(), 1e-7) << k << " " << diagonal;
      EXPECT_LT(moments.mean_error(k), 1e-7) << k << " " << diagonal;
      EXPECT_LT(moments.sd_error(k), 1e-7) << k << " " << diagonal;
    }
  }
}

// With too few draws for a regression the most correlated coordinate stands in, here the value itself.
TEST(Moments, WithFewDrawsOwnDirectionsAreThoseOfCoordinates) {
  const Index d = 8;
  const Vector mean = 0.7 * normals(d, 1, 902).col(0);
  const Owned draws = wrong_gaussian(mean, cholesky(d), 300);
  const Moments moments = moments_of(draws, {mean, cholesky(d)}, {.control_variates = ControlVariates::own});
  ASSERT_LT(moments.ess, 20.0 * d);
  for (Index k = 0; k < d; ++k) {
    EXPECT_NEAR(moments.mean(k), mean(k), 1e-7) << k;
    EXPECT_NEAR(moments.sd(k), cholesky(d).row(k).norm(), 1e-7) << k;
  }
}

/// A problem with known moments and quantiles, as often as one likes.
struct Exact {
  Vector mean, sd;
  Matrix quantiles;
};

/// Root mean square of (estimate - exact) / error over repetitions and values: of means, sds, quantiles.
struct Scores {
  double mean = 0.0, sd = 0.0, quantile = 0.0;
  Index checks_failed = 0;
};

template <class Make>
Scores score(const Make& make, const Exact& exact, const MomentOptions& options, const Affine& whitening) {
  constexpr Index repetitions = 200;
  Scores scores;
  double count = 0.0, quantile_count = 0.0;
  for (Index r = 0; r < repetitions; ++r) {
    const Owned draws = make(static_cast<std::uint32_t>(r));
    const Moments moments = moments_of(draws, whitening, options);
    for (Index k = 0; k < exact.mean.size(); ++k) {
      scores.mean += std::pow((moments.mean(k) - exact.mean(k)) / moments.mean_error(k), 2);
      scores.sd += std::pow((moments.sd(k) - exact.sd(k)) / moments.sd_error(k), 2);
      count += 1.0;
      for (Index q = 0; q < exact.quantiles.rows(); ++q) {
        scores.quantile +=
            std::pow((moments.quantiles(q, k) - exact.quantiles(q, k)) / moments.quantile_errors(q, k), 2);
        quantile_count += 1.0;
      }
    }
    scores.checks_failed += moments.stein.passed() ? 0 : 1;
  }
  scores.mean = std::sqrt(scores.mean / count);
  scores.sd = std::sqrt(scores.sd / count);
  scores.quantile = std::sqrt(scores.quantile / quantile_count);
  return scores;
}

/// Multivariate t draws, and log density but for a constant.
std::pair<Matrix, Vector> student_draws(Index d, Index degrees, double scale, Index n, std::uint32_t which) {
  Matrix theta = scale * normals(d, n, which);
  const Vector chi2 = normals(degrees, n, which, 1).colwise().squaredNorm();
  theta *= (static_cast<double>(degrees) / chi2.array()).sqrt().matrix().asDiagonal();
  const double power = 0.5 * static_cast<double>(degrees + d);
  const Vector square = theta.colwise().squaredNorm() / (scale * scale * static_cast<double>(degrees));
  return {theta, -power * square.array().log1p()};
}

/// x ~ N(0, 1), y = (x^2 - 1) / 2 + N(0, 0.5^2).
Owned banana(Matrix theta, const Vector& log_q) {
  Owned draws{{.theta = std::move(theta), .gradient = {}}};
  const Eigen::ArrayXd x = draws.theta.row(0), y = draws.theta.row(1);
  const Eigen::ArrayXd rest = (y - 0.5 * (x.square() - 1.0)) / 0.25;
  draws.gradient.resize(2, x.size());
  draws.gradient << (-x + rest * x).transpose().matrix(), (-rest).transpose().matrix();
  draws.values = draws.theta;
  if (log_q.size() > 0)
    draws.log_weight = psis((-0.5 * x.square() - 0.125 * rest.square()).matrix() - log_q).log_weights;
  return draws;
}

Exact banana_moments() {
  return {.mean = Vector::Zero(2), .sd = Vector{{1.0, std::sqrt(0.5 + 0.25)}}, .quantiles = {}};
}

// The rms of 400 scores that are standard normal is within 1 +- 3 / sqrt(800) = 0.89 .. 1.11. Scores of sds
// and of quantiles have a little more spread at these sizes: their errors are themselves estimated.
TEST(Moments, ErrorsOfTheBananaAreHonest) {
  const auto make = [](std::uint32_t which) {
    const auto [theta, log_q] = student_draws(2, 5, 1.5, 2048, which);
    return banana(theta, log_q);
  };
  for (auto set : {ControlVariates::none, ControlVariates::own, ControlVariates::cubic}) {
    const Scores scores = score(make, banana_moments(), {.control_variates = set}, unit(2));
    EXPECT_NEAR(scores.mean, 1.0, 0.15) << to_string(set);
    EXPECT_NEAR(scores.sd, 1.0, 0.2) << to_string(set);
    if (set != ControlVariates::none) {
      EXPECT_LE(scores.checks_failed, 2) << to_string(set);
    }
  }
}

TEST(Moments, ErrorsOfStudentsDistributionAreHonest) {
  for (Index degrees : {5, 10}) {
    const double nu = static_cast<double>(degrees);
    const auto make = [&](std::uint32_t which) {
      auto [theta, log_q] = student_draws(2, 4, 1.2, 2048, which);
      Owned draws{{.theta = std::move(theta), .gradient = {}}};
      const Vector square = draws.theta.colwise().squaredNorm() / nu;
      draws.gradient =
          -(nu + 2.0) / nu * draws.theta * (1.0 + square.array()).inverse().matrix().asDiagonal();
      draws.values = draws.theta;
      draws.log_weight = psis((-0.5 * (nu + 2.0) * square.array().log1p()).matrix() - log_q).log_weights;
      return draws;
    };
    // 5 % quantiles: R, qt(0.05, nu).
    const double low = degrees == 5 ? -2.015048372669157 : -1.812461122811676;
    const Exact exact{.mean = Vector::Zero(2),
                      .sd = Vector::Constant(2, std::sqrt(nu / (nu - 2.0))),
                      .quantiles = Matrix{{low, low}, {0.0, 0.0}}};
    const Scores scores = score(make, exact, {.probabilities = {0.05, 0.5}}, unit(2));
    EXPECT_NEAR(scores.mean, 1.0, 0.15) << degrees;
    EXPECT_NEAR(scores.sd, 1.0, 0.2) << degrees;
    EXPECT_NEAR(scores.quantile, 1.0, 0.15) << degrees;
    EXPECT_LE(scores.checks_failed, 2) << degrees;
  }
}

// 32 groups of autocorrelated draws: the banana of two stationary autoregressions. Scores are then Student's
// with 31 degrees of freedom, of rms sqrt(31 / 29).
TEST(Moments, ErrorsOfDependentDrawsAreHonest) {
  const auto make = [](std::uint32_t which) {
    constexpr Index groups = 32, length = 100;
    constexpr double rho = 0.5;
    Matrix latent = normals(2, groups * length, which, 2);
    std::vector<Index> group;
    for (Index s = 0; s < groups * length; ++s) {
      if (s >= groups)
        latent.col(s) = rho * latent.col(s - groups) + std::sqrt(1.0 - rho * rho) * latent.col(s);
      group.push_back(7 * (s % groups));
    }
    Matrix theta(2, latent.cols());
    theta << latent.row(0),
        (0.5 * (latent.row(0).array().square() - 1.0) + 0.5 * latent.row(1).array()).matrix();
    Owned draws = banana(theta, {});
    draws.group = group;
    return draws;
  };
  for (auto set : {ControlVariates::none, ControlVariates::cubic}) {
    const Scores scores = score(make, banana_moments(), {.control_variates = set}, unit(2));
    EXPECT_NEAR(scores.mean, 1.03, 0.15) << to_string(set);
    EXPECT_NEAR(scores.sd, 1.03, 0.2) << to_string(set);
  }
}

/// Draws of the posterior itself, all alike; values are theta.
Owned unweighted(Matrix theta, Matrix gradient) {
  Owned draws{{.theta = std::move(theta), .gradient = std::move(gradient)}};
  draws.values = draws.theta;
  return draws;
}

// Independent logs of gamma variables of shape 3. Own control variates leave residuals of a few thousandths
// of a standard error, which only rare draws show; their plain errors would be too small by a factor of 2.
TEST(Moments, SmallErrorsAreHonest) {
  constexpr Index d = 4;
  constexpr double shape = 3.0, mean = 0.922784335098467, variance = 0.394934066848226;  // di- and trigamma
  const auto make = [&](std::uint32_t which) {
    Matrix theta(d, 1024);
    for (Index s = 0; s < theta.cols(); ++s) {
      const Address at{
          .seed = 9, .purpose = Purpose::check, .step = which, .draw = static_cast<std::uint32_t>(s)};
      for (Index i = 0; i < d; ++i) {
        double sum = 0.0;
        for (Index k = 0; k < 3; ++k) sum -= std::log(uniform(at, static_cast<std::uint32_t>(3 * i + k)));
        theta(i, s) = std::log(sum);
      }
    }
    const Matrix gradient = shape - theta.array().exp();
    Owned draws = unweighted(theta, gradient);
    draws.values.array() -= mean;
    draws.values /= std::sqrt(variance);
    return draws;
  };
  const Affine whitening{Vector::Constant(d, mean), Matrix::Constant(d, 1, std::sqrt(variance))};
  const Exact standard{.mean = Vector::Zero(d), .sd = Vector::Ones(d), .quantiles = {}};
  const Scores scores = score(make, standard, {.control_variates = ControlVariates::own}, whitening);
  EXPECT_LT(scores.mean, 1.1);
  EXPECT_NEAR(scores.sd, 1.0, 0.3);
  EXPECT_LE(scores.checks_failed, 2);
}

TEST(Moments, ControlVariatesOnlyEverHelp) {
  const auto [theta, log_q] = student_draws(2, 5, 1.5, 2048, 1);
  const Owned draws = banana(theta, log_q);
  const Moments plain = moments_of(draws, unit(2), {{0.1}, ControlVariates::none});
  const Moments own = moments_of(draws, unit(2), {{0.1}, ControlVariates::own});
  const Moments chosen = moments_of(draws, unit(2), {{0.1}, {}});
  EXPECT_EQ(chosen.control_variates, ControlVariates::cubic);
  for (Index k = 0; k < 2; ++k) {
    EXPECT_LE(own.mean_error(k), plain.mean_error(k));
    EXPECT_LE(own.quantile_errors(0, k), 1.2 * plain.quantile_errors(0, k));  // elsewhere in the same tail
    // x is Gaussian and nearly a feature; y is a quadratic in it. Plain errors are 0.04 to 0.06.
    EXPECT_LT(chosen.mean_error(k), 0.6 * plain.mean_error(k)) << k;
  }
  EXPECT_FALSE(plain.stein.passed());  // nothing was checked
  EXPECT_TRUE(chosen.stein.passed());
  EXPECT_EQ(chosen.stein.num_features, 6 + 5 + 9);
}

TEST(Moments, ErrorsOfPlainMeansOfIndependentDraws) {
  const Index n = 10000;
  Owned draws = unweighted(normals(1, n, 1), -normals(1, n, 1));
  const Moments moments = moments_of(draws, unit(1), {{0.5, 0.9}, ControlVariates::none});
  EXPECT_NEAR(moments.mean(0), draws.theta.mean(), 1e-12);
  EXPECT_NEAR(moments.mean_error(0), 0.01, 0.0005);
  EXPECT_NEAR(moments.sd_error(0), 0.01 / std::sqrt(2.0), 0.0005);
  EXPECT_NEAR(moments.ess, 10000.0, 1e-6);
  // sqrt(p (1 - p) / n) over the density at the quantile, 0.3989 and 0.1755.
  EXPECT_NEAR(moments.quantile_errors(0, 0), 0.005 / 0.3989, 0.002);
  EXPECT_NEAR(moments.quantile_errors(1, 0), 0.003 / 0.1755, 0.003);
  std::vector<double> sorted(draws.theta.data(), draws.theta.data() + n);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR(moments.quantiles(1, 0), 0.5 * (sorted[8999] + sorted[9000]), 1e-12);
}

TEST(Moments, SteinCheckSeesAHardBoundary) {
  // Exponential without a transform: the density does not vanish at 0, where the draws stop.
  Matrix theta(2, 2000);
  for (Index s = 0; s < theta.cols(); ++s)
    for (Index i = 0; i < 2; ++i)
      theta(i, s) = -std::log(
          uniform({.seed = 5, .draw = static_cast<std::uint32_t>(s)}, static_cast<std::uint32_t>(i)));
  for (auto set : {ControlVariates::own, ControlVariates::quadratic}) {
    const Owned draws = unweighted(theta, -Matrix::Ones(2, 2000));
    EXPECT_FALSE(moments_of(draws, unit(2), {.control_variates = set}).stein.passed());
  }
  // A half normal: here no feature is constant.
  const Matrix half = normals(2, 2000, 30).cwiseAbs();
  const Owned draws = unweighted(half, -half);
  const SteinCheck check = moments_of(draws, unit(2)).stein;
  EXPECT_FALSE(check.passed());
  EXPECT_TRUE(std::isfinite(check.largest));
}

TEST(Moments, SteinCheckSeesAWrongGradient) {
  const Matrix theta = normals(3, 4000, 31);
  EXPECT_TRUE(moments_of(unweighted(theta, -theta), unit(3)).stein.passed());
  Matrix wrong = -theta;
  wrong.row(1) *= 1.2;
  EXPECT_FALSE(moments_of(unweighted(theta, wrong), unit(3)).stein.passed());
  wrong = -theta;
  wrong.row(2).array() += 0.1;
  EXPECT_FALSE(moments_of(unweighted(theta, wrong), unit(3)).stein.passed());
  // A flat direction: the gradient is 0, and something is not.
  wrong = -theta;
  wrong.row(0).setZero();
  EXPECT_FALSE(moments_of(unweighted(theta, wrong), unit(3)).stein.passed());
}

TEST(Moments, TailsTellWhetherTheSdHasAnError) {
  // k-hat of squares of t3 is 2/3 and of normals 0, at these sizes to about 0.1.
  const auto gradient = [](const Matrix& x, double nu) {
    return Matrix((-(nu + 1.0) * x.array() / (nu + x.array().square())).matrix());
  };
  Index flagged = 0;
  for (std::uint32_t r = 0; r < 10; ++r) {
    const Matrix heavy = student_draws(1, 3, 1.0, 8000, r).first;
    const Moments moments = moments_of(unweighted(heavy, gradient(heavy, 3.0)), unit(1));
    if (moments.largest_weighted_tail() > 0.7 || moments.largest_resampled_tail() > 0.6) ++flagged;
    const Matrix light = normals(1, 8000, r);
    const Moments normal_moments = moments_of(unweighted(light, -light), unit(1));
    EXPECT_LT(normal_moments.largest_weighted_tail(), 0.4);
    EXPECT_LT(normal_moments.largest_resampled_tail(), 0.4);
  }
  EXPECT_GE(flagged, 6);
  // Light draws with weights for a heavy target.
  const Matrix light = normals(1, 4000, 50);
  Owned draws = unweighted(light, gradient(light, 3.0));
  draws.log_weight = (0.5 * light.array().square() - 2.0 * (light.array().square() / 3.0).log1p())
                         .matrix()
                         .row(0)
                         .transpose();
  EXPECT_GT(moments_of(draws, unit(1)).largest_weighted_tail(), 0.7);
}

TEST(Moments, ScalesAndShiftsOfValuesDoNotMatter) {
  const auto [theta, log_q] = student_draws(2, 5, 1.5, 1000, 3);
  Owned draws = banana(theta, log_q);
  const MomentOptions options{.probabilities = {0.05, 0.5}, .control_variates = {}};
  const Moments moments = moments_of(draws, unit(2), options);
  for (double scale : {1e-150, 1e3, 1e160}) {
    const double shift = 3.0 * scale;
    Owned other = draws;
    other.values = (scale * draws.values).array() + shift;
    const Moments scaled = moments_of(other, unit(2), options);
    EXPECT_EQ(scaled.control_variates, moments.control_variates);
    for (Index k = 0; k < 2; ++k) {
      EXPECT_NEAR(scaled.mean(k) / scale, moments.mean(k) + 3.0, 1e-9);
      EXPECT_NEAR(scaled.mean_error(k) / scale, moments.mean_error(k), 1e-9);
      EXPECT_NEAR(scaled.sd(k) / scale, moments.sd(k), 1e-9);
      EXPECT_NEAR(scaled.sd_error(k) / scale, moments.sd_error(k), 1e-9);
      EXPECT_NEAR(scaled.quantiles(0, k) / scale, moments.quantiles(0, k) + 3.0, 1e-9);
      EXPECT_NEAR(scaled.quantile_errors(1, k) / scale, moments.quantile_errors(1, k), 1e-9);
      EXPECT_NEAR(scaled.weighted_tail(k), moments.weighted_tail(k), 1e-6);
    }
  }
}

TEST(Moments, PassOverDrawsWithoutWeightOrNumbers) {
  const auto [theta, log_q] = student_draws(2, 5, 1.5, 1000, 4);
  Owned draws = banana(theta, log_q);
  const Moments moments = moments_of(draws, unit(2), {{0.5}, {}});

  // The same draws among others: two of weight 0, one of next to none, three that are not numbers.
  Owned more = draws;
  const Index n = theta.cols();
  for (Matrix* matrix : {&more.theta, &more.gradient, &more.values}) {
    matrix->conservativeResize(2, n + 6);
    matrix->rightCols(6).setConstant(1e3);
  }
  more.theta(0, n + 3) = nan;
  more.gradient(1, n + 4) = infinity;
  more.values(1, n + 5) = -infinity;
  more.values(0, n) = nan;
  more.log_weight.conservativeResize(n + 6);
  const double largest = draws.log_weight.maxCoeff();
  more.log_weight.tail(6) << -infinity, -infinity, largest - 40.0, Vector::Constant(3, largest - 9.0);
  const Moments same = moments_of(more, unit(2), {{0.5}, {}});
  EXPECT_EQ(same.used, moments.used);
  EXPECT_EQ(same.non_finite, 3);
  const double lost = 3.0 * std::exp(largest - 9.0);
  EXPECT_NEAR(same.lost_weight, lost / (1.0 + lost), 1e-12);
  for (Index k = 0; k < 2; ++k) {
    EXPECT_NEAR(same.mean(k), moments.mean(k), 1e-12);
    EXPECT_NEAR(same.sd_error(k), moments.sd_error(k), 1e-12);
    EXPECT_NEAR(same.quantiles(0, k), moments.quantiles(0, k), 1e-12);
  }
}

TEST(Moments, ConstantsHaveNoError) {
  const Matrix theta = normals(2, 500, 60);
  Owned draws = unweighted(theta, -theta);
  draws.values.row(0).setConstant(-1.0 / 3.0);
  const Moments mixed = moments_of(draws, unit(2), {{0.25}, {}});
  EXPECT_NEAR(mixed.mean(0), -1.0 / 3.0, 1e-15);
  EXPECT_EQ(mixed.sd(0), 0.0);
  EXPECT_EQ(mixed.mean_error(0), 0.0);
  EXPECT_EQ(mixed.sd_error(0), 0.0);
  EXPECT_NEAR(mixed.quantiles(0, 0), -1.0 / 3.0, 1e-15);
  EXPECT_NEAR(mixed.sd(1), 1.0, 1e-8);
  EXPECT_LT(mixed.largest_mean_error(), 1e-8);

  draws.values.row(1).setZero();
  const Moments all = moments_of(draws, unit(2));
  EXPECT_EQ(all.sd, Vector::Zero(2));
  EXPECT_EQ(all.largest_sd_error(), 0.0);
}

TEST(Moments, SayThatTheyAreUnknownWithTooFewDraws) {
  const Matrix theta = normals(2, 15, 61);
  const Moments few = moments_of(unweighted(theta, -theta), unit(2), {{0.5}, {}});
  EXPECT_EQ(few.mean_error, Vector::Constant(2, infinity));
  EXPECT_EQ(few.sd_error, Vector::Constant(2, infinity));
  EXPECT_EQ(few.quantile_errors(0, 0), infinity);
  EXPECT_FALSE(few.stein.passed());

  const Matrix many = normals(2, 100, 62);
  Owned draws = unweighted(many, -many);
  draws.group.assign(100, 4);
  EXPECT_EQ(moments_of(draws, unit(2)).largest_mean_error(), infinity);
}

TEST(Moments, RefuseWhatIsNotASample) {
  const Matrix theta = normals(2, 100, 63);
  Owned draws = unweighted(theta, -theta);
  const auto fault = [&] {
    try {
      moments_of(draws, unit(2));
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  draws.log_weight = Vector::Constant(100, -infinity);
  EXPECT_EQ(fault(), Fault::numeric);
  draws.log_weight(3) = nan;
  EXPECT_EQ(fault(), Fault::numeric);
  draws.log_weight = Vector::Zero(99);
  EXPECT_EQ(fault(), Fault::bug);
  draws.log_weight = Vector::Zero(100);
  draws.coordinate = {0, 2};
  EXPECT_EQ(fault(), Fault::bug);
}

}  // namespace
}  // namespace vfe
