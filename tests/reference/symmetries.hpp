// Posteriors that are the same after an exchange, a change of sign or a turn, and some that nearly are.
#pragma once
#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "reference/density.hpp"
#include "vfe/core/random.hpp"

namespace vfe {

/// Means of a mixture of normals of equal weights and sd 1, in no order, with normal priors. Data: around
/// each of the places `rows_per_place` points that say nothing of their component, and points that are
/// known to be of component 0.
class MixtureMeans {
 public:
  MixtureMeans(std::vector<double> places, Index rows_per_place, Vector prior_mean, Vector prior_sd,
               std::vector<double> of_the_first = {})
      : places_(std::move(places)),
        y_(std::ssize(places_) * rows_per_place),
        prior_mean_(std::move(prior_mean)),
        prior_sd_(std::move(prior_sd)),
        of_the_first_(std::move(of_the_first)) {
    for (Index i = 0; i < y_.size(); ++i)
      y_[i] = places_[static_cast<std::size_t>(i) % places_.size()] +
              normal({.seed = 43, .purpose = Purpose::simulate}, static_cast<std::uint32_t>(2 * i));
  }

  Index size() const { return prior_mean_.size(); }
  const std::vector<double>& places() const { return places_; }

  double log_density(ConstVec mu, Vec grad) const {
    const Eigen::ArrayXd z = ((mu - prior_mean_).array() / prior_sd_.array());
    double value = -0.5 * z.square().sum() - prior_sd_.array().log().sum() -
                   static_cast<double>(size()) * log_sqrt_two_pi -
                   static_cast<double>(y_.size()) * std::log(static_cast<double>(size())) -
                   static_cast<double>(y_.size() + std::ssize(of_the_first_)) * log_sqrt_two_pi;
    if (grad.size() > 0) grad.array() -= z / prior_sd_.array();
    Eigen::ArrayXd shares;
    for (const double y : y_) {
      value += log_sum(-0.5 * (y - mu.array()).square(), shares);
      if (grad.size() > 0) grad.array() += shares * (y - mu.array());
    }
    for (const double y : of_the_first_) {
      value -= 0.5 * (y - mu[0]) * (y - mu[0]);
      if (grad.size() > 0) grad[0] += y - mu[0];
    }
    return value;
  }

  /// Around every assignment of components to places a grid of half the posterior sd of a mean, ten of these
  /// to each side: there the rest has no mass, as long as the places lie far apart.
  ExactTarget target(const std::string& name) const {
    Quadrature exact(size());
    const double rows_per_place = static_cast<double>(y_.size()) / static_cast<double>(size());
    const double step = 0.5 / std::sqrt(rows_per_place);
    std::vector<double> centres = places_;
    std::sort(centres.begin(), centres.end());
    do {
      add_grid(centres, step, exact);
    } while (std::next_permutation(centres.begin(), centres.end()));
    return {.name = name,
            .model = make_model({{"mu", {{"component", size(), {}}}}},
                                [own = *this](ConstVec x, Vec grad) { return own.log_density(x, grad); }),
            .mean = exact.mean(),
            .sd = exact.sd(),
            .log_z = exact.log_integral(std::pow(step, static_cast<double>(size())))};
  }

 private:
  static constexpr double log_sqrt_two_pi = 0.91893853320467274178;
  static constexpr Index half_width = 20;  ///< cells

  /// Of two or three components. The densities of all rows at the nodes of each axis are computed once.
  void add_grid(const std::vector<double>& centres, double step, Quadrature& exact) const {
    const Index nodes = 2 * half_width + 1;
    std::vector<Eigen::ArrayXd> axis, log_prior;
    std::vector<Eigen::ArrayXXd> density;  // rows x nodes, over the number of components
    for (Index k = 0; k < size(); ++k) {
      const auto at = static_cast<std::size_t>(k);
      const double reach = half_width * step;
      axis.emplace_back(Eigen::ArrayXd::LinSpaced(nodes, centres[at] - reach, centres[at] + reach));
      const Eigen::ArrayXd& mu = axis.back();
      log_prior.emplace_back(-0.5 * ((mu - prior_mean_[k]) / prior_sd_[k]).square() - std::log(prior_sd_[k]) -
                             log_sqrt_two_pi);
      if (k == 0) {
        for (const double y : of_the_first_) log_prior[0] += -0.5 * (y - mu).square() - log_sqrt_two_pi;
      }
      density.emplace_back(y_.size(), nodes);
      for (Index j = 0; j < nodes; ++j)
        density.back().col(j) =
            (-0.5 * (y_ - mu[j]).square() - log_sqrt_two_pi).exp() / static_cast<double>(size());
    }
    const Index third = size() > 2 ? nodes : 1;
    Vector x(size());
    for (Index i = 0; i < nodes; ++i) {
      for (Index j = 0; j < nodes; ++j) {
        const Eigen::ArrayXd two = density[0].col(i) + density[1].col(j);
        x[0] = axis[0][i];
        x[1] = axis[1][j];
        for (Index k = 0; k < third; ++k) {
          double value = log_prior[0][i] + log_prior[1][j];
          if (size() > 2) {
            x[2] = axis[2][k];
            value += log_prior[2][k] + std::log((two + density[2].col(k)).prod());
          } else {
            value += std::log(two.prod());
          }
          exact.add(value, x);
        }
      }
    }
  }

  std::vector<double> places_;
  Eigen::ArrayXd y_;
  Vector prior_mean_, prior_sd_;
  std::vector<double> of_the_first_;
};

/// Three components exchangeable in prior and data: six modes alike.
inline MixtureMeans three_components() {
  return {{-4.0, 0.0, 5.0}, 20, Vector::Zero(3), Vector::Constant(3, 5.0)};
}
/// Two components that differ in their priors alone.
inline MixtureMeans two_components_of_different_priors() {
  return {{-2.0, 2.0}, 20, Vector{{-0.5, 0.5}}, Vector{{2.0, 2.2}}};
}
/// Two components exchangeable in the prior, and a row that is known to be of one of them.
inline MixtureMeans two_components_and_a_label() {
  return {{-2.0, 2.0}, 20, Vector::Zero(2), Vector::Constant(2, 3.0), {0.25}};
}
inline ExactTarget label_switching() {
  return three_components().target("labels3");
}
inline ExactTarget exchange_broken_by_priors() {
  return two_components_of_different_priors().target("exchange_priors");
}
inline ExactTarget exchange_broken_by_a_label() {
  return two_components_and_a_label().target("exchange_label");
}

/// 50 rows y ~ normal(0, loading loading' + 0.7^2 I), the scores of the one factor integrated out, with
/// loading ~ normal(0, I): the same at -loading.
class OneFactor {
 public:
  static constexpr Index size = 4, num_rows = 50;
  static constexpr double sigma = 0.7;

  OneFactor() {
    const Eigen::Vector4d loading(1.0, 0.8, -0.6, 0.4);
    Matrix noise(size + 1, num_rows);
    fill_normal({.seed = 47, .purpose = Purpose::simulate}, noise);
    const Matrix y = loading * noise.row(size) + sigma * noise.topRows(size);
    scatter_ = y * y.transpose();
  }

  double log_density(ConstVec loading, Vec grad) const {
    const Eigen::Vector4d pull = scatter_ * loading;
    const double square = loading.squaredNorm(), form = loading.dot(pull);
    if (grad.size() > 0) {
      const double total = variance + square;
      grad +=
          pull / (variance * total) - (form / (variance * total * total) + num_rows / total + 1.0) * loading;
    }
    return log_density(square, form);
  }

  /// The density depends on loading'loading and loading' scatter loading, hence on the squares of the
  /// coordinates in the basis of eigenvectors of the scatter: the trapezium rule over where none is negative.
  ExactTarget target() const {
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> basis(scatter_);
    constexpr double step = 0.06;
    constexpr Index most = 26, most_of_largest = 50;
    Quadrature exact(size);  // of the squares
    for (Index i = 0; i <= most; ++i) {
      for (Index j = 0; j <= most; ++j) {
        for (Index k = 0; k <= most; ++k) {
          for (Index l = 0; l <= most_of_largest; ++l) {
            const Vector u = step * Eigen::Vector4d(static_cast<double>(i), static_cast<double>(j),
                                                    static_cast<double>(k), static_cast<double>(l));
            const Vector square = u.cwiseAbs2();
            const int on_the_border = (i == 0) + (j == 0) + (k == 0) + (l == 0);
            exact.add(log_density(square.sum(), square.dot(basis.eigenvalues())) -
                          on_the_border * std::numbers::ln2,
                      square, square);
          }
        }
      }
    }
    const Vector variances = basis.eigenvectors().cwiseAbs2() * exact.mean();
    return {.name = "signs",
            .model = make_model({{"loading", {{"column", size, {}}}}},
                                [own = *this](ConstVec x, Vec grad) { return own.log_density(x, grad); }),
            .mean = Vector::Zero(size),
            .sd = variances.cwiseSqrt(),
            .log_z = exact.log_integral(std::pow(2.0 * step, static_cast<double>(size)))};
  }

 private:
  static constexpr double variance = sigma * sigma;

  double log_density(double square, double form) const {
    return -0.5 * (num_rows + 1) * size * std::log(2.0 * std::numbers::pi) -
           0.5 * num_rows * (size * std::log(variance) + std::log1p(square / variance)) -
           0.5 * (scatter_.trace() - form / (variance + square)) / variance - 0.5 * square;
  }

  Eigen::Matrix4d scatter_;  ///< sum of y y'
};

inline ExactTarget sign_flips() {
  return OneFactor().target();
}

/// exp(-((r - 1) / sd)^2 / 2) in the plane: a circle of modes. The moments neglect exp(-1 / (2 sd^2)).
inline ExactTarget circle(const std::string& name, double sd) {
  return density_target(
      name,
      [sd](ConstVec x, Vec grad) {
        const double r = x.norm(), z = (r - 1.0) / sd;
        if (grad.size() > 0) grad -= z / (sd * r) * x;
        return -0.5 * z * z;
      },
      Vector::Zero(2), Vector::Constant(2, std::sqrt(0.5 * (1.0 + 3.0 * sd * sd))),
      std::log(2.0 * std::numbers::pi * sd * std::sqrt(2.0 * std::numbers::pi)));
}

}  // namespace vfe
