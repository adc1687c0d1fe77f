#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/core/row_source.hpp"
#include "vfe/model/glm_likelihood.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

Prediction::Kind prediction_kind(Likelihood likelihood);

/// Of a coefficient's prior; cauchy is student_t with one degree of freedom. horseshoe, regularised (Piironen
/// and Vehtari 2017): coefficient = z t / sqrt(1 + (t / s)^2), z ~ normal(0, 1), t = global_scale
/// local_scale, s = slab_scale prior_scale, local_scale ~ half-cauchy(0, 1) of each coefficient, global_scale
/// ~ half-cauchy(0, prior_global_scale), slab_scale^2 ~ inverse gamma(2, 2).
enum class PriorShape { normal, student_t, laplace, cauchy, horseshoe };

enum class ScalePrior { half_normal, exponential };

/// In whose units the scales of priors are.
enum class PriorsOn {
  standardised,  ///< columns and a real response are centred and scaled, so that units do not matter
  user,          ///< all is as it is in the table
};

/// The `[model]` table of a generalised linear model. Prior scales are in units of the rows as the model gets
/// them, and for a real response of (y - response_centre) / response_scale.
struct GlmOptions {
  Likelihood likelihood = Likelihood::logistic;
  bool intercept = true;
  PriorsOn priors_on = PriorsOn::standardised;  ///< as rows of a table are coded for the model
  // Of every coefficient; or, by name, of a coefficient ("colour[red]") or all of a term ("colour",
  // Column::source).
  PriorShape prior = PriorShape::normal;
  std::map<std::string, PriorShape> prior_by_name;
  double prior_scale = 2.5;  ///< normal: sd
  std::map<std::string, double> prior_scale_by_name;
  double prior_degrees_of_freedom = 4.0;  ///< student_t
  std::map<std::string, double> prior_degrees_of_freedom_by_name;
  double prior_global_scale = 0.1;      ///< horseshoe
  double intercept_prior_scale = 10.0;  ///< normal sd; of every cutpoint, before they are put in order
  ScalePrior scale_prior = ScalePrior::half_normal;  ///< of sigma and overdispersion
  double scale_prior_scale = 1.0;  ///< sd of the half-normal's normal; mean of the exponential
  // Of the sds of effects of groups; by name: of a grouping ("school") or of one of its effects
  // ("school[x]").
  ScalePrior group_prior = ScalePrior::half_normal;
  std::map<std::string, ScalePrior> group_prior_by_name;
  double group_prior_scale = 1.0;  ///< as scale_prior_scale
  std::map<std::string, double> group_prior_scale_by_name;
  /// Shape of the LKJ density of their correlations (Lewandowski et al. 2009); 1: uniform. By grouping.
  double correlation_prior = 2.0;
  std::map<std::string, double> correlation_prior_by_name;
  std::optional<double> known_sigma;         ///< linear: sigma in the response's own unit
  std::optional<double> degrees_of_freedom;  ///< student_t: fixed nu
};

/// A generalised linear model over a shard. Parameters, in this order: intercept, beta [coefficient]
/// (softmax: intercept [class], beta [class, coefficient]), cutpoints (ordinal: one less than classes,
/// rising), then those that the likelihood has besides, as traits() lists them. Priors of these: of sigma and
/// overdispersion `scale_prior`; of nu and shape gamma(2, 0.1), of precision gamma(2, 0.02); of
/// zero_probability uniform. A real response is worked with as (y - response_centre) / response_scale, its
/// offset as offset / response_scale; densities are of the raw y. A row of weight w counts as w rows: its log
/// density is multiplied, and of weight 0 ignored. There are as many classes as the schema names in
/// response_levels, or says in response_classes; axis "class" leaves out the first.
class Glm final : public Model {
 public:
  /// Throws RowError where a response is outside the support or a text that the model does not take, a weight
  /// negative, a value not finite
  /// (column named) or a cell not among its term's; Fault::data where the number of classes is not known,
  /// or rows have no trials that need them, or trials or a censoring that the model does not take;
  /// Fault::config where a prior scale is not positive or names nothing. Reads every block once, one at a
  /// time, and keeps it rearranged; or keeps the source and reads a block again whenever it is evaluated, if
  /// the source says so.
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
  /// and response: intercept_original (unless it is 0 whatever the parameters, or a term without reference
  /// level takes its part), beta_original, cutpoints_original,
  /// sigma_original.
  const std::vector<Parameter>& quantities() const override;
  void compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                          Mat values) const override;

  /// Addresses of the simulated responses: those of `first`, with the step the row of the block, and the
  /// block its number in the dataset.
  std::optional<Prediction> predict(Index block, ConstMat theta, const Address& first,
                                    bool observed) const override;
  /// The same with offsets of draws (rows x S; no columns: none) beside those of the rows, and in their
  /// units.
  Prediction predict(Index block, ConstMat theta, ConstMat offset, const Address& first, bool observed) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Sets y of rows (n numbers and cells, with offset if any, and trials: one where there are none) simulated
/// from the likelihood at constrained parameter values `truth`; `at` holds seed, purpose and block, the row
/// in the block is the draw. A count whose mean is above 1e15 is its mean.
void simulate_response(const GlmOptions& options, const DesignSchema& schema, Rows& rows, ConstVec truth,
                       Address at);

/// The parameters of the model that these options and columns define, in their order.
Parameters glm_parameters(const GlmOptions& options, const DesignSchema& schema);

/// The instruction set (as Highway names it: "AVX3", "AVX2", ...) that the vector code uses on this machine.
/// AVX2 and AVX-512 give the same bits in the models; plain code ("SCALAR"), without fused multiply-add,
/// others.
std::string instruction_set();

}  // namespace vfe
