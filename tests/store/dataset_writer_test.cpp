#include <gmock/gmock.h>

#include <functional>

#include "store/folder.hpp"
#include "store/hdf5.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

Schema two_columns() {
  Schema schema;
  schema.blocks = Blocks::of_equal(0, 32);
  schema.columns = {{"age", "age", "", "", 0.0, 1.0}, {"sex[m]", "sex", "m", "f", 0.0, 1.0}};
  schema.response = "y";
  schema.single = false;
  return schema;
}

void write_rows(const std::filesystem::path& path, const Schema& schema) {
  DatasetWriter writer(path, schema);
  Rows rows;
  rows.x = Rows::RowMajor<double>::Zero(3, 2).eval();
  rows.y = Vector::LinSpaced(3, 1.0, 3.0);
  writer.append(rows);
  writer.finish();
}

std::string refusal(const std::function<void(Schema&)>& change) {
  const test::Folder folder;
  Schema schema = two_columns();
  change(schema);
  write_rows(folder / "data.h5", schema);
  return test::error_line(Fault::data, [&] { Dataset dataset(folder / "data.h5"); });
}

TEST(DatasetWriter, FaultsA8MomentsAndFaultsA6NumbersComeBack) {
  const test::Folder folder;
  Schema schema = two_columns();
  schema.moments = {{40.0, 12.5}, {0.0, 1.0}};
  schema.response_moments = MeanAndSd{250000.0, 22539.0};
  schema.response_numbers = {1.0, 2.0, 3.0};
  write_rows(folder / "data.h5", schema);
  const Dataset dataset(folder / "data.h5");
  for (const Schema& found : {dataset.schema(), schema_from_json(to_json(dataset.schema()))}) {
    EXPECT_EQ(found.moments, schema.moments);
    EXPECT_EQ(found.response_moments, schema.response_moments);
    EXPECT_EQ(found.response_numbers, schema.response_numbers);
  }
}

TEST(DatasetWriter, FaultsA4TextsThatAreNoUtf8AreRefusedAtOpening) {
  EXPECT_THAT(refusal([](Schema& s) {
                s.columns[0].name =
                    "gr\xf6\xdf"
                    "e";
              }),
              HasSubstr("/columns/name holds \"gr\\xf6\\xdf"
                        "e\" at 0, expected UTF-8"));
  EXPECT_THAT(refusal([](Schema& s) { s.columns[1].reference = "j\xe4"; }),
              HasSubstr("/columns/reference holds"));
  EXPECT_THAT(refusal([](Schema& s) {
                s.response_levels = {"nein", "j\xe4"};
              }),
              HasSubstr("/response_levels holds"));
  EXPECT_THAT(refusal([](Schema& s) { s.source = "d\xe4ta.csv"; }),
              HasSubstr("attribute source is \"d\\xe4ta.csv\""));
}

TEST(DatasetWriter, FaultsA8MomentsThatCannotBeAreRefused) {
  EXPECT_THAT(refusal([](Schema& s) {
                s.moments = {{40.0, 0.0}, {0.0, 1.0}};
              }),
              HasSubstr("column age: mean 40 and sd 0"));
  EXPECT_THAT(refusal([](Schema& s) {
                s.response_moments = MeanAndSd{1.0, -1.0};
              }),
              HasSubstr("the response: mean 1 and sd -1"));
  EXPECT_THAT(refusal([](Schema& s) {
                s.response_numbers = {2.0, 1.0};
              }),
              HasSubstr("/response_numbers holds 1 at 1"));
}

}  // namespace
}  // namespace vfe
