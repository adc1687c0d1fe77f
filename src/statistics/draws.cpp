#include "vfe/statistics/draws.hpp"

namespace vfe {
namespace {

Matrix columns(const Matrix& all, const std::vector<Index>& chosen) {
  return all.cols() > 0 ? Matrix(all(Eigen::all, chosen)) : Matrix();
}

Vector entries(const Vector& all, const std::vector<Index>& chosen) {
  return all.size() > 0 ? Vector(all(chosen)) : Vector();
}

void append_entries(Vector& kept, const Vector& more) {
  if (kept.size() == 0 || more.size() == 0) {
    kept.resize(0);
    return;
  }
  const Index first = kept.size();
  kept.conservativeResize(first + more.size());
  kept.tail(more.size()) = more;
}

}  // namespace

OwnedDraws select(const Draws& draws, const std::vector<Index>& chosen) {
  OwnedDraws result{columns(draws.theta, chosen),      columns(draws.gradient, chosen),
                    entries(draws.log_joint, chosen),  entries(draws.log_proposal, chosen),
                    entries(draws.log_weight, chosen), {}};
  if (draws.group.empty()) return result;
  for (const Index s : chosen) result.group.push_back(draws.group[static_cast<std::size_t>(s)]);
  return result;
}

void append(OwnedDraws& kept, const Draws& more) {
  append_columns(kept.theta, more.theta);
  if (kept.gradient.cols() > 0 && more.gradient.cols() > 0) {
    append_columns(kept.gradient, more.gradient);
  } else {
    kept.gradient.resize(0, 0);
  }
  append_entries(kept.log_joint, more.log_joint);
  append_entries(kept.log_proposal, more.log_proposal);
  append_entries(kept.log_weight, more.log_weight);
  if (kept.group.empty() || more.group.empty()) {
    kept.group.clear();
  } else {
    kept.group.insert(kept.group.end(), more.group.begin(), more.group.end());
  }
}

}  // namespace vfe
