#include "problem/model_rows.hpp"

#include <gmock/gmock.h>

#include <Eigen/QR>

#include "run/small_fit.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;

/// Dollars by square feet, raw, and what the import knows of them.
struct Dollars {
  Schema raw = small_schema(2), standardised = small_schema(2);
  Rows raw_rows, standardised_rows;
  Vector y;

  explicit Dollars(Index n = 300) {
    raw_rows = small_rows(n, 2);
    auto& x = std::get<Rows::RowMajor<double>>(raw_rows.x);
    x.col(0) = 2000.0 + 600.0 * x.col(0).array();
    y = 250000.0 + 22539.0 * (raw_rows.y.array() - 0.5);
    raw_rows.y = y;
    raw_rows.blocks = Blocks::of_equal(n, 64);
    standardised_rows = raw_rows;
    auto& z = std::get<Rows::RowMajor<double>>(standardised_rows.x);
    for (Index j = 0; j < 2; ++j) {
      const double mean = x.col(j).mean();
      const double sd = std::sqrt((x.col(j).array() - mean).square().sum() / static_cast<double>(n - 1));
      z.col(j) = (x.col(j).array() - mean) / sd;
      raw.moments.push_back({mean, sd});
      standardised.columns[static_cast<std::size_t>(j)].centre = mean;
      standardised.columns[static_cast<std::size_t>(j)].scale = sd;
    }
    const double mean = y.mean();
    raw.response_moments = {mean, std::sqrt((y.array() - mean).square().sum() / static_cast<double>(n - 1))};
    standardised.response_centre = mean;
    standardised.response_scale = raw.response_moments->sd;
    raw.blocks = standardised.blocks = raw_rows.blocks;
  }
};

GlmOptions linear(bool intercept) {
  GlmOptions options;
  options.likelihood = Likelihood::linear;
  options.intercept = intercept;
  return options;
}

double log_joint(const Glm& model, ConstVec theta) {
  Vector value = Vector::Zero(1);
  Matrix none;
  model.log_prior(theta, value, none);
  for (Index b = 0; b < model.blocks(); ++b) model.log_likelihood(b, theta, value, none);
  return value[0];
}

TEST(FaultsA8ModelRows, ThePosteriorIsTheSameWhateverIsStored) {
  const Dollars dollars;
  for (const bool intercept : {true, false}) {
    const Glm raw(linear(intercept),
                  model_rows(linear(intercept), rows_in_memory(dollars.raw, dollars.raw_rows)));
    const Glm standardised(
        linear(intercept),
        model_rows(linear(intercept), rows_in_memory(dollars.standardised, dollars.standardised_rows)));
    const Index d = raw.parameters().size();
    for (int i = 0; i < 5; ++i) {
      const Vector theta = Vector::LinSpaced(d, -0.5 + 0.1 * i, 0.7);
      const double expected = log_joint(standardised, theta);
      EXPECT_NEAR(log_joint(raw, theta), expected, 1e-9 * std::abs(expected));
      Matrix one(num_constrained(raw.quantities()), 1), other(one.rows(), 1);
      raw.compute_quantities(theta, 1, 0, one);
      standardised.compute_quantities(theta, 1, 0, other);
      EXPECT_LT((one - other).norm(), 1e-9 * one.norm());
    }
  }
}

TEST(FaultsA9ModelRows, WithoutAnInterceptNothingIsCentred) {
  const Dollars dollars;
  const auto raw = rows_in_memory(dollars.raw, dollars.raw_rows);
  const auto standardised = rows_in_memory(dollars.standardised, dollars.standardised_rows);
  for (const auto& stored : {raw, standardised}) {
    const auto rows = model_rows(linear(false), stored);
    EXPECT_EQ(rows->schema().response_centre, 0.0);
    EXPECT_NEAR(rows->schema().response_scale, std::sqrt(dollars.y.array().square().mean()), 100.0);
    const Column& column = rows->schema().columns[0];
    EXPECT_EQ(column.centre, 0.0);
    const Rows read = rows->read({1, 3});
    const auto& x = std::get<Rows::RowMajor<double>>(read.x);
    const auto& expected = std::get<Rows::RowMajor<double>>(dollars.raw_rows.x);
    EXPECT_LT((column.scale * x.col(0) - expected.col(0).segment(64, 128)).norm(), 1e-8);
    const Glm model(linear(false), rows);
    std::vector<std::string> names;
    for (const Parameter& quantity : model.quantities()) names.push_back(quantity.name);
    EXPECT_THAT(names, ElementsAre("beta", "sigma", "beta_original", "sigma_original"));
  }
}

TEST(FaultsA9ModelRows, IndicatorsStayThemselves) {
  Schema schema = small_schema(1);
  schema.columns.push_back({"colour[red]", "colour", "red", "blue", 0.0, 1.0});
  schema.columns[0].centre = 20.0;
  schema.columns[0].scale = 4.0;
  const auto rows = model_rows(linear(false), no_rows(schema));
  EXPECT_EQ(rows->schema().columns[0].scale, std::hypot(20.0, 4.0));
  EXPECT_EQ(rows->schema().columns[1], schema.columns[1]);
}

TEST(FaultsA8ModelRows, WhatIsAsTheModelTakesItStaysAsItIs) {
  const auto rows = no_rows(small_schema(2));
  EXPECT_EQ(model_rows(linear(true), rows), rows);
  EXPECT_EQ(model_rows(linear(false), rows), rows);
}

/// Mean of a quantity's draws.
double mean_of(const ResultFile& file, const std::string& name, Index which = 0, Index of = 1) {
  const std::vector<double>& values = file.variable("posterior", name).values;
  double sum = 0.0;
  for (std::size_t i = static_cast<std::size_t>(which); i < values.size(); i += static_cast<std::size_t>(of))
    sum += values[i];
  return sum * static_cast<double>(of) / static_cast<double>(values.size());
}

TEST(FaultsA8ModelRowsFit, RawDollarsAgreeWithLeastSquares) {
  const TemporaryFolder folder;
  const Dollars dollars;
  write_dataset(folder / "data.h5", dollars.raw, dollars.raw_rows);
  run_fit(small_config(folder));
  Matrix design(dollars.y.size(), 3);
  design << Vector::Ones(dollars.y.size()), std::get<Rows::RowMajor<double>>(dollars.raw_rows.x);
  const Vector b = design.colPivHouseholderQr().solve(dollars.y);
  const double sigma = (dollars.y - design * b).norm() / std::sqrt(static_cast<double>(dollars.y.size() - 3));
  const ResultFile file = read_result(folder / "run" / "result.h5");
  EXPECT_NEAR(mean_of(file, "sigma_original"), sigma, 0.02 * sigma);
  EXPECT_NEAR(mean_of(file, "beta_original", 0, 2), b[1], 0.3);
  EXPECT_NEAR(mean_of(file, "intercept_original"), b[0], 0.01 * b[0]);
}

TEST(FaultsA9ModelRowsFit, WithoutAnInterceptIsLeastSquaresThroughTheOrigin) {
  const TemporaryFolder folder;
  Schema schema = small_schema(1);
  Rows rows = small_rows(300, 1);
  auto& x = std::get<Rows::RowMajor<double>>(rows.x);
  const Vector raw = 20.0 + 4.0 * x.col(0).array();
  rows.y = 50.0 + raw.array() + 2.0 * (rows.y.array() - 0.5 - 0.25 * x.col(0).array());
  const double through_origin = raw.dot(rows.y) / raw.squaredNorm();  // 3.4, where the slope is 1
  ASSERT_GT(through_origin, 3.0);
  schema.columns[0].centre = 20.0;
  schema.columns[0].scale = 4.0;
  schema.response_centre = rows.y.mean();
  schema.response_scale = 4.0;
  write_dataset(folder / "data.h5", schema, rows);
  run_fit(small_config(folder, {"model.intercept=false"}));
  const ResultFile file = read_result(folder / "run" / "result.h5");
  EXPECT_NEAR(mean_of(file, "beta_original"), through_origin, 0.01);
}

}  // namespace
}  // namespace vfe
