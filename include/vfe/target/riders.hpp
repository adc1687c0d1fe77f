#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/comm/request.hpp"

namespace vfe {

/// Small integers that ride behind the sums in a reduction. Each rank puts in its own; their sums over ranks
/// tell every rank the same.
class Riders {
 public:
  Riders() = default;
  /// Of this rank: what it was asked, whether its model threw, the hash of what must be equal on all ranks.
  Riders(const Request& request, bool failed, std::uint64_t hash);

  void append_to(std::vector<std::int64_t>& numbers) const;
  /// Removes them from the end of the reduced numbers.
  static Riders take_from(std::vector<std::int64_t>& numbers);

  bool any_failed() const { return part_.failed > 0; }
  /// What any rank was asked; where ranks got different signals, that of the first kind among USR1, TERM,
  /// INT, HUP.
  Request request() const;
  /// Whether the hashes of all ranks are equal; exact for fewer than 2^15 ranks.
  bool hashes_equal(int num_ranks) const;

 private:
  struct Parts {
    std::int64_t failed = 0, checkpoint = 0, stop = 0;
    std::array<std::int64_t, 4> signal = {};
    std::array<std::int64_t, 4> hash = {}, hash_squared = {};  ///< 16 bits each
  };
  Parts part_;
};

}  // namespace vfe
