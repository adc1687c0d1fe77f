#include <fmt/format.h>
#include <mpi.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "vfe/comm/agreement.hpp"
#include "vfe/comm/communicator.hpp"
#include "vfe/comm/failure.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/notice.hpp"

namespace vfe {
namespace {

constexpr std::chrono::milliseconds patience{3000}, poll_interval{5};

void notice_line(const std::string& line) {
  notice("vfe: " + line + "\n");
}

[[noreturn]] void abort_job(MPI_Comm comm, int rank, int size, const Failure& failure) {
  notice_line(size > 1 ? fmt::format("{} (on rank {})", failure.line, rank) : failure.line);
  const int code = static_cast<int>(failure.fault);
  MPI_Abort(comm, code);
  std::_Exit(code);
}

bool running = false;  // the program, of which nothing may call exit()

// A library with a model is code of others: what it ends must not look like success.
void refuse_exit() {
  if (!running) return;
  notice_line(
      "the process was ended from within: something that it runs, such as a model's library, called exit()");
  std::_Exit(static_cast<int>(Fault::bug));
}

// The end of the program, where all ranks meet. An error that was thrown on every rank (by a collective
// check, or by code that all ranks run alike) brings them here together, and then rank 0 prints it. A rank
// that failed alone waits in vain, for others are waiting for it elsewhere: it ends the job.
int agree(MPI_Comm comm, const std::optional<Failure>& failure, int code) {
  int rank = 0, size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  std::array<std::int64_t, 2> mine = {failure ? rank : size, -std::int64_t{code}}, all = {};
  MPI_Request request;
  MPI_Iallreduce(mine.data(), all.data(), 2, MPI_INT64_T, MPI_MIN, comm, &request);
  if (failure) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    int done = 0;
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE), done == 0) {
      if (std::chrono::steady_clock::now() > deadline) abort_job(comm, rank, size, *failure);
      std::this_thread::sleep_for(poll_interval);
    }
  } else {
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
  if (all[0] == size) return static_cast<int>(-all[1]);

  const int where = static_cast<int>(all[0]);
  Failure first = failure.value_or(Failure{});
  auto fault = static_cast<std::int64_t>(first.fault);
  MPI_Bcast(&fault, 1, MPI_INT64_T, where, comm);
  auto length = static_cast<std::int64_t>(first.line.size());
  MPI_Bcast(&length, 1, MPI_INT64_T, where, comm);
  first.line.resize(static_cast<std::size_t>(length));
  MPI_Bcast(first.line.data(), static_cast<int>(length), MPI_CHAR, where, comm);
  if (rank == 0) notice_line(where == 0 ? first.line : fmt::format("{} (on rank {})", first.line, where));
  return static_cast<int>(fault);
}

}  // namespace

int run(int& argc, char**& argv, const std::function<int(const Communicator&)>& program) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  }
  int code = 0;
  {
    // Messages of the end must not meet those of a program that was left in the middle of its own.
    MPI_Comm meeting;
    MPI_Comm_dup(MPI_COMM_WORLD, &meeting);
    const Communicator world = Communicator::world();
    static const int registered = std::atexit(refuse_exit);
    running = registered == 0;
    const std::optional<Failure> failure = failure_of([&] {
      refuse_lonely_task(world, "SLURM_STEP_NUM_TASKS");
      code = program(world);
    });
    running = false;
    code = agree(meeting, failure, code);
    MPI_Comm_free(&meeting);
  }
  if (initialized == 0) MPI_Finalize();
  return code;
}

}  // namespace vfe
