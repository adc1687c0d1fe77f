#include "vfe/model/local_function.hpp"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "model/constrained.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

/// The density of a function's groups, with a gradient by theta.
class ConstrainedDensity final : public LocalDensity {
 public:
  ConstrainedDensity(const Parameters& parameters, const LocalFunction& function, Index block, ConstVec theta)
      : parameters_(parameters), theta_(theta), x_(parameters.num_constrained(), 1) {
    Vector log_jacobian = Vector::Zero(1);
    constrain_draws(parameters, theta_, x_, log_jacobian);
    density_ = function.at(block, x_.col(0));
  }

  void evaluate(Index group, ConstMat z, Vec value, Mat slope) override {
    density_->evaluate(group, z, value, slope);
  }
  void add_gradient(Index group, ConstVec weight) override { density_->add_gradient(group, weight); }
  void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) override {
    density_->expand(z, slope, curvature, scale);
  }
  void differentiate_scale(ConstMat scale_weight, Mat slope) override {
    density_->differentiate_scale(scale_weight, slope);
  }
  void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) override {
    density_->add_expansion_gradient(direction, scale_weight);
  }
  void pull_back(Vec grad) override {
    Matrix grad_x = Matrix::Zero(x_.rows(), 1);
    density_->pull_back(grad_x.col(0));
    pull_back_likelihood(parameters_, theta_, grad_x, grad);
  }

 private:
  const Parameters& parameters_;
  Vector theta_;
  Matrix x_;
  std::unique_ptr<LocalDensity> density_;
};

class LocalFunctionModel final : public LocalModel {
 public:
  LocalFunctionModel(std::unique_ptr<const Model> prior, Grouping grouping,
                     std::vector<std::vector<Index>> rows_of_groups, LocalFunction density)
      : prior_(std::move(prior)),
        grouping_(std::move(grouping)),
        rows_of_groups_(std::move(rows_of_groups)),
        density_(std::move(density)) {
    if (std::ssize(grouping_.effects) != density_.num_latents || density_.num_latents < 1) {
      throw Error(Fault::usage, fmt::format("making a model from a function: found {} effects of {}, and {} "
                                            "latent variables; expected as many, at least 1",
                                            grouping_.effects.size(), grouping_.name, density_.num_latents));
    }
    if (!grouping_.keys.empty() || !grouping_.groups.empty()) {
      throw Error(Fault::usage, fmt::format("making a model from a function: found keys or groups of {}; "
                                            "expected none: its groups have numbers",
                                            grouping_.name));
    }
  }

  const Parameters& parameters() const override { return prior_->parameters(); }
  Index num_latents() const override { return density_.num_latents; }
  Index blocks() const override { return std::ssize(rows_of_groups_); }
  Index rows(Index block) const override {
    const std::vector<Index>& rows = of(block);
    return std::accumulate(rows.begin(), rows.end(), Index{0});
  }
  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    prior_->log_prior(theta, value, grad);
  }
  std::vector<Parameter> log_prior_terms() const override { return prior_->log_prior_terms(); }
  void compute_log_prior_terms(ConstMat theta, Mat values) const override {
    prior_->compute_log_prior_terms(theta, values);
  }
  Index groups(Index block) const override { return std::ssize(of(block)); }
  std::unique_ptr<LocalDensity> at(Index block, ConstVec theta) const override {
    return std::make_unique<ConstrainedDensity>(parameters(), density_, block, theta);
  }
  Grouping grouping() const override { return grouping_; }
  std::vector<Index> group_rows(Index block) const override { return of(block); }

 private:
  const std::vector<Index>& of(Index block) const { return rows_of_groups_[static_cast<std::size_t>(block)]; }

  std::unique_ptr<const Model> prior_;  ///< and nothing else
  Grouping grouping_;
  std::vector<std::vector<Index>> rows_of_groups_;
  LocalFunction density_;
};

}  // namespace

std::unique_ptr<const LocalModel> make_local_model(std::vector<Parameter> parameters, LogDensity prior,
                                                   Grouping grouping,
                                                   std::vector<std::vector<Index>> rows_of_groups,
                                                   LocalFunction density) {
  return std::make_unique<LocalFunctionModel>(make_model(std::move(parameters), std::move(prior), {}, {}),
                                              std::move(grouping), std::move(rows_of_groups),
                                              std::move(density));
}

}  // namespace vfe
