#include "vfe/infer/symmetry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "infer/base.hpp"
#include "infer/signed_order.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr double same_entry = 1e-9;

bool valid(const SignedPermutation& g, Index d) {
  if (g.size() != d || g.sign.size() != d) return false;
  std::vector<bool> used(static_cast<std::size_t>(d), false);
  for (Index i = 0; i < d; ++i) {
    const Index from = g.source[static_cast<std::size_t>(i)];
    if (from < 0 || from >= d || used[static_cast<std::size_t>(from)]) return false;
    used[static_cast<std::size_t>(from)] = true;
    if (std::abs(g.sign(i)) != 1.0) return false;
  }
  return true;
}

/// All products of the generators: a group, since it is finite. Empty where there would be more than `most`.
SignedPermutationSet closure(Index d, const std::vector<SignedPermutation>& generators) {
  SignedPermutationSet found{SignedPermutation::identity(d)};
  std::vector<SignedPermutation> open{SignedPermutation::identity(d)};
  while (!open.empty()) {
    const SignedPermutation element = std::move(open.back());
    open.pop_back();
    for (const SignedPermutation& generator : generators) {
      SignedPermutation product = compose(generator, element);
      if (!found.insert(product).second) continue;
      if (std::ssize(found) > Symmetries::most) return {};
      open.push_back(std::move(product));
    }
  }
  return found;
}

}  // namespace

SignedPermutation SignedPermutation::identity(Index d) {
  SignedPermutation g{std::vector<Index>(static_cast<std::size_t>(d)), Vector::Ones(d)};
  std::iota(g.source.begin(), g.source.end(), Index{0});
  return g;
}

SignedPermutation SignedPermutation::swap(Index d, Index i, Index k) {
  SignedPermutation g = identity(d);
  std::swap(g.source[static_cast<std::size_t>(i)], g.source[static_cast<std::size_t>(k)]);
  return g;
}

SignedPermutation SignedPermutation::flip(Index d, const std::vector<Index>& coordinates) {
  SignedPermutation g = identity(d);
  for (const Index i : coordinates) g.sign(i) = -1.0;
  return g;
}

bool SignedPermutation::is_identity() const {
  return *this == identity(size());
}

SignedPermutation SignedPermutation::inverse() const {
  SignedPermutation result = identity(size());
  for (Index i = 0; i < size(); ++i) {
    const Index from = source[static_cast<std::size_t>(i)];
    result.source[static_cast<std::size_t>(from)] = i;
    result.sign(from) = sign(i);
  }
  return result;
}

Matrix SignedPermutation::apply(ConstMat theta) const {
  Matrix image = theta(source, Eigen::all);
  image.array().colwise() *= sign.array();
  return image;
}

Affine SignedPermutation::apply(const Affine& normal) const {
  Affine image{apply(normal.shift), {}};
  if (normal.diagonal()) {
    image.scale = normal.scale(source, Eigen::all);
  } else {
    image.scale = lower_factor(apply(normal.scale.triangularView<Eigen::Lower>().toDenseMatrix()));
  }
  return image;
}

SignedPermutation compose(const SignedPermutation& outer, const SignedPermutation& inner) {
  SignedPermutation product = outer;
  for (Index i = 0; i < outer.size(); ++i) {
    const Index between = outer.source[static_cast<std::size_t>(i)];
    product.source[static_cast<std::size_t>(i)] = inner.source[static_cast<std::size_t>(between)];
    product.sign(i) *= inner.sign(between);
  }
  return product;
}

Symmetries::Symmetries(Index d, const std::vector<SignedPermutation>& generators) {
  SignedPermutationSet group = closure(d, {});
  for (const SignedPermutation& generator : generators) {
    if (!valid(generator, d)) {
      throw Error(Fault::bug, fmt::format("making a group: found a generator that is no signed permutation "
                                          "of {} coordinates",
                                          d));
    }
    if (group.contains(generator)) continue;
    SignedPermutationSet larger;
    if (2 * std::ssize(group) <= most) {  // the order of a subgroup divides that of the group
      generators_.push_back(generator);
      larger = closure(d, generators_);
      if (larger.empty()) generators_.pop_back();
    }
    if (larger.empty()) {
      complete_ = false;
    } else {
      group = std::move(larger);
    }
  }
  elements_.push_back(SignedPermutation::identity(d));
  for (const SignedPermutation& element : group) {
    if (!element.is_identity()) elements_.push_back(element);
  }
}

// Row 0 says whether the group is complete; column 0 is the identity, the others are generators. Entry i + 1
// is sign(i) (source(i) + 1).
Matrix Symmetries::pack() const {
  const Index d = num_coordinates();
  Matrix packed(d + 1, 1 + std::ssize(generators_));
  packed.row(0).setConstant(complete_ ? 1.0 : 0.0);
  for (Index k = 0; k < packed.cols(); ++k) {
    const SignedPermutation& g = k == 0 ? elements_.front() : generators_[static_cast<std::size_t>(k - 1)];
    for (Index i = 0; i < d; ++i)
      packed(i + 1, k) = g.sign(i) * static_cast<double>(g.source[static_cast<std::size_t>(i)] + 1);
  }
  return packed;
}

Symmetries::Symmetries(ConstMat packed) : Symmetries(std::max<Index>(packed.rows() - 1, 0)) {
  const Index d = num_coordinates();
  const auto check = [](bool good) {
    if (!good) throw Error(Fault::checkpoint, "unpacking symmetries: found something else");
  };
  check(packed.rows() > 0 && packed.cols() > 0);
  std::vector<SignedPermutation> generators;
  for (Index k = 0; k < packed.cols(); ++k) {
    SignedPermutation g = SignedPermutation::identity(d);
    for (Index i = 0; i < d; ++i) {
      const double entry = packed(i + 1, k), size = std::abs(entry);
      check(size >= 1.0 && size <= static_cast<double>(d) && size == std::floor(size));
      g.source[static_cast<std::size_t>(i)] = static_cast<Index>(size) - 1;
      g.sign(i) = entry < 0.0 ? -1.0 : 1.0;
    }
    check(valid(g, d) && (k > 0 || g.is_identity()));
    if (k > 0) generators.push_back(std::move(g));
  }
  *this = Symmetries(d, generators);
  check(complete_ && generators_ == generators);
  complete_ = packed(0, 0) != 0.0;
}

Index Symmetries::inverse(Index g) const {
  const auto found = std::ranges::find(elements_, element(g).inverse());
  return static_cast<Index>(found - elements_.begin());
}

// The set of the images is that of any of them, to the bit; and so is what is found from the set alone.
Index Symmetries::canonical_element(ConstVec theta) const {
  std::vector<Index> left(elements_.size());
  std::iota(left.begin(), left.end(), Index{0});
  const auto entry = [&](Index g, Index i) {
    return element(g).sign(i) * theta(element(g).source[static_cast<std::size_t>(i)]);
  };
  const double slack = theta.size() == 0 ? 0.0 : same_entry * theta.cwiseAbs().maxCoeff();
  for (const double tolerance : {slack, 0.0}) {
    for (Index i = 0; i < theta.size() && left.size() > 1; ++i) {
      double largest = entry(left.front(), i);
      for (const Index g : left) largest = std::max(largest, entry(g, i));
      std::erase_if(left, [&](Index g) { return entry(g, i) < largest - tolerance; });
    }
  }
  return left.front();
}

Index Symmetries::nearest_image(ConstVec theta, ConstVec to, const Affine& metric) const {
  Index best = 0;
  Affine{to, metric.scale}.whiten(images(*this, theta)).colwise().squaredNorm().minCoeff(&best);
  return best;
}

std::vector<Index> Symmetries::distinct_images(ConstVec theta, const Affine& metric, double distance) const {
  const Matrix place = Affine{theta, metric.scale}.whiten(images(*this, theta));
  std::vector<Index> kept;
  for (Index g = 0; g < size(); ++g) {
    const bool apart = std::ranges::all_of(
        kept, [&](Index other) { return (place.col(g) - place.col(other)).norm() > distance; });
    if (apart) kept.push_back(g);
  }
  return kept;
}

Matrix images(const Symmetries& group, ConstMat theta) {
  Matrix result(theta.rows(), theta.cols() * group.size());
  for (Index g = 0; g < group.size(); ++g)
    result(Eigen::all, Eigen::seqN(g, theta.cols(), group.size())) = group.apply(g, theta);
  return result;
}

std::optional<SignedPermutation> match(ConstVec from, ConstVec to, double tolerance) {
  if (!from.allFinite() || !to.allFinite()) return std::nullopt;
  const auto equal = [&](double a, double b) { return std::abs(a - b) <= tolerance * (1.0 + std::abs(a)); };
  std::vector<Index> moved;
  for (Index i = 0; i < from.size(); ++i) {
    if (!equal(from(i), to(i))) moved.push_back(i);
  }
  SignedPermutation result = SignedPermutation::identity(from.size());
  std::set<Index> used;
  for (const Index i : moved) {
    std::vector<Index> sources;
    for (const Index k : moved) {
      if (equal(std::abs(from(k)), std::abs(to(i)))) sources.push_back(k);
    }
    if (sources.empty()) return std::nullopt;
    // Among several of nearly one size, that only the sign has turned is the simplest.
    const bool in_place = std::ranges::find(sources, i) != sources.end();
    if (sources.size() > 1 && !in_place) return std::nullopt;
    const Index source = in_place ? i : sources.front();
    if (!used.insert(source).second) return std::nullopt;
    result.source[static_cast<std::size_t>(i)] = source;
    if ((from(source) < 0.0) != (to(i) < 0.0)) result.sign(i) = -1.0;
  }
  if (moved.empty()) return std::nullopt;
  return result;
}

Symmetrised symmetrise(const Symmetries& symmetries, const Draws& draws, Index row) {
  constexpr Index most_images = 200'000;
  const Index n = draws.size(),
              copies = std::clamp<Index>(most_images / std::max<Index>(n, 1), 1, symmetries.size());
  std::vector<Index> source;
  for (Index k = 0; k < n * copies; ++k) source.push_back(k / row / copies * row + k % row);
  Symmetrised result{select(draws, source), copies};
  for (Index k = 0; k < n * copies; ++k) {
    const Index s = source[static_cast<std::size_t>(k)], image = k / row % copies;
    const SignedPermutation& g = symmetries.element((s * copies + image) % symmetries.size());
    result.theta.col(k) = g.apply(draws.theta.col(s));
    if (result.gradient.cols() > 0) result.gradient.col(k) = g.apply(draws.gradient.col(s));
  }
  result.group = std::move(source);
  return result;
}

void fold(const Symmetries& group, const Affine& metric, Mat theta, Mat gradient) {
  if (group.size() == 1) return;
  for (Index s = 0; s < theta.cols(); ++s) {
    const Index g = group.nearest_image(theta.col(s), metric.shift, metric);
    if (g == 0) continue;
    theta.col(s) = group.apply(g, theta.col(s)).eval();
    if (gradient.cols() > 0) gradient.col(s) = group.apply(g, gradient.col(s)).eval();
  }
}

Vector log_density_of_copies(const Symmetries& group, ConstMat theta,
                             const std::function<Vector(ConstMat)>& log_density) {
  if (group.size() == 1) return log_density(theta);
  Matrix of_images(group.size(), theta.cols());
  for (Index g = 0; g < group.size(); ++g) of_images.row(g) = log_density(group.apply(g, theta)).transpose();
  Vector result(theta.cols());
  for (Index s = 0; s < theta.cols(); ++s) {
    const double top = of_images.col(s).maxCoeff();
    double sum = 0.0;
    for (const double x : of_images.col(s)) sum += std::exp(x - top);
    result(s) = std::isfinite(top) ? top + std::log(sum / static_cast<double>(group.size())) : top;
  }
  return result;
}

}  // namespace vfe
