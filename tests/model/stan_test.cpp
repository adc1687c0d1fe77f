#include "vfe/model/stan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <thread>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::shared_ptr<const StanLibrary> load(const std::string& stem) {
  return std::make_shared<const StanLibrary>(std::filesystem::path(VFE_BINARY_DIR) / "libraries" /
                                             (stem + ".so"));
}

/// Data of the regression in libraries/stan_regression.c; `more` are members that break the sum.
std::string regression_json(Index rows, const std::string& more = "") {
  std::string x, y;
  for (Index i = 0; i < rows; ++i) {
    const char* comma = i == 0 ? "" : ",";
    const double at = static_cast<double>(i);
    x += fmt::format("{}{:.3f}", comma, std::sin(3 * at) + 0.2);
    y += fmt::format("{}{:.3f}", comma, std::cos(5 * at) - 0.1);
  }
  return fmt::format("{{\"N\":{},\"x\":[{}],\"y\":[{}],\"sigma\":0.7{}}}", rows, x, y, more);
}

StanData regression(Index rows, const std::string& more = "") {
  return StanData(regression_json(rows, more), "data.json", {"N", {"x", "y"}});
}

Matrix draws_of(Index size, Index count) {
  Matrix theta(size, count);
  fill_normal({.seed = 5, .purpose = Purpose::check}, theta);
  return theta;
}

TEST(StanModel, WholeIsOneBlockWithoutAPriorOfItsOwn) {
  const auto library = load("stan_regression");
  const StanModel model(library, regression_json(12), "data.json");
  EXPECT_EQ(model.program_name(), "fake_model");
  EXPECT_EQ(model.blocks(), 1);
  EXPECT_EQ(model.rows(0), 1);
  const Matrix theta = draws_of(2, 3);
  Vector value = Vector::Constant(3, 100.0);
  Matrix grad = Matrix::Constant(2, 3, -7.0);
  model.log_prior(theta, value, grad);
  EXPECT_EQ(value, Vector::Constant(3, 100.0));
  EXPECT_EQ(grad, Matrix::Constant(2, 3, -7.0));
  model.log_likelihood(0, theta, value, grad);
  const StanProgram program(*library, regression_json(12), "data.json");
  for (Index s = 0; s < 3; ++s) {
    double expected = 0.0;
    Vector expected_grad(2);
    ASSERT_TRUE(program.log_density(theta.col(s), expected, expected_grad));
    EXPECT_DOUBLE_EQ(value[s], 100.0 + expected);
    EXPECT_DOUBLE_EQ(grad(0, s), expected_grad[0] - 7.0);
  }
  Vector alone = Vector::Constant(3, 100.0);
  Matrix none(2, 0);
  model.log_likelihood(0, theta, alone, none);
  EXPECT_EQ(alone, value);
}

TEST(StanModel, BlocksAndPriorSumToTheWhole) {
  const auto library = load("stan_regression");
  const StanModel whole(library, regression_json(12), "data.json");
  const StanModel blocks(library, regression(12), Blocks::of_offsets({0, 1, 6, 12}), {0, 3});
  ASSERT_EQ(blocks.blocks(), 3);
  EXPECT_EQ(blocks.rows(1), 5);
  const Matrix theta = draws_of(2, 4);
  Vector expected = Vector::Zero(4), value = Vector::Zero(4);
  Matrix expected_grad = Matrix::Zero(2, 4), grad = Matrix::Zero(2, 4);
  whole.log_likelihood(0, theta, expected, expected_grad);
  blocks.log_prior(theta, value, grad);
  const double log_normal = -std::log(2 * std::acos(-1.0)) - 2 * std::log(10.0);
  for (Index s = 0; s < 4; ++s) EXPECT_NEAR(value[s], log_normal - 0.005 * theta.col(s).squaredNorm(), 1e-13);
  EXPECT_TRUE(grad.isApprox(-0.01 * theta, 1e-14));
  for (Index block = 0; block < 3; ++block) blocks.log_likelihood(block, theta, value, grad);
  EXPECT_TRUE(value.isApprox(expected, 1e-14)) << (value - expected).transpose();
  EXPECT_TRUE(grad.isApprox(expected_grad, 1e-14));

  // Calls with other draws, and without gradients, do not disturb each other.
  Vector few = Vector::Zero(2);
  Matrix none(2, 0);
  blocks.log_likelihood(1, theta.leftCols(2), few, none);
  Vector again = Vector::Zero(4);
  Matrix again_grad = Matrix::Zero(2, 4);
  blocks.log_likelihood(1, theta, again, again_grad);
  EXPECT_EQ(few, again.head(2));
}

TEST(StanModel, SeveralThreadsGetTheSameBits) {
  const auto library = load("stan_regression");
  const StanData data = regression(60);
  const Blocks blocks = Blocks::of_equal(60, 20);
  const StanModel model(library, data, blocks, {0, 3});
  const Matrix theta = draws_of(2, 50), other = draws_of(2, 60).rightCols(50);
  const auto evaluate = [](const StanModel& of, Index block, const Matrix& at) {
    Vector value = Vector::Zero(50);
    Matrix grad = Matrix::Zero(2, 50);
    of.log_likelihood(block, at, value, grad);
    return Vector(value + grad.colwise().sum().transpose());
  };
  const Vector expected = evaluate(model, 1, theta), expected_other = evaluate(model, 2, other);
  // Nothing is left of earlier calls.
  EXPECT_EQ(evaluate(StanModel(library, data, blocks, {0, 3}), 2, other), expected_other);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        wrong[t] +=
            t % 2 == 0 ? evaluate(model, 1, theta) != expected : evaluate(model, 2, other) != expected_other;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(StanModel, WithoutBlocksIsThePriorAlone) {
  const StanModel model(load("stan_regression"), regression(12), Blocks(), {});
  EXPECT_EQ(model.blocks(), 0);
  EXPECT_EQ(model.parameters().size(), 2);
}

TEST(StanModel, NeedsAProgramThatRunsWithoutRows) {
  try {
    StanModel model(load("stan_regression"), regression(12, ",\"lower\":1"), Blocks::of_equal(12, 12),
                    {0, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("data.json"), HasSubstr("N = 0"), HasSubstr("shards"),
                                    HasSubstr("greater than or equal to 1")));
  }
}

TEST(StanModel, NeedsAsManyParametersWithRowsAsWithout) {
  try {
    StanModel model(load("stan_effects"), StanData(R"({"N":2,"y":[1,2]})", "data.json", {"N", {"y"}}),
                    Blocks::of_equal(2, 2), {0, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("N = 2 it has 3"), HasSubstr("N = 0 it has 1")));
  }
}

TEST(StanModel, ADrawForWhichStanThrowsIsNotANumberAndItsReasonCanBeAsked) {
  const StanModel model(load("stan_fails"), "", "");
  const Matrix theta = (Matrix(1, 3) << 0.5, -1.0, 2.0).finished();
  Vector value = Vector::Zero(3);
  Matrix grad = Matrix::Zero(1, 3);
  model.log_likelihood(0, theta, value, grad);
  EXPECT_TRUE(std::isfinite(value[0]) && std::isfinite(value[2]));
  EXPECT_TRUE(std::isnan(value[1]) && std::isnan(grad(0, 1)));
  EXPECT_DOUBLE_EQ(grad(0, 2), -2.0);
  EXPECT_EQ(model.explain(0, theta.col(1)), "Exception: sqrt: theta is negative (in 'fails.stan', line 7)");
  EXPECT_EQ(model.explain(0, theta.col(0)), "");
  EXPECT_EQ(model.explain(-1, theta.col(1)), "");
}

TEST(StanModel, AlwaysNotANumberIsNoException) {
  const StanModel model(load("stan_nan"), "", "");
  Vector value = Vector::Zero(2);
  Matrix grad = Matrix::Zero(1, 2);
  model.log_likelihood(0, draws_of(1, 2), value, grad);
  EXPECT_TRUE(value.array().isNaN().all());
  EXPECT_EQ(model.explain(0, Vector::Zero(1)), "");
}

TEST(StanModel, QuantitiesAreAFunctionOfSeedAndDraw) {
  const StanModel model(load("stan_regression"), regression_json(12), "data.json");
  ASSERT_EQ(model.quantities().size(), 4u);
  const Matrix theta = draws_of(2, 3);
  Matrix values(4, 3), later(4, 2), other(4, 3);
  model.compute_quantities(theta, 9, 10, values);
  model.compute_quantities(theta.rightCols(2), 9, 11, later);
  model.compute_quantities(theta, 8, 10, other);
  EXPECT_EQ(values.topRows(2), theta);
  EXPECT_EQ(values.rightCols(2), later);
  for (Index s = 0; s < 3; ++s) {
    const Address at{.seed = 9, .purpose = Purpose::generated, .draw = 10 + static_cast<std::uint32_t>(s)};
    EXPECT_EQ(values(3, s), random_bits(at, 0)[0]);
    EXPECT_NE(values(3, s), other(3, s));
  }
}

TEST(StanModel, MayHaveNoParameters) {
  const StanModel model(load("stan_no_parameters"), "", "");
  EXPECT_EQ(model.parameters().size(), 0);
  Vector value = Vector::Zero(2);
  Matrix grad(0, 2), values(1, 2);
  model.log_likelihood(0, Matrix(0, 2), value, grad);
  EXPECT_EQ(value, Vector::Constant(2, -1.5));
  model.compute_quantities(Matrix(0, 2), 1, 0, values);
  EXPECT_EQ(values, Matrix::Constant(1, 2, 42.0));
}

ShardCheck check(const std::string& more, Index rows = 40, Index blocks = 5) {
  return check_shards(load("stan_regression"), regression(rows, more), blocks, 1e-10, 3);
}

TEST(StanShards, OfASumOverRowsAreProved) {
  for (const Index rows : {2, 3, 40, 900}) {
    const ShardCheck found = check("", rows);
    EXPECT_EQ(found.culprit, "");
    EXPECT_LT(found.worst_value, 1e-13);
    EXPECT_LT(found.worst_gradient, 1e-13);
  }
  EXPECT_EQ(check("", 40, 1).culprit, "");
  EXPECT_EQ(check("", 5, 64).culprit, "");
}

TEST(StanShards, NameTheVariableWhoseRowsDependOnOneAnother) {
  for (const Index rows : {3, 40, 900}) {
    const ShardCheck found = check(",\"mean\":1", rows);
    EXPECT_EQ(found.culprit, "x: its rows depend on one another") << rows;
    EXPECT_GT(found.worst_value, 1e-6);
  }
}

TEST(StanShards, NameTwoVariablesThatDependOnEachOther) {
  EXPECT_THAT(check(",\"product\":0.01").culprit, testing::StartsWith("x, y: "));
}

TEST(StanShards, NameTheCountThatDivides) {
  EXPECT_THAT(check(",\"divide\":1").culprit, testing::StartsWith("N: "));
}

TEST(StanShards, TellThatTheOrderCounts) {
  EXPECT_THAT(check(",\"order\":1").culprit, AllOf(testing::StartsWith("x, y: "), HasSubstr("order")));
}

TEST(StanShards, NeedTwoRowsAndAFiniteDensity) {
  EXPECT_THROW(check("", 1), Error);
  try {
    check_shards(load("stan_nan"), StanData(R"({"y":[1,2]})", "data.json", {"N", {"y"}}), 2, 1e-10, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_THAT(error.what(), HasSubstr("data.json"));
  }
}

}  // namespace
}  // namespace vfe
