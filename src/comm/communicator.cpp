#include "vfe/comm/communicator.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "vfe/comm/failure.hpp"

namespace vfe {

struct Communicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;

  ~Handle() {
    if (comm == MPI_COMM_NULL) return;
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) MPI_Comm_free(&comm);
  }
};

namespace {

// Counts in MPI are int: longer arrays travel in pieces.
constexpr std::size_t max_count = std::size_t{1} << 30;

template <class T, class Send>
void in_pieces(std::span<T> values, const Send& send) {
  for (std::size_t first = 0; first < values.size(); first += max_count) {
    const auto piece = values.subspan(first, std::min(max_count, values.size() - first));
    send(piece.data(), static_cast<int>(piece.size()));
  }
}

void reduce(MPI_Comm comm, std::span<std::int64_t> values, MPI_Op operation) {
  in_pieces(values, [&](std::int64_t* piece, int count) {
    MPI_Allreduce(MPI_IN_PLACE, piece, count, MPI_INT64_T, operation, comm);
  });
}

// Of -0 and 0 it would return whichever came first.
void reduce(MPI_Comm comm, std::span<double> values, MPI_Op operation) {
  for (double& value : values) value += 0.0;
  if (comm == MPI_COMM_NULL) return;
  in_pieces(values, [&](double* piece, int count) {
    MPI_Allreduce(MPI_IN_PLACE, piece, count, MPI_DOUBLE, operation, comm);
  });
}

// Pieces of all ranks one after the other, with their lengths, on rank 0.
template <class T>
std::vector<T> gather_pieces(MPI_Comm comm, int rank, int size, std::span<const T> piece, MPI_Datatype type,
                             std::vector<int>& lengths) {
  if (piece.size() > max_count) throw Error(Fault::bug, "gathering more than 2^30 numbers from a rank");
  const int length = static_cast<int>(piece.size());
  lengths.resize(rank == 0 ? static_cast<std::size_t>(size) : 0);
  MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, comm);

  std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  MPI_Bcast(&total, 1, MPI_INT64_T, 0, comm);  // so that all ranks refuse together
  if (total > std::numeric_limits<int>::max()) {
    throw Error(Fault::bug, fmt::format("gathering {} numbers: expected fewer than 2^31", total));
  }
  std::vector<int> begin(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), begin.begin(), 0);
  std::vector<T> all(rank == 0 ? static_cast<std::size_t>(total) : 0);
  MPI_Gatherv(piece.data(), length, type, all.data(), lengths.data(), begin.data(), type, 0, comm);
  return all;
}

}  // namespace

Communicator Communicator::self() {
  return Communicator(std::make_shared<Handle>());
}

Communicator Communicator::world() {
  auto handle = std::make_shared<Handle>();
  MPI_Comm_dup(MPI_COMM_WORLD, &handle->comm);
  MPI_Comm_rank(handle->comm, &handle->rank);
  MPI_Comm_size(handle->comm, &handle->size);
  return Communicator(handle);
}

int Communicator::rank() const {
  return handle_->rank;
}
int Communicator::size() const {
  return handle_->size;
}

void Communicator::sum(std::span<std::int64_t> values) const {
  if (size() > 1) reduce(handle_->comm, values, MPI_SUM);
}

void Communicator::min(std::span<std::int64_t> values) const {
  if (size() > 1) reduce(handle_->comm, values, MPI_MIN);
}

void Communicator::max(std::span<std::int64_t> values) const {
  if (size() > 1) reduce(handle_->comm, values, MPI_MAX);
}

void Communicator::min(std::span<double> values) const {
  reduce(handle_->comm, values, MPI_MIN);
}

void Communicator::max(std::span<double> values) const {
  reduce(handle_->comm, values, MPI_MAX);
}

std::uint64_t Communicator::sum(std::uint64_t value) const {
  if (size() > 1) MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_UINT64_T, MPI_SUM, handle_->comm);
  return value;
}

void Communicator::broadcast(std::span<double> values, int root) const {
  if (size() == 1) return;
  in_pieces(values,
            [&](double* piece, int count) { MPI_Bcast(piece, count, MPI_DOUBLE, root, handle_->comm); });
}

std::string Communicator::broadcast(const std::string& text, int root) const {
  std::string result = text;
  if (size() == 1) return result;
  auto length = static_cast<std::uint64_t>(result.size());
  MPI_Bcast(&length, 1, MPI_UINT64_T, root, handle_->comm);
  result.resize(length);
  in_pieces(std::span<char>(result),
            [&](char* piece, int count) { MPI_Bcast(piece, count, MPI_CHAR, root, handle_->comm); });
  return result;
}

std::vector<std::string> Communicator::gather(const std::string& piece) const {
  if (size() == 1) return {piece};
  std::vector<int> lengths;
  const auto text =
      gather_pieces<char>(handle_->comm, rank(), size(), std::span<const char>(piece), MPI_CHAR, lengths);
  std::vector<std::string> pieces;
  auto next = text.begin();
  for (const int length : lengths) {
    pieces.emplace_back(next, next + length);
    next += length;
  }
  return pieces;
}

std::vector<double> Communicator::gather(std::span<const double> piece) const {
  if (size() == 1) return {piece.begin(), piece.end()};
  std::vector<int> lengths;
  return gather_pieces<double>(handle_->comm, rank(), size(), piece, MPI_DOUBLE, lengths);
}

void Communicator::barrier() const {
  if (size() > 1) MPI_Barrier(handle_->comm);
}

void Communicator::collectively(const std::string& what, const std::function<void()>& work) const {
  const std::optional<Failure> failure = failure_of(work);
  std::int64_t lowest = failure ? rank() : size();
  min({&lowest, 1});
  if (lowest == size()) return;
  const int where = static_cast<int>(lowest);
  std::int64_t fault = failure ? static_cast<std::int64_t>(failure->fault) : 0;
  if (size() > 1) MPI_Bcast(&fault, 1, MPI_INT64_T, where, handle_->comm);
  const std::string line = broadcast(failure ? failure->line : std::string(), where);
  const std::string on_rank = size() > 1 ? fmt::format(", rank {}", where) : std::string();
  throw Error(static_cast<Fault>(fault), fmt::format("while {}{}: {}", what, on_rank, line));
}

void Communicator::on_root(const std::string& what, const std::function<void()>& work) const {
  const std::optional<Failure> failure = is_root() ? failure_of(work) : std::nullopt;
  std::int64_t fault = failure ? static_cast<std::int64_t>(failure->fault) : 0;
  if (size() > 1) MPI_Bcast(&fault, 1, MPI_INT64_T, 0, handle_->comm);
  if (fault == 0) return;
  const std::string line = broadcast(failure ? failure->line : std::string());
  throw Error(static_cast<Fault>(fault), fmt::format("while {}: {}", what, line));
}

}  // namespace vfe
