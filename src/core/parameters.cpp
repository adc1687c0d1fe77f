#include "vfe/core/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "core/transform.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr std::array<std::pair<Transform, const char*>, 6> transform_names = {{
    {Transform::identity, "identity"},
    {Transform::positive, "positive"},
    {Transform::bounded, "bounded"},
    {Transform::simplex, "simplex"},
    {Transform::ordered, "ordered"},
    {Transform::correlation_cholesky, "correlation_cholesky"},
}};

Index product(const std::vector<Dimension>& dimensions) {
  Index n = 1;
  for (const Dimension& dimension : dimensions) n *= dimension.size;
  return n;
}

// A parameter is `count` equal pieces, each transformed by itself: scalars, last axes, or last two axes.
struct Pieces {
  Index count, constrained, unconstrained;  // sizes of a piece
};

Pieces pieces(const Parameter& parameter) {
  const Index total = product(parameter.dimensions);
  const Index last = parameter.dimensions.empty() ? 1 : parameter.dimensions.back().size;
  switch (parameter.transform) {
    case Transform::simplex:
      return {total / last, last, last - 1};
    case Transform::ordered:
      return {total / last, last, last};
    case Transform::correlation_cholesky:
      return {total / (last * last), last * last, last * (last - 1) / 2};
    default:
      return {total, 1, 1};
  }
}

// Where in its piece the value stands whose name unconstrained coordinate i of the piece borrows.
Index namesake(const Parameter& parameter, Index i) {
  if (parameter.transform != Transform::correlation_cholesky) return i;
  const Index size = parameter.dimensions.back().size;
  Index row = 1;
  while (i >= row) i -= row++;
  return row * size + i;
}

void check(const Parameter& parameter) {
  const auto fail = [&](const std::string& found) {
    throw Error(Fault::config, fmt::format("parameter \"{}\": {}", parameter.name, found));
  };
  if (parameter.name.empty()) fail("a parameter needs a name");
  for (const Dimension& axis : parameter.dimensions) {
    if (axis.size < 1) fail(fmt::format("axis \"{}\" is empty", axis.name));
    if (!axis.labels.empty() && static_cast<Index>(axis.labels.size()) != axis.size) {
      fail(fmt::format("axis \"{}\" has {} entries and {} labels", axis.name, axis.size, axis.labels.size()));
    }
  }
  const std::size_t axes = parameter.dimensions.size();
  switch (parameter.transform) {
    case Transform::identity:
      break;
    case Transform::positive:
      if (!std::isfinite(parameter.lower)) fail("the lower bound is not finite");
      break;
    case Transform::bounded:
      if (!(parameter.lower < parameter.upper) || !std::isfinite(parameter.upper - parameter.lower)) {
        fail(fmt::format("bounds {} and {} are not an interval", parameter.lower, parameter.upper));
      }
      break;
    case Transform::simplex:
    case Transform::ordered:
      if (axes < 1) fail(to_string(parameter.transform) + " needs an axis");
      break;
    case Transform::correlation_cholesky:
      if (axes < 2 || parameter.dimensions[axes - 1].size != parameter.dimensions[axes - 2].size) {
        fail("correlation_cholesky needs two last axes of one size");
      }
      break;
  }
}

// The parameter that a coordinate belongs to: the last that begins at or before it (those of no size share
// their beginning with the next).
std::size_t owner(const std::vector<Index>& begin, Index coordinate) {
  return static_cast<std::size_t>(std::upper_bound(begin.begin(), begin.end(), coordinate) - begin.begin()) -
         1;
}

}  // namespace

std::string to_string(Transform transform) {
  for (const auto& [value, name] : transform_names) {
    if (value == transform) return name;
  }
  throw Error(Fault::bug, fmt::format("transform number {} has no name", static_cast<int>(transform)));
}

Transform transform_from_string(const std::string& name) {
  std::string known;
  for (const auto& [value, text] : transform_names) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  throw Error(Fault::config, fmt::format("transform \"{}\" is unknown: expected one of {}", name, known));
}

Index Parameter::num_constrained() const {
  return product(dimensions);
}

Index Parameter::num_unconstrained() const {
  const Pieces part = pieces(*this);
  return part.count * part.unconstrained;
}

Parameters::Parameters(std::vector<Parameter> list) : list_(std::move(list)) {
  std::set<std::string> names;
  for (const Parameter& parameter : list_) {
    check(parameter);
    if (!names.insert(parameter.name).second) {
      throw Error(Fault::config, fmt::format("parameter \"{}\" is named twice", parameter.name));
    }
    theta_begin_.push_back(num_unconstrained_);
    value_begin_.push_back(num_constrained_);
    num_unconstrained_ += parameter.num_unconstrained();
    num_constrained_ += parameter.num_constrained();
  }
}

const Parameter& Parameters::at(const std::string& name) const {
  for (const Parameter& parameter : list_) {
    if (parameter.name == name) return parameter;
  }
  throw Error(Fault::bug, fmt::format("there is no parameter \"{}\"", name));
}

std::string Parameters::unconstrained_name(Index coordinate) const {
  const std::size_t p = owner(theta_begin_, coordinate);
  const Pieces part = pieces(list_[p]);
  const Index within = coordinate - theta_begin_[p];
  return entry_name(list_[p], within / part.unconstrained * part.constrained +
                                  namesake(list_[p], within % part.unconstrained));
}

std::string Parameters::constrained_name(Index coordinate) const {
  const std::size_t p = owner(value_begin_, coordinate);
  return entry_name(list_[p], coordinate - value_begin_[p]);
}

Index num_constrained(const std::vector<Parameter>& list) {
  Index total = 0;
  for (const Parameter& parameter : list) total += parameter.num_constrained();
  return total;
}

std::string entry_name(const Parameter& parameter, Index entry) {
  if (parameter.dimensions.empty()) return parameter.name;
  std::string subscripts;
  for (auto axis = parameter.dimensions.rbegin(); axis != parameter.dimensions.rend(); ++axis) {
    const Index i = entry % axis->size;
    entry /= axis->size;
    const std::string label =
        axis->labels.empty() ? std::to_string(i) : axis->labels[static_cast<std::size_t>(i)];
    subscripts = subscripts.empty() ? label : label + "," + subscripts;
  }
  return parameter.name + "[" + subscripts + "]";
}

std::string entry_name(const std::vector<Parameter>& list, Index entry) {
  auto parameter = list.begin();
  for (; entry >= parameter->num_constrained(); ++parameter) entry -= parameter->num_constrained();
  return entry_name(*parameter, entry);
}

double Parameters::constrain(ConstVec theta, Vec constrained) const {
  double log_jacobian = 0.0;
  for (std::size_t p = 0; p < list_.size(); ++p) {
    const Pieces part = pieces(list_[p]);
    for (Index k = 0; k < part.count; ++k) {
      log_jacobian += transform::constrain(
          list_[p], theta.segment(theta_begin_[p] + k * part.unconstrained, part.unconstrained),
          constrained.segment(value_begin_[p] + k * part.constrained, part.constrained));
    }
  }
  return log_jacobian;
}

void Parameters::pull_back(ConstVec theta, ConstVec grad_constrained, Vec grad_theta) const {
  for (std::size_t p = 0; p < list_.size(); ++p) {
    const Pieces part = pieces(list_[p]);
    for (Index k = 0; k < part.count; ++k) {
      const Index first = theta_begin_[p] + k * part.unconstrained;
      transform::pull_back(list_[p], theta.segment(first, part.unconstrained),
                           grad_constrained.segment(value_begin_[p] + k * part.constrained, part.constrained),
                           grad_theta.segment(first, part.unconstrained));
    }
  }
}

Vector Parameters::unconstrain(ConstVec constrained) const {
  Vector theta(num_unconstrained_);
  for (std::size_t p = 0; p < list_.size(); ++p) {
    const Pieces part = pieces(list_[p]);
    for (Index k = 0; k < part.count; ++k) {
      transform::unconstrain(list_[p],
                             constrained.segment(value_begin_[p] + k * part.constrained, part.constrained),
                             theta.segment(theta_begin_[p] + k * part.unconstrained, part.unconstrained));
    }
  }
  return theta;
}

Vector Parameters::draw_over_domain(const Address& at, double radius) const {
  Vector theta(num_unconstrained_);
  for (Index i = 0; i < theta.size(); ++i) theta(i) = uniform(at, static_cast<std::uint32_t>(i));
  for (std::size_t p = 0; p < list_.size(); ++p) {
    const Pieces part = pieces(list_[p]);
    for (Index k = 0; k < part.count; ++k) {
      transform::spread(list_[p], radius,
                        theta.segment(theta_begin_[p] + k * part.unconstrained, part.unconstrained));
    }
  }
  return theta;
}

}  // namespace vfe
