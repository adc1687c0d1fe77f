#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {

/// The draws that rows are predicted with.
struct ChosenDraws {
  Matrix theta;               ///< d x S
  std::vector<Index> places;  ///< of each among the draws of the result
  std::uint64_t seed = 0;     ///< of what is drawn beside them
};

/// Effects of the groups of one grouping at some draws, on the user's scale. A group is known by its name:
/// the names of its keys, joined by ":".
class DrawnEffects {
 public:
  /// Of no group that a fit knows: all are drawn from the distribution of groups at each draw, as a function
  /// of seed, draw and the group's name. `grouping` counts those of the design. The arguments outlive this.
  DrawnEffects(const Mixed& model, const GroupEffects& effects, std::size_t grouping,
               const ChosenDraws& draws);

  /// Takes for the groups of a fit what its result holds: effects that are parameters, else draws from
  /// "posterior", else normals of the moments in "group_effects". Throws Fault::usage where it holds neither,
  /// Fault::data where what it holds has another shape. `saved` outlives this.
  void take_known(const SavedFit& saved);
  const std::string& grouping() const { return effects_.name; }
  /// Whether these are normals of given moments.
  bool are_by_moments() const { return mean_ != nullptr; }

  /// Adds to offset (rows x S) the numbers of each row (rows x effects, as they are) times the effects of the
  /// group of that name.
  void add_to(Mat offset, ConstMat numbers, std::span<const std::string> names);

  /// [collective] "2 of school (3 rows)", groups that were not known; empty where all were. On rank 0.
  std::string describe_new(const Communicator& comm) const;

 private:
  Index size() const { return effects_.size(); }
  Index num_draws() const { return draws_.theta.cols(); }
  void take_parameters(std::size_t which);
  void expect_shape(const Variable& variable, std::vector<Index> expected) const;
  /// Effects x S.
  Matrix of_known(Index place, const std::string& name) const;
  Matrix of_new(const std::string& name) const;
  Matrix standard_normals(const std::string& name) const;
  std::uint64_t hash(const std::string& name) const;

  const Mixed& model_;
  const GroupEffects& effects_;
  std::size_t grouping_;
  const ChosenDraws& draws_;
  std::vector<Matrix> factors_;                         ///< by draw: effects are F z
  std::unordered_map<std::string_view, Index> places_;  ///< of groups that are known
  // What is known of them, one of these:
  Grouping names_of_parameters_;
  std::vector<Matrix> parameters_;  ///< by draw, effects x groups
  const Variable* drawn_ = nullptr;
  const Variable *mean_ = nullptr, *sd_ = nullptr;
  // Of those that were not, where any are:
  std::unordered_set<std::uint64_t> new_groups_;  ///< by hash
  std::int64_t new_rows_ = 0;
};

}  // namespace vfe
