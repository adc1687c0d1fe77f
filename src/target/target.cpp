#include "vfe/target/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "target/non_finite.hpp"
#include "vfe/comm/agreement.hpp"
#include "vfe/comm/failure.hpp"
#include "vfe/core/blocks.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/state.hpp"
#include "vfe/model/likelihood_sums.hpp"
#include "vfe/target/riders.hpp"

namespace vfe {
namespace {

using Thrown = LikelihoodSums::Thrown;

// Places of an exception that are no block.
constexpr Index in_prior = -1, in_likelihood = std::numeric_limits<Index>::max();

std::string name_blocks(Index first, Index count) {
  return count == 1 ? fmt::format("block {}", first)
                    : fmt::format("blocks {} to {}", first, first + count - 1);
}

}  // namespace

struct Target::Impl {
  const Model& model;
  Communicator comm;
  Spread spread = model.spread();
  Index first_block = 0, num_blocks = 0;
  Index first_row = 0, num_rows = 0;
  LikelihoodSums sums;
  Calls calls;

  Impl(const Model& the_model, const Communicator& the_comm, int threads)
      : model(the_model), comm(the_comm), sums(threads) {}

  void count_rows_and_blocks();
  void check(const Minibatch& batch, ConstMat theta, Index values, Index columns) const;
  BatchBlocks local_blocks(const Minibatch& batch) const;
  Thrown add_likelihood(const Minibatch& batch, ConstMat theta, bool gradient);
  Riders reduce(const Thrown& thrown, std::uint64_t hash);
};

void Target::Impl::count_rows_and_blocks() {
  Index rows = 0;
  for (Index block = 0; block < model.blocks(); ++block) rows += model.rows(block);
  constexpr std::size_t entries = 3;  // of each rank: rows, blocks, the first of them in the dataset
  const auto ranks = static_cast<std::size_t>(comm.size()), rank = static_cast<std::size_t>(comm.rank());
  std::vector<std::int64_t> held(entries * ranks, 0);
  held[entries * rank] = rows;
  held[entries * rank + 1] = model.blocks();
  held[entries * rank + 2] = model.first_block();
  comm.sum(held);
  const auto rows_of = [&](std::size_t r) { return held[entries * r]; };
  const auto blocks_of = [&](std::size_t r) { return held[entries * r + 1]; };
  const auto first_of = [&](std::size_t r) { return held[entries * r + 2]; };
  if (spread == Spread::draws) {
    num_rows = rows;
    num_blocks = model.blocks();
    for (std::size_t r = 0; r < ranks; ++r) {
      if (rows_of(r) == rows_of(0) && blocks_of(r) == blocks_of(0)) continue;
      throw Error(Fault::bug,
                  fmt::format("setting up the target: rank {} holds {} rows in {} blocks, expected the {} in "
                              "{} of rank 0",
                              r, rows_of(r), blocks_of(r), rows_of(0), blocks_of(0)));
    }
    return;
  }
  std::optional<std::size_t> before;  // the last rank that holds blocks
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r < rank) {
      first_row += rows_of(r);
      first_block += blocks_of(r);
    }
    num_rows += rows_of(r);
    num_blocks += blocks_of(r);
    if (blocks_of(r) == 0) continue;
    if (before && first_of(*before) >= 0 && first_of(r) >= 0 &&
        first_of(r) != first_of(*before) + blocks_of(*before)) {
      throw Error(
          Fault::bug,
          fmt::format("setting up the target: rank {} holds {} of the dataset and rank {} {}: expected runs "
                      "of blocks that follow one another in the order of the ranks, so that each row counts "
                      "once",
                      *before, name_blocks(first_of(*before), blocks_of(*before)), r,
                      name_blocks(first_of(r), blocks_of(r))));
    }
    before = r;
  }
}

void Target::Impl::check(const Minibatch& batch, ConstMat theta, Index values, Index columns) const {
  const Index d = model.parameters().size(), draws = theta.cols();
  if (theta.rows() != d || values != draws || (columns != 0 && columns != draws)) {
    throw Error(Fault::bug,
                fmt::format("evaluating a target of {} parameters: theta is {} x {}, with {} values and "
                            "{} columns of the gradient",
                            d, theta.rows(), draws, values, columns));
  }
  if (batch.stride < 1 || batch.offset < 0 || batch.offset >= batch.stride) {
    throw Error(Fault::bug,
                fmt::format("evaluating a minibatch of offset {} and stride {}: expected an offset "
                            "from 0 to stride - 1",
                            batch.offset, batch.stride));
  }
}

BatchBlocks Target::Impl::local_blocks(const Minibatch& batch) const {
  const Index skipped = (first_block - batch.offset) % batch.stride;
  BatchBlocks blocks;
  blocks.first = skipped == 0 ? 0 : skipped > 0 ? batch.stride - skipped : -skipped;
  blocks.stride = batch.stride;
  blocks.count = std::max<Index>(0, (model.blocks() - blocks.first + batch.stride - 1) / batch.stride);
  return blocks;
}

Thrown Target::Impl::add_likelihood(const Minibatch& batch, ConstMat theta, bool gradient) {
  const Index draws = theta.cols();
  sums.start(theta.rows(), draws,
             spread == Spread::blocks ? BlockRange{0, draws} : shard(draws, comm.rank(), comm.size()),
             gradient);
  try {
    model.add_likelihood(local_blocks(batch), theta, sums);
  } catch (...) {
    return {std::current_exception(), in_likelihood};
  }
  return sums.thrown();
}

// The one reduction of a call. Afterwards the sums are those of all ranks.
Riders Target::Impl::reduce(const Thrown& thrown, std::uint64_t hash) {
  std::vector<std::int64_t>& numbers = sums.total().limbs();
  Riders(local_request(), thrown.exception != nullptr, hash).append_to(numbers);
  comm.sum(numbers);
  const Riders riders = Riders::take_from(numbers);
  if (!riders.hashes_equal(comm.size())) {
    throw Error(Fault::bug,
                fmt::format("the ranks have drifted apart, at call {} of the target: in state or theta {}",
                            calls.count, name_different_ranks(comm, hash)));
  }
  if (riders.any_failed()) {
    comm.collectively("evaluating the model", [&] {
      const auto failure = failure_of([&] {
        if (thrown.exception) std::rethrow_exception(thrown.exception);
      });
      if (!failure) return;
      const std::string where = thrown.block == in_prior ? "the prior"
                                : thrown.block == in_likelihood
                                    ? "the likelihood"
                                    : fmt::format("block {}", first_block + thrown.block);
      throw Error(Fault::bug, fmt::format("{} threw: {}", where, failure->line));
    });
  }
  return riders;
}

Target::Target(const Model& model, const Communicator& comm, int threads)
    : impl_(std::make_unique<Impl>(model, comm, threads)) {
  impl_->count_rows_and_blocks();
}

Target::~Target() = default;

const Parameters& Target::parameters() const {
  return impl_->model.parameters();
}
Index Target::size() const {
  return parameters().size();
}
const Communicator& Target::comm() const {
  return impl_->comm;
}
Index Target::num_blocks() const {
  return impl_->num_blocks;
}
Index Target::num_rows() const {
  return impl_->num_rows;
}

Index Target::num_rows(const Minibatch& batch) const {
  return (impl_->num_rows + batch.stride / 2) / batch.stride;
}

void Target::log_joint(const Minibatch& batch, ConstMat theta, Vec value, Mat grad) const {
  const bool gradient = grad.cols() > 0;
  impl_->check(batch, theta, value.size(), grad.cols());

  Thrown thrown = impl_->add_likelihood(batch, theta, gradient);
  Vector prior = Vector::Zero(theta.cols());
  Matrix prior_grad = Matrix::Zero(theta.rows(), grad.cols());
  try {
    impl_->model.log_prior(theta, prior, prior_grad);
  } catch (...) {
    thrown = {std::current_exception(), in_prior};
  }
  // Multiplied by an odd number, so that the two cannot cancel where state and theta are the same numbers.
  const std::uint64_t equal_on_all = hash(theta) + 0x9e3779b97f4a7c15u * impl_->calls.state_hash;
  impl_->calls.request = impl_->reduce(thrown, equal_on_all).request();

  impl_->sums.read(value, grad);
  const auto weight = static_cast<double>(batch.stride);
  Index non_finite = 0;
  for (Index s = 0; s < theta.cols(); ++s) {
    value[s] = weight * value[s] + prior[s];
    if (gradient) grad.col(s) = weight * grad.col(s) + prior_grad.col(s);
    if (std::isfinite(value[s]) && (!gradient || grad.col(s).allFinite())) continue;
    value[s] = -std::numeric_limits<double>::infinity();
    if (gradient) grad.col(s).setZero();
    ++non_finite;
  }

  Calls& calls = impl_->calls;
  ++calls.count;
  calls.non_finite += static_cast<std::uint64_t>(non_finite);
  (gradient ? calls.gradients : calls.values) += static_cast<std::uint64_t>(theta.cols());
}

void Target::log_joint(ConstMat theta, Vec value) const {
  Matrix no_gradient(theta.rows(), 0);
  log_joint(Minibatch{}, theta, value, no_gradient);
}

std::string Target::name_non_finite(const Minibatch& batch, ConstMat theta) const {
  impl_->check(batch, theta, theta.cols(), theta.cols());
  const Communicator& comm = impl_->comm;
  std::optional<NonFinite> found;
  comm.collectively("looking for a value that is not finite", [&] {
    found = find_non_finite(impl_->model, impl_->local_blocks(batch), theta, impl_->first_block,
                            impl_->first_row);
  });
  const std::int64_t nowhere = std::numeric_limits<std::int64_t>::max();
  const std::int64_t place = found ? found->draw * (impl_->num_blocks + 1) + found->block + 1 : nowhere;
  std::int64_t lowest = place;
  comm.min({&lowest, 1});
  if (lowest == nowhere) return {};
  std::int64_t owner = place == lowest ? comm.rank() : comm.size();
  comm.min({&owner, 1});
  return comm.broadcast(found ? found->text : std::string(), static_cast<int>(owner));
}

Vector Target::draw_start(const Address& at, Reach reach) const {
  return impl_->model.draw_start(at, reach);
}

const Calls& Target::calls() const {
  return impl_->calls;
}
Calls& Target::calls() {
  return impl_->calls;
}

bool log_joint_unless_stopped(const Target& target, ConstMat theta, Vec value) {
  constexpr Index chunk = 256;
  for (Index first = 0; first < theta.cols(); first += chunk) {
    const Index count = std::min(chunk, theta.cols() - first);
    target.log_joint(theta.middleCols(first, count), value.segment(first, count));
    if (target.calls().request.stop) return false;
  }
  return true;
}

}  // namespace vfe
