#include "vfe/infer/importance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "infer/pool.hpp"
#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/statistics/psis.hpp"

namespace vfe {
namespace {

/// Enough at `ess` effective draws.
PoolRule effective_draws(double ess) {
  return [ess](const WeightedPool& pool) {
    const Psis smoothed = psis(pool.log_weight);
    return PoolCheck{.enough = smoothed.ess >= ess,
                     .khat = smoothed.khat,
                     .ess = smoothed.ess,
                     .shortfall = ess / smoothed.ess};
  };
}

Proposal one_mode(const Affine& q) {
  Proposal modes;
  modes.add(1.0, Student{.base = q});
  return modes;
}

/// A state as the earlier stages leave it.
State begin(const Target& target, const Affine& q, const ImportanceOptions& options, const Proposal& modes) {
  State state;
  state.stage = "importance";
  state.lambda = normal_lambda(q);
  state.put(left::found_modes, modes);
  importance(target, options)->start(state);
  return state;
}
State begin(const Target& target, const Affine& q, const ImportanceOptions& options) {
  return begin(target, q, options, one_mode(q));
}

toys::Finished finish(const Target& target, State state, const ImportanceOptions& options) {
  std::vector<Place> stages;
  stages.push_back(importance(target, options));
  const Program program(std::move(stages));
  toys::Finished result{std::move(state), {}};
  while (!result.state.finished()) {
    // As after a resume: nothing lives outside the state.
    State resumed = result.state;
    result.records.push_back(program.advance(resumed));
    result.state = std::move(resumed);
  }
  return result;
}

bool enough(const State& state) {
  return state.get(left::importance_enough);
}

Vector weights(const WeightedPool& pool) {
  Vector weight = (pool.log_weight.array() - pool.log_weight.maxCoeff()).exp();
  return weight / weight.sum();
}

/// The log evidence by the last record is right within its errors, and what is kept is the target's.
void expect_right(const toys::Finished& found, const Target& target, double log_evidence) {
  const Record& last = found.records.back();
  EXPECT_LT(std::abs(-last.free_energy - log_evidence), 4.0 * last.std_error);
  const WeightedPool pool = weighted_pool(found.state);
  Vector value(pool.theta.cols());
  Matrix gradient(pool.theta.rows(), pool.theta.cols());
  target.log_joint(pool.theta, value, gradient);
  EXPECT_EQ(hash(value), hash(pool.log_joint));
  EXPECT_EQ(hash(gradient), hash(pool.gradient));
}

double log_2_pi(Index d) {
  return 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi);
}

/// x_1 ~ N(0, 1), x_2 | x_1 ~ N(bend x_1^2, 0.5^2); the evidence is 2 pi 0.5.
BlockLogDensity banana(double bend) {
  return [bend](Index, ConstVec x, Vec grad) {
    const double off = (x[1] - bend * x[0] * x[0]) / 0.25;
    grad[0] += -x[0] + 2.0 * bend * x[0] * off;
    grad[1] -= off;
    return -0.5 * (x[0] * x[0] + 0.25 * off * off);
  };
}
const Affine around_banana{Vector{{0.0, 1.0}}, Vector{{1.0, 1.0}}};

TEST(Importance, NeedsOneRoundWhereQIsRight) {
  const Index d = 5;
  const Matrix precision = toys::random_precision(d, 1);
  const Vector mean = toys::random_matrix(d, 1, 2);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const Matrix lower = precision.inverse().llt().matrixL();
  const Affine q{mean, lower};
  const ImportanceOptions options{.rule = effective_draws(700.0)};
  const toys::Finished found = finish(toy.target, begin(toy.target, q, options), options);
  const WeightedPool pool = weighted_pool(found.state);
  EXPECT_TRUE(enough(found.state));
  EXPECT_EQ(pool.rounds, 1);
  EXPECT_EQ(pool.theta.cols(), 1024);
  EXPECT_EQ(found.records.size(), 4U);  // of 256 draws
  EXPECT_EQ(toy.target.calls().gradients, 1024U);
  expect_right(found, toy.target, log_2_pi(d) + q.log_det());
  EXPECT_LT(found.records.back().std_error, 0.02);
  // Tails and probes apart, weights are equal.
  EXPECT_LT(weights(pool).maxCoeff(), 1.6 / 1024.0);
}

TEST(Importance, WeighsDrawsByTheirOwnRoundAndLaterRoundsMore) {
  for (const double bend : {0.1, 1.0}) {
    const toys::Toy toy(2, 1, banana(bend));
    const ImportanceOptions options{.max_rounds = 2, .hopeless = 0.0, .rule = effective_draws(1e9)};
    const Affine unit{Vector::Zero(2), Matrix::Identity(2, 2)};
    const State state =
        finish(toy.target, begin(toy.target, bend < 1.0 ? unit : around_banana, options), options).state;
    const WeightedPool pool = weighted_pool(state);
    ASSERT_EQ(pool.rounds, 2);
    ASSERT_EQ(pool.theta.cols(), 1024 + 2048);
    const Vector own = state.get(pool::log_density).row(0).tail(2048);
    const Vector later = pool.log_proposal.tail(2048) - own;
    if (bend == 1.0) {  // the first round has too few effective draws to count
      EXPECT_TRUE((pool.log_proposal.head(1024).array() == INFINITY).all());
      EXPECT_LT((later.array() + std::log(1.5)).abs().maxCoeff(), 1e-10);
      continue;
    }
    // Means of the two rounds count as 1 x 1024 to 2 x 2048.
    const Proposal first = first_proposal(state, options).stratified(1024);
    const Vector expected = first.log_density(pool.theta.leftCols(1024)).array() - std::log(0.2 * 3.0);
    EXPECT_LT((pool.log_proposal.head(1024) - expected).cwiseAbs().maxCoeff(), 1e-10);
    EXPECT_LT((later.array() + std::log(0.8 * 1.5)).abs().maxCoeff(), 1e-10);
  }
}

// Fitted to their own weights, draws of earlier rounds would count too little.
TEST(Importance, AFitToTheDrawsDoesNotBiasTheEvidence) {
  const Index d = 10;
  // Logs of gamma variables with shape k.
  const double k = 6.0;
  const toys::Toy toy(d, 1, [k](Index, ConstVec x, Vec grad) {
    grad.array() += k - x.array().exp();
    return k * x.sum() - x.array().exp().sum();
  });
  const Affine q{Vector::Constant(d, std::log(k)), Vector::Constant(d, 1.0 / std::sqrt(k))};
  double sum = 0.0;
  constexpr int seeds = 4;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const ImportanceOptions options{.max_rounds = 2, .rule = effective_draws(1e9), .seed = seed};
    const Record last = finish(toy.target, begin(toy.target, q, options), options).records.back();
    sum += (-last.free_energy - static_cast<double>(d) * std::lgamma(k)) / last.std_error;
  }
  EXPECT_LT(std::abs(sum) / std::sqrt(seeds), 3.0);
}

TEST(Importance, FindsItsWayAlongABanana) {
  const toys::Toy toy(2, 1, banana(2.0));
  const ImportanceOptions options{.rule = effective_draws(4000.0)};
  const toys::Finished found = finish(toy.target, begin(toy.target, around_banana, options), options);
  const WeightedPool pool = weighted_pool(found.state);
  EXPECT_TRUE(enough(found.state));
  EXPECT_GT(pool.rounds, 1);
  expect_right(found, toy.target, log_2_pi(2) + std::log(0.5));
  // As many draws of the first proposal are worth less.
  const ImportanceOptions at_once{.first_draws = pool.theta.cols()};
  const toys::Finished first = finish(toy.target, begin(toy.target, around_banana, at_once), at_once);
  EXPECT_GT(psis(pool.log_weight).ess, 2.0 * psis(weighted_pool(first.state).log_weight).ess);
}

TEST(Importance, GoesOnFromAnyStep) {
  const toys::Toy toy(2, 1, banana(1.0));
  const ImportanceOptions options{.max_rounds = 3, .rule = effective_draws(1e9)};
  State straight = begin(toy.target, around_banana, options);
  const auto stage = importance(toy.target, options);
  while (!stage->advance(straight).done) continue;
  State stopped = begin(toy.target, around_banana, options);
  for (bool done = false; !done;) {
    const toys::Toy other(2, 1, banana(1.0));
    State resumed;
    resumed.stage = stopped.stage;
    resumed.lambda = stopped.lambda;
    for (const auto& [name, value] : stopped.memory) resumed.memory[name] = Matrix(value);
    done = importance(other.target, options)->advance(resumed).done;
    stopped = std::move(resumed);
  }
  EXPECT_EQ(weighted_pool(straight).rounds, 3);
  EXPECT_EQ(hash(straight), hash(stopped));
}

/// 0.9 N(0, I) + 0.1 N((30, 0), 0.5^2 I).
double two_modes(Index, ConstVec x, Vec grad) {
  Vector other = x;
  other[0] -= 30.0;
  const double a = std::log(0.9) - 0.5 * x.squaredNorm(),
               b = std::log(0.1) - 2.0 * other.squaredNorm() + 2.0 * std::log(2.0);
  const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
  grad -= std::exp(a - value) * x + 4.0 * std::exp(b - value) * other;
  return value;
}

TEST(Importance, CoversEveryModeThatWasFound) {
  const toys::Toy toy(2, 1, two_modes);
  const Affine q{Vector::Zero(2), Vector::Ones(2)};
  const Affine other{Vector{{30.0, 0.0}}, Vector{{0.5, 0.5}}};
  Proposal modes;
  modes.add(0.9, Student{.base = q});
  modes.add(0.1, Student{.base = other});
  for (const double ess : {500.0, 4000.0}) {  // without and with adaptation
    const ImportanceOptions options{.rule = effective_draws(ess)};
    const toys::Finished found = finish(toy.target, begin(toy.target, q, options, modes), options);
    EXPECT_TRUE(enough(found.state));
    expect_right(found, toy.target, log_2_pi(2));
    const WeightedPool pool = weighted_pool(found.state);
    EXPECT_EQ(pool.rounds > 1, ess > 1000.0);
    const Vector weight = weights(pool);
    double far = 0.0;
    for (Index s = 0; s < weight.size(); ++s) far += pool.theta(0, s) > 15.0 ? weight(s) : 0.0;
    EXPECT_NEAR(far, 0.1, 4.0 * std::sqrt(0.1 / ess));
  }
}

TEST(Importance, GivesAModeOfLittleWeightDrawsToo) {
  const Affine q{Vector::Zero(2), Vector::Ones(2)};
  Proposal modes;
  modes.add(1e-6, Student{.base = {Vector{{0.1, 0.0}}, Vector::Ones(2)}});
  modes.add(1.0, Student{.base = {Vector{{9.0, 9.0}}, Vector::Ones(2)}});
  State state;
  state.lambda = normal_lambda(q);
  state.put(left::found_modes, modes);
  const Proposal first = first_proposal(state, {});
  ASSERT_EQ(first.num_components(), 5);
  EXPECT_NEAR(first.weight(0), 0.85 * 0.05 / 1.05, 1e-6);
  // q stands for the mode nearest to it.
  EXPECT_EQ(std::get<Student>(first.component(0)).base, q);
  EXPECT_EQ(std::get<Student>(first.component(1)).base.shift(0), 9.0);
  EXPECT_NEAR(first.weight(4), 0.05, 1e-12);
  EXPECT_EQ(std::get<Student>(first.component(4)).base.scale(0), 10.0);
}

TEST(Importance, DrawsNoProbesAboveThirtyDimensions) {
  State state;
  const Affine q{Vector::Zero(31), Vector::Ones(31)};
  state.lambda = normal_lambda(q);
  state.put(left::found_modes, one_mode(q));
  const Proposal first = first_proposal(state, {});
  ASSERT_EQ(first.num_components(), 1);
  EXPECT_EQ(std::get<Student>(first.component(0)).nu, 31.0);
}

TEST(Importance, CountsDrawsOutsideTheSupportForNothing) {
  // A half normal: the evidence is half the normal's.
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    if (x[0] < 0.0) return -std::numeric_limits<double>::infinity();
    grad[0] -= x[0];
    return -0.5 * x[0] * x[0];
  });
  const Affine q{Vector::Constant(1, 0.8), Vector::Constant(1, 0.6)};
  const ImportanceOptions options{.rule = effective_draws(3000.0)};
  const toys::Finished found = finish(toy.target, begin(toy.target, q, options), options);
  EXPECT_TRUE(enough(found.state));
  EXPECT_GT(weighted_pool(found.state).rounds, 1);
  EXPECT_GT(found.records.front().non_finite, 0);
  expect_right(found, toy.target, log_2_pi(1) - std::log(2.0));
  const WeightedPool pool = weighted_pool(found.state);
  for (Index s = 0; s < pool.theta.cols(); ++s) {
    if (pool.theta(0, s) < 0.0) {
      ASSERT_EQ(pool.log_weight(s), -std::numeric_limits<double>::infinity());
    }
  }
}

TEST(Importance, EndsWhereNoDrawHasADensity) {
  const toys::Toy toy(1, 1, [](Index, ConstVec, Vec) { return -std::numeric_limits<double>::infinity(); });
  const ImportanceOptions options{.rule = effective_draws(100.0)};
  const toys::Finished found =
      finish(toy.target, begin(toy.target, {Vector::Zero(1), Vector::Ones(1)}, options), options);
  EXPECT_FALSE(enough(found.state));
  EXPECT_EQ(weighted_pool(found.state).rounds, 1);
  EXPECT_EQ(found.records.back().free_energy, std::numeric_limits<double>::infinity());
}

TEST(Importance, EndsAtItsLimits) {
  const toys::Toy toy(2, 1, banana(1.0));
  const auto ended = [&](const ImportanceOptions& options) {
    const toys::Finished found = finish(toy.target, begin(toy.target, around_banana, options), options);
    EXPECT_FALSE(enough(found.state));
    return std::pair(weighted_pool(found.state).rounds, weighted_pool(found.state).theta.cols());
  };
  const PoolRule never = effective_draws(1e9);
  EXPECT_EQ(ended({.first_draws = 300}), (std::pair<Index, Index>(1, 300)));
  EXPECT_EQ(ended({.first_draws = 300, .max_rounds = 2, .rule = never}), (std::pair<Index, Index>(2, 1324)));
  // The second of these has room for no more than 1,500 draws, the third for none.
  EXPECT_EQ(ended({.max_draws = 2524, .rule = never}), (std::pair<Index, Index>(2, 2524)));
  // One chance.
  EXPECT_EQ(ended({.hopeless = 1.1, .rule = never}).first, 2);
}

TEST(Importance, AsksForWhatTheShortfallSays) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  const PoolRule rule = [](const WeightedPool& pool) {
    return PoolCheck{.khat = 0.1, .ess = 0.8 * static_cast<double>(pool.theta.cols()), .shortfall = 2.5};
  };
  const ImportanceOptions options{.max_rounds = 2, .rule = rule};
  const toys::Finished found =
      finish(toy.target, begin(toy.target, {Vector::Zero(2), Vector::Ones(2)}, options), options);
  EXPECT_EQ(weighted_pool(found.state).theta.cols(), static_cast<Index>(1.15 * 1024 * 2.5));
}

/// A pool of two rounds of three draws each, as the stage leaves it, with these log weights.
State pool_of(const Matrix& log_weight) {
  State state;
  for (const auto& slot : {pool::theta, pool::gradient, pool::log_density})
    state.put(slot, Matrix::Zero(1, 6));
  state.put(pool::log_joint, log_weight);
  state.put(pool::draws, Matrix{{3.0, 3.0}});
  state.put(pool::whitening, {Vector::Zero(1), Matrix::Ones(1, 1)});
  return state;
}

TEST(Importance, DropsARoundForALaterOneAndNotForAnEarlierOne) {
  // The second round has met what the first did not know of.
  const State met = pool_of(Matrix{{0.0, 0.0, 0.0, 0.0, 9.0, 0.0}});
  EXPECT_TRUE(weighted_pool(met).log_proposal.allFinite());
  const State mended = pool_of(Matrix{{0.0, 9.0, 0.0, 0.0, 0.0, 0.0}});
  const Vector log_proposal = weighted_pool(mended).log_proposal;
  EXPECT_TRUE((log_proposal.head(3).array() == INFINITY).all());
  EXPECT_TRUE(log_proposal.tail(3).allFinite());
}

}  // namespace
}  // namespace vfe
