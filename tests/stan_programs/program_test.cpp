// A library that `vfe stan build` made of logistic.stan, against a plain loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "stan_programs/logistic.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/stan.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Vector point(double alpha, double first, double second, double log_tau) {
  Vector theta(4);
  theta << alpha, first, second, log_tau;
  return theta;
}

const std::vector<Vector>& points() {
  static const std::vector<Vector> list = {point(0.0, 0.0, 0.0, 0.0), point(0.3, -1.2, 0.7, -0.5),
                                           point(-2.0, 3.0, 1.0, 1.25)};
  return list;
}

class StanProgramOfLogistic : public testing::Test {
 protected:
  StanProgramOfLogistic() {
    library.on_print([this](const std::string& line) { lines.push_back(line); });
  }
  std::vector<std::string> lines;  ///< that the program has printed
  StanLibrary library{logistic_library};
};

TEST_F(StanProgramOfLogistic, ValueAndGradientAreThoseOfThePlainLoop) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  EXPECT_EQ(program.name(), "logistic_model");
  ASSERT_EQ(program.size(), 4);
  for (const Vector& theta : points()) {
    Vector expected, grad = Vector::Constant(4, 99.0);
    const double value = logistic_log_density(theta, expected);
    double found = 0.0, alone = 0.0;
    ASSERT_TRUE(program.log_density(theta, found, grad));
    EXPECT_NEAR(found, value, 1e-13 * std::abs(value));
    for (Index i = 0; i < 4; ++i)
      EXPECT_NEAR(grad[i], expected[i], 1e-13 * (1.0 + std::abs(expected[i]))) << i;
    Vector none;
    ASSERT_TRUE(program.log_density(theta, alone, none));
    EXPECT_NEAR(alone, value, 1e-13 * std::abs(value));
  }
}

TEST_F(StanProgramOfLogistic, QuantitiesHaveStansNamesAndShapes) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  std::vector<std::string> names;
  std::vector<Index> sizes;
  for (const Parameter& quantity : program.quantities()) {
    names.push_back(quantity.name);
    sizes.push_back(quantity.num_constrained());
  }
  EXPECT_THAT(names, ElementsAre("alpha", "beta", "tau", "odds", "scaled", "heads"));
  EXPECT_THAT(sizes, ElementsAre(1, 2, 1, 1, 4, 3));
  const Parameter& scaled = program.quantities()[4];
  ASSERT_EQ(scaled.dimensions.size(), 2u);
  EXPECT_EQ(scaled.dimensions[0].size, 2);
  EXPECT_THAT(scaled.dimensions[0].labels, ElementsAre("1", "2"));
  EXPECT_EQ(program.unconstrained().unconstrained_name(1), "beta[1]");
}

TEST_F(StanProgramOfLogistic, QuantitiesAreComputedRowMajor) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  const Vector theta = points()[1];
  const double tau = std::exp(theta[3]);
  Vector values(12), again(12), other(12);
  ASSERT_TRUE(program.compute_quantities(theta, 5, values));
  const double expected[] = {theta[0], theta[1], theta[2],       tau,           std::exp(theta[0]),
                             theta[1], theta[2], theta[1] / tau, theta[2] / tau};
  for (Index i = 0; i < 9; ++i)
    EXPECT_NEAR(values[i], expected[i], 1e-14 * (1.0 + std::abs(expected[i]))) << i;
  ASSERT_TRUE(program.compute_quantities(theta, 5, again));
  EXPECT_EQ(values, again);
  // Of 60 coins with odds near 1, some must differ between seeds.
  int differences = 0, heads = 0;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    ASSERT_TRUE(program.compute_quantities(theta, seed, other));
    for (Index i = 9; i < 12; ++i) {
      EXPECT_TRUE(other[i] == 0.0 || other[i] == 1.0);
      heads += other[i] == 1.0;
      differences += other[i] != values[i];
    }
  }
  EXPECT_GT(differences, 0);
  EXPECT_GT(heads, 15);
  EXPECT_LT(heads, 55);
}

TEST_F(StanProgramOfLogistic, WhatStanThrowsIsSaidAndCostsOnlyThatDraw) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  Vector grad(4);
  double value = 0.0;
  std::string why;
  EXPECT_FALSE(program.log_density(point(8.5, 0.0, 0.0, 0.0), value, grad, &why));
  EXPECT_THAT(why, HasSubstr("alpha is too large: 8.5"));
  EXPECT_THAT(why, HasSubstr("line "));
  Vector expected;
  const double sound = logistic_log_density(points()[1], expected);
  ASSERT_TRUE(program.log_density(points()[1], value, grad));
  EXPECT_NEAR(value, sound, 1e-13 * std::abs(sound));
}

TEST_F(StanProgramOfLogistic, QuantitiesComeAsFarAsStanGets) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  Vector values = Vector::Zero(12);
  EXPECT_FALSE(program.compute_quantities(point(-9.0, 0.5, 0.25, 0.0), 1, values));
  EXPECT_EQ(values[0], -9.0);
  EXPECT_EQ(values[1], 0.5);
}

TEST_F(StanProgramOfLogistic, MessagesArriveInLines) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  EXPECT_THAT(lines, ElementsAre("logistic of 7 rows"));
}

TEST_F(StanProgramOfLogistic, WrongDataNamesTheVariable) {
  const auto message = [&](const std::string& json) -> std::string {
    try {
      StanProgram(library, json, "data.json");
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return error.what();
    }
    return "nothing thrown";
  };
  EXPECT_THAT(message(R"({"N": 1, "K": 2, "x": [[1, 2]]})"),
              testing::AllOf(HasSubstr("data.json"), HasSubstr("y")));
  EXPECT_THAT(message(R"({"N": 2, "K": 2, "x": [[1, 2]], "y": [0, 1]})"), HasSubstr("x"));
  EXPECT_THAT(message(R"({"N": 1, "K": 2, "x": [["one", 2]], "y": [0]})"), HasSubstr("Variable: x"));
  EXPECT_THAT(message(R"({"N": 1, "K": 2, "x": [[1, 2]], "y": [2]})"), HasSubstr("y"));
  EXPECT_THAT(message("{\"N\": 1,"), HasSubstr("data.json"));
}

TEST_F(StanProgramOfLogistic, ThreadsShareOneProgram) {
  const StanProgram program(library, LogisticData::json(), "data.json");
  ASSERT_TRUE(library.thread_safe());
  std::vector<double> values(4);
  std::vector<Vector> grads(4, Vector(4));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < values.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int repeat = 0; repeat < 500; ++repeat) {
        Vector other(4);
        double ignored = 0.0;
        program.log_density(point(9.0, 0.0, 0.0, 0.0), ignored,
                            other);  // an exception midway leaves no trace
        program.log_density(points()[1], values[t], grads[t]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Vector expected(4);
  double value = 0.0;
  ASSERT_TRUE(program.log_density(points()[1], value, expected));
  for (std::size_t t = 0; t < values.size(); ++t) {
    EXPECT_EQ(values[t], value);
    EXPECT_EQ(grads[t], expected);
  }
}

// Left to itself, reduce_sum adds in an order that depends on which threads are free: 4 results in 200 calls.
TEST_F(StanProgramOfLogistic, ParallelSumsHaveTheSameBitsEveryTime) {
  constexpr int rows = 20000;
  std::string x, y;
  for (int i = 0; i < rows; ++i) {
    x += (i ? ", [" : "[") + std::to_string(std::sin(1.7 * i)) + ", " + std::to_string(std::cos(0.3 * i)) +
         "]";
    y += (i ? ", " : "") + std::to_string(i % 3 == 0);
  }
  const StanProgram program(
      library, "{\"N\": " + std::to_string(rows) + ", \"K\": 2, \"x\": [" + x + "], \"y\": [" + y + "]}",
      "data.json");
  Vector grad(4), again(4);
  double value = 0.0, other = 0.0;
  ASSERT_TRUE(program.log_density(points()[1], value, grad));
  for (int repeat = 0; repeat < 100; ++repeat) {
    ASSERT_TRUE(program.log_density(points()[1], other, again));
    ASSERT_EQ(other, value);
    ASSERT_EQ(again, grad);
  }
}

TEST(StanModelOfLogistic, BlocksAddUpToTheWholeProgram) {
  const auto library = std::make_shared<const StanLibrary>(logistic_library);
  library->on_print([](const std::string&) {});
  const StanData data(LogisticData::json(), "data.json", {"N", {"x", "y"}});
  ASSERT_EQ(data.rows(), LogisticData::rows);
  const StanModel model(library, data, Blocks::of_offsets({0, 3, 4, 7}), {0, 3});
  ASSERT_EQ(model.blocks(), 3);
  EXPECT_EQ(model.rows(0), 3);
  for (const Vector& theta : points()) {
    Vector value = Vector::Zero(1), expected;
    Matrix grad = Matrix::Zero(4, 1);
    model.log_prior(theta, value, grad);
    for (Index block = 0; block < 3; ++block) model.log_likelihood(block, theta, value, grad);
    const double whole = logistic_log_density(theta, expected);
    EXPECT_NEAR(value[0], whole, 1e-12 * std::abs(whole));
    EXPECT_LT((grad.col(0) - expected).cwiseAbs().maxCoeff(), 1e-12);
  }
  EXPECT_EQ(check_shards(library, data, 3, 1e-10, 1).culprit, "");
}

}  // namespace
}  // namespace vfe
