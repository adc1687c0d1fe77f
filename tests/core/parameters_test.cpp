#include "vfe/core/parameters.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Parameter parameter(const std::string& name, Transform transform, const std::vector<Index>& sizes = {},
                    double lower = 0.0, double upper = 1.0) {
  Parameter result{name, {}, transform, lower, upper};
  for (const Index size : sizes) result.dimensions.push_back({"axis" + std::to_string(size), size, {}});
  return result;
}

// One of each, with leading axes where they have a meaning of their own.
Parameters everything() {
  return Parameters({parameter("beta", Transform::identity, {2, 2}), parameter("sigma", Transform::positive),
                     parameter("shifted", Transform::positive, {2}, -3.0),
                     parameter("rho", Transform::bounded, {3}, -1.0, 2.5),
                     parameter("weights", Transform::simplex, {2, 4}),
                     parameter("one", Transform::simplex, {1}), parameter("cuts", Transform::ordered, {2, 3}),
                     parameter("omega", Transform::correlation_cholesky, {2, 4, 4})});
}

Vector normals(Index n, std::uint32_t draw, double scale = 1.0) {
  Matrix result(n, 1);
  fill_normal({3, Purpose::check, 0, 0, 0}, result, draw);
  return scale * result;
}

Vector constrained(const Parameters& parameters, ConstVec theta) {
  Vector value = Vector::Constant(parameters.num_constrained(), std::nan(""));
  parameters.constrain(theta, value);
  return value;
}

double log_jacobian(const Parameters& parameters, ConstVec theta) {
  Vector value(parameters.num_constrained());
  return parameters.constrain(theta, value);
}

// d constrained / d theta by central differences.
Matrix jacobian(const Parameters& parameters, const Vector& theta) {
  const double h = 1e-6;
  Matrix result(parameters.num_constrained(), parameters.size());
  for (Index i = 0; i < parameters.size(); ++i) {
    const Vector step = h * Vector::Unit(parameters.size(), i);
    result.col(i) = (constrained(parameters, theta + step) - constrained(parameters, theta - step)) / (2 * h);
  }
  return result;
}

TEST(Parameters, SizesAndSupports) {
  const Parameters parameters = everything();
  EXPECT_EQ(parameters.size(), 4 + 1 + 2 + 3 + 2 * 3 + 0 + 6 + 2 * 6);
  EXPECT_EQ(parameters.num_constrained(), 4 + 1 + 2 + 3 + 8 + 1 + 6 + 32);
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const Vector value = constrained(parameters, normals(parameters.size(), draw, 2.0));
    EXPECT_GT(value[4], 0.0);
    EXPECT_GT(value.segment(5, 2).minCoeff(), -3.0);
    EXPECT_GT(value.segment(7, 3).minCoeff(), -1.0);
    EXPECT_LT(value.segment(7, 3).maxCoeff(), 2.5);
    for (const Index first : {10, 14}) {
      EXPECT_NEAR(value.segment(first, 4).sum(), 1.0, 1e-14);
      EXPECT_GT(value.segment(first, 4).minCoeff(), 0.0);
    }
    EXPECT_EQ(value[18], 1.0);
    for (const Index i : {19, 20, 22, 23}) EXPECT_LT(value[i], value[i + 1]);
    for (const Index first : {25, 41}) {
      for (Index i = 0; i < 4; ++i) {
        const auto row = value.segment(first + 4 * i, 4);
        EXPECT_NEAR(row.squaredNorm(), 1.0, 1e-14);
        EXPECT_GT(row[i], 0.0);
        EXPECT_EQ(row.tail(3 - i).cwiseAbs().sum(), 0.0);
      }
    }
  }
}

TEST(Parameters, UnconstrainIsTheInverse) {
  const Parameters parameters = everything();
  for (std::uint32_t draw = 0; draw < 50; ++draw) {
    const Vector theta = normals(parameters.size(), draw, 2.0);
    const Vector back = parameters.unconstrain(constrained(parameters, theta));
    EXPECT_LT((back - theta).cwiseAbs().maxCoeff(), 1e-7);
  }
}

// Theta = 0 is the middle of each support, as in Stan.
TEST(Parameters, ZeroIsTheMiddle) {
  const Parameters parameters = everything();
  const Vector value = constrained(parameters, Vector::Zero(parameters.size()));
  EXPECT_DOUBLE_EQ(value[4], 1.0);
  EXPECT_DOUBLE_EQ(value[7], 0.75);
  EXPECT_LT((value.segment(10, 8).array() - 0.25).abs().maxCoeff(), 1e-15);
  EXPECT_EQ(value.segment(25, 16), value.segment(41, 16));
  EXPECT_EQ(value[25 + 5], 1.0);
  EXPECT_EQ(value[25 + 4], 0.0);
}

// The free part of each: all but the last of a simplex, what is strictly below the diagonal of a factor.
TEST(Parameters, LogJacobianIsTheDeterminantOfTheFreePart) {
  const Parameters parameters = everything();
  std::vector<Index> free;
  for (Index i = 0; i < 10; ++i) free.push_back(i);
  for (const Index i : {10, 11, 12, 14, 15, 16, 19, 20, 21, 22, 23, 24}) free.push_back(i);
  for (const Index first : {25, 41}) {
    for (const Index i : {4, 8, 9, 12, 13, 14}) free.push_back(first + i);
  }
  ASSERT_EQ(static_cast<Index>(free.size()), parameters.size());
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const Vector theta = normals(parameters.size(), draw);
    const Matrix square = jacobian(parameters, theta)(free, Eigen::all);
    EXPECT_NEAR(log_jacobian(parameters, theta), std::log(std::abs(square.determinant())), 1e-6);
  }
}

TEST(Parameters, PullBackIsTheGradient) {
  const Parameters parameters = everything();
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const Vector theta = normals(parameters.size(), draw);
    const Vector weight = normals(parameters.num_constrained(), 100 + draw);
    Vector grad = Vector::Constant(parameters.size(), 5.0);
    parameters.pull_back(theta, weight, grad);
    const Vector through_values = jacobian(parameters, theta).transpose() * weight;
    for (Index i = 0; i < parameters.size(); ++i) {
      const Vector step = 1e-6 * Vector::Unit(parameters.size(), i);
      const double through_jacobian =
          (log_jacobian(parameters, theta + step) - log_jacobian(parameters, theta - step)) / 2e-6;
      EXPECT_NEAR(grad[i], 5.0 + through_values[i] + through_jacobian, 1e-6)
          << parameters.unconstrained_name(i);
    }
  }
}

TEST(Parameters, ExtremeThetaIsFinite) {
  const Parameters parameters = everything();
  for (const double size : {40.0, 350.0, 700.0}) {
    for (const double sign : {-1.0, 1.0}) {
      Vector theta = Vector::Constant(parameters.size(), sign * size);
      for (const bool alternate : {false, true}) {
        if (alternate) {
          for (Index i = 0; i < theta.size(); i += 2) theta[i] = -theta[i];
        }
        Vector value(parameters.num_constrained()), grad = Vector::Zero(parameters.size());
        EXPECT_TRUE(std::isfinite(parameters.constrain(theta, value)));
        EXPECT_TRUE(value.allFinite());
        parameters.pull_back(theta, Vector::Constant(value.size(), 0.5), grad);
        EXPECT_TRUE(grad.allFinite());
      }
    }
  }
}

TEST(Parameters, OverflowIsCleanlyInfinite) {
  const Parameters parameters(
      {parameter("sigma", Transform::positive), parameter("mu", Transform::identity)});
  const Vector theta = (Vector(2) << 800.0, 1e300).finished();
  Vector value(2), grad = Vector::Zero(2);
  EXPECT_EQ(parameters.constrain(theta, value), 800.0);
  EXPECT_EQ(value[0], std::numeric_limits<double>::infinity());
  EXPECT_EQ(value[1], 1e300);
  parameters.pull_back(theta, Vector::Zero(2), grad);
  EXPECT_EQ(grad[0], 1.0);
  EXPECT_EQ(grad[1], 0.0);
}

TEST(Parameters, Names) {
  Parameter beta = parameter("beta", Transform::identity, {2});
  beta.dimensions[0].labels = {"age", "colour[red]"};
  Parameter omega = parameter("omega", Transform::correlation_cholesky, {2, 3, 3});
  omega.dimensions[0].labels = {"a", "b"};
  const Parameters parameters({beta, parameter("nothing", Transform::simplex, {1}),
                               parameter("weights", Transform::simplex, {2, 3}),
                               parameter("sigma", Transform::positive), omega});
  const std::vector<std::string> theta = {"beta[age]",    "beta[colour[red]]", "weights[0,0]", "weights[0,1]",
                                          "weights[1,0]", "weights[1,1]",      "sigma",        "omega[a,1,0]",
                                          "omega[a,2,0]", "omega[a,2,1]",      "omega[b,1,0]", "omega[b,2,0]",
                                          "omega[b,2,1]"};
  ASSERT_EQ(parameters.size(), static_cast<Index>(theta.size()));
  for (std::size_t i = 0; i < theta.size(); ++i) {
    EXPECT_EQ(parameters.unconstrained_name(static_cast<Index>(i)), theta[i]);
  }
  EXPECT_EQ(parameters.constrained_name(1), "beta[colour[red]]");
  EXPECT_EQ(parameters.constrained_name(2), "nothing[0]");
  EXPECT_EQ(parameters.constrained_name(8), "weights[1,2]");
  EXPECT_EQ(parameters.constrained_name(9), "sigma");
  EXPECT_EQ(parameters.constrained_name(10 + 9 + 5), "omega[b,1,2]");
  EXPECT_EQ(parameters.at("sigma").transform, Transform::positive);
  EXPECT_EQ(parameters.first_unconstrained(3), 6);
  EXPECT_EQ(parameters.first_constrained(3), 9);
}

TEST(Parameters, TransformsHaveNames) {
  for (const Transform t : {Transform::identity, Transform::positive, Transform::bounded, Transform::simplex,
                            Transform::ordered, Transform::correlation_cholesky}) {
    EXPECT_EQ(transform_from_string(to_string(t)), t);
  }
  EXPECT_EQ(to_string(Transform::correlation_cholesky), "correlation_cholesky");
}

Fault fault_of(const std::function<void()>& work, const std::string& expected) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.fault();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Fault::rejected;
}

TEST(Parameters, RefusesWhatMakesNoSense) {
  const auto refuses = [](std::vector<Parameter> list, const std::string& expected) {
    EXPECT_EQ(fault_of([&] { Parameters{std::move(list)}; }, expected), Fault::config);
  };
  refuses({parameter("a", Transform::identity), parameter("a", Transform::positive)}, "\"a\" is named twice");
  refuses({parameter("b", Transform::identity, {3, 0})}, "is empty");
  refuses({parameter("c", Transform::simplex)}, "needs an axis");
  refuses({parameter("d", Transform::correlation_cholesky, {3, 2})}, "of one size");
  refuses({parameter("e", Transform::bounded, {}, 2.0, 2.0)}, "not an interval");
  EXPECT_EQ(fault_of([] { transform_from_string("logit"); }, "\"logit\" is unknown"), Fault::config);
  EXPECT_EQ(fault_of([] { Parameters().at("x"); }, "\"x\""), Fault::bug);
}

TEST(Parameters, UnconstrainNamesWhatIsOutside) {
  const auto refuses = [](const Parameter& p, std::vector<double> values) {
    const Vector value = Eigen::Map<Vector>(values.data(), static_cast<Index>(values.size()));
    EXPECT_EQ(fault_of([&] { Parameters({p}).unconstrain(value); }, "\"" + p.name + "\""), Fault::data);
  };
  refuses(parameter("mu", Transform::identity), {std::nan("")});
  refuses(parameter("sigma", Transform::positive), {0.0});
  refuses(parameter("rho", Transform::bounded), {1.0});
  refuses(parameter("weights", Transform::simplex, {2}), {0.5, 0.6});
  refuses(parameter("weights", Transform::simplex, {2}), {1.5, -0.5});
  refuses(parameter("cuts", Transform::ordered, {2}), {1.0, 1.0});
  refuses(parameter("omega", Transform::correlation_cholesky, {2, 2}), {1.0, 0.1, 0.6, 0.8});
  refuses(parameter("omega", Transform::correlation_cholesky, {2, 2}), {1.0, 0.0, 0.6, 0.7});
}

TEST(Parameters, DrawsOverTheDomainAreUniformWhereItIsBounded) {
  const Parameters parameters({{"x"},
                               {"p", {}, Transform::bounded, 2.0, 5.0},
                               {"w", {{"k", 3, {}}}, Transform::simplex},
                               {"l", {{"i", 2, {}}, {"j", 2, {}}}, Transform::correlation_cholesky}});
  constexpr int n = 4000;
  Vector values(parameters.num_constrained()), sum = Vector::Zero(values.size()), squares = sum;
  for (int s = 0; s < n; ++s) {
    const Vector theta = parameters.draw_over_domain(
        {.seed = 3, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(s)}, 2.0);
    EXPECT_LT(std::abs(theta[0]), 2.0);
    parameters.constrain(theta, values);
    sum += values;
    squares += values.cwiseAbs2();
  }
  const Vector mean = sum / n, variance = squares / n - mean.cwiseAbs2();
  EXPECT_NEAR(mean[1], 3.5, 0.06);
  EXPECT_NEAR(variance[1], 9.0 / 12.0, 0.05);
  for (Index k = 2; k < 5; ++k) {  // Dirichlet(1, 1, 1)
    EXPECT_NEAR(mean[k], 1.0 / 3.0, 0.015);
    EXPECT_NEAR(variance[k], 1.0 / 18.0, 0.005);
  }
  EXPECT_NEAR(mean[7], 0.0, 0.04);  // the correlation
  EXPECT_NEAR(variance[7], 1.0 / 3.0, 0.02);
}

}  // namespace
}  // namespace vfe
