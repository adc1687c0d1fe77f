#include "vfe/infer/chains.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "infer/chain_memory.hpp"
#include "infer/mixing_rule.hpp"
#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/statistics/rhat.hpp"
#include "vfe/store/checkpoint.hpp"

namespace vfe {
namespace {

Program program_of(const Target& target, const ChainsOptions& options) {
  std::vector<Place> stages;
  stages.push_back(chains(target, options));
  return Program(std::move(stages));
}

/// The state at the beginning of a program of the stage alone, with starts around the metric's centre.
State begin(const Target& target, const Affine& metric, const ChainsOptions& options,
            double inflation = 1.0) {
  State state;
  state.stage = options.name;
  Matrix noise = inflation * toys::random_matrix(metric.size(), options.superchains, 77);
  place_chains(state, metric,
               superchain_starts(metric.apply(noise), options.superchains, options.chains_per_superchain),
               options.name);
  chains(target, options)->start(state);
  return state;
}

std::vector<Record> finish(const Program& program, State& state) {
  std::vector<Record> records;
  while (!state.finished()) records.push_back(program.advance(state));
  return records;
}

State sample(const Target& target, const Affine& metric, const ChainsOptions& options) {
  State state = begin(target, metric, options);
  finish(program_of(target, options), state);
  return state;
}

/// The same in the noise of a flow, from starts of theta.
State sample(const Target& target, const Flow& flow, ConstMat starts, const ChainsOptions& options) {
  State state;
  state.stage = options.name;
  place_chains(state, flow, superchain_starts(starts, options.superchains, options.chains_per_superchain),
               options.name);
  chains(target, options)->start(state);
  finish(program_of(target, options), state);
  return state;
}

/// Neal's funnel: x_0 normal of sd 3, the others of sd exp(x_0 / 2).
BlockLogDensity funnel() {
  return [](Index, ConstVec x, Vec grad) {
    const double v = x(0), shrink = std::exp(-v), sum = x.tail(x.size() - 1).squaredNorm();
    const double n = static_cast<double>(x.size() - 1);
    grad(0) += -v / 9.0 + 0.5 * shrink * sum - 0.5 * n;
    grad.tail(x.size() - 1) -= shrink * x.tail(x.size() - 1);
    return -v * v / 18.0 - 0.5 * shrink * sum - 0.5 * n * v;
  };
}

/// The flow whose noise, where x_0 is within 3 sd, is standard normal if theta has the funnel's density.
Flow funnel_flow(Index d) {
  const Affine base{Vector::Zero(d), 3.0 * Vector::Unit(d, 0) + Vector::Ones(d) - Vector::Unit(d, 0)};
  const Flow plain = Flow::identity(base, 10.0);
  std::vector<Flow::Conditional> conditionals = plain.conditionals();
  for (Index i = 1; i < d; ++i) conditionals[static_cast<std::size_t>(i)].log_scale(1) = 1.5;
  return {base, plain.order(), conditionals, plain.nu()};
}

/// x_0 standard normal, x_1 of variance 0.1 around its square.
double banana(Index, ConstVec x, Vec grad) {
  const double residual = x(1) - x(0) * x(0);
  grad(0) += -x(0) + 20.0 * residual * x(0);
  grad(1) -= 10.0 * residual;
  return -0.5 * x(0) * x(0) - 5.0 * residual * residual;
}

Affine unit(Index d) {
  return {Vector::Zero(d), Matrix::Ones(d, 1)};
}

/// Checks means and sds against the truth, in units of the superchains' standard errors, and what is kept
/// against the target.
void expect_right(const State& state, const Target& target, const Vector& mean, const Vector& sd) {
  const ChainDraws draws = chain_draws(state);
  const Index d = mean.size(), iterations = draws.iterations();
  for (Index i = 0; i < d; ++i) {
    const Matrix own = draws.theta.row(i).reshaped(draws.chains, iterations);
    const Mixing found = mixing(draws.theta.row(i), draws.superchains, draws.chains);
    const double own_sd = std::sqrt((own.array() - own.mean()).square().mean());
    EXPECT_LT(std::abs(own.mean() - mean(i)), 4.5 * found.mean_error * own_sd) << i;
    EXPECT_LT(std::abs(own_sd / sd(i) - 1.0), 4.5 * found.sd_error) << i;
  }
  Vector value(draws.theta.cols());
  Matrix gradient(d, draws.theta.cols());
  target.log_joint(draws.theta, value, gradient);
  EXPECT_EQ(hash(value), hash(draws.log_joint));
  EXPECT_EQ(hash(gradient), hash(draws.gradient));
}

TEST(Chains, MomentsOfATwoDimensionalNormal) {
  const Vector mean = Vector{{3.0, -1.0}};
  const Matrix precision{{2.0, 0.9}, {0.9, 0.8}};
  const toys::Toy toy(2, 1, toys::gaussian(mean, precision));
  const ChainsOptions options{.rule = mixing_rule({})};
  const State state = sample(toy.target, unit(2), options);
  const ChainsSummary summary = chains_summary(state);
  EXPECT_TRUE(summary.enough);
  EXPECT_EQ(summary.divergences, 0);
  EXPECT_GT(summary.acceptance, 0.6);
  EXPECT_LT(summary.acceptance, 0.95);
  EXPECT_EQ(summary.gradients, 64 * summary.calls);
  EXPECT_EQ(summary.gradients, toy.target.calls().gradients);
  const Matrix covariance = precision.inverse();
  expect_right(state, toy.target, mean, covariance.diagonal().cwiseSqrt());
}

TEST(Chains, ConditionTenThousandAfterThePolish) {
  const Index d = 100;
  Vector sd(d);
  for (Index i = 0; i < d; ++i) sd(i) = std::pow(10.0, -4.0 * static_cast<double>(i) / (d - 1.0) / 2.0);
  // Rotated by a Householder reflection, so that no metric along the axes will do.
  const Vector v = toys::random_matrix(d, 1, 5).col(0).normalized();
  const Matrix rotation = Matrix::Identity(d, d) - 2.0 * v * v.transpose();
  const Matrix covariance = rotation * sd.cwiseAbs2().asDiagonal() * rotation;
  const Matrix precision = rotation * sd.cwiseAbs2().cwiseInverse().asDiagonal() * rotation;
  const Vector mean = toys::random_matrix(d, 1, 6);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {}));
  stages.push_back(chains(toy.target, {.rule = mixing_rule({.mean_error = 0.04, .sd_error = 0.03})}));
  const State state = toys::run(Program(std::move(stages))).state;
  const ChainsSummary summary = chains_summary(state);
  EXPECT_TRUE(summary.enough);
  EXPECT_LT(summary.gradients, 25000U);
  expect_right(state, toy.target, mean, covariance.diagonal().cwiseSqrt());
}

TEST(Chains, LearnsTheMetricInWarmUp) {
  Vector sd(6);
  sd << 0.02, 0.1, 1.0, 3.0, 5.0, 10.0;
  const toys::Toy toy(6, 1, toys::gaussian(Vector::Zero(6), sd.cwiseAbs2().cwiseInverse().asDiagonal()));
  const State state = sample(toy.target, {Vector::Ones(6), Matrix::Ones(6, 1)}, {.rule = mixing_rule({})});
  EXPECT_TRUE(chains_summary(state).enough);
  const Matrix scale = state.get(ChainSlots("chains").metric).scale;
  ASSERT_EQ(scale.cols(), 1);
  EXPECT_LT((scale.col(0).array() / sd.array() - 1.0).abs().maxCoeff(), 0.2);
  expect_right(state, toy.target, Vector::Zero(6), sd);
}

TEST(Chains, IsExactForADensityFarFromNormal) {
  // log of a gamma(2, 1) variable: mean digamma(2), variance trigamma(2).
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    grad(0) += 2.0 - std::exp(x(0));
    return 2.0 * x(0) - std::exp(x(0));
  });
  const State state = sample(toy.target, unit(1), {.max_iterations = 150});
  const double pi = std::numbers::pi;
  expect_right(state, toy.target, Vector::Constant(1, 0.42278433509846713),
               Vector::Constant(1, std::sqrt(pi * pi / 6.0 - 1.0)));
}

TEST(Chains, ContinueFromEveryAdvanceWithTheSameBits) {
  const toys::Toy toy(3, 1,
                      toys::logistic(toys::random_matrix(30, 3, 7),
                                     Vector::LinSpaced(30, 0, 1).array().round().matrix(), 1.0));
  ChainsOptions options{.superchains = 4, .max_iterations = 20, .calls_per_advance = 1};
  options.rule = mixing_rule({});
  const Program program = program_of(toy.target, options);
  State straight = begin(toy.target, unit(3), options), resumed = straight;
  finish(program, straight);
  while (!resumed.finished()) {
    Checkpoint checkpoint;
    checkpoint.state = resumed;
    resumed = unpack_checkpoint(pack(checkpoint)).state;
    program_of(toy.target, options).advance(resumed);
  }
  EXPECT_EQ(hash(resumed), hash(straight));
  EXPECT_EQ(chain_draws(straight).iterations(), 20);

  // However many steps an advance takes, the chains are the same.
  options.calls_per_advance = 5;
  const State faster = sample(toy.target, unit(3), options);
  EXPECT_LT(faster.step, straight.step);
  EXPECT_EQ(hash(chain_draws(faster).theta), hash(chain_draws(straight).theta));
  EXPECT_EQ(hash(faster.memory.at("chains_progress")), hash(straight.memory.at("chains_progress")));

  options.seed = 2;
  const State other = sample(toy.target, unit(3), options);
  EXPECT_NE(hash(chain_draws(other).theta), hash(chain_draws(straight).theta));
}

TEST(Chains, ContinueInAFlowWithTheSameBits) {
  const toys::Toy toy(3, 1, funnel());
  ChainsOptions options{.superchains = 4, .max_iterations = 20};
  options.rule = [](const ChainDraws&) { return ChainCheck{.lengthen = true}; };
  State state;
  state.stage = "chains";
  place_chains(state, funnel_flow(3), superchain_starts(toys::random_matrix(3, 4, 8), 4, 2));
  chains(toy.target, options)->start(state);
  const Program program = program_of(toy.target, options);
  State straight = state, resumed = state;
  finish(program, straight);
  while (!resumed.finished()) {
    Checkpoint checkpoint;
    checkpoint.state = resumed;
    resumed = unpack_checkpoint(pack(checkpoint)).state;
    program_of(toy.target, options).advance(resumed);
  }
  EXPECT_EQ(hash(resumed), hash(straight));
  // Placed without a flow, the next chains of that name do not find it.
  place_chains(straight, unit(3), Matrix::Zero(3, 8));
  EXPECT_FALSE(straight.has(ChainSlots("chains").flow));
}

TEST(Chains, StagesOfDifferentNamesDoNotMeet) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  const ChainsOptions options{.max_iterations = 4},
      audit{.name = "audit", .superchains = 8, .max_iterations = 6};
  const State alone = sample(toy.target, unit(2), options);
  std::vector<Place> stages;
  stages.push_back(chains(toy.target, audit));
  stages.push_back(chains(toy.target, options));
  State both = begin(toy.target, unit(2), audit);
  const State placed = begin(toy.target, unit(2), options);
  both.memory.insert(placed.memory.begin(), placed.memory.end());
  finish(Program(std::move(stages)), both);
  EXPECT_EQ(chain_draws(both, "audit").chains, 16);
  EXPECT_EQ(chains_summary(both, "audit").iterations, 6);
  EXPECT_EQ(hash(chain_draws(both).theta), hash(chain_draws(alone).theta));
  drop_chains(both, "audit");
  EXPECT_EQ(hash(both.memory.at("chains_theta")), hash(alone.memory.at("chains_theta")));
  EXPECT_EQ(both.memory.size(), alone.memory.size());

  ChainsOptions other = options;
  other.name = "other";
  const State differently = sample(toy.target, unit(2), other);
  EXPECT_NE(hash(chain_draws(differently, "other").theta), hash(chain_draws(alone).theta));
}

TEST(Chains, LengthenTheirTrajectoriesWhereTheRuleSaysSo) {
  const toys::Toy toy(4, 1, toys::gaussian(Vector::Zero(4), Matrix::Identity(4, 4)));
  ChainsOptions options{.trajectory = 1.0, .max_iterations = 200};
  options.rule = [](const ChainDraws&) { return ChainCheck{.lengthen = true}; };
  State state = begin(toy.target, unit(4), options);
  const std::vector<Record> records = finish(program_of(toy.target, options), state);
  std::vector<std::string> notes;
  for (const Record& record : records) {
    if (record.note.find("lengthened") != std::string::npos) notes.push_back(record.note);
  }
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_EQ(notes[0], "16 iterations; trajectories lengthened to 2");
  EXPECT_EQ(notes[1], "37 iterations; trajectories lengthened to 4");
  EXPECT_EQ(notes[2], "84 iterations; trajectories lengthened to 6.28");
  EXPECT_DOUBLE_EQ(chains_summary(state).trajectory, 2.0 * std::numbers::pi);
  EXPECT_FALSE(chains_summary(state).enough);
}

TEST(Chains, TwoFarModesDoNotPass) {
  // Weights 1/2, 20 sds apart.
  const Index d = 4;
  const toys::Toy toy(d, 1, [](Index, ConstVec x, Vec grad) {
    const double t = std::tanh(10.0 * x(0));
    grad += -x;
    grad(0) += 10.0 * t;
    return -0.5 * x.squaredNorm() + 10.0 * std::abs(x(0)) + std::log1p(std::exp(-20.0 * std::abs(x(0))));
  });
  ChainsOptions options{.rule = mixing_rule({}), .max_iterations = 40};
  Matrix points = toys::random_matrix(d, 32, 3);
  points.row(0).leftCols(16).array() += 10.0;
  points.row(0).rightCols(16).array() -= 10.0;
  State state;
  state.stage = "chains";
  place_chains(state, unit(d), superchain_starts(points, 32, 2));
  chains(toy.target, options)->start(state);
  finish(program_of(toy.target, options), state);
  EXPECT_FALSE(chains_summary(state).enough);
  const ChainDraws draws = chain_draws(state);
  EXPECT_GT(mixing(draws.theta, 32, 64).rhat, 1.5);
  EXPECT_EQ(mixing(draws.theta, 32, 64).rhat_at, 0);
}

TEST(Chains, AFunnelIsFlagged) {
  const Index d = 10;
  const toys::Toy toy(d, 1, funnel());
  const ChainsOptions options{.rule = mixing_rule({}), .max_gradients = 100'000};
  const State state = sample(toy.target, unit(d), options);
  const ChainsSummary summary = chains_summary(state);
  EXPECT_TRUE(!summary.enough || summary.divergences > 0);
  EXPECT_GE(summary.gradients, 100'000U);
}

TEST(Chains, MixAtOnceInTheNoiseOfTheRightFlow) {
  const Index d = 3;
  const toys::Toy toy(d, 1, funnel());
  // x_0 and the others over their scale: independent normals.
  const auto independent = [](ConstMat x) -> Matrix {
    Matrix z = x;
    for (Index s = 0; s < x.cols(); ++s) z.col(s).tail(x.rows() - 1) *= std::exp(-0.5 * x(0, s));
    return z;
  };
  ChainsOptions options;
  options.rule = [&](const ChainDraws& draws) {
    const Mixing found = mixing(independent(draws.theta), draws.superchains, draws.chains);
    return ChainCheck{.enough = found.rhat < 1.02 && found.mean_error < 0.02 && found.sd_error < 0.0125};
  };
  Matrix starts = toys::random_matrix(d, options.superchains, 3);
  const State state = sample(toy.target, funnel_flow(d), starts, options);
  const ChainsSummary summary = chains_summary(state);
  EXPECT_TRUE(summary.enough);
  EXPECT_LT(summary.iterations, 200);
  EXPECT_GT(summary.acceptance, 0.8);
  EXPECT_GT(summary.step, 0.7);
  const ChainDraws draws = chain_draws(state);
  const Matrix z = independent(draws.theta);
  for (Index i = 0; i < d; ++i) {
    const double mean = z.row(i).mean(), sd = std::sqrt((z.row(i).array() - mean).square().mean());
    const double truth = i == 0 ? 3.0 : 1.0;
    EXPECT_LT(std::abs(mean), 0.08 * truth) << i;
    EXPECT_LT(std::abs(sd / truth - 1.0), 0.05) << i;
  }
  // What is kept is of theta, whatever the chains move in.
  Vector value(draws.theta.cols());
  Matrix gradient(d, draws.theta.cols());
  toy.target.log_joint(draws.theta, value, gradient);
  EXPECT_EQ(hash(value), hash(draws.log_joint));
  EXPECT_EQ(hash(gradient), hash(draws.gradient));
  EXPECT_EQ(draws.metric, funnel_flow(d).base());
}

TEST(Chains, GoOnInTheNoiseOfAFlowFittedToThem) {
  const toys::Toy toy(2, 1, banana);
  const ChainsOptions options{.rule = mixing_rule({.sd_error = 0.03}), .max_gradients = 30'000};
  const State first = sample(toy.target, unit(2), options);
  EXPECT_FALSE(chains_summary(first).enough);

  const ChainDraws draws = chain_draws(first);
  const Matrix starts = last_points(draws);
  ASSERT_EQ(starts.cols(), 32);
  const Index last = draws.theta.cols() - draws.chains;
  for (Index k = 0; k < 32; ++k) EXPECT_EQ(starts.col(k), draws.theta.col(last + 2 * k));

  ChainsOptions further = options;
  further.name = "flow_chains";
  further.max_gradients = 200'000;
  const State second = sample(toy.target, flow_of_chains(draws), starts, further);
  const ChainsSummary summary = chains_summary(second, "flow_chains");
  EXPECT_TRUE(summary.enough);
  EXPECT_EQ(summary.divergences, 0);
  EXPECT_GT(summary.step, 2.0 * chains_summary(first).step);
  const ChainDraws found = chain_draws(second, "flow_chains");
  // E x_1 = 1, its variance 2 + 0.1.
  const Vector mean{{0.0, 1.0}}, sd{{1.0, std::sqrt(2.1)}};
  for (Index i = 0; i < 2; ++i) {
    const double own_mean = found.theta.row(i).mean();
    const double own_sd = std::sqrt((found.theta.row(i).array() - own_mean).square().mean());
    EXPECT_NEAR(own_mean, mean(i), 4.5 * 0.02 * sd(i));
    EXPECT_NEAR(own_sd / sd(i), 1.0, 4.5 * 0.03);
  }
  EXPECT_EQ(hash(flow_of_chains(draws).transform(starts)), hash(flow_of_chains(draws).transform(starts)));
}

TEST(Chains, NeverEnterARegionWithoutADensity) {
  // N(0, I) where x_0 < 1.
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    if (x(0) > 1.0) return nan;
    grad -= x;
    return -0.5 * x.squaredNorm();
  });
  const ChainsOptions options{.max_iterations = 100};
  State state = begin(toy.target, unit(2), options);
  const std::vector<Record> records = finish(program_of(toy.target, options), state);
  const ChainDraws draws = chain_draws(state);
  EXPECT_TRUE(draws.log_joint.allFinite());
  EXPECT_LE(draws.theta.row(0).maxCoeff(), 1.0);
  // Those of warm-up are counted apart.
  const ChainsSummary summary = chains_summary(state);
  EXPECT_GT(summary.divergences_warm_up, 0);
  EXPECT_GT(summary.divergences, 0);
  EXPECT_LT(summary.gradients_warm_up, summary.gradients);
  Index non_finite = 0;
  for (const Record& record : records) non_finite += record.non_finite;
  EXPECT_GE(non_finite, summary.divergences + summary.divergences_warm_up);
  // The normal truncated at 1: mean -phi(1) / Phi(1), variance 1 + mean - mean^2.
  const double mean = -0.28759997093917836;
  expect_right(state, toy.target, Vector{{mean, 0.0}}, Vector{{std::sqrt(1.0 + mean - mean * mean), 1.0}});
}

TEST(Chains, StartsOutsideTheSupportMoveInwards) {
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    if (x.norm() > 1.5) return nan;
    grad -= x;
    return -0.5 * x.squaredNorm();
  });
  const ChainsOptions options{.max_iterations = 4};
  State state = begin(toy.target, unit(2), options, 30.0);
  const std::vector<Record> records = finish(program_of(toy.target, options), state);
  EXPECT_GT(records[0].non_finite, 40);
  EXPECT_NE(records[0].note.find("value nan"), std::string::npos) << records[0].note;
  EXPECT_TRUE(chain_draws(state).log_joint.allFinite());

  const toys::Toy nowhere(2, 1, [](Index, ConstVec, Vec) { return nan; });
  State hopeless = begin(nowhere.target, unit(2), options);
  const Program program = program_of(nowhere.target, options);
  int steps = 0;
  try {
    for (; steps < 100; ++steps) program.advance(hopeless);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(steps, 20);
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("64 of 64"), std::string::npos) << error.what();
  }
}

TEST(Chains, StartsOfASuperchainAreOneDrawOfQ) {
  const auto family = mean_field(2);
  Vector lambda(4);
  lambda << 5.0, -3.0, std::log(0.1), std::log(2.0);
  const Matrix starts = superchain_starts(*family, lambda, 400, 2, 3);
  ASSERT_EQ(starts.cols(), 800);
  for (Index k = 0; k < 400; ++k) ASSERT_EQ(starts.col(2 * k), starts.col(2 * k + 1));
  EXPECT_NEAR(starts.row(0).mean(), 5.0, 4.0 * 0.1 / 20.0);
  EXPECT_NEAR(std::sqrt((starts.row(1).array() + 3.0).square().mean()), 2.0, 4.0 * 2.0 / std::sqrt(800.0));
  EXPECT_NE(starts.col(0), starts.col(2));
}

// On any number of ranks, in theta and in the noise of a flow.
TEST(ChainsMpi, BitsAreThoseOfOneProcess) {
  const Index d = 3, blocks = 5;
  const toys::Regression regression(d, blocks, 4, 9);
  const Communicator comm = Communicator::world();
  const ChainsOptions options{.superchains = 4, .max_iterations = 8};
  const auto bits = [&](const Communicator& on) {
    const Index first = blocks * on.rank() / on.size(), end = blocks * (on.rank() + 1) / on.size();
    const auto model = toys::all_likelihood(d, end - first, [&](Index block, ConstVec x, Vec g) {
      return regression.density()(first + block, x, g);
    });
    const Target target(*model, on);
    const State state = sample(target, unit(d), options);
    const Matrix starts = last_points(chain_draws(state));
    const State in_flow = sample(target, flow_of_chains(chain_draws(state)), starts, options);
    return std::pair(hash(state), hash(in_flow));
  };
  EXPECT_EQ(bits(comm), bits(Communicator::self()));
}

TEST(Chains, MisuseIsNamed) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  EXPECT_THROW(chains(toy.target, {.superchains = 1}), Error);
  State state;
  place_chains(state, unit(2), Matrix::Zero(2, 3));
  EXPECT_THROW(chains(toy.target, {})->start(state), Error);
  place_chains(state, unit(2), Matrix::Zero(2, 64));
  chains(toy.target, {})->start(state);
  EXPECT_THROW(last_points(chain_draws(state)), Error);
  EXPECT_THROW(flow_of_chains(chain_draws(state)), Error);
}

}  // namespace
}  // namespace vfe
