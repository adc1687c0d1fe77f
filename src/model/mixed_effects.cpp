// The effects of groups of a Mixed, as users see them.
#include <fmt/format.h>

#include "model/mixed_impl.hpp"

namespace vfe {
namespace {

Grouping grouping_of(const GroupEffects& effects, const DesignSchema& schema) {
  Grouping grouping{.name = effects.name};
  for (const Index key : effects.keys)
    grouping.keys.push_back(schema.keys[static_cast<std::size_t>(key)].name);
  for (const Column& column : effects.columns) grouping.effects.push_back(column.name);
  return grouping;
}

/// Those whose effects are parameters.
std::vector<const EffectsLayout*> parameters_of(const MixedLayout& layout) {
  std::vector<const EffectsLayout*> of;
  for (const EffectsLayout& grouping : layout.groupings)
    if (grouping.is_parameter()) of.push_back(&grouping);
  return of;
}

}  // namespace

Grouping Mixed::grouping() const {
  return grouping_of(*impl_->integrated().effects, impl_->schema);
}

Matrix Mixed::effects_of_latents(ConstVec theta) const {
  Matrix factor = Matrix::Zero(impl_->integrated().size, impl_->num_latents());
  factor.rightCols(factor.rows()) = effects_factor(impl_->layout.integrated, theta);
  return factor;
}

Matrix Mixed::effects_factor(std::size_t grouping, ConstVec theta) const {
  const EffectsLayout& of = impl_->layout.groupings[grouping];
  return original_factor(*of.effects, of.factor(theta), impl_->fixed_layout.response_scale);
}

GroupCodes Mixed::group_codes(Index block) const {
  const GroupedRows& of = impl_->block(block);
  const std::vector<Index>& keys = impl_->integrated().effects->keys;
  GroupCodes codes(of.groups(), std::ssize(keys));
  for (Index g = 0; g < codes.rows(); ++g)
    for (Index k = 0; k < codes.cols(); ++k)
      codes(g, k) = of.rows.groups(of.rows_of(g).first, keys[static_cast<std::size_t>(k)]);
  return codes;
}

std::vector<Index> Mixed::group_rows(Index block) const {
  const GroupedRows& of = impl_->block(block);
  std::vector<Index> rows;
  for (Index g = 0; g < of.groups(); ++g) rows.push_back(of.rows_of(g).size());
  return rows;
}

std::vector<Grouping> Mixed::parameter_groupings() const {
  std::vector<Grouping> groupings;
  for (const EffectsLayout* layout : parameters_of(impl_->layout)) {
    groupings.push_back(grouping_of(*layout->effects, impl_->schema));
    std::vector<std::string>& names = groupings.back().groups;
    names = impl_->schema.keys[static_cast<std::size_t>(layout->effects->keys.front())].levels;
    for (Index level = std::ssize(names); level < layout->levels; ++level)
      names.push_back(fmt::format("{}", level));
  }
  return groupings;
}

Matrix Mixed::parameter_effects(std::size_t grouping, ConstVec theta) const {
  const EffectsLayout& layout = *parameters_of(impl_->layout)[grouping];
  return original_factor(*layout.effects, layout.effects_at(theta), impl_->fixed_layout.response_scale);
}

void Mixed::count_parameter_rows(std::size_t grouping, Index block, std::vector<std::int64_t>& rows) const {
  const Index key = parameters_of(impl_->layout)[grouping]->effects->keys.front();
  const auto& codes = impl_->block(block).rows.groups;
  for (Index i = 0; i < codes.rows(); ++i) ++rows[static_cast<std::size_t>(codes(i, key))];
}

}  // namespace vfe
