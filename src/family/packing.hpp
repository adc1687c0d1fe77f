#pragma once
#include <fmt/format.h>

#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/family/affine.hpp"

namespace vfe {

/// Writes numbers one behind another, and gives them as one vector.
class FlatWriter {
 public:
  void add(double number) { numbers_.push_back(number); }
  void add_count(Index count) { add(static_cast<double>(count)); }
  void add(ConstMat values) {
    for (Index j = 0; j < values.cols(); ++j) {
      for (Index i = 0; i < values.rows(); ++i) add(values(i, j));
    }
  }
  void add(const Affine& map) {
    add_count(map.size());
    add_count(map.scale.cols());
    add(map.shift);
    add(map.scale);
  }
  Vector take() const {
    return Eigen::Map<const Vector>(numbers_.data(), static_cast<Index>(numbers_.size()));
  }

 private:
  std::vector<double> numbers_;
};

/// Reads what FlatWriter wrote. Throws Fault::checkpoint where that has an end too early, or is longer than
/// what was read.
class FlatReader {
 public:
  FlatReader(ConstVec numbers, const char* what) : numbers_(numbers), what_(what) {}
  double number() { return vector(1)(0); }
  Index count() {
    const double found = number();
    if (!(found >= 0.0 && found <= 1e9)) fail(fmt::format("found a count of {}", found));
    return static_cast<Index>(found);
  }
  Vector vector(Index n) {
    if (n > numbers_.size() - next_) {
      fail(fmt::format("found {} numbers, expected {} or more", numbers_.size(), next_ + n));
    }
    next_ += n;
    return numbers_.segment(next_ - n, n);
  }
  Affine affine() {
    const Index d = count(), columns = count();
    Affine map;
    map.shift = vector(d);
    map.scale = vector(d * columns).reshaped(d, columns);
    return map;
  }
  void expect_end() const {
    if (next_ != numbers_.size()) fail(fmt::format("found {} numbers, expected {}", numbers_.size(), next_));
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw Error(Fault::checkpoint, fmt::format("unpacking a {}: {}", what_, found));
  }

  Vector numbers_;
  const char* what_;
  Index next_ = 0;
};

}  // namespace vfe
