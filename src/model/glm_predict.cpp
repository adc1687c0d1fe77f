#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>

#include "model/glm_impl.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/special.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

double inv_logit(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// Sets the probability of each class.
void class_probabilities(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, Vec probability) {
  if (likelihood == Likelihood::ordinal) {
    // From the nearer end, so that small ones keep their digits.
    const Index n = scales.cutpoints.size();
    const auto between = [&](double low, double high) {
      return low > 0.0 ? inv_logit(-low) - inv_logit(-high) : inv_logit(high) - inv_logit(low);
    };
    for (Index k = 0; k <= n; ++k) {
      const double low = k == 0 ? -infinity : scales.cutpoints[k - 1] - eta[0];
      const double high = k == n ? infinity : scales.cutpoints[k] - eta[0];
      probability[k] = between(low, high);
    }
    return;
  }
  const double largest = std::max(0.0, eta.maxCoeff());
  probability[0] = std::exp(-largest);
  probability.tail(eta.size()) = (eta.array() - largest).exp();
  probability /= probability.sum();
}

double uniform_below_one(Stream& stream) {
  return std::uniform_real_distribution<double>()(stream);
}

double draw_count(double mean, Stream& stream) {
  if (!(mean <= 1e15)) return mean;
  if (mean <= 0.0) return 0.0;
  return static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(stream));
}

double draw_gamma(double shape, double mean, Stream& stream) {
  return mean / shape * std::gamma_distribution<double>(shape, 1.0)(stream);
}

// A Poisson count whose mean is gamma distributed around `mean`, or is it where nothing is dispersed.
double draw_dispersed_count(double mean, double overdispersion, Stream& stream) {
  if (overdispersion == 0.0) return draw_count(mean, stream);
  const double gamma = std::gamma_distribution<double>(1.0 / overdispersion, overdispersion)(stream);
  return draw_count(gamma * mean, stream);
}

// log of the probability that such a count is 0.
double log_of_zero(double mean, double overdispersion) {
  return overdispersion == 0.0 ? -mean : -std::log1p(overdispersion * mean) / overdispersion;
}

// Such a count that is above 0: again until one is, or, where few are, from 1 on until the probability that
// is left is met.
double draw_count_above_zero(double mean, double overdispersion, Stream& stream) {
  const double log_zero = log_of_zero(mean, overdispersion), some = -std::expm1(log_zero);
  if (some > 0.01) {
    for (;;) {
      const double count = draw_dispersed_count(mean, overdispersion, stream);
      if (!(count <= 0.0)) return count;
    }
  }
  const double ratio = mean / (1.0 + overdispersion * mean);
  double count = 1.0, probability = std::exp(log_zero) * ratio;
  double left = uniform_below_one(stream) * some - probability;
  while (left > 0.0 && probability > 0.0) {
    probability *= (1.0 + overdispersion * count) * ratio / (count + 1.0);
    left -= probability;
    ++count;
  }
  return count;
}

ResponseScales response_scales(const GlmOptions& options, const GlmLayout& layout, ConstVec constrained) {
  ResponseScales scales;
  scales.sigma = options.known_sigma.value_or(1.0) / layout.response_scale;
  scales.nu = options.degrees_of_freedom.value_or(0.0);
  const auto set = [&](ScaleKind kind, double value) {
    switch (kind) {
      case ScaleKind::none:
        return;
      case ScaleKind::sigma:
        scales.sigma = value;
        return;
      case ScaleKind::nu:
        scales.nu = value;
        return;
      case ScaleKind::overdispersion:
        scales.overdispersion = value;
        return;
      case ScaleKind::zero_probability:
        scales.zero_probability = value;
        return;
      case ScaleKind::shape:
        scales.shape = value;
        return;
      case ScaleKind::precision:
        scales.precision = value;
        return;
    }
  };
  for (std::size_t k = 0; k < 2; ++k)
    if (layout.scales[k] >= 0) set(traits(options.likelihood).scales[k], constrained[layout.scales[k]]);
  if (layout.cutpoints >= 0) scales.cutpoints = constrained.segment(layout.cutpoints, layout.num_cutpoints);
  return scales;
}

// E[y], or the location of a real response; eta and result in units of the model. Not of classes.
double mean_response(Likelihood likelihood, double eta, const ResponseScales& scales, double trials) {
  switch (likelihood) {
    case Likelihood::linear:
    case Likelihood::student_t:
      return eta;
    case Likelihood::logistic:
    case Likelihood::beta:
      return inv_logit(eta);
    case Likelihood::binomial:
      return trials * inv_logit(eta);
    case Likelihood::zero_inflated_poisson:
    case Likelihood::zero_inflated_negative_binomial:
      return (1.0 - scales.zero_probability) * std::exp(eta);
    case Likelihood::hurdle_poisson:
    case Likelihood::hurdle_negative_binomial: {
      // The mean of counts above 0 goes to 1.
      const double mean = std::exp(eta), some = -std::expm1(log_of_zero(mean, scales.overdispersion));
      return (1.0 - scales.zero_probability) * (some > 0.0 ? mean / some : 1.0);
    }
    case Likelihood::lognormal:
      return std::exp(eta + 0.5 * scales.sigma * scales.sigma);
    case Likelihood::weibull:
      return std::exp(eta + special::log_gamma(1.0 + 1.0 / scales.shape));
    case Likelihood::poisson:
    case Likelihood::negative_binomial:
    case Likelihood::gamma:
    case Likelihood::exponential:
      return std::exp(eta);
    case Likelihood::softmax:
    case Likelihood::ordinal:
      break;
  }
  return std::nan("");
}

// What the kernel would set, each draw with a column of offsets of its own.
void evaluate_by_draw(glm_kernel::Task task, const PreparedRows& rows, const Matrix& offset,
                      glm_kernel::Workspace& workspace) {
  task.draws = 1;
  for (Index s = 0; s < offset.cols(); ++s) {
    Vector of_draw = offset.col(s);
    if (rows.offset.size() > 0) of_draw += rows.offset;
    task.offset = of_draw.data();
    glm_kernel::evaluate(task, workspace);
    task.theta += task.theta_stride;
    ++task.constants;
    task.linear_predictor += task.classes * task.rows;
    if (task.row_value != nullptr) task.row_value += task.rows;
  }
}

// A row of the design times coefficients.
double product(const DesignSchema& schema, ConstVec numbers, const Rows& rows, Index row,
               ConstVec coefficients) {
  if (schema.terms.empty()) return coefficients.dot(numbers);
  double sum = 0.0;
  for (const DesignTerm& term : schema.terms) {
    const Index cell = term.index < 0 ? 0 : rows.cells(row, term.index);
    if (cell < 0) continue;
    const auto of_cell = coefficients.segment(term.first_coefficient + cell * term.width, term.width);
    sum += term.column < 0 ? of_cell.sum() : of_cell.dot(numbers.segment(term.column, term.width));
  }
  return sum;
}

}  // namespace

Prediction::Kind prediction_kind(Likelihood likelihood) {
  if (has_classes(likelihood)) return Prediction::Kind::classes;
  return likelihood == Likelihood::logistic ? Prediction::Kind::binary : Prediction::Kind::number;
}

double draw_response(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, double trials,
                     Stream& stream) {
  switch (likelihood) {
    case Likelihood::linear:
      return eta[0] + scales.sigma * std::normal_distribution<double>()(stream);
    case Likelihood::student_t:
      return eta[0] + scales.sigma * std::student_t_distribution<double>(scales.nu)(stream);
    case Likelihood::logistic:
      return uniform_below_one(stream) < inv_logit(eta[0]) ? 1.0 : 0.0;
    case Likelihood::poisson:
      return draw_count(std::exp(eta[0]), stream);
    case Likelihood::negative_binomial:
      return draw_dispersed_count(std::exp(eta[0]), scales.overdispersion, stream);
    case Likelihood::softmax:
    case Likelihood::ordinal: {
      Vector probability(scales.cutpoints.size() + eta.size() + (likelihood == Likelihood::softmax ? 1 : 0));
      class_probabilities(likelihood, eta, scales, probability);
      double left = uniform_below_one(stream);
      Index k = 0;
      while (k + 1 < probability.size() && left >= probability[k]) left -= probability[k++];
      return static_cast<double>(k);
    }
    case Likelihood::binomial:
      return static_cast<double>(std::binomial_distribution<std::int64_t>(static_cast<std::int64_t>(trials),
                                                                          inv_logit(eta[0]))(stream));
    case Likelihood::zero_inflated_poisson:
    case Likelihood::zero_inflated_negative_binomial:
      if (uniform_below_one(stream) < scales.zero_probability) return 0.0;
      return draw_dispersed_count(std::exp(eta[0]), scales.overdispersion, stream);
    case Likelihood::hurdle_poisson:
    case Likelihood::hurdle_negative_binomial:
      if (uniform_below_one(stream) < scales.zero_probability) return 0.0;
      return draw_count_above_zero(std::exp(eta[0]), scales.overdispersion, stream);
    case Likelihood::gamma:
      return draw_gamma(scales.shape, std::exp(eta[0]), stream);
    case Likelihood::beta: {
      const double mean = inv_logit(eta[0]);
      const double a = std::gamma_distribution<double>(mean * scales.precision, 1.0)(stream);
      const double b = std::gamma_distribution<double>(inv_logit(-eta[0]) * scales.precision, 1.0)(stream);
      // Both are 0 to double precision where the mass is at the ends, and so is one of them near it.
      const double y = a + b > 0.0 ? a / (a + b) : uniform_below_one(stream) < mean ? 1.0 : 0.0;
      return std::clamp(y, std::numeric_limits<double>::min(),
                        1.0 - 0.5 * std::numeric_limits<double>::epsilon());
    }
    case Likelihood::lognormal:
      return std::exp(eta[0] + scales.sigma * std::normal_distribution<double>()(stream));
    case Likelihood::exponential:
    case Likelihood::weibull:
      return std::exp(eta[0] + std::log(-std::log1p(-uniform_below_one(stream))) / scales.shape);
  }
  return std::nan("");
}

std::optional<Prediction> Glm::predict(Index block, ConstMat theta, const Address& first,
                                       bool observed) const {
  return predict(block, theta, Matrix(rows(block), 0), first, observed);
}

Prediction Glm::predict(Index block, ConstMat theta, ConstMat offset, const Address& first,
                        bool observed) const {
  const Impl& impl = *impl_;
  const GlmLayout& layout = impl.layout;
  const Likelihood likelihood = impl.options.likelihood;
  const bool has_probabilities = has_classes(likelihood);
  const Index n = rows(block), draws = theta.cols(), classes = layout.classes;

  const std::shared_ptr<const PreparedRows> rows = impl.rows_of(block);
  std::vector<glm_kernel::DrawConstants> constants;
  const Matrix at_coefficients = impl.with_coefficients(theta);
  glm_kernel::Task task = impl.task(*rows, at_coefficients, constants);
  Matrix eta(n, draws * classes);
  task.linear_predictor = eta.data();
  task.weight = nullptr;
  Prediction out;
  out.kind = prediction_kind(likelihood);
  if (observed) {
    out.log_density.resize(n, draws);
    task.row_value = out.log_density.data();
  }
  glm_kernel::Workspace workspace;
  if (offset.cols() == 0) {
    glm_kernel::evaluate(task, workspace);
  } else {
    evaluate_by_draw(task, *rows, offset / layout.response_scale, workspace);
  }
  for (Index i = 0; observed && i < n; ++i)
    out.log_density.row(i).array() += data_term(impl.options.likelihood, impl.layout, *rows, i);

  out.mean.resize(n, draws);
  out.response.resize(n, draws);
  const Index num_classes = layout.num_classes();
  if (has_probabilities) out.probability.assign(static_cast<std::size_t>(num_classes), Matrix(n, draws));
  const bool has_trials = traits(likelihood).support == Support::count_of_trials;
  Address at = first;
  at.block = static_cast<std::uint32_t>(impl.first_block + block);
  Vector constrained(layout.parameters.num_constrained()), row_eta(classes), probability(num_classes);
  for (Index s = 0; s < draws; ++s) {
    layout.parameters.constrain(theta.col(s), constrained);
    const ResponseScales scales = response_scales(impl.options, layout, constrained);
    at.draw = first.draw + static_cast<std::uint32_t>(s);
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < classes; ++k) row_eta[k] = eta(i, s * classes + k);
      at.step = static_cast<std::uint32_t>(i);
      Stream stream(at);
      const double trials = has_trials ? rows->beside[i] : 0.0;
      const double y = draw_response(likelihood, row_eta, scales, trials, stream);
      out.response(i, s) = layout.response_centre + layout.response_scale * y;
      if (has_probabilities) {
        class_probabilities(likelihood, row_eta, scales, probability);
        for (Index k = 0; k < num_classes; ++k)
          out.probability[static_cast<std::size_t>(k)](i, s) = probability[k];
        out.mean(i, s) = std::isnan(rows->y[i]) ? rows->y[i] : probability[static_cast<Index>(rows->y[i])];
      } else {
        out.mean(i, s) = layout.response_centre +
                         layout.response_scale * mean_response(likelihood, row_eta[0], scales, trials);
      }
    }
  }
  return out;
}

void simulate_response(const GlmOptions& options, const DesignSchema& schema, Rows& rows, ConstVec truth,
                       Address at) {
  const GlmLayout layout = glm_layout(options, schema);
  const ResponseScales scales = response_scales(options, layout, truth);
  const Index n = std::visit([](const auto& x) { return x.rows(); }, rows.x);
  rows.y.resize(n);
  Vector numbers, eta(layout.classes);
  for (Index i = 0; i < n; ++i) {
    std::visit([&](const auto& x) { numbers = x.row(i).template cast<double>(); }, rows.x);
    for (Index k = 0; k < layout.classes; ++k) {
      eta[k] =
          (rows.offset.size() > 0 ? rows.offset[i] / layout.response_scale : 0.0) +
          (layout.intercept >= 0 ? truth[layout.intercept + k] : 0.0) +
          product(schema, numbers, rows, i, truth.segment(layout.beta + k * layout.columns, layout.columns));
    }
    at.draw = static_cast<std::uint32_t>(i);
    Stream stream(at);
    rows.y[i] = layout.response_centre +
                layout.response_scale * draw_response(options.likelihood, eta, scales,
                                                      rows.trials.size() > 0 ? rows.trials[i] : 1.0, stream);
  }
}

}  // namespace vfe
