#include "infer/census.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "infer/base.hpp"

namespace vfe {
namespace {

constexpr double same_distance = 0.1, same_value = 0.1;  // sds, nats: one mode, without a look
constexpr double barrier = 0.1;                          // [nats] that sampling would hardly notice
constexpr std::array<double, 4> between{0.2, 0.4, 0.6, 0.8};
constexpr std::size_t most_compared = 3;  // of the nearest modes
constexpr Index draws_per_call = 256;

/// The nearest of `points`, nearest first.
std::vector<Index> nearest_of(ConstVec distance) {
  std::vector<Index> order(static_cast<std::size_t>(distance.size()));
  std::iota(order.begin(), order.end(), Index{0});
  const std::size_t count = std::min(order.size(), most_compared);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](Index a, Index b) { return std::pair(distance(a), a) < std::pair(distance(b), b); });
  order.resize(count);
  return order;
}

}  // namespace

MetModes::MetModes(ConstMat packed)
    : points(packed.topRows(packed.rows() - 3)),
      f(packed.row(packed.rows() - 3)),
      searches(packed.row(packed.rows() - 2)),
      weighed(packed.row(packed.rows() - 1)) {}

Matrix MetModes::pack() const {
  Matrix packed(points.rows() + 3, size());
  packed << points, f.transpose(), searches.transpose(), weighed.transpose();
  return packed;
}

Census::Census(const Target& target, const Minibatch& batch, Affine metric, Symmetries symmetries)
    : target_(target), batch_(batch), metric_(std::move(metric)), symmetries_(std::move(symmetries)) {}

std::vector<bool> Census::connected(ConstMat from, ConstMat to, ConstVec f) const {
  const Index pairs = from.cols(), each = std::ssize(between);
  std::vector<bool> result(static_cast<std::size_t>(pairs), true);
  Matrix theta(from.rows(), pairs * each);
  for (Index p = 0; p < pairs; ++p) {
    for (Index k = 0; k < each; ++k) {
      const double share = between[static_cast<std::size_t>(k)];
      theta.col(p * each + k) = (1.0 - share) * from.col(p) + share * to.col(p);
    }
  }
  const Matrix no_gradient(from.rows(), 0);
  for (Index first = 0; first < theta.cols(); first += draws_per_call) {
    Vector value(std::min(draws_per_call, theta.cols() - first));
    Matrix unused = no_gradient;
    target_.log_joint(batch_, theta.middleCols(first, value.size()), value, unused);
    for (Index s = 0; s < value.size(); ++s) {
      const Index pair = (first + s) / each;
      if (!(-value(s) <= f(pair) + barrier)) result[static_cast<std::size_t>(pair)] = false;
    }
  }
  return result;
}

Index Census::enter(Ends ends, State& state) const {
  Matrix& points = ends.points;
  const Vector& f = ends.f;
  Matrix no_gradient(points.rows(), 0);
  vfe::fold(symmetries_, metric_, points, no_gradient);
  MetModes met = state.get_or(census_slot, {});
  Matrix& known = met.points;
  const auto count = [&](Index mode, Index k) {
    met.searches(mode) += ends.searches(k);
    if (ends.known) met.weighed(mode) = 1.0;
    if (f(k) >= met.f(mode)) return;
    met.f(mode) = f(k);
    known.col(mode) = points.col(k);
  };
  const auto open = [&](Index k) {
    append_columns(known, points.col(k));
    for (Vector* grown : {&met.f, &met.searches, &met.weighed}) grown->conservativeResize(known.cols());
    met.f.tail(1)(0) = f(k);
    met.searches.tail(1)(0) = ends.searches(k);
    met.weighed.tail(1)(0) = static_cast<double>(ends.known);
  };

  // First what needs no look; what is left is compared with the modes and the better ends nearest to it.
  std::vector<Index> left;
  for (const Index k : lowest_first(f)) {
    if (known.cols() > 0) {
      const Vector distance = Affine{points.col(k), metric_.scale}.whiten(known).colwise().norm().transpose();
      Index mode = 0;
      if (distance.minCoeff(&mode) < same_distance && std::abs(f(k) - met.f(mode)) < same_value) {
        count(mode, k);
        continue;
      }
    }
    left.push_back(k);
  }
  if (left.empty()) {
    state.put(census_slot, met);
    return 0;
  }
  struct Pair {
    std::size_t end;
    Index mode;         // or -1
    std::size_t other;  // an end before it
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Affine here{points.col(left[i]), metric_.scale};
    if (known.cols() > 0) {
      for (const Index mode : nearest_of(here.whiten(known).colwise().norm().transpose()))
        pairs.push_back({i, mode, 0});
    }
    if (i == 0) continue;
    const std::vector<Index> before(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(i));
    const Matrix better = points(Eigen::all, before);
    for (const Index other : nearest_of(here.whiten(better).colwise().norm().transpose()))
      pairs.push_back({i, -1, static_cast<std::size_t>(other)});
  }
  Matrix from(points.rows(), std::ssize(pairs)), to(points.rows(), std::ssize(pairs));
  Vector higher(std::ssize(pairs));
  for (Index p = 0; p < higher.size(); ++p) {
    const Pair& pair = pairs[static_cast<std::size_t>(p)];
    const Index end = left[pair.end];
    from.col(p) = points.col(end);
    to.col(p) = pair.mode < 0 ? ConstVec(points.col(left[pair.other])) : ConstVec(known.col(pair.mode));
    higher(p) = std::max(f(end), pair.mode < 0 ? f(left[pair.other]) : met.f(pair.mode));
  }
  const std::vector<bool> joined = connected(from, to, higher);
  std::vector<Index> mode_of_end(left.size(), -1);
  for (std::size_t i = 0, p = 0; i < left.size(); ++i) {
    for (; p < pairs.size() && pairs[p].end == i; ++p) {
      if (!joined[p] || mode_of_end[i] >= 0) continue;
      mode_of_end[i] = pairs[p].mode < 0 ? mode_of_end[pairs[p].other] : pairs[p].mode;
    }
    if (mode_of_end[i] >= 0) {
      count(mode_of_end[i], left[i]);
    } else if (ends.ended[static_cast<std::size_t>(left[i])]) {
      mode_of_end[i] = known.cols();
      open(left[i]);
    }
  }
  state.put(census_slot, met);
  return higher.size() * std::ssize(between);
}

Index Census::fold(State& state) const {
  const MetModes met = state.get(census_slot);
  state.drop(census_slot);
  Index evaluated = 0;
  for (const bool known : {true, false}) {
    std::vector<Index> which;
    for (Index k = 0; k < met.size(); ++k) {
      if ((met.weighed(k) != 0.0) == known) which.push_back(k);
    }
    if (which.empty()) continue;
    evaluated += enter({met.points(Eigen::all, which), met.f(which), met.searches(which), known,
                        std::vector<bool>(which.size(), true)},
                       state);
  }
  return evaluated;
}

std::vector<Index> lowest_first(ConstVec f) {
  std::vector<Index> order(static_cast<std::size_t>(f.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, [&](Index a, Index b) { return f(a) < f(b); });
  return order;
}

}  // namespace vfe
