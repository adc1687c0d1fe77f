#pragma once
// Needs the headers of Sacado and of what it includes (Debian: libtrilinos-sacado-dev,
// libtrilinos-kokkos-dev); CMake: find_package(Sacado), then link Sacado::Sacado. Nothing else of vfe needs
// them.
#include <Eigen/Core>
#include <Sacado_trad.hpp>
#include <cmath>
#include <compare>
#include <numbers>

namespace vfe {

namespace special {
double log_gamma(double x);
double digamma(double x);
double trigamma(double x);
double tetragamma(double x);
}  // namespace special

/// A number that remembers how it was computed, on the tape of Sacado's reverse mode (Phipps and Gay 2006).
/// It stands for a double in functions to be differentiated: behaves as one, but for the conversion into a
/// plain double, which would drop the derivative. (Sacado's own type is not safe in such functions: what
/// `auto` makes of its expressions has a gradient of zero.)
class Differentiable {
 public:
  Differentiable() : Differentiable(0.0) {}
  Differentiable(double value) : node_(new Node(value)) {}  // NOLINT: converts, as double does

  double value() const { return node_->Val; }
  /// d result / d this, after Tape::gradient_of(result).
  double adjoint() const { return node_->aval; }

  Differentiable operator+() const { return *this; }
  Differentiable operator-() const { return -*node_; }
  Differentiable& operator+=(const Differentiable& b) { return *this = *this + b; }
  Differentiable& operator-=(const Differentiable& b) { return *this = *this - b; }
  Differentiable& operator*=(const Differentiable& b) { return *this = *this * b; }
  Differentiable& operator/=(const Differentiable& b) { return *this = *this / b; }

  using D = Differentiable;
  friend D operator+(const D& a, const D& b) { return *a.node_ + *b.node_; }
  friend D operator+(const D& a, double b) { return *a.node_ + b; }
  friend D operator+(double a, const D& b) { return a + *b.node_; }
  friend D operator-(const D& a, const D& b) { return *a.node_ - *b.node_; }
  friend D operator-(const D& a, double b) { return *a.node_ - b; }
  friend D operator-(double a, const D& b) { return a - *b.node_; }
  friend D operator*(const D& a, const D& b) { return *a.node_ * *b.node_; }
  friend D operator*(const D& a, double b) { return *a.node_ * b; }
  friend D operator*(double a, const D& b) { return a * *b.node_; }
  friend D operator/(const D& a, const D& b) { return *a.node_ / *b.node_; }
  friend D operator/(const D& a, double b) { return *a.node_ / b; }
  friend D operator/(double a, const D& b) { return a / *b.node_; }

  friend std::partial_ordering operator<=>(const D& a, const D& b) { return a.value() <=> b.value(); }
  friend std::partial_ordering operator<=>(const D& a, double b) { return a.value() <=> b; }
  friend bool operator==(const D& a, const D& b) { return a.value() == b.value(); }
  friend bool operator==(const D& a, double b) { return a.value() == b; }
  friend bool isfinite(const D& x) { return std::isfinite(x.value()); }
  friend bool isnan(const D& x) { return std::isnan(x.value()); }

  friend D abs(const D& x) { return x.unary(std::abs(x.value()), x.value() < 0.0 ? -1.0 : 1.0); }
  friend D fabs(const D& x) { return abs(x); }
  friend D sqrt(const D& x) { return x.unary(std::sqrt(x.value()), 0.5 / std::sqrt(x.value())); }
  friend D cbrt(const D& x) { return cbrt(*x.node_); }
  friend D exp(const D& x) { return exp(*x.node_); }
  friend D expm1(const D& x) { return x.unary(std::expm1(x.value()), std::exp(x.value())); }
  friend D log(const D& x) { return log(*x.node_); }
  friend D log1p(const D& x) { return x.unary(std::log1p(x.value()), 1.0 / (1.0 + x.value())); }
  friend D log10(const D& x) { return log10(*x.node_); }
  friend D sin(const D& x) { return sin(*x.node_); }
  friend D cos(const D& x) { return cos(*x.node_); }
  friend D tan(const D& x) { return tan(*x.node_); }
  friend D asin(const D& x) { return asin(*x.node_); }
  friend D acos(const D& x) { return acos(*x.node_); }
  friend D atan(const D& x) { return atan(*x.node_); }
  friend D atan2(const D& y, const D& x) { return atan2(*y.node_, *x.node_); }
  friend D sinh(const D& x) { return sinh(*x.node_); }
  friend D cosh(const D& x) { return cosh(*x.node_); }
  friend D tanh(const D& x) { return tanh(*x.node_); }
  friend D asinh(const D& x) { return asinh(*x.node_); }
  friend D acosh(const D& x) { return acosh(*x.node_); }
  friend D atanh(const D& x) { return atanh(*x.node_); }
  friend D pow(const D& x, const D& y) { return pow(*x.node_, *y.node_); }
  friend D pow(const D& x, double y) {
    return x.unary(std::pow(x.value(), y), y == 0.0 ? 0.0 : y * std::pow(x.value(), y - 1.0));
  }
  friend D pow(double x, const D& y) { return pow(x, *y.node_); }
  friend D erf(const D& x) { return x.unary(std::erf(x.value()), bell(x.value())); }
  friend D erfc(const D& x) { return x.unary(std::erfc(x.value()), -bell(x.value())); }
  /// x > 0.
  friend D lgamma(const D& x) { return x.unary(special::log_gamma(x.value()), special::digamma(x.value())); }
  friend D digamma(const D& x) { return x.unary(special::digamma(x.value()), special::trigamma(x.value())); }
  friend D trigamma(const D& x) {
    return x.unary(special::trigamma(x.value()), special::tetragamma(x.value()));
  }

 private:
  using Node = Sacado::Rad::ADvari<double>;  // lives on the tape, which frees it
  Differentiable(Node& node) : node_(&node) {}
  Differentiable unary(double value, double slope) const { return Sacado::Rad::ADf1(value, slope, *node_); }
  static double bell(double x) { return 2.0 * std::numbers::inv_sqrtpi * std::exp(-x * x); }

  friend class Tape;
  Node* node_;
};

}  // namespace vfe

template <>
struct Eigen::NumTraits<vfe::Differentiable> : Eigen::NumTraits<double> {
  using Real = vfe::Differentiable;
  using NonInteger = vfe::Differentiable;
  using Nested = vfe::Differentiable;
  using Literal = double;
  enum { RequireInitialization = 1, ReadCost = 1, AddCost = 8, MulCost = 8 };
};

/// Products of matrices of plain numbers with vectors of Differentiable ones, and the other way round.
template <class Operation>
struct Eigen::ScalarBinaryOpTraits<vfe::Differentiable, double, Operation> {
  using ReturnType = vfe::Differentiable;
};
template <class Operation>
struct Eigen::ScalarBinaryOpTraits<double, vfe::Differentiable, Operation> {
  using ReturnType = vfe::Differentiable;
};
