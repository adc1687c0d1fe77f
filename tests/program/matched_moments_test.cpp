#include "vfe/program/matched_moments.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "vfe/core/random.hpp"
#include "vfe/model/function.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/program/judged_values.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Index draws = 400;

std::unique_ptr<const Model> model_of(std::vector<Parameter> parameters) {
  return make_model(std::move(parameters), [](ConstVec, Vec) { return 0.0; });
}

Matrix normals(Index rows, Index columns = draws) {
  Matrix theta(rows, columns);
  fill_normal({.seed = 4, .purpose = Purpose::result}, theta);
  return theta;
}

double sd_of(ConstVec values) {
  return std::sqrt((values.array() - values.mean()).square().sum() / static_cast<double>(values.size() - 1));
}

Matrix values_at(const Model& model, const Matrix& theta) {
  return judged_values(model).compute(theta);
}

/// Moments a little off those of the draws, as a better estimate's are.
Moments other_moments(const Model& model, const Matrix& theta) {
  const Matrix values = values_at(model, theta);
  Moments moments;
  moments.mean = moments.sd = Vector(values.rows());
  for (Index k = 0; k < values.rows(); ++k) {
    moments.sd[k] = (k % 2 == 0 ? 1.04 : 0.95) * sd_of(values.row(k));
    moments.mean[k] = values.row(k).mean() + 0.1 * moments.sd[k];
  }
  return moments;
}

void expect_moments(const Matrix& values, const Moments& moments, Index first, Index count) {
  for (Index k = first; k < first + count; ++k) {
    EXPECT_NEAR(values.row(k).mean(), moments.mean[k], 1e-10 * moments.sd[k]) << k;
    EXPECT_NEAR(sd_of(values.row(k)) / moments.sd[k], 1.0, 1e-10) << k;
  }
}

double correlation(ConstVec a, ConstVec b) {
  return (a.array() - a.mean()).matrix().dot((b.array() - b.mean()).matrix()) /
         (sd_of(a) * sd_of(b) * static_cast<double>(a.size() - 1));
}

TEST(MatchedMoments, RealAndBoundedParametersGetThem) {
  const auto model = model_of({{"mu", {{"group", 2, {}}}},
                               {"scale", {}, Transform::positive, 3.0},
                               {"share", {}, Transform::bounded, -1.0, 2.0}});
  const Matrix theta = 0.3 * normals(4);
  const Moments moments = other_moments(*model, theta);
  const MatchedDraws matched = match_moments(*model, moments, theta);
  EXPECT_THAT(matched.names, ElementsAre("mu", "scale", "share"));
  const Matrix values = values_at(*model, matched.theta);
  expect_moments(values, moments, 0, 4);
  const Matrix before = values_at(*model, theta);
  for (Index a = 0; a < 4; ++a) {
    for (Index b = 0; b < a; ++b) {
      EXPECT_NEAR(correlation(values.row(a), values.row(b)), correlation(before.row(a), before.row(b)),
                  1e-10);
    }
  }
}

TEST(MatchedMoments, WhatWouldLeaveItsBoundsStays) {
  const auto model = model_of({{"scale", {}, Transform::positive}, {"mu"}});
  Matrix theta = normals(2);
  theta(0, 7) = -12.0;  // a draw of the scale at 6e-6
  Moments moments = other_moments(*model, theta);
  moments.mean[0] -= 0.3 * moments.sd[0];
  const MatchedDraws matched = match_moments(*model, moments, theta);
  EXPECT_THAT(matched.names, ElementsAre("mu"));
  EXPECT_EQ(matched.theta.row(0), theta.row(0));
  expect_moments(values_at(*model, matched.theta), moments, 1, 1);
}

TEST(MatchedMoments, WhatBindsItsEntriesTogetherStays) {
  const Dimension three{"part", 3, {}};
  const auto model = model_of({{"share", {three}, Transform::simplex}, {"cut", {three}, Transform::ordered}});
  const Matrix theta = normals(5);
  const MatchedDraws matched = match_moments(*model, other_moments(*model, theta), theta);
  EXPECT_THAT(matched.names, IsEmpty());
  EXPECT_EQ(matched.theta, theta);
}

TEST(MatchedMoments, FewDrawsAndUnknownMomentsChangeNothing) {
  const auto model = model_of({{"mu"}});
  const Matrix theta = normals(1), few = normals(1, 99);
  Moments moments = other_moments(*model, theta);
  EXPECT_THAT(match_moments(*model, moments, few).names, IsEmpty());
  for (const double unknown : {std::nan(""), 0.0}) {
    moments.sd[0] = unknown;
    EXPECT_THAT(match_moments(*model, moments, theta).names, IsEmpty());
  }
  EXPECT_THAT(match_moments(*model, Moments{}, theta).names, IsEmpty());
}

/// On the user's scale the intercept is a sum of the model's and of all coefficients.
TEST(MatchedMoments, BothInterceptsOfARegressionGetThem) {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(4, 4);
  for (const double centre : {30.0, -4.0}) {
    Column column;
    column.name = column.source = "x" + std::to_string(schema.columns.size());
    column.centre = centre;
    column.scale = 2.0;
    schema.columns.push_back(column);
  }
  schema.response_centre = 5.0;
  schema.response_scale = 3.0;
  Rows rows;
  rows.x = Rows::RowMajor<double>(Matrix{{1, 0}, {0, 1}, {1, 1}, {-1, 2}});
  rows.y = Vector{{1, 2, 3, 4}};
  rows.blocks = schema.blocks;
  const Glm model({.likelihood = Likelihood::linear}, rows_in_memory(schema, rows));
  Matrix theta = 0.1 * normals(4);
  theta.row(2) += 0.8 * theta.row(1);
  Moments moments = other_moments(model, theta);
  // Of a posterior whose coefficients have a correlation other than these draws'.
  ASSERT_GT(correlation(theta.row(1), theta.row(2)), 0.58);
  const Index original = 4;
  const double first = 15.0 * moments.sd[1], second = 2.0 * moments.sd[2];
  moments.sd[original] = 3.0 * std::sqrt(moments.sd[0] * moments.sd[0] + first * first + second * second -
                                         2.0 * 0.5 * first * second);
  const MatchedDraws matched = match_moments(model, moments, theta);
  EXPECT_THAT(matched.names, ElementsAre("intercept", "beta", "sigma"));
  Matrix values = values_at(model, matched.theta);
  expect_moments(values, moments, 0, 4);
  EXPECT_NEAR(sd_of(values.row(original)) / moments.sd[original], 1.0, 2e-10);
  // And it is still the sum.
  const Matrix sum = 5.0 + 3.0 * (values.row(0) - 15.0 * values.row(1) + 2.0 * values.row(2)).array();
  EXPECT_LT((values.row(original) - sum.row(0)).lpNorm<Eigen::Infinity>(), 1e-10);
}

}  // namespace
}  // namespace vfe
