// Predictions of fits with effects of groups, against sums over the draws of the result.
#include "commands/drawn_effects.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "run/grouped_fit.hpp"
#include "vfe/commands/predict.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t num_draws = 250;  ///< of the 1000 of the fit

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double variance_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += std::pow(value - mean_of(values), 2);
  return sum / static_cast<double>(values.size() - 1);
}

/// Notes on effects of groups: what the verdict on the fit is matters not.
std::vector<std::string> notes_on_groups(const PredictReport& report) {
  std::vector<std::string> notes = report.notes;
  std::erase_if(notes, [](const std::string& note) { return note.starts_with("the verdict"); });
  return notes;
}

/// A linear fit of 40 schools, numbered from 1000 on, to their own intercepts and slopes.
class PredictGroups : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<TemporaryFolder>();
    write_grouped_dataset(*folder / "data.h5");
    run_fit(grouped_config(*folder, "linear", "y ~ x + (1 + x | school)"));
  }
  static void TearDownTestSuite() { folder.reset(); }

  static PredictOptions options(const std::string& data, GroupsOfRows groups = GroupsOfRows::include) {
    return {.run = *folder / "run",
            .data = data.empty() ? std::filesystem::path() : *folder / data,
            .output = *folder / "p.h5",
            .groups = groups,
            .draws = num_draws};
  }
  static PredictReport predicted(const std::string& csv, GroupsOfRows groups = GroupsOfRows::include) {
    put(*folder / "new.csv", csv);
    return predict(Communicator::self(), options("new.csv", groups));
  }
  static std::string failure(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  static std::vector<double> values(const std::string& name) {
    return read_result(*folder / "p.h5").variable("predictions", name).values;
  }

  /// Draws of the fit that predictions are made with: a variable's entry.
  std::vector<double> draws(const std::string& name, std::size_t entry = 0) const {
    const std::vector<double>& all = fit.variable("posterior", name).values;
    const std::size_t size = all.size() / 1000;
    std::vector<double> some;
    for (std::size_t k = 0; k < num_draws; ++k) some.push_back(all[k * 4 * size + entry]);
    return some;
  }
  /// Of the linear predictor of x, at the effects of the school in that place; without a place none.
  std::vector<double> predictors(double x, int place = -1) const {
    std::vector<double> eta = draws("intercept_original"), slope = draws("beta_original");
    for (std::size_t k = 0; k < num_draws; ++k) eta[k] += slope[k] * x;
    if (place < 0) return eta;
    const std::vector<double> own = draws("r_school", 2 * static_cast<std::size_t>(place)),
                              own_slope = draws("r_school", 2 * static_cast<std::size_t>(place) + 1);
    for (std::size_t k = 0; k < num_draws; ++k) eta[k] += own[k] + own_slope[k] * x;
    return eta;
  }
  /// The mean over draws of the variance of the effects of a group that nobody knows, on rows of x.
  double variance_of_new(double x) const {
    const std::vector<double> a = draws("sd_school_original"), b = draws("sd_school_original", 1),
                              r = draws("cor_school_original");
    double sum = 0.0;
    for (std::size_t k = 0; k < num_draws; ++k)
      sum += a[k] * a[k] + 2.0 * r[k] * a[k] * b[k] * x + b[k] * b[k] * x * x;
    return sum / num_draws;
  }

  static std::unique_ptr<TemporaryFolder> folder;
  const ResultFile fit = read_result(*folder / "run" / "result.h5");
};
std::unique_ptr<TemporaryFolder> PredictGroups::folder;

TEST_F(PredictGroups, KnownGroupsHaveTheEffectsOfTheDraws) {
  const PredictReport report = predict(Communicator::self(), options("data.h5"));
  EXPECT_THAT(notes_on_groups(report), IsEmpty());
  EXPECT_EQ(report.observed, grouped_schools * grouped_school_rows);
  const TableRows table = Dataset(*folder / "data.h5").read({0, 8});
  const auto& numbers = std::get<TableRows::RowMajor<double>>(table.numbers);
  const std::vector<double> mean = values("mean"), density = values("log_density"), low = values("mean_q5"),
                            high = values("mean_q95"), sigma = draws("sigma_original");
  for (int i = 0; i < table.num_rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    std::vector<double> eta = predictors(numbers(i, 0), i / static_cast<int>(grouped_school_rows));
    EXPECT_NEAR(mean[row], mean_of(eta), 1e-9);
    double sum = 0.0;
    for (std::size_t k = 0; k < num_draws; ++k) {
      const double z = (numbers(i, 1) - eta[k]) / sigma[k];
      sum += std::exp(-0.5 * z * z) / (sigma[k] * std::sqrt(2.0 * M_PI)) / num_draws;
    }
    EXPECT_NEAR(density[row], std::log(sum), 1e-9);
    std::ranges::sort(eta);
    EXPECT_NEAR(low[row], eta[12], 0.1);
    EXPECT_NEAR(high[row], eta[237], 0.1);
  }
  EXPECT_GT(*report.coverage, 0.85);
  EXPECT_LT(*report.coverage, 0.98);
  // Effects of schools explain what the same rows without them leave open.
  const PredictReport without = predict(Communicator::self(), options("data.h5", GroupsOfRows::exclude));
  EXPECT_LT(*report.rmse, 0.8 * *without.rmse);
}

TEST_F(PredictGroups, ExcludedTheyAreZeroAndTheirNamesNotRead) {
  EXPECT_THAT(notes_on_groups(predicted("x\n0.5\n-2\n", GroupsOfRows::exclude)), IsEmpty());
  const std::vector<double> mean = values("mean");
  EXPECT_NEAR(mean[0], mean_of(predictors(0.5)), 1e-9);
  EXPECT_NEAR(mean[1], mean_of(predictors(-2.0)), 1e-9);
  predicted("school,x\n1003,0.5\nnone at all,-2\n", GroupsOfRows::exclude);
  EXPECT_EQ(values("mean"), mean);
}

TEST_F(PredictGroups, NewGroupsAreDrawnOncePerGroup) {
  const PredictReport report =
      predicted("school,x\n1003,0.5\n7,0.5\n8,0.5\n7,0.5\n7,-1\n,0.5\n1003,0.5\n,0.5\n");
  EXPECT_THAT(notes_on_groups(report), ElementsAre(HasSubstr("3 of school (6 rows)")));
  const std::vector<double> mean = values("mean"), low = values("mean_q5"), sd = values("sd");
  EXPECT_NEAR(mean[0], mean_of(predictors(0.5, 3)), 1e-9);
  EXPECT_EQ(mean[6], mean[0]);
  EXPECT_EQ(mean[3], mean[1]);
  EXPECT_EQ(low[3], low[1]);
  EXPECT_NE(mean[2], mean[1]);
  EXPECT_EQ(mean[7], mean[5]);
  EXPECT_NE(mean[5], mean[1]);
  // Where a level stands in the table does not matter.
  predicted("school,x\n8,0.5\n7,0.5\n");
  EXPECT_EQ(values("mean")[0], mean[2]);
  EXPECT_EQ(values("mean")[1], mean[1]);
}

TEST_F(PredictGroups, NewGroupsSpreadAsGroupsDo) {
  std::string csv = "school,x\n";
  for (int i = 0; i < 200; ++i) csv += fmt::format("{},1.5\n", 1000 + i);  // 40 of them known
  EXPECT_THAT(notes_on_groups(predicted(csv, GroupsOfRows::fresh)), IsEmpty());
  const std::vector<double> mean = values("mean"), sd = values("sd"), sigma = draws("sigma_original");
  const double of_means = variance_of(predictors(1.5)), of_groups = variance_of_new(1.5);
  double noise = 0.0, variance = 0.0;
  for (const double s : sigma) noise += s * s / num_draws;
  for (const double s : sd) variance += s * s / 200.0;
  // Of 200 x 250 responses, the draws of the parameters being the same for all.
  EXPECT_NEAR(variance, of_groups + noise + of_means, 0.03 * variance);
  // Each mean is over 250 draws of effects.
  EXPECT_NEAR(mean_of(mean), mean_of(predictors(1.5)), 5.0 * std::sqrt(of_groups / num_draws / 200.0));
  EXPECT_NEAR(variance_of(mean), of_groups / num_draws, 0.5 * of_groups / num_draws);
}

TEST_F(PredictGroups, AGridIsOfNoGroupUnlessItIsNamed) {
  PredictOptions grid = options("");
  grid.vary = {"x=-1,0.5"};
  EXPECT_THAT(notes_on_groups(predict(Communicator::self(), grid)), IsEmpty());
  EXPECT_NEAR(values("mean")[1], mean_of(predictors(0.5)), 1e-9);
  grid.at = {"school=1007"};
  predict(Communicator::self(), grid);
  EXPECT_NEAR(values("mean")[1], mean_of(predictors(0.5, 7)), 1e-9);
  grid.at.clear();
  grid.vary = {"school=1002,1007,1", "x=0.5,1"};
  EXPECT_THAT(notes_on_groups(predict(Communicator::self(), grid)),
              ElementsAre(HasSubstr("1 of school (2 rows)")));
  EXPECT_NEAR(values("mean")[2], mean_of(predictors(0.5, 7)), 1e-9);
  EXPECT_THAT(read_result(*folder / "p.h5").variable("constant_data", "school").values,
              ElementsAre(1002, 1002, 1007, 1007, 1, 1));
  grid.vary = {"x=0.5"};
  grid.groups = GroupsOfRows::fresh;
  predict(Communicator::self(), grid);
  EXPECT_GT(std::pow(values("sd")[0], 2),
            0.8 * (variance_of_new(0.5) + std::pow(mean_of(draws("sigma_original")), 2)));
  grid.at = {"school=1.5"};
  EXPECT_THAT(failure([&] { predict(Communicator::self(), grid); }),
              HasSubstr("--at school=1.5: found 1.5, expected a whole number"));
}

TEST_F(PredictGroups, NamesWhatCannotBe) {
  const auto missing = failure([] { predicted("x\n0.5\n"); });
  EXPECT_THAT(missing, HasSubstr("new.csv: no column \"school\", which names groups"));
  EXPECT_THAT(missing, HasSubstr("--groups exclude"));
  EXPECT_EQ(failure([] { predicted("x\n0.5\n", GroupsOfRows::fresh); }), "accepted");
  EXPECT_THAT(failure([] { predicted("school,x\n1.5,0.5\n"); }),
              HasSubstr("line 2, column \"school\": \"1.5\" is not a whole number"));
  EXPECT_THAT(failure([] { predicted("school,x\nours,0.5\n"); }), HasSubstr("line 2, column \"school\""));
}

TEST_F(PredictGroups, AreMadeOfMomentsWhereThereAreNoDraws) {
  ResultFile without = fit;
  for (Group& group : without.groups)
    std::erase_if(group.variables, [](const Variable& variable) { return variable.name == "r_school"; });
  write_result(*folder / "moments.h5", without);
  put(*folder / "new.csv", "school,x\n1003,1\n1004,0\n7,0\n");
  PredictOptions of_moments = options("new.csv");
  of_moments.run = *folder / "moments.h5";
  EXPECT_THAT(notes_on_groups(predict(Communicator::self(), of_moments)),
              ElementsAre(HasSubstr("1 of school (1 row)"), HasSubstr("output.group_effects = \"draws\"")));
  const std::vector<double> mean = values("mean"), low = values("mean_q5");
  const auto moments = [&](const char* name, std::size_t entry) {
    return fit.variable("group_effects", name).values[entry];
  };
  const double sd0 = moments("r_school_sd", 8),
               sd1 = std::hypot(moments("r_school_sd", 6), moments("r_school_sd", 7));
  EXPECT_NEAR(mean[0], mean_of(predictors(1.0)) + moments("r_school_mean", 6) + moments("r_school_mean", 7),
              4.0 * sd1 / std::sqrt(num_draws));
  EXPECT_NEAR(mean[1], mean_of(predictors(0.0)) + moments("r_school_mean", 8),
              4.0 * sd0 / std::sqrt(num_draws));
  EXPECT_NEAR(mean[1] - low[1], 1.645 * std::hypot(sd0, std::sqrt(variance_of(predictors(0.0)))), 0.3 * sd0);

  std::erase_if(without.groups, [](const Group& group) { return group.name == "group_effects"; });
  write_result(*folder / "moments.h5", without);
  EXPECT_THAT(failure([&] { predict(Communicator::self(), of_moments); }),
              HasSubstr("holds no effects of the groups school"));
  of_moments.groups = GroupsOfRows::fresh;
  EXPECT_EQ(failure([&] { predict(Communicator::self(), of_moments); }), "accepted");
}

TEST_F(PredictGroups, RefusesEffectsOfAnotherShape) {
  ResultFile damaged = fit;
  for (Group& group : damaged.groups) {
    for (Variable& variable : group.variables) {
      if (variable.name != "r_school") continue;
      variable.dimensions.pop_back();
      variable.values.resize(variable.values.size() / 2);
    }
  }
  write_result(*folder / "damaged.h5", damaged);
  PredictOptions of_damaged = options("data.h5");
  of_damaged.run = *folder / "damaged.h5";
  EXPECT_THAT(failure([&] { predict(Communicator::self(), of_damaged); }),
              HasSubstr("variable r_school: found"));
}

/// Rows of 12 schools a, b, ... and of 3 classes in each, y = effect of the pair + noise; colour goes round.
void write_nested_dataset(const std::filesystem::path& path, std::vector<std::string> schools,
                          ColumnType of_class = ColumnType::integer) {
  constexpr Index classes = 3, rows_of_class = 6;
  const Index rows = std::ssize(schools) * classes * rows_of_class;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(rows, classes * rows_of_class);
  schema.single = false;
  schema.table.columns = {{"school", ColumnType::factor, std::move(schools)},
                          {"class", of_class},
                          {"colour", ColumnType::factor, {"red", "green", "blue"}},
                          {"y"}};
  const bool is_whole = of_class == ColumnType::integer;
  if (is_whole) schema.grouped_by = {"school", "class"};
  TableRows table = missing_rows(schema.table, rows);
  auto& numbers = std::get<TableRows::RowMajor<double>>(table.numbers);
  for (Index i = 0; i < rows; ++i) {
    const auto at = [](Index k) { return normal({.seed = 5, .draw = static_cast<std::uint32_t>(k)}, 0); };
    table.codes(i, 0) = static_cast<std::int32_t>(i / (classes * rows_of_class));
    const Index number = i / rows_of_class % classes;
    if (is_whole) {
      table.integers(i, 0) = number;
    } else {
      numbers(i, 0) = static_cast<double>(number);
    }
    table.codes(i, 1) = static_cast<std::int32_t>(i % 3);
    numbers(i, is_whole ? 0 : 1) =
        2.0 + 1.5 * at(i / rows_of_class) + 0.8 * static_cast<double>(i % 3) + 0.5 * at(5000 + i);
  }
  DatasetWriter writer(path, schema);
  writer.append(table, {});
  writer.finish();
}

TEST(PredictNestedGroups, AreKnownWhereThePairIs) {
  const TemporaryFolder folder;
  std::vector<std::string> schools;
  for (char c = 'a'; c < 'm'; ++c) schools.emplace_back(1, c);
  write_nested_dataset(folder / "data.h5", schools);
  run_fit(grouped_config(folder, "linear", "y ~ (1 | school:class) + (1 | colour)"));
  put(folder / "new.csv",
      "school,class,colour\nb,2,green\nb,7,green\nz,2,green\nb,2,pink\n,2,green\nz,2,green\n");
  const PredictReport report =
      predict(Communicator::self(),
              {.run = folder / "run", .data = folder / "new.csv", .output = folder / "p.h5", .draws = 1000});
  EXPECT_THAT(notes_on_groups(report), ElementsAre(testing::AllOf(HasSubstr("3 of school:class (4 rows)"),
                                                                  HasSubstr("1 of colour (1 row)"))));
  const ResultFile fit = read_result(folder / "run" / "result.h5");
  const Variable& pairs = fit.variable("posterior", "r_school:class");
  const Variable& colours = fit.variable("posterior", "r_colour");
  const std::vector<std::string>& names = pairs.dimensions[2].labels;
  const auto place = static_cast<std::size_t>(std::ranges::find(names, "b:2") - names.begin());
  ASSERT_EQ(names.size(), 36U);
  ASSERT_LT(place, 36U);
  double known = 0.0;
  for (std::size_t s = 0; s < 1000; ++s) {
    known += (fit.variable("posterior", "intercept_original").values[s] + pairs.values[s * 36 + place] +
              colours.values[s * 3 + 1]) /
             1000.0;
  }
  const ResultFile file = read_result(folder / "p.h5");
  const std::vector<double>& mean = file.variable("predictions", "mean").values;
  const std::vector<double>& sd = file.variable("predictions", "sd").values;
  EXPECT_NEAR(mean[0], known, 1e-9);
  EXPECT_EQ(mean[5], mean[2]);
  for (std::size_t row = 1; row < 5; ++row) EXPECT_GT(sd[row], 1.2 * sd[0]) << row;

  // Another table has levels and types of its own.
  std::ranges::reverse(schools);
  schools.back() = "zz";  // instead of a
  write_nested_dataset(folder / "other.h5", schools, ColumnType::number);
  const PredictReport other =
      predict(Communicator::self(),
              {.run = folder / "run", .data = folder / "other.h5", .output = folder / "q.h5", .draws = 1000});
  EXPECT_THAT(notes_on_groups(other), ElementsAre(HasSubstr("3 of school:class (18 rows)")));
  const ResultFile again = read_result(folder / "q.h5");
  // Row 1 of class 2 of the school that stands eleventh, b, is green.
  EXPECT_NEAR(again.variable("predictions", "mean").values[10 * 18 + 2 * 6 + 1], known, 1e-9);

  put(folder / "fraction.csv", "school,class,colour\nb,2,green\nb,1.5,green\n");
  try {
    predict(Communicator::self(),
            {.run = folder / "run", .data = folder / "fraction.csv", .output = folder / "r.h5"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 3, column \"class\": \"1.5\" is not a whole number"));
  }
}

TEST(PredictGroupsMpi, GivesTheSameBitsAsOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_grouped_dataset(own / "data.h5");
  run_fit(grouped_config(own, "logistic", "z ~ x + (1 | school) + (1 | colour)"));
  std::string csv = "school,colour,x\n";
  for (int i = 0; i < 700; ++i) csv += fmt::format("{},{},0.1\n", 990 + i % 60, i % 7 == 0 ? "pink" : "blue");
  put(own / "new.csv", csv);
  const std::filesystem::path shared = world.broadcast(own.path().string());
  const PredictReport alone_report =
      predict(Communicator::self(),
              {.run = own / "run", .data = own / "new.csv", .output = own / "alone.h5", .draws = 100});
  const PredictReport report = predict(
      world,
      {.run = shared / "run", .data = shared / "new.csv", .output = shared / "together.h5", .draws = 100});
  const ResultFile alone = read_result(own / "alone.h5");
  world.barrier();
  const ResultFile together = read_result(shared / "together.h5");
  for (const char* name : {"mean", "mean_q5", "sd", "q50"}) {
    EXPECT_EQ(together.variable("predictions", name).values, alone.variable("predictions", name).values)
        << name;
  }
  if (world.is_root()) {
    EXPECT_EQ(report.notes, alone_report.notes);
    EXPECT_THAT(report.notes, testing::Contains(HasSubstr("20 of school (")));
  }
  world.barrier();
}

}  // namespace
}  // namespace vfe
