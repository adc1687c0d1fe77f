#include "vfe/formula/needs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "formula/molecules.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TableRows rows_of(const Vector& mass, const Vector& logp) {
  TableRows rows = missing_rows(molecules(), mass.size());
  auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
  numbers.col(0).setZero();
  numbers.col(1) = logp;
  numbers.col(2) = mass;
  for (Index i = 0; i < mass.size(); ++i) {
    rows.codes(i, 0) = static_cast<int>(i % 3);
    rows.codes(i, 1) = static_cast<int>(i % 2);
    rows.integers(i, 0) = i % 4;
  }
  return rows;
}
TableRows rows_of(const Vector& mass) {
  return rows_of(mass, mass);
}

DesignPlan plan(const std::string& right) {
  return DesignPlan(expand_terms(parse_formula("y ~ " + right), molecules()), molecules());
}

std::vector<Vector> statistics(const std::string& right, const TableRows& rows) {
  return known_statistics(plan(right), rows);
}

Vector random_numbers(Index size) {
  std::mt19937_64 bits(1);
  std::normal_distribution<double> normal(3.0, 2.0);
  return Vector::NullaryExpr(size, [&](Index) { return normal(bits); });
}

double quantile(Vector x, double share) {
  std::sort(x.begin(), x.end());
  const double place = share * static_cast<double>(x.size() - 1);
  const auto below = static_cast<Index>(place);
  return x[below] + (place - std::floor(place)) * (x[std::min(below + 1, x.size() - 1)] - x[below]);
}

TEST(DesignStatistics, MeanAndSd) {
  for (double scale : {1.0, 1e-200, 1e200, -1e9}) {
    const Vector x = scale * random_numbers(100);
    const Vector found = statistics("scale(mass)", rows_of(x))[0];
    const double mean = (x / scale).mean() * scale;
    const double sd =
        std::sqrt((x / scale).array().operator-(mean / scale).square().sum() / 99.0) * std::abs(scale);
    EXPECT_NEAR(found[0] / mean, 1.0, 1e-14);
    EXPECT_NEAR(found[1] / sd, 1.0, 1e-14);
    EXPECT_EQ(statistics("center(mass)", rows_of(x))[0], Vector::Constant(1, found[0]));
  }
}

TEST(DesignStatistics, WhatStandsWithinIsKnownBeforeWhatIsOfIt) {
  const Vector x = random_numbers(60).array().exp();
  const std::vector<Vector> found = statistics("I(scale(center(log(mass)) * 3)^2)", rows_of(x));
  ASSERT_EQ(found.size(), 2u);
  const Vector logs = x.array().log();
  EXPECT_NEAR(found[0][0], logs.mean(), 1e-13);
  EXPECT_NEAR(found[1][0], 0.0, 1e-13);
  EXPECT_NEAR(found[1][1], 3.0 * std::sqrt((logs.array() - logs.mean()).square().sum() / 59.0), 1e-12);
}

TEST(DesignStatistics, KnotsAreQuantiles) {
  Vector x = random_numbers(101);
  x.head(20) = x.head(20).array().round();  // some equal, 0 among them
  x[3] = -0.0;
  x[4] = -1e300;
  x[5] = 1e-310;
  const Vector found = statistics("bs(mass, df = 12)", rows_of(x))[0];
  ASSERT_EQ(found.size(), 11);
  EXPECT_EQ(found[0], x.minCoeff());
  EXPECT_EQ(found[1], x.maxCoeff());
  for (Index k = 1; k <= 9; ++k) {
    EXPECT_NEAR(found[1 + k], quantile(x, static_cast<double>(k) / 10.0), 1e-14 * std::abs(found[1 + k]));
  }
}

TEST(DesignStatistics, PolynomialsAreOrthonormalOverTheRows) {
  const Vector x = 1e6 + random_numbers(80).array();
  const Polynomials found = Polynomials::of(statistics("poly(mass, 9)", rows_of(x))[0]);
  Matrix columns(80, 10);
  columns.col(0).setConstant(1.0 / std::sqrt(80.0));
  found.evaluate(x, columns.rightCols(9));
  EXPECT_LT((columns.transpose() * columns - Matrix::Identity(10, 10)).cwiseAbs().maxCoeff(), 1e-8);
}

TEST(DesignStatistics, DoNotDependOnTheOrderOfBlocksNorOnWhoAddsThem) {
  const TableRows rows = rows_of(random_numbers(70), random_numbers(70).array().exp());
  const DesignPlan needs =
      plan("scale(mass) + poly(log(logp), 3) + bs(mass, 8) + factor(count):colour:shape");
  const std::vector<Vector> expected = known_statistics(needs, rows);
  DesignStatistics statistics(needs.needs());
  while (!statistics.is_known()) {
    std::vector<std::vector<NeedSums>> ranks(3, statistics.begin_pass());
    for (Index block = 9; block >= 0; --block) {
      ASSERT_FALSE(statistics.add(rows.some(7 * block, 7), ranks[static_cast<std::size_t>(block % 3)]));
    }
    std::vector<NeedSums> total = statistics.begin_pass();
    for (const std::vector<NeedSums>& rank : ranks)
      for (std::size_t i = 0; i < total.size(); ++i) total[i].add(rank[i]);
    statistics.end_pass(total);
  }
  ASSERT_EQ(statistics.values().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(statistics.values()[i], expected[i]) << i;
}

TEST(DesignStatistics, RefuseWhatNoDesignFollowsFrom) {
  const Vector same = Vector::Constant(20, 3.5), x = Vector::LinSpaced(20, 1.0, 20.0);
  Vector two = x;
  for (double& value : two) value = value < 9.0 ? 1.0 : 2.0;
  const auto line = [](const std::string& right, const Vector& values, Fault fault = Fault::data) {
    return refused([&] { statistics(right, rows_of(values)); }, fault);
  };
  EXPECT_EQ(line("scale(mass)", same), "formula: scale(mass): every value is 3.5, expected different ones");
  EXPECT_EQ(line("bs(mass)", same), "formula: mass: every value is 3.5, expected different ones");
  EXPECT_EQ(line("factor(mass)", same), "formula: factor(mass): every value is 3.5, expected different ones");
  EXPECT_EQ(line("poly(mass, 2)", two),
            "formula: poly(mass) of degree 2: its values determine no degree above 1");
  EXPECT_EQ(line("bs(mass, knots = 20)", x, Fault::config),
            "formula: spline of mass: a knot at 20, expected one between 1 and 20");
  EXPECT_EQ(line("ns(mass, 4)", two),
            "formula: spline of mass: a knot at 1, where the values end: too many of them are equal for so "
            "many knots");
  EXPECT_EQ(line("scale(mass)", Vector(0)), "formula: the table has no rows");
  EXPECT_EQ(line("factor(mass)", Vector::LinSpaced(10001, 0.0, 1.0), Fault::config),
            "formula: factor(mass) has more than 10000 levels");
  EXPECT_EQ(line("scale(log(mass))", x.array() - 3.0),
            "row 0: scale(log(mass)): log of -2, expected a number above 0");
  EXPECT_EQ(line("poly(mass, 3)", (Vector{{1.0, 2.0, 3.0, nan}})),
            "row 3: mass is missing, expected a number");
  statistics("poly(mass, 1)", rows_of(two));
  statistics("center(mass)", rows_of(same));
}

TEST(DesignStatistics, TooManyCellsAreRefused) {
  TableSchema schema{{{"y", ColumnType::number}}};
  for (const char* name : {"a", "b", "c"}) {
    schema.columns.push_back({name, ColumnType::factor, std::vector<std::string>(1000, "level")});
  }
  const DesignPlan large(expand_terms(parse_formula("y ~ a:b:c"), schema), schema);
  EXPECT_EQ(refused([&] { DesignStatistics(large.needs()).begin_pass(); }),
            "formula: a:b:c has more than 10000000 combinations of levels");
}

}  // namespace
}  // namespace vfe
