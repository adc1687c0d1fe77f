#include "target/non_finite.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "vfe/core/exact_sum.hpp"

namespace vfe {
namespace {

// A sum over blocks accepts what is below ExactSum::limit; the prior is in no such sum.
constexpr double prior_limit = std::numeric_limits<double>::infinity();

bool fits(double x, double limit) {
  return std::abs(x) < limit;
}  // false of NaN

// The first draw whose value or gradient does not fit, and what of it does not.
struct BadDraw {
  Index draw = 0;
  std::string what;
};

std::optional<BadDraw> first_bad_draw(const Parameters& parameters, ConstVec value, ConstMat grad,
                                      double limit) {
  for (Index s = 0; s < value.size(); ++s) {
    if (!fits(value[s], limit)) return BadDraw{s, fmt::format("value {}", value[s])};
    for (Index i = 0; i < grad.rows(); ++i) {
      if (!fits(grad(i, s), limit)) {
        return BadDraw{s, fmt::format("gradient of {} is {}", parameters.unconstrained_name(i), grad(i, s))};
      }
    }
  }
  return std::nullopt;
}

// All of a short theta, the largest entry of a long one.
std::string describe(const Parameters& parameters, ConstVec theta) {
  constexpr Index short_enough = 8;
  if (theta.size() > short_enough) {
    Index largest = 0;
    for (Index i = 0; i < theta.size(); ++i) {
      if (std::isnan(theta[i])) {
        largest = i;
        break;
      }
      if (std::abs(theta[i]) > std::abs(theta[largest])) largest = i;
    }
    return fmt::format("largest of {} unconstrained: {} = {:.6g}", theta.size(),
                       parameters.unconstrained_name(largest), theta[largest]);
  }
  std::string text = "unconstrained";
  for (Index i = 0; i < theta.size(); ++i) {
    text += fmt::format("{} {} = {:.6g}", i == 0 ? "" : ",", parameters.unconstrained_name(i), theta[i]);
  }
  return text;
}

// ", row 4711" and what the model has to say, as far as it can tell.
std::string name_cause(const Model& model, Index block, ConstVec theta, Index first_row) {
  const std::string why = model.explain(block, theta);
  if (!why.empty()) return ", " + why;
  if (block < 0) return {};
  for (Index b = 0; b < block; ++b) first_row += model.rows(b);
  Vector rows = Vector::Zero(model.rows(block));
  if (!model.log_likelihood_rows(block, theta, rows)) return {};
  for (Index r = 0; r < rows.size(); ++r) {
    if (!fits(rows[r], ExactSum::limit)) return fmt::format(", row {}", first_row + r);
  }
  return ", no row by itself";
}

}  // namespace

std::optional<NonFinite> find_non_finite(const Model& model, const BatchBlocks& blocks, ConstMat theta,
                                         Index first_block, Index first_row) {
  const Parameters& parameters = model.parameters();
  std::optional<NonFinite> found;
  Index draws = theta.cols();  // those before the lowest found so far
  Vector value(draws);
  Matrix grad(theta.rows(), draws);

  value.setZero();
  grad.setZero();
  model.log_prior(theta, value, grad);
  if (const auto bad = first_bad_draw(parameters, value, grad, prior_limit)) {
    draws = bad->draw;
    found = NonFinite{
        bad->draw, -1,
        fmt::format("draw {}, prior{}, {}: {}", bad->draw, name_cause(model, -1, theta.col(bad->draw), 0),
                    bad->what, describe(parameters, theta.col(bad->draw)))};
  }
  for (Index k = 0; k < blocks.count && draws > 0; ++k) {
    const Index block = blocks[k];
    value.setZero();
    grad.setZero();
    model.log_likelihood(block, theta.leftCols(draws), value.head(draws), grad.leftCols(draws));
    const auto bad = first_bad_draw(parameters, value.head(draws), grad.leftCols(draws), ExactSum::limit);
    if (!bad) continue;
    draws = bad->draw;
    found = NonFinite{bad->draw, first_block + block,
                      fmt::format("draw {}, block {}{}, {}: {}", bad->draw, first_block + block,
                                  name_cause(model, block, theta.col(bad->draw), first_row), bad->what,
                                  describe(parameters, theta.col(bad->draw)))};
  }
  return found;
}

}  // namespace vfe
