#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/state.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/statistics/draws.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// Exchanges unconstrained coordinates and turns signs: (g theta)(i) = sign(i) theta(source(i)). It preserves
/// volume, and takes the gradient of a density it leaves unchanged from theta to g theta.
struct SignedPermutation {
  std::vector<Index> source;  ///< d, each of 0 ... d-1 once
  Vector sign;                ///< d, each 1 or -1

  static SignedPermutation identity(Index d);
  /// Exchanges i and k.
  static SignedPermutation swap(Index d, Index i, Index k);
  /// Turns the signs of some coordinates.
  static SignedPermutation flip(Index d, const std::vector<Index>& coordinates);

  Index size() const { return static_cast<Index>(source.size()); }  ///< d
  bool is_identity() const;
  SignedPermutation inverse() const;
  /// d x n points or gradients to their images: no rounding.
  Matrix apply(ConstMat theta) const;
  /// That of a normal N(shift, scale scale'): lower triangular with a positive diagonal, or diagonal where
  /// `normal` is.
  Affine apply(const Affine& normal) const;
  bool operator==(const SignedPermutation&) const = default;
};

/// `outer` after `inner`.
SignedPermutation compose(const SignedPermutation& outer, const SignedPermutation& inner);

/// A finite group of signed permutations. Element 0 is the identity; the others are in an order that depends
/// on nothing but the group.
class Symmetries {
 public:
  static constexpr Index most = 720;  ///< elements: those of six exchangeable blocks

  Symmetries() : Symmetries(0) {}
  /// The group that the generators span. One that would make it larger than `most` is left out, those after
  /// it are tried. Throws Fault::bug where one is no signed permutation of d coordinates.
  explicit Symmetries(Index d, const std::vector<SignedPermutation>& generators = {});
  /// Continues from pack(). Throws Fault::checkpoint if it is something else.
  explicit Symmetries(ConstMat packed);
  Matrix pack() const;  ///< (d + 1) x (1 + number of generators)

  Index size() const { return static_cast<Index>(elements_.size()); }  ///< number of elements, 1 if trivial
  Index num_coordinates() const { return elements_.front().size(); }   ///< d
  bool complete() const { return complete_; }                          ///< no generator was left out
  const SignedPermutation& element(Index g) const { return elements_[static_cast<std::size_t>(g)]; }
  Index inverse(Index g) const;  ///< the element that undoes it

  Matrix apply(Index g, ConstMat theta) const { return element(g).apply(theta); }
  Affine apply(Index g, const Affine& normal) const { return element(g).apply(normal); }

  /// The element that takes theta to one and the same of its images whichever of them theta is: the
  /// lexicographically largest, where entries nearer than 1e-9 of the largest |theta_i| count as equal.
  Index canonical_element(ConstVec theta) const;
  Vector canonical(ConstVec theta) const { return element(canonical_element(theta)).apply(theta); }
  /// The element whose image of theta lies nearest to `to`, by the metric's sds; its shift plays no part.
  Index nearest_image(ConstVec theta, ConstVec to, const Affine& metric) const;
  /// Elements, 0 first, whose images of theta lie more than `distance` sds of the metric from one another:
  /// one for each image that is another place. {0} where all symmetries leave theta where it is.
  std::vector<Index> distinct_images(ConstVec theta, const Affine& metric, double distance) const;

 private:
  std::vector<SignedPermutation> elements_, generators_;
  bool complete_ = true;
};

/// d x (n |G|): the images of d x n points. Column s |G| + g is g theta_s.
Matrix images(const Symmetries& group, ConstMat theta);

/// Draws with images of theirs in all copies of a symmetric density: of each draw as many, all of them unless
/// that would make more than 200,000, and then other ones of other draws. Images have the numbers of their
/// draw, and are a group together. They follow each other: s m + j is of draw s; or, of draws that are rows
/// of `row` each (the chains at one iteration), rows do.
struct Symmetrised : OwnedDraws {
  Index copies = 1;  ///< m
};
Symmetrised symmetrise(const Symmetries& symmetries, const Draws& draws, Index row = 1);

/// Moves every draw, and its gradient, to its image nearest to the centre of `metric`.
void fold(const Symmetries& group, const Affine& metric, Mat theta, Mat gradient);

/// log of the mean density of the images of each of d x n points, `log_density` being that of one copy.
Vector log_density_of_copies(const Symmetries& group, ConstMat theta,
                             const std::function<Vector(ConstMat)>& log_density);

/// What may be a symmetry, by the shapes of the parameters: neighbours exchanged along all axes of one size,
/// and along one alone; signs turned of parameters, of slices, of single coordinates; see the source for the
/// whole list. The likelier ones first, each once, at most 192; none where d is above 200. Labels such as
/// "2,1" on the one axis of a parameter, as those of Stan programs, are taken for the subscripts of an array.
std::vector<SignedPermutation> candidates(const Parameters& parameters);

/// The signed permutation that takes one point to the other. Entries a and b count as equal if they differ by
/// no more than tolerance (1 + |a|). What agrees in place stays there; empty where the rest cannot be matched
/// in one way, or there is no rest.
std::optional<SignedPermutation> match(ConstVec from, ConstVec to, double tolerance);

/// [collective] Those candidates that leave log f unchanged at all `points` (d x n, generic ones) whose image
/// is another point and where log f is finite; there must be one. Costs n values, one for each candidate, and
/// n - 1 for each that passed the first point.
std::vector<SignedPermutation> that_hold(const Target& target, const Minibatch& batch,
                                         const std::vector<SignedPermutation>& candidates, ConstMat points);

/// [collective] The group of the symmetries of a density that has modes (d x M, where -log f is `f`): those
/// of candidates(), and those that match two modes of equal density, if they hold at `points` and at the
/// three lowest modes. Left out are generators that take none of these modes to another place (the line to
/// its image has no barrier) and commute with all that do: they say nothing new, and would make the group
/// large. So look again when another mode has been found. Without modes, all that hold.
Symmetries find_symmetries(const Target& target, const Minibatch& batch, ConstMat modes, ConstVec f,
                           ConstMat points);

}  // namespace vfe
