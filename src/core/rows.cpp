#include "vfe/core/rows.hpp"

namespace vfe {

BlockRange shard(Index num_blocks, int rank, int num_ranks) {
  return {num_blocks * rank / num_ranks, num_blocks * (rank + 1) / num_ranks};
}

}  // namespace vfe
