#include "vfe/family/student.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "family/gaussian.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

/// log of the density at 0 of a standard t in d dimensions.
double log_peak(Index d, double nu) {
  const double n = static_cast<double>(d);
  if (std::isinf(nu)) return -0.5 * n * log_two_pi;
  return std::lgamma(0.5 * (nu + n)) - std::lgamma(0.5 * nu) - 0.5 * n * std::log(nu * std::numbers::pi);
}

}  // namespace

double chi_square(const Address& at, std::uint32_t first, double nu) {
  // Twice a gamma draw of shape nu / 2. Shapes below 1 are raised by 1 and taken back by a power of a
  // uniform.
  const double shape = 0.5 * nu + (nu < 2.0 ? 1.0 : 0.0);
  double factor = 2.0;
  std::uint32_t counter = first;
  if (nu < 2.0) factor *= std::pow(uniform(at, 2 * counter++), 2.0 / nu);
  const double centre = shape - 1.0 / 3.0, width = 1.0 / std::sqrt(9.0 * centre);
  for (;; counter += 2) {
    const double x = normal(at, 2 * counter), root = 1.0 + width * x;
    if (root <= 0.0) continue;
    const double cube = root * root * root;
    if (std::log(uniform(at, 2 * counter + 2)) < 0.5 * x * x + centre * (1.0 - cube + std::log(cube))) {
      return factor * centre * cube;
    }
  }
}

void require_valid(const Student& student) {
  const Index d = student.size();
  const Matrix& scale = student.base.scale;
  if (d < 1 || scale.rows() != d || (scale.cols() != d && scale.cols() != 1) || !(student.nu >= 1.0)) {
    throw Error(Fault::bug, fmt::format("checking a Student t: found size {}, a scale of {} x {} and {} "
                                        "degrees of freedom, expected a square scale or one column, and 1 "
                                        "or more",
                                        d, scale.rows(), scale.cols(), student.nu));
  }
  const bool triangular = scale.cols() == d && d > 1;
  for (Index j = 0; j < scale.cols(); ++j) {
    for (Index i = triangular ? j : 0; i < d; ++i) {
      const double entry = scale(i, j);
      if (!std::isfinite(entry) || ((i == j || !triangular) && std::fpclassify(entry) != FP_NORMAL)) {
        throw Error(Fault::numeric, fmt::format("checking a Student t: found the scale's entry ({}, {}) to "
                                                "be {}, expected an invertible scale",
                                                i, j, entry));
      }
    }
  }
  if (!student.base.shift.allFinite()) {
    throw Error(Fault::numeric, "checking a Student t: found a location that is not finite");
  }
}

Matrix Student::draw(const Address& at, Index count) const {
  Matrix z(size(), count);
  fill_normal(at, z, at.draw);
  if (!std::isinf(nu)) {
    Address where = at;
    const auto first = static_cast<std::uint32_t>((size() + 1) / 2);  // behind the normals
    for (Index s = 0; s < count; ++s) {
      where.draw = at.draw + static_cast<std::uint32_t>(s);
      z.col(s) *= std::sqrt(nu / chi_square(where, first, nu));
    }
  }
  return base.apply(z);
}

Vector Student::log_density(ConstMat theta) const {
  const Matrix z = base.whiten(theta);
  const double top = log_peak(size(), nu) - base.log_det();
  Vector value(theta.cols());
  for (Index s = 0; s < theta.cols(); ++s) {
    const double radius = z.col(s).squaredNorm();
    const double drop =
        std::isinf(nu) ? 0.5 * radius : 0.5 * (nu + static_cast<double>(size())) * std::log1p(radius / nu);
    const double density = top - drop;
    value(s) = std::isfinite(density) ? density : -infinity;
  }
  return value;
}

Student Student::inflated(double factor) const {
  return {.base = {.shift = base.shift, .scale = factor * base.scale}, .nu = nu};
}

}  // namespace vfe
