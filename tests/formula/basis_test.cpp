#include "vfe/formula/basis.hpp"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <cmath>

namespace vfe {
namespace {

const std::vector<double> knots{-0.5, 0.3, 0.3, 1.1};

Vector grid(double low, double high, Index size = 41) {
  return Vector::LinSpaced(size, low, high);
}

Matrix columns_of(const SplineBasis& basis, const Vector& x) {
  Matrix columns(x.size(), basis.size());
  basis.evaluate(x, columns);
  return columns;
}

/// How far a function is from what columns span.
double residual(const Matrix& columns, const Vector& y) {
  return (columns * columns.colPivHouseholderQr().solve(y) - y).cwiseAbs().maxCoeff();
}

TEST(BSplines, SumToOneAndAreNowhereNegative) {
  for (Index degree : {1, 2, 3, 5}) {
    const Matrix columns =
        columns_of({SplineBasis::Kind::b_splines, -1.0, 2.0, knots, degree, true}, grid(-1.0, 2.0));
    EXPECT_EQ(columns.cols(), 4 + degree + 1);
    EXPECT_LT((columns.rowwise().sum().array() - 1.0).abs().maxCoeff(), 1e-13);
    EXPECT_GE(columns.minCoeff(), 0.0);
    EXPECT_DOUBLE_EQ(columns(0, 0), 1.0);
    EXPECT_DOUBLE_EQ(columns(40, columns.cols() - 1), 1.0);
  }
}

TEST(BSplines, SpanPolynomialsOfTheirDegreeBeyondTheEndsToo) {
  for (Index degree : {1, 2, 3}) {
    const Vector x = grid(-1.5, 2.5);
    const Matrix columns = columns_of({SplineBasis::Kind::b_splines, -1.0, 2.0, knots, degree, true}, x);
    EXPECT_LT(residual(columns, x.array().pow(static_cast<double>(degree))), 1e-9);
    EXPECT_GT(residual(columns, x.array().pow(static_cast<double>(degree + 1))), 1e-3);
  }
}

TEST(BSplines, DerivativesAreThoseOfFiniteDifferences) {
  const BSplines splines(-1.0, 2.0, knots, 4);
  const double step = 1e-5;
  for (double x : {-1.2, -0.7, 0.0, 0.5, 1.7, 2.3}) {
    for (Index order : {1, 2}) {
      double at[5], above[5], below[5];
      const Index first = splines.evaluate(x, order, at);
      EXPECT_EQ(splines.evaluate(x + step, order - 1, above), first);
      EXPECT_EQ(splines.evaluate(x - step, order - 1, below), first);
      for (int k = 0; k < 5; ++k)
        EXPECT_NEAR(at[k], (above[k] - below[k]) / (2.0 * step), 1e-6 * (1 + std::abs(at[k])));
    }
  }
}

TEST(NaturalSplines, AreStraightAtTheEndsAndBeyond) {
  for (bool intercept : {false, true}) {
    const SplineBasis basis(SplineBasis::Kind::natural, -1.0, 2.0, {0.0, 0.3, 1.1}, 3, intercept);
    EXPECT_EQ(basis.size(), 4 + (intercept ? 1 : 0));
    const double step = 1e-3;
    for (double end : {-1.0, 2.0}) {
      // Inside the second derivative goes to 0 with the distance; beyond it is 0.
      const double outward = end < 0.0 ? -1.0 : 1.0, inward = -outward * step;
      const Matrix inside = columns_of(basis, Vector{{end, end + inward, end + 2.0 * inward}});
      const Matrix middle = columns_of(basis, Vector{{0.5, 0.5 + step, 0.5 + 2.0 * step}});
      const Matrix beyond = columns_of(basis, Vector{{end, end + outward, end + 2.0 * outward}});
      const auto bend = [](const Matrix& m) {
        return (m.row(0) - 2.0 * m.row(1) + m.row(2)).cwiseAbs().maxCoeff();
      };
      EXPECT_LT(bend(inside), 0.05 * bend(middle));
      EXPECT_LT(bend(beyond), 1e-12);
      const double slope = (inside.row(1) - inside.row(0)).norm(),
                   slope_beyond = (beyond.row(0) - beyond.row(1)).norm();
      EXPECT_NEAR(slope / step, slope_beyond, 1e-3 * slope_beyond);
    }
    const Vector x = grid(-3.0, 4.0);
    Matrix columns(x.size(), basis.size() + (intercept ? 0 : 1));
    columns.leftCols(basis.size()) = columns_of(basis, x);
    if (!intercept) columns.rightCols(1).setOnes();
    EXPECT_LT(residual(columns, x), 1e-10);
    EXPECT_GT(residual(columns, x.array().square()), 1e-2);
  }
}

TEST(Polynomials, PackAndFollowTheirRecurrence) {
  const Polynomials polynomials{10.0, 2.0, {0.0, 0.25, -0.5}, {7.0, 3.0, 2.0, 0.5}};
  const Polynomials back = Polynomials::of(polynomials.packed());
  EXPECT_EQ(back.alpha, polynomials.alpha);
  EXPECT_EQ(back.norm, polynomials.norm);
  EXPECT_EQ(back.mean, 10.0);
  EXPECT_EQ(back.scale, 2.0);
  Matrix columns(1, 3);
  back.evaluate(Vector{{13.0}}, columns);
  const double u = 1.5, p1 = u, p2 = (u - 0.25) * p1 - 3.0 / 7.0, p3 = (u + 0.5) * p2 - 2.0 / 3.0 * p1;
  EXPECT_DOUBLE_EQ(columns(0, 0), p1 / std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(columns(0, 1), p2 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(columns(0, 2), p3 / std::sqrt(0.5));
}

}  // namespace
}  // namespace vfe
