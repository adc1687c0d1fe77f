#include "vfe/formula/basis.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

namespace vfe {

void Polynomials::next(Index k, ConstVec u, ConstVec p, ConstVec before, Vec next) const {
  const auto i = static_cast<std::size_t>(k);
  next = (u.array() - alpha[i]) * p.array();
  if (k > 0) next -= norm[i] / norm[i - 1] * before;
}

void Polynomials::evaluate(ConstVec x, Mat columns) const {
  const Vector u = (x.array() - mean) / scale;
  Vector before = Vector::Zero(x.size()), p = Vector::Ones(x.size()), above(x.size());
  for (Index k = 0; k < columns.cols(); ++k) {
    next(k, u, p, before, above);
    before.swap(p);
    p.swap(above);
    columns.col(k) = p / std::sqrt(norm[static_cast<std::size_t>(k) + 1]);
  }
}

Vector Polynomials::packed() const {
  Vector packed(static_cast<Index>(2 + alpha.size() + norm.size()));
  packed << mean, scale, Eigen::Map<const Vector>(alpha.data(), static_cast<Index>(alpha.size())),
      Eigen::Map<const Vector>(norm.data(), static_cast<Index>(norm.size()));
  return packed;
}

Polynomials Polynomials::of(const Vector& packed) {
  const double* numbers = packed.data();
  const Index degree = (packed.size() - 3) / 2;
  return {numbers[0],
          numbers[1],
          {numbers + 2, numbers + 2 + degree},
          {numbers + 2 + degree, numbers + packed.size()}};
}

BSplines::BSplines(double low, double high, const std::vector<double>& knots, Index degree)
    : degree_(degree) {
  const auto ends = static_cast<std::size_t>(degree + 1);
  knots_.assign(ends, low);
  knots_.insert(knots_.end(), knots.begin(), knots.end());
  knots_.insert(knots_.end(), ends, high);
}

Index BSplines::evaluate(double x, Index derivative, double* values) const {
  // The piece [knot, next knot) that x lies in; the first or the last where it lies beyond.
  const auto first = knots_.begin() + degree_, last = knots_.begin() + size();
  const Index piece = std::upper_bound(first + 1, last, x) - knots_.begin() - 1;
  const double* t = knots_.data() + piece;
  // Cox and de Boor: each degree from the one below, in place.
  std::fill(values, values + degree_ + 1, 0.0);
  values[0] = 1.0;
  for (Index d = 1; d <= degree_; ++d) {
    const bool is_derivative = d > degree_ - derivative;
    double carried = 0.0;
    for (Index i = 0; i < d; ++i) {
      const double left = t[i + 1 - d], right = t[i + 1], share = values[i] / (right - left);
      if (is_derivative) {
        values[i] = carried - static_cast<double>(d) * share;
        carried = static_cast<double>(d) * share;
      } else {
        values[i] = carried + (right - x) * share;
        carried = (x - left) * share;
      }
    }
    values[d] = carried;
  }
  return piece - degree_;
}

SplineBasis::SplineBasis(Kind kind, double low, double high, const std::vector<double>& knots, Index degree,
                         bool intercept)
    : splines_(low, high, knots, kind == Kind::natural ? 3 : degree),
      kind_(kind),
      degree_(kind == Kind::natural ? 3 : degree) {
  const Index size = splines_.size(), left_out = intercept ? 0 : 1;
  transform_ = Matrix::Identity(size, size).rightCols(size - left_out);
  if (kind == Kind::b_splines) return;
  // As R does: of the reflections that make the second derivatives at both ends triangular, the columns that
  // these do not see.
  Matrix bends = Matrix::Zero(size, 2);
  for (Index end = 0; end < 2; ++end) {
    double values[4];
    const Index first = splines_.evaluate(end == 0 ? low : high, 2, values);
    bends.col(end).segment(first, 4) = Eigen::Map<const Vector>(values, 4);
  }
  const Matrix seen = bends.bottomRows(size - left_out);
  const Eigen::HouseholderQR<Matrix> reflections(seen);
  const Matrix straight =
      (reflections.householderQ() * Matrix::Identity(seen.rows(), seen.rows())).rightCols(seen.rows() - 2);
  transform_ = (transform_ * straight).eval();
}

void SplineBasis::evaluate(ConstVec x, Mat columns) const {
  std::vector<double> values(static_cast<std::size_t>(degree_) + 1), slopes(values);
  for (Index i = 0; i < x.size(); ++i) {
    const double inside = kind_ == Kind::natural ? std::clamp(x[i], splines_.low(), splines_.high()) : x[i];
    const Index first = splines_.evaluate(inside, 0, values.data());
    if (inside != x[i]) {
      splines_.evaluate(inside, 1, slopes.data());
      for (std::size_t k = 0; k < values.size(); ++k) values[k] += (x[i] - inside) * slopes[k];
    }
    for (Index j = 0; j < columns.cols(); ++j) {
      double sum = 0.0;
      for (Index k = 0; k <= degree_; ++k)
        sum += values[static_cast<std::size_t>(k)] * transform_(first + k, j);
      columns(i, j) = sum;
    }
  }
}

}  // namespace vfe
