#include "vfe/program/leaning_scales.hpp"

#include <gtest/gtest.h>

#include "vfe/core/random.hpp"
#include "vfe/model/function.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {
namespace {

/// Intercept, sigma and the sd of four groups.
Integrated grouped() {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(8, 8);
  schema.keys = {{.name = "g"}};
  schema.effects = {{.name = "g", .keys = {0}, .columns = {{.name = "intercept"}}}};
  Rows rows;
  rows.blocks = schema.blocks;
  rows.x = Rows::RowMajor<double>(8, 0);
  rows.y = Vector::LinSpaced(8, -1.0, 1.0);
  rows.effects = Matrix::Ones(8, 1);
  rows.groups.resize(8, 1);
  for (Index i = 0; i < 8; ++i) rows.groups(i, 0) = i / 2;
  return {std::make_shared<const Mixed>(GlmOptions{.likelihood = Likelihood::linear},
                                        rows_in_memory(schema, std::move(rows))),
          1};
}

Matrix draws(Index size, double spread_of_last) {
  Matrix theta(size, 500);
  fill_normal({.seed = 1}, theta);
  theta.topRows(size - 1) *= 0.1;
  theta.row(size - 1) *= spread_of_last;
  return theta;
}

TEST(LeaningScales, AskForDraws) {
  const Integrated model = grouped();
  const Vector equal;
  EXPECT_EQ(least_draws(model, draws(3, 0.2), equal), 0);
  EXPECT_EQ(least_draws(model, draws(3, 0.5), equal), 8192);
  // An intercept may be as uncertain as it likes.
  Matrix wide = draws(3, 0.2);
  wide.row(0) *= 100.0;
  EXPECT_EQ(least_draws(model, wide, equal), 0);
}

TEST(LeaningScales, AreThoseOfTheWeightedDraws) {
  const Integrated model = grouped();
  const Matrix theta = draws(3, 0.5);
  const Vector log_weight = -20.0 * theta.row(2).transpose().array().square();
  EXPECT_EQ(least_draws(model, theta, log_weight), 0);
}

TEST(LeaningScales, AreThoseOfEffectsOfGroupsAlone) {
  const auto function =
      make_model({{.name = "s", .transform = Transform::positive}}, [](ConstVec, Vec) { return 0.0; });
  const Vector equal;
  EXPECT_EQ(least_draws(*function, draws(1, 0.5), equal), 0);
}

}  // namespace
}  // namespace vfe
