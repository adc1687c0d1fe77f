// The sd of effects of groups where it is hard to tell, or the integrals are hard to take, against posteriors
// on a grid: y ~ (1 | g), normal and logistic, and y ~ (0 + w | g).
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "reference/density.hpp"
#include "reference/posterior.hpp"
#include "vfe/program/sample.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double intercept_prior_sd = 10.0;  // those of sigma and sd_g are half-normal(1)
const double log_two_pi = std::log(2.0 * std::numbers::pi);

using Groups = std::vector<Vector>;  ///< responses of each

double log_half_normal(double x) {
  return std::numbers::ln2 - 0.5 * (log_two_pi + x * x);
}

struct Exact {
  double log_evidence = 0.0;
  Vector mean, sd;
};

/// Of the intercept, sigma and sd_g, with effects times w, one number for each group. Given the others the
/// intercept and all effects are normal.
Exact normal_posterior(const Groups& groups, const Vector& w) {
  constexpr double low = -9.0, high = 2.0, step = 0.02;
  Quadrature grid(3);
  for (double log_sigma = low; log_sigma < high; log_sigma += step) {
    for (double log_sd = low; log_sd < high; log_sd += step) {
      const double sigma = std::exp(log_sigma), sd = std::exp(log_sd), variance = sigma * sigma;
      double log_density = log_half_normal(sigma) + log_sigma + log_half_normal(sd) + log_sd;
      double precision = 1.0 / (intercept_prior_sd * intercept_prior_sd), pull = 0.0, square = 0.0;
      for (std::size_t g = 0; g < groups.size(); ++g) {
        const Vector& y = groups[g];
        const auto n = static_cast<double>(y.size());
        const double effect = sd * w[static_cast<Index>(g)];
        const double mean = y.mean(), of_mean = effect * effect + variance / n;
        log_density -= 0.5 * ((n - 1.0) * (log_two_pi + 2.0 * log_sigma) + std::log(n) + log_two_pi +
                              std::log(of_mean) + (y.array() - mean).square().sum() / variance);
        precision += 1.0 / of_mean;
        pull += mean / of_mean;
        square += mean * mean / of_mean;
      }
      const double intercept = pull / precision;
      log_density -= 0.5 * (square - pull * intercept + std::log(precision)) + std::log(intercept_prior_sd);
      grid.add(log_density, Vector{{intercept, sigma, sd}},
               Vector{{1.0 / precision + intercept * intercept, variance, sd * sd}});
    }
  }
  return {grid.log_integral(step * step), grid.mean(), grid.sd()};
}

Exact normal_posterior(const Groups& groups) {
  return normal_posterior(groups, Vector::Ones(std::ssize(groups)));
}

/// Of the intercept and sd_g. A group's rows tell no more than how many of them are 1.
Exact logistic_posterior(const Groups& groups) {
  std::map<std::pair<Index, Index>, double> kinds;  ///< ones, rows: how many groups
  for (const Vector& y : groups) kinds[{static_cast<Index>(y.sum()), y.size()}] += 1.0;
  constexpr double low = -7.0, high = 2.3, step = 0.05, widest = 9.0, mean_step = 0.06, z_step = 0.08;
  Quadrature grid(2);
  for (double mean = -widest; mean <= widest; mean += mean_step) {
    for (double log_sd = low; log_sd < high; log_sd += step) {
      const double sd = std::exp(log_sd), z_mean = mean / intercept_prior_sd;
      std::vector<double> sums(kinds.size(), 0.0);
      for (double z = -8.0; z <= 8.0; z += z_step) {
        const double eta = mean + sd * z, log_normal = -0.5 * (log_two_pi + z * z);
        const double log_one = -std::log1p(std::exp(-eta));
        std::size_t k = 0;
        for (const auto& [kind, count] : kinds) {
          const auto ones = static_cast<double>(kind.first), rows = static_cast<double>(kind.second);
          sums[k++] += std::exp(log_normal + rows * log_one - (rows - ones) * eta);
        }
      }
      double log_density =
          log_half_normal(sd) + log_sd - 0.5 * (log_two_pi + z_mean * z_mean) - std::log(intercept_prior_sd);
      std::size_t k = 0;
      for (const auto& [kind, count] : kinds) log_density += count * std::log(sums[k++] * z_step);
      grid.add(log_density, Vector{{mean, sd}});
    }
  }
  return {grid.log_integral(step * mean_step), grid.mean(), grid.sd()};
}

class GroupSds : public Posterior {
 protected:
  ResultFile fit(const std::string& model, const Groups& groups, Index nodes = 0,
                 const std::string& formula = "y ~ (1 | g)", const Vector& w = {}) {
    DatasetSchema schema;
    schema.single = false;
    schema.table.columns = {{"g", ColumnType::integer}, {"y"}, {"w"}};
    schema.grouped_by = {"g"};
    Index num_rows = 0;
    for (const Vector& y : groups) num_rows += y.size();
    schema.blocks = Blocks::of_equal(num_rows, 64);
    TableRows table = missing_rows(schema.table, num_rows);
    auto& numbers = std::get<TableRows::RowMajor<double>>(table.numbers);
    Index first = 0;
    for (Index g = 0; g < std::ssize(groups); ++g) {
      const Vector& y = groups[static_cast<std::size_t>(g)];
      table.integers.col(0).segment(first, y.size()).setConstant(g);
      numbers.col(0).segment(first, y.size()) = y;
      numbers.col(1).segment(first, y.size()).setConstant(w.size() > 0 ? w[g] : 1.0);
      first += y.size();
    }
    Config mixed = config(folder() / "data.h5");
    DatasetWriter writer(mixed.data.file, schema);
    writer.append(table, {});
    writer.finish();
    mixed.model.type = model;
    mixed.model.formula = formula;
    mixed.model.glm.likelihood = likelihood_from_string(model);
    mixed.model.nodes = nodes;
    mixed.family.type = "auto";
    return run(mixed);
  }

  static void expect_exact(const ResultFile& result, const Exact& expected) {
    EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
    EXPECT_NEAR(number(result, "log_evidence"), expected.log_evidence,
                4.0 * number(result, "log_evidence_error") + 0.02);
    const Moments moments = moments_of(result);
    for (Index k = 0; k < expected.mean.size(); ++k) {
      EXPECT_NEAR(moments.mean[k], expected.mean[k], 0.05 * expected.sd[k]) << k;
      EXPECT_NEAR(moments.sd[k], expected.sd[k], 0.03 * expected.sd[k]) << k;
    }
  }
};

/// y = 0.5 + b_g + 0.8 noise.
Groups normal_groups(Index groups, Index rows, double sd, std::uint64_t seed) {
  Matrix noise(rows + 1, groups);
  fill_normal({.seed = seed, .purpose = Purpose::simulate}, noise);
  Groups all;
  for (Index g = 0; g < groups; ++g)
    all.emplace_back(0.5 + sd * noise(rows, g) + 0.8 * noise.col(g).head(rows).array());
  return all;
}

/// 1 with the chance of the logistic function at 0.5 + b_g.
Groups binary_groups(Index groups, Index rows, double sd, std::uint64_t seed) {
  Groups all;
  for (Index g = 0; g < groups; ++g) {
    const Address at{.seed = seed, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(g)};
    const double chance = 1.0 / (1.0 + std::exp(-0.5 - sd * normal(at, 0)));
    Vector y(rows);
    for (Index i = 0; i < rows; ++i)
      y[i] = uniform(at, static_cast<std::uint32_t>(i + 1)) < chance ? 1.0 : 0.0;
    all.push_back(y);
  }
  return all;
}

TEST_F(GroupSds, OfGroupsThatDoNotDiffer) {
  const Groups groups = normal_groups(30, 10, 0.0, 1);
  expect_exact(fit("linear", groups), normal_posterior(groups));
}

TEST_F(GroupSds, OfGroupsThatDoNotDifferInBinaryRows) {
  const Groups groups = binary_groups(30, 10, 0.0, 2);
  expect_exact(fit("logistic", groups), logistic_posterior(groups));
}

// The rows tell the sum of the squares of sigma and sd_g alone.
TEST_F(GroupSds, OfAsManyGroupsAsRows) {
  const Groups groups = normal_groups(60, 1, 0.8, 3);
  expect_exact(fit("linear", groups), normal_posterior(groups));
}

// The prior alone tells the sd.
TEST_F(GroupSds, OfAsManyGroupsAsBinaryRows) {
  const Groups groups = binary_groups(60, 1, 1.0, 4);
  expect_exact(fit("logistic", groups), logistic_posterior(groups));
}

TEST_F(GroupSds, OfSlopesByWhatIsConstantWithinGroups) {
  const Vector w = Vector::LinSpaced(25, -2.0, 2.0);
  Groups groups = normal_groups(25, 4, 0.0, 7);
  for (Index g = 0; g < w.size(); ++g)
    groups[static_cast<std::size_t>(g)].array() +=
        w[g] * normal({.seed = 8, .purpose = Purpose::truth}, static_cast<std::uint32_t>(g));
  expect_exact(fit("linear", groups, 0, "y ~ (0 + w | g)", w), normal_posterior(groups, w));
}

TEST_F(GroupSds, OfOneGroup) {
  const Groups groups = normal_groups(1, 40, 1.0, 5);
  expect_exact(fit("linear", groups), normal_posterior(groups));
}

// The likelihood alone would go to infinity.
TEST_F(GroupSds, OfGroupsThatSeparateTheRows) {
  Groups groups;
  for (Index g = 0; g < 20; ++g) groups.push_back(Vector::Constant(6, static_cast<double>(g % 2)));
  expect_exact(fit("logistic", groups), logistic_posterior(groups));
}

TEST_F(GroupSds, AreRefusedWhereNodesAreTooFew) {
  const Groups groups = binary_groups(300, 4, 2.0, 6);
  const Exact expected = logistic_posterior(groups);
  const ResultFile one = fit("logistic", groups, 1);
  EXPECT_EQ(text(one, "verdict"), "rejected");
  EXPECT_THAT(text(one, "reason"), AllOf(HasSubstr("1 node is too few to integrate effects of groups"),
                                         HasSubstr("(limit 0.02)")));
  EXPECT_EQ(text(one, "advice"), "model.integrate = \"auto\"");
  // With reason: its sd is not the posterior's.
  EXPECT_GT(std::abs(moments_of(one).mean[1] - expected.mean[1]), 0.3 * expected.sd[1]);

  const ResultFile chosen = fit("logistic", groups);
  EXPECT_GT(std::get<std::int64_t>(chosen.attributes.at("nodes")), 3);
  expect_exact(chosen, expected);
  const ResultFile fine = fit("logistic", groups, 31);
  EXPECT_EQ(std::get<std::int64_t>(fine.attributes.at("nodes")), 31);
  expect_exact(fine, expected);
}

}  // namespace
}  // namespace vfe
