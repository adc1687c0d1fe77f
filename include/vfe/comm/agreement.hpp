#pragma once
#include <cstdint>
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/error.hpp"

namespace vfe {

/// [collective] Which ranks' hashes differ from that of the most ranks: "ranks 2, 5 differ from the other 6".
std::string name_different_ranks(const Communicator& comm, std::uint64_t hash);

/// [collective] Throws on every rank, with `line` and the ranks that differ, unless all have the same hash.
void expect_same_on_ranks(const Communicator& comm, std::uint64_t hash, Fault fault, const std::string& line);

/// Throws Fault::usage where an environment variable counts several tasks of Slurm and there is one rank,
/// which mpirun did not start: each task would do the whole work by itself, in the same files.
void refuse_lonely_task(const Communicator& comm, const char* variable);

}  // namespace vfe
