// Modes far from one another: two, one in a corner of a simplex, a lattice of them. All normalised.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "reference/density.hpp"

namespace vfe {

/// (1 - share) normal(low e, I) + share normal((low + 8) e, I), e a unit vector. Starts around 0 fall to both
/// modes for low = -4, to the first alone for low = 0.
inline ExactTarget two_modes_eight_sd_apart(const std::string& name, const Vector& e, double low,
                                            double share) {
  const Vector first = low * e, second = (low + 8.0) * e;
  const Vector mean = (low + 8.0 * share) * e;
  const Vector sd = (1.0 + 64.0 * share * (1.0 - share) * e.array().square()).sqrt().matrix();
  return density_target(
      name,
      [first, second, share](ConstVec x, Vec grad) {
        const double log_first = std::log(1.0 - share) - 0.5 * (x - first).squaredNorm();
        const double log_second = std::log(share) - 0.5 * (x - second).squaredNorm();
        const double top = std::max(log_first, log_second);
        const double sum = std::exp(log_first - top) + std::exp(log_second - top);
        const double part = std::exp(log_second - top) / sum;
        if (grad.size() > 0) grad -= x - (1.0 - part) * first - part * second;
        return top + std::log(sum) - 0.5 * static_cast<double>(x.size()) * std::log(2.0 * std::numbers::pi);
      },
      mean, sd, 0.0);
}

/// Along the first axis, where the moments of that coordinate tell whether the smaller mode was found: apart
/// along e = (1, ..., 1) / sqrt(d) it would hardly show in those of any.
inline ExactTarget two_far_modes(const std::string& name, Index d, double low, double share) {
  return two_modes_eight_sd_apart(name, Vector::Unit(d, 0), low, share);
}

/// rows x columns normals of sd 1, 8 apart, centred on 0, of slightly unequal weights: the product of the
/// weights of row and column, so that both coordinates are independent mixtures.
inline ExactTarget lattice(const std::string& name, Index rows, Index columns) {
  struct Line {
    explicit Line(Index n) : place(n), log_weight(n) {
      Eigen::ArrayXd weight(n);
      for (Index i = 0; i < n; ++i) {
        place[i] = 8.0 * (static_cast<double>(i) - 0.5 * static_cast<double>(n - 1));
        weight[i] = 1.0 + 0.1 * static_cast<double>((3 * i) % 4);
      }
      weight /= weight.sum();
      log_weight = weight.log();
      mean = (weight * place).sum();
      sd = std::sqrt(1.0 + (weight * (place - mean).square()).sum());
    }
    double log_density(double x, double& slope) const {
      Eigen::ArrayXd shares;
      const double value = log_sum(log_weight - 0.5 * (x - place).square(), shares);
      slope = (shares * (place - x)).sum();
      return value - 0.5 * std::log(2.0 * std::numbers::pi);
    }
    Eigen::ArrayXd place, log_weight;
    double mean, sd;
  };
  const std::array<Line, 2> lines = {Line(rows), Line(columns)};
  return density_target(
      name,
      [lines](ConstVec x, Vec grad) {
        double value = 0.0;
        for (Index k = 0; k < 2; ++k) {
          double slope = 0.0;
          value += lines[static_cast<std::size_t>(k)].log_density(x[k], slope);
          if (grad.size() > 0) grad[k] += slope;
        }
        return value;
      },
      Vector{{lines[0].mean, lines[1].mean}}, Vector{{lines[0].sd, lines[1].sd}}, 0.0);
}

inline ExactTarget thirty_modes() {
  return lattice("lattice30", 5, 6);
}
inline ExactTarget hundreds_of_modes() {
  return lattice("lattice400", 20, 20);
}

/// 0.7 Dirichlet(2, 2, 2, 2) + 0.3 Dirichlet(40, 1.5, 1.5, 1.5), on the simplex of four.
inline ExactTarget mode_in_a_corner() {
  using Shape = Eigen::Array4d;
  constexpr double share = 0.3;
  const Shape wide = Shape::Constant(2.0), corner(40.0, 1.5, 1.5, 1.5);
  const auto log_constant = [](const Shape& shape) {
    double value = std::lgamma(shape.sum());
    for (const double a : shape) value -= std::lgamma(a);
    return value;
  };
  const auto square = [](const Shape& shape) -> Shape {
    return shape * (shape + 1.0) / (shape.sum() * (shape.sum() + 1.0));
  };
  const Shape mean = (1.0 - share) * wide / wide.sum() + share * corner / corner.sum();
  const Shape sd = ((1.0 - share) * square(wide) + share * square(corner) - mean.square()).sqrt();
  const double log_wide = std::log(1.0 - share) + log_constant(wide);
  const double log_corner = std::log(share) + log_constant(corner);
  return {.name = "simplex_corner",
          .model = make_model(
              {{"p", {{"index", 4, {}}}, Transform::simplex}},
              [=](ConstVec x, Vec grad) {
                const Shape log_x = x.array().log();
                Eigen::ArrayXd shares;
                const double value = log_sum(Eigen::Array2d(log_wide + ((wide - 1.0) * log_x).sum(),
                                                            log_corner + ((corner - 1.0) * log_x).sum()),
                                             shares);
                if (grad.size() > 0)
                  grad += ((shares[0] * (wide - 1.0) + shares[1] * (corner - 1.0)) / x.array()).matrix();
                return value;
              }),
          .mean = mean.matrix(),
          .sd = sd.matrix(),
          .log_z = 0.0};
}

}  // namespace vfe
