#include "vfe/commands/info.hpp"

#include <gmock/gmock.h>

#include "run/error_of.hpp"
#include "run/small_fit.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/checkpoint.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Pair;

/// x1 in the user's units, a factor of three levels, a response.
Schema table() {
  Schema schema = small_schema(3);
  schema.columns[0] = numeric("age", 40.0, 10.0);
  for (std::size_t j = 1; j < 3; ++j) {
    Column& column = schema.columns[j];
    column.level = j == 1 ? "green" : "blue";
    column.source = "colour";
    column.reference = "red";
    column.name = "colour[" + column.level + "]";
  }
  schema.has_weight = true;
  schema.source = "people.csv";
  schema.shuffle_seed = 7;
  return schema;
}

Rows rows_of_table() {
  Rows rows = small_rows(300, 3);
  rows.weight = Vector::LinSpaced(300, 1.0, 2.0);
  return rows;
}

TEST(Info, TellsADatasetInTheUsersUnits) {
  const TemporaryFolder folder;
  const Rows rows = rows_of_table();
  write_dataset(folder / "data.h5", table(), rows);
  const FileInfo found = info(folder / "data.h5");
  EXPECT_EQ(found.kind, StoredKind::dataset);
  const auto& dataset = std::get<DatasetInfo>(found.what);
  EXPECT_EQ(dataset.rows, 300);
  EXPECT_EQ(dataset.blocks, 5);
  EXPECT_EQ(dataset.block_rows, 64);
  EXPECT_FALSE(dataset.single);
  ASSERT_EQ(dataset.columns.size(), 2u);
  const auto& x = std::get<Rows::RowMajor<double>>(rows.x);
  EXPECT_EQ(dataset.columns[0].name, "age");
  EXPECT_THAT(dataset.columns[0].levels, ElementsAre());
  EXPECT_NEAR(dataset.columns[0].low, 40.0 + 10.0 * x.col(0).minCoeff(), 1e-10);
  EXPECT_NEAR(dataset.columns[0].high, 40.0 + 10.0 * x.col(0).maxCoeff(), 1e-10);
  EXPECT_EQ(dataset.columns[1].name, "colour");
  EXPECT_THAT(dataset.columns[1].levels, ElementsAre("red", "green", "blue"));
  EXPECT_EQ(dataset.response.name, "y");
  EXPECT_EQ(dataset.response.low, rows.y.minCoeff());
  EXPECT_EQ(dataset.response.high, rows.y.maxCoeff());
  EXPECT_FALSE(dataset.offset);
  ASSERT_TRUE(dataset.weight);
  EXPECT_EQ(dataset.weight->high, 2.0);
  EXPECT_TRUE(dataset.checked);
  EXPECT_EQ(dataset.content, hexadecimal(Dataset(folder / "data.h5").schema().content));
  EXPECT_EQ(dataset.source, "people.csv");
  EXPECT_EQ(dataset.shuffle_seed, 7u);
  EXPECT_THAT(dataset.made_by, MatchesRegex("vfe [0-9.]+"));
}

TEST(Info, ShowsNoDigitsThatStoringMade) {
  const TemporaryFolder folder;
  Schema schema = small_schema(1);
  schema.single = true;
  schema.columns[0] = numeric("age", 0.1, 1.0 / 3.0);
  Rows rows{.blocks = Blocks::of_equal(3, 64), .x = Rows::RowMajor<float>(3, 1), .y = Vector::Zero(3)};
  const double ages[] = {0.0, 0.7, 123.4};
  for (Index i = 0; i < 3; ++i) {
    std::get<Rows::RowMajor<float>>(rows.x)(i, 0) = static_cast<float>((ages[i] - 0.1) * 3.0);
  }
  write_dataset(folder / "data.h5", schema, rows);
  const FileInfo found = info(folder / "data.h5");
  const ColumnInfo& age = std::get<DatasetInfo>(found.what).columns[0];
  EXPECT_EQ(age.low, 0.0);
  EXPECT_EQ(age.high, 123.4);
}

TEST(Info, TellsAResultAndACheckpointOfARun) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_schema(2), small_rows(300, 2));
  const RunOutcome outcome = run_fit(small_config(folder));
  const FileInfo found = info(folder / "run");
  EXPECT_EQ(found.kind, StoredKind::result);
  const auto& result = std::get<ResultInfo>(found.what);
  EXPECT_EQ(result.verdict.grade, outcome.fit.verdict.grade);
  EXPECT_EQ(result.fit->model, "linear");
  EXPECT_EQ(result.fit->family, "full_rank");
  ASSERT_EQ(result.parameters.size(), 3u);
  EXPECT_EQ(result.parameters[1].name, "beta");
  EXPECT_THAT(result.parameters[1].dimensions, ElementsAre(Pair("predictor", 2)));
  EXPECT_EQ(result.hashes.at("draws"), hexadecimal(outcome.draws_hash));
  EXPECT_EQ(result.hashes.at("lambda"), hexadecimal(outcome.lambda_hash));
  std::vector<std::string> groups;
  for (const GroupInfo& group : result.groups) groups.push_back(group.name);
  EXPECT_THAT(groups, ElementsAre("posterior", "sample_stats"));
  EXPECT_THAT(result.made_by, MatchesRegex("vfe [0-9.]+, 1 rank of 1 thread, seed 1"));

  const std::uint64_t step = list_checkpoints(folder / "run").front();
  const FileInfo last = info(folder / "run" / ("checkpoint." + std::to_string(step) + ".h5"));
  EXPECT_EQ(last.kind, StoredKind::checkpoint);
  const auto& checkpoint = std::get<CheckpointInfo>(last.what);
  EXPECT_EQ(checkpoint.step, step);
  EXPECT_EQ(checkpoint.stage, "");
  EXPECT_EQ(checkpoint.fit.model, "linear");
  EXPECT_EQ(checkpoint.lambda, 4 + 4 * 5 / 2);
  EXPECT_EQ(checkpoint.data_hash, result.hashes.at("data"));
  EXPECT_EQ(checkpoint.model_hash, result.hashes.at("model"));
  EXPECT_GT(checkpoint.counters.at("gradients"), 0.0);
  EXPECT_THAT(checkpoint.made_by, MatchesRegex("vfe [0-9.]+"));
}

TEST(Info, RefusesWhatIsDamagedAsOthersDo) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { info(folder / "absent"); }).fault(), Fault::missing);
  EXPECT_EQ(error_of([&] { info(folder.path()); }).fault(), Fault::missing);  // no run
  // Rows that are not those that were written.
  const Schema schema = small_schema(2);
  write_dataset(folder / "data.h5", schema, small_rows(300, 2));
  std::string bytes = contents(folder / "data.h5");
  const Rows rows = small_rows(300, 2);
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(rows.y.data()), 64));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = static_cast<char>(bytes[at + 1] ^ 1);
  put(folder / "data.h5", bytes);
  const Error error = error_of([&] { info(folder / "data.h5"); });
  EXPECT_EQ(error.fault(), Fault::data) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("data.h5"));
  write_checkpoint(folder.path(), {.state = {.step = 3}, .config = "[model]\ntype = \"nothing\"\n"});
  EXPECT_EQ(error_of([&] { info(folder / "checkpoint.3.h5"); }).fault(), Fault::checkpoint);
  std::string checkpoint = contents(folder / "checkpoint.3.h5");
  checkpoint[checkpoint.size() / 2] = static_cast<char>(checkpoint[checkpoint.size() / 2] ^ 4);
  put(folder / "checkpoint.3.h5", checkpoint);
  const Error damaged = error_of([&] { info(folder / "checkpoint.3.h5"); });
  EXPECT_EQ(damaged.fault(), Fault::checkpoint);
  EXPECT_THAT(damaged.what(), HasSubstr("is damaged"));
}

}  // namespace
}  // namespace vfe
