#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// What a LocalModel says of the groups of one block at one theta: log p(y_g, z_g | theta), its derivatives,
/// and those of its curvature. What cannot be computed is NaN, never an exception.
class LocalDensity {
 public:
  virtual ~LocalDensity() = default;

  /// Sets, of one group at some points z (k x N): the log joint density [nats] (N), and its slope by z (k x
  /// N).
  virtual void evaluate(Index group, ConstMat z, Vec value, Mat slope) = 0;
  /// Adds to the gradient by theta, at the points where evaluate() was last, the sum of weight times that of
  /// the log joint density.
  virtual void add_gradient(Index group, ConstVec weight) = 0;

  // Of all groups at once; matrices have a column for each, k x k ones are stored column by column.

  /// Sets, at z (k x groups): the slope, minus the second derivative by z (k^2 x groups), and `scale`
  /// (likewise), a positive definite matrix that the nodes of a rule are spread by: the same, where it is one
  /// for all z.
  virtual void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) = 0;
  /// Sets, where expand() was last, slope (k x groups) to the derivative by z of the sum of
  /// scale_weight_g : scale_g, of symmetric weights (k^2 x groups).
  virtual void differentiate_scale(ConstMat scale_weight, Mat slope) = 0;
  /// Adds to the gradient, where expand() was last, that of direction_g . slope_g + scale_weight_g : scale_g.
  virtual void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) = 0;

  /// Adds the gradient to one by theta (d).
  virtual void pull_back(Vec grad) = 0;
};

using GroupCodes = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic>;

/// Groups as users see them, and of each of them its effects.
struct Grouping {
  std::string name = "group";          ///< "school", "school:class"
  std::vector<std::string> keys = {};  ///< columns of the table that name a group; none: groups have numbers
  std::vector<std::string> effects;    ///< "intercept", "x"
  std::vector<std::string> groups = {};  ///< by their names, of effects that are parameters
};

/// A Bayesian model with latent variables z_g of groups of rows beside its parameters theta, over one rank's
/// shard of the data; no group is in two blocks. Integrated makes a Model of it. Knows no MPI.
class LocalModel {
 public:
  virtual ~LocalModel() = default;
  virtual const Parameters& parameters() const = 0;
  virtual Index num_latents() const = 0;  ///< k, of a group
  /// The first of these that all groups of an outer group share: normal(0, 1) a priori, which is not in their
  /// log joint densities. Outer groups stand together in one block.
  virtual Index num_outer_latents() const { return 0; }
  /// Whether log p(y_g, z_g | theta) is quadratic in z_g, so that its integral is exact with one node.
  virtual bool is_quadratic() const { return false; }

  // As Model.
  virtual Index blocks() const = 0;
  virtual Index rows(Index block) const = 0;
  virtual Index first_block() const { return -1; }
  virtual void log_prior(ConstMat theta, Vec value, Mat grad) const = 0;
  virtual std::vector<Parameter> log_prior_terms() const { return {}; }
  virtual void compute_log_prior_terms(ConstMat, Mat) const {}
  virtual Vector draw_start(const Address& at, Reach reach) const {
    return parameters().draw_over_domain(at, radius(reach));
  }
  virtual const std::vector<Parameter>& quantities() const { return parameters().list(); }
  virtual void compute_quantities(ConstMat theta, Mat values) const {
    for (Index s = 0; s < theta.cols(); ++s) parameters().constrain(theta.col(s), values.col(s));
  }

  virtual Index groups(Index block) const = 0;
  /// The first group of each outer group of a block, then groups(block); nothing where there are none.
  virtual std::vector<Index> outer_groups(Index) const { return {}; }
  /// Thread-safe, as what it returns need not be. theta (d) outlives it.
  virtual std::unique_ptr<LocalDensity> at(Index block, ConstVec theta) const = 0;

  // The latent variables as users see them: effects b_g = F z_g.
  /// Unless a model says more, its groups have numbers, and effects are the latent variables.
  virtual Grouping grouping() const;
  /// F at theta, effects x k.
  virtual Matrix effects_of_latents(ConstVec theta) const;
  /// What names the groups of a block: groups x keys.
  virtual GroupCodes group_codes(Index block) const;
  /// Rows of each group of a block; 0 where a model does not know.
  virtual std::vector<Index> group_rows(Index block) const;

  // Effects of further groupings, which are functions of theta.
  virtual std::vector<Grouping> parameter_groupings() const { return {}; }
  /// Those of one at theta, effects x groups.
  virtual Matrix parameter_effects(std::size_t, ConstVec) const { return {}; }
  /// Adds the rows of a block to the number of each group's.
  virtual void count_parameter_rows(std::size_t, Index, std::vector<std::int64_t>&) const {}
};

}  // namespace vfe
