#include <Eigen/Dense>
#include <cmath>
#include <utility>
#include <vector>

#include "family/flow_pass.hpp"
#include "family/warp.hpp"

namespace vfe {
namespace {

Matrix arcsinh(ConstMat z) {
  return z.transpose().unaryExpr([](double x) { return std::asinh(x); });
}

class SinhArcsinh final : public Warp {
 public:
  explicit SinhArcsinh(Index d) : d_(d) {}

  Index num_coefficients() const override { return 2 * d_ + d_ * (d_ - 1) / 2; }
  Vector init() const override { return Vector::Zero(num_coefficients()); }

  void forward(ConstVec c, ConstMat z, Mat v, Vec log_det) const override {
    const FlowPass::Conditionals conditionals = unpack(c);
    const FlowPass pass(conditionals, arcsinh(z), FlowPass::From::noise);
    v = pass.u.transpose();
    for (Index s = 0; s < z.cols(); ++s) log_det(s) = pass.log_det(conditionals, s);
  }

  void pull_back(ConstVec c, ConstMat z, ConstMat grad_v, double grad_log_det, Vec grad_c) const override {
    const FlowPass::Conditionals conditionals = unpack(c);
    const FlowPass pass(conditionals, arcsinh(z), FlowPass::From::noise);
    const FlowPass::Gradients moves = pass.pull_back(conditionals, grad_v.transpose(), grad_log_det);
    const double sum_log_det = grad_log_det * static_cast<double>(z.cols());
    for (Index i = 0; i < d_; ++i) {
      const Flow::Conditional& conditional = conditionals[static_cast<std::size_t>(i)];
      const double tail = tail_of(conditional);
      if (std::abs(conditional.skew) < Flow::largest_skew) grad_c(i) += moves.bent_y.col(i).sum() / tail;
      if (std::abs(conditional.log_tail) < Flow::largest_log_tail) {
        grad_c(d_ + i) -= moves.bent_y.col(i).dot(pass.bent_y.col(i)) + sum_log_det;
      }
      if (i == 0) continue;
      grad_c.segment(row(i), i) +=
          pass.features.log_scale(i).rightCols(i).transpose() * moves.log_scale.col(i);
    }
  }

  void log_density(ConstVec c, ConstMat v, Vec value, Mat grad_v) const override {
    const FlowPass::Conditionals conditionals = unpack(c);
    const FlowPass pass(conditionals, v.transpose(), FlowPass::From::whitened);
    const Eigen::ArrayXXd z = pass.bent_z.array().sinh();
    for (Index s = 0; s < v.cols(); ++s) {
      value(s) = -pass.log_det(conditionals, s) - 0.5 * z.row(s).square().sum();
    }
    if (grad_v.cols() == 0) return;
    // Here each z_i is a function of v_i and l_i alone, and each l_i of the v before it.
    const Eigen::ArrayXXd moves = (v.transpose().array().abs() < Flow::usual_reach).cast<double>();
    for (Index i = 0; i < d_; ++i) {
      const Flow::Conditional& conditional = conditionals[static_cast<std::size_t>(i)];
      const Eigen::ArrayXd x = pass.bent_z.col(i).array(), y = pass.bent_y.col(i).array();
      const Eigen::ArrayXd l = pass.log_scale.col(i).array();
      const Eigen::ArrayXd to_bent = tail_of(conditional) * (x.tanh() - z.col(i) * x.cosh()) - y.tanh();
      grad_v.row(i) = (to_bent * (-l).exp() / y.cosh()).matrix().transpose();
      const Eigen::ArrayXd to_scale =
          (-to_bent * y.tanh() - 1.0) * (l.abs() < Flow::largest_log_scale).cast<double>();
      for (Index k = 0; k < i; ++k) {
        grad_v.row(k) += (to_scale * conditional.log_scale(k + 1) * moves.col(k)).matrix().transpose();
      }
    }
  }

  Vector reflect(ConstVec c, ConstVec signs) const override {
    Vector result = c;
    result.head(d_).array() *= signs.array();
    for (Index i = 1; i < d_; ++i) result.segment(row(i), i).array() *= signs.head(i).array();
    return result;
  }

 private:
  /// Where the coefficients of l_i begin.
  Index row(Index i) const { return 2 * d_ + i * (i - 1) / 2; }

  FlowPass::Conditionals unpack(ConstVec c) const {
    FlowPass::Conditionals conditionals(static_cast<std::size_t>(d_));
    for (Index i = 0; i < d_; ++i) {
      Flow::Conditional& conditional = conditionals[static_cast<std::size_t>(i)];
      conditional.skew = c(i);
      conditional.log_tail = c(d_ + i);
      conditional.log_scale = Vector::Zero(i + 1);
      if (i > 0) conditional.log_scale.tail(i) = c.segment(row(i), i);
    }
    return conditionals;
  }

  Index d_;
};

}  // namespace

std::unique_ptr<Warp> sinh_arcsinh_warp(Index d) {
  return std::make_unique<SinhArcsinh>(d);
}

}  // namespace vfe
