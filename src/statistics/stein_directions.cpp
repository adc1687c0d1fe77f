#include "statistics/stein_directions.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <utility>

namespace vfe {
namespace {

// Independent draws for each coefficient of a regression: with these its residuals have 95 % of the variance.
constexpr double draws_each = 20.0;

}  // namespace

OwnDirections::OwnDirections(const PreparedDraws& sample, const Affine& whitening,
                             std::vector<Index> coordinate)
    : sample_(sample), whitening_(whitening), coordinate_(std::move(coordinate)) {
  coordinate_.resize(static_cast<std::size_t>(sample.z.rows()), -1);
  std::vector<Index> without;
  for (Index k = 0; k < sample.z.rows(); ++k)
    if (coordinate_[static_cast<std::size_t>(k)] < 0 && sample.varies(k)) without.push_back(k);
  if (!whitening.diagonal()) {
    theta_ = whitening.scale.triangularView<Eigen::Lower>() * sample.u;
    gradient_ = whitening.scale.triangularView<Eigen::Lower>() * sample.gradient;
  }
  if (without.empty()) return;
  const double ess = 1.0 / sample.design.weight.squaredNorm();
  if (ess >= draws_each * static_cast<double>(sample.u.rows())) {
    regress(without);
  } else {
    find_coordinates(without);
  }
}

std::pair<Vector, Vector> OwnDirections::along(Index value) const {
  const Index j = coordinate_[static_cast<std::size_t>(value)];
  if (j < 0) {
    return {sample_.u.transpose() * slope_.col(value), sample_.gradient.transpose() * slope_.col(value)};
  }
  if (whitening_.diagonal()) return {sample_.u.row(j).transpose(), sample_.gradient.row(j).transpose()};
  // Row j of the scale is the direction in which coordinate j grows.
  const double length = whitening_.scale.row(j).head(j + 1).norm();
  return {theta_.row(j).transpose() / length, gradient_.row(j).transpose() / length};
}

void OwnDirections::find_coordinates(const std::vector<Index>& values) {
  const Matrix& theta = whitening_.diagonal() ? sample_.u : theta_;
  const Vector& weight = sample_.design.weight;
  const Vector variance = theta.cwiseAbs2() * weight - (theta * weight).cwiseAbs2();
  const Vector sd = variance.cwiseMax(std::numeric_limits<double>::min()).cwiseSqrt();
  for (Index k : values) {
    const Vector covariance = theta * weight.cwiseProduct(sample_.z.row(k).transpose());
    covariance.cwiseQuotient(sd).cwiseAbs().maxCoeff(&coordinate_[static_cast<std::size_t>(k)]);
  }
}

void OwnDirections::regress(const std::vector<Index>& values) {
  const Index d = sample_.u.rows();
  slope_ = Matrix::Zero(d, sample_.z.rows());
  const Vector& weight = sample_.design.weight;
  const Vector root = weight.cwiseSqrt();
  const Vector mean = sample_.u * weight;
  const Matrix scaled = (sample_.u.colwise() - mean) * root.asDiagonal();
  Matrix covariance = Matrix::Zero(d, d);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(scaled);
  covariance.diagonal() *= 1.0 + 1e-8;  // the draws may lie in a plane
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(covariance);
  if (factor.info() != Eigen::Success) return;
  const Matrix z = sample_.z(values, Eigen::all);
  const Matrix slopes = factor.solve(scaled * (z * root.asDiagonal()).transpose());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto slope = slopes.col(static_cast<Index>(i));
    if (slope.allFinite()) slope_.col(values[i]) = slope.stableNormalized();
  }
}

}  // namespace vfe
