#pragma once
#include <memory>
#include <vector>

#include "model/design_products.hpp"
#include "model/glm_response.hpp"
#include "model/mixed_layout.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {

/// A block as the model takes it: its rows by group, and beside them what kernels take, padded with rows of
/// weight 0.
struct GroupedRows {
  PreparedRows rows;
  Index padded = 0;
  Vector y, beside, weight, offset;
  Vector data_terms;         ///< of each group: what of its log density depends on data alone
  std::vector<Index> first;  ///< row of each group; then the number of rows
  std::vector<Index> outer;  ///< group of each outer group; then the number of groups; nothing without these
  Matrix numbers;            ///< rows x effects that are integrated

  Index groups() const { return std::ssize(first) - 1; }
  BlockRange rows_of(Index group) const {
    return {first[static_cast<std::size_t>(group)], first[static_cast<std::size_t>(group) + 1]};
  }
};

struct Mixed::Impl {
  GlmOptions options;
  DesignSchema schema;
  Glm fixed;  ///< without effects and rows: priors, starts and quantities of its parameters
  GlmLayout fixed_layout;
  MixedLayout layout;
  Parameters parameters;
  std::vector<Parameter> quantities;
  DesignProducts products;
  Index first_block = 0;
  std::vector<GroupedRows> blocks;

  Impl(const GlmOptions& options, std::shared_ptr<const RowSource> rows);

  const EffectsLayout& integrated() const { return layout.groupings[layout.integrated]; }
  const EffectsLayout* outer() const { return layout.outer ? &layout.groupings[*layout.outer] : nullptr; }
  Index num_outer() const { return layout.outer ? outer()->size : 0; }
  Index num_latents() const { return num_outer() + integrated().size; }
  /// Of the latents, those of the outer grouping first.
  Matrix factor(ConstVec theta) const;
  const GroupedRows& block(Index block) const { return blocks[static_cast<std::size_t>(block)]; }
  GroupedRows prepared(Rows raw) const;
  /// Linear predictors of the rows without the effects that are integrated; 0 of those beyond the last.
  Vector predictor(const GroupedRows& block, ConstVec theta) const;
  /// Adds the gradient by theta, given that by these.
  void pull_back(const GroupedRows& block, ConstVec theta, ConstVec residual, Vec grad) const;
};

}  // namespace vfe
