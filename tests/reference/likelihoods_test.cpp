// Each likelihood, of a real table, against moments by another sampler: tests/reference/likelihoods.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reference/posterior.hpp"
#include "run/temporary_folder.hpp"
#include "vfe/commands/predict.hpp"
#include "vfe/data/import.hpp"
#include "vfe/program/sample.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

const fs::path tests = fs::path(VFE_SOURCE_DIR) / "tests";

const nlohmann::json& references() {
  static const auto json = nlohmann::json::parse(std::ifstream(tests / "reference" / "likelihoods.json"));
  return json;
}

const std::vector<std::string> names{"cbpp",
                                     "wine",
                                     "housing",
                                     "biochemists_zero_inflated_poisson",
                                     "biochemists_zero_inflated_negative_binomial",
                                     "biochemists_hurdle_poisson",
                                     "biochemists_hurdle_negative_binomial",
                                     "gag_urine",
                                     "gasoline_yield",
                                     "reading_skills",
                                     "animals",
                                     "leuk_gamma",
                                     "leuk_weibull",
                                     "veteran",
                                     "lung"};

class Likelihoods : public testing::TestWithParam<std::string> {
 protected:
  const nlohmann::json& reference() const { return references().at(GetParam()); }
  fs::path csv() const { return tests / "data" / reference().at("file").get<std::string>(); }
  Vector vector(const std::string& key) const {
    const auto values = reference().at(key).get<std::vector<double>>();
    return Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size()));
  }

  ResultFile fit() const {
    import_csv({.input = csv(), .output = folder_ / "data.h5", .quiet = true});
    const auto word = [&](const std::string& key) { return reference().at(key).get<std::string>(); };
    const Config config =
        parse_config("", "fit.toml",
                     {"data.file=" + (folder_ / "data.h5").string(), "model.type=" + word("likelihood"),
                      "model.formula=" + word("formula"), "output.directory=" + (folder_ / "run").string()});
    run_fit(Communicator::self(), config, {.quiet = true});
    return read_result(folder_ / "run" / "result.h5");
  }

  PredictReport predict_itself() const {
    return predict(Communicator::self(),
                   {.run = folder_ / "run", .data = csv(), .output = folder_ / "predictions.csv"});
  }

 private:
  TemporaryFolder folder_;
};

TEST_P(Likelihoods, MomentsAreThoseOfNuts) {
  const ResultFile result = fit();
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");

  const Vector mean = vector("mean"), sd = vector("sd"), mean_error = vector("mean_error"),
               sd_error = vector("sd_error");
  const Parameters parameters = parameters_from_json(result.texts.at("parameters"));
  ASSERT_EQ(parameters.num_constrained(), mean.size());
  const Moments found = moments_of(result);
  for (Index i = 0; i < mean.size(); ++i) {
    EXPECT_NEAR(found.mean[i], mean[i], 0.05 * sd[i] + 3.0 * mean_error[i])
        << parameters.constrained_name(i) << ", of sd " << sd[i];
    EXPECT_NEAR(found.sd[i], sd[i], 0.04 * sd[i] + 3.0 * sd_error[i]) << parameters.constrained_name(i);
  }

  const PredictReport report = predict_itself();
  EXPECT_EQ(report.observed, report.rows);
  ASSERT_TRUE(report.mean_log_density.has_value());
  EXPECT_TRUE(std::isfinite(*report.mean_log_density));
  for (const std::optional<double>& score : {report.rmse, report.accuracy, report.brier, report.coverage}) {
    EXPECT_TRUE(std::isfinite(score.value_or(0.0)));
  }
  EXPECT_TRUE(report.rmse || report.accuracy);
}

INSTANTIATE_TEST_SUITE_P(OfRealTables, Likelihoods, testing::ValuesIn(names),
                         [](const auto& instance) { return instance.param; });

TEST(LikelihoodReferences, AreAllTested) {
  std::vector<std::string> referenced;
  for (const auto& [name, reference] : references().items()) referenced.push_back(name);
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(referenced));
}

}  // namespace
}  // namespace vfe
