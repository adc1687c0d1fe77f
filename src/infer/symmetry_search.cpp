#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "infer/signed_order.hpp"
#include "vfe/infer/symmetry.hpp"

namespace vfe {
namespace {

constexpr Index draws_per_call = 256;
constexpr double relative_rounding = 1e-9;  // of log f, of sums in another order
constexpr double other_point = 1e-7;        // of an entry: nearer than that, log f would hardly tell
constexpr double equal_values = 1e-4;       // nats, of modes found apart from one another
constexpr std::size_t most_pairs = 50;      // of modes
constexpr Index most_modes = 3;             // at which a symmetry is tried
constexpr std::array<double, 3> matching{1e-6, 1e-4, 1e-2};
constexpr double same_place = 1e-6;                       // of an entry
constexpr double barrier = 0.1;                           // nats that sampling would hardly notice
constexpr std::array<double, 3> between{0.2, 0.35, 0.5};  // the other half of the line is alike, mostly

Vector values_at(const Target& target, const Minibatch& batch, ConstMat theta) {
  Vector value(theta.cols());
  for (Index first = 0; first < theta.cols(); first += draws_per_call) {
    const Index count = std::min(draws_per_call, theta.cols() - first);
    Matrix no_gradient(theta.rows(), 0);
    target.log_joint(batch, theta.middleCols(first, count), value.segment(first, count), no_gradient);
  }
  return value;
}

/// An entry differs by more than `least` of its size.
bool differs(ConstVec a, ConstVec b, double least) {
  return ((a - b).array().abs() > least * (a.array().abs() + b.array().abs())).any();
}

/// Columns to be evaluated together.
class Points {
 public:
  explicit Points(Index d) : d_(d) {}
  void add(ConstVec point) { numbers_.insert(numbers_.end(), point.data(), point.data() + d_); }
  Eigen::Map<const Matrix> all() const {
    return {numbers_.data(), d_, d_ == 0 ? 0 : std::ssize(numbers_) / d_};
  }

 private:
  Index d_;
  std::vector<double> numbers_;
};

std::vector<Index> lowest_first(ConstVec f) {
  std::vector<Index> order(static_cast<std::size_t>(f.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, [&](Index a, Index b) { return f(a) < f(b); });
  return order;
}

/// What takes one of two modes of equal density to the other, for the lowest ones.
std::vector<SignedPermutation> matches(ConstMat modes, ConstVec f) {
  std::vector<SignedPermutation> found;
  std::size_t pairs = 0;
  const std::vector<Index> order = lowest_first(f);
  for (std::size_t b = 1; b < order.size(); ++b) {
    for (std::size_t a = 0; a < b; ++a) {
      if (!(std::abs(f(order[a]) - f(order[b])) < equal_values)) continue;
      if (++pairs > most_pairs) return found;
      for (const double tolerance : matching) {
        auto one = match(modes.col(order[a]), modes.col(order[b]), tolerance);
        if (!one) continue;
        found.push_back(std::move(*one));
        break;
      }
    }
  }
  return found;
}

/// Whether each of `group` takes one of the modes (columns) to another place.
std::vector<bool> that_move(const Target& target, const Minibatch& batch,
                            const std::vector<SignedPermutation>& group, ConstMat modes) {
  Points points(modes.rows());
  std::vector<std::pair<std::size_t, Index>> of;  // which element, which mode
  for (std::size_t g = 0; g < group.size(); ++g) {
    for (Index k = 0; k < modes.cols(); ++k) {
      const Vector image = group[g].apply(modes.col(k));
      if (!differs(image, modes.col(k), same_place)) continue;
      for (const double share : between) points.add((1.0 - share) * modes.col(k) + share * image);
      of.emplace_back(g, k);
    }
  }
  const Vector at_modes = values_at(target, batch, modes), value = values_at(target, batch, points.all());
  std::vector<bool> result(group.size(), false);
  const Index each = std::ssize(between);
  for (std::size_t line = 0; line < of.size(); ++line) {
    const auto [g, k] = of[line];
    const double lowest = value.segment(static_cast<Index>(line) * each, each).minCoeff();
    if (!(lowest >= at_modes(k) - barrier)) result[g] = true;
  }
  return result;
}

/// Those that move a mode, then those that do not commute with one of these: they may move an image of it.
std::vector<SignedPermutation> that_matter(const std::vector<SignedPermutation>& group,
                                           std::vector<bool> matters) {
  std::vector<SignedPermutation> result;
  for (std::size_t g = 0; g < group.size(); ++g) {
    if (matters[g]) result.push_back(group[g]);
  }
  for (std::size_t next = 0; next < result.size(); ++next) {
    for (std::size_t g = 0; g < group.size(); ++g) {
      if (matters[g] || compose(result[next], group[g]) == compose(group[g], result[next])) continue;
      matters[g] = true;
      result.push_back(group[g]);
    }
  }
  return result;
}

}  // namespace

std::vector<SignedPermutation> that_hold(const Target& target, const Minibatch& batch,
                                         const std::vector<SignedPermutation>& candidates, ConstMat points) {
  if (candidates.empty() || points.cols() == 0) return {};
  const Vector at_points = values_at(target, batch, points);
  std::vector<Index> usable;
  for (Index k = 0; k < points.cols(); ++k) {
    if (std::isfinite(at_points(k))) usable.push_back(k);
  }
  const auto same = [](double a, double b) {
    return std::abs(a - b) <= relative_rounding * (2.0 + std::abs(a));
  };

  // At the first point of each candidate, then those that passed at all others.
  std::vector<SignedPermutation> left = candidates;
  std::vector<std::size_t> next(left.size(), 0);
  for (const bool first : {true, false}) {
    Points asked(points.rows());
    std::vector<std::pair<std::size_t, Index>> of;  // which candidate, which point
    for (std::size_t g = 0; g < left.size(); ++g) {
      bool found = false;
      while (next[g] < usable.size() && !(first && found)) {
        const Index k = usable[next[g]++];
        const Vector image = left[g].apply(points.col(k));
        if (!differs(image, points.col(k), other_point)) continue;
        asked.add(image);
        of.emplace_back(g, k);
        found = true;
      }
    }
    std::vector<bool> passed(left.size(), !first);
    for (const auto& [g, k] : of) passed[g] = true;
    const Vector value = values_at(target, batch, asked.all());
    for (std::size_t column = 0; column < of.size(); ++column) {
      const auto [g, k] = of[column];
      if (!same(at_points(k), value(static_cast<Index>(column)))) passed[g] = false;
    }
    std::vector<SignedPermutation> those;
    std::vector<std::size_t> next_of_those;
    for (std::size_t g = 0; g < left.size(); ++g) {
      if (!passed[g]) continue;
      those.push_back(std::move(left[g]));
      next_of_those.push_back(next[g]);
    }
    left = std::move(those);
    next = std::move(next_of_those);
  }
  return left;
}

Symmetries find_symmetries(const Target& target, const Minibatch& batch, ConstMat modes, ConstVec f,
                           ConstMat points) {
  std::vector<SignedPermutation> tried;
  SignedPermutationSet seen;
  const auto add = [&](std::vector<SignedPermutation> list) {
    for (SignedPermutation& g : list) {
      if (seen.insert(g).second) tried.push_back(std::move(g));
    }
  };
  add(candidates(target.parameters()));
  add(matches(modes, f));

  std::vector<Index> lowest = lowest_first(f);
  lowest.resize(std::min(lowest.size(), static_cast<std::size_t>(most_modes)));
  const Matrix low = modes(Eigen::all, lowest);
  Matrix all(target.size(), points.cols() + low.cols());
  if (points.cols() > 0) all.leftCols(points.cols()) = points;
  if (low.cols() > 0) all.rightCols(low.cols()) = low;
  std::vector<SignedPermutation> held = that_hold(target, batch, tried, all);
  if (held.empty() || modes.cols() == 0) return Symmetries(target.size(), held);

  return Symmetries(target.size(), that_matter(held, that_move(target, batch, held, low)));
}

}  // namespace vfe
