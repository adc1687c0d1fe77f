#include "infer/isokinetic.hpp"

#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

constexpr double most_turn = 300.0;  // beyond it exp(-2 x) is no number any more, and a velocity has turned

}  // namespace

Index velocity_rows(Index d) {
  return std::max<Index>(d, 2);
}

void fill_velocities(const Address& at, Mat velocity) {
  fill_normal(at, velocity);
  velocity.colwise().normalize();
}

double speed(Index rows) {
  return std::sqrt(static_cast<double>(rows));
}

void turn(ConstMat force, double time, Mat velocity, Kinetic kinetic) {
  const Index d = force.rows();
  const auto degrees = static_cast<double>(velocity.rows() - 1);
  for (Index c = 0; c < velocity.cols(); ++c) {
    const double norm = force.col(c).stableNorm();
    if (!(norm > 0.0 && std::isfinite(norm))) continue;
    auto u = velocity.col(c);
    const Vector e = force.col(c) / norm;
    const double along = std::clamp(e.dot(u.head(d)), -1.0, 1.0);
    const double angle = std::min(time * norm / degrees, most_turn);
    // cosh + along sinh and along cosh + sinh, times exp(-angle), which alone stays a number.
    const double decay = std::exp(-angle), square = decay * decay;
    const double length = 0.5 * ((1.0 + along) + square * (1.0 - along));
    const double end = 0.5 * ((1.0 + along) - square * (1.0 - along));
    kinetic(c) += degrees * (angle + std::log(length));
    u *= decay;
    u.head(d) += (end - decay * along) * e;
    u.normalize();
  }
}

}  // namespace vfe
