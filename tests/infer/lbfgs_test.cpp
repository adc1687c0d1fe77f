#include "vfe/infer/lbfgs.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <limits>

#include "vfe/core/random.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

using Function = std::function<double(const Vector&, Vector&)>;

Lbfgs begin(const Function& function, const Vector& x, Index history) {
  Vector g(x.size());
  const double f = function(x, g);
  return Lbfgs(x, f, g, history);
}

/// Minimises until the decrement is below the tolerance; returns the number of evaluations.
int minimise(const Function& function, Lbfgs& search, double tolerance, int limit) {
  Vector g(search.x().size());
  int evaluations = 0;
  while (search.decrement() > tolerance && !search.stuck() && evaluations < limit) {
    const double f = function(search.trial(), g);
    search.tell(f, g);
    ++evaluations;
  }
  return evaluations;
}

double rosenbrock(const Vector& x, Vector& g) {
  const double a = 1.0 - x(0), b = x(1) - x(0) * x(0);
  g.resize(2);
  g << -2.0 * a - 400.0 * x(0) * b, 200.0 * b;
  return a * a + 100.0 * b * b;
}

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksValley) {
  Lbfgs search = begin(rosenbrock, Vector{{-1.2, 1.0}}, 10);
  EXPECT_LT(minimise(rosenbrock, search, 1e-14, 1000), 80);
  EXPECT_NEAR(search.x()(0), 1.0, 1e-6);
  EXPECT_NEAR(search.x()(1), 1.0, 1e-6);
  EXPECT_FALSE(search.stuck());
}

TEST(Lbfgs, FindsTheMinimumOfAnIllConditionedQuadratic) {
  const Index n = 20;
  Vector curvature(n), centre(n);
  for (Index i = 0; i < n; ++i) {
    curvature(i) = std::pow(10.0, -3.0 + 6.0 * static_cast<double>(i) / (n - 1));
    centre(i) = std::sin(static_cast<double>(i));
  }
  const Function quadratic = [&](const Vector& x, Vector& g) {
    g = curvature.cwiseProduct(x - centre);
    return 0.5 * g.dot(x - centre);
  };
  Lbfgs search = begin(quadratic, Vector::Zero(n), 10);
  minimise(quadratic, search, 1e-13, 5000);
  // The decrement is affine invariant: all coordinates are right to the same number of their own sds.
  const Vector error = curvature.cwiseSqrt().cwiseProduct(search.x() - centre);
  EXPECT_LT(error.cwiseAbs().maxCoeff(), 1e-4);
}

TEST(Lbfgs, StepsBackFromRegionsThatAreNotFinite) {
  // -log density of exp(x): finite for x > 0 only, minimum at 1, start far out so that first steps overshoot.
  const Function barrier = [](const Vector& x, Vector& g) {
    g.resize(1);
    if (x(0) <= 0.0) {
      g(0) = 0.0;
      return x(0) < -1.0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    }
    g(0) = 1.0 - 1.0 / x(0);
    return x(0) - std::log(x(0));
  };
  Lbfgs search = begin(barrier, Vector{{1e-3}}, 5);
  minimise(barrier, search, 1e-12, 500);
  EXPECT_NEAR(search.x()(0), 1.0, 1e-5);
  search = begin(barrier, Vector{{50.0}}, 5);
  minimise(barrier, search, 1e-12, 500);
  EXPECT_NEAR(search.x()(0), 1.0, 1e-5);
}

TEST(Lbfgs, GivesUpWhereNothingDecreases) {
  // A gradient that points the wrong way: no trial can be accepted.
  const Function wrong = [](const Vector& x, Vector& g) {
    g = -2.0 * x;
    return x.squaredNorm();
  };
  Lbfgs search = begin(wrong, Vector{{1.0, 2.0}}, 5);
  EXPECT_EQ(minimise(wrong, search, 1e-12, 1000), 40);
  EXPECT_TRUE(search.stuck());
  EXPECT_EQ(search.x(), (Vector{{1.0, 2.0}}));
}

TEST(Lbfgs, PackedStateContinuesWithTheSameBits) {
  Lbfgs straight = begin(rosenbrock, Vector{{-1.2, 1.0}}, 4);
  Lbfgs packed = straight;
  Vector g(2);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(straight.trial(), packed.trial());
    const double f = rosenbrock(straight.trial(), g);
    EXPECT_EQ(straight.tell(f, g), packed.tell(f, g));
    const Vector bits = packed.pack();
    ASSERT_EQ(bits.size(), Lbfgs::packed_size(2, 4));
    packed = Lbfgs(bits, 2, 4);
    EXPECT_EQ(hash(packed.pack()), hash(straight.pack()));
  }
}

TEST(Lbfgs, InverseHessianSatisfiesTheSecantEquationAndAgreesWithItsDiagonal) {
  const Index n = 6;
  Matrix a(n, n);
  fill_normal(Address{.seed = 3}, a);
  const Matrix hessian = a * a.transpose() + Matrix::Identity(n, n);
  const Function quadratic = [&](const Vector& x, Vector& g) {
    g = hessian * x;
    return 0.5 * x.dot(g);
  };
  Lbfgs search = begin(quadratic, Vector::Ones(n), 3);
  minimise(quadratic, search, 0.0, 7);
  const Vector x = search.x(), g = search.g();
  Vector unused(n);
  const Index before = search.iterations();
  while (search.iterations() == before) {
    const Vector at = search.trial();
    const double f = quadratic(at, unused);
    search.tell(f, unused);
  }
  const Matrix estimate = search.inverse_hessian();
  EXPECT_LT((estimate * (search.g() - g) - (search.x() - x)).norm(), 1e-10 * (search.x() - x).norm());
  EXPECT_LT((estimate.diagonal() - search.inverse_hessian_diagonal()).norm(), 1e-10 * estimate.norm());
  EXPECT_EQ(Eigen::LLT<Matrix>(estimate).info(), Eigen::Success);
}

}  // namespace
}  // namespace vfe
