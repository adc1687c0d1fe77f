#pragma once
#include <memory>
#include <string>
#include <vector>

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

/// A LocalModel with the latent variables of its groups integrated out: a Model of theta alone. Each integral
/// is Gauss and Hermite's rule around the mode of z_g, with the nodes spread by the Cholesky factor of
/// `scale` there (Liu and Pierce 1994); with one node Laplace's approximation. The gradient is the derivative
/// of the rule itself, nodes moving with theta, so that value and gradient agree whatever the number of
/// nodes. Modes are found by Newton's method from 0 in each call: bits depend on nothing else. Where it does
/// not converge the value is NaN.
class Integrated final : public Model {
 public:
  /// `nodes` of each coordinate.
  Integrated(std::shared_ptr<const LocalModel> local, Index nodes);

  const LocalModel& local() const { return *local_; }
  Index nodes() const { return nodes_; }
  /// Between calls of the others.
  void set_nodes(Index nodes);

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
  bool integrate(Index block, ConstVec theta, Vec value, Vec grad) const;

  std::shared_ptr<const LocalModel> local_;
  Index nodes_;
  GaussHermite rule_, outer_rule_;
};

/// The modes of a block's groups; `density` is then expanded there.
LocalModes find_local_modes(LocalDensity& density, Index latents, Index groups);

}  // namespace vfe
