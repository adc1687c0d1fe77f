#include "vfe/infer/flow_fit.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "infer/flow_objective.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/state.hpp"
#include "vfe/family/proposal.hpp"

namespace vfe {
namespace {

Address address(std::uint32_t step) {
  return {.seed = 14, .purpose = Purpose::check, .step = step};
}

Affine standard(Index d) {
  return {.shift = Vector::Zero(d), .scale = Matrix::Identity(d, d)};
}

/// Banana: x_0 normal of sd 2, x_1 = z_1 + x_0^2 / 2, others standard normal, shifted.
Matrix banana(Index d, Index n, std::uint32_t which) {
  Matrix x(d, n);
  fill_normal(address(which), x);
  x.row(0) *= 2.0;
  x.row(1).array() += 0.5 * x.row(0).array().square();
  return x;
}

Vector log_banana(const Matrix& x) {
  Matrix z = x;
  z.row(1).array() -= 0.5 * z.row(0).array().square();
  z.row(0) /= 2.0;
  return Student{standard(x.rows())}.log_density(z).array() - std::log(2.0);
}

/// The variance of log p - log q over some draws.
double spread_of_weights(const Proposal& q, const Matrix& theta) {
  const Vector log_weight = log_banana(theta) - q.log_density(theta);
  return (log_weight.array() - log_weight.mean()).square().mean();
}

/// The effective share of draws of q.
double share_of_draws(const Proposal& q, const Matrix& theta) {
  const Vector weight = (log_banana(theta) - q.log_density(theta)).array().exp();
  return weight.sum() * weight.sum() / weight.squaredNorm() / static_cast<double>(theta.cols());
}

TEST(FlowFit, ObjectiveIsMinusTheLogDensityAndItsGradientsAgreeWithDifferences) {
  const Index n = 60, d = 3;
  Matrix u(n, d);
  fill_normal(address(0), u);
  u *= 2.0;
  Vector weight = u.col(0).array().exp();
  weight /= weight.sum();
  FlowFeatures features(n, d, d, d - 1, Flow::usual_reach);
  for (Index i = 0; i < d; ++i) features.append(u.col(i));
  for (const bool quadratic : {false, true}) {
    for (const double size : {0.2, 1.2, 4.0}) {  // the last is beyond the limits
      const Vector last = u.col(2);
      const FlowObjective objective(features, last, weight, 2, quadratic, 10.0, 0.01);
      Vector p(objective.num_parameters()), grad(p.size()), unused(p.size());
      for (Index k = 0; k < p.size(); ++k) p(k) = size * normal(address(1), static_cast<std::uint32_t>(k));
      const double value = objective.evaluate(p, grad);

      // The same by the flow's own density, coordinates 0 and 1 being standard t's.
      std::vector<Flow::Conditional> conditionals = Flow::identity(standard(3), 10.0).conditionals();
      conditionals[2] = objective.conditional(p);
      const Student t{standard(1), 10.0};
      const Vector log_last = Flow(standard(3), {0, 1, 2}, conditionals, 10.0).log_density(u.transpose()) -
                              t.log_density(u.col(0).transpose()) - t.log_density(u.col(1).transpose());
      const double constant = t.log_density(Matrix::Zero(1, 1))(0);
      double ridge = 0.0;
      const Index num_mean = quadratic ? 6 : 3;
      for (Index k = 0; k < p.size(); ++k) {
        const bool of_scale = k >= num_mean && k < num_mean + 3;
        if (k != 0 && k != num_mean) ridge += 0.5 * 0.01 * (of_scale ? 1.0 : 0.2) * p(k) * p(k);
      }
      EXPECT_NEAR(value, constant - weight.dot(log_last) + ridge, 1e-10 * (1.0 + std::abs(value)));

      for (Index k = 0; k < p.size(); ++k) {
        const double h = 1e-6;
        const Vector step = h * Vector::Unit(p.size(), k);
        const double slope =
            (objective.evaluate(p + step, unused) - objective.evaluate(p - step, unused)) / (2.0 * h);
        EXPECT_NEAR(grad(k), slope, 1e-5 * (1.0 + grad.cwiseAbs().maxCoeff())) << k << ' ' << size;
      }
    }
  }
}

TEST(FlowFit, FindsTheFlowThatMadeTheDraws) {
  const Flow::Conditional first{
      .mean = Vector{{0.2}}, .log_scale = Vector{{-0.1}}, .skew = 0.5, .log_tail = -0.2};
  const Flow::Conditional second{.quadratic = true,
                                 .mean = Vector{{0.0, 0.4, 0.3}},
                                 .log_scale = Vector{{-0.3, 0.4}},
                                 .skew = 0.0,
                                 .log_tail = 0.2};
  const Flow truth(standard(2), {0, 1}, {first, second}, 10.0);
  const Index n = 20000;
  const Matrix theta = truth.draw(address(2), n), fresh = truth.draw(address(3), n);
  const FlowFit fit = fit_flow(theta, Vector::Zero(n), standard(2));
  EXPECT_EQ(fit.flow.order(), (std::vector<Index>{0, 1}));
  EXPECT_NEAR(fit.ess, n, 1e-6);
  const Flow::Conditional& found = fit.flow.conditionals()[1];
  EXPECT_TRUE(found.quadratic);
  EXPECT_NEAR(found.mean(2), 0.3, 0.05);
  EXPECT_NEAR(found.log_scale(1), 0.4, 0.05);
  EXPECT_NEAR(found.log_tail, 0.2, 0.1);
  // KL(truth || fit) is about half the number of parameters over n.
  const double gap = (truth.log_density(fresh) - fit.flow.log_density(fresh)).mean();
  EXPECT_LT(gap, 0.002);
  EXPECT_GT(gap, -0.001);
  EXPECT_NEAR(fit.held_out, truth.log_density(fresh).mean(), 0.06);
}

TEST(FlowFit, WeightsCountAsDrawsWould) {
  // Draws of an inflated normal, weighted to the banana, give what draws of the banana give.
  const Index n = 20000;
  Proposal wide;
  wide.add(1.0, Student{{.shift = Vector{{0.0, 2.0}}, .scale = Vector{{3.0, 4.0}}}, 5.0});
  const Matrix theta = wide.draw(address(4), n);
  Vector log_weight = log_banana(theta) - wide.log_density(theta);
  const Affine base = whitening(theta, log_weight, standard(2));
  const FlowFit fit = fit_flow(theta, log_weight.array() + 700.0, base);
  EXPECT_EQ(hash(fit.flow.conditionals()[1].mean),
            hash(fit_flow(theta, log_weight.array() + 700.0, base).flow.conditionals()[1].mean));
  const Matrix fresh = banana(2, n, 5);
  const FlowFit direct = fit_flow(fresh, Vector::Zero(n), whitening(fresh, Vector::Zero(n), standard(2)));
  const Matrix judged = banana(2, n, 6);
  EXPECT_LT((direct.flow.log_density(judged) - fit.flow.log_density(judged)).mean(), 0.03);
  // Draws without weight are as if they were not there.
  log_weight.head(1000).setConstant(-infinity);
  EXPECT_TRUE(fit_flow(theta, log_weight, base).flow.log_density(theta).allFinite());
}

TEST(FlowFit, BendsToABanana) {
  const Index n = 8192;
  for (const Index d : {Index{2}, Index{5}}) {
    const Matrix theta = banana(d, n, 7);
    const Affine base = whitening(theta, Vector::Zero(n), standard(d));
    Proposal flow, normal;
    flow.add(1.0, fit_flow(theta, Vector::Zero(n), base).flow);
    normal.add(1.0, Student{base});
    // Over draws of q most of the variance is that of the few beyond 3 sd, where squares stop.
    const Matrix of_flow = flow.draw(address(99), n), of_normal = normal.draw(address(99), n);
    EXPECT_LT(spread_of_weights(flow, of_flow), 0.3 * spread_of_weights(normal, of_normal)) << d;
    const Matrix of_target = banana(d, n, 98);
    EXPECT_LT(spread_of_weights(flow, of_target), 0.1 * spread_of_weights(normal, of_target)) << d;
    EXPECT_GT(share_of_draws(flow, of_flow), 0.9) << d;
    EXPECT_LT(share_of_draws(normal, of_normal), 0.4) << d;
  }
}

TEST(FlowFit, OfANormalIsNearlyOne) {
  // Ridges that leave useless coefficients out do this: .80 against .34 at d = 26 with 1,024 draws.
  for (const Index d : {Index{1}, Index{6}, Index{20}}) {
    const Index n = 2048;
    Matrix theta(d, n);
    fill_normal(address(8), theta);
    const FlowFit fit = fit_flow(theta, Vector::Zero(n), standard(d));
    const Matrix fresh = fit.flow.draw(address(9), n);
    const Vector log_weight = Student{standard(d)}.log_density(fresh) - fit.flow.log_density(fresh);
    const Vector weight = log_weight.array().exp();
    const double share = weight.sum() * weight.sum() / weight.squaredNorm() / static_cast<double>(n);
    EXPECT_GT(share, d < 20 ? 0.94 : 0.85) << d;
  }
}

TEST(FlowFit, OfFewOrStrangeDrawsIsStillAFlow) {
  for (const Index n : {Index{1}, Index{2}, Index{5}, Index{40}}) {
    Matrix theta(4, n);
    fill_normal(address(10), theta);
    theta.row(2) = theta.row(1);  // two that are the same
    theta.row(3).setConstant(7.0);
    if (n == 40) theta(0, 0) = 1e6;
    const FlowFit fit = fit_flow(theta, Vector::Zero(n), whitening(theta, Vector::Zero(n), standard(4)));
    const Matrix fresh = fit.flow.draw(address(11), 1000);
    EXPECT_TRUE(fresh.allFinite()) << n;
    EXPECT_TRUE(fit.flow.log_density(fresh).allFinite()) << n;
  }
  // One draw that has nearly all the weight.
  Matrix theta(3, 500);
  fill_normal(address(12), theta);
  Vector log_weight = Vector::Zero(500);
  log_weight(17) = 60.0;
  const FlowFit fit = fit_flow(theta, log_weight, whitening(theta, log_weight, standard(3)));
  EXPECT_NEAR(fit.ess, 1.0, 1e-6);
  EXPECT_TRUE(fit.flow.draw(address(13), 1000).allFinite());
}

TEST(FlowFit, RefusesDrawsWithoutWeight) {
  const auto fault = [](const Vector& log_weight) {
    try {
      fit_flow(Matrix::Zero(2, 3), log_weight, standard(2));
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  EXPECT_EQ(fault(Vector::Constant(3, -infinity)), Fault::numeric);
  EXPECT_EQ(fault(Vector::Constant(3, std::nan(""))), Fault::numeric);
  EXPECT_EQ(fault(Vector::Zero(4)), Fault::bug);
}

TEST(FlowFit, WhiteningIsTheWeightedMoments) {
  const Index n = 5000;
  const Matrix theta = banana(3, n, 14);
  Vector log_weight = 0.3 * theta.row(2).transpose();
  const Affine fallback{.shift = Vector::Ones(3), .scale = Vector{{2.0, 1.0, 3.0}}};
  const Affine base = whitening(theta, log_weight, fallback);
  const Vector weight = log_weight.array().exp() / log_weight.array().exp().sum();
  const Vector mean = theta * weight;
  const Matrix away = theta.colwise() - mean;
  Matrix covariance = away * weight.asDiagonal() * away.transpose();
  covariance.diagonal() += 1e-3 * fallback.scale.col(0).cwiseAbs2();
  EXPECT_LT((base.shift - mean).norm(), 1e-12);
  EXPECT_LT((base.scale * base.scale.transpose() - covariance).norm(), 1e-10);
  log_weight(5) = 100.0;  // no covariance in one draw
  EXPECT_EQ(whitening(theta, log_weight, fallback).shift, fallback.shift);
}

TEST(FlowFit, TailWeightsAreTheLargestSquareWithinAHundred) {
  const Index n = 1000;
  Matrix values(3, n);
  fill_normal(address(15), values);
  values.row(2).setConstant(4.0);  // a constant says nothing
  values(0, 3) = 1e3;
  values(1, 4) = infinity;
  const Vector log_weight = Vector::Constant(n, -2.0), tail = tail_log_weights(values, log_weight);
  const double mean = values.row(0).mean();
  const double sd = std::sqrt((values.row(0).array() - mean).square().mean());
  values(1, 4) = 0.0;
  const double other_mean = values.row(1).mean();
  const double other_sd = std::sqrt((values.row(1).array() - other_mean).square().mean());
  for (Index s = 0; s < n; ++s) {
    const double a = (values(0, s) - mean) / sd, b = (values(1, s) - other_mean) / other_sd;
    EXPECT_NEAR(tail(s), -2.0 + std::log(std::min(std::max(a * a, b * b), 100.0)), 1e-9);
  }
}

}  // namespace
}  // namespace vfe
