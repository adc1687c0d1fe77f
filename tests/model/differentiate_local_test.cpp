// Densities of groups that are differentiated against those by hand, closed forms and differences.
#include "vfe/model/differentiate_local.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>
#include <thread>
#include <vector>

#include "model/glm_reference.hpp"
#include "model/gradient_check.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {
namespace {

constexpr Index num_groups = 6, group_rows = 5;
const double log_two_pi = std::log(2.0 * std::numbers::pi);

Matrix random_theta(Index d, Index draws) {
  Matrix theta(d, draws);
  fill_normal({.seed = 3, .purpose = Purpose::check}, theta);
  return theta;
}

double random_normal(Index row, Index column) {
  return normal({.seed = 5, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(row)},
                static_cast<std::uint32_t>(column));
}

/// Two blocks of three groups of five rows.
std::vector<std::vector<Index>> rows_of_groups() {
  return {{group_rows, group_rows, group_rows}, {group_rows, group_rows, group_rows}};
}
Index first_row(Index block, Index group) {
  return group_rows * (group + 3 * block);
}

template <int K, class Density>
std::shared_ptr<const LocalModel> local_model(std::vector<Parameter> parameters, Density density) {
  Grouping grouping;
  for (int i = 0; i < K; ++i) grouping.effects.push_back(std::string(1, static_cast<char>('a' + i)));
  return make_local_model(std::move(parameters), {}, grouping, rows_of_groups(),
                          differentiate_local<K>(std::move(density)));
}

/// A logistic model of x and of effects of groups, their intercept and the slope of x.
reference::Problem logistic_rows() {
  reference::Problem problem = reference::make_problem({.likelihood = Likelihood::logistic,
                                                        .rows = num_groups * group_rows,
                                                        .columns = 1,
                                                        .block_rows = 3 * group_rows,
                                                        .censoring = false});
  problem.schema.keys.push_back({.name = "g"});
  Rows& rows = problem.rows;
  rows.groups.resize(rows.size(), 1);
  for (Index i = 0; i < rows.size(); ++i) rows.groups(i, 0) = i / group_rows;
  rows.weight.resize(0);
  rows.offset.resize(0);
  return problem;
}

template <int K>
void expect_agreement_with_mixed() {
  reference::Problem problem = logistic_rows();
  GroupEffects effects{.name = "g", .keys = {0}, .correlated = false};
  problem.rows.effects.resize(problem.rows.size(), K);
  for (int k = 0; k < K; ++k) {
    effects.columns.push_back({.name = k == 0 ? "intercept" : "u"});
    for (Index i = 0; i < problem.rows.size(); ++i)
      problem.rows.effects(i, k) = k == 0 ? 1.0 : random_normal(i, 7);
  }
  problem.schema.effects.push_back(effects);
  const auto mixed =
      std::make_shared<const Mixed>(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Matrix x = dense_design(problem.schema, problem.rows);
  const Rows& rows = problem.rows;
  // x: beta, intercept, sds, in Mixed's order.
  const Parameters& parameters = mixed->parameters();
  std::map<std::string, Index> place;
  for (std::size_t i = 0; i < parameters.list().size(); ++i)
    place[parameters.list()[i].name] = parameters.first_constrained(i);
  const Index intercept = place.at("intercept"), beta = place.at("beta"), sd = place.at("sd_g");
  const auto local =
      local_model<K>(parameters.list(), [&](Index block, Index group, const auto& at, const auto& z) {
        using std::exp, std::log1p;
        auto sum = -0.5 * z.squaredNorm() - 0.5 * K * log_two_pi;
        for (Index i = first_row(block, group); i < first_row(block, group) + group_rows; ++i) {
          auto eta = at[intercept] + at[beta] * x(i, 0);
          for (int k = 0; k < K; ++k) eta += rows.effects(i, k) * at[sd + k] * z[k];
          sum += rows.y[i] * eta - log1p(exp(eta));
        }
        return sum;
      });
  const Matrix theta = random_theta(parameters.size(), 3);
  for (const Index nodes : {1, 3, 7}) {
    const Integrated found(local, nodes), expected(mixed, nodes);
    ASSERT_EQ(found.blocks(), expected.blocks());
    for (Index block = 0; block < 2; ++block) {
      EXPECT_EQ(found.rows(block), expected.rows(block));
      Vector value = Vector::Zero(3), value_expected = Vector::Zero(3);
      Matrix grad = Matrix::Zero(theta.rows(), 3), grad_expected = grad;
      found.log_likelihood(block, theta, value, grad);
      expected.log_likelihood(block, theta, value_expected, grad_expected);
      EXPECT_LT((value - value_expected).norm(), 1e-10) << nodes;
      EXPECT_LT((grad - grad_expected).norm(), 1e-9 * grad.norm()) << nodes;
    }
    expect_gradients_match(found, theta);
  }
}

TEST(DifferentiateLocal, AgreesWithMixedOfAnIntercept) {
  expect_agreement_with_mixed<1>();
}

TEST(DifferentiateLocal, AgreesWithMixedOfInterceptAndSlope) {
  expect_agreement_with_mixed<2>();
}

double count(Index row) {
  return std::floor(2.0 * std::exp(random_normal(row / group_rows, 2) + 0.3 * random_normal(row, 3)));
}

/// Counts of mean rate e^z, e^z gamma of shape a and mean 1: sums are negative binomial.
std::shared_ptr<const LocalModel> poisson_gamma() {
  return local_model<1>({{"rate", {}, Transform::positive}, {"shape", {}, Transform::positive}},
                        [](Index block, Index group, const auto& x, const auto& z) {
                          using std::exp, std::lgamma, std::log;
                          auto sum = x[1] * (log(x[1]) + z[0] - exp(z[0])) - lgamma(x[1]);
                          const auto mean = x[0] * exp(z[0]);
                          for (Index i = 0; i < group_rows; ++i) {
                            const double y = count(first_row(block, group) + i);
                            sum += y * log(mean) - mean - std::lgamma(y + 1.0);
                          }
                          return sum;
                        });
}

TEST(DifferentiateLocal, IntegralOfConjugateCountsIsItsClosedForm) {
  const Integrated model(poisson_gamma(), 21);
  for (const Eigen::Vector2d& x : {Eigen::Vector2d(2.0, 8.0), Eigen::Vector2d(1.0, 20.0)}) {
    const Vector theta = x.array().log();
    for (Index block = 0; block < 2; ++block) {
      Vector found(3);
      model.log_likelihood_groups(block, theta, found);
      for (Index g = 0; g < 3; ++g) {
        double total = 0.0, expected = x[1] * std::log(x[1]) - std::lgamma(x[1]);
        for (Index i = 0; i < group_rows; ++i) {
          const double y = count(first_row(block, g) + i);
          total += y;
          expected += y * std::log(x[0]) - std::lgamma(y + 1.0);
        }
        const double shape = x[1] + total, rate = x[1] + static_cast<double>(group_rows) * x[0];
        expected += std::lgamma(shape) - shape * std::log(rate);
        EXPECT_NEAR(found[g], expected, 1e-8) << x.transpose() << ", " << block << ", " << g;
      }
    }
  }
}

TEST(DifferentiateLocal, GradientsOfConjugateCounts) {
  for (const Index nodes : {1, 3, 5})
    expect_gradients_match(Integrated(poisson_gamma(), nodes), random_theta(2, 3));
}

/// Decays of amplitude and rate by group, with a density that is not concave far from its mode.
std::shared_ptr<const LocalModel> decays() {
  return local_model<2>(
      {{"level", {{"of", 2, {}}}},
       {"sd", {{"of", 2, {}}}, Transform::positive},
       {"share", {}, Transform::bounded}},
      [](Index block, Index group, const auto& x, const auto& z) {
        using std::exp, std::log;
        const auto amplitude = exp(x[0] + x[2] * z[0]), rate = exp(x[1] + x[3] * (x[4] * z[0] + z[1]));
        auto sum = -0.5 * z.squaredNorm() - log_two_pi;
        for (Index i = 0; i < group_rows; ++i) {
          const Index row = first_row(block, group) + i;
          const auto error = 1.5 * std::exp(-0.6 * static_cast<double>(i)) + 0.1 * random_normal(row, 4) -
                             amplitude * exp(-rate * static_cast<double>(i));
          sum -= 0.5 * error * error / 0.25;
        }
        return sum;
      });
}

TEST(DifferentiateLocal, GradientsOfDensitiesThatAreNotConcave) {
  const auto local = decays();
  Matrix theta = 0.5 * random_theta(5, 4);
  theta.row(1).array() -= 2.0;
  // Differences see where Newton's method stopped, too: within 1e-9 of the mode, but that moves with theta.
  for (const Index nodes : {1, 3, 5}) expect_gradients_match(Integrated(local, nodes), theta, 5e-6);
  // At 0 their curvature is indeed no positive one.
  bool all_positive = true;
  for (Index s = 0; s < 4; ++s) {
    Matrix slope(2, 3), curvature(4, 3), scale(4, 3);
    local->at(0, theta.col(s))->expand(Matrix::Zero(2, 3), slope, curvature, scale);
    for (Index g = 0; g < 3; ++g) {
      all_positive = all_positive && curvature.col(g).reshaped(2, 2).determinant() > 0.0;
      EXPECT_GT(scale.col(g).reshaped(2, 2).determinant(), 0.0);
    }
  }
  EXPECT_FALSE(all_positive);
}

/// Not even at the mode is the curvature 0.1: the rule is spread by what stands for it.
TEST(DifferentiateLocal, GradientsWhereTheCurvatureIsSmall) {
  const auto local = local_model<1>({{"at"}, {"sd", {}, Transform::positive}},
                                    [](Index, Index group, const auto& x, const auto& z) {
                                      const auto apart = (z[0] - x[0] - static_cast<double>(group)) / x[1];
                                      return -0.03 * apart * apart - 0.001 * apart * apart * apart * apart;
                                    });
  for (const Index nodes : {1, 3, 5})
    expect_gradients_match(Integrated(local, nodes), 0.3 * random_theta(2, 3));
}

TEST(DifferentiateLocal, IsNaNWithoutAMode) {
  const auto local =
      local_model<1>({{"x"}}, [](Index, Index, const auto& x, const auto& z) { return x[0] * x[0] + z[0]; });
  const Integrated model(local, 3);
  EXPECT_TRUE(std::isnan(log_density(model, 0, Vector::Ones(1))));
  EXPECT_NE(model.explain(0, Vector::Ones(1)), "");
}

TEST(DifferentiateLocal, ThreadsTakeTurns) {
  const Integrated model(decays(), 3);
  const Matrix theta = 0.5 * random_theta(5, 2);
  const auto gradient = [&] {
    Vector value = Vector::Zero(2);
    Matrix grad = Matrix::Zero(5, 2);
    model.log_likelihood(1, theta, value, grad);
    return grad;
  };
  const Matrix expected = gradient();
  std::vector<Matrix> found(4);
  std::vector<std::thread> threads;
  for (Matrix& mine : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) mine = gradient();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Matrix& mine : found) EXPECT_EQ(mine, expected);
}

}  // namespace
}  // namespace vfe
