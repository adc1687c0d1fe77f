#include "infer/searches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace vfe {

Searches::Searches(const Target& target, const SearchOptions& options, Matrix packed)
    : target_(target), options_(options), packed_(std::move(packed)) {
  if (packed_.cols() == 0) packed_.resize(Lbfgs::packed_size(target_.size(), options_.history), 0);
}

Lbfgs Searches::at(Index k) const {
  return Lbfgs(packed_.col(k), target_.size(), options_.history);
}

bool Searches::running(Index k) const {
  const Lbfgs search = at(k);
  return search.decrement() >= options_.tolerance && !search.stuck() &&
         search.iterations() < options_.max_iterations;
}

bool Searches::ended(Index k) const {
  const Lbfgs search = at(k);
  return search.decrement() < options_.tolerance || search.stuck();
}

bool Searches::running() const {
  for (Index k = 0; k < size(); ++k) {
    if (running(k)) return true;
  }
  return false;
}

std::vector<Index> Searches::order() const {
  Vector f(size());
  for (Index k = 0; k < size(); ++k) f(k) = at(k).f();
  std::vector<Index> result(static_cast<std::size_t>(size()));
  std::iota(result.begin(), result.end(), Index{0});
  std::ranges::stable_sort(result, [&](Index a, Index b) { return f(a) < f(b); });
  return result;
}

Searches::Outcome Searches::advance(ConstMat starts) {
  std::vector<Index> active;
  for (Index k = 0; k < size(); ++k) {
    if (running(k)) active.push_back(k);
  }
  const Index d = target_.size(), trials = std::ssize(active), all = trials + starts.cols();
  Matrix u(d, all), grad(d, all);
  for (Index j = 0; j < trials; ++j) u.col(j) = at(active[static_cast<std::size_t>(j)]).trial();
  u.rightCols(starts.cols()) = options_.map ? options_.map->whiten(starts) : Matrix(starts);
  Vector value(all);
  target_.log_joint(options_.batch, options_.map ? options_.map->apply(u) : u, value, grad);
  if (options_.map) grad = options_.map->pull_back(grad);

  Outcome outcome{.draws = all, .non_finite = all - value.array().isFinite().count()};
  for (Index j = 0; j < trials; ++j) {
    const Index k = active[static_cast<std::size_t>(j)];
    Lbfgs search = at(k);
    search.tell(-value(j), -grad.col(j));
    packed_.col(k) = search.pack();
  }
  for (Index j = trials; j < all; ++j) {
    outcome.begun.push_back(std::isfinite(value(j)));
    if (!outcome.begun.back()) continue;
    packed_.conservativeResize(Eigen::NoChange, packed_.cols() + 1);
    packed_.rightCols(1) = Lbfgs(u.col(j), -value(j), -grad.col(j), options_.history).pack();
  }
  return outcome;
}

}  // namespace vfe
