#include "vfe/statistics/psis.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

double pareto_quantile(double p, double shape) {
  return shape == 0.0 ? -std::log1p(-p) : std::expm1(-shape * std::log1p(-p)) / shape;
}

/// A generalised Pareto sample of scale 1.
Vector pareto_sample(Index n, double shape, std::uint32_t which) {
  Vector x(n);
  const Address at{.seed = 3, .purpose = Purpose::check, .step = which};
  for (Index i = 0; i < n; ++i) x(i) = pareto_quantile(uniform(at, static_cast<std::uint32_t>(i)), shape);
  return x;
}

Vector normals(Index n, double sd) {
  Vector x(n);
  const Address at{.seed = 3, .purpose = Purpose::check};
  for (Index i = 0; i < n; ++i) x(i) = sd * normal(at, static_cast<std::uint32_t>(i));
  return x;
}

/// 1000 quantiles of the generalised Pareto distribution in a scrambled order.
Vector pareto_quantiles(double shape) {
  Vector x(1000);
  for (Index i = 0; i < 1000; ++i) {
    x(i) = pareto_quantile((static_cast<double>(i * 387 % 1000) + 0.5) / 1000.0, shape);
  }
  return x;
}

void expect_equal(const Vector& found, const Vector& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (Index i = 0; i < found.size(); ++i) {
    if (std::isinf(expected(i))) {
      EXPECT_EQ(found(i), expected(i)) << i;
    } else {
      EXPECT_NEAR(found(i), expected(i), tolerance) << i;
    }
  }
}

// Expected values below: arviz 0.23.4 (Python, numpy), `lw, k = arviz.psislw(x)`; ess is 1 / sum(exp(2 lw)).
struct Reference {
  Vector x, log_weights;
  double khat, ess;
};

TEST(Psis, AgreesWithArviz) {
  const std::vector<Reference> references = {
      // numpy.round(rng.normal(0, 1.5, 30), 2)
      {Vector{{0.52, 1.23,  0.5,  -1.95, 1.36,  0.67,  -0.81, 0.87,  0.55,  0.44,
               0.04, 0.82,  -1.1, -0.24, -0.72, 0.9,   0.06,  -0.44, -1.17, -0.39,
               0.01, -0.41, 1.94, 1.51,  -4.07, -2.83, -0.26, -0.63, 0.32,  0.33}},
       Vector{{-3.291522445986387,  -2.7410403004820516, -3.3115224459863875, -5.761522445986387,
               -2.5814935380587722, -3.1415224459863875, -4.621522445986387,  -2.951559964787525,
               -3.261522445986387,  -3.371522445986387,  -3.7715224459863874, -2.991522445986387,
               -4.911522445986387,  -4.051522445986387,  -4.531522445986387,  -2.858677477402969,
               -3.751522445986387,  -4.251522445986387,  -4.981522445986387,  -4.201522445986387,
               -3.801522445986387,  -4.221522445986388,  -1.8715224459863873, -2.3354445444211036,
               -7.881522445986387,  -6.641522445986387,  -4.071522445986387,  -4.441522445986387,
               -3.491522445986387,  -3.4815224459863874}},
       0.5153006190476782, 15.660610246533809},
      // numpy.round(rng.standard_t(2, 30), 2), three of them set to -inf
      {Vector{{1.35,      -0.67, 2.96, -infinity, 0.16,  -1.37, -0.09, -0.14, -infinity, 0.66,
               0.83,      2.07,  1.12, 0.63,      -2.69, 0.1,   -0.88, 0.22,  0.15,      -3.17,
               -infinity, -2.18, 0.22, -0.4,      -0.15, 0.52,  -1.44, 0.57,  -0.54,     1.32}},
       Vector{{-2.4091267200433597, -4.68236337904874,   -1.2712035262635,    -infinity,
               -3.8523633790487395, -5.38236337904874,   -4.1023633790487395, -4.152363379048739,
               -infinity,           -3.3523633790487395, -3.2326724427991564, -2.003544675446662,
               -2.9861834373941614, -3.3823633790487397, -6.70236337904874,   -3.912363379048739,
               -4.8923633790487395, -3.792363379048739,  -3.8623633790487393, -7.18236337904874,
               -infinity,           -6.19236337904874,   -3.792363379048739,  -4.412363379048739,
               -4.162363379048739,  -3.492363379048739,  -5.45236337904874,   -3.4423633790487393,
               -4.55236337904874,   -2.7190798738221718}},
       0.496834990488496, 8.247983588097739},
      // numpy.round(rng.uniform(-300, 400, 25), 1): a huge range
      {Vector{{-175.0, -22.6,  -295.9, -116.3, -5.2,  -225.9, 143.2, -33.7,  207.7,
               157.7,  1.9,    307.1,  142.5,  267.2, -60.7,  80.6,  -162.6, 397.3,
               -129.7, -120.2, -248.8, -119.5, 234.2, 188.5,  -209.9}},
       Vector{{-442.355228337746,   -289.95522833774606,    -563.2552283377461,  -383.65522833774605,
               -272.55522833774603, -493.2552283377461,     -124.15522833774605, -301.05522833774603,
               -55.56709414027338,  -109.65522833774605,    -265.45522833774606, -27.74732938907397,
               -124.85522833774604, -40.649102850575616,    -328.05522833774603, -186.75522833774608,
               -429.955228337746,   -8.810729923425242e-13, -397.05522833774603, -387.55522833774603,
               -516.155228337746,   -386.855228337746,      -49.14740611705446,  -78.85522833774604,
               -477.2552283377461}},
       25.256707644069934, 1.0000000000017621}};
  for (const Reference& reference : references) {
    const Psis found = psis(reference.x);
    EXPECT_NEAR(found.khat, reference.khat, 1e-10);
    EXPECT_NEAR(found.ess, reference.ess, 1e-10);
    expect_equal(found.log_weights, reference.log_weights, 1e-10);
  }
}

TEST(Psis, AgreesWithArvizOnLargerSamples) {
  struct Expected {
    double shape, khat, ess;
    Vector log_weights;                 // of draws 0, 1, 2, 31
    double fitted_shape, fitted_scale;  // arviz.stats.stats._gpdfit of the whole sample
  };
  const std::vector<Expected> all = {
      {-0.3, -0.19976370775668614, 612.717158786687,
       Vector{{-14.248120577974891, -7.432952013590063, -6.464106220710432, -5.571234700455979}},
       -0.2889865898871054, 0.9966715939525658},
      {0.2, 0.236787735857503, 379.27461503935626,
       Vector{{-14.73336112558624, -7.7962665072156305, -6.581723653676239, -4.634334139162016}},
       0.2043283695625892, 0.9982166775982584},
      {0.7, 0.6706577683143571, 68.32686623952704,
       Vector{{-15.592016795511764, -8.527994734767145, -7.02695087832601, -3.515368238165589}},
       0.6977324218943168, 0.9997011112134255},
      {1.2, 1.1046739292502497, 7.535029159701426,
       Vector{{-17.234762273058685, -10.038838249683181, -8.212620757909642, -2.8651206190066105}},
       1.19098326204932, 1.0013453106877914}};
  for (const Expected& expected : all) {
    const Vector x = pareto_quantiles(expected.shape);
    const Psis found = psis(x.array().log());
    EXPECT_NEAR(found.khat, expected.khat, 1e-10);
    EXPECT_NEAR(found.ess / expected.ess, 1.0, 1e-10);
    const std::vector<Index> some = {0, 1, 2, 31};
    expect_equal(found.log_weights(some), expected.log_weights, 1e-10);
    const ParetoFit fit = fit_pareto(x);
    EXPECT_NEAR(fit.shape, expected.fitted_shape, 1e-10);
    EXPECT_NEAR(fit.scale, expected.fitted_scale, 1e-10);
  }
}

TEST(Psis, ParetoShapeAndScaleAreRecovered) {
  const Index n = 10000;
  for (const double shape : {-0.3, 0.0, 0.3, 0.7, 1.0, 1.2}) {
    for (std::uint32_t which = 0; which < 3; ++which) {
      const ParetoFit fit = fit_pareto(5.0 * pareto_sample(n, shape, which));
      // Asymptotic standard errors of maximum likelihood: (1 + k) / sqrt n, sqrt(2 (1 + k)) / sqrt n.
      const double root = std::sqrt(static_cast<double>(n));
      EXPECT_NEAR(fit.shape, shape, 4.0 * (1.0 + shape) / root) << shape;
      EXPECT_NEAR(fit.scale, 5.0, 20.0 * std::sqrt(2.0 * (1.0 + shape)) / root) << shape;
    }
  }
}

TEST(Psis, KhatOfParetoWeightsIsTheirShape) {
  for (const double shape : {-0.3, 0.0, 0.3, 0.7, 1.0, 1.2}) {
    const Psis found = psis(pareto_sample(20000, shape, 0).array().log());
    const double tail = std::ceil(3.0 * std::sqrt(20000.0));
    EXPECT_NEAR(found.khat, shape, 3.0 * (1.0 + shape) / std::sqrt(tail)) << shape;
  }
}

TEST(Psis, OnlyTheTailIsSmoothedAndNeverAboveTheLargestWeight) {
  const Vector x = normals(1000, 2.0);
  const Psis found = psis(x);
  EXPECT_NEAR(found.log_weights.array().exp().sum(), 1.0, 1e-12);
  std::vector<Index> order(1000);
  for (Index i = 0; i < 1000; ++i) order[static_cast<std::size_t>(i)] = i;
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return x(a) < x(b); });
  const Index tail = 95;  // ceil(3 sqrt 1000)
  const double shift = found.log_weights(order[0]) - x(order[0]);
  for (std::size_t i = 0; i + tail < 1000; ++i)
    EXPECT_NEAR(found.log_weights(order[i]) - x(order[i]), shift, 1e-12);
  for (std::size_t i = 1; i < 1000; ++i)
    EXPECT_LE(found.log_weights(order[i - 1]), found.log_weights(order[i]));
  EXPECT_LE(found.log_weights.maxCoeff() - shift, x.maxCoeff() + 1e-12);
}

TEST(Psis, ConstantsAndOrderDoNotMatter) {
  const Vector x = normals(400, 1.0);
  const Psis found = psis(x), shifted = psis(x.array() - 1e4), reversed = psis(x.reverse());
  EXPECT_NEAR(found.khat, shifted.khat, 1e-8);
  EXPECT_NEAR(found.ess, shifted.ess, 1e-8);
  EXPECT_EQ(found.khat, reversed.khat);
  expect_equal(found.log_weights, reversed.log_weights.reverse(), 1e-12);
}

TEST(Psis, EqualWeightsHaveNoTail) {
  for (const Index n : {25, 1000}) {
    const Psis found = psis(Vector::Constant(n, -1234.5));
    EXPECT_EQ(found.khat, 0.0);
    EXPECT_NEAR(found.ess, static_cast<double>(n), 1e-9);
    // Equal up to rounding.
    EXPECT_EQ(psis(normals(n, 1e-9)).khat, 0.0);
    // Different, but too little to matter.
    EXPECT_EQ(psis(normals(n, 1e-3)).khat, 0.0);
  }
  // Half of the weights zero, the others equal.
  Vector half = Vector::Zero(100);
  half.head(50).setConstant(-infinity);
  EXPECT_EQ(psis(half).khat, 0.0);
  EXPECT_NEAR(psis(half).ess, 50.0, 1e-12);
}

TEST(Psis, TiesAreFittedWhereEnoughDiffer) {
  const Vector x = normals(1000, 1.0);
  const Vector rounded = (x.array() * 20.0).round() / 20.0;
  EXPECT_NEAR(psis(rounded).khat, psis(x).khat, 0.05);
  // Three outliers above a thousand equal weights cannot be fitted.
  Vector outliers = Vector::Zero(1000);
  outliers.head(3).setConstant(5.0);
  EXPECT_EQ(psis(outliers).khat, infinity);
  EXPECT_NEAR(psis(outliers).log_weights.array().exp().sum(), 1.0, 1e-12);
}

TEST(Psis, FewDrawsCannotBeFitted) {
  for (const Index n : {1, 2, 5, 20}) {
    const Psis found = psis(normals(n, 1.0));
    EXPECT_EQ(found.khat, infinity);
    EXPECT_NEAR(found.log_weights.array().exp().sum(), 1.0, 1e-14);
  }
  EXPECT_TRUE(std::isfinite(psis(normals(21, 1.0)).khat));
  EXPECT_EQ(psis(Vector()).khat, infinity);
}

TEST(Psis, ZeroWeightsStayZero) {
  Vector x = normals(400, 1.0);
  for (Index i = 0; i < 400; i += 3) x(i) = -infinity;
  const Psis found = psis(x);
  EXPECT_TRUE(std::isfinite(found.khat));
  for (Index i = 0; i < 400; i += 3) EXPECT_EQ(found.log_weights(i), -infinity);
  EXPECT_NEAR(found.log_weights.array().exp().sum(), 1.0, 1e-12);
  const Psis none = psis(Vector::Constant(100, -infinity));
  EXPECT_EQ(none.khat, infinity);
  EXPECT_EQ(none.ess, 0.0);
}

TEST(Psis, WeightsThatAreNoNumbersAreRefused) {
  for (const double bad : {infinity, std::numeric_limits<double>::quiet_NaN()}) {
    Vector x = normals(100, 1.0);
    x(17) = bad;
    for (const bool smooth : {true, false}) {
      try {
        if (smooth) {
          psis(x);
        } else {
          resample(x, 10, 0.5);
        }
        FAIL() << "accepted " << bad;
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::numeric);
        EXPECT_NE(std::string(error.what()).find("draw 17"), std::string::npos);
      }
    }
  }
}

TEST(Psis, ThresholdGrowsWithTheDraws) {
  EXPECT_NEAR(khat_threshold(100), 0.5, 1e-15);
  EXPECT_NEAR(khat_threshold(1000), 2.0 / 3.0, 1e-15);
  EXPECT_EQ(khat_threshold(4000), 0.7);
  EXPECT_EQ(khat_threshold(1), -infinity);
  EXPECT_EQ(khat_threshold(0), -infinity);
}

TEST(Resample, CountsAreTheWeightsToWithinOne) {
  const Vector x = normals(300, 1.5);
  const Vector weight = x.array().exp() / x.array().exp().sum();
  for (const double u : {1e-9, 0.3, 1.0 - 1e-9}) {
    const std::vector<Index> drawn = resample(x, 1000, u);
    ASSERT_EQ(drawn.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    for (Index s = 0; s < 300; ++s) {
      const auto count = static_cast<double>(std::count(drawn.begin(), drawn.end(), s));
      EXPECT_LT(std::abs(count - 1000.0 * weight(s)), 1.0 + 1e-9);
    }
  }
}

TEST(Resample, IsUnbiasedOverTheOffset) {
  const Vector x = normals(5, 1.0);
  const Vector weight = x.array().exp() / x.array().exp().sum();
  Vector counts = Vector::Zero(5);
  const Index offsets = 2000;
  for (Index i = 0; i < offsets; ++i) {
    for (const Index s : resample(x, 3, (static_cast<double>(i) + 0.5) / static_cast<double>(offsets))) {
      counts(s) += 1.0 / static_cast<double>(3 * offsets);
    }
  }
  EXPECT_LT((counts - weight).cwiseAbs().maxCoeff(), 1e-3);
}

TEST(Resample, NeverDrawsAZeroWeight) {
  Vector x = Vector::Constant(10, -infinity);
  x(3) = -1e6;
  x(7) = x(3) + std::log(3.0);
  EXPECT_EQ(resample(x, 4, 0.5), (std::vector<Index>{3, 7, 7, 7}));
  EXPECT_EQ(resample(x, 4, 1.0 - 1e-16).back(), 7);
  EXPECT_TRUE(resample(x, 0, 0.5).empty());
  EXPECT_THROW(resample(Vector::Constant(3, -infinity), 1, 0.5), Error);
}

}  // namespace
}  // namespace vfe
