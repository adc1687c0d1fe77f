#include "vfe/model/stan_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <optional>
#include <thread>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::filesystem::path library_file(const std::string& stem) {
  return std::filesystem::path(VFE_BINARY_DIR) / "libraries" / (stem + ".so");
}

/// The error that `work` ends with.
template <class Work>
Error error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(Fault::bug, "");
}

Error error_of_loading(const std::filesystem::path& file) {
  return error_of([&] { StanLibrary library(file); });
}

std::vector<std::string> names(const std::vector<Parameter>& list) {
  std::vector<std::string> names;
  for (const Parameter& parameter : list) names.push_back(parameter.name);
  return names;
}

TEST(StanLibrary, RefusesWhatIsNotThere) {
  const Error error = error_of_loading("nowhere.so");
  EXPECT_EQ(error.fault(), Fault::missing);
  EXPECT_THAT(error.what(), HasSubstr("nowhere.so"));
}

TEST(StanLibrary, IsNotLookedForAmongTheSystemsLibraries) {
  EXPECT_EQ(error_of_loading("libm.so.6").fault(), Fault::missing);
}

TEST(StanLibrary, RefusesWhatIsNoLibrary) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "stan_library_test_text.so";
  std::ofstream(file) << "data { int N; }\n";
  const Error text = error_of_loading(file);
  EXPECT_EQ(text.fault(), Fault::data);
  EXPECT_THAT(text.what(), AllOf(HasSubstr(file.string()), Not(HasSubstr("\n"))));
  std::filesystem::remove(file);

  const Error folder = error_of_loading(std::filesystem::temp_directory_path());
  EXPECT_EQ(folder.fault(), Fault::data);
  EXPECT_THAT(folder.what(), HasSubstr("directory"));
}

TEST(StanLibrary, RefusesALibraryOfSomethingElse) {
  const Error error = error_of_loading(library_file("stan_not_stan"));
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("stan_not_stan.so"), HasSubstr("bs_major_version")));
}

TEST(StanLibrary, RefusesAnotherVersion) {
  const Error error = error_of_loading(library_file("stan_version"));
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("found version 3"), HasSubstr("expected 2")));
}

TEST(StanLibrary, NamesTheMissingSymbol) {
  const Error error = error_of_loading(library_file("stan_lacks_symbol"));
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_THAT(error.what(), HasSubstr("bs_rng_construct"));
}

TEST(StanProgram, SaysInOneLineWhatStanThrewAndOnWhichData) {
  const StanLibrary library(library_file("stan_throws"));
  const Error error = error_of([&] { StanProgram(library, "{}", "some.json"); });
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_THAT(error.what(), testing::StartsWith("some.json: "));
  EXPECT_THAT(error.what(), HasSubstr("variable does not exist; processing stage=data initialization; "
                                      "variable name=N"));
  EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
}

TEST(StanProgram, HasTheDensityOfItsProgram) {
  const StanLibrary library(library_file("stan_regression"));
  EXPECT_FALSE(library.thread_safe());
  const StanProgram program(library, R"({"N":2,"sigma":0.5,"x":[1,-2],"y":[0.25,3]})", "test");
  EXPECT_TRUE(library.thread_safe());
  EXPECT_EQ(program.name(), "fake_model");
  ASSERT_EQ(program.size(), 2);
  EXPECT_THAT(names(program.unconstrained().list()), ElementsAre("mu", "beta"));

  const Vector theta = (Vector(2) << 0.5, -1.5).finished();
  const auto normal = [](double x, double mean, double sd) {
    return -0.5 * std::log(2 * std::numbers::pi) - std::log(sd) - 0.5 * std::pow((x - mean) / sd, 2);
  };
  const double expected =
      normal(0.25, 0.5 - 1.5, 0.5) + normal(3, 0.5 + 3, 0.5) + normal(0.5, 0, 10) + normal(-1.5, 0, 10);
  double value = 0.0;
  Vector grad(2), no_gradient;
  ASSERT_TRUE(program.log_density(theta, value, grad));
  EXPECT_NEAR(value, expected, 1e-13);
  EXPECT_NEAR(grad[0], (1.25 - 0.5) / 0.25 - 0.005, 1e-13);
  EXPECT_NEAR(grad[1], (1.25 * 1 + 0.5 * 2) / 0.25 + 0.015, 1e-13);
  double alone = 0.0;
  ASSERT_TRUE(program.log_density(theta, alone, no_gradient));
  EXPECT_EQ(alone, value);
}

// The program aborts where a thread that has never asked for a gradient asks for anything else.
TEST(StanProgram, ReadiesEveryThread) {
  const StanLibrary library(library_file("stan_regression"));
  const StanProgram program(library, R"({"N":1,"x":[1],"y":[0]})", "test");
  const Vector theta = Vector::Zero(2);
  double value = 0.0;
  bool good = false;
  std::thread([&] {
    Vector no_gradient;
    good = program.log_density(theta, value, no_gradient);
  }).join();
  EXPECT_TRUE(good);
  Vector values(4);
  std::thread([&] { good = program.compute_quantities(theta, 77, values); }).join();
  EXPECT_TRUE(good);
  EXPECT_EQ(values[3], 77.0);
}

TEST(StanProgram, IsNotANumberWhereStanThrows) {
  const StanLibrary library(library_file("stan_fails"));
  const StanProgram program(library, "", "");
  double value = 0.0;
  Vector grad = Vector::Zero(1);
  std::string why;
  EXPECT_FALSE(program.log_density(Vector::Constant(1, -1.0), value, grad, &why));
  EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(std::isnan(grad[0]));
  EXPECT_EQ(why, "Exception: sqrt: theta is negative (in 'fails.stan', line 7)");
  EXPECT_FALSE(program.log_density(Vector::Constant(1, -1.0), value, grad));

  EXPECT_TRUE(program.log_density(Vector::Constant(1, 11.0), value, grad));
  EXPECT_EQ(value, -infinity);
  EXPECT_TRUE(program.log_density(Vector::Constant(1, 1.0), value, grad));
  EXPECT_NEAR(value, -0.5 - 0.5 * std::log(2 * std::numbers::pi), 1e-15);
}

TEST(StanProgram, ComputesWhatItCanWhereAGeneratedQuantityThrows) {
  const StanLibrary library(library_file("stan_fails"));
  const StanProgram program(library, "", "");
  Vector values = Vector::Zero(2);
  EXPECT_TRUE(program.compute_quantities(Vector::Constant(1, 0.5), 1, values));
  EXPECT_EQ(values[1], 0.25);
  EXPECT_FALSE(program.compute_quantities(Vector::Constant(1, 3.0), 1, values));
  EXPECT_EQ(values[0], 3.0);
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST(StanProgram, GathersNamesIntoShapesAndValuesRowMajor) {
  const StanLibrary library(library_file("stan_shapes"));
  const StanProgram program(library, "", "");
  const std::vector<Parameter>& list = program.quantities();
  ASSERT_THAT(names(list), ElementsAre("b", "t:1", "t:2", "z.real", "z.imag", "w.real", "w.imag", "s"));
  ASSERT_EQ(list[0].dimensions.size(), 2u);
  EXPECT_EQ(list[0].dimensions[0], (Dimension{"b_dim_0", 2, {"1", "2"}}));
  EXPECT_EQ(list[0].dimensions[1], (Dimension{"b_dim_1", 3, {"1", "2", "3"}}));
  ASSERT_EQ(list[1].dimensions.size(), 1u);
  ASSERT_EQ(list[2].dimensions.size(), 2u);
  EXPECT_EQ(list[2].dimensions[1], (Dimension{"t:2_dim_1", 2, {"1", "2"}}));
  EXPECT_TRUE(list[3].dimensions.empty());
  EXPECT_EQ(list[5].dimensions.size(), 1u);
  EXPECT_TRUE(list[7].dimensions.empty());

  // The program's value of an entry is its place in the list of names.
  Vector values(19);
  ASSERT_TRUE(program.compute_quantities(Vector::Zero(6), 1, values));
  EXPECT_THAT(values, ElementsAre(0, 2, 4, 1, 3, 5,  // b, whose names run down the columns
                                  6, 9,              // t:1
                                  7, 8, 10, 11,      // t:2
                                  12, 13,            // z
                                  14, 16, 15, 17,    // w.real, w.imag
                                  18));
}

TEST(StanProgram, KeepsTheOrderOfUnconstrainedCoordinates) {
  const StanLibrary library(library_file("stan_shapes"));
  const StanProgram program(library, "", "");
  const Parameters& coordinates = program.unconstrained();
  ASSERT_EQ(coordinates.list().size(), 1u);
  EXPECT_EQ(coordinates.unconstrained_name(0), "b[1,1]");
  EXPECT_EQ(coordinates.unconstrained_name(1), "b[2,1]");
  EXPECT_EQ(coordinates.unconstrained_name(4), "b[1,3]");
}

TEST(StanProgram, DrawsOverTheDomainAreUniformWhereACoordinateIsBounded) {
  const StanLibrary library(library_file("stan_bounded"));
  const StanProgram program(library, "", "");
  EXPECT_TRUE(program.has_scales());
  constexpr int n = 2000;
  Vector values(4);
  Matrix drawn(4, n);
  for (int s = 0; s < n; ++s) {
    const Vector theta = program.draw_over_domain(
        {.seed = 2, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(s)}, 6.0);
    EXPECT_LT(theta.head(2).cwiseAbs().maxCoeff(), 6.0);
    program.compute_quantities(theta, 1, values);
    drawn.col(s) = values;
  }
  const Vector mean = drawn.rowwise().mean();
  const Vector variance = (drawn.colwise() - mean).cwiseAbs2().rowwise().mean();
  EXPECT_NEAR(mean[0], 0.0, 0.3);
  EXPECT_NEAR(variance[0], 12.0, 0.8);
  EXPECT_NEAR(mean[2], 1.5, 0.1);
  EXPECT_NEAR(variance[2], 25.0 / 12.0, 0.15);
  EXPECT_NEAR(mean[3], 0.5, 0.02);
  EXPECT_NEAR(variance[3], 1.0 / 12.0, 0.006);
}

TEST(StanProgram, MayHaveNoParameters) {
  const StanLibrary library(library_file("stan_no_parameters"));
  const StanProgram program(library, "", "");
  EXPECT_EQ(program.size(), 0);
  EXPECT_TRUE(program.unconstrained().list().empty());
  double value = 0.0;
  Vector none(0), values(1);
  EXPECT_TRUE(program.log_density(none, value, none));
  EXPECT_EQ(value, -1.5);
  EXPECT_TRUE(program.compute_quantities(none, 1, values));
  EXPECT_EQ(values[0], 42.0);
}

TEST(StanProgram, MayHaveManyParameters) {
  const StanLibrary library(library_file("stan_many"));
  const StanProgram program(library, "", "");
  ASSERT_EQ(program.size(), 5000);
  ASSERT_EQ(program.unconstrained().list().size(), 1u);
  EXPECT_EQ(program.unconstrained().unconstrained_name(4999), "beta[5000]");
  double value = 0.0;
  Vector grad(5000), values(5001);
  EXPECT_TRUE(program.log_density(Vector::Zero(5000), value, grad));
  EXPECT_NEAR(grad[4999], 5.0, 1e-15);
  EXPECT_TRUE(program.compute_quantities(Vector::LinSpaced(5000, 0, 1), 1, values));
  EXPECT_NEAR(values[5000], 0.5, 1e-12);
}

// A text of that ending is the name of a file to the library.
TEST(StanProgram, TakesNoTextForAFile) {
  const StanLibrary library(library_file("stan_regression"));
  EXPECT_THAT(error_of([&] { StanProgram(library, "data.json", "test"); }).what(),
              HasSubstr("variable name=N"));
}

TEST(StanProgram, PrintsWholeLinesToTheReceiver) {
  std::vector<std::string> lines;
  {
    const StanLibrary library(library_file("stan_prints"));
    library.on_print([&](const std::string& line) { lines.push_back(line); });
    const StanProgram program(library, "", "");
    EXPECT_THAT(lines, ElementsAre("data read", "", "all of it"));
    lines.clear();
    double value = 0.0;
    Vector grad(1);
    program.log_density(Vector::Constant(1, 0.5), value, grad);
    program.log_density(Vector::Constant(1, 2.5), value, grad);
    EXPECT_THAT(lines, ElementsAre("theta = 0.5", "nexttheta = 2.5"));
  }
  EXPECT_EQ(lines.back(), "next");
}

TEST(StanProgram, PrintsOfTwoLibrariesArriveApart) {
  std::vector<std::string> lines;
  const StanLibrary prints(library_file("stan_prints")), other(library_file("stan_nan"));
  other.on_print([&](const std::string& line) { lines.push_back("other: " + line); });
  prints.on_print([&](const std::string& line) { lines.push_back("prints: " + line); });
  const StanProgram program(prints, "", "");
  EXPECT_THAT(lines, ElementsAre("prints: data read", "prints: ", "prints: all of it"));
}

TEST(StanProgram, OutlivesTheLibraryObject) {
  std::optional<StanProgram> program;
  {
    const StanLibrary library(library_file("stan_nan"));
    program.emplace(library, "", "");
  }
  double value = 0.0;
  Vector grad(1);
  EXPECT_TRUE(program->log_density(Vector::Zero(1), value, grad));
  EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace vfe
