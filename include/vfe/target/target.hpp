#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/comm/request.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// Which blocks a call sums over: offset, offset + stride, ... of the dataset, weighted by stride.
struct Minibatch {
  Index offset = 0;
  Index stride = 1;  ///< 1 = all blocks
};

/// What a target and whoever drives it tell each other of its calls. No result depends on it.
struct Calls {
  std::uint64_t count = 0;
  std::uint64_t gradients = 0, values = 0;  ///< draws evaluated, with their gradient and without
  std::uint64_t non_finite = 0;             ///< draws that were not finite
  Request request;               ///< what the ranks agreed in the last one that some of them were asked to do
  std::uint64_t state_hash = 0;  ///< to be compared among the ranks in the next ones
};

/// The log joint density summed over the blocks of all ranks: the only place where statistics meets MPI.
/// Every call does one reduction of exact sums, in which ride the ranks' requests (signals, the clock) and a
/// hash of theta and the state that proves the ranks equal. Bits depend on neither ranks nor threads.
class Target {
 public:
  /// [collective] Keeps a reference to the model.
  Target(const Model& model, const Communicator& comm, int threads = 1);
  ~Target();

  const Parameters& parameters() const;
  Index size() const;  ///< d
  const Communicator& comm() const;
  Index num_blocks() const;
  Index num_rows() const;                        ///< of all ranks
  Index num_rows(const Minibatch& batch) const;  ///< about: batch's share of the rows

  /// [collective] Sets value[s] = log f(theta_s) [nats] and grad (d x S, or d x 0 to skip it). theta must be
  /// the same on all ranks. Where the density of a draw is not finite, value is -infinity and its gradient
  /// zero, and the draw is counted. Throws Fault::bug on every rank, naming the ranks, if they have drifted
  /// apart, or naming rank and block, if the model threw.
  void log_joint(const Minibatch& batch, ConstMat theta, Vec value, Mat grad) const;
  void log_joint(ConstMat theta, Vec value, Mat grad) const { log_joint(Minibatch{}, theta, value, grad); }
  void log_joint(ConstMat theta, Vec value) const;  ///< [collective] values only

  /// [collective] Names the first value or gradient at theta that is not finite: "draw 3, block 17, row 4711,
  /// value nan: unconstrained beta[age] = 812, ...", or "draw 3, prior, ..."; draw is the column, block and
  /// row are those of the dataset, from 0. Empty if all are finite.
  std::string name_non_finite(const Minibatch& batch, ConstMat theta) const;

  /// Model::draw_start().
  Vector draw_start(const Address& at, Reach reach) const;

  const Calls& calls() const;
  Calls& calls();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// [collective] log f of any number of draws, d x N, 256 a call. Returns false, with the rest of `value` as
/// it was, once the ranks were asked to stop.
[[nodiscard]] bool log_joint_unless_stopped(const Target& target, ConstMat theta, Vec value);

}  // namespace vfe
