#pragma once
#include <variant>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/family/flow.hpp"
#include "vfe/family/student.hpp"

namespace vfe {

/// A mixture to draw from and to weight by: Student t's (of infinite degrees of freedom: normals) and flows.
///
/// n draws are stratified: each component gives a fixed number, about its weight's share. Their density is
/// then that of stratified(n), not quite that of the mixture itself; p over it is an unbiased importance
/// weight (the deterministic mixture of Veach and Guibas 1995). For draws of several proposals together:
///
///   Proposal pool;
///   for each round: pool.add(n, q.stratified(n)), where theta = q.draw(at, n)
///   log weight = log p - pool.log_density(all theta)
class Proposal {
 public:
  using Component = std::variant<Student, Flow>;

  Proposal() = default;
  /// Continues from pack(). Throws Fault::checkpoint if it is something else.
  explicit Proposal(ConstVec packed);
  /// One flat vector, equal on every rank.
  Vector pack() const;

  /// Weights are relative; one of 0 adds nothing. Throws Fault::bug if the weight is negative or not finite
  /// or the sizes differ, Fault::numeric if the component cannot be drawn from.
  void add(double weight, Component component);
  /// Every component of a mixture, with `weight` in all.
  void add(double weight, const Proposal& mixture);

  Index size() const;  ///< d; 0 while empty
  Index num_components() const { return static_cast<Index>(components_.size()); }
  double weight(Index component) const;  ///< of all 1
  const Component& component(Index index) const { return components_[static_cast<std::size_t>(index)]; }

  /// How many of n draws each component gives: its share rounded to whole numbers by largest remainders.
  std::vector<Index> counts(Index n) const;
  /// The mixture with weights counts(n) / n: the density that n draws have together.
  Proposal stratified(Index n) const;
  /// d x n draws in random order, so that any part of them is like the whole. Component c draws at
  /// block = at.block + c, the order is made at block = at.block + num_components().
  Matrix draw(const Address& at, Index n) const;
  /// log density [nats] of d x S points; -infinity where one is not finite or far beyond all components.
  Vector log_density(ConstMat theta) const;

 private:
  std::vector<double> weights_;
  std::vector<Component> components_;
};

}  // namespace vfe
