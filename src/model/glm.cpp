#include "vfe/model/glm.hpp"

#include <cmath>
#include <utility>

#include "model/glm_checks.hpp"
#include "model/glm_impl.hpp"

namespace vfe {
namespace {

using glm_kernel::DrawConstants;
using glm_kernel::Task;

glm_kernel::Workspace& workspace() {
  thread_local glm_kernel::Workspace memory;
  return memory;
}

}  // namespace

Glm::Impl::Impl(const GlmOptions& options_, std::shared_ptr<const RowSource> rows)
    : options(options_),
      schema(rows->schema()),
      blocks(rows->blocks()),
      first_block(rows->first_block()),
      layout(glm_layout(options, schema)),
      terms(glm_kernel::kernel_terms(schema)),
      priors(coefficient_priors(options, schema)),
      data_terms(Vector::Zero(blocks.num_blocks())) {
  const bool keep = rows->reading() == RowSource::Reading::once;
  for (Index b = 0; b < blocks.num_blocks(); ++b) {
    Rows raw = rows->read({b, b + 1});
    check_rows(options.likelihood, layout.num_classes(), schema, raw);
    PreparedRows block = prepared(std::move(raw));
    Vector of_classes = Vector::Zero(layout.cutpoints < 0 ? 0 : layout.num_classes());
    for (Index i = 0; i < block.size(); ++i) {
      const double weight = block.weight.size() > 0 ? block.weight[i] : 1.0;
      data_terms[b] += weight * data_term(options.likelihood, layout, block, i);
      if (of_classes.size() > 0) of_classes[static_cast<Index>(block.y[i])] += weight;
    }
    class_weights.push_back(std::move(of_classes));
    if (keep) kept.push_back(std::make_shared<const PreparedRows>(std::move(block)));
  }
  if (!keep) source = std::move(rows);
}

PreparedRows Glm::Impl::prepared(Rows raw) const {
  PreparedRows rows = prepare_response(options.likelihood, layout, std::move(raw));
  glm_kernel::order_columns(terms, rows);
  std::visit([&](auto& x) { glm_kernel::pack_panels(x.data(), rows.size(), x.cols()); }, rows.x);
  return rows;
}

std::shared_ptr<const PreparedRows> Glm::Impl::rows_of(Index block) const {
  if (!source) return kept[static_cast<std::size_t>(block)];
  return std::make_shared<const PreparedRows>(prepared(source->read({block, block + 1})));
}

Task Glm::Impl::task(const PreparedRows& rows, ConstMat theta, std::vector<DrawConstants>& constants) const {
  constants.clear();
  for (Index s = 0; s < theta.cols(); ++s) constants.push_back(draw_constants(options, layout, theta.col(s)));
  Task task;
  task.likelihood = options.likelihood;
  task.rows = rows.size();
  task.terms = &terms;
  task.cells = rows.cells.data();
  if (const auto* single = std::get_if<Rows::RowMajor<float>>(&rows.x)) {
    task.x_single = single->data();
  } else {
    task.x_double = std::get<Rows::RowMajor<double>>(rows.x).data();
  }
  task.y = rows.y.data();
  task.beside = rows.beside.size() > 0 ? rows.beside.data() : nullptr;
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

void Glm::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  if (!impl_->layout.horseshoe()) return impl_->add_log_likelihood(block, theta, value, grad);
  const Matrix at = impl_->with_coefficients(theta);
  Matrix of_it = Matrix::Zero(at.rows(), grad.cols());
  impl_->add_log_likelihood(block, at, value, of_it);
  if (grad.cols() > 0) impl_->pull_back_coefficients(theta, at, of_it, grad);
}

void Glm::Impl::add_log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  thread_local std::vector<DrawConstants> constants;
  thread_local std::vector<double> scale_grad, class_grad;
  const std::shared_ptr<const PreparedRows> rows = rows_of(block);
  Task task = this->task(*rows, theta, constants);
  task.value = value.data();
  if (grad.cols() > 0) {
    scale_grad.assign(static_cast<std::size_t>(2 * theta.cols()), 0.0);
    task.grad = grad.data();
    task.grad_stride = grad.outerStride();
    task.scale_grad = scale_grad.data();
    class_grad.assign(static_cast<std::size_t>(2 * layout.num_classes() * theta.cols()), 0.0);
    task.class_grad = class_grad.data();
  }
  glm_kernel::evaluate(task, workspace());
  value.array() += data_terms[block];
  if (grad.cols() == 0) return;
  for (Index s = 0; s < theta.cols(); ++s) {
    for (std::size_t k = 0; k < 2; ++k) {
      if (layout.scales[k] >= 0) grad(layout.scales[k], s) += scale_grad[static_cast<std::size_t>(2 * s) + k];
    }
    if (layout.cutpoints < 0) continue;
    const Eigen::Map<const Matrix> by_class(class_grad.data() + 2 * s * layout.num_classes(),
                                            layout.num_classes(), 2);
    pull_back_cutpoints(theta.col(s), by_class, class_weights[static_cast<std::size_t>(block)], grad.col(s));
  }
}

void Glm::Impl::pull_back_cutpoints(ConstVec theta, ConstMat by_class, ConstVec weights, Vec grad) const {
  double above = 0.0;
  for (Index k = layout.num_cutpoints - 1; k >= 0; --k) {
    // Cutpoint k is the upper end of class k and the lower one of the next.
    above += by_class(k, 0) - by_class(k + 1, 1);
    const Index i = layout.cutpoints + k;
    if (k == 0) {
      grad[i] += above;
    } else {
      const double width = std::exp(theta[i]);
      // d log(1 - exp(-width)) / d log width
      const double of_width = width < 1e-300 ? 1.0 : width > 700.0 ? 0.0 : width / std::expm1(width);
      grad[i] += above * width + weights[k] * of_width;
    }
  }
}

bool Glm::log_likelihood_rows(Index block, ConstVec theta, Vec value) const {
  std::vector<DrawConstants> constants;
  const std::shared_ptr<const PreparedRows> rows = impl_->rows_of(block);
  const Matrix at = impl_->with_coefficients(theta);
  Task task = impl_->task(*rows, at, constants);
  task.row_value = value.data();
  glm_kernel::evaluate(task, workspace());
  for (Index i = 0; i < value.size(); ++i) {
    const double weight = rows->weight.size() > 0 ? rows->weight[i] : 1.0;
    value[i] += weight * data_term(impl_->options.likelihood, impl_->layout, *rows, i);
  }
  return true;
}

const std::vector<Parameter>& Glm::quantities() const {
  return impl_->layout.quantities;
}

void Glm::compute_quantities(ConstMat theta, std::uint64_t, std::uint32_t, Mat values) const {
  const Index own = parameters().num_constrained(), derived = values.rows() - own;
  const GlmLayout& layout = impl_->layout;
  const Matrix at = impl_->with_coefficients(theta);
  const Index coefficients = layout.classes * layout.columns;
  for (Index s = 0; s < theta.cols(); ++s) {
    parameters().constrain(theta.col(s), values.col(s).head(own));
    values.col(s).segment(layout.beta, coefficients) = at.col(s).segment(layout.beta, coefficients);
    if (derived > 0) impl_->derive(values.col(s).head(own), values.col(s).tail(derived));
  }
}

void Glm::Impl::derive(ConstVec constrained, Vec values) const {
  const Index p = layout.columns, first = layout.original_intercept ? layout.classes : 0;  // of coefficients
  Vector slopes(p);
  double shift = 0.0;  // of the linear predictor, where it has no intercept
  for (Index k = 0; k < layout.classes; ++k) {
    for (Index j = 0; j < p; ++j) {
      slopes[j] = constrained[layout.beta + k * p + j] / schema.columns[static_cast<std::size_t>(j)].scale;
    }
    double intercept = layout.intercept < 0 ? 0.0 : constrained[layout.intercept + k];
    Vec coefficients = values.segment(first + k * p, p);
    coefficients = slopes;
    for (Index j = 0; j < p; ++j) {
      const Column& column = schema.columns[static_cast<std::size_t>(j)];
      if (column.centre == 0.0) continue;
      const Index absorber = column.absorber >= 0 ? column.absorber : layout.constant_term;
      if (absorber >= 0) {
        absorbing(schema.terms[static_cast<std::size_t>(absorber)], j, coefficients).array() -=
            slopes[j] * column.centre;
      } else {
        intercept -= slopes[j] * column.centre;
      }
    }
    coefficients *= layout.response_scale;
    if (layout.constant_term >= 0) {
      const DesignTerm& term = schema.terms[static_cast<std::size_t>(layout.constant_term)];
      coefficients.segment(term.first_coefficient, term.num_coefficients()).array() += layout.response_centre;
    }
    if (layout.original_intercept) values[k] = layout.response_centre + layout.response_scale * intercept;
    shift = intercept;
  }
  const Index next = first + layout.classes * p;
  if (layout.cutpoints >= 0) {
    values.segment(next, layout.num_cutpoints) =
        constrained.segment(layout.cutpoints, layout.num_cutpoints).array() - shift;
  } else if (is_real(options.likelihood) && layout.sigma >= 0) {
    values[next] = layout.response_scale * constrained[layout.sigma];
  }
}

Vec Glm::Impl::absorbing(const DesignTerm& absorber, Index coefficient, Vec coefficients) const {
  for (const DesignTerm& term : schema.terms) {
    const Index place = coefficient - term.first_coefficient;
    if (term.index < 0 || place < 0 || place >= term.num_coefficients()) continue;
    return coefficients.segment(absorber.first_coefficient + place / term.width, 1);
  }
  return coefficients.segment(absorber.first_coefficient, absorber.num_coefficients());
}

std::string instruction_set() {
  return glm_kernel::instruction_set();
}

}  // namespace vfe
