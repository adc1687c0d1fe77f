#include "vfe/verdict/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

std::string name(Index i) {
  return "theta[" + std::to_string(i + 1) + "]";
}

/// Draws of q = N(0, I), and what else is asked of it.
struct Drawn : OwnedDraws {
  Matrix values = {};
  Objection objection = {};
};

Verdict judge(const Drawn& drawn, const std::function<std::string(Index)>& name) {
  const Index d = drawn.theta.rows();
  return vfe::judge({view(drawn), Vector::Zero(d), Vector::Ones(d), drawn.values, drawn.objection}, name);
}

/// Weighted by a posterior that is N(mean, diag sd^2) times evidence exp(3).
Drawn gaussian(const Vector& mean, const Vector& sd, Index num_draws = 4000, std::uint64_t seed = 1) {
  Drawn evidence;
  const Index d = mean.size();
  evidence.theta.resize(d, num_draws);
  fill_normal({seed, Purpose::result}, evidence.theta);
  evidence.log_weight.resize(num_draws);
  for (Index s = 0; s < num_draws; ++s) {
    const auto x = evidence.theta.col(s).array();
    const double log_p = -0.5 * ((x - mean.array()) / sd.array()).square().sum() - sd.array().log().sum();
    evidence.log_weight[s] = 3.0 + log_p + 0.5 * x.square().sum();
  }
  return evidence;
}

TEST(Verdict, ExactFitIsCertified) {
  const Verdict verdict = judge(gaussian(Vector::Zero(3), Vector::Ones(3)), name);
  EXPECT_EQ(verdict.grade, Grade::certified) << verdict.reason;
  EXPECT_NEAR(verdict.free_energy, -3.0, 1e-12);
  EXPECT_NEAR(verdict.log_evidence, 3.0, 1e-12);
  EXPECT_NEAR(verdict.mean_error, 0.0, 1e-10);
  EXPECT_NEAR(verdict.sd_ratio, 1.0, 1e-10);
}

TEST(Verdict, SmallErrorsAreCertifiedAndMeasured) {
  Vector mean(2), sd(2);
  mean << 0.05, 0.0;
  sd << 1.0, 1.02;
  const Verdict verdict = judge(gaussian(mean, sd), name);
  EXPECT_EQ(verdict.grade, Grade::certified) << verdict.reason;
  EXPECT_NEAR(verdict.mean_error, 0.05, 0.005);
  EXPECT_NEAR(verdict.sd_ratio, 1.0 / 1.02, 0.005);
}

// A skewed posterior can agree with q in mean and sd of theta and still not in those of exp(theta).
TEST(Verdict, ValuesAreJudgedToo) {
  Vector mean(1), sd(1);
  mean << 0.03;
  sd << 1.02;
  Drawn evidence = gaussian(mean, sd, 20000);
  EXPECT_EQ(judge(evidence, name).grade, Grade::certified);
  evidence.values = (2.0 * evidence.theta.array()).exp().matrix();
  evidence.values.conservativeResize(3, Eigen::NoChange);
  evidence.values.row(1).setConstant(1e9);  // nothing to be wrong about
  evidence.values.row(2).setConstant(std::nan(""));
  const Verdict verdict = judge(evidence, name);
  EXPECT_NE(verdict.grade, Grade::certified);
  EXPECT_NE(verdict.reason.find("theta[2]"), std::string::npos) << verdict.reason;  // the first value
}

TEST(Verdict, WrongMomentsWithGoodWeightsAreCorrected) {
  Vector mean(2), sd(2);
  mean << 0.3, 0.0;
  sd << 0.9, 0.95;
  const Verdict verdict = judge(gaussian(mean, sd), name);
  EXPECT_EQ(verdict.grade, Grade::corrected) << verdict.reason;
  EXPECT_NEAR(verdict.mean_error, 0.3 / 0.9, 0.03);
  EXPECT_NE(verdict.reason.find("theta[1]"), std::string::npos) << verdict.reason;
}

TEST(Verdict, TooNarrowIsRejected) {
  const Vector mean = Vector::Zero(2), sd = Vector::Constant(2, 3.0);
  const Verdict verdict = judge(gaussian(mean, sd), name);
  EXPECT_EQ(verdict.grade, Grade::rejected) << verdict.reason;
}

TEST(Verdict, EvidenceErrorIsHonest) {
  Vector mean(2), sd(2);
  mean << 0.3, -0.2;
  sd << 0.8, 0.9;
  int inside = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Verdict verdict = judge(gaussian(mean, sd, 1000, seed), name);
    inside += std::abs(verdict.log_evidence - 3.0) <= 2.0 * verdict.log_evidence_error;
  }
  EXPECT_GE(inside, 180);  // 95.4 % expected
  EXPECT_LE(inside, 200);
}

TEST(Verdict, FreeEnergyIsTheDivergencePlusEvidence) {
  Vector mean(2), sd(2);
  mean << 0.3, -0.2;
  sd << 0.8, 1.1;
  const Verdict verdict = judge(gaussian(mean, sd, 100000), name);
  double divergence = 0.0;  // KL(N(0, 1) || N(m, s^2)), summed
  for (Index i = 0; i < 2; ++i)
    divergence += std::log(sd[i]) + (1.0 + mean[i] * mean[i]) / (2.0 * sd[i] * sd[i]) - 0.5;
  EXPECT_NEAR(verdict.free_energy, divergence - 3.0, 4.0 * verdict.free_energy_error);
  EXPECT_LT(verdict.free_energy_error, 0.01);
}

TEST(Verdict, NonFiniteDrawsForbidTheCertificate) {
  Drawn evidence = gaussian(Vector::Zero(2), Vector::Constant(2, 1.01));
  evidence.log_weight[7] = -infinity;
  const Verdict verdict = judge(evidence, name);
  EXPECT_EQ(verdict.grade, Grade::corrected) << verdict.reason;
  EXPECT_EQ(verdict.free_energy, infinity);
  EXPECT_NE(verdict.reason.find("not finite at 1 draw"), std::string::npos) << verdict.reason;
}

TEST(Verdict, ADensityThatEndsWithinQIsRejected) {
  Drawn evidence = gaussian(Vector::Zero(2), Vector::Ones(2));
  evidence.log_weight.head(5).setConstant(-infinity);
  const Verdict verdict = judge(evidence, name);
  EXPECT_EQ(verdict.grade, Grade::rejected);
  EXPECT_NE(verdict.reason.find("not finite at 5 of 4000 draws"), std::string::npos) << verdict.reason;
}

TEST(Verdict, NothingFiniteIsRejected) {
  Drawn evidence = gaussian(Vector::Zero(2), Vector::Ones(2));
  evidence.log_weight.setConstant(-infinity);
  EXPECT_EQ(judge(evidence, name).grade, Grade::rejected);
}

TEST(Verdict, AnObjectionIsRejectedWithItsReason) {
  Drawn evidence = gaussian(Vector::Zero(2), Vector::Ones(2));
  evidence.objection = {"another mode holds half of the mass", "another mode is as heavy"};
  const Verdict verdict = judge(evidence, name);
  EXPECT_EQ(verdict.grade, Grade::rejected);
  EXPECT_NE(verdict.reason.find("another mode holds half of the mass"), std::string::npos);
  EXPECT_EQ(verdict.plain, "another mode is as heavy");
}

TEST(Verdict, GradesHaveNames) {
  for (Grade grade : {Grade::certified, Grade::corrected, Grade::approximate, Grade::rejected})
    EXPECT_EQ(grade_from_string(to_string(grade)), grade);
  EXPECT_EQ(to_string(Grade::approximate), "approximate");
  EXPECT_TRUE(trusted(Grade::certified) && trusted(Grade::corrected));
  EXPECT_FALSE(trusted(Grade::approximate) || trusted(Grade::rejected));
  EXPECT_THROW(grade_from_string("good"), Error);
}

}  // namespace
}  // namespace vfe
