#include "vfe/model/plugin.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "model/gradient_check.hpp"
#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::filesystem::path library(const std::string& stem) {
  return std::filesystem::path(VFE_BINARY_DIR) / "libraries" / (stem + ".so");
}

/// The library must be refused, in one line.
void expect_refusal(const std::filesystem::path& file, const std::string& options, Fault fault,
                    const testing::Matcher<const std::string&>& line) {
  try {
    PluginModel(file, options);
    ADD_FAILURE() << file << " was loaded with options " << options;
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    EXPECT_THAT(std::string(error.what()), AllOf(line, HasSubstr(file.string()), Not(HasSubstr("\n"))));
  }
}

// 25 rows in blocks of 10, the dataset's blocks 1 and 2 of 3.
struct Shard {
  DesignSchema schema;
  Rows rows;
  Matrix x;  // rows x columns
};

template <class T>
Shard shard_of(Index columns) {
  Shard made;
  made.schema.blocks = Blocks::of_equal(25, 10);
  for (Index j = 0; j < columns; ++j) made.schema.columns.push_back({.name = "x" + std::to_string(j)});
  const Index rows = 15;
  Matrix noise(columns + 3, rows);
  fill_normal({.seed = 5, .purpose = Purpose::simulate}, noise);
  const Matrix columns_of_x = noise.topRows(columns).transpose();
  const Rows::RowMajor<T> stored = columns_of_x.cast<T>();
  made.x = stored.template cast<double>();
  made.rows.first_row = 10;
  made.rows.first_block = 1;
  made.rows.blocks = made.schema.blocks.slice({1, 3});
  made.rows.x = stored;
  made.rows.y = noise.row(columns);
  made.rows.offset = noise.row(columns + 1);
  made.rows.weight = noise.row(columns + 2).cwiseAbs();
  return made;
}

template <class T>
class PluginRows : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(PluginRows, Precisions);

TYPED_TEST(PluginRows, BlocksSumToTheRegression) {
  const Index columns = 4;
  const Shard shard = shard_of<TypeParam>(columns);
  const PluginModel model(library("plugin_gaussian"), "", *rows_in_memory(shard.schema, shard.rows));
  ASSERT_EQ(model.blocks(), 2);
  EXPECT_EQ(model.rows(0), 10);
  EXPECT_EQ(model.rows(1), 5);
  ASSERT_EQ(model.parameters().size(), columns);
  EXPECT_EQ(model.parameters().constrained_name(3), "beta[3]");

  Matrix theta(columns, 3);
  fill_normal({.seed = 6, .purpose = Purpose::check}, theta);
  for (Index s = 0; s < theta.cols(); ++s) {
    const Vector residual = shard.rows.y - shard.rows.offset - shard.x * theta.col(s);
    const double expected = -0.5 * shard.rows.weight.dot(residual.cwiseAbs2()) -
                            0.5 * std::log(2.0 * M_PI) * shard.rows.weight.sum();
    const double found = log_density(model, 0, theta.col(s)) + log_density(model, 1, theta.col(s));
    EXPECT_NEAR(found, expected, 1e-12 * std::abs(expected));
    const double prior = -theta.col(s).squaredNorm() / 8.0 -
                         static_cast<double>(columns) * (0.5 * std::log(2.0 * M_PI) + std::log(2.0));
    EXPECT_NEAR(log_density(model, -1, theta.col(s)), prior, 1e-13 * std::abs(prior));
    ASSERT_EQ(num_constrained(model.log_prior_terms()), 1);
    Matrix term(1, 1);
    model.compute_log_prior_terms(theta.col(s), term);
    EXPECT_NEAR(term(0, 0), prior, 1e-13 * std::abs(prior));  // all its parameters are real: no Jacobian
  }
  expect_gradients_match(model, theta);
}

TEST(Plugin, ShardOfNoBlocksHasAPriorAlone) {
  Shard shard = shard_of<double>(2);
  const PluginModel model(library("plugin_gaussian"), "", *no_rows(shard.schema));
  EXPECT_EQ(model.blocks(), 0);
  EXPECT_EQ(model.parameters().size(), 2);
}

TEST(Plugin, WithoutDataThereIsOneBlock) {
  const PluginModel model(library("plugin_gaussian"), "3");
  EXPECT_EQ(model.blocks(), 1);
  EXPECT_EQ(model.rows(0), 1);
  EXPECT_EQ(model.parameters().size(), 3);
  EXPECT_EQ(log_density(model, 0, Vector::Ones(3)), 0.0);
}

TEST(Plugin, TransformsAndTheirJacobiansAreOurs) {
  for (const char* described : {"2 p identity 0 0 1 2", "1 sd positive 0.5 0", "1 share bounded -1 3 2 2 2",
                                "2 mix simplex 0 0 2 2 3", "1 cut ordered 0 0 1 4",
                                "1 corr correlation_cholesky 0 0 2 3 3", "1 plain - 0 0 4 1 2 1 2"}) {
    SCOPED_TRACE(described);
    const PluginModel model(library("plugin_described"), described);
    Matrix theta(model.parameters().size(), 2);
    fill_normal({.seed = 7, .purpose = Purpose::check}, theta);
    expect_gradients_match(model, theta);
    Vector values(model.parameters().num_constrained());
    const double log_jacobian = model.parameters().constrain(theta.col(0), values);
    EXPECT_NEAR(log_density(model, -1, theta.col(0)), log_jacobian - 0.5 * values.squaredNorm(), 1e-12);
  }
}

TEST(Plugin, NamesPaddedWithBlanks) {
  const PluginModel model(library("plugin_described"), "5000 x positive");
  EXPECT_EQ(model.parameters().size(), 5000);
  EXPECT_EQ(model.parameters().list()[4711].name, "x4711");
  EXPECT_NEAR(log_density(model, -1, Vector::Zero(5000)), -2500.0, 1e-9);
}

TEST(Plugin, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  expect_refusal(folder / "none.so", "", Fault::missing, HasSubstr("no such file"));
  put(folder / "text.so", std::string(4096, 'x'));
  expect_refusal(folder / "text.so", "", Fault::data, HasSubstr("invalid ELF header"));
  put(folder / "empty.so", "");
  expect_refusal(folder / "empty.so", "", Fault::data, HasSubstr("file too short"));
  expect_refusal(library("plugin_other_version"), "", Fault::data,
                 HasSubstr("version 2 of vfe_model.h, expected version 1"));
  expect_refusal(library("plugin_incomplete"), "", Fault::data,
                 HasSubstr("lacks the function vfe_model_start"));
}

TEST(Plugin, RefusesWrongDescriptions) {
  const auto expect = [](const std::string& options, const std::string& line) {
    expect_refusal(library("plugin_described"), options, Fault::data, HasSubstr(line));
  };
  expect("0", "describes no parameters");
  expect("-3 x", "describes no parameters");
  expect("1 x simplex 0 0 1 1", "describes no parameters");
  expect("1 -", "parameter 0 (\"\"): found this name");
  expect("1 a/b", "parameter 0 (\"a/b\"): found this name");
  expect("1 2x", "parameter 0 (\"2x\"): found this name");
  expect("1 x quadratic", "parameter 0 (\"x\"): transform \"quadratic\" is unknown");
  expect("1 x identity 0 0 -1", "found -1 dimensions, expected 0 to 4");
  expect("1 x identity 0 0 5", "found 5 dimensions, expected 0 to 4");
  expect("1 x identity 0 0 2 3 -4", "parameter 0 (\"x\"): found -4 as size of axis 1");
  expect("1 x identity 0 0 1 0", "found 0 as size of axis 0");
  expect("1 x identity 0 0 4 4000000000 4000000000 4000000000 4", "found 4000000000 as size of axis 0");
  expect("5 x identity 0 0 1 2000000000", "with parameter 1 (\"x1\") it describes more than");
  expect("1 x bounded 2 1", "parameter \"x\": bounds 2 and 1");
  expect("1 x bounded 1 1", "parameter \"x\": bounds 1 and 1");
  expect("1 x positive nan", "parameter \"x\": the lower bound is not finite");
  expect("1 x simplex", "parameter \"x\": simplex needs an axis");
  expect("1 x correlation_cholesky 0 0 2 2 3", "parameter \"x\": correlation_cholesky");
}

TEST(Plugin, SaysWhatTheLibrarySays) {
  const auto file = library("plugin_faulty");
  expect_refusal(file, "start", Fault::data,
                 HasSubstr("refuses to start (vfe_model_start): the option \"start\" is not for starting"));
  expect_refusal(file, "silent", Fault::data, HasSubstr("it does not say why"));
  expect_refusal(file, "parameter", Fault::data,
                 HasSubstr("parameter 0 (vfe_model_parameter): x is not to be described"));
  expect_refusal(file, "open", Fault::data, HasSubstr("block 0 (vfe_model_open): the block is locked"));
  expect_refusal(library("plugin_throwing"), "start", Fault::data, HasSubstr("no start"));
  const Shard shard = shard_of<double>(2);
  try {
    PluginModel(file, "open", *rows_in_memory(shard.schema, shard.rows));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("block 1 (vfe_model_open)"));  // of the dataset
  }
}

TEST(Plugin, DrawThatFailsIsNotANumberByItself) {
  for (const auto& [stem, why] :
       {std::pair{"plugin_faulty", "x is 1.5, above 1"}, std::pair{"plugin_throwing", "x is above 1"}}) {
    SCOPED_TRACE(stem);
    const PluginModel model(library(stem), "draws");
    const Matrix theta = Eigen::RowVector4d(0.5, 1.5, -2.0, 3.0);
    Vector value = Vector::Zero(4);
    Matrix grad = Matrix::Zero(1, 4);
    model.log_likelihood(0, theta, value, grad);
    EXPECT_EQ(value[0], -0.125);
    EXPECT_TRUE(std::isnan(value[1]));
    EXPECT_EQ(value[2], -2.0);
    EXPECT_TRUE(std::isnan(value[3]));
    EXPECT_EQ(grad(0, 0), -0.5);
    EXPECT_EQ(grad(0, 2), 2.0);
    EXPECT_EQ(model.explain(0, theta.col(1)), why);
    EXPECT_EQ(model.explain(0, theta.col(0)), "");
    EXPECT_EQ(model.explain(-1, theta.col(1)), "");
  }
}

TEST(Plugin, NaNIsPassedOn) {
  const PluginModel model(library("plugin_faulty"), "nan");
  EXPECT_TRUE(std::isnan(log_density(model, 0, Vector::Zero(1))));
}

TEST(Plugin, NoDrawsAreNoWork) {
  const PluginModel model(library("plugin_faulty"), "exit");  // calls exit() when it is called at all
  Matrix none(1, 0);
  Vector value(0);
  model.log_likelihood(0, none, value, none);
  EXPECT_EQ(model.parameters().size(), 1);
}

TEST(PluginDeathTest, CrashAndExitEndTheProcess) {
  const auto evaluate = [](const char* fault) {
    const PluginModel model(library("plugin_faulty"), fault);
    log_density(model, 0, Vector::Zero(1));
  };
  EXPECT_DEATH(evaluate("crash"), "");
  EXPECT_EXIT(evaluate("exit"), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace vfe
