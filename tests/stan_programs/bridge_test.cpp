// The library of logistic.stan as those see it who know BridgeStan: every function of its headers, in C and
// for R, and its own client for Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/program.hpp"
#include "model/shared_library.hpp"
#include "stan_programs/logistic.hpp"
#include "vfe/model/stan.hpp"

namespace vfe {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Model;
struct Generator;

Vector point() {
  Vector theta(4);
  theta << 0.3, -1.2, 0.7, -0.5;
  return theta;
}

/// Of the plain loop's gradient, by differences.
Matrix hessian_of(const Vector& theta) {
  const double step = 1e-5;
  Matrix hessian(4, 4);
  for (Index i = 0; i < 4; ++i) {
    Vector above, below;
    logistic_log_density(theta + step * Vector::Unit(4, i), above);
    logistic_log_density(theta - step * Vector::Unit(4, i), below);
    hessian.col(i) = (above - below) / (2.0 * step);
  }
  return hessian;
}

class StanBridge : public testing::Test {
 protected:
  StanBridge() {
    model = function<Model*(const char*, unsigned int, char**)>("bs_model_construct")(
        LogisticData::json().c_str(), 1, &error);
    generator = function<Generator*(unsigned int, char**)>("bs_rng_construct")(1, &error);
  }
  ~StanBridge() override {
    function<void(Generator*)>("bs_rng_destruct")(generator);
    function<void(Model*)>("bs_model_destruct")(model);
    free_error();
  }
  template <class Signature>
  Signature* function(const std::string& name) const {
    Signature* found = nullptr;
    library.find(name.c_str(), found);
    return found;
  }
  /// What the last call complained of.
  std::string complaint() {
    const std::string text = error == nullptr ? "" : error;
    free_error();
    return text;
  }
  void free_error() {
    function<void(char*)>("bs_free_error_msg")(error);
    error = nullptr;
  }
  int initialize(const char* given, double radius, int tries, Vector& theta) {
    return function<int(const Model*, const char*, Generator*, double, int, bool, double*, char**)>(
        "bs_param_initialize")(model, given, generator, radius, tries, true, theta.data(), &error);
  }
  SharedLibrary library{logistic_library};
  char* error = nullptr;
  Model* model = nullptr;
  Generator* generator = nullptr;
};

TEST_F(StanBridge, HasEveryFunctionOfTheVersionThatItClaims) {
  const int *major = nullptr, *minor = nullptr, *patch = nullptr;
  library.find("bs_major_version", major);
  library.find("bs_minor_version", minor);
  library.find("bs_patch_version", patch);
  EXPECT_EQ(*major, 2);
  EXPECT_EQ(*minor, 9);
  EXPECT_EQ(*patch, 0);
  // bridgestan.h of 2.9.0, and bridgestanR.h, which has no print callback.
  for (const std::string name :
       {"model_construct", "model_destruct", "free_error_msg", "name", "model_info", "param_names",
        "param_unc_names", "param_num", "param_unc_num", "param_constrain", "param_unconstrain",
        "param_unconstrain_json", "param_initialize", "log_density", "log_density_gradient",
        "log_density_hessian", "log_density_hessian_vector_product", "rng_construct", "rng_destruct"}) {
    EXPECT_TRUE(library.has(("bs_" + name).c_str())) << name;
    EXPECT_TRUE(library.has(("bs_" + name + "_R").c_str())) << name;
  }
  EXPECT_TRUE(library.has("bs_set_print_callback"));
  EXPECT_TRUE(library.has("bs_version_R"));
}

TEST_F(StanBridge, HessianIsThatOfThePlainLoop) {
  const Vector theta = point();
  Vector expected, grad(4);
  const double value = logistic_log_density(theta, expected);
  const Matrix hessian = hessian_of(theta);
  double found = 0.0;
  Matrix second(4, 4);
  auto* compute = function<int(const Model*, bool, bool, const double*, double*, double*, double*, char**)>(
      "bs_log_density_hessian");
  ASSERT_EQ(compute(model, false, true, theta.data(), &found, grad.data(), second.data(), &error), 0);
  EXPECT_NEAR(found, value, 1e-13 * std::abs(value));
  EXPECT_LT((grad - expected).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((second - hessian).cwiseAbs().maxCoeff(), 1e-7);
  EXPECT_EQ(second, second.transpose());

  Vector direction(4), product(4);
  direction << 1.0, -2.0, 3.0, 0.5;
  auto* multiply =
      function<int(const Model*, bool, bool, const double*, const double*, double*, double*, char**)>(
          "bs_log_density_hessian_vector_product");
  ASSERT_EQ(multiply(model, false, true, theta.data(), direction.data(), &found, product.data(), &error), 0);
  EXPECT_NEAR(found, value, 1e-13 * std::abs(value));
  EXPECT_LT((product - hessian * direction).cwiseAbs().maxCoeff(), 1e-5);
  direction.setZero();
  ASSERT_EQ(multiply(model, false, true, theta.data(), direction.data(), &found, product.data(), &error), 0);
  EXPECT_EQ(product, direction);

  const Vector outside = Vector::Constant(4, 9.0);
  EXPECT_EQ(compute(model, false, true, outside.data(), &found, grad.data(), second.data(), &error), -1);
  EXPECT_THAT(complaint(), HasSubstr("alpha is too large: 9"));
}

TEST_F(StanBridge, InitialPointsKeepWhatIsGiven) {
  Vector theta(4), again(4);
  ASSERT_EQ(initialize(nullptr, 0.5, 10, theta), 0) << complaint();
  EXPECT_LT(theta.cwiseAbs().maxCoeff(), 0.5);
  EXPECT_GT(theta.cwiseAbs().minCoeff(), 0.0);
  ASSERT_EQ(initialize("{}", 0.5, 10, again), 0) << complaint();
  EXPECT_NE(again, theta);
  ASSERT_EQ(initialize(nullptr, 0.0, 10, theta), 0) << complaint();
  EXPECT_EQ(theta, Vector::Zero(4));
  ASSERT_EQ(initialize(R"({"alpha": 3, "tau": 2})", 1.0, 10, theta), 0) << complaint();
  EXPECT_EQ(theta[0], 3.0);
  EXPECT_LT(theta.segment(1, 2).cwiseAbs().maxCoeff(), 1.0);
  EXPECT_NEAR(theta[3], std::log(2.0), 1e-15);
}

TEST_F(StanBridge, InitialPointsThatCannotBeHadAreAnError) {
  Vector theta(4);
  EXPECT_EQ(initialize(R"({"alpha": 9})", 1.0, 7, theta), -1);
  const std::string text = complaint();
  EXPECT_THAT(text, HasSubstr("in 7 tries"));
  EXPECT_THAT(text, HasSubstr("alpha is too large"));
  EXPECT_EQ(initialize(R"({"alpha": 9, "beta": [0, 0], "tau": 1})", 1.0, 7, theta), -1);
  EXPECT_THAT(complaint(), HasSubstr("in 1 try"));
  EXPECT_EQ(initialize(nullptr, -1.0, 7, theta), -1);
  EXPECT_THAT(complaint(), HasSubstr("radius"));
  EXPECT_EQ(initialize("{\"alpha\"", 1.0, 7, theta), -1);
  EXPECT_NE(complaint(), "");
}

TEST_F(StanBridge, FunctionsForRAreThoseInC) {
  const std::string text = LogisticData::json();
  char *data = const_cast<char*>(text.c_str()), *message = nullptr;
  void* pointer = nullptr;
  int seed = 1, yes = 1, no = 0, number = 0, code = 5;
  Model* made = nullptr;
  function<void(char**, int*, Model**, char**, void**)>("bs_model_construct_R")(&data, &seed, &made, &message,
                                                                                &pointer);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(pointer, nullptr);
  const char* names = nullptr;
  function<void(Model**, int*, int*, const char**)>("bs_param_names_R")(&made, &yes, &no, &names);
  EXPECT_STREQ(names, "alpha,beta.1,beta.2,tau,odds");
  function<void(Model**, int*, int*, int*)>("bs_param_num_R")(&made, &yes, &yes, &number);
  EXPECT_EQ(number, 12);

  const Vector theta = point();
  Vector expected, grad(4), values(4);
  double value = 0.0;
  auto* density = function<void(Model**, int*, int*, const double*, double*, double*, int*, char**, void**)>(
      "bs_log_density_gradient_R");
  density(&made, &no, &yes, theta.data(), &value, grad.data(), &code, &message, &pointer);
  EXPECT_EQ(code, 0);
  EXPECT_NEAR(value, logistic_log_density(theta, expected), 1e-12);
  EXPECT_LT((grad - expected).cwiseAbs().maxCoeff(), 1e-12);
  // Without generated quantities R has an integer where a generator would be.
  Generator* none = reinterpret_cast<Generator*>(std::uintptr_t{0xdeadbeef});
  function<void(Model**, int*, int*, const double*, double*, Generator**, int*, char**, void**)>(
      "bs_param_constrain_R")(&made, &no, &no, theta.data(), values.data(), &none, &code, &message, &pointer);
  EXPECT_EQ(code, 0);
  EXPECT_NEAR(values[3], std::exp(theta[3]), 1e-15);

  const Vector outside = Vector::Constant(4, 9.0);
  density(&made, &no, &yes, outside.data(), &value, grad.data(), &code, &message, &pointer);
  EXPECT_EQ(code, -1);
  EXPECT_THAT(message, HasSubstr("alpha is too large: 9"));
  EXPECT_EQ(pointer, message);
  function<void(void**)>("bs_free_error_msg_R")(&pointer);
  function<void(Model**)>("bs_model_destruct_R")(&made);
}

TEST_F(StanBridge, ClientInPythonAgrees) {
  TemporaryFolder folder;
  put(folder / "data.json", LogisticData::json());
  put(folder / "client.py", R"(
import json, sys, warnings
warnings.simplefilter("error")  # also where the versions of client and library differ
import bridgestan, numpy
model = bridgestan.StanModel(sys.argv[1], "data.json", capture_stan_prints=True)
theta = numpy.array([0.3, -1.2, 0.7, -0.5])
value, gradient = model.log_density_gradient(theta, propto=False)
constrained = model.param_constrain(theta, include_tp=True, include_gq=True, rng=model.new_rng(5))
try:
    model.log_density(numpy.full(4, 9.0))
except RuntimeError as error:
    refused = str(error)
json.dump({"name": model.name(), "names": model.param_names(include_tp=True), "value": value,
           "coordinates": model.param_unc_names(), "gradient": gradient.tolist(),
           "hessian": model.log_density_hessian(theta, propto=False)[2].tolist(),
           "constrained": constrained.tolist(), "refused": refused,
           "back": model.param_unconstrain(constrained[:4].copy()).tolist(),
           "parsed": model.param_unconstrain_json({"alpha": 1, "beta": [2, 3], "tau": 1}).tolist(),
           "initial": model.param_initialize(model.new_rng(1), {"alpha": 1}).tolist()},
          open("found.json", "w"))
)");
  const Finished client =
      Job(folder.path(), VFE_BINARY_DIR "/stan/bin/python client.py " + logistic_library).wait();
  ASSERT_EQ(client.code, 0) << client.err;
  EXPECT_THAT(client.out, HasSubstr("logistic of 7 rows"));
  const json found = json::parse(contents(folder / "found.json"));

  const StanProgram program(StanLibrary(logistic_library), LogisticData::json(), "data.json");
  const Vector theta = point();
  Vector grad(4), values(12);
  double value = 0.0;
  ASSERT_TRUE(program.log_density(theta, value, grad));
  ASSERT_TRUE(program.compute_quantities(theta, 5, values));
  EXPECT_EQ(found["value"].get<double>(), value);
  EXPECT_EQ(found["name"], program.name());
  EXPECT_EQ(found["names"], json({"alpha", "beta.1", "beta.2", "tau", "odds"}));
  EXPECT_EQ(found["coordinates"], json({"alpha", "beta.1", "beta.2", "tau"}));
  const Matrix hessian = hessian_of(theta);
  for (Index i = 0; i < 4; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(found["gradient"][at].get<double>(), grad[i]);
    EXPECT_NEAR(found["back"][at].get<double>(), theta[i], 1e-15);
    for (Index j = 0; j < 4; ++j) {
      EXPECT_NEAR(found["hessian"][at][static_cast<std::size_t>(j)].get<double>(), hessian(i, j), 1e-7);
    }
  }
  // Its matrices go by column, those of vfe by row.
  for (const auto& [theirs, ours] : {std::pair<std::size_t, Index>{5, 5}, {6, 7}, {7, 6}, {8, 8}, {4, 4}}) {
    EXPECT_EQ(found["constrained"][theirs].get<double>(), values[ours]) << theirs;
  }
  EXPECT_EQ(found["parsed"], json({1.0, 2.0, 3.0, 0.0}));
  EXPECT_EQ(found["initial"][0], 1.0);
  EXPECT_THAT(found["refused"].get<std::string>(), HasSubstr("alpha is too large: 9"));
}

}  // namespace
}  // namespace vfe
