#include "vfe/program/auto_program.hpp"

#include <gmock/gmock.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "run/small_fit.hpp"
#include "vfe/commands/diagnose.hpp"
#include "vfe/commands/diagnosis_text.hpp"
#include "vfe/model/function.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> stages_of(const Diagnosis& diagnosis) {
  std::vector<std::string> names;
  for (const StageCost& stage : diagnosis.stages) names.push_back(stage.stage);
  return names;
}

Config auto_config(const TemporaryFolder& folder) {
  Config config;
  config.output.directory = (folder / "run").string();
  config.output.draws = 2000;
  return config;
}

/// x_i = log of a gamma variable of shape 3, independent: skewed, with known moments.
std::unique_ptr<const Model> log_gamma(Index d) {
  return make_model({{"x", {{"i", d, {}}}}}, [](ConstVec x, Vec grad) {
    const Eigen::ArrayXd e = x.array().exp();
    if (grad.size() > 0) grad.array() += 3.0 - e;
    return (3.0 * x.array() - e).sum() - static_cast<double>(x.size()) * std::lgamma(3.0);
  });
}
const double log_gamma_mean = 1.5 - std::numbers::egamma;  // digamma(3)
const double log_gamma_sd = std::sqrt(std::numbers::pi * std::numbers::pi / 6.0 - 1.25);

void expect_log_gamma(const Diagnosis& found, double errors) {
  for (const Coefficient& x : found.coefficients) {
    EXPECT_LT(std::abs(x.mean - log_gamma_mean), errors * x.mean_error) << x.name;
    EXPECT_LT(std::abs(x.sd - log_gamma_sd), errors * x.sd_error) << x.name;
    EXPECT_LT(x.mean_error, 0.03 * log_gamma_sd);
  }
}

TEST(AutoProgram, GivesALinearModelsMomentsAndEvidenceExactly) {
  const TemporaryFolder folder;
  const SmallTable rows = small_rows(300, 3);
  write_dataset(folder / "data.h5", rows);
  const RunOutcome outcome = run_fit(small_config(folder, {"family.type=auto", "model.known_sigma=1"}));
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;

  // The model is of standardised columns and response, y = centre + scale z.
  const auto sd = [](const Vector& v) { return std::sqrt((v.array() - v.mean()).square().sum() / 299.0); };
  const double centre = rows.y.mean(), scale = sd(rows.y);
  const Vector z = (rows.y.array() - centre) / scale;
  Matrix design = Matrix::Ones(300, 4), to_original = Matrix::Zero(4, 4);
  to_original(0, 0) = scale;
  for (Index j = 1; j < 4; ++j) {
    const Vector x = rows.x.col(j - 1);
    design.col(j) = (x.array() - x.mean()) / sd(x);
    to_original(j, j) = scale / sd(x);
    to_original(0, j) = -scale * x.mean() / sd(x);
  }
  const double tau = scale * scale;              // precision of z, whose sigma is 1 / scale
  const Vector prior{{0.01, 0.16, 0.16, 0.16}};  // precisions
  const Matrix precision = tau * design.transpose() * design + Matrix(prior.asDiagonal());
  const Vector standardised = precision.llt().solve(tau * design.transpose() * z);
  Vector mean = to_original * standardised;
  mean[0] += centre;
  const Matrix covariance = to_original * precision.inverse() * to_original.transpose();
  const double log_evidence = -150.0 * std::log(2.0 * std::numbers::pi) - 0.5 * tau * z.squaredNorm() +
                              0.5 * standardised.dot(precision * standardised) +
                              0.5 * prior.array().log().sum() - 0.5 * std::log(precision.determinant());
  EXPECT_NEAR(outcome.fit.verdict.log_evidence, log_evidence,
              3.0 * outcome.fit.verdict.log_evidence_error + 1e-3);
  EXPECT_LT(outcome.fit.verdict.log_evidence_error, 0.05);

  const Diagnosis found = diagnose(folder / "run");
  ASSERT_EQ(found.coefficients.size(), 4U);
  for (Index i = 0; i < 4; ++i) {
    const Coefficient& x = found.coefficients[static_cast<std::size_t>(i)];
    EXPECT_NEAR(x.mean, mean[i], 1e-6) << x.name;
    EXPECT_NEAR(x.sd, std::sqrt(covariance(i, i)), 1e-6) << x.name;
  }
  EXPECT_THAT(stages_of(found), ElementsAre("modes", "polish", "exploration", "fixed_draws", "weigh",
                                            "importance", "brief_audit"));
}

TEST(AutoProgram, WeighsDrawsOfASkewedPosterior) {
  const TemporaryFolder folder;
  const auto model = log_gamma(4);
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;
  const Diagnosis found = diagnose(folder / "run");
  expect_log_gamma(found, 4.5);
  EXPECT_NEAR(outcome.fit.verdict.log_evidence, 0.0, 3.0 * outcome.fit.verdict.log_evidence_error);
  EXPECT_LT(outcome.fit.verdict.log_evidence_lower, 0.0);
  EXPECT_GT(outcome.fit.verdict.log_evidence_upper, 0.0);
  EXPECT_THAT(stages_of(found).back(), testing::EndsWith("audit"));
}

TEST(AutoProgram, GoesOnToChainsWhereWeightsWillNotDo) {
  const TemporaryFolder folder;
  const auto model = log_gamma(64);
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;
  const Diagnosis found = diagnose(folder / "run");
  expect_log_gamma(found, 5.0);
  EXPECT_NEAR(outcome.fit.verdict.log_evidence, 0.0, 3.0 * outcome.fit.verdict.log_evidence_error);
  EXPECT_EQ(stages_of(found).back(), "chains");
  EXPECT_LT(outcome.fit.verdict.rhat, outcome.fit.verdict.rhat_limit);
}

TEST(AutoProgram, SamplesByWhatItIsTold) {
  const TemporaryFolder folder;
  const auto model = log_gamma(3);
  Config config = auto_config(folder);
  config.fit.sampling = "chains";
  const RunOutcome chains = run_fit(Communicator::self(), *model, config, {.quiet = true});
  EXPECT_EQ(chains.fit.verdict.grade, Grade::certified) << chains.fit.verdict.reason;
  expect_log_gamma(diagnose(folder / "run"), 5.0);
  EXPECT_EQ(stages_of(diagnose(folder / "run")).back(), "chains");

  const auto far = log_gamma(64);  // weights alone will not do
  config.fit.sampling = "importance";
  const RunOutcome weights =
      run_fit(Communicator::self(), *far, config, {.existing = Existing::overwrite, .quiet = true});
  const std::vector<std::string> stages = stages_of(diagnose(folder / "run"));
  EXPECT_THAT(stages, testing::Contains("importance"));
  EXPECT_THAT(stages, testing::Not(testing::Contains("chains")));
  EXPECT_EQ(weights.fit.verdict.grade, Grade::rejected) << weights.fit.verdict.reason;
}

TEST(AutoProgram, RejectsWithAdviceWhatHasNoProperMode) {
  const TemporaryFolder folder;
  // The sum of the two is all that is known.
  const auto model = make_model({{"x", {{"i", 2, {}}}}}, [](ConstVec x, Vec grad) {
    const double sum = x.sum();
    if (grad.size() > 0) grad.array() -= sum;
    return -0.5 * sum * sum;
  });
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::rejected) << outcome.fit.verdict.reason;
  EXPECT_THAT(outcome.fit.verdict.advice, HasSubstr("proper"));
  EXPECT_TRUE(std::isnan(outcome.fit.verdict.log_evidence));
  EXPECT_THAT(to_text(diagnose(folder / "run")), HasSubstr("no log evidence"));
}

TEST(AutoProgram, CallsManyDimensionsApproximate) {
  const TemporaryFolder folder;
  const auto model = log_gamma(3001);
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::approximate) << outcome.fit.verdict.reason;
}

TEST(AutoProgram, ItsDrawsAgreeWithItsMomentsAndMoreCanBeHad) {
  const TemporaryFolder folder;
  const auto model = log_gamma(3);
  run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  const ResultFile file = read_result(folder / "run" / "result.h5");
  const Variable& x = file.variable("posterior", "x");
  const Eigen::Map<const Matrix> values(x.values.data(), 3, 2000);
  for (Index i = 0; i < 3; ++i) {
    EXPECT_NEAR(values.row(i).mean(), log_gamma_mean, 0.15 * log_gamma_sd);
    const double sd = std::sqrt((values.row(i).array() - values.row(i).mean()).square().mean());
    EXPECT_NEAR(sd / log_gamma_sd, 1.0, 0.12);
  }
}

/// Two normals of sd 0.1 and weights 0.7, 0.3 at (-1, 0), (1, 0); with `mirrored`, of equal weights, so that
/// x and -x are alike.
std::unique_ptr<const Model> two_modes(bool mirrored) {
  const double share = mirrored ? 0.5 : 0.3;
  return make_model({{"x", {{"i", 2, {}}}}}, [share](ConstVec x, Vec grad) {
    const Vector one{{-1.0, 0.0}}, other{{1.0, 0.0}};
    const double a = std::log(1.0 - share) - 50.0 * (x - one).squaredNorm();
    const double b = std::log(share) - 50.0 * (x - other).squaredNorm();
    const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
    if (grad.size() > 0)
      grad -= 100.0 * (std::exp(a - value) * (x - one) + std::exp(b - value) * (x - other));
    return value - std::log(0.02 * std::numbers::pi);
  });
}

TEST(AutoProgram, CertifiesTwoModesByWeightsWithParticlesForASecondOpinion) {
  const TemporaryFolder folder;
  const auto model = two_modes(false);
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;
  const Diagnosis found = diagnose(folder / "run");
  EXPECT_THAT(stages_of(found), testing::Contains("tempering"));
  EXPECT_NEAR(found.coefficients[0].mean, -0.4, 0.1);
  EXPECT_NEAR(found.coefficients[0].sd, std::sqrt(0.85), 0.05);
  EXPECT_NEAR(outcome.fit.verdict.log_evidence, 0.0, 4.0 * outcome.fit.verdict.log_evidence_error);
}

TEST(AutoProgram, SpreadsTheDrawsOfOneCopyOverAll) {
  const TemporaryFolder folder;
  const auto model = two_modes(true);
  const RunOutcome outcome = run_fit(Communicator::self(), *model, auto_config(folder), {.quiet = true});
  EXPECT_EQ(outcome.fit.verdict.grade, Grade::certified) << to_text(diagnose(folder / "run"));
  EXPECT_THAT(outcome.fit.verdict.reason, HasSubstr("symmetric copies"));
  const Diagnosis found = diagnose(folder / "run");
  EXPECT_NEAR(found.coefficients[0].mean, 0.0, 1e-9);
  EXPECT_NEAR(found.coefficients[0].sd, std::sqrt(1.01), 0.02);
  EXPECT_NEAR(outcome.fit.verdict.log_evidence, 0.0, 4.0 * outcome.fit.verdict.log_evidence_error);
  const ResultFile file = read_result(folder / "run" / "result.h5");
  const Variable& x = file.variable("posterior", "x");
  const Eigen::Map<const Matrix> values(x.values.data(), 2, 2000);
  EXPECT_NEAR((values.row(0).array() > 0.0).cast<double>().mean(), 0.5, 0.05);
}

TEST(AutoProgram, AFamilyByNameIsRejectedWhereThereAreMoreModes) {
  const TemporaryFolder folder;
  for (const bool mirrored : {false, true}) {
    const auto model = two_modes(mirrored);
    Config config = auto_config(folder);
    config.family.type = "full_rank";
    const RunOutcome outcome =
        run_fit(Communicator::self(), *model, config, {.existing = Existing::overwrite, .quiet = true});
    EXPECT_EQ(outcome.fit.verdict.grade, Grade::rejected) << outcome.fit.verdict.reason;
    EXPECT_THAT(outcome.fit.verdict.reason, HasSubstr("holds only"));
  }
}

TEST(AutoProgram, ComputesNoDensityThatNobodyAskedFor) {
  const TemporaryFolder folder;
  const auto model = two_modes(false);
  const auto normal = make_model({{"x"}}, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad -= x;
    return -0.5 * x.squaredNorm();
  });
  Config config = auto_config(folder);
  config.family.type = "full_rank";
  config.output.draws = 20000;
  run_fit(Communicator::self(), *normal, config, {.quiet = true});
  const ResultFile file = read_result(folder / "run" / "result.h5");
  EXPECT_LT(std::get<std::int64_t>(file.attributes.at("values")), 8000);
  EXPECT_EQ(file.variable("posterior", "x").values.size(), 20000U);
}

/// Stopped after every step and resumed; the same alone and by all ranks together.
TEST(AutoProgramMpi, GivesTheSameBitsOnAnyNumberOfRanksStoppedAndResumed) {
  const Communicator world = Communicator::world();
  for (const Index d : {0, 3, 64}) {  // 0: two modes, with their further stages
    const TemporaryFolder own;
    const auto model = d == 0 ? two_modes(false) : log_gamma(d);
    const RunOutcome alone = run_fit(Communicator::self(), *model, auto_config(own), {.quiet = true});
    Config shared = auto_config(own);
    shared.output.directory = world.broadcast((own / "together").string());
    shared.fit.max_time = 1e-6;
    RunOutcome together;
    int runs = 0;
    do {
      together = run_fit(world, *model, shared, {.existing = Existing::resume, .quiet = true});
      ++runs;
    } while (together.fit.stopped && runs < 2000);
    EXPECT_GT(runs, 10);
    EXPECT_EQ(together.lambda_hash, alone.lambda_hash) << d;
    EXPECT_EQ(together.draws_hash, alone.draws_hash) << d;
    EXPECT_EQ(together.fit.verdict.reason, alone.fit.verdict.reason) << d;
    EXPECT_EQ(together.fit.verdict.log_evidence, alone.fit.verdict.log_evidence) << d;
    world.barrier();  // the shared folder is in use until all are done
  }
}

}  // namespace
}  // namespace vfe
