// Effects of groups given theta against their moments on fine grids and in closed form.
#include "vfe/model/local_effects.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <memory>
#include <vector>

#include "vfe/core/row_source.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {
namespace {

constexpr Index num_groups = 6, group_rows = 4;

double noise(Index row, Index column) {
  return normal({.seed = 8, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(row)},
                static_cast<std::uint32_t>(column));
}

/// Groups 100, 101, ... of four rows with an effect of each, and of u where there are two; of u the user's
/// numbers have mean 3 and sd 2.
struct Data {
  DesignSchema schema;
  Rows rows;
};

Data make_data(Index effects, double (*response)(Index row)) {
  Data data;
  DesignSchema& schema = data.schema;
  schema.blocks = Blocks::of_equal(num_groups * group_rows, 2 * group_rows);
  schema.columns = {{.name = "x", .source = "x"}};
  schema.response = "y";
  schema.keys = {{.name = "g"}};
  schema.effects = {{.name = "g", .keys = {0}, .columns = {{.name = "intercept"}}}};
  if (effects == 2)
    schema.effects[0].columns.push_back({.name = "u", .source = "u", .centre = 3.0, .scale = 2.0});
  Rows& rows = data.rows;
  rows.blocks = schema.blocks;
  const Index n = num_groups * group_rows;
  Rows::RowMajor<double> x(n, 1);
  rows.y.resize(n);
  rows.effects = Matrix::Ones(n, effects);
  rows.groups.resize(n, 1);
  for (Index i = 0; i < n; ++i) {
    x(i, 0) = noise(i, 0);
    rows.y[i] = response(i);
    rows.groups(i, 0) = 100 + i / group_rows;
    if (effects == 2) rows.effects(i, 1) = noise(i, 1);
  }
  rows.x = x;
  return data;
}

/// A first group all 1, a second all 0: their effects are skewed.
double zero_or_one(Index row) {
  return row < group_rows ? 1.0 : row < 2 * group_rows ? 0.0 : row % 3 == 0 ? 1.0 : 0.0;
}
double count(Index row) {
  return static_cast<double>((row * row + 3 * row) % 7);
}
double number(Index row) {
  return noise(row, 2);
}

std::unique_ptr<const Mixed> mixed(const Data& data, Likelihood likelihood) {
  GlmOptions options;
  options.likelihood = likelihood;
  return std::make_unique<const Mixed>(options, rows_in_memory(data.schema, data.rows));
}

/// Intercept, beta and scales near 0, sds e^0.4 and e^-0.2, a correlation of tanh-like size.
Vector theta_of(const Mixed& model) {
  Vector theta = Vector::Constant(model.parameters().size(), 0.3);
  const Index k = model.num_latents(), sd = theta.size() - (k == 2 ? 3 : 1);
  theta[sd] = 0.4;
  if (k == 2) theta[sd + 1] = -0.2;
  return theta;
}

/// By a sum over z of `reach` either side.
LocalMoments moments_on_a_grid(const Mixed& model, Index block, ConstVec theta) {
  const Index k = model.num_latents(), groups = model.groups(block), steps = k == 1 ? 4000 : 240;
  const double reach = 9.0, step = 2.0 * reach / static_cast<double>(steps);
  const Matrix factor = model.effects_of_latents(theta);
  const auto density = model.at(block, theta);
  const Index points = k == 2 ? steps + 1 : 1;
  Vector value(points);
  Matrix slope(k, points), at(k, points);
  Vector total = Vector::Zero(groups);
  LocalMoments moments{Matrix::Zero(factor.rows(), groups), Matrix::Zero(factor.rows(), groups)};
  for (Index i = 0; i <= steps; ++i) {
    at.row(0).setConstant(-reach + step * static_cast<double>(i));
    if (k == 2) at.row(1) = Eigen::RowVectorXd::LinSpaced(points, -reach, reach);
    const Matrix effects = factor * at;
    for (Index g = 0; g < groups; ++g) {
      density->evaluate(g, at, value, slope);
      const Vector weight = (value.array() + 5.0).exp();
      total[g] += weight.sum();
      moments.mean.col(g) += effects * weight;
      moments.variance.col(g) += effects.cwiseAbs2() * weight;
    }
  }
  moments.mean *= total.cwiseInverse().asDiagonal();
  moments.variance *= total.cwiseInverse().asDiagonal();
  moments.variance -= moments.mean.cwiseAbs2();
  return moments;
}

void expect_moments_near(const LocalMoments& found, const LocalMoments& expected, double tolerance) {
  const Matrix sd = expected.variance.cwiseSqrt();
  EXPECT_LT((found.mean - expected.mean).cwiseQuotient(sd).cwiseAbs().maxCoeff(), tolerance);
  EXPECT_LT((found.variance.cwiseSqrt().cwiseQuotient(sd).array() - 1.0).abs().maxCoeff(), tolerance);
}

TEST(LocalEffects, MomentsAreThoseOnAGrid) {
  for (const Index effects : {1, 2}) {
    for (const auto& [likelihood, response, tolerance] :
         {std::tuple(Likelihood::logistic, &zero_or_one, 2e-3), std::tuple(Likelihood::poisson, &count, 2e-3),
          std::tuple(Likelihood::linear, &number, 1e-9)}) {
      SCOPED_TRACE(to_string(likelihood) + ", effects " + std::to_string(effects));
      const auto model = mixed(make_data(effects, response), likelihood);
      const Vector theta = theta_of(*model);
      const GaussHermite rule = gauss_hermite(moment_nodes, effects);
      expect_moments_near(local_moments(*model, 0, theta, rule), moments_on_a_grid(*model, 0, theta),
                          tolerance);
    }
  }
}

/// On the user's scale: with V the normal prior's covariance of effects there, y - eta ~ normal(0, Z V Z' +
/// s^2).
TEST(LocalEffects, OfANormalResponseMomentsAreTheConditionalNormals) {
  Data data = make_data(2, number);
  data.schema.response_scale = 2.5;
  const auto model = mixed(data, Likelihood::linear);
  const Vector theta = theta_of(*model);
  Vector values(model->parameters().num_constrained());
  model->parameters().constrain(theta, values);  // intercept, beta, sigma, sds, correlation
  const double intercept = values[0], beta = values[1], sigma = values[2];
  Matrix covariance(2, 2);
  const double of_both = values[5] * values[3] * values[4];
  covariance << values[3] * values[3], of_both, of_both, values[4] * values[4];
  const LocalMoments found = local_moments(*model, 1, theta, {});
  const Rows& rows = data.rows;
  for (Index g = 0; g < 2; ++g) {
    const Index first = (2 + g) * group_rows;
    const Matrix z = rows.effects.middleRows(first, group_rows);
    const Vector x = std::get<Rows::RowMajor<double>>(rows.x).col(0).segment(first, group_rows);
    const Vector residual =
        rows.y.segment(first, group_rows) / 2.5 - beta * x - Vector::Constant(group_rows, intercept);
    const Matrix of_rows =
        z * covariance * z.transpose() + sigma * sigma * Matrix::Identity(group_rows, group_rows);
    const Matrix gain = covariance * z.transpose() * of_rows.inverse();
    const Vector mean = gain * residual;
    const Matrix left = covariance - gain * z * covariance;
    Matrix to_user(2, 2);  // b0 + b1 (u - 3) / 2, times 2.5
    to_user << 2.5, -2.5 * 1.5, 0.0, 2.5 * 0.5;
    EXPECT_LT((found.mean.col(g) - to_user * mean).norm(), 1e-10);
    const Vector variance = (to_user * left * to_user.transpose()).diagonal();
    EXPECT_LT((found.variance.col(g) - variance).norm(), 1e-10);
  }
}

TEST(LocalEffects, DrawsHaveTheMoments) {
  constexpr Index draws = 20000;
  for (const Index effects : {1, 2}) {
    for (const auto& [likelihood, response] :
         {std::pair(Likelihood::logistic, &zero_or_one), std::pair(Likelihood::poisson, &count),
          std::pair(Likelihood::linear, &number)}) {
      SCOPED_TRACE(to_string(likelihood) + ", effects " + std::to_string(effects));
      const auto model = mixed(make_data(effects, response), likelihood);
      const Vector theta = theta_of(*model);
      const LocalMoments expected = moments_on_a_grid(*model, 0, theta);
      LocalMoments found{Matrix::Zero(effects, 2), Matrix::Zero(effects, 2)};
      double product = 0.0;  // of the two groups' first effects, which are independent
      for (std::uint32_t s = 0; s < draws; ++s) {
        const Matrix draw =
            draw_local_effects(*model, 0, theta, {.purpose = Purpose::group_effects, .draw = s});
        const Matrix apart = draw - expected.mean;
        found.mean += draw / draws;
        found.variance += apart.cwiseAbs2() / draws;
        product += apart(0, 0) * apart(0, 1) / draws;
      }
      expect_moments_near(found, expected, 4.0 / std::sqrt(static_cast<double>(draws)));
      EXPECT_LT(std::abs(product) / std::sqrt(expected.variance(0, 0) * expected.variance(0, 1)),
                4.0 / std::sqrt(static_cast<double>(draws)));
    }
  }
}

TEST(LocalEffects, DrawsAreAFunctionOfTheAddress) {
  const auto model = mixed(make_data(2, zero_or_one), Likelihood::logistic);
  const Vector theta = theta_of(*model);
  const Address at{.seed = 3, .purpose = Purpose::group_effects, .draw = 5, .block = 1};
  Address other = at;
  other.block = 2;
  const Matrix draw = draw_local_effects(*model, 1, theta, at);
  EXPECT_EQ(draw, draw_local_effects(*model, 1, theta, at));
  EXPECT_NE(draw, draw_local_effects(*model, 1, theta, other));
}

TEST(LocalEffects, WhereNoModeIsFoundAreNotNumbers) {
  const auto model = mixed(make_data(1, count), Likelihood::poisson);
  Vector theta = theta_of(*model);
  theta[0] = 1e6;
  EXPECT_TRUE(local_moments(*model, 0, theta, gauss_hermite(7, 1)).mean.array().isNaN().all());
  EXPECT_TRUE(draw_local_effects(*model, 0, theta, {}).array().isNaN().all());
}

}  // namespace
}  // namespace vfe
