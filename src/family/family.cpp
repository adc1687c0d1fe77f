#include "vfe/family/family.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "family/gaussian.hpp"
#include "vfe/core/error.hpp"

namespace vfe {

std::string normal_family(ConstVec lambda, Index d) {
  return lambda.size() == 2 * d ? "mean_field" : "full_rank";
}

Affine normal_map(ConstVec lambda, Index d) {
  if (lambda.size() == 2 * d) return {lambda.head(d), finite_exp(lambda.tail(d))};
  if (lambda.size() != 2 * d + d * (d - 1) / 2) {
    throw Error(Fault::bug,
                fmt::format("reading a normal q: found {} numbers for {} dimensions, expected {} or {}",
                            lambda.size(), d, 2 * d, 2 * d + d * (d - 1) / 2));
  }
  Affine map{lambda.head(d), Matrix::Zero(d, d)};
  map.scale.diagonal() = finite_exp(lambda.segment(d, d));
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

Vector Family::init_at(const std::vector<Affine>& normals, ConstVec) const {
  return push_forward(init(Vector::Zero(size()), 1.0), normals.at(0));
}

Vector Family::weights(ConstVec) const {
  return Vector::Ones(1);
}

void Family::pull_back_weights(ConstVec, ConstVec, Vec) const {}

void Family::transform_component(Index, ConstVec lambda, ConstMat noise, Mat theta) const {
  transform(lambda, noise, theta);
}

void Family::pull_back_component(Index, ConstVec lambda, ConstMat noise, ConstMat grad_theta,
                                 Vec grad_lambda) const {
  pull_back(lambda, noise, grad_theta, grad_lambda);
}

std::unique_ptr<Family> make_family(const FamilyOptions& options, Index d) {
  const auto at_least_one = [](const char* key, Index found) {
    if (found >= 1) return found;
    throw Error(Fault::config, fmt::format("[family] {}: found {}, expected a number from 1 on", key, found));
  };
  if (options.type == "mean_field") return mean_field(d);
  if (options.type == "full_rank") return full_rank(d);
  if (options.type == "low_rank") return low_rank(d, std::min(at_least_one("rank", options.rank), d));
  if (options.type == "mixture") {
    return mixture(d, at_least_one("components", options.components), options.component);
  }
  if (options.type == "flow") return flow(d);
  if (options.type == "coupling") return coupling(d, std::min(at_least_one("rank", options.rank), d));
  throw Error(Fault::config, fmt::format("[family] type: found \"{}\", expected mean_field, low_rank, "
                                         "full_rank, mixture, flow or coupling",
                                         options.type));
}

std::unique_ptr<Family> make_family(const std::string& type, Index d, Index rank) {
  return make_family({.type = type, .rank = rank}, d);
}

}  // namespace vfe
