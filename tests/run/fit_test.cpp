#include "vfe/run/fit.hpp"

#include <gmock/gmock.h>
#include <hdf5.h>

#include <Eigen/Dense>
#include <numbers>
#include <numeric>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/function.hpp"
#include "vfe/run/trace.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Fit : public testing::Test {
 protected:
  Fit() { write_dataset(folder / "data.h5", small_rows(300, 3)); }

  ResultFile result() const { return read_result(folder / "run" / "result.h5"); }

  /// The error of a fit that fails, "fault: line".
  std::string failure(const Config& config, Existing existing, Fault expected) const {
    try {
      run_fit(config, existing);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), expected) << error.what();
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder;
};

TEST_F(Fit, WritesWhatTheDesignLists) {
  const RunOutcome outcome = run_fit(small_config(folder));
  EXPECT_FALSE(outcome.fit.stopped);
  const ResultFile file = result();
  for (const char* name : {"verdict", "reason", "version", "build", "instruction_set", "lambda_hash",
                           "draws_hash", "data_hash", "family"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(file.attributes.at(name))) << name;
  }
  for (const char* name :
       {"khat", "ess", "free_energy", "free_energy_error", "log_evidence", "log_evidence_error", "seconds"}) {
    EXPECT_TRUE(std::holds_alternative<double>(file.attributes.at(name))) << name;
  }
  for (const char* name : {"gradients", "gradients_sequential", "seed", "ranks", "threads", "non_finite",
                           "converged", "resampled", "rank"}) {
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(file.attributes.at(name))) << name;
  }
  const Variable& beta = file.variable("posterior", "beta");
  ASSERT_EQ(beta.dimensions.size(), 3U);
  EXPECT_EQ(beta.dimensions[0].name, "chain");
  EXPECT_EQ(beta.dimensions[0].size, 4);
  EXPECT_EQ(beta.dimensions[1].size, 125);
  EXPECT_EQ(beta.dimensions[2].labels, (std::vector<std::string>{"x1", "x2", "x3"}));
  EXPECT_EQ(file.variable("sample_stats", "lp").values.size(), 500U);
  EXPECT_EQ(file.arrays.at("lambda").size(), 5 + 5 * 6 / 2);
  EXPECT_EQ(file.arrays.at("trace/free_energy").rows(),
            read_trace(folder / "run" / "trace.jsonl").at("step").rows());
  EXPECT_EQ(file.texts.at("config"), contents(folder / "run" / "config.toml"));
  EXPECT_FALSE(fs::exists(folder / "run" / "lock"));
}

TEST_F(Fit, SampleStatisticsDescribeTheDraws) {
  const Config config = small_config(folder, {"output.log_likelihood=true", "output.log_prior=true"});
  run_fit(config);
  const ResultFile file = result();
  const Variable& by_row = file.variable("log_likelihood", "y");
  const Variable& lp = file.variable("sample_stats", "lp");
  ASSERT_EQ(by_row.values.size(), 500U * 300U);
  EXPECT_EQ(file.variable("observed_data", "y").values.size(), 300U);
  const Variable& beta = file.variable("posterior", "beta");
  const Variable& intercept = file.variable("posterior", "intercept");
  const Variable& sigma = file.variable("posterior", "sigma");
  // Draw by draw, log joint = sum over rows + log prior + log Jacobian, the priors written out here.
  const auto log_normal = [](double x, double sd) {
    return -0.5 * x * x / (sd * sd) - std::log(sd) - 0.5 * std::log(2.0 * M_PI);
  };
  for (std::size_t s = 0; s < 500; s += 71) {
    const auto expect_prior = [&](const char* name, std::size_t at, double log_density) {
      EXPECT_NEAR(file.variable("log_prior", name).values[at], log_density, 1e-12) << name;
      return log_density;
    };
    double expected = expect_prior("intercept", s, log_normal(intercept.values[s], 10.0));
    for (std::size_t j = 3 * s; j < 3 * s + 3; ++j) {
      expected += expect_prior("beta", j, log_normal(beta.values[j], 2.5));
    }
    expected += expect_prior("sigma", s, std::log(2.0) + log_normal(sigma.values[s], 1.0));
    expected += std::log(sigma.values[s]);
    for (std::size_t r = 0; r < 300; ++r) expected += by_row.values[300 * s + r];
    EXPECT_NEAR(lp.values[s], expected, 1e-8);
    EXPECT_NEAR(file.variable("sample_stats", "log_weight").values[s],
                lp.values[s] - file.variable("sample_stats", "log_q").values[s], 1e-9);
  }
}

double sum(const Variable& variable, std::size_t draw, std::size_t size) {
  const auto first = variable.values.begin() + static_cast<std::ptrdiff_t>(draw * size);
  return std::accumulate(first, first + static_cast<std::ptrdiff_t>(size), 0.0);
}

TEST_F(Fit, DrawsOfACertifiedFitHaveItsMomentsAndTheirOwnDensities) {
  const RunOutcome outcome = run_fit(
      small_config(folder, {"family.type=auto", "output.log_likelihood=true", "output.log_prior=true"}));
  ASSERT_EQ(outcome.fit.verdict.grade, Grade::certified) << outcome.fit.verdict.reason;
  const Moments& moments = outcome.fit.moments;
  for (Index k = 0; k < outcome.fit.draws.rows(); ++k) {
    const Eigen::ArrayXd values = outcome.fit.draws.row(k);
    EXPECT_NEAR(values.mean(), moments.mean[k], 1e-9 * moments.sd[k]) << k;
    EXPECT_NEAR(std::sqrt((values - values.mean()).square().sum() / 499.0) / moments.sd[k], 1.0, 1e-9) << k;
  }
  const ResultFile file = result();
  EXPECT_THAT(std::get<std::string>(file.groups.front().attributes.at("moments")),
              HasSubstr("draws of intercept, beta, sigma shifted and scaled"));
  EXPECT_EQ(file.attributes.at("moments_matched"), Attribute(std::int64_t{1}));
  for (std::size_t s = 0; s < 500; s += 71) {
    double expected = sum(file.variable("log_likelihood", "y"), s, 300);
    for (const char* name : {"intercept", "sigma"}) expected += file.variable("log_prior", name).values[s];
    expected += sum(file.variable("log_prior", "beta"), s, 3);
    expected += std::log(file.variable("posterior", "sigma").values[s]);
    EXPECT_NEAR(file.variable("sample_stats", "lp").values[s], expected, 1e-8);
  }
}

TEST_F(Fit, ARejectedFitsDrawsStayAsDrawn) {
  const RunOutcome outcome = run_fit(small_config(folder, {"family.type=mean_field"}));
  EXPECT_EQ(result().attributes.at("moments_matched"), Attribute(std::int64_t{0}));
  EXPECT_THAT(std::get<std::string>(result().groups.front().attributes.at("moments")), HasSubstr("as drawn"));
  EXPECT_FALSE(outcome.fit.stopped);
}

TEST_F(Fit, IsNearLeastSquares) {
  run_fit(small_config(folder));
  const SmallTable rows = small_rows(300, 3);
  Matrix design(300, 4);
  design << Vector::Ones(300), rows.x;
  const Vector solution = (design.transpose() * design).ldlt().solve(design.transpose() * rows.y);
  const ResultFile file = result();
  const Variable& beta = file.variable("posterior", "beta_original");
  for (std::size_t j = 0; j < 3; ++j) {
    double mean = 0.0;
    for (std::size_t s = 0; s < 500; ++s) mean += beta.values[3 * s + j] / 500.0;
    EXPECT_NEAR(mean, solution[static_cast<Index>(j) + 1], 0.02);  // sd about 0.06, prior weak
  }
}

TEST_F(Fit, StoppedAfterEveryStepAndResumedGivesTheSameBits) {
  for (const std::string mode : {"synchronous", "stochastic"}) {
    const std::vector<std::string> common = {"fit.mode=" + mode, "fit.blocks_per_step=2", "fit.rate=0.05",
                                             "fit.max_steps=20"};
    const RunOutcome whole = run_fit(small_config(folder, common), Existing::overwrite);
    const auto trace = read_trace(folder / "run" / "trace.jsonl");
    std::vector<std::string> hurried = common;
    hurried.push_back("fit.max_time=0.000001");
    RunOutcome pieces = run_fit(small_config(folder, hurried), Existing::overwrite);
    int runs = 1;
    for (; pieces.fit.stopped; ++runs) pieces = run_fit(small_config(folder, hurried), Existing::resume);
    EXPECT_GT(runs, 5) << mode;
    EXPECT_EQ(pieces.lambda_hash, whole.lambda_hash) << mode;
    EXPECT_EQ(pieces.draws_hash, whole.draws_hash) << mode;
    const auto trace_of_pieces = read_trace(folder / "run" / "trace.jsonl");
    for (const auto& [name, column] : trace) EXPECT_EQ(trace_of_pieces.at(name), column) << name;
  }
}

TEST_F(Fit, AFinishedRunNeedsNothingMore) {
  const RunOutcome first = run_fit(small_config(folder));
  const auto written = fs::last_write_time(folder / "run" / "result.h5");
  const RunOutcome second = run_fit(small_config(folder, {"fit.threads=2"}), Existing::resume);
  EXPECT_TRUE(second.found_finished);
  EXPECT_EQ(second.draws_hash, first.draws_hash);
  EXPECT_EQ(second.fit.verdict.reason, first.fit.verdict.reason);
  EXPECT_EQ(fs::last_write_time(folder / "run" / "result.h5"), written);
  // Another number of draws is made from the last checkpoint.
  const RunOutcome third = run_fit(small_config(folder, {"output.draws=200"}), Existing::resume);
  EXPECT_FALSE(third.found_finished);
  EXPECT_EQ(third.lambda_hash, first.lambda_hash);
  EXPECT_EQ(result().variable("posterior", "beta").dimensions[1].size, 50);
}

TEST_F(Fit, RefusesToResumeWithOtherConfigDataOrModel) {
  run_fit(small_config(folder, {"fit.max_time=0.000001"}));
  EXPECT_THAT(failure(small_config(folder, {"fit.seed=2"}), Existing::resume, Fault::config),
              HasSubstr("fit.seed: 1 in the checkpoint, 2 now"));
  SmallTable renamed = small_rows(300, 3);
  renamed.names = {"x1", "other", "x3"};
  write_dataset(folder / "data.h5", renamed);
  EXPECT_THAT(failure(small_config(folder), Existing::resume, Fault::checkpoint), HasSubstr("another model"));
  write_dataset(folder / "data.h5", small_rows(300, 3, 2));
  EXPECT_THAT(failure(small_config(folder), Existing::resume, Fault::checkpoint), HasSubstr("other data"));
  write_dataset(folder / "data.h5", small_rows(300, 3));
  EXPECT_EQ(failure(small_config(folder), Existing::resume, Fault::config), "accepted");
}

TEST_F(Fit, ABadStartLeavesTheEarlierRunWhole) {
  run_fit(small_config(folder));
  const std::string before = contents(folder / "run" / "result.h5");
  EXPECT_THAT(failure(small_config(folder), Existing::refuse, Fault::cannot_create),
              HasSubstr("--overwrite"));
  EXPECT_THAT(
      failure(small_config(folder, {"data.file=/nonexistent.h5"}), Existing::overwrite, Fault::missing),
      HasSubstr("/nonexistent.h5"));
  EXPECT_THAT(failure(small_config(folder, {"model.type=logistic"}), Existing::overwrite, Fault::data),
              HasSubstr("row"));
  EXPECT_EQ(contents(folder / "run" / "result.h5"), before);
}

TEST_F(Fit, RefusesWeightsThatAreAllZero) {
  const std::vector<std::string> weighted = {"model.formula=y | weights(w) ~ x1 + x2 + x3"};
  SmallTable rows = small_rows(300, 3);
  rows.weight = Vector::Zero(300);
  write_dataset(folder / "data.h5", rows);
  EXPECT_THAT(failure(small_config(folder, weighted), Existing::refuse, Fault::data),
              HasSubstr("weights of all 300 rows"));
  rows.weight[299] = 1.0;
  write_dataset(folder / "data.h5", rows);
  EXPECT_EQ(failure(small_config(folder, weighted), Existing::refuse, Fault::data), "accepted");
}

TEST_F(Fit, RefusesContentsThatDisagreeWithTheirHash) {
  const hid_t file = H5Fopen((folder / "data.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t y = H5Dopen(file, "numbers", H5P_DEFAULT);
  std::vector<double> values(1200, 1.0);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 7);
  H5Dwrite(y, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(y);
  H5Fclose(file);
  EXPECT_THAT(failure(small_config(folder), Existing::refuse, Fault::data),
              AllOf(HasSubstr("hash"), HasSubstr("changed or damaged")));
}

TEST_F(Fit, CountsStepsBetweenCheckpoints) {
  run_fit(small_config(folder, {"output.checkpoint_every=3"}));
  const std::vector<std::uint64_t> steps = list_checkpoints(folder / "run");
  ASSERT_EQ(steps.size(), 2U);
  const auto last =
      static_cast<std::uint64_t>(read_trace(folder / "run" / "trace.jsonl").at("step").maxCoeff());
  EXPECT_EQ(steps[0], last);
  EXPECT_EQ(steps[1] % 3, 0U);
  EXPECT_GE(steps[1] + 3, last);
}

/// Mean and sd over draws of a combination of the entries of beta.
std::pair<double, double> moments(const ResultFile& file, const Vector& weights) {
  const Variable& beta = file.variable("posterior", "beta");
  const Index num_draws = beta.dimensions[0].size * beta.dimensions[1].size;
  const Eigen::Map<const Matrix> values(beta.values.data(), weights.size(), num_draws);
  const Eigen::ArrayXd combined = values.transpose() * weights;
  return {combined.mean(), std::sqrt((combined - combined.mean()).square().mean())};
}

TEST_F(Fit, CollinearColumnsAreHeldByThePrior) {
  SmallTable rows = small_rows(300, 2);
  rows.x.col(1) = rows.x.col(0);
  write_dataset(folder / "data.h5", rows);
  run_fit(small_config(folder, {"output.draws=4000"}));
  // The sum is known as well as a single coefficient; of the difference only the prior speaks: sd 2.5 sqrt 2.
  const auto [sum, sum_sd] = moments(result(), Vector::Ones(2));
  EXPECT_NEAR(sum, 0.25, 0.2);
  EXPECT_NEAR(sum_sd, 1.0 / std::sqrt(300.0), 0.012);
  const auto [difference, difference_sd] = moments(result(), Vector{{1.0, -1.0}});
  EXPECT_NEAR(difference, 0.0, 0.3);
  EXPECT_NEAR(difference_sd, 2.5 * std::sqrt(2.0), 0.2);
}

TEST_F(Fit, ASeparableLogisticIsHeldByThePrior) {
  SmallTable rows = small_rows(200, 1);
  rows.y = (rows.x.col(0).array() > 0.0).cast<double>();
  write_dataset(folder / "data.h5", rows);
  const RunOutcome outcome = run_fit(small_config(folder, {"model.type=logistic"}));
  EXPECT_TRUE(std::isfinite(outcome.fit.verdict.free_energy));
  const auto [mean, sd] = moments(result(), Vector::Ones(1));
  EXPECT_GT(mean, 5.0);   // the likelihood alone would go to infinity
  EXPECT_LT(mean, 15.0);  // six sds of the prior
  EXPECT_LT(sd, 2.5);
}

TEST_F(Fit, OneRowLeavesThePrior) {
  write_dataset(folder / "data.h5", small_rows(1, 1));
  run_fit(small_config(folder, {"model.known_sigma=1000", "output.draws=4000"}));
  const auto [mean, sd] = moments(result(), Vector::Ones(1));
  EXPECT_NEAR(mean, 0.0, 0.2);
  EXPECT_NEAR(sd, 2.5, 0.12);
}

/// What one rank does for itself, all ranks together do with the same bits.
TEST(FitMpi, GivesTheSameBitsAsOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  write_dataset(own / "data.h5", small_rows(300, 3));
  const std::string shared = world.broadcast(own.path().string());
  for (const std::string mode : {"synchronous", "stochastic"}) {
    std::vector<std::string> overrides = {"fit.mode=" + mode, "fit.blocks_per_step=2", "fit.rate=0.05",
                                          "fit.max_steps=20"};
    const RunOutcome alone = run_fit(small_config(own, overrides), Existing::overwrite);
    overrides.push_back("data.file=" + shared + "/data.h5");
    overrides.push_back("output.directory=" + shared + "/together");
    const RunOutcome together =
        run_fit(world, small_config(own, overrides), {.existing = Existing::overwrite, .quiet = true});
    EXPECT_EQ(together.lambda_hash, alone.lambda_hash) << mode;
    EXPECT_EQ(together.draws_hash, alone.draws_hash) << mode;
    EXPECT_EQ(together.fit.verdict.reason, alone.fit.verdict.reason) << mode;
  }
  world.barrier();  // the shared folder is in use until all are done
}

TEST(FitMpi, AFitOfFewRowsStoppedAndResumedGivesTheSameBitsAsOneRankAlone) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  SmallTable few = small_rows(7, 6);
  few.block_rows = 2;
  write_dataset(own / "data.h5", few);
  const std::string shared = world.broadcast(own.path().string());
  const RunOutcome alone = run_fit(small_config(own, {"family.type=auto"}));
  EXPECT_EQ(alone.fit.verdict.grade, Grade::certified) << alone.fit.verdict.reason;
  const Config shared_config =
      small_config(own, {"family.type=auto", "fit.max_time=0.000001", "data.file=" + shared + "/data.h5",
                         "output.directory=" + shared + "/together"});
  RunOutcome together;
  int runs = 0;
  do {  // stopped after every step
    together = run_fit(world, shared_config, {.existing = Existing::resume, .quiet = true});
    ++runs;
  } while (together.fit.stopped && runs < 2000);
  EXPECT_GT(runs, 5);
  EXPECT_EQ(together.lambda_hash, alone.lambda_hash);
  EXPECT_EQ(together.draws_hash, alone.draws_hash);
  EXPECT_EQ(together.fit.verdict.reason, alone.fit.verdict.reason);
  world.barrier();
}

TEST(FitMpi, BlocksMayDifferInRows) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  const SmallTable all = small_rows(300, 3);
  DatasetWriter writer(own / "data.h5", schema_of(all));
  Index first = 0;
  for (const Index end : {1, 40, 43, 100, 164, 170, 299, 300}) {
    writer.append(rows_of(all).some(first, end - first));
    writer.end_block();
    first = end;
  }
  EXPECT_FALSE(writer.finish().blocks.are_equal());
  const std::string shared = world.broadcast(own.path().string());
  const RunOutcome alone = run_fit(small_config(own), Existing::overwrite);
  const RunOutcome together = run_fit(
      world,
      small_config(own, {"data.file=" + shared + "/data.h5", "output.directory=" + shared + "/together"}),
      {.existing = Existing::overwrite, .quiet = true});
  EXPECT_EQ(together.lambda_hash, alone.lambda_hash);
  EXPECT_EQ(together.draws_hash, alone.draws_hash);
  // The rows are those of equal blocks, whose sums differ by rounding alone.
  write_dataset(own / "data.h5", all);
  const RunOutcome equal = run_fit(small_config(own), Existing::overwrite);
  EXPECT_NEAR(equal.fit.verdict.free_energy, alone.fit.verdict.free_energy, 1e-6);
  world.barrier();
}

TEST(FitMpi, WhatOneRankCannotLoadIsThrownOnAll) {
  const Communicator world = Communicator::world();
  const TemporaryFolder own;
  SmallTable rows = small_rows(300, 3);
  rows.x(299, 2) = std::nan("");  // in the shard of the last rank
  write_dataset(own / "data.h5", rows);
  const std::string shared = world.broadcast(own.path().string());
  try {
    run_fit(
        world,
        small_config(own, {"data.file=" + shared + "/data.h5", "output.directory=" + shared + "/together"}),
        {.existing = Existing::refuse, .quiet = true});
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("row 299: x3 is missing"));
  }
  world.barrier();
}

/// mu ~ normal(1, 2), scale ~ lognormal(0, 0.5), with their constants.
std::unique_ptr<const Model> normal_and_lognormal() {
  return make_model({{"mu"}, {"scale", {}, Transform::positive}}, [](ConstVec x, Vec grad) {
    const double z = (x[0] - 1.0) / 2.0, w = std::log(x[1]) / 0.5;
    if (grad.size() > 0) {
      grad[0] -= z / 2.0;
      grad[1] -= (w / 0.5 + 1.0) / x[1];
    }
    return -0.5 * (z * z + w * w) - std::log(2.0 * std::numbers::pi * 2.0 * 0.5 * x[1]);
  });
}

TEST(FrontDoor, ReturnsAllAndWritesNothingWithoutAFolder) {
  const auto model = normal_and_lognormal();
  const auto found = fit(Communicator::self(), *model, {.seed = 3, .draws = 1000});
  EXPECT_EQ(found.verdict.grade, Grade::certified) << found.verdict.reason;
  EXPECT_FALSE(found.stopped);
  EXPECT_NEAR(found.verdict.log_evidence, 0.0, 4.0 * found.verdict.log_evidence_error);
  EXPECT_EQ(found.names, (std::vector<std::string>{"mu", "scale"}));
  EXPECT_EQ(found.draws.rows(), 2);
  EXPECT_EQ(found.draws.cols(), 1000);
  const double mean = std::exp(0.125), sd = mean * std::sqrt(std::exp(0.25) - 1.0);
  EXPECT_NEAR(found.moments.mean[0], 1.0, 5.0 * found.moments.mean_error[0] + 1e-9);
  EXPECT_NEAR(found.moments.mean[1], mean, 5.0 * found.moments.mean_error[1]);
  EXPECT_NEAR(found.moments.sd[1], sd, 5.0 * found.moments.sd_error[1]);
  EXPECT_LT(found.moments.mean_error[1], 0.03 * sd);
  EXPECT_NEAR(found.draws.row(1).mean(), mean, 5.0 * sd / std::sqrt(1000.0));

  // With a folder the same, which the files say as well.
  const TemporaryFolder folder;
  const auto kept =
      fit(Communicator::self(), *model, {.seed = 3, .draws = 1000, .directory = folder / "run"});
  EXPECT_EQ(hash(kept.draws), hash(found.draws));
  const ResultFile file = read_result(folder / "run" / "result.h5");
  const Variable& scale = file.variable("posterior", "scale");
  const Vector row = found.draws.row(1);
  EXPECT_EQ(scale.values, std::vector<double>(row.begin(), row.end()));
}

TEST(FrontDoor, ReturnsMomentsOfAFamilyByName) {
  const auto model = normal_and_lognormal();
  const auto found = fit(Communicator::self(), *model, {.family = "full_rank"});
  EXPECT_EQ(found.verdict.grade, Grade::certified) << found.verdict.reason;
  EXPECT_NEAR(found.moments.mean[0], 1.0, 5.0 * found.moments.mean_error[0]);
  EXPECT_NEAR(found.moments.mean_error[0], 2.0 / std::sqrt(4000.0), 1e-3);
  EXPECT_NEAR(found.moments.sd_error[0], 2.0 / std::sqrt(8000.0), 2e-3);
}

TEST(FrontDoor, StopsWhereItsTimeIsUp) {
  const auto model = normal_and_lognormal();
  const auto found = fit(Communicator::self(), *model, {.max_time = 1e-9});
  EXPECT_TRUE(found.stopped);
  EXPECT_EQ(found.draws.size(), 0);
}

TEST(FrontDoorMpi, RanksShareOutTheDrawsOfAModel) {
  const auto model = normal_and_lognormal();
  const auto alone = fit(Communicator::self(), *model, {.seed = 5});
  const auto together = fit(Communicator::world(), *model, {.seed = 5});
  EXPECT_EQ(hash(alone.draws), hash(together.draws));
  EXPECT_EQ(alone.moments.mean, together.moments.mean);
  EXPECT_EQ(alone.verdict.reason, together.verdict.reason);
}

}  // namespace
}  // namespace vfe
