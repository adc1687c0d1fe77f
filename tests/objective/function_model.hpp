#pragma once
#include <functional>
#include <utility>

#include "vfe/model/model.hpp"

namespace vfe {

/// A model whose log joint is any function of theta: value returned, gradient added.
class FunctionModel final : public Model {
 public:
  using Function = std::function<double(ConstVec theta, Vec grad)>;

  FunctionModel(Index d, Function function)
      : parameters_({Parameter{.name = "theta", .dimensions = {Dimension{"coordinate", d, {}}}}}),
        function_(std::move(function)) {}

  const Parameters& parameters() const override { return parameters_; }
  Index blocks() const override { return 1; }
  Index rows(Index) const override { return 1; }
  void log_prior(ConstMat, Vec, Mat) const override {}
  void log_likelihood(Index, ConstMat theta, Vec value, Mat grad) const override {
    for (Index s = 0; s < theta.cols(); ++s) {
      Vector column = Vector::Zero(theta.rows());
      value(s) += function_(theta.col(s), column);
      if (grad.cols() > 0) grad.col(s) += column;
    }
  }

 private:
  Parameters parameters_;
  Function function_;
};

}  // namespace vfe
