#pragma once
#include <exception>
#include <mutex>
#include <vector>

#include "vfe/core/blocks.hpp"
#include "vfe/core/exact_sum.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// What Model::add_likelihood() adds to: sums over blocks of the log likelihoods of S draws [nats], then, if
/// wanted, of their d x S gradient. A part for each thread, which no other touches. Kept from call to call,
/// so that a call allocates nothing.
class LikelihoodSums {
 public:
  explicit LikelihoodSums(int num_threads);

  /// All sums zero, for theta of `size` x `draws`, of which the columns `own` are this rank's to evaluate.
  void start(Index size, Index draws, const BlockRange& own, bool gradient);

  int num_threads() const { return static_cast<int>(parts_.size()); }
  const BlockRange& own_draws() const { return own_; }
  bool wants_gradient() const { return columns_ > 0; }

  /// Adds a block at the columns `draws` of theta, on thread `thread` of num_threads(). What the model throws
  /// is kept, of several exceptions that of the lowest block.
  void add(int thread, const Model& model, Index block, ConstMat theta, const BlockRange& draws);
  /// The sums of a thread, to be added to by a model that does without add(): S values, then the columns of
  /// the gradient; 0 of draws that are not this rank's.
  ExactSum& of_thread(int thread);

  /// The sums of all threads, ready for a reduction.
  ExactSum& total();
  /// Sets, from what the total is now, value (S) and grad (d x S, or no columns).
  void read(Vec value, Mat grad);

  /// An exception that a model threw in spite of its contract, and where.
  struct Thrown {
    std::exception_ptr exception;
    Index block = 0;
  };
  const Thrown& thrown() const { return thrown_; }

 private:
  struct Part {
    bool started = false;  ///< in this call
    Vector numbers;        ///< of one block, as the sums
    ExactSum sum{0};
  };
  Part& part(int thread);
  Eigen::Map<Matrix> gradient(Part& part) const;

  Index size_ = 0, draws_ = 0, columns_ = 0;
  BlockRange own_;
  std::vector<Part> parts_;
  std::mutex mutex_;  ///< guards thrown_
  Thrown thrown_;
};

}  // namespace vfe
