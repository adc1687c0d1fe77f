#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "family/warp.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index num_halvings = 2;
constexpr double largest_log_scale = 2.0;
constexpr double largest_linear_feature = 1e3;  // so that what is linear does not run away between layers

/// One layer moves half of the coordinates, y -> y exp(l) + t, given the other half x:
///   p = C x + c,  t = A p + B tanh p,  l = 2 tanh(G tanh(p) / 2),
/// p within 1,000 where it is linear. Its coefficients: C (units x given), c, A, B, G (moved x units each).
struct Layer {
  std::vector<Index> given, moved;
  Index units, first;  ///< `first`: where its coefficients begin

  Index num_given() const { return static_cast<Index>(given.size()); }
  Index num_moved() const { return static_cast<Index>(moved.size()); }
  Index num_coefficients() const { return units * (num_given() + 1 + 3 * num_moved()); }
};

template <class Flat, class Block>
struct Coefficients {
  Block directions;
  Block offsets;  ///< units x 1
  Block linear, bent, log_scale;

  Coefficients(const Layer& layer, Flat c)
      : directions(c.data() + layer.first, layer.units, layer.num_given()),
        offsets(directions.data() + directions.size(), layer.units, 1),
        linear(offsets.data() + layer.units, layer.num_moved(), layer.units),
        bent(linear.data() + linear.size(), layer.num_moved(), layer.units),
        log_scale(bent.data() + bent.size(), layer.num_moved(), layer.units) {}
};
using Given = Coefficients<ConstVec, Eigen::Map<const Matrix>>;
using Gradients = Coefficients<Vec&, Eigen::Map<Matrix>>;

/// What a layer does at S draws.
struct Action {
  Matrix linear, bent;  ///< features, units x S: p and tanh p
  Matrix shift, log_scale;

  Action(const Given& c, const Matrix& x) {
    linear = (c.directions * x).colwise() + c.offsets.col(0);
    bent = linear.array().tanh();
    linear = linear.cwiseMax(-largest_linear_feature).cwiseMin(largest_linear_feature);
    shift = c.linear * linear + c.bent * bent;
    log_scale = largest_log_scale * ((c.log_scale * bent).array() / largest_log_scale).tanh();
  }

  /// From gradients in shift and log scale: those in what the tanh limits, and in p before its limit.
  Matrix to_limited(const Matrix& grad_log_scale) const {
    return grad_log_scale.array() * (1.0 - (log_scale.array() / largest_log_scale).square());
  }
  Matrix to_features(const Given& c, const Matrix& grad_shift, const Matrix& grad_limited) const {
    const Matrix moves = (linear.array().abs() < largest_linear_feature).cast<double>();
    const Matrix grad_bent = c.bent.transpose() * grad_shift + c.log_scale.transpose() * grad_limited;
    return (c.linear.transpose() * grad_shift).cwiseProduct(moves) +
           Matrix(grad_bent.array() * (1.0 - bent.array().square()));
  }
};

class Coupling final : public Warp {
 public:
  Coupling(Index d, Index units) : d_(d), units_(units) {
    if (d == 1) return;  // nothing is given
    Index first = 0;
    for (Index halving = 0; halving < num_halvings; ++halving) {
      const Address at{.purpose = Purpose::coupling, .step = static_cast<std::uint32_t>(halving)};
      const std::vector<Index> order = permutation(at, d);
      std::vector<Index> one(order.begin(), order.begin() + d / 2), other(order.begin() + d / 2, order.end());
      std::ranges::sort(one);
      std::ranges::sort(other);
      for (int turn = 0; turn < 2; ++turn) {
        layers_.push_back({one, other, units, first});
        first += layers_.back().num_coefficients();
        std::swap(one, other);
      }
    }
  }

  Index num_coefficients() const override {
    return layers_.empty() ? 0 : layers_.back().first + layers_.back().num_coefficients();
  }

  /// The features are pseudo-random, and nothing depends on them yet.
  Vector init() const override {
    Vector c = Vector::Zero(num_coefficients());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Vec whole = c;
      Gradients own(layers_[i], whole);
      Matrix directions(own.directions.rows(), own.directions.cols() + 1);
      fill_normal(Address{.purpose = Purpose::coupling, .block = static_cast<std::uint32_t>(i + 1)},
                  directions);
      own.directions =
          directions.leftCols(own.directions.cols()) / std::sqrt(static_cast<double>(own.directions.cols()));
      own.offsets = 0.5 * directions.rightCols(1);
    }
    return c;
  }

  void forward(ConstVec c, ConstMat z, Mat v, Vec log_det) const override {
    v = z;
    log_det.setZero();
    for (const Layer& layer : layers_) {
      const Action action(Given(layer, c), v(layer.given, Eigen::all));
      log_det += action.log_scale.colwise().sum().transpose();
      v(layer.moved, Eigen::all) =
          (v(layer.moved, Eigen::all).array() * action.log_scale.array().exp() + action.shift.array())
              .matrix()
              .eval();
    }
  }

  void pull_back(ConstVec c, ConstMat z, ConstMat grad_v, double grad_log_det, Vec grad_c) const override {
    std::vector<Matrix> before;  // each layer
    Matrix v = z, g = grad_v;
    for (const Layer& layer : layers_) {
      before.push_back(v);
      const Action action(Given(layer, c), v(layer.given, Eigen::all));
      v(layer.moved, Eigen::all) =
          (v(layer.moved, Eigen::all).array() * action.log_scale.array().exp() + action.shift.array())
              .matrix()
              .eval();
    }
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const Layer& layer = layers_[i];
      const Given own(layer, c);
      const Matrix x = before[i](layer.given, Eigen::all), y = before[i](layer.moved, Eigen::all);
      const Action action(own, x);
      const Matrix to_shift = g(layer.moved, Eigen::all);
      const Matrix stretched = to_shift.array() * action.log_scale.array().exp();
      const Matrix to_limited = action.to_limited((stretched.array() * y.array() + grad_log_det).matrix());
      const Matrix to_features = action.to_features(own, to_shift, to_limited);
      Gradients gradient(layer, grad_c);
      gradient.directions += to_features * x.transpose();
      gradient.offsets += to_features.rowwise().sum();
      gradient.linear += to_shift * action.linear.transpose();
      gradient.bent += to_shift * action.bent.transpose();
      gradient.log_scale += to_limited * action.bent.transpose();
      g(layer.moved, Eigen::all) = stretched;
      g(layer.given, Eigen::all) += own.directions.transpose() * to_features;
    }
  }

  void log_density(ConstVec c, ConstMat v, Vec value, Mat grad_v) const override {
    Matrix z = v;
    value.setZero();
    std::vector<Matrix> after;  // each layer's inverse, the last layer's first
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const Layer& layer = layers_[i];
      const Action action(Given(layer, c), z(layer.given, Eigen::all));
      value -= action.log_scale.colwise().sum().transpose();
      z(layer.moved, Eigen::all) =
          ((z(layer.moved, Eigen::all) - action.shift).array() * (-action.log_scale.array()).exp())
              .matrix()
              .eval();
      if (grad_v.cols() > 0) after.push_back(z);
    }
    value -= 0.5 * z.colwise().squaredNorm().transpose();
    if (grad_v.cols() == 0) return;
    grad_v = -z;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      const Given own(layer, c);
      const Matrix& at = after[layers_.size() - 1 - i];
      const Action action(own, at(layer.given, Eigen::all));
      const Matrix to_moved = grad_v(layer.moved, Eigen::all);
      const Matrix y = at(layer.moved, Eigen::all);
      const Matrix shrunk = to_moved.array() * (-action.log_scale.array()).exp();
      const Matrix to_limited = action.to_limited((-to_moved.array() * y.array() - 1.0).matrix());
      const Matrix to_features = action.to_features(own, -shrunk, to_limited);
      grad_v(layer.moved, Eigen::all) = shrunk;
      grad_v(layer.given, Eigen::all) += own.directions.transpose() * to_features;
    }
  }

  Vector reflect(ConstVec c, ConstVec signs) const override {
    Vector result = c;
    Vec whole = result;
    for (const Layer& layer : layers_) {
      Gradients own(layer, whole);
      const Vector given = signs(layer.given), moved = signs(layer.moved);
      own.directions = (own.directions * given.asDiagonal()).eval();
      own.linear = (moved.asDiagonal() * own.linear).eval();
      own.bent = (moved.asDiagonal() * own.bent).eval();
    }
    return result;
  }

 private:
  Index d_, units_;
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<Warp> coupling_warp(Index d, Index units) {
  return std::make_unique<Coupling>(d, units);
}

}  // namespace vfe
