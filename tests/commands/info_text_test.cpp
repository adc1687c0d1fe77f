#include "vfe/commands/info_text.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "vfe/commands/diagnosis_text.hpp"
#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

FileInfo a_dataset() {
  DatasetInfo found{.rows = 1, .blocks = 2, .block_rows = 64, .single = true};
  found.columns = {{.name = "age", .missing = 1, .low = 1.5, .high = 1700000001.0},
                   {.name = "colour", .type = ColumnType::factor, .levels = {"red", "blue"}, .missing = 2},
                   {.name = "n", .type = ColumnType::integer, .low = -1.0, .high = 1.0},
                   {.name = "fp", .type = ColumnType::matrix, .width = 2048, .low = 0.0, .high = 0.125},
                   {.name = "nothing", .missing = 9}};
  found.grouped_by = {{"colour", 2}, {"n", 1}};
  found.content = "00000000000000ff";
  found.made_by = "vfe 0 import";
  return {"data.h5", StoredKind::dataset, found};
}

TEST(InfoText, SaysWhatTheFileIsAndWhatItHolds) {
  EXPECT_EQ(to_text(a_dataset()),
            "dataset: data.h5\n"
            "1 row in 2 blocks of up to 64 rows, stored in single precision\n"
            "5 columns\n"
            "  age: numbers, 1.5 to 1700000001; 1 missing\n"
            "  colour: 2 levels: red, blue; 2 missing\n"
            "  n: integers, -1 to 1\n"
            "  fp: matrix of 2048 numbers, 0 to 0.125\n"
            "  nothing: numbers; 9 missing\n"
            "grouped by: colour (2 groups), n (1 group)\n"
            "content hash: 00000000000000ff, the file has none to check it by\n"
            "made by: vfe 0 import\n");
  CheckpointInfo checkpoint{
      .step = 12, .stage = "chains", .fit = {"linear", "auto", "synchronous", "data.h5"}};
  checkpoint.counters["gradients"] = 1e6;
  const std::string text = to_text(FileInfo{"c.h5", StoredKind::checkpoint, checkpoint});
  EXPECT_THAT(text, HasSubstr("checkpoint: c.h5\nstep 12, in stage chains\n"
                              "fit: linear, family auto, synchronous, data data.h5\n"));
  EXPECT_THAT(text, HasSubstr("gradients: 1000000\n"));
  ResultInfo result;
  result.parameters = {{"sigma", {}}, {"beta", {{"predictor", 2}}}};
  EXPECT_THAT(to_text(FileInfo{"r.h5", StoredKind::result, result}),
              testing::AllOf(HasSubstr("result: r.h5\nnot usable: "), HasSubstr("rejected: "),
                             HasSubstr("parameters: sigma, beta (predictor 2)\n")));
}

TEST(InfoText, KeepsWithinItsColumnsAndSteersNothing) {
  FileInfo info = a_dataset();
  auto& dataset = std::get<DatasetInfo>(info.what);
  dataset.columns[0].name = std::string(300, 'x');
  dataset.columns[1].levels.assign(1000, "a level with \x1b[2J in it");
  const std::string text = to_text(info);
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) EXPECT_LE(num_columns(line), text_columns) << line;
  EXPECT_THAT(text, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("950 more"));
}

TEST(InfoText, IsTheSameForScripts) {
  FileInfo info = a_dataset();
  info.file = "\xff.h5";
  std::get<DatasetInfo>(info.what).columns[1].levels.push_back("\xfe");
  const nlohmann::json json = nlohmann::json::parse(to_json(info));
  EXPECT_EQ(json["kind"], "dataset");
  EXPECT_EQ(json["file"], "\\xff.h5");
  EXPECT_EQ(json["columns"][0]["type"], "number");
  EXPECT_EQ(json["columns"][0]["high"], 1700000001.0);
  EXPECT_EQ(json["columns"][0]["missing"], 1);
  EXPECT_EQ(json["columns"][1]["type"], "factor");
  EXPECT_EQ(json["columns"][1]["levels"].size(), 3u);
  EXPECT_EQ(json["columns"][2]["type"], "integer");
  EXPECT_EQ(json["columns"][3]["width"], 2048);
  EXPECT_FALSE(json["columns"][4].contains("low"));
  EXPECT_EQ(json["grouped_by"][0]["name"], "colour");
  EXPECT_EQ(json["grouped_by"][0]["groups"], 2);
  EXPECT_EQ(json["content_checked"], false);
  const nlohmann::json result =
      nlohmann::json::parse(to_json(FileInfo{"r", StoredKind::result, ResultInfo{}}));
  EXPECT_EQ(result["verdict"], "rejected");
  const nlohmann::json checkpoint =
      nlohmann::json::parse(to_json(FileInfo{"c", StoredKind::checkpoint, CheckpointInfo{.step = 7}}));
  EXPECT_EQ(checkpoint["step"], 7);
}

}  // namespace
}  // namespace vfe
