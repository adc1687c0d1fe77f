#include "vfe/target/target.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "target/non_finite.hpp"
#include "vfe/comm/exact_sum.hpp"
#include "vfe/comm/failure.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/core/state.hpp"
#include "vfe/target/riders.hpp"

namespace vfe {
namespace {

// What one thread adds up: S values, then the d x S gradient, of the blocks it was given in this call. Kept
// from call to call, so that the loop over blocks allocates nothing.
class Worker {
 public:
  void start(Index rows, Index draws, bool gradient) {
    draws_ = draws;
    rows_ = rows;
    columns_ = gradient ? draws : 0;
    numbers_.resize(draws + rows * columns_);
    sum_.resize(numbers_.size());
    used_ = true;
  }
  void rest() { used_ = false; }
  bool used() const { return used_; }

  /// Of the draws [own.first, own.last); the others get zeros.
  void add_block(const Model& model, Index block, ConstMat theta, const BlockRange& own) {
    numbers_.setZero();
    model.log_likelihood(block, theta.middleCols(own.first, own.size()),
                         numbers_.segment(own.first, own.size()),
                         gradient().middleCols(columns_ > 0 ? own.first : 0, columns_ > 0 ? own.size() : 0));
    sum_.add(numbers_.data());
  }
  ExactSum& sum() { return sum_; }

  /// Fetches the sums for value and gradient.
  void read() { sum_.value(numbers_.data()); }
  double value(Index draw) const { return numbers_[draw]; }
  Eigen::Map<Matrix> gradient() { return {numbers_.data() + draws_, rows_, columns_}; }

 private:
  Index rows_ = 0, draws_ = 0, columns_ = 0;
  bool used_ = false;
  Vector numbers_;
  ExactSum sum_{0};
};

// An exception that a model threw in spite of its contract, and the block where it did.
struct Thrown {
  std::exception_ptr exception;
  Index block = -1;  ///< -1: in the prior

  void keep_lower(const Thrown& other) {
    if (!exception || other.block < block) *this = other;
  }
};

}  // namespace

struct Target::Impl {
  const Model& model;
  Communicator comm;
  Spread spread = model.spread();
  Index first_block = 0, num_blocks = 0;
  Index first_row = 0, num_rows = 0;
  std::vector<Worker> workers;
  Counts counts;
  Request agreed;
  std::uint64_t state_hash = 0;

  Impl(const Model& the_model, const Communicator& the_comm, int threads)
      : model(the_model), comm(the_comm), workers(static_cast<std::size_t>(std::max(threads, 1))) {}

  void count_rows_and_blocks();
  void check(const Minibatch& batch, ConstMat theta, Index values, Index columns) const;
  BatchBlocks local_blocks(const Minibatch& batch) const;
  Thrown add_likelihood(const Minibatch& batch, ConstMat theta, bool gradient);
  Riders reduce(const Thrown& thrown, std::uint64_t hash);
};

void Target::Impl::count_rows_and_blocks() {
  Index rows = 0;
  for (Index block = 0; block < model.blocks(); ++block) rows += model.rows(block);
  const auto ranks = static_cast<std::size_t>(comm.size()), rank = static_cast<std::size_t>(comm.rank());
  std::vector<std::int64_t> of_rank(2 * ranks, 0);  // rows, blocks of each rank
  of_rank[2 * rank] = rows;
  of_rank[2 * rank + 1] = model.blocks();
  comm.sum(of_rank);
  if (spread == Spread::draws) {
    num_rows = rows;
    num_blocks = model.blocks();
    for (std::size_t r = 0; r < ranks; ++r) {
      if (of_rank[2 * r] == of_rank[0] && of_rank[2 * r + 1] == of_rank[1]) continue;
      throw Error(Fault::bug,
                  fmt::format("setting up the target: rank {} holds {} rows in {} blocks, expected the {} in "
                              "{} of rank 0",
                              r, of_rank[2 * r], of_rank[2 * r + 1], of_rank[0], of_rank[1]));
    }
    return;
  }
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r < rank) {
      first_row += of_rank[2 * r];
      first_block += of_rank[2 * r + 1];
    }
    num_rows += of_rank[2 * r];
    num_blocks += of_rank[2 * r + 1];
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
  const BatchBlocks blocks = local_blocks(batch);
  const bool all_draws = spread == Spread::blocks;
  const BlockRange of_rank =
      all_draws ? BlockRange{0, theta.cols()} : shard(theta.cols(), comm.rank(), comm.size());
  Thrown thrown;
  for (Worker& worker : workers) worker.rest();
#pragma omp parallel num_threads(static_cast <int>(workers.size()))
  {
    Worker& worker = workers[static_cast<std::size_t>(omp_get_thread_num())];
    worker.start(theta.rows(), theta.cols(), gradient);
    // Threads share out what ranks share out.
    const auto add = [&](Index block, const BlockRange& draws) {
      try {
        worker.add_block(model, block, theta, draws);
      } catch (...) {
#pragma omp critical
        thrown.keep_lower({std::current_exception(), block});
      }
    };
    if (all_draws) {
#pragma omp for schedule(dynamic)
      for (Index k = 0; k < blocks.count; ++k) add(blocks[k], of_rank);
    } else {
      BlockRange own = shard(of_rank.size(), omp_get_thread_num(), omp_get_num_threads());
      own.first += of_rank.first;
      own.last += of_rank.first;
      for (Index k = 0; k < blocks.count && own.size() > 0; ++k) add(blocks[k], own);
    }
  }
  ExactSum& total = workers.front().sum();
  total.normalise();
  for (std::size_t t = 1; t < workers.size(); ++t) {
    if (!workers[t].used()) continue;  // the runtime may grant fewer threads
    workers[t].sum().normalise();
    total.add(workers[t].sum());
  }
  total.normalise();
  return thrown;
}

// The one reduction of a call. Afterwards the first worker's sums are those of all ranks.
Riders Target::Impl::reduce(const Thrown& thrown, std::uint64_t hash) {
  std::vector<std::int64_t>& numbers = workers.front().sum().limbs();
  Riders(local_request(), thrown.exception != nullptr, hash).append_to(numbers);
  comm.sum(numbers);
  const Riders riders = Riders::take_from(numbers);
  if (!riders.hashes_equal(comm.size())) {
    throw Error(Fault::bug,
                fmt::format("the ranks have drifted apart, at call {} of the target: in state or theta {}",
                            counts.calls, name_different_ranks(comm, hash)));
  }
  if (riders.any_failed()) {
    comm.collectively("evaluating the model", [&] {
      const auto failure = failure_of([&] {
        if (thrown.exception) std::rethrow_exception(thrown.exception);
      });
      if (!failure) return;
      const std::string where =
          thrown.block < 0 ? "the prior" : fmt::format("block {}", first_block + thrown.block);
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
    thrown.keep_lower({std::current_exception(), -1});
  }
  // Multiplied by an odd number, so that the two cannot cancel where state and theta are the same numbers.
  const std::uint64_t equal_on_all = hash(theta) + 0x9e3779b97f4a7c15u * impl_->state_hash;
  impl_->agreed = impl_->reduce(thrown, equal_on_all).request();

  Worker& total = impl_->workers.front();
  total.read();
  const auto weight = static_cast<double>(batch.stride);
  Index non_finite = 0;
  for (Index s = 0; s < theta.cols(); ++s) {
    value[s] = weight * total.value(s) + prior[s];
    if (gradient) grad.col(s) = weight * total.gradient().col(s) + prior_grad.col(s);
    if (std::isfinite(value[s]) && (!gradient || grad.col(s).allFinite())) continue;
    value[s] = -std::numeric_limits<double>::infinity();
    if (gradient) grad.col(s).setZero();
    ++non_finite;
  }

  Counts& counts = impl_->counts;
  ++counts.calls;
  counts.non_finite += static_cast<std::uint64_t>(non_finite);
  (gradient ? counts.gradients : counts.values) += static_cast<std::uint64_t>(theta.cols());
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

Target::Counts Target::counts() const {
  return impl_->counts;
}
void Target::set_counts(const Counts& counts) {
  impl_->counts = counts;
}

Request Target::request() const {
  return impl_->agreed;
}

void Target::clear_request(bool everything) const {
  vfe::clear_request(everything);
  if (everything) {
    impl_->agreed = Request{};
  } else {
    impl_->agreed.checkpoint = false;
  }
}

void Target::set_state_hash(std::uint64_t hash) const {
  impl_->state_hash = hash;
}

bool log_joint_unless_stopped(const Target& target, ConstMat theta, Vec value) {
  constexpr Index chunk = 256;
  for (Index first = 0; first < theta.cols(); first += chunk) {
    const Index count = std::min(chunk, theta.cols() - first);
    target.log_joint(theta.middleCols(first, count), value.segment(first, count));
    if (target.request().stop) return false;
  }
  return true;
}

}  // namespace vfe
