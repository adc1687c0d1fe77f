#include "data/simulated_effects.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>

#include "data/simulated_steps.hpp"
#include "vfe/core/random.hpp"

namespace vfe {

SimulatedEffects::SimulatedEffects(const DesignSchema& schema, const std::map<std::string, Index>& levels,
                                   double scale, std::uint64_t seed)
    : seed_(seed) {
  constexpr double correlation = 0.3;
  for (const GroupEffects& of : schema.effects) {
    Grouping grouping{of, {}, {}, {}};
    for (const Index key : of.keys) {
      const GroupKey& name = schema.keys[static_cast<std::size_t>(key)];
      grouping.counts.push_back(levels.at(name.name));
      grouping.least.push_back(name.num_levels > 0 ? 0 : 1);
    }
    Vector sds = Vector::Constant(of.size(), 0.5 * scale);
    if (of.has_intercept) sds[0] = scale;
    Matrix correlations = Matrix::Identity(of.size(), of.size());
    if (of.correlated) {
      correlations.setConstant(correlation);
      correlations.diagonal().setOnes();
    }
    grouping.factor = sds.asDiagonal() * correlations.llt().matrixL().toDenseMatrix();
    groupings_.push_back(std::move(grouping));

    const auto column = [&](Index j) { return of.columns[static_cast<std::size_t>(j)].name; };
    for (Index j = 0; j < of.size(); ++j) {
      names_.push_back(fmt::format("sd_{}[{}]", of.name, column(j)));
      truth_.push_back(sds[j]);
    }
    for (Index k = 1; k < of.size() && of.correlated; ++k) {  // in the order of the model
      for (Index j = 0; j < k; ++j) {
        names_.push_back(fmt::format("cor_{}[{},{}]", of.name, column(j), column(k)));
        truth_.push_back(correlation);
      }
    }
  }
}

void SimulatedEffects::add_to(Rows& rows) const {
  if (groupings_.empty()) return;
  const Index num_rows = rows.effects.rows();
  if (rows.offset.size() == 0) rows.offset.setZero(num_rows);
  for (std::size_t g = 0; g < groupings_.size(); ++g) {
    const Grouping& grouping = groupings_[g];
    const Index size = grouping.of.size();
    Address at{
        .seed = seed_, .purpose = Purpose::simulate, .step = effects_step + static_cast<std::uint32_t>(g)};
    Vector noise(size), effects;
    std::uint64_t drawn = 0;
    for (Index row = 0; row < num_rows; ++row) {
      std::uint64_t group = 0;
      for (std::size_t k = 0; k < grouping.counts.size(); ++k)
        group = group * static_cast<std::uint64_t>(grouping.counts[k]) +
                static_cast<std::uint64_t>(rows.groups(row, grouping.of.keys[k]) - grouping.least[k]);
      if (effects.size() == 0 || group != drawn) {  // a run of rows has the same
        at.draw = static_cast<std::uint32_t>(group);
        at.block = static_cast<std::uint32_t>(group >> 32);
        for (Index j = 0; j < size; ++j) noise[j] = normal(at, static_cast<std::uint32_t>(j));
        effects = grouping.factor * noise;
        drawn = group;
      }
      rows.offset[row] += rows.effects.row(row).segment(grouping.of.first_column, size).dot(effects);
    }
  }
}

}  // namespace vfe
