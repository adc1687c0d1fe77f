#include "statistics/stein.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "vfe/core/random.hpp"

namespace vfe::stein {
namespace {

Matrix normals(Index rows, Index columns, std::uint32_t which) {
  Matrix x(rows, columns);
  fill_normal({.seed = 8, .purpose = Purpose::check, .step = which}, x);
  return x;
}

/// laplacian P + gradient P . g by central differences of P.
double stein_of(const std::function<double(const Vector&)>& p, const Vector& u, const Vector& g) {
  constexpr double h = 1e-3;
  double sum = 0.0;
  for (Index i = 0; i < u.size(); ++i) {
    Vector up = u, down = u;
    up(i) += h, down(i) -= h;
    sum += (p(up) - 2.0 * p(u) + p(down)) / (h * h) + g(i) * (p(up) - p(down)) / (2.0 * h);
  }
  return sum;
}

Design independent(Vector weight, std::vector<Index> fold_begin) {
  const Index n = weight.size();
  return {.weight = weight / weight.sum(), .group = {}, .num_groups = n, .fold_begin = std::move(fold_begin)};
}

TEST(Stein, FeaturesArePolynomialsUnderTheOperator) {
  constexpr Index d = 3;
  const Matrix u = normals(d, 2, 1), g = normals(d, 2, 2);
  std::vector<std::function<double(const Vector&)>> monomials;
  for (Index i = 0; i < d; ++i) monomials.push_back([=](const Vector& x) { return x(i); });
  for (Index j = 0; j < d; ++j)
    for (Index i = 0; i <= j; ++i) monomials.push_back([=](const Vector& x) { return x(i) * x(j); });
  for (Index k = 0; k < d; ++k)
    for (Index j = 0; j <= k; ++j)
      for (Index i = 0; i <= j; ++i) monomials.push_back([=](const Vector& x) { return x(i) * x(j) * x(k); });

  const auto count = static_cast<Index>(monomials.size());
  ASSERT_EQ(num_features(ControlVariates::cubic, d), count);
  Matrix cubic(count, 2), quadratic(num_features(ControlVariates::quadratic, d), 2);
  polynomials(ControlVariates::cubic, u, g, cubic);
  polynomials(ControlVariates::quadratic, u, g, quadratic);
  EXPECT_EQ(quadratic, cubic.topRows(quadratic.rows()));
  for (Index f = 0; f < count; ++f) {
    for (Index s = 0; s < 2; ++s) {
      // Differences of cubics are exact but for rounding, 1e-16 / h^2, and h^2 in the first derivative.
      EXPECT_NEAR(cubic(f, s), stein_of(monomials[static_cast<std::size_t>(f)], u.col(s), g.col(s)), 1e-5)
          << f << " " << s;
    }
  }
}

TEST(Stein, PowersOfADirectionAreItsPolynomials) {
  const Matrix u = normals(4, 3, 3), g = normals(4, 3, 4);
  const Vector a = normals(4, 1, 5).col(0).normalized();
  Matrix features(3, 3);
  powers(u.transpose() * a, g.transpose() * a, features);
  for (Index s = 0; s < 3; ++s) {
    for (int power = 1; power <= 3; ++power) {
      const auto p = [&](const Vector& x) { return std::pow(a.dot(x), power) / power; };
      EXPECT_NEAR(features(power - 1, s), stein_of(p, u.col(s), g.col(s)), 1e-5) << power << " " << s;
    }
  }
}

TEST(Stein, MeansOfIndependentDrawsByHand) {
  const Design design = independent(Vector{{1.0, 2.0, 1.0}}, {0, 3});
  const Means means = weighted_means(design, Matrix{{1.0, 2.0, 5.0}, {4.0, 4.0, 4.0}});
  EXPECT_NEAR(means.value(0), 2.5, 1e-14);
  // sum w^2 (x - 2.5)^2 = (1.5^2 + (2 * 0.5)^2 + 2.5^2) / 16 = 9.5 / 16, times 3 / 2
  EXPECT_NEAR(means.error(0), std::sqrt(9.5 / 16.0 * 1.5), 1e-14);
  EXPECT_NEAR(means.value(1), 4.0, 1e-14);
  EXPECT_NEAR(means.error(1), 0.0, 1e-14);
}

TEST(Stein, EqualGroupsAreTheirMeans) {
  // Three groups of two with means 1, 2, 6: the error is that of these three numbers.
  const Design design{.weight = Vector::Constant(6, 1.0 / 6.0),
                      .group = {0, 1, 2, 0, 1, 2},
                      .num_groups = 3,
                      .fold_begin = {0, 6}};
  const Means means = weighted_means(design, Matrix{{0.0, 7.0, 5.0, 2.0, -3.0, 7.0}});
  EXPECT_NEAR(means.value(0), 3.0, 1e-14);
  EXPECT_NEAR(means.error(0), std::sqrt((4.0 + 1.0 + 9.0) / 2.0 / 3.0), 1e-14);
}

TEST(Stein, RegressionLeavesNothingOfASumOfFeatures) {
  const Index n = 600;
  const Matrix features = normals(4, n, 6);
  const Vector weight = normals(1, n, 7).row(0).transpose().array().exp();
  const Matrix rows = (Matrix(1, 4) << 1.0, -2.0, 0.5, 3.0).finished() * features;
  const auto block = [&](Index first, Mat out) { out = features.middleCols(first, out.cols()); };
  const Regressed result =
      regress(independent(weight, {0, 120, 240, 360, 480, 600}), 4, block, (rows.array() + 7.0).matrix());
  EXPECT_NEAR(result.means.value(0), 7.0, 1e-10);
  EXPECT_LT(result.means.error(0), 1e-10);
}

// Against a plain loop over folds: weighted least squares by QR, no ridge.
TEST(Stein, RegressionIsCrossFitted) {
  const Index n = 50;
  const Matrix features = normals(3, n, 8);
  const Matrix rows = features.colwise().squaredNorm() + normals(1, n, 9) + 2.0 * features.row(1);
  const Vector weight = normals(1, n, 10).row(0).transpose().array().exp();
  const Design design = independent(weight, {0, 25, 50});
  const auto block = [&](Index first, Mat out) { out = features.middleCols(first, out.cols()); };
  const Regressed result = regress(design, 3, block, rows);

  Matrix residuals = rows;
  for (Index fold = 0; fold < 2; ++fold) {
    const Index train = 25 * (1 - fold), test = 25 * fold;
    const Vector root = design.weight.segment(train, 25).cwiseSqrt();
    Matrix x(25, 4);
    x << Vector::Ones(25), features.middleCols(train, 25).transpose();
    const Vector slope = (root.asDiagonal() * x)
                             .colPivHouseholderQr()
                             .solve(Vector(root.asDiagonal() * rows.middleCols(train, 25).transpose()));
    residuals.middleCols(test, 25) -= slope.tail(3).transpose() * features.middleCols(test, 25);
  }
  const Means expected = weighted_means(design, residuals);
  EXPECT_NEAR(result.means.value(0), expected.value(0), 1e-9);
  EXPECT_NEAR(result.means.error(0), expected.error(0), 1e-9);
}

TEST(Stein, DeviationsAreThoseOfWeightedMeans) {
  const Index n = 300;  // more than a block of features
  Matrix features = normals(3, n, 11);
  features.row(1).array() += 0.3;
  features.row(2).setConstant(2.0);  // cannot have mean zero
  Design design = independent(normals(1, n, 12).row(0).transpose().array().exp(), {0, 150, 300});
  const auto block = [&](Index first, Mat out) { out = features.middleCols(first, out.cols()); };
  for (int grouped = 0; grouped < 2; ++grouped) {
    const Regressed result = regress(design, 3, block, normals(1, n, 13));
    const Means means = weighted_means(design, features);
    for (Index f = 0; f < 2; ++f) {
      EXPECT_NEAR(result.deviation(f), std::abs(means.value(f)) / means.error(f), 1e-9)
          << grouped << " " << f;
    }
    EXPECT_EQ(result.deviation(2), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isfinite(result.means.error(0)));  // the constant is left out of the regression
    design.num_groups = 10;
    for (Index s = 0; s < n; ++s) design.group.push_back(s / 30);
  }
}

// qnorm and qt of R, lower.tail = FALSE.
TEST(Stein, LimitsAreQuantiles) {
  Design design = independent(Vector::Ones(32), {0, 32});
  EXPECT_NEAR(deviation_limit(1, design), 3.290526731491926, 1e-10);
  EXPECT_NEAR(deviation_limit(50, design), 4.264890793922825, 1e-10);
  design.group.assign(32, 0);
  design.num_groups = 32;
  EXPECT_NEAR(deviation_limit(1, design), 3.633456, 1e-5);
  design.num_groups = 3;  // t with 2 degrees has the closed form (1 - 2 p) sqrt(2 / (4 p (1 - p)))
  EXPECT_NEAR(deviation_limit(1, design), 0.999 * std::sqrt(2.0 / (4.0 * 0.0005 * 0.9995)), 1e-8);
  design.num_groups = 2;  // Cauchy
  EXPECT_NEAR(deviation_limit(1, design), 1.0 / std::tan(std::numbers::pi * 0.0005), 1e-7);
}

}  // namespace
}  // namespace vfe::stein
