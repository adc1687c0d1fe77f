#include "vfe/model/function.hpp"

#include <utility>

#include "model/constrained.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

class FunctionModel final : public Model {
 public:
  /// Without `prior` there is the Jacobian alone.
  FunctionModel(Spread spread, std::vector<Parameter> parameters, LogDensity prior,
                std::vector<Index> rows_of_block, BlockLogDensity likelihood)
      : spread_(spread),
        parameters_(std::move(parameters)),
        prior_(std::move(prior)),
        rows_of_block_(std::move(rows_of_block)),
        likelihood_(std::move(likelihood)) {
    if (parameters_.size() == 0) {
      throw Error(Fault::usage, "making a model from a function: found no parameters to infer");
    }
  }

  const Parameters& parameters() const override { return parameters_; }
  Spread spread() const override { return spread_; }
  Index blocks() const override { return static_cast<Index>(rows_of_block_.size()); }
  Index rows(Index block) const override { return rows_of_block_[static_cast<std::size_t>(block)]; }

  void log_prior(ConstMat theta, Vec value, Mat grad) const override {
    Matrix x(parameters_.num_constrained(), theta.cols());
    constrain_draws(parameters_, theta, x, value);
    Matrix grad_x = Matrix::Zero(x.rows(), grad.cols());
    if (prior_) add_draws(prior_, x, value, grad_x);
    if (grad.cols() > 0) pull_back_prior(parameters_, theta, grad_x, grad);
  }

  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override {
    Matrix x(parameters_.num_constrained(), theta.cols());
    Vector log_jacobian = Vector::Zero(theta.cols());
    constrain_draws(parameters_, theta, x, log_jacobian);
    Matrix grad_x = Matrix::Zero(x.rows(), grad.cols());
    add_draws([&](ConstVec at, Vec grad_at) { return likelihood_(block, at, grad_at); }, x, value, grad_x);
    if (grad.cols() > 0) pull_back_likelihood(parameters_, theta, grad_x, grad);
  }

  std::vector<Parameter> log_prior_terms() const override {
    return prior_ ? std::vector<Parameter>{{.name = "prior"}} : std::vector<Parameter>{};
  }
  void compute_log_prior_terms(ConstMat theta, Mat values) const override {
    if (!prior_) return;
    Matrix x(parameters_.num_constrained(), theta.cols());
    Vector log_jacobian = Vector::Zero(theta.cols()), value = Vector::Zero(theta.cols());
    constrain_draws(parameters_, theta, x, log_jacobian);
    Matrix no_gradient(x.rows(), 0);
    add_draws(prior_, x, value, no_gradient);
    values.row(0) = value;
  }

 private:
  template <class Density>
  static void add_draws(const Density& density, ConstMat x, Vec value, Mat grad) {
    Vector skip;
    for (Index s = 0; s < x.cols(); ++s) {
      value[s] += grad.cols() > 0 ? density(x.col(s), grad.col(s)) : density(x.col(s), skip);
    }
  }

  Spread spread_;
  Parameters parameters_;
  LogDensity prior_;
  std::vector<Index> rows_of_block_;
  BlockLogDensity likelihood_;
};

}  // namespace

std::unique_ptr<const Model> make_model(std::vector<Parameter> parameters, LogDensity density) {
  return std::make_unique<FunctionModel>(
      Spread::draws, std::move(parameters), LogDensity(), std::vector<Index>{1},
      [density = std::move(density)](Index, ConstVec x, Vec grad) { return density(x, grad); });
}

std::unique_ptr<const Model> make_model(std::vector<Parameter> parameters, LogDensity prior,
                                        std::vector<Index> rows_of_block, BlockLogDensity likelihood) {
  return std::make_unique<FunctionModel>(Spread::blocks, std::move(parameters), std::move(prior),
                                         std::move(rows_of_block), std::move(likelihood));
}

}  // namespace vfe
