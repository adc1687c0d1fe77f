#include "vfe/target/target.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "target/toy_models.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

constexpr Index d = 5, num_blocks = 23;

Matrix thetas(Index draws, Index rows = d) {
  Matrix theta(rows, draws);
  fill_normal({8, Purpose::check, 0, 0, 0}, theta);
  return theta;
}

struct Result {
  Vector value;
  Matrix grad;
  std::uint64_t bits() const { return hash(value) * 31 + hash(grad); }
};

Result evaluate(const Target& target, const Minibatch& batch, ConstMat theta) {
  Result result{Vector::Constant(theta.cols(), 5.0), Matrix::Constant(theta.rows(), theta.cols(), 5.0)};
  target.log_joint(batch, theta, result.value, result.grad);
  return result;
}

// The sum over all blocks of a minibatch in one process by plain loops.
Result plain_loops(const Minibatch& batch, ConstMat theta) {
  const ToyModel model(theta.rows(), num_blocks, BlockRange{0, num_blocks});
  Result result{Vector::Zero(theta.cols()), Matrix::Zero(theta.rows(), theta.cols())};
  for (Index b = batch.offset; b < num_blocks; b += batch.stride) {
    model.log_likelihood(b, theta, result.value, result.grad);
  }
  result.value *= static_cast<double>(batch.stride);
  result.grad *= static_cast<double>(batch.stride);
  model.log_prior(theta, result.value, result.grad);
  return result;
}

void sums_equal_plain_loops(const Communicator& comm) {
  const ToyModel model(d, num_blocks, comm);
  const Target target(model, comm);
  Index rows = 0;
  for (Index b = 0; b < num_blocks; ++b) rows += ToyModel::rows_of(b);
  EXPECT_EQ(target.num_rows(), rows);
  EXPECT_EQ(target.num_rows({0, 1}), rows);
  EXPECT_NEAR(static_cast<double>(target.num_rows({1, 3})), rows / 3.0, 0.5);
  EXPECT_EQ(target.size(), d);
  for (const Index draws : {1, 2, 7}) {
    const Matrix theta = thetas(draws);
    for (const Minibatch& batch : {Minibatch{}, Minibatch{0, 2}, Minibatch{4, 5}, Minibatch{30, 40}}) {
      const Result found = evaluate(target, batch, theta), expected = plain_loops(batch, theta);
      EXPECT_LT((found.value - expected.value).cwiseAbs().maxCoeff(), 1e-10);
      EXPECT_LT((found.grad - expected.grad).cwiseAbs().maxCoeff(), 1e-10);
    }
    Vector value(draws);
    target.log_joint(theta, value);
    EXPECT_EQ(value, evaluate(target, {}, theta).value);
  }
  EXPECT_EQ(target.calls().gradients, 10u * 5u);
  EXPECT_EQ(target.calls().values, 10u);
  EXPECT_EQ(target.calls().count, 15u + 3u);
  EXPECT_EQ(target.calls().non_finite, 0u);
}

// One draw at a time, alone in one process, one thread: what all other ways must reproduce to the bit.
void bits_are_those_of_one_process(const Communicator& comm) {
  const ToyModel whole(d, num_blocks, Communicator::self()), part(d, num_blocks, comm);
  ToyModel on_every_rank = whole;
  on_every_rank.share = Spread::draws;
  const Target alone(whole, Communicator::self());
  const Matrix theta = thetas(6);
  for (const Minibatch& batch : {Minibatch{}, Minibatch{1, 4}}) {
    Result expected{Vector(6), Matrix(d, 6)};
    for (Index s = 0; s < 6; ++s) {
      const Result one = evaluate(alone, batch, theta.col(s));
      expected.value[s] = one.value[0];
      expected.grad.col(s) = one.grad;
    }
    for (const int threads : {1, 2, 3}) {
      const Target target(part, comm, threads);
      EXPECT_EQ(evaluate(target, batch, theta).bits(), expected.bits()) << threads << " threads";
      const Target by_draws(on_every_rank, comm, threads);
      EXPECT_EQ(by_draws.num_rows(), target.num_rows());
      EXPECT_EQ(evaluate(by_draws, batch, theta).bits(), expected.bits()) << threads << " threads";
    }
  }
}

void minibatches_are_unbiased(const Communicator& comm) {
  const ToyModel model(d, num_blocks, comm);
  const Target target(model, comm, 2);
  const Matrix theta = thetas(3);
  const Result full = evaluate(target, {}, theta);
  for (const Index stride : {2, 7, 23, 31}) {
    Vector value = Vector::Zero(3);
    Matrix grad = Matrix::Zero(d, 3);
    for (Index offset = 0; offset < stride; ++offset) {
      const Result part = evaluate(target, {offset, stride}, theta);
      value += part.value / static_cast<double>(stride);
      grad += part.grad / static_cast<double>(stride);
    }
    EXPECT_LT((value - full.value).cwiseAbs().maxCoeff(), 1e-10);
    EXPECT_LT((grad - full.grad).cwiseAbs().maxCoeff(), 1e-10);
  }
}

void bad_draws_are_counted_and_the_others_kept(const Communicator& comm) {
  const ToyModel good(d, num_blocks, comm);
  Matrix theta = thetas(4);
  theta(0, 1) = 200.0;
  theta(0, 3) = 300.0;
  const Target good_target(good, comm);
  const Result expected = evaluate(good_target, {}, theta);
  for (const auto place :
       {BrokenModel::Place::row, BrokenModel::Place::gradient, BrokenModel::Place::prior}) {
    const BrokenModel model(d, num_blocks, comm, place, 14, 1);
    const Target target(model, comm, 2);
    const Result found = evaluate(target, {}, theta);
    for (const Index s : {0, 2}) {
      EXPECT_EQ(found.value[s], expected.value[s]);
      EXPECT_EQ(found.grad.col(s), expected.grad.col(s));
    }
    for (const Index s : {1, 3}) {
      EXPECT_EQ(found.value[s], -std::numeric_limits<double>::infinity());
      EXPECT_EQ(found.grad.col(s), Vector::Zero(d));
    }
    EXPECT_EQ(target.calls().non_finite, 2u);
    EXPECT_EQ(target.name_non_finite({}, theta.col(0)), "");
    const Result other_blocks = evaluate(target, {1, 2}, theta);  // block 14 is not among them
    EXPECT_EQ(std::isfinite(other_blocks.value[1]), place != BrokenModel::Place::prior);
  }
}

void bad_values_are_named(const Communicator& comm) {
  using Place = BrokenModel::Place;
  Matrix theta = Matrix::Zero(2, 4);
  theta(0, 2) = 200.0;
  theta(0, 3) = 300.0;
  const auto named = [&](Place place, ConstMat at) {
    const BrokenModel model(at.rows(), num_blocks, comm, place, 14, 1);
    const Target target(model, comm);
    return target.name_non_finite({}, at);
  };
  Index row = 1;
  for (Index b = 0; b < 14; ++b) row += ToyModel::rows_of(b);
  EXPECT_EQ(named(Place::row, theta), "draw 2, block 14, row " + std::to_string(row) +
                                          ", value nan: unconstrained beta[0] = 200, beta[1] = 0");
  EXPECT_EQ(named(Place::gradient, theta),
            "draw 2, block 14, no row by itself, gradient of beta[1] is inf: "
            "unconstrained beta[0] = 200, beta[1] = 0");
  EXPECT_EQ(named(Place::prior, theta),
            "draw 2, prior, value -inf: unconstrained beta[0] = 200, beta[1] = 0");
  EXPECT_EQ(named(Place::row, theta.leftCols(2)), "");
  Matrix wide = Matrix::Zero(20, 1);
  wide(0, 0) = 200.0;
  wide(7, 0) = -1e9;
  EXPECT_EQ(named(Place::row, wide), "draw 0, block 14, row " + std::to_string(row) +
                                         ", value nan: largest of 20 unconstrained: beta[7] = -1e+09");
}

std::string error_line(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.fault()), static_cast<int>(Fault::bug));
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

void a_throwing_model_fails_on_all_ranks(const Communicator& comm) {
  const Matrix theta = thetas(2);
  const ThrowingSumModel as_a_whole(d, num_blocks, comm);
  const Target of_whole(as_a_whole, comm, 2);
  EXPECT_THAT(error_line([&] { evaluate(of_whole, {}, theta); }),
              testing::HasSubstr("the likelihood threw: no device"));
  // Blocks 14 and up throw: the lowest of them is named, with its owner.
  const ThrowingModel model(d, num_blocks, comm, 14);
  const Target target(model, comm, 2);
  int owner = 0;
  while (shard(num_blocks, owner, comm.size()).last <= 14) ++owner;
  const std::string rank = comm.size() > 1 ? ", rank " + std::to_string(owner) : "";
  EXPECT_EQ(error_line([&] { evaluate(target, {}, theta); }),
            "while evaluating the model" + rank + ": block 14 threw: negative scale");
  EXPECT_NE(error_line([&] { target.name_non_finite({}, theta); }).find("negative scale"), std::string::npos);
  const ThrowingModel prior(d, num_blocks, comm, -1);
  const Target prior_target(prior, comm);
  EXPECT_NE(error_line([&] { evaluate(prior_target, {}, theta); }).find("the prior threw: negative scale"),
            std::string::npos);
  comm.barrier();
}

void requests_travel(const Communicator& comm) {
  const ToyModel model(d, num_blocks, comm);
  Target target(model, comm);
  const Matrix theta = thetas(1);
  const SignalGuard guard;
  const bool last = comm.rank() == comm.size() - 1;
  const auto agreed = [&] {
    evaluate(target, {}, theta);
    return target.calls().request;
  };
  clear_request(true);
  EXPECT_FALSE(agreed().stop);
  EXPECT_FALSE(agreed().checkpoint);

  if (last) std::raise(SIGUSR2);
  EXPECT_TRUE(agreed().checkpoint);
  EXPECT_FALSE(agreed().stop);
  clear_request();
  target.calls().request.checkpoint = false;
  EXPECT_FALSE(target.calls().request.checkpoint);
  EXPECT_FALSE(agreed().checkpoint);

  if (last) request_stop();
  EXPECT_TRUE(agreed().stop);
  EXPECT_EQ(agreed().signal, 0);
  if (last) std::raise(SIGTERM);
  EXPECT_TRUE(agreed().stop);
  EXPECT_EQ(agreed().signal, SIGTERM);
  clear_request();
  EXPECT_TRUE(agreed().stop);
  clear_request(true);
  EXPECT_FALSE(agreed().stop);
}

void misuse_is_refused(const Communicator& comm) {
  const ToyModel model(d, num_blocks, comm);
  if (comm.size() > 1) {
    ToyModel of_draws(d, num_blocks, comm);
    of_draws.share = Spread::draws;
    EXPECT_THAT(error_line([&] { Target(of_draws, comm); }),
                testing::HasSubstr("setting up the target: rank 1 holds"));
  }
  const Target target(model, comm);
  EXPECT_NE(error_line([&] { evaluate(target, {}, thetas(2, d + 1)); }).find("theta is 6 x 2"),
            std::string::npos);
  EXPECT_NE(error_line([&] {
              evaluate(target, {3, 3}, thetas(2));
            }).find("offset 3 and stride 3"),
            std::string::npos);
  Vector value(3);
  EXPECT_NE(error_line([&] { target.log_joint(thetas(2), value); }).find("3 values"), std::string::npos);
}

// All rows on every rank, or the shards in another order, would be summed up wrongly without a word.
void rows_that_do_not_follow_one_another_are_refused(const Communicator& comm) {
  const ToyModel whole(d, num_blocks, BlockRange{0, num_blocks});
  const ToyModel reversed(d, num_blocks, shard(num_blocks, comm.size() - 1 - comm.rank(), comm.size()));
  if (comm.size() == 1) {
    EXPECT_EQ(Target(whole, comm).num_blocks(), num_blocks);
    return;
  }
  EXPECT_THAT(
      error_line([&] { Target(whole, comm); }),
      testing::HasSubstr("rank 0 holds blocks 0 to 22 of the dataset and rank 1 blocks 0 to 22: expected"));
  EXPECT_THAT(error_line([&] { Target(reversed, comm); }), testing::HasSubstr("in the order of the ranks"));
}

TEST(Target, SumsEqualPlainLoops) {
  sums_equal_plain_loops(Communicator::self());
}
TEST(Target, BitsDoNotDependOnThreadsOrCompany) {
  bits_are_those_of_one_process(Communicator::self());
}
TEST(Target, MinibatchesAreUnbiased) {
  minibatches_are_unbiased(Communicator::self());
}
TEST(Target, BadDrawsAreCounted) {
  bad_draws_are_counted_and_the_others_kept(Communicator::self());
}
TEST(Target, BadValuesAreNamed) {
  bad_values_are_named(Communicator::self());
}
TEST(Target, AThrowingModelIsABug) {
  a_throwing_model_fails_on_all_ranks(Communicator::self());
}
TEST(Target, RequestsTravel) {
  requests_travel(Communicator::self());
}
TEST(Target, MisuseIsRefused) {
  misuse_is_refused(Communicator::self());
}

TEST(Target, RowsThatDoNotFollowOneAnotherAreRefused) {
  rows_that_do_not_follow_one_another_are_refused(Communicator::self());
}

TEST(TargetMpi, RowsThatDoNotFollowOneAnotherAreRefused) {
  rows_that_do_not_follow_one_another_are_refused(Communicator::world());
}
TEST(TargetMpi, SumsEqualPlainLoops) {
  sums_equal_plain_loops(Communicator::world());
}
TEST(TargetMpi, BitsAreThoseOfOneProcess) {
  bits_are_those_of_one_process(Communicator::world());
}
TEST(TargetMpi, MinibatchesAreUnbiased) {
  minibatches_are_unbiased(Communicator::world());
}
TEST(TargetMpi, BadDrawsAreCounted) {
  bad_draws_are_counted_and_the_others_kept(Communicator::world());
}
TEST(TargetMpi, BadValuesAreNamed) {
  bad_values_are_named(Communicator::world());
}
TEST(TargetMpi, AThrowingModelFailsOnAllRanks) {
  a_throwing_model_fails_on_all_ranks(Communicator::world());
}
TEST(TargetMpi, RequestsTravel) {
  requests_travel(Communicator::world());
}
TEST(TargetMpi, MisuseIsRefused) {
  misuse_is_refused(Communicator::world());
}

// More ranks than blocks: some have none.
TEST(TargetMpi, RanksWithoutBlocks) {
  const Communicator comm = Communicator::world();
  const ToyModel whole(d, 2, Communicator::self()), part(d, 2, comm);
  const Target alone(whole, Communicator::self()), target(part, comm, 2);
  EXPECT_EQ(evaluate(target, {}, thetas(3)).bits(), evaluate(alone, {}, thetas(3)).bits());
}

TEST(TargetMpi, DriftIsFoundAndTheRanksNamed) {
  const Communicator comm = Communicator::world();
  const ToyModel model(d, num_blocks, comm);
  Target target(model, comm);
  const int last = comm.size() - 1;
  target.calls().state_hash = 0xabcdef0123456789;
  const Result expected = evaluate(target, {}, thetas(2));
  if (comm.size() < 2) return;
  // One bit of the hash, at the upper and at the lower end.
  for (const int bit : {0, 63}) {
    if (comm.rank() == last) target.calls().state_hash = 0xabcdef0123456789 ^ std::uint64_t{1} << bit;
    const std::string line = error_line([&] { evaluate(target, {}, thetas(2)); });
    EXPECT_NE(line.find("rank " + std::to_string(last) + " differs from the other " + std::to_string(last)),
              std::string::npos)
        << line;
    target.calls().state_hash = 0xabcdef0123456789;
  }
  Matrix theta = thetas(2);
  if (comm.rank() == last) theta(4, 1) = std::nextafter(theta(4, 1), 1e9);
  EXPECT_NE(error_line([&] { evaluate(target, {}, theta); }).find("drifted apart"), std::string::npos);
  EXPECT_EQ(evaluate(target, {}, thetas(2)).bits(), expected.bits());
}

}  // namespace
}  // namespace vfe
