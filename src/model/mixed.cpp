#include "vfe/model/mixed.hpp"

#include <fmt/format.h>

#include <utility>

#include "model/design_products.hpp"
#include "model/glm_checks.hpp"
#include "model/glm_kernel.hpp"
#include "model/glm_response.hpp"
#include "model/mixed_density.hpp"
#include "model/mixed_impl.hpp"
#include "model/with_size.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

void refuse_horseshoe(const GlmLayout& layout) {
  if (!layout.horseshoe()) return;
  throw Error(Fault::config, "model: found a horseshoe prior beside effects of groups, expected another");
}

}  // namespace

Mixed::Impl::Impl(const GlmOptions& options_, std::shared_ptr<const RowSource> rows)
    : options(options_),
      schema(rows->schema()),
      fixed(options, no_rows(without_effects(schema))),
      fixed_layout(glm_layout(options, schema)),
      layout(mixed_layout(options, schema, fixed_layout.parameters.size())),
      products(schema),
      first_block(rows->first_block()) {
  refuse_horseshoe(fixed_layout);
  std::vector<Parameter> list = fixed_layout.parameters.list();
  list.insert(list.end(), layout.parameters.begin(), layout.parameters.end());
  parameters = Parameters(std::move(list));
  quantities = fixed.quantities();
  quantities.insert(quantities.end(), layout.quantities.begin(), layout.quantities.end());
  for (Index b = 0; b < rows->blocks().num_blocks(); ++b) {
    Rows raw = rows->read({b, b + 1});
    check_rows(options.likelihood, fixed_layout.num_classes(), schema, raw);
    blocks.push_back(prepared(std::move(raw)));
  }
}

GroupedRows Mixed::Impl::prepared(Rows raw) const {
  GroupedRows block{prepare_response(options.likelihood, fixed_layout, std::move(raw))};
  const PreparedRows& rows = block.rows;
  const Index n = rows.size(), panel = glm_kernel::panel_rows;
  block.padded = (n + panel - 1) / panel * panel;
  const auto pad = [&](const Vector& from, double otherwise) {
    Vector to = Vector::Zero(block.padded);
    if (from.size() > 0) {
      to.head(n) = from;
    } else {
      to.head(n).setConstant(otherwise);
    }
    return to;
  };
  block.y = pad(rows.y, 0.0);
  block.beside = pad(rows.beside, 0.0);
  block.weight = pad(rows.weight, 1.0);
  block.offset = pad(rows.offset, 0.0);
  const auto differs = [&](const EffectsLayout& grouping, Index i) {
    return i == 0 || std::ranges::any_of(grouping.effects->keys, [&](Index key) {
             return rows.groups(i, key) != rows.groups(i - 1, key);
           });
  };
  for (Index i = 0; i < n; ++i) {
    if (outer() != nullptr && differs(*outer(), i)) block.outer.push_back(std::ssize(block.first));
    if (differs(integrated(), i)) block.first.push_back(i);
  }
  block.first.push_back(n);
  if (outer() != nullptr) block.outer.push_back(block.groups());
  block.data_terms = Vector::Zero(block.groups());
  for (Index g = 0; g < block.groups(); ++g) {
    const auto [begin, end] = block.rows_of(g);
    for (Index i = begin; i < end; ++i)
      block.data_terms[g] += block.weight[i] * data_term(options.likelihood, fixed_layout, rows, i);
  }
  block.numbers.resize(n, num_latents());
  block.numbers.rightCols(integrated().size) =
      rows.effects.middleCols(integrated().effects->first_column, integrated().size);
  if (outer() != nullptr)
    block.numbers.leftCols(num_outer()) =
        rows.effects.middleCols(outer()->effects->first_column, num_outer());
  return block;
}

Matrix Mixed::Impl::factor(ConstVec theta) const {
  Matrix all = Matrix::Zero(num_latents(), num_latents());
  if (outer() != nullptr) all.topLeftCorner(num_outer(), num_outer()) = outer()->factor(theta);
  all.bottomRightCorner(integrated().size, integrated().size) = integrated().factor(theta);
  return all;
}

Vector Mixed::Impl::predictor(const GroupedRows& block, ConstVec theta) const {
  Vector eta = block.offset;
  if (fixed_layout.intercept >= 0) eta.head(block.rows.size()).array() += theta[fixed_layout.intercept];
  products.add_predictor(block.rows, theta.segment(fixed_layout.beta, products.num_coefficients()), eta);
  for (const EffectsLayout& grouping : layout.groupings) {
    if (!grouping.is_parameter()) continue;
    const Matrix effects = grouping.effects_at(theta);
    const GroupEffects& of = *grouping.effects;
    for (Index i = 0; i < block.rows.size(); ++i) {
      const auto level = static_cast<Index>(block.rows.groups(i, of.keys.front()));
      eta[i] += block.rows.effects.row(i).segment(of.first_column, of.size()).dot(effects.col(level));
    }
  }
  return eta;
}

void Mixed::Impl::pull_back(const GroupedRows& block, ConstVec theta, ConstVec residual, Vec grad) const {
  if (fixed_layout.intercept >= 0) grad[fixed_layout.intercept] += residual.head(block.rows.size()).sum();
  products.add_gradient(block.rows, residual, grad.segment(fixed_layout.beta, products.num_coefficients()));
  for (const EffectsLayout& grouping : layout.groupings) {
    if (!grouping.is_parameter()) continue;
    const GroupEffects& of = *grouping.effects;
    Matrix by_effects = Matrix::Zero(grouping.size, grouping.levels);
    for (Index i = 0; i < block.rows.size(); ++i) {
      const auto level = static_cast<Index>(block.rows.groups(i, of.keys.front()));
      by_effects.col(level) +=
          residual[i] * block.rows.effects.row(i).segment(of.first_column, of.size()).transpose();
    }
    grouping.pull_back_effects(theta, by_effects, grad);
  }
}

Mixed::Mixed(const GlmOptions& options, std::shared_ptr<const RowSource> rows)
    : impl_(std::make_unique<const Impl>(options, std::move(rows))) {}

Mixed::~Mixed() = default;

const Parameters& Mixed::parameters() const {
  return impl_->parameters;
}
Index Mixed::num_latents() const {
  return impl_->num_latents();
}
Index Mixed::num_outer_latents() const {
  return impl_->num_outer();
}
bool Mixed::is_quadratic() const {
  return impl_->options.likelihood == Likelihood::linear;
}
Index Mixed::blocks() const {
  return std::ssize(impl_->blocks);
}
Index Mixed::rows(Index block) const {
  return impl_->block(block).rows.size();
}
Index Mixed::first_block() const {
  return impl_->first_block;
}
Index Mixed::groups(Index block) const {
  return impl_->block(block).groups();
}
std::vector<Index> Mixed::outer_groups(Index block) const {
  return impl_->block(block).outer;
}
std::unique_ptr<LocalDensity> Mixed::at(Index block, ConstVec theta) const {
  return with_size(num_latents(), [&](auto size) -> std::unique_ptr<LocalDensity> {
    return std::make_unique<MixedDensity<size>>(*impl_, impl_->block(block), theta);
  });
}

void Mixed::log_prior(ConstMat theta, Vec value, Mat grad) const {
  const Index own = impl_->fixed_layout.parameters.size();
  const bool wants_gradient = grad.cols() > 0;
  impl_->fixed.log_prior(theta.topRows(own), value, grad.topRows(own));
  Vector none;
  for (Index s = 0; s < theta.cols(); ++s) {
    Vec slope = wants_gradient ? Vec(grad.col(s)) : Vec(none);
    for (const EffectsLayout& grouping : impl_->layout.groupings) {
      Vector of_sds = Vector::Zero(grouping.size);
      double of_correlations = 0.0;
      grouping.add_log_prior(theta.col(s), of_sds, of_correlations, true, slope);
      value[s] += of_sds.sum() + of_correlations;
      if (grouping.is_parameter()) grouping.add_log_prior_of_latents(theta.col(s), value[s], slope);
    }
  }
}

std::vector<Parameter> Mixed::log_prior_terms() const {
  std::vector<Parameter> terms = impl_->fixed.log_prior_terms();
  for (const Parameter& parameter : impl_->layout.parameters) {
    terms.push_back(parameter);
    // Of correlations, and of effects, all together.
    if (parameter.transform != Transform::positive) terms.back().dimensions.clear();
  }
  return terms;
}

void Mixed::compute_log_prior_terms(ConstMat theta, Mat values) const {
  const Index own = impl_->fixed_layout.parameters.size();
  const Index of_fixed = num_constrained(impl_->fixed.log_prior_terms());
  impl_->fixed.compute_log_prior_terms(theta.topRows(own), values.topRows(of_fixed));
  for (Index s = 0; s < theta.cols(); ++s) {
    Index next = of_fixed;
    Vector none;
    for (const EffectsLayout& grouping : impl_->layout.groupings) {
      Vec of_sds = values.col(s).segment(next, grouping.size);
      of_sds.setZero();
      double of_correlations = 0.0;
      grouping.add_log_prior(theta.col(s), of_sds, of_correlations, false, none);
      next += grouping.size;
      if (grouping.correlations.size() > 0) values(next++, s) = of_correlations;
      if (!grouping.is_parameter()) continue;
      values(next, s) = 0.0;
      grouping.add_log_prior_of_latents(theta.col(s), values(next++, s), none);
    }
  }
}

Vector Mixed::draw_start(const Address& at, Reach reach) const {
  // Sds far out would leave the effects of groups nothing but their ends.
  Vector theta = parameters().draw_over_domain(at, radius(Reach::near));
  theta.head(impl_->fixed_layout.parameters.size()) = impl_->fixed.draw_start(at, reach);
  return theta;
}

const std::vector<Parameter>& Mixed::quantities() const {
  return impl_->quantities;
}

void Mixed::compute_quantities(ConstMat theta, Mat values) const {
  const GlmLayout& fixed = impl_->fixed_layout;
  const Index own = fixed.parameters.size(), of_fixed = num_constrained(impl_->fixed.quantities());
  impl_->fixed.compute_quantities(theta.topRows(own), 0, 0, values.topRows(of_fixed));
  for (Index s = 0; s < theta.cols(); ++s) {
    Index next = of_fixed;
    const auto put = [&](const auto& entries) {
      values.col(s).segment(next, entries.size()) = entries;
      next += entries.size();
    };
    for (const EffectsLayout& grouping : impl_->layout.groupings) {
      const EffectMoments as_they_are = effects_of(grouping.factor(theta.col(s)));
      put(as_they_are.sd);
      if (grouping.correlations.size() > 0) put(as_they_are.correlation);
    }
    for (const EffectsLayout& grouping : impl_->layout.groupings) {
      if (!grouping.has_original_sds) continue;
      const EffectMoments original =
          effects_of(original_factor(*grouping.effects, grouping.factor(theta.col(s)), fixed.response_scale));
      put(original.sd);
      if (grouping.has_original_correlations) put(original.correlation);
    }
    for (const EffectsLayout& grouping : impl_->layout.groupings) {
      if (grouping.correlations.size() > 0 && grouping.size > 2) {
        Vector cholesky(grouping.correlations.num_constrained());
        grouping.correlations.constrain(
            theta.col(s).segment(grouping.correlation, grouping.correlations.size()), cholesky);
        put(cholesky);
      }
      if (grouping.is_parameter()) put(grouping.latents(theta.col(s)).reshaped());
    }
  }
}

}  // namespace vfe
