#pragma once
#include <memory>

#include "vfe/model/model.hpp"

namespace vfe {

/// The name of ConditionalNormal::numbers() among a result's arrays.
inline constexpr const char* conditional_normal_name = "conditional_normal";

/// Where q coefficients beta of a linear predictor lie given the scale sigma of the errors, were these
/// normal. With prior sds S, b = beta / S, and the design A (rows times root weights, columns times S) = V
/// diag(root lambda) U', b given sigma is normal with mean U c / (lambda + sigma^2), c = A' y in the axes U,
/// and covariance I + U (diag(1 / (1 + lambda / sigma^2)) - I) U'. Its symmetric root maps z, standard normal
/// given sigma, to beta: with as many coefficients as rows the density of (beta, sigma) has no mode, and a
/// neck that narrows with sigma; that of (z, sigma) has neither (non-centred parameters: Papaspiliopoulos,
/// Roberts and Skold 2007).
class ConditionalNormal {
 public:
  /// Of prior sds (q), a design A (n x q) and a response, weighted alike (n).
  ConditionalNormal(ConstVec prior_sds, ConstMat design, ConstVec response);
  /// What another one's numbers() say.
  explicit ConditionalNormal(Matrix numbers) : numbers_(std::move(numbers)) {}
  /// S, then each axis of U and below it lambda and c; (q + 2) x (1 + rank).
  const Matrix& numbers() const { return numbers_; }

  Index size() const { return numbers_.rows() - 2; }
  void coefficients(ConstVec z, double log_sigma, Vec beta) const;
  Vector whiten(ConstVec beta, double log_sigma) const;
  /// Adds to the gradient by z and by log sigma, given that by beta of a function of coefficients().
  void pull_back(ConstVec z, double log_sigma, ConstVec grad_beta, Vec grad_z, double& grad_log_sigma) const;
  /// log |d beta / d z| [nats]; adds its slope.
  double log_jacobian(double log_sigma, double* slope) const;

 private:
  auto prior_sds() const { return numbers_.col(0).head(size()); }
  auto axes() const { return numbers_.topRightCorner(size(), numbers_.cols() - 1); }
  auto curvatures() const { return numbers_.row(size()).tail(numbers_.cols() - 1).transpose().array(); }
  auto pulls() const { return numbers_.row(size() + 1).tail(numbers_.cols() - 1).transpose().array(); }
  Vector shrinkage(double log_sigma) const;  ///< sd of b along the axes, given sigma
  Matrix numbers_;
};

/// A generalised linear model whose theta begins with the coefficients (intercept, beta) and log sigma, in
/// the coordinates of a ConditionalNormal: theta is z in the coefficients' place, then the rest as it was.
/// Its parameters are named z_intercept, z_beta, and the others; its quantities are those of the model.
class NonCentred final : public Model {
 public:
  NonCentred(std::unique_ptr<const Model> centred, ConditionalNormal conditional);

  const Parameters& parameters() const override { return parameters_; }
  Spread spread() const override { return centred_->spread(); }
  Index blocks() const override { return centred_->blocks(); }
  Index rows(Index block) const override { return centred_->rows(block); }
  Index first_block() const override { return centred_->first_block(); }
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  bool log_likelihood_rows(Index block, ConstVec theta, Vec value) const override;
  std::vector<Parameter> log_prior_terms() const override { return centred_->log_prior_terms(); }
  void compute_log_prior_terms(ConstMat theta, Mat values) const override;
  std::string explain(Index block, ConstVec theta) const override;
  Vector draw_start(const Address& at, Reach reach) const override;
  const std::vector<Parameter>& quantities() const override { return centred_->quantities(); }
  bool has_scales() const override { return centred_->has_scales(); }
  Index num_judged() const override { return centred_->num_judged(); }
  void compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                          Mat values) const override;
  std::optional<Prediction> predict(Index block, ConstMat theta, const Address& first,
                                    bool observed) const override;

 private:
  Matrix centred(ConstMat theta) const;
  /// Adds the gradient by theta, given that of the model in its own coordinates.
  void pull_back(ConstMat theta, ConstMat of_centred, Mat grad) const;

  std::unique_ptr<const Model> centred_;
  ConditionalNormal conditional_;
  Parameters parameters_;
};

}  // namespace vfe
