#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "infer/signed_order.hpp"
#include "infer/symmetry_shapes.hpp"
#include "vfe/infer/symmetry.hpp"

// In the order of the list, which is cut at its end:
//
//  1. signs of whole parameters: of each, of all; of every choice of them where they are few, or else of
//  those
//     that are arrays; of pairs of one shape;
//  2. signs of slice k along all axes of one size together;
//  3. neighbours k and k + 1 along all axes of one size together (up to size 4, every pair); of two entries,
//     also with the sign turned of one parameter that is a single coordinate: the logit of a mixture's
//     weight;
//  4. parameters of one shape exchanged: those numbered 1 and 2 of all names ("mu1", "mu2", "sd1", ...)
//     together, and each pair alone;
//  5. neighbours along one axis alone, along all axes of a parameter (a square), of all parameters but one,
//  of
//     two parameters;
//  6. signs of single coordinates;
//  7. signs of slice k along one axis alone.

namespace vfe {
namespace {

constexpr std::size_t most_candidates = 192;
constexpr std::size_t most_pairs = 45;   // of parameters
constexpr std::size_t most_choices = 5;  // parameters of which all choices are tried
constexpr Index all_pairs_up_to = 4;     // entries of an axis
constexpr Index most_neighbours = 64;    // exchanged along one choice of axes
constexpr Index largest_dimension = 200;

/// One axis of one parameter.
struct AxisOf {
  const Block* block;
  std::size_t axis;
};
using Axes = std::vector<AxisOf>;

class Candidates {
 public:
  explicit Candidates(const Parameters& parameters) : d_(parameters.size()), blocks_(blocks_of(parameters)) {
    for (const Block& block : blocks_) {
      if (block.turnable()) turnable_.push_back(&block);
      for (std::size_t axis = 0; axis < block.axes.size(); ++axis) {
        if (block.axes[axis].size >= 2) axes_[block.axes[axis].size].push_back({&block, axis});
      }
    }
  }

  std::vector<SignedPermutation> list() {
    add_signs_of_parameters();
    for (const auto& [size, axes] : axes_) add_signs_of_slices(size, axes);
    for (const auto& [size, axes] : axes_) {
      add_exchanges(size, axes);
      if (size == 2) add_exchanges_with_a_sign(axes);
    }
    add_exchanges_of_parameters();
    for (const auto& [size, axes] : axes_) add_exchanges_along_some(size, axes);
    for (const Block* block : turnable_) {
      for (const Index i : block->coordinate) add(SignedPermutation::flip(d_, {i}));
    }
    for (const auto& [size, axes] : axes_) {
      for (const AxisOf& one : axes) add_signs_of_slices(size, {one});
    }
    return std::move(list_);
  }

 private:
  void add(SignedPermutation g) {
    if (list_.size() == most_candidates || g.is_identity() || !seen_.insert(g).second) return;
    list_.push_back(std::move(g));
  }

  void add_signs_of(const std::vector<const Block*>& blocks) {
    std::vector<Index> coordinates;
    for (const Block* block : blocks)
      coordinates.insert(coordinates.end(), block->coordinate.begin(), block->coordinate.end());
    add(SignedPermutation::flip(d_, coordinates));
  }

  void add_signs_of_parameters() {
    add_signs_of(turnable_);
    for (const Block* block : turnable_) add_signs_of({block});
    std::vector<const Block*> chosen = turnable_;
    if (chosen.size() > most_choices)
      std::erase_if(chosen, [](const Block* block) { return block->coordinate.size() < 2; });
    if (chosen.size() <= most_choices) {
      for (std::size_t choice = 0; choice < (std::size_t{1} << chosen.size()); ++choice) {
        std::vector<const Block*> some;
        for (std::size_t k = 0; k < chosen.size(); ++k) {
          if ((choice >> k & 1) != 0) some.push_back(chosen[k]);
        }
        add_signs_of(some);
      }
    }
    for (const auto& [a, b] : pairs_of_one_shape()) {
      if (a->turnable() && b->turnable()) add_signs_of({a, b});
    }
  }

  void add_signs_of_slices(Index size, const Axes& axes) {
    for (Index k = 0; k < size; ++k) {
      SignedPermutation g = SignedPermutation::identity(d_);
      for (const auto& [block, axis] : axes) {
        if (!block->turnable() || block->axes[axis].mirrored) continue;
        for (const Index i : block->slice(axis, k)) g.sign(i) = -1.0;
      }
      add(std::move(g));
    }
  }

  SignedPermutation exchange(const Axes& axes, Index i, Index k) const {
    SignedPermutation g = SignedPermutation::identity(d_);
    for (const auto& [block, axis] : axes) g = compose(block->exchange(axis, i, k), g);
    return g;
  }

  void add_exchanges(Index size, const Axes& axes) {
    for (Index k = 0; k < std::min(size - 1, most_neighbours); ++k) add(exchange(axes, k, k + 1));
    if (size > all_pairs_up_to) return;
    for (Index i = 0; i < size; ++i) {
      for (Index k = i + 2; k < size; ++k) add(exchange(axes, i, k));
    }
  }

  void add_exchanges_with_a_sign(const Axes& axes) {
    const SignedPermutation together = exchange(axes, 0, 1);
    for (const Block* block : turnable_) {
      if (block->coordinate.size() == 1)
        add(compose(SignedPermutation::flip(d_, block->coordinate), together));
    }
  }

  void add_exchanges_along_some(Index size, const Axes& axes) {
    for (const AxisOf& one : axes) add_exchanges(size, {one});
    const auto those = [&](const auto& wanted) {
      Axes some;
      for (const AxisOf& one : axes) {
        if (wanted(one.block)) some.push_back(one);
      }
      if (!some.empty()) add_exchanges(size, some);
    };
    std::vector<const Block*> blocks;
    for (const AxisOf& one : axes) {
      if (blocks.empty() || blocks.back() != one.block) blocks.push_back(one.block);
    }
    for (const Block* only : blocks) those([&](const Block* block) { return block == only; });
    for (const Block* left_out : blocks) those([&](const Block* block) { return block != left_out; });
    for (const Block* a : blocks) {
      for (const Block* b : blocks) {
        if (a < b) those([&](const Block* block) { return block == a || block == b; });
      }
    }
  }

  /// Empty where there are too many.
  std::vector<std::pair<const Block*, const Block*>> pairs_of_one_shape() const {
    std::vector<std::pair<const Block*, const Block*>> pairs;
    for (std::size_t a = 0; a < blocks_.size(); ++a) {
      for (std::size_t b = a + 1; b < blocks_.size(); ++b) {
        if (same_shape(blocks_[a], blocks_[b])) pairs.emplace_back(&blocks_[a], &blocks_[b]);
      }
    }
    if (pairs.size() > most_pairs) pairs.clear();
    return pairs;
  }

  static bool same_shape(const Block& a, const Block& b) {
    return a.transform == b.transform && a.inner == b.inner &&
           std::ranges::equal(a.axes, b.axes, {}, &Block::Axis::size, &Block::Axis::size);
  }

  SignedPermutation exchange(const Block& a, const Block& b) const {
    SignedPermutation g = SignedPermutation::identity(d_);
    for (std::size_t k = 0; k < a.coordinate.size(); ++k) {
      g.source[static_cast<std::size_t>(a.coordinate[k])] = b.coordinate[k];
      g.source[static_cast<std::size_t>(b.coordinate[k])] = a.coordinate[k];
    }
    return g;
  }

  void add_exchanges_of_parameters() {
    // "mu", "sd", ... of the parameters "mu1", "sd1", ... by their numbers.
    std::map<std::string, std::map<std::string, const Block*>> numbered;
    for (const Block& block : blocks_) {
      const std::size_t end = block.name.find_last_not_of("0123456789") + 1;
      if (end > 0 && end < block.name.size())
        numbered[block.name.substr(end)].emplace(block.name.substr(0, end), &block);
    }
    for (auto first = numbered.begin(); first != numbered.end(); ++first) {
      for (auto second = std::next(first); second != numbered.end(); ++second) {
        SignedPermutation g = SignedPermutation::identity(d_);
        for (const auto& [stem, block] : first->second) {
          const auto other = second->second.find(stem);
          if (other != second->second.end() && same_shape(*block, *other->second))
            g = compose(exchange(*block, *other->second), g);
        }
        add(std::move(g));
      }
    }
    for (const auto& [a, b] : pairs_of_one_shape()) add(exchange(*a, *b));
  }

  Index d_;
  std::vector<Block> blocks_;
  std::vector<const Block*> turnable_;
  std::map<Index, Axes> axes_;  // by size
  SignedPermutationSet seen_;
  std::vector<SignedPermutation> list_;
};

}  // namespace

std::vector<SignedPermutation> candidates(const Parameters& parameters) {
  if (parameters.size() > largest_dimension) return {};
  return Candidates(parameters).list();
}

}  // namespace vfe
