// Effects of groups against their integrals on fine grids, and gradients against differences.
#include "vfe/model/mixed.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "model/glm_reference.hpp"
#include "model/gradient_check.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/integrated.hpp"

namespace vfe {
namespace {

using reference::Problem;
using reference::Real;

const std::vector<Likelihood> mixed_likelihoods{Likelihood::linear,   Likelihood::student_t,
                                                Likelihood::logistic, Likelihood::binomial,
                                                Likelihood::poisson,  Likelihood::negative_binomial};

constexpr Index group_rows = 5;

double random_normal(Index row, Index column) {
  return normal({.seed = 5, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(row)},
                static_cast<std::uint32_t>(column));
}

/// Effects of k numbers, the first of them 1, of groups of five rows.
void add_groups(Problem& problem, Index k, bool correlated) {
  GroupEffects effects{.name = "g", .keys = {0}, .correlated = correlated};
  for (Index j = 0; j < k; ++j)
    effects.columns.push_back({.name = j == 0 ? "intercept" : "u" + std::to_string(j)});
  problem.schema.keys.push_back({.name = "g"});
  problem.schema.effects.push_back(effects);
  Rows& rows = problem.rows;
  rows.groups.resize(rows.size(), 1);
  rows.effects.resize(rows.size(), k);
  for (Index i = 0; i < rows.size(); ++i) {
    rows.groups(i, 0) = 1000 - i / group_rows;
    for (Index j = 0; j < k; ++j) rows.effects(i, j) = j == 0 ? 1.0 : random_normal(i, j);
  }
}

/// Beside these, effects of a factor of three levels.
void add_levels(Problem& problem) {
  problem.schema.keys.push_back({.name = "level", .num_levels = 3, .levels = {"a", "b", "c"}});
  const Index columns = problem.schema.num_effects();
  problem.schema.effects.push_back({.name = "level",
                                    .keys = {1},
                                    .first_column = columns,
                                    .columns = {{.name = "intercept"}, {.name = "v"}}});
  Rows& rows = problem.rows;
  rows.groups.conservativeResize(rows.size(), 2);
  rows.effects.conservativeResize(rows.size(), columns + 2);
  for (Index i = 0; i < rows.size(); ++i) {
    rows.groups(i, 1) = i % 3;
    rows.effects(i, columns) = 1.0;
    rows.effects(i, columns + 1) = random_normal(i, 9);
  }
}

Problem grouped(Likelihood likelihood, Index k, bool correlated = true) {
  Problem problem = reference::make_problem(
      {.likelihood = likelihood, .rows = 60, .columns = 2, .block_rows = 20, .censoring = false});
  add_groups(problem, k, correlated);
  return problem;
}

std::shared_ptr<const Mixed> mixed(const Problem& problem) {
  return std::make_shared<const Mixed>(problem.options, rows_in_memory(problem.schema, problem.rows));
}

Matrix random_theta(Index size, Index draws) {
  Matrix theta(size, draws);
  fill_normal({.seed = 3}, theta);
  return 0.5 * theta;
}

/// log p(y_g | theta) of the rows of a group, by a grid over z of `reach` either side.
double on_a_grid(const Problem& problem, const Parameters& parameters, ConstVec theta, Index first_row) {
  Vector values(parameters.num_constrained());
  parameters.constrain(theta, values);
  const auto at = [&](const std::string& name) {
    for (std::size_t i = 0; i < parameters.list().size(); ++i)
      if (parameters.list()[i].name == name) return values.data() + parameters.first_constrained(i);
    return static_cast<double*>(nullptr);
  };
  const DesignSchema& schema = problem.schema;
  const Rows::RowMajor<double> x = dense_design(schema, problem.rows);
  const Index k = schema.effects.front().size();
  const double* sd = at("sd_g");
  const double cor = k == 2 && at("cor_g") != nullptr ? *at("cor_g") : 0.0;
  const bool is_real = vfe::is_real(problem.options.likelihood);
  const double centre = is_real ? schema.response_centre : 0.0, scale = is_real ? schema.response_scale : 1.0;
  reference::Scales scales;
  if (at("sigma") != nullptr) scales.sigma = *at("sigma");
  if (at("nu") != nullptr) scales.nu = *at("nu");
  if (at("overdispersion") != nullptr) scales.overdispersion = *at("overdispersion");
  const Index steps = k == 1 ? 4000 : 400;
  const double reach = 9.0, step = 2.0 * reach / static_cast<double>(steps);
  const auto log_joint = [&](double z0, double z1) {
    Real sum = 0.0;
    const double b0 = sd[0] * z0;
    const double b1 = k == 2 ? sd[1] * (cor * z0 + std::sqrt(1.0 - cor * cor) * z1) : 0.0;
    for (Index i = first_row; i < first_row + group_rows; ++i) {
      const double weight = problem.rows.weight.size() > 0 ? problem.rows.weight[i] : 1.0;
      if (weight == 0.0) continue;
      double eta = *at("intercept") + b0 + (k == 2 ? b1 * problem.rows.effects(i, 1) : 0.0);
      for (Index j = 0; j < x.cols(); ++j) eta += x(i, j) * at("beta")[j];
      if (problem.rows.offset.size() > 0) eta += problem.rows.offset[i] / scale;
      const double trials = problem.rows.trials.size() > 0 ? problem.rows.trials[i] : 0.0;
      sum += weight * (reference::log_density(problem.options.likelihood, {eta},
                                              (problem.rows.y[i] - centre) / scale, scales, trials) -
                       std::log(scale));
    }
    const double squares = z0 * z0 + (k == 2 ? z1 * z1 : 0.0);
    return sum - 0.5 * squares - 0.5 * static_cast<double>(k) * std::log(2.0 * std::numbers::pi);
  };
  Real total = 0.0;
  const Real top = log_joint(0.0, 0.0);
  for (Index i = 0; i <= steps; ++i) {
    const double z0 = -reach + step * static_cast<double>(i);
    for (Index j = 0; j <= (k == 2 ? steps : 0); ++j)
      total += expl(log_joint(z0, k == 2 ? -reach + step * static_cast<double>(j) : 0.0) - top);
  }
  return static_cast<double>(top + logl(total) + static_cast<Real>(k) * logl(step));
}

TEST(Mixed, IntegralsOfGroupsAreThoseOnAGrid) {
  for (const Likelihood likelihood : mixed_likelihoods) {
    for (const Index k : {1, 2}) {
      const Problem problem = grouped(likelihood, k);
      const auto model = mixed(problem);
      const Integrated fine(model, 35);
      const Matrix theta = random_theta(model->parameters().size(), 1);
      Vector value(model->groups(1));
      fine.log_likelihood_groups(1, theta.col(0), value);
      for (const Index group : {0, 3}) {
        const double expected =
            on_a_grid(problem, model->parameters(), theta.col(0), 20 + group * group_rows);
        EXPECT_NEAR(value[group], expected, 2e-5) << to_string(likelihood) << ", " << k;
      }
    }
  }
}

TEST(Mixed, GradientsAreThoseOfTheRuleWithAnyNumberOfNodes) {
  for (const Likelihood likelihood : mixed_likelihoods) {
    for (const Index k : {1, 2, 3}) {
      for (const Index nodes : {1, 3, 5}) {
        SCOPED_TRACE(to_string(likelihood) + ", effects " + std::to_string(k) + ", nodes " +
                     std::to_string(nodes));
        Problem problem = grouped(likelihood, k, nodes != 3);
        if (nodes == 5) {
          add_levels(problem);
          problem.schema.effects[1].centred = k == 2;
        }
        const Integrated model(mixed(problem), nodes);
        expect_gradients_match(model, random_theta(model.parameters().size(), 2), 2e-6);
      }
    }
  }
}

TEST(Mixed, OfANormalResponseOneNodeIsExact) {
  const Problem problem = grouped(Likelihood::linear, 4);
  const auto local = mixed(problem);
  EXPECT_TRUE(local->is_quadratic());
  const Matrix theta = random_theta(local->parameters().size(), 1);
  Vector one(local->groups(0)), three = one;
  Integrated(local, 1).log_likelihood_groups(0, theta.col(0), one);
  Integrated(local, 3).log_likelihood_groups(0, theta.col(0), three);
  EXPECT_LT((one - three).cwiseAbs().maxCoeff(), 1e-10);
}

/// Within groups of ten rows, groups of five: k1 effects of the former, k2 of the latter.
Problem nested(Likelihood likelihood, Index k1, Index k2) {
  Problem problem = reference::make_problem({.likelihood = likelihood,
                                             .rows = 60,
                                             .columns = 2,
                                             .block_rows = 20,
                                             .weights = false,
                                             .censoring = false});
  problem.schema.keys = {{.name = "g"}, {.name = "h"}};
  GroupEffects outer{.name = "g", .keys = {0}}, inner{.name = "g:h", .keys = {0, 1}, .first_column = k1};
  for (Index j = 0; j < k1; ++j) outer.columns.push_back({.name = "u" + std::to_string(j)});
  for (Index j = 0; j < k2; ++j) inner.columns.push_back({.name = "v" + std::to_string(j)});
  problem.schema.effects = {outer, inner};
  Rows& rows = problem.rows;
  rows.groups.resize(rows.size(), 2);
  rows.effects.resize(rows.size(), k1 + k2);
  for (Index i = 0; i < rows.size(); ++i) {
    rows.groups.row(i) << i / (2 * group_rows), i / group_rows % 2;
    for (Index j = 0; j < k1 + k2; ++j) rows.effects(i, j) = j == 0 || j == k1 ? 1.0 : random_normal(i, j);
  }
  return problem;
}

/// The covariance that effects give to the rows of a block.
Matrix covariance(const Problem& problem, const Mixed& model, ConstVec theta, Index first, Index count) {
  Vector values(model.parameters().num_constrained());
  model.parameters().constrain(theta, values);
  const auto at = [&](const std::string& name) -> const double* {
    const std::vector<Parameter>& list = model.parameters().list();
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i].name == name) return values.data() + model.parameters().first_constrained(i);
    return nullptr;
  };
  Matrix all = Matrix::Identity(count, count) * *at("sigma") * *at("sigma");
  for (const GroupEffects& effects : problem.schema.effects) {
    const Index k = effects.size();
    Vector sd = Eigen::Map<const Vector>(at("sd_" + effects.name), k);
    Matrix of_effects = Matrix::Identity(k, k);
    if (k == 2) of_effects(0, 1) = of_effects(1, 0) = *at("cor_" + effects.name);
    of_effects = sd.asDiagonal() * of_effects * sd.asDiagonal();
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < count; ++j) {
        bool same = true;
        for (const Index key : effects.keys)
          same = same && problem.rows.groups(first + i, key) == problem.rows.groups(first + j, key);
        if (!same) continue;
        all(i, j) += problem.rows.effects.row(first + i).segment(effects.first_column, k) * of_effects *
                     problem.rows.effects.row(first + j).segment(effects.first_column, k).transpose();
      }
    }
  }
  return all;
}

TEST(Mixed, OfANormalResponseItIsTheMarginalNormal) {
  std::vector<Problem> problems{nested(Likelihood::linear, 1, 1), nested(Likelihood::linear, 2, 2),
                                nested(Likelihood::linear, 1, 2), grouped(Likelihood::linear, 2)};
  problems.back().rows.weight.resize(0);
  for (const Problem& problem : problems) {
    const auto local = mixed(problem);
    const Integrated model(local, 1);
    const Matrix theta = random_theta(local->parameters().size(), 1);
    Vector eta = problem.rows.offset / problem.schema.response_scale;
    eta.array() += theta(0, 0);
    eta += dense_design(problem.schema, problem.rows) * theta.col(0).segment(1, 2);
    const Vector y =
        (problem.rows.y.array() - problem.schema.response_centre) / problem.schema.response_scale;
    for (Index block = 0; block < 3; ++block) {
      const Matrix all = covariance(problem, *local, theta.col(0), 20 * block, 20);
      const Eigen::LLT<Matrix> factor(all);
      const Vector rest = factor.matrixL().solve((y - eta).segment(20 * block, 20));
      const double expected = -0.5 * rest.squaredNorm() - factor.matrixLLT().diagonal().array().log().sum() -
                              10.0 * std::log(2.0 * std::numbers::pi) -
                              20.0 * std::log(problem.schema.response_scale);
      EXPECT_NEAR(log_density(model, block, theta.col(0)), expected, 1e-9);
    }
  }
}

TEST(Mixed, GradientsOfNestedGroupsAreThoseOfTheRule) {
  for (const Likelihood likelihood : mixed_likelihoods) {
    for (const auto& [k1, k2] : {std::pair<Index, Index>(1, 1), {1, 2}, {2, 1}}) {
      for (const Index nodes : {1, 3}) {
        SCOPED_TRACE(to_string(likelihood) + ", effects " + std::to_string(k1) + " and " +
                     std::to_string(k2) + ", nodes " + std::to_string(nodes));
        const Integrated model(mixed(nested(likelihood, k1, k2)), nodes);
        expect_gradients_match(model, random_theta(model.parameters().size(), 1), 2e-6);
      }
    }
  }
}

TEST(Mixed, IntegralsOfNestedGroupsAreThoseOnAGrid) {
  for (const Likelihood likelihood : {Likelihood::logistic, Likelihood::poisson}) {
    const Problem problem = nested(likelihood, 1, 1);
    const auto local = mixed(problem);
    const Matrix theta = random_theta(local->parameters().size(), 1);
    const Integrated model(local, 21);
    Vector eta = problem.rows.offset;
    eta.array() += theta(0, 0);
    eta += dense_design(problem.schema, problem.rows) * theta.col(0).segment(1, 2);
    const double outer_sd = std::exp(theta(3, 0)), inner_sd = std::exp(theta(4, 0));
    constexpr int steps = 600;
    const double step = 16.0 / steps;
    const auto normal_density = [](double z) {
      return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
    };
    Vector value(2);
    model.log_likelihood_groups(0, theta.col(0), value);
    for (Index outer = 0; outer < 2; ++outer) {
      Real total = 0.0;
      for (int i = 0; i <= steps; ++i) {
        const double u = -8.0 + step * i;
        Real product = normal_density(u) * step;
        for (Index inner = 0; inner < 2; ++inner) {
          Real sum = 0.0;
          for (int j = 0; j <= steps; ++j) {
            const double v = -8.0 + step * j;
            Real log_rows = 0.0;
            for (Index r = 0; r < group_rows; ++r) {
              const Index row = 10 * outer + 5 * inner + r;
              log_rows += reference::log_density(likelihood, {eta[row] + outer_sd * u + inner_sd * v},
                                                 problem.rows.y[row], {});
            }
            sum += expl(log_rows) * normal_density(v) * step;
          }
          product *= sum;
        }
        total += product;
      }
      EXPECT_NEAR(value[outer], static_cast<double>(logl(total)), 1e-5) << to_string(likelihood);
    }
  }
}

TEST(Mixed, CorrelationsHaveTheLkjDensity) {
  // Of three effects uniform over correlation matrices, whose volume is pi^2 / 2 (Joe 2006).
  Problem problem = grouped(Likelihood::linear, 3);
  problem.options.correlation_prior = 1.0;
  const auto local = mixed(problem);
  const std::vector<Parameter> terms = local->log_prior_terms();
  Matrix values(num_constrained(terms), 1);
  const Matrix theta = random_theta(local->parameters().size(), 1);
  local->compute_log_prior_terms(theta, values);
  Parameters parameters = local->parameters();
  Vector constrained(parameters.num_constrained());
  parameters.constrain(theta.col(0), constrained);
  const double* cholesky = constrained.data() + parameters.first_constrained(parameters.list().size() - 1);
  // Of the factor: times its Jacobian, the second diagonal entry.
  EXPECT_NEAR(values(values.rows() - 1, 0),
              -std::log(0.5 * std::numbers::pi * std::numbers::pi) + std::log(cholesky[4]), 1e-12);
}

TEST(Mixed, PriorsOfSdsAreByEffectOrGrouping) {
  Problem problem = grouped(Likelihood::poisson, 2);
  problem.options.group_prior = ScalePrior::exponential;
  problem.options.group_prior_scale_by_name = {{"g", 2.0}, {"g[u1]", 0.5}};
  const auto local = mixed(problem);
  Matrix values(num_constrained(local->log_prior_terms()), 1);
  Vector theta = Vector::Zero(local->parameters().size());
  local->compute_log_prior_terms(theta, values);
  const Index first = values.rows() - 3;
  EXPECT_NEAR(values(first, 0), -std::log(2.0) - 0.5, 1e-12);
  EXPECT_NEAR(values(first + 1, 0), std::log(2.0) - 2.0, 1e-12);
  EXPECT_NEAR(values(first + 2, 0), std::log(0.75), 1e-12);  // at 0: (1 - r^2) / (4 / 3)
}

TEST(Mixed, OriginalEffectsAreThoseOfTheUsersNumbers) {
  Problem problem = grouped(Likelihood::linear, 2);
  problem.schema.effects[0].columns[1].centre = 3.0;
  problem.schema.effects[0].columns[1].scale = 2.0;
  const auto local = mixed(problem);
  Vector theta = random_theta(local->parameters().size(), 1);
  const std::vector<Parameter>& quantities = local->quantities();
  Matrix values(num_constrained(quantities), 1);
  local->compute_quantities(theta, values);
  const auto at = [&](const std::string& name) {
    Index begin = 0;
    for (const Parameter& quantity : quantities) {
      if (quantity.name == name) return values.data() + begin;
      begin += quantity.num_constrained();
    }
    ADD_FAILURE() << name;
    return static_cast<double*>(nullptr);
  };
  const double a = at("sd_g")[0], b = at("sd_g")[1], r = *at("cor_g"), s = problem.schema.response_scale;
  // b0 + b1 (u - 3) / 2
  const double variance = a * a + 2.25 * b * b - 3.0 * r * a * b;
  EXPECT_NEAR(at("sd_g_original")[0], s * std::sqrt(variance), 1e-12);
  EXPECT_NEAR(at("sd_g_original")[1], s * 0.5 * b, 1e-12);
  EXPECT_NEAR(*at("cor_g_original"), (0.5 * r * a * b - 0.75 * b * b) / (0.5 * b * std::sqrt(variance)),
              1e-12);
  const Matrix factor = local->effects_factor(0, theta);
  EXPECT_NEAR(factor.row(0).norm(), at("sd_g_original")[0], 1e-12);
  EXPECT_NEAR(factor.row(0).dot(factor.row(1)),
              at("sd_g_original")[0] * at("sd_g_original")[1] * *at("cor_g_original"), 1e-12);
}

void expect_refused(const Problem& problem, const std::string& expected) {
  try {
    mixed(problem);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
  }
}

TEST(Mixed, WhatThereIsNoModelOfIsRefused) {
  expect_refused(grouped(Likelihood::gamma, 1), "no gamma model of effects of the groups g");
  expect_refused(grouped(Likelihood::softmax, 1), "no softmax model of effects of the groups g");
  expect_refused(grouped(Likelihood::logistic, 4), "4 effects of the groups g");
  Problem prior = grouped(Likelihood::linear, 1);
  prior.options.group_prior_by_name["h"] = ScalePrior::exponential;
  expect_refused(prior, "group_prior.h names no groups");
  Problem levels = grouped(Likelihood::logistic, 1);
  add_levels(levels);
  levels.schema.keys[1].num_levels = 7000;
  expect_refused(levels, "at most 2000 levels, whose effects are parameters, found 7000 levels");
}

}  // namespace
}  // namespace vfe
