// What automatic differentiation costs: a gradient by vfe::differentiate (reverse mode) beside one by hand,
// one by Eigen's forward mode, and the value alone; medians of alternating rounds.
// Run: build/release/bench/bench_differentiate
#include <fmt/core.h>

#include <Eigen/Dense>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <unsupported/Eigen/AutoDiff>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/model/differentiate.hpp"

namespace {

using vfe::ConstVec, vfe::Index, vfe::Matrix, vfe::Vec, vfe::Vector;
using Forward = Eigen::AutoDiffScalar<Vector>;

Matrix normals(Index rows, Index columns, std::uint64_t seed) {
  Matrix values(rows, columns);
  vfe::fill_normal({.seed = seed, .purpose = vfe::Purpose::simulate}, values);
  return values;
}

// Scalar(...) is for Eigen's expressions: what `auto` makes of them refers to temporaries.

struct Logistic {
  Matrix x;  // columns x rows
  Vector y;

  template <class Scalar>
  Scalar operator()(const vfe::VectorOf<Scalar>& beta) const {
    using std::exp, std::log;
    Scalar value(0.0 * beta[0]);
    for (Index r = 0; r < x.cols(); ++r) {
      Scalar eta(beta[0] * x(0, r));
      for (Index j = 1; j < beta.size(); ++j) eta += beta[j] * x(j, r);
      const Scalar size(eta > 0.0 ? eta : Scalar(-eta));
      const Scalar larger(eta > 0.0 ? eta : Scalar(0.0 * eta));
      value += Scalar(eta * y[r] - larger - log(Scalar(exp(Scalar(-size)) + 1.0)));
    }
    return value;
  }

  double by_hand(ConstVec beta, Vec grad) const {
    double value = 0.0;
    for (Index r = 0; r < x.cols(); ++r) {
      const double eta = x.col(r).dot(beta), rest = std::exp(-std::abs(eta));
      value += y[r] * eta - std::max(eta, 0.0) - std::log(rest + 1.0);
      grad += (y[r] - (eta > 0.0 ? 1.0 : rest) / (1.0 + rest)) * x.col(r);
    }
    return value;
  }
};

struct Garch {
  Vector y;

  template <class Scalar>
  Scalar operator()(const vfe::VectorOf<Scalar>& x) const {  // mean, base, shock, memory
    using std::log;
    Scalar variance(0.0 * x[0] + 1.0), value(0.0 * x[0]);
    for (const double observed : y) {
      const Scalar shock(observed - x[0]);
      value -= Scalar(0.5 * (log(variance) + shock * shock / variance));
      variance = Scalar(x[1] + x[2] * shock * shock + x[3] * variance);
    }
    return value;
  }

  double by_hand(ConstVec x, Vec grad) const {
    double variance = 1.0, value = 0.0;
    Eigen::Vector4d slope = Eigen::Vector4d::Zero();  // of the variance
    for (const double observed : y) {
      const double shock = observed - x[0], square = shock * shock;
      value -= 0.5 * (std::log(variance) + square / variance);
      grad += 0.5 * (square / variance - 1.0) / variance * slope;
      grad[0] += shock / variance;
      slope *= x[3];
      slope += Eigen::Vector4d(-2.0 * x[2] * shock, 1.0, square, variance);
      variance = x[1] + x[2] * square + x[3] * variance;
    }
    return value;
  }
};

template <class Model>
double by_forward_mode(const Model& model, ConstVec x, Vec grad) {
  vfe::VectorOf<Forward> inputs(x.size());
  for (Index i = 0; i < x.size(); ++i) inputs[i] = Forward(x[i], x.size(), i);
  const Forward result = model(inputs);
  grad += result.derivatives();
  return result.value();
}

double seconds(const std::function<double()>& work, int repeats) {
  const auto start = std::chrono::steady_clock::now();
  double total = 0.0;
  for (int i = 0; i < repeats; ++i) total += work();
  [[maybe_unused]] volatile double kept = total;  // so that the work is done
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Model>
void compare(const std::string& name, const Model& model, const Vector& x) {
  const vfe::LogDensity differentiated = vfe::differentiate(model);
  const vfe::VectorOf<double> at = x;
  Vector hand(x.size()), reverse(x.size()), forward(x.size());
  const std::vector<std::function<double()>> ways = {
      [&] { return hand.setZero(), model.by_hand(x, hand); },
      [&] { return model(at); },
      [&] { return reverse.setZero(), differentiated(x, reverse); },
      [&] { return forward.setZero(), by_forward_mode(model, x, forward); },
  };
  std::vector<int> repeats;
  for (const auto& way : ways) repeats.push_back(1 + static_cast<int>(0.05 / seconds(way, 1)));
  std::vector<std::vector<double>> taken(ways.size());
  for (int round = 0; round < 7; ++round) {
    for (std::size_t k = 0; k < ways.size(); ++k) taken[k].push_back(seconds(ways[k], repeats[k]));
  }
  const double unit = median(taken[0]);
  const double scale = hand.cwiseAbs().maxCoeff();
  fmt::print(
      "{:<22} {:>4} {:>10.2f} {:>8.2f} {:>9.1f} {:>9.1f} {:>12.1e}\n", name, x.size(), 1e6 * unit,
      median(taken[1]) / unit, median(taken[2]) / unit, median(taken[3]) / unit,
      std::max((reverse - hand).cwiseAbs().maxCoeff(), (forward - hand).cwiseAbs().maxCoeff()) / scale);
}

}  // namespace

int main() {
  fmt::print("a gradient; times are in units of the gradient by hand, whose own time stands first\n");
  fmt::print("{:<22} {:>4} {:>10} {:>8} {:>9} {:>9} {:>12}\n", "model", "d", "hand [us]", "value", "reverse",
             "forward", "difference");
  for (const Index d : {5, 50, 500}) {
    const Logistic logistic{normals(d, 1000, 1), (normals(1000, 1, 2).array() > 0.0).cast<double>()};
    compare("logistic, 1,000 rows", logistic, normals(d, 1, 3) / std::sqrt(static_cast<double>(d)));
  }
  compare("GARCH, 50 steps", Garch{normals(50, 1, 4)}, Eigen::Vector4d(0.1, 0.2, 0.3, 0.4));
}
