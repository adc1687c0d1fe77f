#include "vfe/infer/linear_response.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "infer/hierarchy.hpp"
#include "infer/toys.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr Index draws = 64;

Vector fit(const toys::Toy& toy, double tolerance = 1e-6) {
  const auto family = mean_field(toy.target.size());
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {.diagonal = true}));
  stages.push_back(fixed_draws(toy.target, *family, {.draws = draws, .tolerance = tolerance}));
  return toys::run(Program(std::move(stages))).state.lambda;
}

TEST(LinearResponse, GivesTheSdsOfACorrelatedNormal) {
  const Index d = 20;
  const Matrix precision = toys::random_precision(d, 3);
  const toys::Toy toy(d, 1, toys::gaussian(toys::random_matrix(d, 1, 2), precision));
  const Vector lambda = fit(toy);
  std::vector<Index> all(d);
  std::iota(all.begin(), all.end(), Index{0});
  const std::uint64_t before = toy.target.calls().gradients;
  const LinearResponse found = linear_response(toy.target, lambda, all, {.draws = draws});
  EXPECT_EQ(found.gradients, toy.target.calls().gradients - before);
  const Vector exact = Matrix(precision.inverse()).diagonal().cwiseSqrt();
  for (Index j = 0; j < d; ++j) {
    EXPECT_TRUE(found.converged[static_cast<std::size_t>(j)]);
    EXPECT_LT(std::exp(lambda(d + j)), 0.95 * exact(j));
    EXPECT_NEAR(found.sd(j), exact(j), 0.01 * exact(j));
  }
}

TEST(LinearResponse, RepairsTheGlobalSdsOfAHierarchy) {
  const toys::Hierarchy hierarchy(200, 20);
  const toys::Toy toy(hierarchy.size(), 1, hierarchy.density());
  const Vector lambda = fit(toy), exact = hierarchy.exact().sd;
  const LinearResponse found = linear_response(toy.target, lambda, {0, 1}, {.draws = draws});
  for (Index j = 0; j < 2; ++j) {
    EXPECT_TRUE(found.converged[static_cast<std::size_t>(j)]);
    EXPECT_LT(std::exp(lambda(hierarchy.size() + j)), 0.8 * exact(j));
    EXPECT_NEAR(found.sd(j), exact(j), 0.03 * exact(j));
  }
}

TEST(LinearResponse, SaysWhereItCouldNotConverge) {
  const Matrix precision = toys::random_precision(6, 3);
  const toys::Toy toy(6, 1, toys::gaussian(Vector::Zero(6), precision));
  const Vector lambda = fit(toy);
  const LinearResponse found = linear_response(toy.target, lambda, {2}, {.draws = draws, .max_products = 1});
  EXPECT_FALSE(found.converged[0]);
  EXPECT_GE(found.sd(0), std::exp(lambda(8)));
  EXPECT_EQ(found.gradients, 2U * draws);

  // A saddle: the free energy has no minimum.
  const toys::Toy saddle(1, 1, [](Index, ConstVec x, Vec grad) {
    grad(0) += x(0);
    return 0.5 * x(0) * x(0);
  });
  const LinearResponse none = linear_response(saddle.target, Vector{{0.0, -1.0}}, {0});
  EXPECT_FALSE(none.converged[0]);
  EXPECT_DOUBLE_EQ(none.sd(0), std::exp(-1.0));
}

}  // namespace
}  // namespace vfe
