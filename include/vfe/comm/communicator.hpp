#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// The ranks that work together. One rank is a communicator of size one: the same calls, no MPI behind them.
class Communicator {
 public:
  /// The communicator of this process alone; needs no MPI_Init.
  static Communicator self();
  /// All ranks of the job (a duplicate of MPI_COMM_WORLD); MPI must be initialised, see run().
  static Communicator world();

  int rank() const;
  int size() const;
  bool is_root() const { return rank() == 0; }

  /// [collective] Element-wise sums over ranks, in place.
  void sum(std::span<std::int64_t> values) const;
  /// [collective] Element-wise minimum over ranks, in place.
  void min(std::span<std::int64_t> values) const;
  /// [collective] Element-wise maximum over ranks, in place.
  void max(std::span<std::int64_t> values) const;
  /// [collective] The same of numbers none of which is NaN; a zero is +0, on one rank too.
  void min(std::span<double> values) const;
  void max(std::span<double> values) const;
  /// [collective] Sum modulo 2^64.
  std::uint64_t sum(std::uint64_t value) const;
  /// [collective] What root holds, on every rank.
  void broadcast(std::span<double> values, int root = 0) const;
  std::string broadcast(const std::string& text, int root = 0) const;
  /// [collective] Pieces of every rank, in rank order, on rank 0; empty elsewhere.
  std::vector<std::string> gather(const std::string& piece) const;
  std::vector<double> gather(std::span<const double> piece) const;
  void barrier() const;

  /// [collective] Runs `work` on every rank. If it threw anywhere, throws on every rank the error of the
  /// lowest such rank, its line opened by "while <what>" and, if there are several ranks, the rank's number;
  /// anything but an Error is Fault::bug. `work` itself must not communicate.
  void collectively(const std::string& what, const std::function<void()>& work) const;
  /// [collective] The same for work that only rank 0 does.
  void on_root(const std::string& what, const std::function<void()>& work) const;

 private:
  struct Handle;
  explicit Communicator(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

/// Brings MPI up (unless it is), runs `program` with the world communicator, brings MPI down. Returns the
/// exit code, the same on every rank: what `program` returned (the largest, if ranks differ), or the fault of
/// what it threw, whose line rank 0 prints once to stderr as "vfe: ...". An exception counts as thrown by all
/// if the ranks arrive with it, or at the end, within three seconds: so errors of collectively(), and of code
/// that all ranks run alike, need no more than a throw. A rank that stays alone with its exception prints its
/// line and aborts the job with its exit code: no hang.
int run(int& argc, char**& argv, const std::function<int(const Communicator&)>& program);

}  // namespace vfe
