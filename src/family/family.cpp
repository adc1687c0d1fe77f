#include "vfe/family/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

const std::vector<FamilyKind>& family_kinds() {
  using Options = const FamilyOptions&;
  static const std::vector<FamilyKind> kinds{
      {"mean_field", false, false, [](Options, Index d) { return mean_field(d); }},
      {"low_rank", true, false, [](Options o, Index d) { return low_rank(d, std::min(o.rank, d)); }},
      {"full_rank", false, false, [](Options, Index d) { return full_rank(d); }},
      {"mixture", false, true, [](Options o, Index d) { return mixture(d, o.components, o.component); }},
      {"flow", false, false, [](Options, Index d) { return flow(d); }},
      {"coupling", true, false, [](Options o, Index d) { return coupling(d, std::min(o.rank, d)); }},
  };
  return kinds;
}

const FamilyKind& family_kind(const std::string& name) {
  const auto& kinds = family_kinds();
  const auto found = std::ranges::find(kinds, name, &FamilyKind::name);
  if (found != kinds.end()) return *found;
  std::vector<std::string> names;
  for (const FamilyKind& kind : kinds) names.push_back(kind.name);
  const std::string last = names.back();
  names.pop_back();
  throw Error(Fault::config, fmt::format("[family] type: found \"{}\", expected {} or {}", name,
                                         fmt::join(names, ", "), last));
}

std::unique_ptr<Family> make_family(const FamilyOptions& options, Index d) {
  const FamilyKind& kind = family_kind(options.type);
  const auto require = [](bool taken, const char* key, Index found) {
    if (!taken || found >= 1) return;
    throw Error(Fault::config, fmt::format("[family] {}: found {}, expected a number from 1 on", key, found));
  };
  require(kind.takes_rank, "rank", options.rank);
  require(kind.takes_components, "components", options.components);
  return kind.make(options, d);
}

std::unique_ptr<Family> make_family(const std::string& type, Index d, Index rank) {
  return make_family({.type = type, .rank = rank}, d);
}

}  // namespace vfe
