#pragma once
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <compare>
#include <concepts>
#include <numbers>
#include <optional>
#include <utility>

#include "vfe/core/special.hpp"

namespace vfe {

/// A number with its first and second derivatives by K variables, which are numbers T: double, or
/// Differentiable for derivatives of them in turn. It stands for a double in functions, as Differentiable
/// does.
template <class T, int K>
class SecondOrder {
 public:
  SecondOrder() : SecondOrder(0.0) {}
  // What is constant in the variables; both convert, as double does.
  SecondOrder(double value) : value_(value) {}
  SecondOrder(const T& value) requires(!std::same_as<T, double>) : value_(value) {}

  /// The variable of this number, from 0.
  static SecondOrder variable(const T& value, int number) {
    SecondOrder x(value);
    Derivatives& by = x.by_.emplace();
    by.first.fill(T(0.0));
    by.second.fill(T(0.0));
    by.first[static_cast<std::size_t>(number)] = T(1.0);
    return x;
  }

  const T& value() const { return value_; }
  T first(int i) const { return by_ ? by_->first[static_cast<std::size_t>(i)] : T(0.0); }
  T second(int i, int j) const { return by_ ? by_->second[i < j ? place(i, j) : place(j, i)] : T(0.0); }

  SecondOrder operator+() const { return *this; }
  SecondOrder operator-() const { return scaled(-value_, T(-1.0)); }
  SecondOrder& operator+=(const SecondOrder& b) { return *this = *this + b; }
  SecondOrder& operator-=(const SecondOrder& b) { return *this = *this - b; }
  SecondOrder& operator*=(const SecondOrder& b) { return *this = *this * b; }
  SecondOrder& operator/=(const SecondOrder& b) { return *this = *this / b; }

  using S = SecondOrder;
  friend S operator+(const S& a, const S& b) {
    if (!b.by_) return a.at(a.value_ + b.value_);
    if (!a.by_) return b.at(a.value_ + b.value_);
    S sum(a.value_ + b.value_);
    Derivatives& by = sum.by_.emplace();
    for (std::size_t i = 0; i < K; ++i) by.first[i] = a.by_->first[i] + b.by_->first[i];
    for (std::size_t i = 0; i < pairs; ++i) by.second[i] = a.by_->second[i] + b.by_->second[i];
    return sum;
  }
  friend S operator-(const S& a, const S& b) { return b.by_ ? a + -b : a.at(a.value_ - b.value_); }
  friend S operator*(const S& a, const S& b) {
    if (!b.by_) return a.scaled(a.value_ * b.value_, b.value_);
    if (!a.by_) return b.scaled(a.value_ * b.value_, a.value_);
    S product(a.value_ * b.value_);
    Derivatives& by = product.by_.emplace();
    const std::array<T, K>&da = a.by_->first, &db = b.by_->first;
    for (std::size_t i = 0; i < K; ++i) by.first[i] = a.value_ * db[i] + b.value_ * da[i];
    for (std::size_t j = 0, at = 0; j < K; ++j)
      for (std::size_t i = 0; i <= j; ++i, ++at)
        by.second[at] =
            a.value_ * b.by_->second[at] + b.value_ * a.by_->second[at] + (da[i] * db[j] + da[j] * db[i]);
    return product;
  }
  friend S operator/(const S& a, const S& b) {
    if (!b.by_) return a.scaled(a.value_ / b.value_, 1.0 / b.value_);
    const T inverse = 1.0 / b.value_, square = inverse * inverse;
    return a * b.chain(inverse, [&] { return Slopes(-square, 2.0 * square * inverse); });
  }

  friend std::partial_ordering operator<=>(const S& a, const S& b) { return a.value_ <=> b.value_; }
  friend bool operator==(const S& a, const S& b) { return a.value_ == b.value_; }
  friend bool isfinite(const S& x) {
    using std::isfinite;
    return isfinite(x.value_);
  }
  friend bool isnan(const S& x) {
    using std::isnan;
    return isnan(x.value_);
  }

  friend S abs(const S& x) { return x.value_ < 0.0 ? -x : x; }
  friend S fabs(const S& x) { return abs(x); }
  friend S sqrt(const S& x) {
    using std::sqrt;
    const T& v = x.value_;
    const T root = sqrt(v);
    return x.chain(root, [&] { return Slopes(0.5 / root, -0.25 / (root * v)); });
  }
  friend S cbrt(const S& x) {
    using std::cbrt;
    const T& v = x.value_;
    const T root = cbrt(v);
    return x.chain(root, [&] { return Slopes(root / (3.0 * v), -2.0 * root / (9.0 * v * v)); });
  }
  friend S exp(const S& x) {
    using std::exp;
    const T e = exp(x.value_);
    return x.chain(e, [&] { return Slopes(e, e); });
  }
  friend S expm1(const S& x) {
    using std::exp, std::expm1;
    return x.chain(expm1(x.value_), [&] {
      const T e = exp(x.value_);
      return Slopes(e, e);
    });
  }
  friend S log(const S& x) {
    using std::log;
    return x.logarithm(log(x.value_), x.value_, 1.0);
  }
  friend S log1p(const S& x) {
    using std::log1p;
    return x.logarithm(log1p(x.value_), 1.0 + x.value_, 1.0);
  }
  friend S log10(const S& x) {
    using std::log10;
    return x.logarithm(log10(x.value_), x.value_, std::numbers::log10e);
  }
  friend S sin(const S& x) {
    using std::cos, std::sin;
    const T s = sin(x.value_);
    return x.chain(s, [&] { return Slopes(cos(x.value_), -s); });
  }
  friend S cos(const S& x) {
    using std::cos, std::sin;
    const T c = cos(x.value_);
    return x.chain(c, [&] { return Slopes(-sin(x.value_), -c); });
  }
  friend S tan(const S& x) {
    using std::tan;
    const T t = tan(x.value_);
    return x.chain(t, [&] { return Slopes(1.0 + t * t, 2.0 * t * (1.0 + t * t)); });
  }
  friend S asin(const S& x) {
    using std::asin;
    return x.arc(
        asin(x.value_), [](const T& v) { return 1.0 - v * v; }, -1.0, 1.0);
  }
  friend S acos(const S& x) {
    using std::acos;
    return x.arc(
        acos(x.value_), [](const T& v) { return 1.0 - v * v; }, -1.0, -1.0);
  }
  friend S atan(const S& x) {
    using std::atan;
    return x.quotient(atan(x.value_), 1.0);
  }
  /// (x, y) not at the origin.
  friend S atan2(const S& y, const S& x) {
    using std::atan2, std::abs;
    const T angle = atan2(y.value_, x.value_);
    return abs(x.value_) > abs(y.value_) ? atan(y / x).at(angle) : (-atan(x / y)).at(angle);
  }
  friend S sinh(const S& x) {
    using std::cosh, std::sinh;
    const T s = sinh(x.value_);
    return x.chain(s, [&] { return Slopes(cosh(x.value_), s); });
  }
  friend S cosh(const S& x) {
    using std::cosh, std::sinh;
    const T c = cosh(x.value_);
    return x.chain(c, [&] { return Slopes(sinh(x.value_), c); });
  }
  friend S tanh(const S& x) {
    using std::tanh;
    const T t = tanh(x.value_);
    return x.chain(t, [&] { return Slopes(1.0 - t * t, -2.0 * t * (1.0 - t * t)); });
  }
  friend S asinh(const S& x) {
    using std::asinh;
    return x.arc(
        asinh(x.value_), [](const T& v) { return 1.0 + v * v; }, 1.0, 1.0);
  }
  friend S acosh(const S& x) {
    using std::acosh;
    return x.arc(
        acosh(x.value_), [](const T& v) { return v * v - 1.0; }, 1.0, 1.0);
  }
  friend S atanh(const S& x) {
    using std::atanh;
    return x.quotient(atanh(x.value_), -1.0);
  }
  friend S pow(const S& x, double y) {
    using std::pow;
    const T& v = x.value_;
    return x.chain(pow(v, y), [&] {
      const T none(0.0);
      return Slopes(y == 0.0 ? none : y * pow(v, y - 1.0),
                    y == 0.0 || y == 1.0 ? none : y * (y - 1.0) * pow(v, y - 2.0));
    });
  }
  friend S pow(const S& x, const S& y) {
    using std::log, std::pow;
    const T& v = x.value_;
    const T power = pow(v, y.value_);
    if (y.by_) return x.by_ ? exp(y * log(x)).at(power) : exp(y * log(v)).at(power);
    const T& n = y.value_;
    return x.chain(power, [&] { return Slopes(n * pow(v, n - 1.0), n * (n - 1.0) * pow(v, n - 2.0)); });
  }
  friend S pow(double x, const S& y) { return pow(S(x), y); }
  friend S erf(const S& x) {
    using std::erf;
    return x.bell(erf(x.value_), 1.0);
  }
  friend S erfc(const S& x) {
    using std::erfc;
    return x.bell(erfc(x.value_), -1.0);
  }
  /// x > 0.
  friend S lgamma(const S& x) {
    using special::digamma, special::trigamma;
    return x.chain(log_gamma(x.value_), [&] { return Slopes(digamma(x.value_), trigamma(x.value_)); });
  }

 private:
  static constexpr std::size_t pairs = K * (K + 1) / 2;
  struct Derivatives {
    std::array<T, K> first;
    std::array<T, pairs> second;  ///< upper triangle, column by column
  };
  /// First and second derivative of a function.
  using Slopes = std::pair<T, T>;

  static std::size_t place(int i, int j) { return static_cast<std::size_t>(j * (j + 1) / 2 + i); }
  static T log_gamma(const T& x) {
    if constexpr (std::same_as<T, double>) {
      return special::log_gamma(x);
    } else {
      return lgamma(x);
    }
  }

  /// These derivatives, with another value.
  S at(const T& value) const {
    S result(value);
    result.by_ = by_;
    return result;
  }
  S scaled(const T& value, const T& factor) const {
    S result(value);
    if (!by_) return result;
    Derivatives& by = result.by_.emplace();
    for (std::size_t i = 0; i < K; ++i) by.first[i] = factor * by_->first[i];
    for (std::size_t i = 0; i < pairs; ++i) by.second[i] = factor * by_->second[i];
    return result;
  }
  /// A function of this, by its value and its slopes. These are not asked for of a constant: on a tape an
  /// infinite one would make NaN of all derivatives, though nothing depends on it.
  template <class SlopesOf>
  S chain(const T& value, const SlopesOf& slopes) const {
    S result(value);
    if (!by_) return result;
    const auto [once, twice] = slopes();
    const std::array<T, K>& d = by_->first;
    Derivatives& by = result.by_.emplace();
    for (std::size_t i = 0; i < K; ++i) by.first[i] = once * d[i];
    for (std::size_t j = 0, at = 0; j < K; ++j)
      for (std::size_t i = 0; i <= j; ++i, ++at)
        by.second[at] = once * by_->second[at] + twice * (d[i] * d[j]);
    return result;
  }

  /// Of slope factor / x.
  S logarithm(const T& value, const T& x, double factor) const {
    return chain(value, [&] { return Slopes(factor / x, -factor / (x * x)); });
  }
  /// Of slope 1 / (1 + sign x^2).
  S quotient(const T& value, double sign) const {
    return chain(value, [&] {
      const T slope = 1.0 / (1.0 + sign * value_ * value_);
      return Slopes(slope, -2.0 * sign * value_ * slope * slope);
    });
  }
  /// Of slope factor / sqrt(r), r a square plus `sign` x^2.
  template <class Radicand>
  S arc(const T& value, const Radicand& r, double sign, double factor) const {
    return chain(value, [&] {
      using std::sqrt;
      const T radicand = r(value_), slope = factor / sqrt(radicand);
      return Slopes(slope, -sign * value_ * slope / radicand);
    });
  }
  /// Of slope factor 2 / sqrt(pi) exp(-x^2).
  S bell(const T& value, double factor) const {
    return chain(value, [&] {
      using std::exp;
      const T slope = 2.0 * factor * std::numbers::inv_sqrtpi * exp(-value_ * value_);
      return Slopes(slope, -2.0 * value_ * slope);
    });
  }

  T value_;
  std::optional<Derivatives> by_;  ///< none of a constant
};

}  // namespace vfe

template <class T, int K>
struct Eigen::NumTraits<vfe::SecondOrder<T, K>> : Eigen::NumTraits<double> {
  using Real = vfe::SecondOrder<T, K>;
  using NonInteger = vfe::SecondOrder<T, K>;
  using Nested = vfe::SecondOrder<T, K>;
  using Literal = double;
  enum { RequireInitialization = 1, ReadCost = K * K, AddCost = 8 * K * K, MulCost = 16 * K * K };
};

/// Products of matrices of plain numbers with vectors of these, and the other way round.
template <class T, int K, class Operation>
struct Eigen::ScalarBinaryOpTraits<vfe::SecondOrder<T, K>, double, Operation> {
  using ReturnType = vfe::SecondOrder<T, K>;
};
template <class T, int K, class Operation>
struct Eigen::ScalarBinaryOpTraits<double, vfe::SecondOrder<T, K>, Operation> {
  using ReturnType = vfe::SecondOrder<T, K>;
};
