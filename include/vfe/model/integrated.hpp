#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vfe/core/exact_sum.hpp"
#include "vfe/model/gauss_hermite.hpp"
#include "vfe/model/local_model.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// Modes of the latent variables of a block's groups, and how they are spread about them.
struct LocalModes {
  Matrix mode;              ///< k x groups
  Matrix slope;             ///< likewise, at the mode
  Matrix curvature, scale;  ///< k^2 x groups
  bool found = false;       ///< of all groups; else the others are not to be used
};

/// Numbers of nodes for each coordinate that a group may have.
constexpr std::array<Index, 7> numbers_of_nodes{1, 3, 5, 7, 9, 11, 15};

/// A LocalModel with the latent variables of its groups integrated out: a Model of theta alone. Each integral
/// is Gauss and Hermite's rule around the mode of z_g, with the nodes spread by the Cholesky factor of
/// `scale` there (Liu and Pierce 1994); with one node Laplace's approximation. The gradient is the derivative
/// of the rule itself, nodes moving with theta, so that value and gradient agree whatever the number of
/// nodes. Modes are found by Newton's method from 0 in each call: bits depend on nothing else. Where it does
/// not converge the value is NaN.
class Integrated final : public Model {
 public:
  /// So many nodes for each coordinate, in every group.
  Integrated(std::shared_ptr<const LocalModel> local, Index nodes);

  const LocalModel& local() const { return *local_; }
  /// The largest number in use for a coordinate, on this rank.
  Index nodes() const;

  // Not to be called while others are.
  void set_nodes(Index nodes);
  /// Gives each unit (see units()) the fewest of numbers_of_nodes whose next one would move its log integral
  /// at theta by at most `tolerance` [nats]: large groups need few, and have most of the rows. The last where
  /// none will do.
  void set_nodes_by_group(ConstVec theta, double tolerance);
  /// Sums over this rank's units, by tolerance (at least one, falling): what the next numbers would move.
  ExactSum changes_by_tolerance(ConstVec theta, const std::vector<double>& tolerances) const;
  /// Whether every group takes the next number of nodes to its own, for comparison.
  void set_finer(bool finer) { finer_ = finer; }
  /// Sums over this rank's units: of nodes for each coordinate, and their number.
  std::pair<std::uint64_t, std::uint64_t> count_nodes() const;

  const Parameters& parameters() const override { return local_->parameters(); }
  Index blocks() const override { return local_->blocks(); }
  Index rows(Index block) const override { return local_->rows(block); }
  Index first_block() const override { return local_->first_block(); }
  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    local_->log_prior(theta, value, grad);
  }
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  std::vector<Parameter> log_prior_terms() const override { return local_->log_prior_terms(); }
  void compute_log_prior_terms(ConstMat theta, Mat values) const override {
    local_->compute_log_prior_terms(theta, values);
  }
  std::string explain(Index block, ConstVec theta) const override;
  Vector draw_start(const Address& at, Reach reach) const override { return local_->draw_start(at, reach); }
  const std::vector<Parameter>& quantities() const override { return local_->quantities(); }
  void compute_quantities(ConstMat theta, std::uint64_t, std::uint32_t, Mat values) const override {
    local_->compute_quantities(theta, values);
  }

  /// Groups of a block, or outer groups where there are any: what is independent given theta.
  Index units(Index block) const;
  /// Sets by unit of the block: log p(y_g | theta).
  void log_likelihood_groups(Index block, ConstVec theta, Vec value) const;

 private:
  struct Rule {
    Index nodes = 1;
    GaussHermite inner, outer;
  };
  Rule rule_of(Index nodes) const;
  /// By unit of a block: the place of its rule.
  std::vector<std::uint8_t> rules_in(Index block) const;
  bool integrate(Index block, ConstVec theta, const std::vector<std::uint8_t>& rules, Vec value,
                 Vec grad) const;
  /// Calls f(unit, i, change) with the change from number_of_nodes i to the next, i = 0, 1, ... in turn, for
  /// every unit of a block until f says that it is enough.
  template <class F>
  void compare_numbers(Index block, ConstVec theta, F f) const;

  std::shared_ptr<const LocalModel> local_;
  std::vector<Rule> rules_;  ///< one and the next; or by group, numbers_of_nodes and one more
  std::vector<std::vector<std::uint8_t>> by_group_;  ///< by block and unit; empty: the first rule for all
  bool finer_ = false;
};

/// The modes of a block's groups; `density` is then expanded there.
LocalModes find_local_modes(LocalDensity& density, Index latents, Index groups);

}  // namespace vfe
