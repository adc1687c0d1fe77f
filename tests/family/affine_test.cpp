#include "vfe/family/affine.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index cols, std::uint32_t which) {
  Matrix x(rows, cols);
  fill_normal(Address{.seed = 1, .purpose = Purpose::check, .step = which}, x);
  return x;
}

TEST(Affine, DenseMapUsesTheLowerTriangleAlone) {
  const Affine map{normals(3, 1, 0), normals(3, 3, 1)};
  Matrix lower = map.scale;
  lower(0, 1) = lower(0, 2) = lower(1, 2) = 0.0;
  const Matrix u = normals(3, 5, 2);
  EXPECT_LT((map.apply(u) - ((lower * u).colwise() + map.shift)).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_LT((map.pull_back(u) - lower.transpose() * u).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_NEAR(map.log_det(), std::log(std::abs(lower.determinant())), 1e-14);
}

TEST(Affine, DiagonalMapIsTheDenseOneOfItsDiagonal) {
  const Affine diagonal{normals(3, 1, 0), normals(3, 1, 1)};
  const Affine dense{diagonal.shift, diagonal.scale.col(0).asDiagonal()};
  EXPECT_TRUE(diagonal.diagonal());
  EXPECT_FALSE(dense.diagonal());
  const Matrix u = normals(3, 5, 2);
  EXPECT_LT((diagonal.apply(u) - dense.apply(u)).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_LT((diagonal.pull_back(u) - dense.pull_back(u)).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_NEAR(diagonal.log_det(), dense.log_det(), 1e-15);
}

TEST(Affine, WhitenUndoesApply) {
  const Matrix u = normals(3, 5, 2);
  for (const Index cols : {1, 3}) {
    const Affine map{normals(3, 1, 0), normals(3, cols, 1)};
    EXPECT_LT((map.whiten(map.apply(u)) - u).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_EQ(map.apply(u), map.stretch(u).colwise() + map.shift);
  }
}

TEST(Affine, ComposedMapsActOneAfterTheOther) {
  const Matrix u = normals(3, 5, 2);
  for (const Index outer_cols : {1, 3}) {
    for (const Index inner_cols : {1, 3}) {
      const Affine outer{normals(3, 1, 0), normals(3, outer_cols, 1)};
      const Affine inner{normals(3, 1, 3), normals(3, inner_cols, 4)};
      const Affine both = compose(outer, inner);
      EXPECT_EQ(both.diagonal(), outer_cols == 1 && inner_cols == 1);
      EXPECT_LT((both.apply(u) - outer.apply(inner.apply(u))).cwiseAbs().maxCoeff(), 1e-14);
    }
  }
}

}  // namespace
}  // namespace vfe
