#include "infer/symmetry_shapes.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>
#include <utility>

namespace vfe {
namespace {

/// "2,1" as numbers; empty where it is something else.
std::vector<Index> subscripts_of(const std::string& label) {
  std::vector<Index> result;
  const char* next = label.data();
  const char* const end = next + label.size();
  while (true) {
    Index value = 0;
    const auto [stop, error] = std::from_chars(next, end, value);
    if (error != std::errc() || value < 1 || value > 1'000'000) return {};
    result.push_back(value);
    if (stop == end) return result;
    if (*stop != ',') return {};
    next = stop + 1;
  }
}

/// The array that the labels of an axis tell of, with a place (row-major) for each of them; empty sizes where
/// they fill none of two axes or more.
struct Array {
  std::vector<Index> sizes, place;
};

Array array_of(const std::vector<std::string>& labels) {
  std::vector<std::vector<Index>> entries;
  std::vector<Index> sizes;
  for (const std::string& label : labels) {
    entries.push_back(subscripts_of(label));
    if (entries.back().size() < 2 || entries.back().size() != entries.front().size()) return {};
    if (sizes.empty()) sizes.assign(entries.front().size(), 0);
    for (std::size_t axis = 0; axis < sizes.size(); ++axis)
      sizes[axis] = std::max(sizes[axis], entries.back()[axis]);
  }
  double total = 1.0;
  for (const Index size : sizes) total *= static_cast<double>(size);
  if (total != static_cast<double>(labels.size())) return {};
  Array array{sizes, {}};
  for (const std::vector<Index>& entry : entries) {
    Index place = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) place = place * sizes[axis] + entry[axis] - 1;
    array.place.push_back(place);
  }
  if (std::set<Index>(array.place.begin(), array.place.end()).size() != labels.size()) return {};
  return array;
}

bool elementwise(Transform transform) {
  return transform == Transform::identity || transform == Transform::positive ||
         transform == Transform::bounded;
}

Block block_of(const Parameter& parameter, Index first, Index d) {
  Block block{.name = parameter.name, .transform = parameter.transform, .d = d};
  block.coordinate.resize(static_cast<std::size_t>(parameter.num_unconstrained()));
  std::iota(block.coordinate.begin(), block.coordinate.end(), first);
  std::size_t free_axes = parameter.dimensions.size();
  if (!elementwise(parameter.transform))
    free_axes -= parameter.transform == Transform::correlation_cholesky ? 2 : 1;
  Index entries = 1;
  for (std::size_t axis = 0; axis < free_axes; ++axis) {
    block.axes.push_back({parameter.dimensions[axis].size});
    entries *= parameter.dimensions[axis].size;
  }
  block.inner = std::ssize(block.coordinate) / entries;
  if (parameter.transform == Transform::simplex && parameter.dimensions.back().size == 2)
    block.axes.push_back({2, true});
  if (elementwise(parameter.transform) && parameter.dimensions.size() == 1) {
    const Array array = array_of(parameter.dimensions.front().labels);
    if (!array.sizes.empty()) {
      block.axes.clear();
      for (const Index size : array.sizes) block.axes.push_back({size});
      for (std::size_t k = 0; k < array.place.size(); ++k)
        block.coordinate[static_cast<std::size_t>(array.place[k])] = first + static_cast<Index>(k);
    }
  }
  return block;
}

}  // namespace

bool Block::turnable() const {
  return transform == Transform::identity || transform == Transform::bounded ||
         (!axes.empty() && axes.back().mirrored);
}

std::vector<Index> Block::slice(std::size_t axis, Index index) const {
  Index stride = inner;
  for (std::size_t later = axis + 1; later < axes.size(); ++later) {
    if (!axes[later].mirrored) stride *= axes[later].size;
  }
  std::vector<Index> result;
  for (Index entry = 0; entry < std::ssize(coordinate); ++entry) {
    if (entry / stride % axes[axis].size == index)
      result.push_back(coordinate[static_cast<std::size_t>(entry)]);
  }
  return result;
}

SignedPermutation Block::exchange(std::size_t axis, Index i, Index k) const {
  if (axes[axis].mirrored) return SignedPermutation::flip(d, coordinate);
  SignedPermutation g = SignedPermutation::identity(d);
  const std::vector<Index> a = slice(axis, i), b = slice(axis, k);
  for (std::size_t entry = 0; entry < a.size(); ++entry) {
    g.source[static_cast<std::size_t>(a[entry])] = b[entry];
    g.source[static_cast<std::size_t>(b[entry])] = a[entry];
  }
  return g;
}

std::vector<Block> blocks_of(const Parameters& parameters) {
  std::vector<Block> blocks;
  for (std::size_t p = 0; p < parameters.list().size(); ++p) {
    const Parameter& parameter = parameters.list()[p];
    if (parameter.num_unconstrained() == 0) continue;
    blocks.push_back(block_of(parameter, parameters.first_unconstrained(p), parameters.size()));
  }
  return blocks;
}

}  // namespace vfe
