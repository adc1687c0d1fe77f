#include <cmath>
#include <random>
#include <utility>

#include "model/glm_impl.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

// Sets probability[0 .. classes] of the reference and the other classes.
void class_probabilities(ConstVec eta, Vec probability) {
  const double largest = std::max(0.0, eta.maxCoeff());
  probability[0] = std::exp(-largest);
  probability.tail(eta.size()) = (eta.array() - largest).exp();
  probability /= probability.sum();
}

double draw_count(double mean, Stream& stream) {
  if (!(mean <= 1e15)) return mean;
  if (mean <= 0.0) return 0.0;
  return static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(stream));
}

ResponseScales response_scales(const GlmOptions& options, const GlmLayout& layout, ConstVec constrained) {
  ResponseScales scales;
  scales.sigma = layout.sigma >= 0 ? constrained[layout.sigma]
                                   : options.known_sigma.value_or(1.0) / layout.response_scale;
  scales.nu = layout.nu >= 0 ? constrained[layout.nu] : options.degrees_of_freedom.value_or(0.0);
  scales.overdispersion = layout.overdispersion >= 0 ? constrained[layout.overdispersion] : 0.0;
  return scales;
}

}  // namespace

double draw_response(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, Stream& stream) {
  const auto uniform_below_one = [&] { return std::uniform_real_distribution<double>()(stream); };
  switch (likelihood) {
    case Likelihood::linear:
      return eta[0] + scales.sigma * std::normal_distribution<double>()(stream);
    case Likelihood::student_t:
      return eta[0] + scales.sigma * std::student_t_distribution<double>(scales.nu)(stream);
    case Likelihood::logistic:
      return uniform_below_one() < 1.0 / (1.0 + std::exp(-eta[0])) ? 1.0 : 0.0;
    case Likelihood::poisson:
      return draw_count(std::exp(eta[0]), stream);
    case Likelihood::negative_binomial: {
      // A Poisson count whose mean is gamma distributed: shape 1 / overdispersion, mean exp eta.
      const double shape = 1.0 / scales.overdispersion;
      const double gamma = std::gamma_distribution<double>(shape, scales.overdispersion)(stream);
      return draw_count(gamma * std::exp(eta[0]), stream);
    }
    case Likelihood::softmax: {
      Vector probability(eta.size() + 1);
      class_probabilities(eta, probability);
      double left = uniform_below_one();
      Index k = 0;
      while (k < eta.size() && left >= probability[k]) left -= probability[k++];
      return static_cast<double>(k);
    }
  }
  return std::nan("");
}

std::optional<Prediction> Glm::predict(Index block, ConstMat theta, const Address& first,
                                       bool observed) const {
  const Impl& impl = *impl_;
  const GlmLayout& layout = impl.layout;
  const Likelihood likelihood = impl.options.likelihood;
  const bool softmax = likelihood == Likelihood::softmax;
  const Index n = rows(block), draws = theta.cols(), classes = layout.classes;

  const std::shared_ptr<const Rows> rows = impl.rows_of(block);
  std::vector<glm_kernel::DrawConstants> constants;
  glm_kernel::Task task = impl.task(*rows, theta, constants);
  Matrix eta(n, draws * classes);
  task.linear_predictor = eta.data();
  task.weight = nullptr;
  Prediction out;
  out.kind = softmax                              ? Prediction::Kind::classes
             : likelihood == Likelihood::logistic ? Prediction::Kind::binary
                                                  : Prediction::Kind::number;
  if (observed) {
    out.log_density.resize(n, draws);
    task.row_value = out.log_density.data();
  }
  glm_kernel::Workspace workspace;
  glm_kernel::evaluate(task, workspace);
  for (Index i = 0; observed && i < n; ++i) out.log_density.row(i).array() += impl.data_term(rows->y[i]);

  out.mean.resize(n, draws);
  out.response.resize(n, draws);
  if (softmax) out.probability.assign(static_cast<std::size_t>(classes + 1), Matrix(n, draws));
  Address at = first;
  at.block = static_cast<std::uint32_t>(impl.first_block + block);
  Vector constrained(layout.parameters.num_constrained()), row_eta(classes), probability(classes + 1);
  for (Index s = 0; s < draws; ++s) {
    layout.parameters.constrain(theta.col(s), constrained);
    const ResponseScales scales = response_scales(impl.options, layout, constrained);
    at.draw = first.draw + static_cast<std::uint32_t>(s);
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < classes; ++k) row_eta[k] = eta(i, s * classes + k);
      at.step = static_cast<std::uint32_t>(i);
      Stream stream(at);
      const double y = draw_response(likelihood, row_eta, scales, stream);
      out.response(i, s) = layout.response_centre + layout.response_scale * y;
      if (softmax) {
        class_probabilities(row_eta, probability);
        for (Index k = 0; k <= classes; ++k)
          out.probability[static_cast<std::size_t>(k)](i, s) = probability[k];
        out.mean(i, s) = probability[static_cast<Index>(rows->y[i])];
      } else if (is_real(likelihood)) {
        out.mean(i, s) = layout.response_centre + layout.response_scale * row_eta[0];
      } else if (likelihood == Likelihood::logistic) {
        out.mean(i, s) = 1.0 / (1.0 + std::exp(-row_eta[0]));
      } else {
        out.mean(i, s) = std::exp(row_eta[0]);
      }
    }
  }
  return out;
}

void simulate_response(const GlmOptions& options, const Schema& schema, Rows& rows, ConstVec truth,
                       Address at) {
  const GlmLayout layout = glm_layout(options, schema);
  const ResponseScales scales = response_scales(options, layout, truth);
  const Index n = std::visit([](const auto& x) { return x.rows(); }, rows.x);
  rows.y.resize(n);
  Vector x(layout.columns), eta(layout.classes);
  for (Index i = 0; i < n; ++i) {
    std::visit([&](const auto& all) { x = all.row(i).template cast<double>(); }, rows.x);
    for (Index k = 0; k < layout.classes; ++k) {
      eta[k] = (rows.offset.size() > 0 ? rows.offset[i] / layout.response_scale : 0.0) +
               (layout.intercept >= 0 ? truth[layout.intercept + k] : 0.0) +
               truth.segment(layout.beta + k * layout.columns, layout.columns).dot(x);
    }
    at.draw = static_cast<std::uint32_t>(i);
    Stream stream(at);
    rows.y[i] = layout.response_centre +
                layout.response_scale * draw_response(options.likelihood, eta, scales, stream);
  }
}

}  // namespace vfe
