#include "problem/need_reduction.hpp"

#include <cstring>
#include <span>
#include <string>

namespace vfe {
namespace {

void reduce_levels(const Communicator& comm, std::set<double>& levels) {
  auto size = static_cast<std::int64_t>(levels.size());
  comm.max({&size, 1});
  if (size == 0) return;
  const std::vector<double> own(levels.begin(), levels.end());
  const std::vector<double> gathered = comm.gather(std::span<const double>(own));
  const std::set<double> merged(gathered.begin(), gathered.end());
  const std::vector<double> sorted(merged.begin(), merged.end());
  const std::string bytes = comm.broadcast(
      std::string(reinterpret_cast<const char*>(sorted.data()), sorted.size() * sizeof(double)));
  std::vector<double> all(bytes.size() / sizeof(double));
  std::memcpy(all.data(), bytes.data(), bytes.size());
  levels = {all.begin(), all.end()};
}

}  // namespace

void reduce(const Communicator& comm, std::vector<NeedSums>& pass) {
  std::vector<std::int64_t> rows;
  std::vector<double> low, high;
  for (NeedSums& sums : pass) {
    rows.push_back(sums.rows);
    low.push_back(sums.low);
    high.push_back(sums.high);
    comm.sum(sums.counts);
    sums.sums.normalise();
    comm.sum(sums.sums.limbs());
    reduce_levels(comm, sums.levels);
  }
  comm.sum(rows);
  comm.min(low);
  comm.max(high);
  for (std::size_t i = 0; i < pass.size(); ++i) {
    pass[i].rows = rows[i];
    pass[i].low = low[i];
    pass[i].high = high[i];
  }
}

}  // namespace vfe
