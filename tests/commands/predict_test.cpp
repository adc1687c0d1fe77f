#include "vfe/commands/predict.hpp"

#include <gmock/gmock.h>
#include <hdf5.h>

#include <algorithm>

#include "run/small_fit.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/data/simulate.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A fit of people by age and colour: red (the reference), green, blue. The tests predict the same people
/// written down in other ways.
class Predict : public testing::Test {
 protected:
  static constexpr Index num_rows = 600;

  Predict() {
    const Rows base = small_rows(num_rows, 1, 3);
    age = 40.0 + 10.0 * std::get<Rows::RowMajor<double>>(base.x).col(0).array();
    y = base.y;
    for (Index i = 0; i < num_rows; ++i) {
      colour.push_back(i % 3 == 0 ? "red" : i % 3 == 1 ? "green" : "blue");
      if (colour.back() == "blue") y[i] += 1.0;
    }
    Schema schema = small_schema(0);
    schema.columns = {numeric("age", 40.0, 10.0), indicator("green", "red", 0.4, 0.5),
                      indicator("blue", "red", 0.0, 1.0)};
    write("data.h5", schema);
    run_fit(small_config(folder));
  }

  static Column indicator(const std::string& level, const std::string& reference, double centre = 0.0,
                          double scale = 1.0) {
    return {"colour[" + level + "]", "colour", level, reference, centre, scale};
  }

  /// Writes the people, coded as the schema says.
  void write(const std::string& name, const Schema& schema, const std::vector<std::int64_t>& lines = {}) {
    Rows::RowMajor<double> x(num_rows, schema.num_columns());
    for (Index i = 0; i < num_rows; ++i) {
      for (Index j = 0; j < schema.num_columns(); ++j) {
        const Column& column = schema.columns[static_cast<std::size_t>(j)];
        const double raw = column.level.empty()
                               ? (column.name == "age" ? age[i] : 7.0)
                               : (colour[static_cast<std::size_t>(i)] == column.level ? 1.0 : 0.0);
        x(i, j) = (raw - column.centre) / column.scale;
      }
    }
    Rows rows;
    rows.x = x;
    rows.y = y;
    if (schema.has_offset) rows.offset = Vector::Zero(num_rows);
    write_dataset(folder / name, schema, rows, lines);
  }

  PredictReport predict_to(const std::string& data, const std::string& output) {
    return predict(Communicator::self(), {folder / "run", folder / data, folder / output, 300, {}});
  }
  std::vector<double> values(const std::string& output, const std::string& name) const {
    return read_result(folder / output).variable("predictions", name).values;
  }
  std::string failure(const std::string& data) {
    try {
      predict_to(data, "p.h5");
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder;
  Eigen::ArrayXd age;
  Vector y;
  std::vector<std::string> colour;
};

/// Whether a dataset of an HDF5 file is of integers.
bool holds_integers(const std::filesystem::path& path, const char* name) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
  const bool found = H5Tget_class(type) == H5T_INTEGER;
  H5Tclose(type);
  H5Dclose(dataset);
  H5Fclose(file);
  return found;
}

TEST_F(Predict, AgreesWithThePosteriorAndScoresItself) {
  const PredictReport report = predict_to("data.h5", "p.h5");
  EXPECT_EQ(report.rows, num_rows);
  EXPECT_EQ(report.draws, 300);
  EXPECT_THAT(report.notes, testing::IsEmpty());
  // Written out from the draws: mean, and log of the mean density of a normal.
  const ResultFile fit = read_result(folder / "run" / "result.h5");
  const auto draws = [&](const char* name) { return fit.variable("posterior", name).values; };
  const std::vector<double> intercept = draws("intercept_original"), beta = draws("beta_original"),
                            sigma = draws("sigma");
  const std::vector<double> mean = values("p.h5", "mean"), log_density = values("p.h5", "log_density"),
                            sd = values("p.h5", "sd"), q5 = values("p.h5", "q5"), q50 = values("p.h5", "q50"),
                            q95 = values("p.h5", "q95");
  double squares = 0.0, total = 0.0, inside = 0.0;
  for (Index i = 0; i < num_rows; ++i) {
    const auto r = static_cast<std::size_t>(i);
    double expected = 0.0, density = 0.0;
    for (std::size_t k = 0; k < 300; ++k) {
      const std::size_t s = k * 500 / 300;
      double eta = intercept[s] + beta[3 * s] * age[i];
      if (colour[r] == "green") eta += beta[3 * s + 1];
      if (colour[r] == "blue") eta += beta[3 * s + 2];
      expected += eta / 300.0;
      const double z = (y[i] - eta) / sigma[s];
      density += std::exp(-0.5 * z * z) / (sigma[s] * std::sqrt(2.0 * M_PI)) / 300.0;
    }
    EXPECT_NEAR(mean[r], expected, 1e-9);
    EXPECT_NEAR(log_density[r], std::log(density), 1e-9);
    EXPECT_NEAR(sd[r], 1.0, 0.25);
    EXPECT_NEAR(q5[r], expected - 1.645 * sd[r], 0.6);
    EXPECT_NEAR(q95[r], expected + 1.645 * sd[r], 0.6);
    EXPECT_NEAR(q50[r], expected, 0.35);
    squares += (mean[r] - y[i]) * (mean[r] - y[i]);
    total += log_density[r];
    inside += q5[r] <= y[i] && y[i] <= q95[r] ? 1.0 : 0.0;
  }
  EXPECT_NEAR(*report.rmse, std::sqrt(squares / num_rows), 1e-12);
  EXPECT_NEAR(report.mean_log_density, total / num_rows, 1e-12);
  EXPECT_NEAR(*report.coverage, inside / num_rows, 1e-12);
  EXPECT_GT(*report.coverage, 0.85);
  EXPECT_LT(*report.coverage, 0.95);
  EXPECT_FALSE(report.accuracy);
}

TEST_F(Predict, FindsColumnsByNameWhateverTheirOrderCodingAndReference) {
  predict_to("data.h5", "expected.h5");
  Schema schema = small_schema(0);
  schema.blocks = Blocks::of_equal(0, 50);  // and other blocks
  schema.columns = {indicator("red", "blue"), numeric("height"), indicator("green", "blue", 0.3, 0.2),
                    numeric("age", -3.0, 7.0)};
  std::vector<std::int64_t> lines;
  for (Index i = 0; i < num_rows; ++i) lines.push_back(2 + i);
  schema.has_line = true;
  write("other.h5", schema, lines);
  const PredictReport report = predict_to("other.h5", "p.h5");
  EXPECT_THAT(report.notes, ElementsAre("columns not used: height"));
  for (const char* name : {"mean", "sd", "q5", "q95", "log_density"}) {
    const std::vector<double> expected = values("expected.h5", name), found = values("p.h5", name);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-9) << name;
  }
  EXPECT_EQ(values("p.h5", "line").back(), 601.0);
  EXPECT_TRUE(holds_integers(folder / "p.h5", "predictions/line"));
}

TEST_F(Predict, NamesWhatIsMissingOrUnknown) {
  Schema schema = small_schema(0);
  schema.columns = {numeric("agee"), indicator("green", "red"), indicator("blue", "red")};
  write("a.h5", schema);
  EXPECT_THAT(failure("a.h5"), HasSubstr("has no column age, which the model needs; the nearest is agee"));
  schema.columns = {numeric("age")};
  write("b.h5", schema);
  EXPECT_THAT(failure("b.h5"), HasSubstr("has no factor colour"));
  schema.columns = {numeric("age"), numeric("colour")};
  write("c.h5", schema);
  EXPECT_THAT(failure("c.h5"), HasSubstr("column colour holds numbers"));
  schema.columns = {numeric("age"), indicator("green", "red"), indicator("blue", "red")};
  colour[11] = "pink";
  schema.columns.push_back(indicator("pink", "red"));
  write("d.h5", schema);
  EXPECT_THAT(failure("d.h5"), HasSubstr("row 11: level pink of colour"));
  schema.columns = {numeric("age"), indicator("red", "pink"), indicator("green", "pink"),
                    indicator("blue", "pink")};
  write("e.h5", schema);
  EXPECT_THAT(failure("e.h5"), HasSubstr("row 11: level pink of colour"));
  schema.columns = {numeric("age"), indicator("green", "red"), indicator("blue", "red")};
  schema.response_levels = {"low", "high"};
  write("f.h5", schema);
  EXPECT_THAT(failure("f.h5"), HasSubstr("holds levels, expected numbers"));
  EXPECT_FALSE(std::filesystem::exists(folder / "p.h5"));
}

TEST_F(Predict, AnOffsetOfTheDataAloneIsNotUsed) {
  Schema schema = small_schema(0);
  schema.columns = {numeric("age"), indicator("green", "red"), indicator("blue", "red")};
  schema.has_offset = true;
  write("offset.h5", schema);
  EXPECT_THAT(predict_to("offset.h5", "p.h5").notes, ElementsAre(HasSubstr("offset is not used")));
}

TEST(PredictClasses, MapsLevelsOfTheResponseByName) {
  const TemporaryFolder folder;
  Schema schema = small_schema(2);
  Rows rows = small_rows(400, 2);
  rows.y = (rows.y.array() > 0.5).cast<double>();
  schema.response_levels = {"no", "yes"};
  write_dataset(folder / "data.h5", schema, rows);
  run_fit(small_config(folder, {"model.type=logistic"}));
  schema.response_levels = {"yes", "maybe", "no"};
  Rows swapped = rows;
  swapped.y = rows.y.unaryExpr([](double y) { return y > 0.5 ? 0.0 : 2.0; });
  write_dataset(folder / "swapped.h5", schema, swapped);
  const auto predicted = [&](const char* data) {
    return predict(Communicator::self(), {folder / "run", folder / data, folder / "p.h5", 200, {}});
  };
  const PredictReport a = predicted("data.h5"), b = predicted("swapped.h5");
  EXPECT_EQ(a.accuracy, b.accuracy);
  EXPECT_EQ(a.brier, b.brier);
  EXPECT_EQ(a.mean_log_density, b.mean_log_density);
  EXPECT_GT(*a.accuracy, 0.55);
  EXPECT_LT(*a.brier, 0.25);
  EXPECT_FALSE(a.rmse);
  swapped.y[7] = 1.0;
  write_dataset(folder / "maybe.h5", schema, swapped);
  try {
    predicted("maybe.h5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("row 7: response maybe is not one of the fit's: no, yes"));
  }
}

TEST(PredictClasses, GivesTheProbabilityOfEachClass) {
  const TemporaryFolder folder;
  SimulateOptions options;
  options.output = folder / "data.h5";
  options.likelihood = Likelihood::softmax;
  options.rows = 500;
  options.columns = 2;
  options.effect = 2.0;
  simulate(Communicator::self(), options);
  run_fit(small_config(folder, {"model.type=softmax"}));
  const PredictReport report =
      predict(Communicator::self(), {folder / "run", folder / "data.h5", folder / "p.h5", 200, {}});
  const ResultFile file = read_result(folder / "p.h5");
  const Variable& probability = file.variable("predictions", "probability");
  const std::vector<double>& y = file.variable("observed_data", "y").values;
  ASSERT_EQ(probability.values.size(), 1500U);
  double right = 0.0, brier = 0.0;
  for (std::size_t i = 0; i < 500; ++i) {
    const double* p = &probability.values[3 * i];
    EXPECT_NEAR(p[0] + p[1] + p[2], 1.0, 1e-12);
    right += std::max_element(p, p + 3) - p == static_cast<std::ptrdiff_t>(y[i]) ? 1.0 : 0.0;
    for (std::ptrdiff_t k = 0; k < 3; ++k) {
      const double error = p[k] - (k == static_cast<std::ptrdiff_t>(y[i]) ? 1.0 : 0.0);
      brier += error * error;
    }
  }
  EXPECT_NEAR(*report.accuracy, right / 500.0, 1e-12);
  EXPECT_NEAR(*report.brier, brier / 500.0, 1e-12);
  EXPECT_GT(*report.accuracy, 0.5);
}

TEST(PredictMpi, GivesTheSameBitsAsOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_dataset(own / "data.h5", small_schema(2), small_rows(1000, 2));
  run_fit(small_config(own));
  const std::filesystem::path shared = world.broadcast(own.path().string());
  predict(Communicator::self(), {own / "run", own / "data.h5", own / "alone.h5", 100, {}});
  predict(world, {shared / "run", shared / "data.h5", shared / "together.h5", 100, {}});
  const ResultFile alone = read_result(own / "alone.h5");
  world.barrier();
  const ResultFile together = read_result(shared / "together.h5");
  for (const char* name : {"mean", "sd", "q5", "q50", "q95", "log_density"}) {
    EXPECT_EQ(together.variable("predictions", name).values, alone.variable("predictions", name).values)
        << name;
  }
  world.barrier();
}

}  // namespace
}  // namespace vfe
