#include "vfe/data/simulate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Likelihood likelihoods[] = {
    Likelihood::linear,  Likelihood::student_t,         Likelihood::logistic,
    Likelihood::poisson, Likelihood::negative_binomial, Likelihood::softmax,
    Likelihood::ordinal, Likelihood::hurdle_poisson,    Likelihood::weibull};

struct Simulated {
  DatasetSchema schema;
  Matrix x;
  Vector y, truth;
  std::vector<std::string> truth_names;
};

Simulated read_back(const std::filesystem::path& path) {
  const Dataset dataset(path);
  Simulated data;
  data.schema = dataset.schema();
  const TableRows rows = dataset.read({0, data.schema.num_blocks()});
  std::visit([&](const auto& x) { data.x = x.template cast<double>(); }, rows.numbers);
  data.y.resize(rows.num_rows);
  switch (data.schema.table.columns.back().type) {
    case ColumnType::factor:
      data.y = rows.codes.rightCols(1).cast<double>();
      break;
    case ColumnType::integer:
      rows.read_integer(rows.integers.cols() - 1, data.y);
      break;
    default:
      data.y = data.x.rightCols(1);
      data.x.conservativeResize(Eigen::NoChange, data.x.cols() - 1);
  }
  data.truth = dataset.truth();
  data.truth_names = dataset.truth_names();
  return data;
}

Simulated simulated(Likelihood likelihood, Index rows, Index columns) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  options.likelihood = likelihood;
  options.rows = rows;
  options.columns = columns;
  const DatasetSchema schema = simulate(Communicator::self(), options);
  Simulated data = read_back(options.output);
  EXPECT_EQ(data.schema.content, schema.content);
  EXPECT_EQ(data.schema.num_rows(), rows);
  return data;
}

/// Linear predictor of a model with one, from the truth: intercept first, then beta.
Vector linear_predictor(const Simulated& data) {
  return (data.x * data.truth.segment(1, data.x.cols())).array() + data.truth[0];
}

double correlation(const Vector& a, const Vector& b) {
  const Vector p = a.array() - a.mean(), q = b.array() - b.mean();
  return p.dot(q) / (p.norm() * q.norm());
}

/// Mean over its standard error: standard normal where the mean is 0.
double z_score(const Vector& values) {
  const auto n = static_cast<double>(values.size());
  const double variance = (values.array() - values.mean()).square().sum() / (n - 1);
  return values.mean() / std::sqrt(variance / n);
}

TEST(Simulate, DrawsStandardNormalColumnsWithoutCorrelation) {
  const Simulated data = simulated(Likelihood::linear, 20000, 4);
  EXPECT_EQ(data.schema.table[3].name, "x4");
  EXPECT_EQ(data.schema.table[4].name, "y");
  const double tolerance = 4.5 / std::sqrt(20000.0);
  for (Index j = 0; j < 4; ++j) {
    EXPECT_NEAR(data.x.col(j).mean(), 0.0, tolerance);
    EXPECT_NEAR(data.x.col(j).squaredNorm() / 20000, 1.0, tolerance * std::sqrt(2.0));
    for (Index k = 0; k < j; ++k) EXPECT_NEAR(correlation(data.x.col(j), data.x.col(k)), 0.0, tolerance);
  }
}

TEST(Simulate, StoresTheTruthByName) {
  const Simulated data = simulated(Likelihood::linear, 300, 2);
  EXPECT_THAT(data.truth_names, ElementsAre("intercept", "beta[x1]", "beta[x2]", "sigma"));
  EXPECT_EQ(data.truth[3], 1.0);
  EXPECT_EQ(simulated(Likelihood::softmax, 300, 2).truth_names.size(), 2u * 3u);
  EXPECT_EQ(simulated(Likelihood::student_t, 300, 2).truth_names.back(), "nu");
}

TEST(Simulate, GivesRealResponsesAroundTheLinearPredictor) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::student_t}) {
    const Simulated data = simulated(likelihood, 20000, 5);
    const Vector residual = data.y - linear_predictor(data);
    const double variance = likelihood == Likelihood::linear ? 1.0 : 5.0 / 3.0;
    EXPECT_NEAR(residual.mean(), 0.0, 4.5 * std::sqrt(variance / 20000));
    EXPECT_NEAR(residual.squaredNorm() / 20000, variance, 0.15 * variance) << to_string(likelihood);
    for (Index j = 0; j < 5; ++j)
      EXPECT_NEAR(correlation(residual, data.x.col(j)), 0.0, 4.5 / std::sqrt(20000.0));
  }
}

TEST(Simulate, GivesOtherResponsesTheirMean) {
  const Simulated logistic = simulated(Likelihood::logistic, 20000, 5);
  EXPECT_TRUE(((logistic.y.array() == 0) || (logistic.y.array() == 1)).all());
  const Vector eta = linear_predictor(logistic);
  const Vector residual = logistic.y.array() - 1.0 / (1.0 + (-eta.array()).exp());
  EXPECT_LT(std::abs(z_score(residual)), 4.5);
  EXPECT_LT(std::abs(z_score(residual.cwiseProduct(eta))), 4.5);

  for (const Likelihood likelihood : {Likelihood::poisson, Likelihood::negative_binomial}) {
    const Simulated counts = simulated(likelihood, 20000, 5);
    const Vector mean = linear_predictor(counts).array().exp();
    EXPECT_LT(std::abs(z_score(counts.y - mean)), 4.5);
    const double overdispersion = likelihood == Likelihood::poisson ? 0.0 : counts.truth[6];
    const Vector variance = mean.array() * (1.0 + overdispersion * mean.array());
    EXPECT_LT(std::abs(z_score((counts.y - mean).array().square() - variance.array())), 4.5);
  }
}

TEST(Simulate, GivesEveryClassOfASoftmaxItsShare) {
  const Simulated data = simulated(Likelihood::softmax, 20000, 3);
  EXPECT_THAT(data.schema.table.columns.back().levels, ElementsAre("0", "1", "2"));
  Matrix weight = Matrix::Ones(20000, 3);  // of class 0, the reference, 1
  for (Index k = 0; k < 2; ++k)
    weight.col(k + 1) = ((data.x * data.truth.segment(2 + 3 * k, 3)).array() + data.truth[k]).exp();
  for (Index k = 0; k < 3; ++k) {
    const Vector probability = weight.col(k).cwiseQuotient(weight.rowwise().sum());
    const Vector observed = (data.y.array() == static_cast<double>(k)).cast<double>();
    EXPECT_LT(std::abs(z_score(observed - probability)), 4.5) << "class " << k;
  }
}

TEST(Simulate, TakesAFormula) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  options.likelihood = Likelihood::linear;
  options.formula = "dose ~ g * scale(t) + exp(u)";
  options.levels = {{"g", 3}};
  options.rows = 30000;
  options.effect = 3.0;
  simulate(Communicator::self(), options);
  const Dataset file(options.output);
  const TableSchema& table = file.schema().table;
  ASSERT_EQ(table.size(), 4);
  EXPECT_EQ(table[0].name, "g");
  EXPECT_THAT(table[0].levels, ElementsAre("a", "b", "c"));
  EXPECT_EQ(table[3].name, "dose");
  EXPECT_THAT(file.truth_names(),
              ElementsAre("intercept", "beta[g[b]]", "beta[g[c]]", "beta[scale(t)]", "beta[exp(u)]",
                          "beta[g[b]:scale(t)]", "beta[g[c]:scale(t)]", "sigma"));
  // Least squares by level of the factor know the truth.
  const TableRows rows = file.read({0, file.schema().num_blocks()});
  Matrix x(options.rows, 7);
  Vector y(options.rows), t(options.rows), u(options.rows);
  rows.read_number(0, t);
  rows.read_number(1, u);
  rows.read_number(2, y);
  const Vector scaled = (t.array() - t.mean()) / std::sqrt((t.array() - t.mean()).square().sum() / 29999.0);
  const auto is = [&](int level) -> Vector { return (rows.codes.col(0).array() == level).cast<double>(); };
  x << Vector::Ones(options.rows), is(1), is(2), scaled, u.array().exp().matrix(), is(1).cwiseProduct(scaled),
      is(2).cwiseProduct(scaled);
  const Vector found = (x.transpose() * x).ldlt().solve(x.transpose() * y);
  EXPECT_LT((found - file.truth().head(7)).cwiseAbs().maxCoeff(), 0.06) << found.transpose();
  for (int level = 0; level < 3; ++level) EXPECT_NEAR(is(level).mean(), 1.0 / 3.0, 0.012);
}

TEST(Simulate, GivesGroupsTheirEffects) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  options.likelihood = Likelihood::linear;
  options.formula = "y ~ x + (1 | g) + (0 + x | h)";
  options.levels = {{"g", 2000}, {"h", 300}};
  options.rows = 40000;
  const DatasetSchema schema = simulate(Communicator::self(), options);
  EXPECT_THAT(schema.grouped_by, ElementsAre("g"));
  const Dataset file(options.output);
  EXPECT_EQ(to_json(file.schema()), to_json(schema));
  EXPECT_EQ(schema.table[1], (TableColumn{.name = "g", .type = ColumnType::integer}));
  EXPECT_EQ(schema.table[2].levels.size(), 300u);
  EXPECT_THAT(file.truth_names(), ElementsAre("intercept", "beta[x]", "sigma", "sd_g[intercept]", "sd_h[x]"));
  const TableRows rows = file.read({0, schema.num_blocks()});
  Vector x(options.rows), y(options.rows);
  rows.read_number(0, x);
  rows.read_number(1, y);
  const Vector residual = y - file.truth()[1] * x - Vector::Constant(options.rows, file.truth()[0]);
  // Products of residuals of two rows next to each other: the variance of effects that they share.
  Vector shared(options.rows / 2), apart(options.rows / 2), squares(options.rows / 2);
  Index num_shared = 0, num_apart = 0;
  for (Index row = 0; row + 1 < options.rows; row += 2) {
    const double product = residual[row] * residual[row + 1];
    const bool same = rows.integers(row, 0) == rows.integers(row + 1, 0);
    (same ? shared[num_shared++] : apart[num_apart++]) = product;
    squares[row / 2] = std::pow(residual[row], 2) - (1.0 + 1.0 + 0.25 * x[row] * x[row]);
  }
  EXPECT_LT(num_apart, 1500);
  EXPECT_LT(std::abs(z_score(shared.head(num_shared).array() - 1.0)), 4.5);
  EXPECT_LT(std::abs(z_score(apart.head(num_apart))), 4.5);
  EXPECT_LT(std::abs(z_score(squares)), 4.5);
  // Slopes of a level of h: those of its rows, whatever their g.
  Vector slopes(300);
  for (int h = 0; h < 300; ++h) {
    const Vector at = (rows.codes.col(0).array() == h).cast<double>() * x.array();
    slopes[h] = at.dot(residual) / at.squaredNorm();
  }
  EXPECT_NEAR(slopes.squaredNorm() / 300, 0.25 + 2.0 / (40000.0 / 300.0), 4.5 * 0.27 * std::sqrt(2.0 / 300));
}

TEST(Simulate, TakesLevelsForWhatNamesGroups) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  options.likelihood = Likelihood::poisson;
  options.formula = "y ~ x + (1 | school / class)";
  options.levels = {{"school", 1000}, {"class", 3}};
  options.rows = 9000;
  EXPECT_THAT(simulate(Communicator::self(), options).grouped_by, ElementsAre("school", "class"));
  EXPECT_EQ(Dataset(options.output).schema().table[1].levels.size(), 1000u);
  EXPECT_EQ(Dataset(options.output).truth().tail(2), (Vector{{0.5, 0.5}}));
  options.formula = "y ~ g + (1 | g)";  // levels have coefficients, so that they have names
  options.levels = {{"g", 1001}};
  options.rows = 20000;
  EXPECT_EQ(simulate(Communicator::self(), options).table[0].type, ColumnType::factor);
  const auto refused = [&](Fault fault) -> std::string {
    try {
      simulate(Communicator::self(), options);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), fault);
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  };
  options.formula = "y ~ x + (1 | g) + (1 | h)";
  EXPECT_THAT(refused(Fault::usage), HasSubstr("no levels of h, expected --levels h=COUNT"));
  options.formula = "y ~ x + (1 | g)";
  options.rows = 1000;
  EXPECT_THAT(refused(Fault::usage), HasSubstr("1001 groups of g in 1000 rows"));
  options.rows = 20000;
  options.likelihood = Likelihood::softmax;
  EXPECT_THAT(refused(Fault::usage), HasSubstr("effects of groups for softmax"));
}

TEST(Simulate, DependsOnTheSeedAndNothingElse) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  const std::uint64_t content = simulate(Communicator::self(), options).content;
  EXPECT_EQ(simulate(Communicator::self(), options).content, content);
  options.seed = 2;
  EXPECT_NE(simulate(Communicator::self(), options).content, content);
}

TEST(Simulate, RefusesWhatMakesNoDataset) {
  const TemporaryFolder folder;
  const auto refused = [&](auto change) -> std::string {
    SimulateOptions options;
    options.output = folder / "data.h5";
    change(options);
    try {
      simulate(Communicator::self(), options);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::usage);
      EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  };
  EXPECT_THAT(refused([](SimulateOptions& o) { o.rows = 0; }), HasSubstr("0 rows"));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.columns = 0; }), HasSubstr("0 columns"));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.effect = -1; }), HasSubstr("effect"));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.likelihood = Likelihood::poisson, o.effect = 10; }),
              HasSubstr("effect"));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.likelihood = Likelihood::softmax, o.classes = 1; }),
              HasSubstr("1 classes"));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.formula = "y ~ g", o.levels["h"] = 3; }),
              HasSubstr("levels of \"h\", expected a column of the formula; the nearest are \"g\""));
  EXPECT_THAT(refused([](SimulateOptions& o) { o.formula = "y ~ g", o.levels["g"] = 1; }),
              HasSubstr("1 levels of g"));
}

/// A file of 5 blocks, the last short.
SimulateOptions several_blocks(const std::filesystem::path& output, Likelihood likelihood) {
  SimulateOptions options;
  options.output = output;
  options.likelihood = likelihood;
  options.rows = 270;
  options.columns = 3;
  options.block_rows = 64;
  return options;
}

TEST(SimulateMpi, WritesTheSameFileOnAnyNumberOfRanks) {
  const Communicator world = Communicator::world();
  for (const Likelihood likelihood : likelihoods) {
    const TemporaryFolder folder;  // each rank its own; rank 0 writes to its
    const SimulateOptions options = several_blocks(folder / "data.h5", likelihood);
    const DatasetSchema together = simulate(world, options);
    const DatasetSchema alone =
        simulate(Communicator::self(), several_blocks(folder / "alone.h5", likelihood));
    EXPECT_EQ(together.content, alone.content) << to_string(likelihood);
    EXPECT_EQ(to_json(together), to_json(alone));
    EXPECT_EQ(std::filesystem::exists(options.output), world.is_root());
    if (world.is_root()) {
      const Simulated a = read_back(options.output), b = read_back(folder / "alone.h5");
      EXPECT_EQ(a.x, b.x);
      EXPECT_EQ(a.y, b.y);
      EXPECT_EQ(a.truth, b.truth);
      EXPECT_EQ(a.truth_names, b.truth_names);
    }
  }
}

TEST(SimulateMpi, WritesTheSameGroupsOnAnyNumberOfRanks) {
  const Communicator world = Communicator::world();
  const TemporaryFolder folder;
  SimulateOptions options = several_blocks(folder / "data.h5", Likelihood::linear);
  options.formula = "y ~ x + (1 + x | g / h) + (1 | k)";
  options.levels = {{"g", 60}, {"h", 2}, {"k", 4}};
  const DatasetSchema together = simulate(world, options);
  options.output = folder / "alone.h5";
  const DatasetSchema alone = simulate(Communicator::self(), options);
  EXPECT_FALSE(alone.blocks.are_equal());
  EXPECT_EQ(together.content, alone.content);
  EXPECT_EQ(to_json(together), to_json(alone));
}

TEST(SimulateMpi, FailsOnEveryRankWhereRankZeroCannotWrite) {
  const Communicator world = Communicator::world();
  const TemporaryFolder folder;
  const std::filesystem::path blocked = folder / "blocked";
  if (world.is_root()) put(blocked, "a file, not a folder");
  try {
    simulate(world, several_blocks(blocked / "data.h5", Likelihood::logistic));
    ADD_FAILURE() << "no error on rank " << world.rank();
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::cannot_create);
  }
}

}  // namespace
}  // namespace vfe
