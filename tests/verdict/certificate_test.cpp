#include "vfe/verdict/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"
#include "vfe/statistics/rhat.hpp"

namespace vfe {
namespace {

using ::testing::HasSubstr;

constexpr Index superchains = 32, chains = 64;

Matrix normals(Index rows, Index columns, std::uint32_t which) {
  Matrix x(rows, columns);
  fill_normal({.seed = 31, .purpose = Purpose::check, .step = which}, x);
  return x;
}

Affine unit(Index d) {
  return {.shift = Vector::Zero(d), .scale = Matrix::Ones(d, 1)};
}

/// theta itself, "beta[1]", "beta[2]", ...
JudgedValues coordinates() {
  return {.compute = [](ConstMat theta) { return Matrix(theta); },
          .name = [](Index k) { return "beta[" + std::to_string(k + 1) + "]"; }};
}

/// Importance sampling and chains that own what they refer to.
struct OwnedPool {
  Matrix theta, gradient;
  Vector log_joint, log_proposal;
  WeightedPool view() const {
    return {{theta, gradient, log_joint, log_proposal, log_joint - log_proposal}, unit(theta.rows()), 1};
  }
};
struct OwnedChains {
  Matrix theta, gradient;
  ChainDraws view() const { return {{theta, gradient}, superchains, chains, unit(theta.rows())}; }
};

/// A standard normal posterior drawn from N(0, spread^2 I).
OwnedPool gaussian_pool(Index d, Index n, double spread) {
  OwnedPool pool{.theta = spread * normals(d, n, 1)};
  pool.gradient = -pool.theta;
  pool.log_joint = -0.5 * pool.theta.colwise().squaredNorm();
  pool.log_proposal = pool.log_joint / (spread * spread);
  return pool;
}

/// Independent logs of gamma variables of shape 3, from a normal a little wider.
OwnedPool gamma_pool(Index d, Index n) {
  constexpr double shape = 3.0, mean = 0.92, sd = 0.75;
  const Matrix u = normals(d, n, 2);
  OwnedPool pool{.theta = (mean + sd * u.array()).matrix()};
  pool.gradient = shape - pool.theta.array().exp();
  pool.log_joint = (shape * pool.theta.array() - pool.theta.array().exp()).colwise().sum();
  pool.log_proposal = -0.5 * u.colwise().squaredNorm().transpose();
  return pool;
}

OwnedChains gaussian_chains(Index d, Index iterations) {
  OwnedChains draws{.theta = normals(d, chains * iterations, 3)};
  draws.gradient = -draws.theta;
  return draws;
}

Certificate certify(const OwnedPool& pool, const JudgedValues& values = coordinates()) {
  return vfe::certify(pool.view(), pool.view().whitening, values);
}
Certificate certify(const OwnedChains& draws, const JudgedValues& values = coordinates()) {
  return vfe::certify(draws.view(), 0, draws.view().metric, values);
}

TEST(Certificate, LimitsFollowTheNumberOfValues) {
  // scipy.stats.t.isf(0.005 / (2 P), 31), norm.isf
  EXPECT_NEAR(standard_error_limits(26, 32).mean, 0.1 / 4.229456546901722, 1e-10);
  EXPECT_NEAR(standard_error_limits(26, 32).sd, 0.05 / 4.229456546901722, 1e-10);
  EXPECT_NEAR(standard_error_limits(2000, 32).mean, 0.0174, 5e-5);
  EXPECT_NEAR(standard_error_limits(2000, 32).sd, 0.0087, 5e-5);
  EXPECT_NEAR(standard_error_limits(1, 0).mean, 0.1 / 2.807033768343811, 1e-12);
  EXPECT_EQ(standard_error_limits(0, 0).mean, standard_error_limits(1, 0).mean);
  EXPECT_EQ(standard_error_limits(3, 1).mean, 0.0);
}

TEST(Certificate, HoldsForAGoodPoolAndSaysWhy) {
  const Certificate found = certify(gamma_pool(3, 8192));
  EXPECT_TRUE(found.holds) << found.reason;
  EXPECT_LT(found.khat, 0.5);
  EXPECT_EQ(found.khat_limit, 0.7);
  EXPECT_EQ(found.plain, "");
  EXPECT_GT(found.ess, 1000.0);
  EXPECT_LT(found.shortfall, 1.0);
  EXPECT_NEAR(found.moments.mean(0), 0.922784335098467, 5.0 * found.moments.mean_error(0));
  for (const char* part : {"standard errors of means at most", "limit 0.0318", "k-hat", "effective of 8192",
                           "Stein's identities hold for all"})
    EXPECT_THAT(found.reason, HasSubstr(part));
}

TEST(Certificate, FlatWeightsHaveNoTail) {
  OwnedPool pool = gaussian_pool(2, 1024, 1.0);
  pool.log_proposal += 1e-3 * normals(1, 1024, 9).row(0).transpose();
  const Certificate found = certify(pool);
  EXPECT_TRUE(found.holds) << found.reason;
  EXPECT_EQ(found.khat, 0.0);
}

TEST(Certificate, SaysThatWeightsAreTooFew) {
  const Certificate narrow = certify(gaussian_pool(4, 1024, 0.35));
  EXPECT_FALSE(narrow.holds);
  EXPECT_GT(narrow.khat, narrow.khat_limit);
  EXPECT_THAT(narrow.reason, HasSubstr("too heavy a tail: k-hat"));
  EXPECT_THAT(narrow.plain, HasSubstr("too narrow"));
  const Certificate wide = certify(gaussian_pool(1, 1024, 30.0));
  EXPECT_LT(wide.ess, 100.0);
  EXPECT_LT(wide.khat, wide.khat_limit);
  EXPECT_FALSE(wide.holds);
  EXPECT_THAT(wide.reason, HasSubstr("too few draws carry weight"));
  EXPECT_THAT(wide.plain, HasSubstr("far off"));
  OwnedPool outside = gaussian_pool(2, 1024, 1.0);
  outside.log_joint.setConstant(-infinity);
  const Certificate none = certify(outside);
  EXPECT_FALSE(none.holds);
  EXPECT_THAT(none.reason, HasSubstr("not finite at any of 1024 draws"));
  EXPECT_THAT(none.plain, HasSubstr("not finite at any draw"));
}

TEST(Certificate, NamesTheValueWithTheLargestError) {
  JudgedValues values = coordinates();
  // No polynomial has a sine like this one: its mean is known as plainly as draws know it.
  values.compute = [](ConstMat theta) {
    Matrix x = theta;
    x.row(2) = (20.0 * theta.row(2).array()).sin();
    return x;
  };
  const Certificate found = certify(gaussian_pool(3, 512, 1.1), values);
  EXPECT_FALSE(found.holds);
  EXPECT_THAT(found.reason, HasSubstr("beta[3]: the standard error of its mean is"));
  EXPECT_THAT(found.reason, HasSubstr("(limit 0.0318)"));
  EXPECT_GT(found.shortfall, 1.0);
  // As many times as many draws do.
  EXPECT_TRUE(
      certify(gaussian_pool(3, static_cast<Index>(1.5 * 512.0 * found.shortfall), 1.1), values).holds);
}

TEST(Certificate, TakesNoModeApartForATail) {
  // One draw in a hundred lies 8 sds away, and is no sign of a fourth moment that is not there.
  OwnedPool pool = gaussian_pool(1, 8192, 1.0);
  for (Index s = 0; s < pool.theta.cols(); s += 100) pool.theta(0, s) += 8.0;
  pool.log_joint.setZero();
  pool.log_proposal.setZero();
  WeightedPool view = pool.view();
  EXPECT_THAT(vfe::certify(view, view.whitening, coordinates()).reason, HasSubstr("too heavy a tail"));
  view.modes = Matrix{{0.0, 8.0}};
  EXPECT_THAT(vfe::certify(view, view.whitening, coordinates()).reason,
              testing::Not(HasSubstr("too heavy a tail")));
}

TEST(Certificate, NamesTheValueWithoutAFourthMoment) {
  JudgedValues values = coordinates();
  values.compute = [](ConstMat theta) {
    Matrix x = theta;
    x.row(1) = (2.5 * theta.row(1).array()).exp();
    return x;
  };
  const Certificate found = certify(gaussian_pool(2, 4096, 1.1), values);
  EXPECT_FALSE(found.holds);
  EXPECT_THAT(found.reason, HasSubstr("beta[2]: too heavy a tail for its sd to be estimated"));
  OwnedChains draws = gaussian_chains(2, 32);
  EXPECT_THAT(certify(draws, values).reason, HasSubstr("beta[2]: too heavy a tail"));
}

TEST(Certificate, SeesAWrongGradient) {
  OwnedPool pool = gaussian_pool(2, 2048, 1.2);
  pool.gradient.row(1) *= 1.5;
  EXPECT_THAT(certify(pool).reason, HasSubstr("Stein's identities fail"));
  EXPECT_FALSE(certify(pool).holds);
}

TEST(Certificate, HalvesItsLimitsWhereWeightsHaveNoVariance) {
  // Draws of N(0, 0.65^2): k-hat about 1 - 0.65^2 = 0.58.
  OwnedPool pool = gaussian_pool(1, 20000, 0.65);
  const Certificate found = certify(pool);
  ASSERT_GT(found.khat, 0.5);
  ASSERT_LT(found.khat, 0.7);
  EXPECT_THAT(found.reason, HasSubstr("(limit 0.0178)"));
}

TEST(Certificate, ValuesThatAreNoNumbers) {
  OwnedPool pool = gamma_pool(2, 2048);
  JudgedValues values = coordinates();
  values.compute = [](ConstMat theta) {
    Matrix x(4, theta.cols());
    x << theta, Matrix::Constant(1, theta.cols(), nan), Matrix::Constant(1, theta.cols(), 7.0);
    return x;
  };
  // Never a number: passed over. A constant does not count either.
  const Certificate found = certify(pool, values);
  EXPECT_TRUE(found.holds) << found.reason;
  EXPECT_TRUE(std::isnan(found.moments.mean(2)));
  EXPECT_EQ(found.moments.sd(2), 0.0);
  EXPECT_NEAR(found.moments.mean(3), 7.0, 1e-12);
  EXPECT_THAT(found.reason, HasSubstr("(limit 0.0331)"));  // of two values
  EXPECT_TRUE(certify(gaussian_chains(2, 40), values).holds);

  values.compute = [](ConstMat theta) {
    return Matrix((theta.array() < 2.0).select(theta.array(), nan).matrix());
  };
  const Certificate some = certify(pool, values);
  EXPECT_FALSE(some.holds);
  EXPECT_THAT(some.reason, HasSubstr("is not finite at draws with"));
  EXPECT_THAT(some.reason, HasSubstr("beta["));
  EXPECT_GT(some.moments.lost_weight, 0.001);

  // Half of the draws for each: none is left.
  values.compute = [](ConstMat theta) {
    Matrix x = theta;
    for (Index s = 0; s < x.cols(); ++s) x(s % 2, s) = nan;
    return x;
  };
  EXPECT_FALSE(certify(pool, values).holds);
  EXPECT_FALSE(certify(gaussian_chains(2, 10), values).holds);

  values.compute = [](ConstMat theta) { return Matrix::Zero(1, theta.cols()); };
  EXPECT_THAT(certify(pool, values).reason, HasSubstr("no value varies"));
  values.compute = [](ConstMat) { return Matrix::Zero(1, 3); };
  EXPECT_THROW(certify(pool, values), Error);
}

TEST(Certificate, HoldsForChainsThatAgree) {
  JudgedValues values = coordinates();
  values.compute = [](ConstMat theta) { return Matrix(theta.array().exp().log1p()); };
  const OwnedChains draws = gaussian_chains(3, 100);
  const Certificate found = certify(draws, values);
  EXPECT_TRUE(found.holds) << found.reason;
  EXPECT_EQ(found.moments.groups, chains);  // by now their common starts are forgotten
  EXPECT_EQ(found.rhat_limit, nested_rhat_limit(superchains, 3));
  EXPECT_LT(found.rhat, found.rhat_limit);
  EXPECT_GT(found.ess, 1000.0);
  EXPECT_LE(found.ess, 6400.0);
  EXPECT_LT(found.lag_correlation, 0.1);
  EXPECT_NEAR(found.moments.mean(0), 0.8060592, 5.0 * found.moments.mean_error(0));
  EXPECT_THAT(found.reason, HasSubstr("nested R-hat"));
  EXPECT_THAT(found.reason, HasSubstr("6400 draws of 64 chains"));

  // A few divergences later the same draws are worth nothing, but nothing that more of them would mend.
  const Certificate diverged = vfe::certify(draws.view(), 3, unit(3), values);
  EXPECT_FALSE(diverged.holds);
  EXPECT_THAT(diverged.reason, HasSubstr("3 trajectories diverged"));
  EXPECT_EQ(diverged.shortfall, found.shortfall);
}

TEST(Certificate, NamesWhatChainsDisagreeOn) {
  OwnedChains draws = gaussian_chains(3, 50);
  for (Index s = 0; s < draws.theta.cols(); ++s)
    if (s % chains < 8) draws.theta(2, s) += 4.0;
  const Certificate found = certify(draws);
  EXPECT_FALSE(found.holds);
  EXPECT_THAT(found.reason, HasSubstr("beta[3]: the chains disagree, nested R-hat"));
}

TEST(Certificate, AboveFortyFiveDimensionsOwnComesFirst) {
  // 4 d (d + 3) / 2 = 4,704 draws.
  const JudgedValues values = coordinates();
  const Certificate chosen = certify(gaussian_pool(46, 1000, 1.0), values);
  EXPECT_EQ(chosen.moments.control_variates, ControlVariates::own);
  EXPECT_EQ(chosen.moments.stein.num_features, 3 * 46);
  const Certificate asked = vfe::certify(gaussian_pool(46, 1000, 1.0).view(), unit(46), values,
                                         {.control_variates = ControlVariates::none});
  EXPECT_EQ(asked.moments.control_variates, ControlVariates::none);
}

TEST(Certificate, RulesSayWhatTheCertificateSays) {
  const OwnedPool pool = gamma_pool(3, 1024);
  const Certificate weighed = certify(pool);
  const PoolCheck check = pool_rule(coordinates())(pool.view());
  EXPECT_EQ(check.enough, weighed.holds);
  EXPECT_EQ(check.khat, weighed.khat);
  EXPECT_EQ(check.ess, weighed.ess);
  EXPECT_EQ(check.shortfall, weighed.shortfall);
  EXPECT_EQ(check.note, weighed.reason);

  OwnedChains draws = gaussian_chains(2, 60);
  const ChainRule rule = chain_rule(coordinates());
  EXPECT_TRUE(rule(draws.view()).enough);
  EXPECT_FALSE(rule(draws.view()).lengthen);
  EXPECT_EQ(rule(draws.view()).note, certify(draws).reason);
  for (Index s = chains; s < draws.theta.cols(); ++s)
    draws.theta(1, s) = 0.8 * draws.theta(1, s - chains) + 0.6 * draws.theta(1, s);
  EXPECT_TRUE(rule(draws.view()).lengthen);
}

TEST(Disagreement, IsMeasuredInJointErrors) {
  const auto moments = [](double mean, double mean_error, double sd, double sd_error) {
    Moments found;
    found.mean = Vector{{1.0, mean}}, found.mean_error = Vector{{0.02, mean_error}};
    found.sd = Vector{{1.0, sd}}, found.sd_error = Vector{{0.02, sd_error}};
    return found;
  };
  const auto verdict = [&](const Moments& chains_say) {
    return disagreement(moments(0.0, 0.03, 2.0, 0.03), chains_say, 5.0, coordinates());
  };
  // hypot(0.03, 0.04) = 0.05, and 0.008 for what does not matter.
  EXPECT_EQ(verdict(moments(0.25, 0.04, 2.0, 0.04)), "");
  EXPECT_THAT(verdict(moments(0.26, 0.04, 2.0, 0.04)), HasSubstr("beta[2]: its mean is 0 +- 0.03"));
  EXPECT_THAT(verdict(moments(0.26, 0.04, 2.4, 0.04)), HasSubstr("beta[2]: its sd is 2 +- 0.03"));
  EXPECT_EQ(verdict(moments(0.0, 0.04, 2.01, 0.04)), "");
  // Unknown is no agreement, and two that know everything may differ by rounding.
  EXPECT_NE(verdict(moments(0.0, infinity, 2.0, 0.04)), "");
  EXPECT_NE(verdict(moments(nan, 0.04, 2.0, 0.04)), "");
  EXPECT_EQ(disagreement(moments(1e-9, 0.0, 1.0, 0.0), moments(0.0, 0.0, 1.0, 0.0), 5.0, coordinates()), "");
}

TEST(Disagreement, OfShortChainsFromThePosteriorIsNone) {
  // 48 chains of 8 draws, each its own superchain.
  const Index n = 48 * 8;
  const OwnedPool pool = gamma_pool(3, 2048);
  const Certificate weighed = certify(pool);
  Matrix theta(3, n);
  for (Index s = 0; s < n; ++s)
    for (Index i = 0; i < 3; ++i) {
      double sum = 0.0;
      for (std::uint32_t k = 0; k < 3; ++k)
        sum -= std::log(uniform({.seed = 3, .draw = static_cast<std::uint32_t>(s)},
                                static_cast<std::uint32_t>(3 * i) + k));
      theta(i, s) = std::log(sum);
    }
  Matrix gradient = 3.0 - theta.array().exp();
  std::vector<Index> group;
  for (Index s = 0; s < n; ++s) group.push_back(s % 48);
  const auto of_chains = [&] {
    return estimate_moments({.theta = theta, .gradient = gradient, .group = group}, theta, unit(3));
  };
  EXPECT_EQ(disagreement(weighed.moments, of_chains(), 5.0, coordinates()), "");
  // A posterior that sits elsewhere.
  theta.row(1).array() += 0.3;
  EXPECT_THAT(disagreement(weighed.moments, of_chains(), 5.0, coordinates()), HasSubstr("beta[2]: its mean"));
}

}  // namespace
}  // namespace vfe
