#include "vfe/family/family.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vfe/core/error.hpp"

namespace vfe {

std::string normal_family(ConstVec lambda, Index d) {
  return lambda.size() == 2 * d ? "mean_field" : "full_rank";
}

Affine normal_map(ConstVec lambda, Index d) {
  if (lambda.size() == 2 * d) return {lambda.head(d), lambda.tail(d).array().exp().matrix()};
  if (lambda.size() != 2 * d + d * (d - 1) / 2) {
    throw Error(Fault::bug,
                fmt::format("reading a normal q: found {} numbers for {} dimensions, expected {} or {}",
                            lambda.size(), d, 2 * d, 2 * d + d * (d - 1) / 2));
  }
  Affine map{lambda.head(d), Matrix::Zero(d, d)};
  map.scale.diagonal() = lambda.segment(d, d).array().exp();
  Index next = 2 * d;
  for (Index j = 0; j + 1 < d; ++j) {
    map.scale.col(j).tail(d - 1 - j) = lambda.segment(next, d - 1 - j);
    next += d - 1 - j;
  }
  return map;
}

Vector normal_lambda(const Affine& map) {
  const auto family = map.diagonal() ? mean_field(map.size()) : full_rank(map.size());
  return family->push_forward(family->init(Vector::Zero(map.size()), 1.0), map);
}

std::unique_ptr<Family> make_family(const std::string& name, Index d, Index rank) {
  if (name == "mean_field") return mean_field(d);
  if (name == "full_rank") return full_rank(d);
  if (name == "low_rank") {
    if (rank < 1) {
      throw Error(Fault::config, fmt::format("[family] rank: found {}, expected a number from 1 on", rank));
    }
    return low_rank(d, std::min(rank, d));
  }
  throw Error(Fault::config,
              fmt::format("[family] type: found \"{}\", expected mean_field, low_rank or full_rank", name));
}

}  // namespace vfe
