#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/core/row_source.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// Likelihoods of a response given the linear predictor eta = offset + intercept + x beta.
/// For |eta| up to 1e4 every density and gradient is finite or at its limit: the Poisson density of an eta
/// above 709, where the mean is no double, is 0 (log density -infinity, gradient 0).
///   linear             y ~ normal(eta, sigma)                       sigma unknown, or known
///   student_t          y ~ student_t(nu, eta, sigma)                nu estimated (gamma(2, 0.1)) or fixed
///   logistic           y in {0, 1}, log odds eta
///   poisson            y ~ poisson(exp eta)
///   negative_binomial  mean exp eta, variance mean + overdispersion mean^2
///   softmax            y in {0 .. K-1}, class 0 is the reference; intercept and beta per other class
enum class Likelihood { linear, student_t, logistic, poisson, negative_binomial, softmax };

Likelihood likelihood_from_string(const std::string& name);  ///< throws Fault::config
std::string to_string(Likelihood likelihood);
bool is_real(Likelihood likelihood);       ///< whether the response is a real number (linear, student_t)
bool takes_levels(Likelihood likelihood);  ///< whether it may be a factor (logistic, softmax)

enum class ScalePrior { half_normal, exponential };

/// The `[model]` table of a generalised linear model. Prior scales are in units of the model: of standardised
/// columns, and for a real response of the standardised response.
struct GlmOptions {
  Likelihood likelihood = Likelihood::logistic;
  bool intercept = true;
  double prior_scale = 2.5;                           ///< normal sd of every coefficient
  std::map<std::string, double> prior_scale_by_name;  ///< or of the named columns
  double intercept_prior_scale = 10.0;
  ScalePrior scale_prior = ScalePrior::half_normal;  ///< of sigma and overdispersion
  double scale_prior_scale = 1.0;            ///< sd of the half-normal's normal; mean of the exponential
  std::optional<double> known_sigma;         ///< linear: sigma in the response's own unit
  std::optional<double> degrees_of_freedom;  ///< student_t: fixed nu
};

/// A generalised linear model over a shard. Parameters, in this order: intercept, beta [column] (softmax:
/// intercept [class], beta [class, column]), then sigma, nu, overdispersion as the likelihood has them.
/// A real response is worked with as (y - response_centre) / response_scale, its offset as offset /
/// response_scale; densities are of the raw y. A row of weight w counts as w rows: its log density is
/// multiplied, and of weight 0 ignored. Softmax has as many classes as the schema names in response_levels,
/// or says in response_classes; axis "class" leaves out the first.
class Glm final : public Model {
 public:
  /// Throws RowError where a response is outside the support or a text that the model does not take, a weight
  /// negative, a value not finite (column
  /// named); Fault::data where the number of classes is not known; Fault::config where a prior scale is not
  /// positive or names no column. A prior scale may name a column ("colour[red]") or the source of several
  /// ("colour"). Reads every block once, one at a time, and keeps it rearranged; or keeps the source and
  /// reads a block again whenever it is evaluated, if the source says so.
  Glm(const GlmOptions& options, std::shared_ptr<const RowSource> rows);
  ~Glm() override;

  const Parameters& parameters() const override;
  Index blocks() const override;
  Index rows(Index block) const override;
  Index first_block() const override;
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  /// Weights applied: the rows sum to log_likelihood.
  bool log_likelihood_rows(Index block, ConstVec theta, Vec value) const override;

  /// Of every entry.
  std::vector<Parameter> log_prior_terms() const override;
  void compute_log_prior_terms(ConstMat theta, Mat values) const override;

  /// Far: from the prior.
  Vector draw_start(const Address& at, Reach reach) const override;

  /// The parameters, then, if anything was standardised, what they come to on the scale of the user's columns
  /// and response: intercept_original (unless it is 0 whatever the parameters), beta_original,
  /// sigma_original.
  const std::vector<Parameter>& quantities() const override;
  void compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                          Mat values) const override;

  /// Addresses of the simulated responses: those of `first`, with the step the row of the block, and the
  /// block its number in the dataset.
  std::optional<Prediction> predict(Index block, ConstMat theta, const Address& first,
                                    bool observed) const override;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Sets y of rows (n x p design matrix, with offset if any) simulated from the likelihood at constrained
/// parameter values `truth`; `at` holds seed, purpose and block, the row in the block is the draw. A count
/// whose mean is above 1e15 is its mean.
void simulate_response(const GlmOptions& options, const Schema& schema, Rows& rows, ConstVec truth,
                       Address at);

/// The parameters of the model that these options and columns define, in their order.
Parameters glm_parameters(const GlmOptions& options, const Schema& schema);

/// The instruction set (as Highway names it: "AVX3", "AVX2", ...) that the vector code uses on this machine.
/// AVX2 and AVX-512 give the same bits in the models; plain code ("SCALAR"), without fused multiply-add,
/// others.
std::string instruction_set();

}  // namespace vfe
