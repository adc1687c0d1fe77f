#include "data/simulated_effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vfe {
namespace {

using testing::ElementsAre;

const std::map<std::string, Index> levels = {{"g", 30000}, {"h", 4}};

/// Effects of g (whole numbers), 1 + x, and of g:h (h is a factor), 0 + x + z.
DesignSchema schema(bool correlated) {
  DesignSchema schema;
  schema.keys = {{"h", 4, {}}, {"g", 0, {}}};
  schema.effects = {{.name = "g",
                     .keys = {1},
                     .first_column = 0,
                     .columns = {{.name = "intercept"}, {.name = "x"}},
                     .correlated = correlated},
                    {.name = "g:h",
                     .keys = {1, 0},
                     .first_column = 2,
                     .columns = {{.name = "x"}, {.name = "z"}},
                     .has_intercept = false}};
  return schema;
}

/// By group the effect that column has, in rows of which only it is not 0.
Vector drawn(const SimulatedEffects& effects, Index column, Index groups, std::int64_t h = 0) {
  Rows rows;
  rows.effects = Matrix::Zero(groups, 4);
  rows.effects.col(column).setOnes();
  rows.groups.resize(groups, 2);
  rows.groups.col(0).setConstant(h);
  for (Index g = 0; g < groups; ++g) rows.groups(g, 1) = g + 1;
  effects.add_to(rows);
  return rows.offset;
}

TEST(SimulatedEffects, HaveTheTruthsMoments) {
  constexpr Index n = 30000;
  const SimulatedEffects effects(schema(true), levels, 0.5, 1);
  EXPECT_THAT(effects.names(), ElementsAre("sd_g[intercept]", "sd_g[x]", "cor_g[intercept,x]", "sd_g:h[x]",
                                           "sd_g:h[z]", "cor_g:h[x,z]"));
  EXPECT_EQ(effects.truth(), (Vector{{0.5, 0.25, 0.3, 0.25, 0.25, 0.3}}));
  std::vector<Vector> all;
  for (Index column = 0; column < 4; ++column) all.push_back(drawn(effects, column, n));
  const Vector sds{{0.5, 0.25, 0.25, 0.25}};
  for (Index i = 0; i < 4; ++i) {
    const Vector& a = all[static_cast<std::size_t>(i)];
    EXPECT_NEAR(a.mean(), 0.0, 4.5 * sds[i] / std::sqrt(n));
    EXPECT_NEAR(a.squaredNorm() / n / (sds[i] * sds[i]), 1.0, 4.5 * std::sqrt(2.0 / n));
    for (Index j = 0; j < i; ++j) {
      const bool together = i - j == 1 && i != 2;  // of a grouping
      const double found = a.dot(all[static_cast<std::size_t>(j)]) / n / (sds[i] * sds[j]);
      EXPECT_NEAR(found, together ? 0.3 : 0.0, 4.5 * std::sqrt(1.1 / n)) << i << j;
    }
  }
  const SimulatedEffects alone(schema(false), levels, 1.0, 1);
  EXPECT_THAT(alone.names(),
              ElementsAre("sd_g[intercept]", "sd_g[x]", "sd_g:h[x]", "sd_g:h[z]", "cor_g:h[x,z]"));
  const Vector intercept = drawn(alone, 0, n), slope = drawn(alone, 1, n);
  EXPECT_NEAR(intercept.dot(slope) / n, 0.0, 4.5 * 0.5 / std::sqrt(n));
  EXPECT_NEAR(intercept.squaredNorm() / n, 1.0, 4.5 * std::sqrt(2.0 / n));
}

TEST(SimulatedEffects, AreOfTheGroupWhateverItsRow) {
  const SimulatedEffects effects(schema(true), levels, 1.0, 1);
  EXPECT_EQ(drawn(effects, 1, 100, 0), drawn(effects, 1, 100, 3));  // of g alone
  EXPECT_NE(drawn(effects, 2, 100, 0)[7], drawn(effects, 2, 100, 3)[7]);
  const Vector by_group = drawn(effects, 0, 100), slopes = drawn(effects, 1, 100);
  Rows rows;  // g in no order, some in several places; an offset before
  rows.offset = Vector::LinSpaced(6, 0.0, 5.0);
  rows.effects = Matrix::Zero(6, 4);
  rows.effects.leftCols(2) << 1, 2, 1, -1, 1, 0, 0, 0, 1, 1, 1, 3;
  rows.groups.setZero(6, 2);
  rows.groups.col(1) << 8, 8, 3, 8, 100, 3;
  const Vector before = rows.offset;
  effects.add_to(rows);
  for (Index row = 0; row < 6; ++row) {
    const Index g = rows.groups(row, 1) - 1;
    const double expected = rows.effects(row, 0) * by_group[g] + rows.effects(row, 1) * slopes[g];
    EXPECT_NEAR(rows.offset[row] - before[row], expected, 1e-14) << row;
  }
  EXPECT_NE(drawn(SimulatedEffects(schema(true), levels, 1.0, 2), 0, 1)[0], by_group[0]);
  Rows none;
  SimulatedEffects({}, levels, 1.0, 1).add_to(none);
  EXPECT_EQ(none.offset.size(), 0);
}

}  // namespace
}  // namespace vfe
