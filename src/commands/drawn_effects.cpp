#include "commands/drawn_effects.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <cstring>
#include <utility>

#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/run/posterior.hpp"

namespace vfe {
namespace {

const Variable* find_variable(const ResultFile& file, const std::string& group, const std::string& name) {
  for (const Group& of : file.groups) {
    if (of.name != group) continue;
    for (const Variable& variable : of.variables)
      if (variable.name == name) return &variable;
  }
  return nullptr;
}

}  // namespace

DrawnEffects::DrawnEffects(const Mixed& model, const GroupEffects& effects, std::size_t grouping,
                           const ChosenDraws& draws)
    : model_(model), effects_(effects), grouping_(grouping), draws_(draws) {
  for (Index s = 0; s < num_draws(); ++s)
    factors_.push_back(model.effects_factor(grouping, draws.theta.col(s)));
}

void DrawnEffects::take_known(const SavedFit& saved) {
  const std::vector<Grouping> of_parameters = model_.parameter_groupings();
  for (std::size_t which = 0; which < of_parameters.size(); ++which)
    if (of_parameters[which].name == effects_.name) return take_parameters(which);
  const std::string name = "r_" + effects_.name;
  drawn_ = find_variable(saved.file, "posterior", name);
  if (drawn_ == nullptr) {
    mean_ = find_variable(saved.file, "group_effects", name + "_mean");
    sd_ = find_variable(saved.file, "group_effects", name + "_sd");
  }
  if (drawn_ == nullptr && (mean_ == nullptr || sd_ == nullptr)) {
    throw Error(
        Fault::usage,
        fmt::format("the result holds no effects of the groups {} (with output.group_effects = \"none\", "
                    "or of groups that others are nested in), expected --groups exclude or new",
                    effects_.name));
  }
  const Variable& first = drawn_ != nullptr ? *drawn_ : *mean_;
  if (first.dimensions.size() < 2) expect_shape(first, {});
  const Dimension& groups = first.dimensions[first.dimensions.size() - 2];
  if (drawn_ != nullptr) {
    const Variable& sds = saved.file.variable("posterior", "sd_" + effects_.name);
    expect_shape(*drawn_, {sds.dimensions[0].size, sds.dimensions[1].size, groups.size, size()});
  } else {
    expect_shape(*mean_, {groups.size, size()});
    expect_shape(*sd_, {groups.size, size()});
  }
  places_.reserve(groups.labels.size());
  for (const std::string& label : groups.labels) places_.emplace(label, std::ssize(places_));
  if (std::ssize(places_) == groups.size) return;
  throw Error(Fault::data, fmt::format("variable {}: found {} groups of {} different names", first.name,
                                       groups.size, places_.size()));
}

void DrawnEffects::take_parameters(std::size_t which) {
  names_of_parameters_ = model_.parameter_groupings()[which];
  for (const std::string& name : names_of_parameters_.groups) places_.emplace(name, std::ssize(places_));
  for (Index s = 0; s < num_draws(); ++s)
    parameters_.push_back(model_.parameter_effects(which, draws_.theta.col(s)));
}

void DrawnEffects::expect_shape(const Variable& variable, std::vector<Index> expected) const {
  std::vector<Index> found;
  for (const Dimension& dimension : variable.dimensions) found.push_back(dimension.size);
  if (!expected.empty() && found == expected) return;
  throw Error(Fault::data, fmt::format("variable {}: found {} values, expected {}", variable.name,
                                       fmt::join(found, " x "), fmt::join(expected, " x ")));
}

std::uint64_t DrawnEffects::hash(const std::string& name) const {
  const std::string whole = effects_.name + '\n' + name;
  return XXH3_64bits(whole.data(), whole.size());
}

Matrix DrawnEffects::standard_normals(const std::string& name) const {
  const std::uint64_t group = hash(name);
  Matrix z(size(), num_draws());
  fill_normal({.seed = draws_.seed,
               .purpose = Purpose::predict_groups,
               .step = static_cast<std::uint32_t>(group),
               .block = static_cast<std::uint32_t>(group >> 32U)},
              z);
  return z;
}

Matrix DrawnEffects::of_new(const std::string& name) const {
  Matrix effects = standard_normals(name);
  for (Index s = 0; s < num_draws(); ++s)
    effects.col(s) = (factors_[static_cast<std::size_t>(s)] * effects.col(s)).eval();
  return effects;
}

Matrix DrawnEffects::of_known(Index place, const std::string& name) const {
  const auto at = [&](const Variable& variable, Index group) {
    return Eigen::Map<const Vector>(variable.values.data() + group * size(), size());
  };
  Matrix effects(size(), num_draws());
  if (mean_ != nullptr) {
    effects = standard_normals(name).array().colwise() * at(*sd_, place).array();
    return effects.colwise() + at(*mean_, place);
  }
  const Index groups = std::ssize(places_);
  for (Index s = 0; s < num_draws(); ++s) {
    const auto k = static_cast<std::size_t>(s);
    if (drawn_ != nullptr) {
      effects.col(s) = at(*drawn_, draws_.places[k] * groups + place);
    } else {
      effects.col(s) = parameters_[k].col(place);
    }
  }
  return effects;
}

void DrawnEffects::add_to(Mat offset, ConstMat numbers, std::span<const std::string> names) {
  std::unordered_map<std::string_view, Matrix> of_names;
  for (Index row = 0; row < offset.rows(); ++row) {
    const std::string& name = names[static_cast<std::size_t>(row)];
    const auto known = places_.find(name);
    const auto [found, is_first] = of_names.try_emplace(name);
    if (is_first) found->second = known == places_.end() ? of_new(name) : of_known(known->second, name);
    offset.row(row) += numbers.row(row) * found->second;
    if (known != places_.end() || places_.empty()) continue;
    ++new_rows_;
    if (is_first) new_groups_.insert(hash(name));
  }
}

std::string DrawnEffects::describe_new(const Communicator& comm) const {
  std::string bytes;
  for (const std::uint64_t group : new_groups_) {
    bytes.append(reinterpret_cast<const char*>(&group), sizeof(group));
  }
  std::int64_t rows = new_rows_;
  comm.sum({&rows, 1});
  std::unordered_set<std::uint64_t> all;
  for (const std::string& piece : comm.gather(bytes)) {
    for (std::size_t at = 0; at < piece.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t group = 0;
      std::memcpy(&group, piece.data() + at, sizeof(group));
      all.insert(group);
    }
  }
  if (all.empty()) return "";
  return fmt::format("{} of {} ({})", all.size(), effects_.name, counted(rows, "row"));
}

}  // namespace vfe
