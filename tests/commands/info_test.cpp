#include "vfe/commands/info.hpp"

#include <gmock/gmock.h>

#include "run/error_of.hpp"
#include "run/small_fit.hpp"
#include "store/table_example.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/checkpoint.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Pair;

TEST(Info, TellsATable) {
  const TemporaryFolder folder;
  const DatasetSchema written = test::write_example(folder / "data.h5", 150, false);
  const FileInfo found = info(folder / "data.h5");
  EXPECT_EQ(found.kind, StoredKind::dataset);
  const auto& dataset = std::get<DatasetInfo>(found.what);
  EXPECT_EQ(dataset.rows, 150);
  EXPECT_EQ(dataset.blocks, 5);
  EXPECT_EQ(dataset.block_rows, 32);
  EXPECT_FALSE(dataset.single);
  ASSERT_EQ(dataset.columns.size(), 7u);
  const auto& [age, bits, colour, visits, weight, answer, mass] =
      std::tie(dataset.columns[0], dataset.columns[1], dataset.columns[2], dataset.columns[3],
               dataset.columns[4], dataset.columns[5], dataset.columns[6]);
  const TableRows rows = test::example_rows(0, 150);
  Vector values(150);
  rows.read_number(0, values);
  EXPECT_EQ(age.name, "age");
  EXPECT_EQ(age.low, values.minCoeff());
  EXPECT_EQ(age.high, values.maxCoeff());
  EXPECT_EQ(age.missing, 0);
  EXPECT_EQ(bits.type, ColumnType::matrix);
  EXPECT_EQ(bits.width, 3);
  EXPECT_EQ(bits.high, 1.0);
  EXPECT_THAT(colour.levels, ElementsAre("rot", "gr\xc3\xbcn"));
  EXPECT_EQ(colour.missing, 50);
  EXPECT_EQ(visits.type, ColumnType::integer);
  EXPECT_EQ(visits.missing, 14);  // 0, 11, ..., 143
  EXPECT_EQ(visits.low, 0x1p60);
  EXPECT_EQ(weight.missing, 22);
  EXPECT_EQ(weight.high, 4.0);
  EXPECT_EQ(answer.missing, 38);
  EXPECT_EQ(mass.missing, 12);
  EXPECT_TRUE(dataset.checked);
  EXPECT_EQ(dataset.content, hexadecimal(written.content));
  EXPECT_EQ(dataset.source, "people.csv");
  EXPECT_EQ(dataset.shuffle_seed, (std::uint64_t{1} << 55) + 1);
  EXPECT_THAT(dataset.made_by, MatchesRegex("vfe [0-9.]+"));
}

TEST(Info, ShowsNoDigitsThatStoringMade) {
  const TemporaryFolder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 64);
  schema.table.columns = {{.name = "age"}, {.name = "nothing"}};
  TableRows rows = missing_rows(schema.table, 3);
  std::get<TableRows::RowMajor<double>>(rows.numbers).col(0) << 0.7, 123.4, -0.1;
  DatasetWriter writer(folder / "data.h5", schema);
  writer.append(rows);
  writer.finish();
  const FileInfo found = info(folder / "data.h5");
  const std::vector<ColumnInfo>& columns = std::get<DatasetInfo>(found.what).columns;
  EXPECT_EQ(columns[0].low, -0.1);
  EXPECT_EQ(columns[0].high, 123.4);
  EXPECT_EQ(columns[1].missing, 3);
  EXPECT_GT(columns[1].low, columns[1].high);
}

TEST(Info, CountsGroups) {
  const TemporaryFolder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 2);
  schema.table.columns = {{.name = "class", .type = ColumnType::integer},
                          {.name = "school", .type = ColumnType::factor, .levels = {"a", "b", "c"}}};
  schema.grouped_by = {"school", "class"};
  TableRows rows = missing_rows(schema.table, 8);
  rows.codes.col(0) << 2, 2, 2, 0, 0, 1, 1, 1;
  rows.integers.col(0) << 1, 1, 5, 5, 5, 5, 6, 6;
  DatasetWriter writer(folder / "data.h5", schema);
  writer.append(rows);
  EXPECT_EQ(writer.finish().num_blocks(), 3);  // so that groups reach over more than one
  const FileInfo found = info(folder / "data.h5");
  const std::vector<GroupingInfo>& levels = std::get<DatasetInfo>(found.what).grouped_by;
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].name, "school");
  EXPECT_EQ(levels[0].groups, 3);
  EXPECT_EQ(levels[1].name, "class");
  EXPECT_EQ(levels[1].groups, 5);
}

TEST(Info, TellsAResultAndACheckpointOfARun) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_rows(300, 2));
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
  test::write_example(folder / "data.h5", 150, false);
  std::string bytes = contents(folder / "data.h5");
  const TableRows rows = test::example_rows(0, 150);
  const auto* values = std::get<TableRows::RowMajor<double>>(rows.numbers).data();
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(values + 2), 32));
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
