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
    const SmallTable base = small_rows(num_rows, 1, 3);
    age = 40.0 + 10.0 * base.x.col(0).array();
    y = base.y;
    for (Index i = 0; i < num_rows; ++i) {
      colour.push_back(i % 3 == 0 ? "red" : i % 3 == 1 ? "green" : "blue");
      if (colour.back() == "blue") y[i] += 1.0 + 0.02 * age[i];
    }
    write("data.h5", {{"age"}, {"colour", ColumnType::factor, {"red", "green", "blue"}}, {"y"}});
    run_fit(small_config(folder, {"model.formula=y ~ colour * age"}));
  }

  /// Writes the people: columns of other names hold 7.
  void write(const std::string& name, const std::vector<TableColumn>& columns, Index block_rows = 64,
             const std::vector<std::int64_t>& lines = {}) {
    DatasetSchema schema;
    schema.table.columns = columns;
    schema.blocks = Blocks::of_equal(num_rows, block_rows);
    schema.single = false;
    schema.has_line = !lines.empty();
    TableRows rows = missing_rows(schema.table, num_rows);
    auto& numbers = std::get<TableRows::RowMajor<double>>(rows.numbers);
    const std::vector<Index> slots = schema.table.slots();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::vector<std::string>& levels = columns[c].levels;
      for (Index i = 0; i < num_rows; ++i) {
        const std::string& level = colour[static_cast<std::size_t>(i)];
        if (columns[c].type == ColumnType::factor) {
          rows.codes(i, slots[c]) =
              static_cast<std::int32_t>(std::ranges::find(levels, level) - levels.begin());
        } else {
          numbers(i, slots[c]) = columns[c].name == "age" ? age[i] : columns[c].name == "y" ? y[i] : 7.0;
        }
      }
    }
    DatasetWriter writer(folder / name, schema);
    writer.append(rows, lines);
    writer.finish();
  }

  PredictReport predict_to(const std::string& data, const std::string& output,
                           NewLevels new_levels = NewLevels::refuse) {
    return predict(Communicator::self(), {.run = folder / "run",
                                          .data = folder / data,
                                          .output = folder / output,
                                          .new_levels = new_levels,
                                          .draws = 300});
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
  EXPECT_EQ(report.observed, num_rows);
  EXPECT_EQ(report.draws, 300);
  EXPECT_THAT(report.notes, testing::IsEmpty());
  // Written out from the draws: mean, and log of the mean density of a normal.
  const ResultFile fit = read_result(folder / "run" / "result.h5");
  const auto draws = [&](const char* name) { return fit.variable("posterior", name).values; };
  const std::vector<double> intercept = draws("intercept_original"), beta = draws("beta_original"),
                            sigma = draws("sigma_original");
  const std::vector<double> mean = values("p.h5", "mean"), log_density = values("p.h5", "log_density"),
                            sd = values("p.h5", "sd"), q5 = values("p.h5", "q5"), q50 = values("p.h5", "q50"),
                            q95 = values("p.h5", "q95"), mean_q5 = values("p.h5", "mean_q5"),
                            mean_q95 = values("p.h5", "mean_q95");
  double squares = 0.0, total = 0.0, inside = 0.0;
  for (Index i = 0; i < num_rows; ++i) {
    const auto r = static_cast<std::size_t>(i);
    double expected = 0.0, density = 0.0;
    for (std::size_t k = 0; k < 300; ++k) {
      const std::size_t s = k * 500 / 300;
      const double* b = &beta[5 * s];  // green, blue, age, green:age, blue:age
      double eta = intercept[s] + b[2] * age[i];
      if (colour[r] == "green") eta += b[0] + b[3] * age[i];
      if (colour[r] == "blue") eta += b[1] + b[4] * age[i];
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
    EXPECT_LT(q5[r], mean_q5[r]);
    EXPECT_LT(mean_q5[r], mean[r]);
    EXPECT_LT(mean[r], mean_q95[r]);
    squares += (mean[r] - y[i]) * (mean[r] - y[i]);
    total += log_density[r];
    inside += q5[r] <= y[i] && y[i] <= q95[r] ? 1.0 : 0.0;
  }
  EXPECT_NEAR(*report.rmse, std::sqrt(squares / num_rows), 1e-12);
  EXPECT_NEAR(*report.mean_log_density, total / num_rows, 1e-12);
  EXPECT_NEAR(*report.coverage, inside / num_rows, 1e-12);
  EXPECT_GT(*report.coverage, 0.85);
  EXPECT_LT(*report.coverage, 0.95);
  EXPECT_FALSE(report.accuracy);
}

TEST_F(Predict, FindsColumnsAndLevelsByNameWhateverTheirOrder) {
  predict_to("data.h5", "expected.h5");
  std::vector<std::int64_t> lines;
  for (Index i = 0; i < num_rows; ++i) lines.push_back(2 + i);
  write("other.h5", {{"y"}, {"colour", ColumnType::factor, {"blue", "red", "green"}}, {"height"}, {"age"}},
        50, lines);
  predict_to("other.h5", "p.h5");
  for (const char* name : {"mean", "sd", "q5", "q95", "log_density"})
    EXPECT_EQ(values("p.h5", name), values("expected.h5", name)) << name;
  EXPECT_EQ(values("p.h5", "line").back(), 601.0);
  EXPECT_TRUE(holds_integers(folder / "p.h5", "predictions/line"));
}

TEST_F(Predict, B1RowsWithoutAResponse) {
  predict_to("data.h5", "expected.h5");
  write("new.h5", {{"age"}, {"colour", ColumnType::factor, {"red", "green", "blue"}}});
  const PredictReport report = predict_to("new.h5", "p.h5");
  EXPECT_EQ(report.observed, 0);
  EXPECT_FALSE(report.mean_log_density || report.rmse || report.coverage);
  EXPECT_EQ(values("p.h5", "mean"), values("expected.h5", "mean"));
  const ResultFile file = read_result(folder / "p.h5");
  EXPECT_EQ(file.groups.size(), 1U);
  EXPECT_THAT(to_text(report), HasSubstr("no responses to judge the predictions by"));
}

TEST_F(Predict, SomeRowsMayLackAResponse) {
  const double all = *predict_to("data.h5", "p.h5").mean_log_density;
  const std::vector<double> density = values("p.h5", "log_density");
  y[3] = y[599] = std::nan("");
  write("some.h5", {{"age"}, {"colour", ColumnType::factor, {"red", "green", "blue"}}, {"y"}});
  const PredictReport report = predict_to("some.h5", "q.h5");
  EXPECT_EQ(report.observed, num_rows - 2);
  EXPECT_NEAR(*report.mean_log_density, (all * num_rows - density[3] - density[599]) / (num_rows - 2), 1e-12);
  EXPECT_TRUE(std::isnan(values("q.h5", "log_density")[3]));
  EXPECT_THAT(to_text(report), HasSubstr("598 rows have a response"));
}

TEST_F(Predict, B2OneRowOfCsvToCsv) {
  put(folder / "one.csv", "colour;age\nblue;45,5\n");
  PredictOptions options{.run = folder / "run", .data = folder / "one.csv", .output = folder / "p.csv"};
  options.format.delimiter = ';';
  options.fields.decimal = ',';
  const PredictReport report = predict(Communicator::self(), options);
  EXPECT_EQ(report.rows, 1);
  const std::string text = contents(folder / "p.csv");
  EXPECT_THAT(text, testing::StartsWith("line,mean,mean_q5,mean_q95,sd,q5,q50,q95\n2,"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  const double mean = std::stod(text.substr(text.find("\n2,") + 3));
  EXPECT_NEAR(mean, 0.5 + 0.25 * 0.55 + 1.0 + 0.02 * 45.5, 0.3);
}

TEST_F(Predict, ConditionalEffectsAreOfAGrid) {
  PredictOptions options{.run = folder / "run", .output = folder / "p.h5", .vary = {"colour", "age=30:50:3"}};
  EXPECT_EQ(predict(Communicator::self(), options).rows, 9);
  const ResultFile file = read_result(folder / "p.h5");
  EXPECT_THAT(file.variable("constant_data", "age").values, ElementsAre(30, 40, 50, 30, 40, 50, 30, 40, 50));
  EXPECT_THAT(file.variable("constant_data", "colour").values, ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2));
  const std::vector<double>& mean = file.variable("predictions", "mean").values;
  EXPECT_NEAR(mean[8] - mean[2], 1.0 + 0.02 * 50.0, 0.4);
  EXPECT_NEAR(mean[1], 0.5, 0.2);
}

TEST_F(Predict, NamesWhatIsMissingOrUnknown) {
  const TableColumn factor{"colour", ColumnType::factor, {"red", "green", "blue", "pink"}};
  write("a.h5", {{"agee"}, factor});
  EXPECT_THAT(failure("a.h5"),
              HasSubstr("no column \"age\", which the formula names; the nearest are \"agee\""));
  write("c.h5", {factor, {"age", ColumnType::factor, factor.levels}});
  EXPECT_THAT(failure("c.h5"), HasSubstr("column \"age\" is a factor, expected numbers"));
  colour[11] = "pink";
  write("d.h5", {{"age"}, factor, {"y"}});
  EXPECT_THAT(failure("d.h5"), HasSubstr("row 11: column \"colour\" has the level \"pink\""));
  EXPECT_FALSE(std::filesystem::exists(folder / "p.h5"));
  predict_to("d.h5", "p.h5", NewLevels::reference);
  colour[11] = "red";
  write("e.h5", {{"age"}, factor, {"y"}});
  predict_to("e.h5", "q.h5");
  EXPECT_EQ(values("p.h5", "mean"), values("q.h5", "mean"));
}

TEST(PredictClasses, MapsLevelsOfTheResponseByName) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(400, 2);
  rows.y = (rows.y.array() > 0.5).cast<double>();
  rows.levels = {"no", "yes"};
  write_dataset(folder / "data.h5", rows);
  run_fit(small_config(folder, {"model.type=logistic"}));
  SmallTable swapped = rows;
  swapped.levels = {"yes", "maybe", "no"};
  swapped.y = rows.y.unaryExpr([](double y) { return y > 0.5 ? 0.0 : 2.0; });
  write_dataset(folder / "swapped.h5", swapped);
  const auto predicted = [&](const char* data) {
    return predict(Communicator::self(),
                   {.run = folder / "run", .data = folder / data, .output = folder / "p.h5", .draws = 200});
  };
  const PredictReport a = predicted("data.h5"), b = predicted("swapped.h5");
  EXPECT_EQ(a.accuracy, b.accuracy);
  EXPECT_EQ(a.brier, b.brier);
  EXPECT_EQ(a.mean_log_density, b.mean_log_density);
  EXPECT_GT(*a.accuracy, 0.55);
  EXPECT_LT(*a.brier, 0.25);
  ASSERT_TRUE(a.calibration);
  EXPECT_LT(a.calibration->difference, 0.3);
  EXPECT_LT(a.calibration->errors, 4.0);
  EXPECT_FALSE(a.rmse);
  swapped.y[7] = 1.0;
  write_dataset(folder / "maybe.h5", swapped);
  try {
    predicted("maybe.h5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("row 7: column \"y\" has the level \"maybe\""));
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
      predict(Communicator::self(),
              {.run = folder / "run", .data = folder / "data.h5", .output = folder / "p.h5", .draws = 200});
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
  write_dataset(own / "data.h5", small_rows(1000, 2));
  run_fit(small_config(own));
  const std::filesystem::path shared = world.broadcast(own.path().string());
  predict(Communicator::self(),
          {.run = own / "run", .data = own / "data.h5", .output = own / "alone.h5", .draws = 100});
  predict(
      world,
      {.run = shared / "run", .data = shared / "data.h5", .output = shared / "together.h5", .draws = 100});
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
