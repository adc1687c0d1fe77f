#include "vfe/model/glm.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "model/glm_impl.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/special.hpp"

namespace vfe {
namespace {

using glm_kernel::DrawConstants;
using glm_kernel::Task;

const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

glm_kernel::Workspace& workspace() {
  thread_local glm_kernel::Workspace memory;
  return memory;
}

// What is wrong with a response, or nullptr.
const char* expected_response(Likelihood likelihood, double y, Index classes) {
  const bool count = y >= 0.0 && y == std::floor(y);
  switch (likelihood) {
    case Likelihood::logistic:
      return y == 0.0 || y == 1.0 ? nullptr : "0 or 1";
    case Likelihood::poisson:
    case Likelihood::negative_binomial:
      return count && y <= 9007199254740992.0 ? nullptr : "a count 0, 1, 2, ...";
    case Likelihood::softmax:
      return count && y <= static_cast<double>(classes) ? nullptr : "the number of a class";
    default:
      return std::isfinite(y) ? nullptr : "a finite number";
  }
}

class RowChecks {
 public:
  RowChecks(const Schema& schema, const Rows& rows) : schema_(schema), rows_(rows) {}

  [[noreturn]] void fail(Index row, const std::string& found) const {
    throw RowError(rows_.first_row + row, found);
  }

  void values(Likelihood likelihood, Index classes) const {
    if (!takes_levels(likelihood) && !schema_.response_levels.empty() && rows_.size() > 0) {
      fail(0, fmt::format("response \"{}\" is {}, expected {} for a {} model", schema_.response,
                          name_of_level(rows_.y[0]),
                          is_real(likelihood) ? "a number" : "a count 0, 1, 2, ...", to_string(likelihood)));
    }
    for (Index i = 0; i < rows_.size(); ++i) {
      if (const char* expected = expected_response(likelihood, rows_.y[i], classes)) {
        fail(i, fmt::format("response \"{}\" is {}, expected {} for a {} model", schema_.response, rows_.y[i],
                            expected, to_string(likelihood)));
      }
      if (rows_.weight.size() > 0 && !(rows_.weight[i] >= 0.0 && std::isfinite(rows_.weight[i]))) {
        fail(i, fmt::format("weight is {}, expected a number that is not negative", rows_.weight[i]));
      }
      if (rows_.offset.size() > 0 && !std::isfinite(rows_.offset[i])) {
        fail(i, fmt::format("offset is {}, expected a finite number", rows_.offset[i]));
      }
    }
    std::visit([this](const auto& x) { predictors(x); }, rows_.x);
  }

 private:
  /// "\"$100.22\", one of 200 levels": what the code of a text stands for.
  std::string name_of_level(double code) const {
    const std::vector<std::string>& levels = schema_.response_levels;
    const bool known = code >= 0.0 && code < static_cast<double>(levels.size());
    return fmt::format(
        "{}, one of {} levels",
        known ? fmt::format("\"{}\"", levels[static_cast<std::size_t>(code)]) : fmt::format("{}", code),
        levels.size());
  }

  template <class X>
  void predictors(const X& x) const {
    for (Index i = 0; i < x.rows(); ++i) {
      if (x.row(i).allFinite()) continue;
      Index j = 0;
      while (std::isfinite(x(i, j))) ++j;
      fail(i, fmt::format("column \"{}\" is {}, expected a finite number",
                          schema_.columns[static_cast<std::size_t>(j)].name, x(i, j)));
    }
  }

  const Schema& schema_;
  const Rows& rows_;
};

// Adds the log density of normal(0, scale) at x, and its slope.
void add_normal(double x, double scale, double& value, double* slope) {
  const double z = x / scale;
  value -= 0.5 * z * z + std::log(scale) + half_log_two_pi;
  if (slope != nullptr) *slope -= z / scale;
}

// Adds the log density of log x, where x has the prior of a scale (Jacobian included), and its slope.
void add_log_scale(ScalePrior prior, double prior_scale, double log_x, double& value, double* slope) {
  const double ratio = std::exp(log_x) / prior_scale;
  if (prior == ScalePrior::half_normal) {
    value += std::numbers::ln2 - half_log_two_pi - std::log(prior_scale) - 0.5 * ratio * ratio + log_x;
    if (slope != nullptr) *slope += 1.0 - ratio * ratio;
  } else {
    value += log_x - std::log(prior_scale) - ratio;
    if (slope != nullptr) *slope += 1.0 - ratio;
  }
}

// The same for degrees of freedom, gamma(2, 0.1) (Juarez and Steel 2010).
void add_log_degrees_of_freedom(double log_nu, double& value, double* slope) {
  const double nu = std::exp(log_nu);
  value += 2.0 * std::log(0.1) + 2.0 * log_nu - 0.1 * nu;
  if (slope != nullptr) *slope += 2.0 - 0.1 * nu;
}

DrawConstants draw_constants(const GlmOptions& options, const GlmLayout& layout, ConstVec theta) {
  const auto scale = [&](Index at, double otherwise) { return at < 0 ? otherwise : std::exp(theta[at]); };
  switch (options.likelihood) {
    case Likelihood::linear:
      return glm_kernel::linear_constants(
          scale(layout.sigma, options.known_sigma.value_or(1.0) / layout.response_scale));
    case Likelihood::student_t:
      return glm_kernel::student_t_constants(scale(layout.sigma, 1.0),
                                             scale(layout.nu, options.degrees_of_freedom.value_or(1.0)));
    case Likelihood::negative_binomial:
      return glm_kernel::negative_binomial_constants(theta[layout.overdispersion]);
    default:
      return {};
  }
}

}  // namespace

Glm::Impl::Impl(const GlmOptions& options_, std::shared_ptr<const RowSource> rows)
    : options(options_),
      schema(rows->schema()),
      blocks(rows->blocks()),
      first_block(rows->first_block()),
      layout(glm_layout(options, schema)),
      prior_scales(coefficient_scales(options, schema)),
      data_terms(Vector::Zero(blocks.num_blocks())) {
  const bool keep = rows->reading() == RowSource::Reading::once;
  for (Index b = 0; b < blocks.num_blocks(); ++b) {
    Rows block = rows->read({b, b + 1});
    RowChecks(schema, block).values(options.likelihood, layout.classes);
    block = prepared(std::move(block));
    for (Index i = 0; i < block.size(); ++i) {
      const double weight = block.weight.size() > 0 ? block.weight[i] : 1.0;
      data_terms[b] += weight * data_term(block.y[i]);
    }
    if (keep) kept.push_back(std::make_shared<const Rows>(std::move(block)));
  }
  if (!keep) source = std::move(rows);
}

Rows Glm::Impl::prepared(Rows rows) const {
  if (is_real(options.likelihood)) {
    rows.y = (rows.y.array() - layout.response_centre) / layout.response_scale;
    rows.offset /= layout.response_scale;
  }
  std::visit([&](auto& x) { glm_kernel::pack_panels(x.data(), rows.size(), layout.columns); }, rows.x);
  return rows;
}

std::shared_ptr<const Rows> Glm::Impl::rows_of(Index block) const {
  if (!source) return kept[static_cast<std::size_t>(block)];
  return std::make_shared<const Rows>(prepared(source->read({block, block + 1})));
}

double Glm::Impl::data_term(double y) const {
  switch (options.likelihood) {
    case Likelihood::linear:
    case Likelihood::student_t:
      return -std::log(layout.response_scale);
    case Likelihood::poisson:
    case Likelihood::negative_binomial:
      return y < 2.0 ? 0.0 : -special::log_gamma(y + 1.0);
    default:
      return 0.0;
  }
}

Task Glm::Impl::task(const Rows& rows, ConstMat theta, std::vector<DrawConstants>& constants) const {
  constants.clear();
  for (Index s = 0; s < theta.cols(); ++s) constants.push_back(draw_constants(options, layout, theta.col(s)));
  Task task;
  task.likelihood = options.likelihood;
  task.rows = rows.size();
  task.columns = layout.columns;
  if (const auto* single = std::get_if<Rows::RowMajor<float>>(&rows.x)) {
    task.x_single = single->data();
  } else {
    task.x_double = std::get<Rows::RowMajor<double>>(rows.x).data();
  }
  task.y = rows.y.data();
  task.offset = rows.offset.size() > 0 ? rows.offset.data() : nullptr;
  task.weight = rows.weight.size() > 0 ? rows.weight.data() : nullptr;
  task.draws = theta.cols();
  task.classes = layout.classes;
  task.theta = theta.data();
  task.theta_stride = theta.outerStride();
  task.intercept_begin = layout.intercept;
  task.coefficient_begin = layout.beta;
  task.constants = constants.data();
  return task;
}

Glm::Glm(const GlmOptions& options, std::shared_ptr<const RowSource> rows)
    : impl_(std::make_unique<const Impl>(options, std::move(rows))) {}

Glm::~Glm() = default;

const Parameters& Glm::parameters() const {
  return impl_->layout.parameters;
}

Index Glm::blocks() const {
  return impl_->blocks.num_blocks();
}

Index Glm::rows(Index block) const {
  return impl_->blocks.rows(block);
}

Index Glm::first_block() const {
  return impl_->first_block;
}

template <class ValueOf, class SlopeOf>
void Glm::Impl::add_priors(ConstVec theta, ValueOf value, SlopeOf slope) const {
  for (Index k = 0; k < layout.classes; ++k) {
    if (layout.intercept >= 0) {
      const Index i = layout.intercept + k;
      add_normal(theta[i], options.intercept_prior_scale, value(i), slope(i));
    }
    for (Index j = 0; j < layout.columns; ++j) {
      const Index i = layout.beta + k * layout.columns + j;
      add_normal(theta[i], prior_scales[j], value(i), slope(i));
    }
  }
  for (const Index i : {layout.sigma, layout.overdispersion}) {
    if (i < 0) continue;
    add_log_scale(options.scale_prior, options.scale_prior_scale, theta[i], value(i), slope(i));
  }
  if (layout.nu >= 0) add_log_degrees_of_freedom(theta[layout.nu], value(layout.nu), slope(layout.nu));
}

void Glm::log_prior(ConstMat theta, Vec value, Mat grad) const {
  for (Index s = 0; s < theta.cols(); ++s) {
    impl_->add_priors(
        theta.col(s), [&](Index) -> double& { return value[s]; },
        [&](Index i) { return grad.cols() > 0 ? &grad(i, s) : nullptr; });
  }
}

std::vector<Parameter> Glm::log_prior_terms() const {
  return parameters().list();
}

void Glm::compute_log_prior_terms(ConstMat theta, Mat values) const {
  values.setZero();
  for (Index s = 0; s < theta.cols(); ++s) {
    impl_->add_priors(
        theta.col(s), [&](Index i) -> double& { return values(i, s); },
        [](Index) -> double* { return nullptr; });
    // Scales are exponentials of their coordinates, which are then the logs of the Jacobian.
    for (const Index i : {impl_->layout.sigma, impl_->layout.overdispersion, impl_->layout.nu}) {
      if (i >= 0) values(i, s) -= theta(i, s);
    }
  }
}

Vector Glm::draw_start(const Address& at, Reach reach) const {
  const GlmLayout& layout = impl_->layout;
  const GlmOptions& options = impl_->options;
  if (reach == Reach::near) return Model::draw_start(at, reach);
  const Index d = layout.parameters.size();
  Vector theta(d);
  const auto draw = [&](Index i) { return normal(at, static_cast<std::uint32_t>(i)); };
  // Exponential of mean 1: as many of them as wanted for a coordinate.
  const auto exponential = [&](Index i, Index which) {
    return -std::log(uniform(at, static_cast<std::uint32_t>(i + (1 + which) * (d + d % 2))));
  };
  for (Index k = 0; k < layout.classes; ++k) {
    if (layout.intercept >= 0) {
      theta(layout.intercept + k) = options.intercept_prior_scale * draw(layout.intercept + k);
    }
    for (Index j = 0; j < layout.columns; ++j) {
      const Index i = layout.beta + k * layout.columns + j;
      theta(i) = impl_->prior_scales[j] * draw(i);
    }
  }
  for (const Index i : {layout.sigma, layout.overdispersion}) {
    if (i < 0) continue;
    const double size =
        options.scale_prior == ScalePrior::half_normal ? std::abs(draw(i)) : exponential(i, 0);
    theta(i) = std::log(options.scale_prior_scale * size);
  }
  if (layout.nu >= 0) {
    theta(layout.nu) = std::log(10.0 * (exponential(layout.nu, 0) + exponential(layout.nu, 1)));
  }
  return theta;
}

void Glm::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  thread_local std::vector<DrawConstants> constants;
  thread_local std::vector<double> scale_grad;
  const std::shared_ptr<const Rows> rows = impl_->rows_of(block);
  Task task = impl_->task(*rows, theta, constants);
  task.value = value.data();
  if (grad.cols() > 0) {
    scale_grad.assign(static_cast<std::size_t>(2 * theta.cols()), 0.0);
    task.grad = grad.data();
    task.grad_stride = grad.outerStride();
    task.scale_grad = scale_grad.data();
  }
  glm_kernel::evaluate(task, workspace());
  value.array() += impl_->data_terms[block];
  if (grad.cols() == 0) return;
  const GlmLayout& layout = impl_->layout;
  for (Index s = 0; s < theta.cols(); ++s) {
    const double* by_scale = scale_grad.data() + 2 * s;
    if (layout.sigma >= 0) grad(layout.sigma, s) += by_scale[0];
    if (layout.nu >= 0) grad(layout.nu, s) += by_scale[1];
    if (layout.overdispersion >= 0) grad(layout.overdispersion, s) += by_scale[0];
  }
}

bool Glm::log_likelihood_rows(Index block, ConstVec theta, Vec value) const {
  std::vector<DrawConstants> constants;
  const std::shared_ptr<const Rows> rows = impl_->rows_of(block);
  Task task = impl_->task(*rows, theta, constants);
  task.row_value = value.data();
  glm_kernel::evaluate(task, workspace());
  for (Index i = 0; i < value.size(); ++i) {
    const double weight = rows->weight.size() > 0 ? rows->weight[i] : 1.0;
    value[i] += weight * impl_->data_term(rows->y[i]);
  }
  return true;
}

const std::vector<Parameter>& Glm::quantities() const {
  return impl_->layout.quantities;
}

void Glm::compute_quantities(ConstMat theta, std::uint64_t, std::uint32_t, Mat values) const {
  const Index own = parameters().num_constrained(), derived = values.rows() - own;
  for (Index s = 0; s < theta.cols(); ++s) {
    parameters().constrain(theta.col(s), values.col(s).head(own));
    if (derived > 0) impl_->derive(values.col(s).head(own), values.col(s).tail(derived));
  }
}

void Glm::Impl::derive(ConstVec constrained, Vec values) const {
  const Index p = layout.columns, first = layout.original_intercept ? layout.classes : 0;  // of coefficients
  for (Index k = 0; k < layout.classes; ++k) {
    double intercept = layout.intercept < 0 ? 0.0 : constrained[layout.intercept + k];
    for (Index j = 0; j < p; ++j) {
      const Column& column = schema.columns[static_cast<std::size_t>(j)];
      const double slope = constrained[layout.beta + k * p + j] / column.scale;
      intercept -= slope * column.centre;
      values[first + k * p + j] = layout.response_scale * slope;
    }
    if (layout.original_intercept) values[k] = layout.response_centre + layout.response_scale * intercept;
  }
  if (layout.sigma >= 0) {
    values[first + layout.classes * p] = layout.response_scale * constrained[layout.sigma];
  }
}

std::string instruction_set() {
  return glm_kernel::instruction_set();
}

}  // namespace vfe
