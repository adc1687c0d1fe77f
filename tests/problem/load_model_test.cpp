#include "vfe/problem/load_model.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(ShardOfFile, NotesEachBlockOnce) {
  const TemporaryFolder folder;
  const SmallTable rows = small_rows(300, 2);
  write_dataset(folder / "data.h5", rows);
  const Communicator comm = Communicator::self();
  ShardOfFile shard(comm, (folder / "data.h5").string());
  ASSERT_EQ(shard.blocks().num_blocks(), 5);
  shard.read({0, 1});
  shard.read({0, 1});
  shard.read({1, 5});
  shard.read({2, 3});
  EXPECT_EQ(shard.hash(comm), shard.schema().content);
  Vector y(44);
  shard.read({4, 5}).read_number(2, y);
  EXPECT_EQ(y, rows.y.tail(44));
  EXPECT_EQ(shard.read({4, 5}).first_row, 256);
}

TEST(ShardOfFile, KnowsAnotherContentThanTheFileSays) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_rows(300, 2));
  const Communicator comm = Communicator::self();
  const ShardOfFile shard(comm, (folder / "data.h5").string());
  shard.read({0, 4});  // a block is missing
  try {
    shard.hash(comm);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("the file was changed or damaged after it was written"));
  }
}

TEST(BuiltInModel, IsWhatTheConfigurationNames) {
  Config config;
  config.model.type = "logistic";
  DesignSchema schema;
  schema.columns = {{.name = "a"}, {.name = "b"}};
  ASSERT_TRUE(built_in_model(config, no_rows(schema)));
  EXPECT_EQ(built_in_model(config, no_rows(schema))->parameters().size(), 3);
  schema.has_intercept = false;
  EXPECT_EQ(built_in_model(config, no_rows(schema))->parameters().size(), 2);
  for (const char* other : {"stan", "plugin", "function"}) {
    config.model.type = other;
    EXPECT_FALSE(built_in_model(config, no_rows(schema))) << other;
  }
}

TEST(Plugin, HasNoEffectsOfGroups) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(100, 2);
  rows.x.col(1).setLinSpaced(1.0, 100.0);
  write_dataset(folder / "data.h5", rows);
  const std::string library = (folder / "data.h5").string();  // a file, never opened as what it is not
  Config config = small_config(folder);
  config.model.type = "plugin";
  config.model.library = library;
  config.model.formula = "y ~ x1 + (x1 | x2)";
  try {
    load_plugin(Communicator::self(), config);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_STREQ(
        error.what(),
        "while loading the model: plugin model: no group effects, but \"y ~ x1 + (x1 | x2)\" has those "
        "of x2");
  }
}

/// The line of the error that loading data.h5 ends with.
std::string refusal(const TemporaryFolder& folder, const std::vector<std::string>& overrides = {}) {
  try {
    load_built_in(Communicator::self(), small_config(folder, overrides));
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.what();
  }
  return "accepted";
}

TEST(FaultsA2BuiltIn, AResponseOfTextIsNoNumber) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(3, 2);
  rows.y << 1.0, 0.0, 2.0;
  rows.levels = {"$100.22", "$7.00", "$8.50"};
  rows.source = "prices.csv";
  rows.lines = {4, 2, 3};
  write_dataset(folder / "data.h5", rows);
  for (const std::string type : {"linear", "student_t", "poisson", "negative_binomial"}) {
    EXPECT_THAT(
        refusal(folder, {"model.type=" + type}),
        testing::AllOf(HasSubstr("row 0 (line 4 of prices.csv)"), HasSubstr("response \"y\" is \"$7.00\""),
                       HasSubstr("one of 3 levels, expected a "), HasSubstr(type)));
  }
  EXPECT_EQ(refusal(folder, {"model.type=softmax"}), "accepted");
  EXPECT_THAT(refusal(folder, {"model.type=logistic"}), HasSubstr("names 3 levels, expected two"));
}

TEST(FaultsDBuiltIn, AConstantResponseIsRefused) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(100, 2);
  rows.y.setConstant(5.0);
  write_dataset(folder / "data.h5", rows);
  EXPECT_THAT(refusal(folder), HasSubstr("response \"y\" is 5 in every row"));
  EXPECT_EQ(refusal(folder, {"model.known_sigma=1"}), "accepted");
  EXPECT_EQ(refusal(folder, {"model.type=poisson"}), "accepted");
}

TEST(FaultsDBuiltIn, OffsetsThatAreNoLogarithmsAreRefused) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(100, 2);
  rows.y.setConstant(3.0);
  rows.offset = Vector::LinSpaced(100, 3.0, 3582.0);
  write_dataset(folder / "data.h5", rows);
  EXPECT_THAT(refusal(folder, {"model.type=poisson", "model.formula=y ~ x1 + offset(o)"}),
              testing::AllOf(HasSubstr("offsets reach 3582"), HasSubstr("write offset(log(...))")));
  EXPECT_EQ(refusal(folder, {"model.type=poisson", "model.formula=y ~ x1 + offset(log(o))"}), "accepted");
}

TEST(FaultsA8BuiltIn, ARawResponseFarFromTheUnitsOfPriorsIsStandardised) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(200, 2);
  rows.y = 250000.0 + 22539.0 * rows.y.array();
  write_dataset(folder / "data.h5", rows);
  const LoadedModel loaded = load_built_in(Communicator::self(), small_config(folder));
  EXPECT_NEAR(loaded.design->response_centre, rows.y.mean(), 1e-6);
  EXPECT_NEAR(loaded.design->response_scale,
              std::sqrt((rows.y.array() - rows.y.mean()).square().sum() / 199.0), 1e-6);
}

TEST(BuiltInModel, SaysWhatTheRowsDoNotTell) {
  const TemporaryFolder folder;
  SmallTable rows = small_rows(50, 2);
  rows.x.col(1).setConstant(3.0);
  write_dataset(folder / "data.h5", rows);
  EXPECT_THAT(load_built_in(Communicator::self(), small_config(folder)).notes,
              testing::ElementsAre(HasSubstr("the same in every row")));
}

}  // namespace
}  // namespace vfe
