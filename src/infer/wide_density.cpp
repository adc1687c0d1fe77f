#include "infer/wide_density.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

constexpr Index num_starts = 1024;     // half of them far out
constexpr double farthest_mode = 2.0;  // sds from the centre
constexpr double least_degrees = 7.0;  // of freedom

const Affine& mode(const Proposal& found, Index k) {
  return std::get<Student>(found.component(k)).base;
}

Matrix inverse_covariance(const Affine& map) {
  const Matrix whitening =
      Affine{Vector::Zero(map.size()), map.scale}.whiten(Matrix::Identity(map.size(), map.size()));
  return whitening.transpose() * whitening;
}

}  // namespace

Student wide_density(const Target& target, const State& state, std::uint64_t seed) {
  const Index d = target.size();
  Matrix starts(d, num_starts);
  for (Index k = 0; k < num_starts; ++k) {
    const Address at{.seed = seed, .purpose = Purpose::wide_density, .draw = static_cast<std::uint32_t>(k)};
    starts.col(k) = target.draw_start(at, k % 2 == 0 ? Reach::near : Reach::far);
  }
  const Vector centre = starts.rowwise().mean();
  starts.colwise() -= centre;
  Matrix covariance = starts * starts.transpose() / static_cast<double>(num_starts);
  const Proposal found = state.get(left::found_modes);
  const Index modes = found.num_components();
  for (Index k = 0; k < modes; ++k) {
    const Matrix axes = mode(found, k).stretch(Matrix::Identity(d, d));
    covariance += axes * axes.transpose() / static_cast<double>(modes);
  }
  for (Index k = 0; k < modes; ++k) {
    const Vector away = mode(found, k).shift - centre;
    const double squared = away.dot(covariance.llt().solve(away)), most = farthest_mode * farthest_mode;
    if (squared > most) covariance += (1.0 / most - 1.0 / squared) * away * away.transpose();
  }
  return {{centre, covariance.llt().matrixL()}, std::max(least_degrees, static_cast<double>(d))};
}

Vector log_density(const Student& student, ConstMat theta, Matrix& gradient) {
  const Matrix z = student.base.whiten(theta);
  const double all = student.nu + static_cast<double>(student.size());
  gradient = -student.base.scale.triangularView<Eigen::Lower>().transpose().solve(z);
  for (Index s = 0; s < z.cols(); ++s) gradient.col(s) *= all / (student.nu + z.col(s).squaredNorm());
  return student.log_density(theta);
}

double path_length(const Student& wide, const Affine& base) {
  const Matrix relative = Affine{Vector::Zero(base.size()), wide.base.scale}.whiten(
      base.stretch(Matrix::Identity(base.size(), base.size())));
  const Vector sds = Eigen::JacobiSVD<Matrix>(relative).singularValues();
  return std::sqrt(2.0) * sds.array().log().matrix().norm();
}

Matrix laplace_curvature(const State& state, const Student& wide, double temperature) {
  const Proposal found = state.get(left::found_modes);
  Matrix curvature = (1.0 - temperature) * inverse_covariance(wide.base);
  for (Index k = 0; k < found.num_components(); ++k) {
    curvature += temperature * found.weight(k) * inverse_covariance(mode(found, k));
  }
  return curvature;
}

}  // namespace vfe
