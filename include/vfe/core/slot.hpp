#pragma once
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "vfe/core/types.hpp"

namespace vfe {

/// A place in the memory of a State: its name and, by its type, what lies there.
template <class T>
struct Slot {
  std::string name;
};

/// How a T is written as one matrix, and read back.
template <class T>
struct Packing;

template <>
struct Packing<Matrix> {
  static Matrix pack(Matrix value) { return value; }
  static const Matrix& unpack(const Matrix& written) { return written; }
};

template <>
struct Packing<Vector> {
  static Matrix pack(const Vector& value) { return value; }
  static Vector unpack(const Matrix& written) { return written.reshaped(); }
};

template <class T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T>
struct Packing<T> {
  static Matrix pack(T value) { return Matrix::Constant(1, 1, static_cast<double>(value)); }
  static T unpack(const Matrix& written) { return from_number(written(0, 0)); }
  static T from_number(double number) {
    if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(static_cast<std::underlying_type_t<T>>(number));
    } else {
      return static_cast<T>(number);
    }
  }
};

/// A struct of numbers that shows them: `static void each(auto& self, const auto& visit)` calls visit(field)
/// for each, in an order that is always the same. It is written as a row.
template <class T>
concept Numbers = requires(T value) {
  T::each(value, [](auto&) {});
};

template <Numbers T>
struct Packing<T> {
  static Matrix pack(const T& value) {
    Index count = 0, k = 0;
    T::each(value, [&](const auto&) { ++count; });
    Matrix row(1, count);
    T::each(value, [&](const auto& field) { row(0, k++) = static_cast<double>(field); });
    return row;
  }
  static T unpack(const Matrix& written) {
    T value;
    Index k = 0;
    T::each(value, [&](auto& field) {
      field = Packing<std::remove_cvref_t<decltype(field)>>::from_number(written(0, k++));
    });
    return value;
  }
};

/// What packs itself: pack(), and a constructor from what that returns.
template <class T>
concept PacksItself = !std::derived_from<T, Eigen::MatrixBase<T>> && requires(const T& value) {
  { value.pack() } -> std::convertible_to<Matrix>;
  T(value.pack());
};

template <PacksItself T>
struct Packing<T> {
  static Matrix pack(const T& value) { return value.pack(); }
  static T unpack(const Matrix& written) {
    if constexpr (std::is_same_v<decltype(std::declval<const T&>().pack()), Vector>) {
      return T(written.col(0));
    } else {
      return T(written);
    }
  }
};

}  // namespace vfe
