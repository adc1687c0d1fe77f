#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Polynomials that are orthonormal over the rows of the fit, as R's poly(): p_0 = 1, p_1 = u - alpha_1,
/// p_{k+1} = (u - alpha_{k+1}) p_k - norm_k / norm_{k-1} p_{k-1}, of u = (x - mean) / scale, divided by their
/// norms (Forsythe 1957).
struct Polynomials {
  double mean = 0.0, scale = 1.0;
  std::vector<double> alpha;  ///< of p_1, p_2, ...
  std::vector<double> norm;   ///< squared, of p_0, p_1, ...

  /// Sets p_{k+1} (rows), from p_k and p_{k-1}, before it is divided by its norm.
  void next(Index k, ConstVec u, ConstVec p, ConstVec before, Vec next) const;
  /// Sets columns p_1, p_2, ..., one for each alpha, each divided by its norm.
  void evaluate(ConstVec x, Mat columns) const;

  Vector packed() const;
  static Polynomials of(const Vector& packed);
};

/// B-splines of a degree over knots: `low` and `high`, each degree + 1 times, and those between. Beyond the
/// ends the polynomials of the first and last piece go on.
class BSplines {
 public:
  BSplines(double low, double high, const std::vector<double>& knots, Index degree);

  Index size() const { return static_cast<Index>(knots_.size()) - degree_ - 1; }
  /// Sets the derivatives at x of the degree + 1 splines that are not 0 there, and returns the first of them.
  Index evaluate(double x, Index derivative, double* values) const;
  double low() const { return knots_.front(); }
  double high() const { return knots_.back(); }

 private:
  Index degree_;
  std::vector<double> knots_;
};

/// R's bs() and ns(): without `intercept` the first B-spline is left out; natural splines are cubic with no
/// second derivative at the ends, and lines beyond them.
class SplineBasis {
 public:
  enum class Kind { b_splines, natural };
  SplineBasis(Kind kind, double low, double high, const std::vector<double>& knots, Index degree,
              bool intercept);

  Index size() const { return transform_.cols(); }
  /// Sets `columns` (rows x size).
  void evaluate(ConstVec x, Mat columns) const;

 private:
  BSplines splines_;
  Kind kind_;
  Index degree_;
  Matrix transform_;  ///< splines x size
};

}  // namespace vfe
