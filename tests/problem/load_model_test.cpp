#include "vfe/problem/load_model.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(ShardOfFile, NotesEachBlockOnce) {
  const TemporaryFolder folder;
  const Rows rows = small_rows(300, 2);
  write_dataset(folder / "data.h5", small_schema(2), rows);
  const Communicator comm = Communicator::self();
  ShardOfFile shard(comm, (folder / "data.h5").string());
  ASSERT_EQ(shard.blocks().num_blocks(), 5);
  shard.read({0, 1});
  shard.read({0, 1});
  shard.read({1, 5});
  shard.read({2, 3});
  EXPECT_EQ(shard.hash(comm), shard.schema().content);
  EXPECT_EQ(shard.rows_of_weight(), 300);
  EXPECT_EQ(shard.read({4, 5}).y, rows.y.tail(44));
  EXPECT_EQ(shard.read({4, 5}).first_row, 256);
  EXPECT_EQ(shard.take_response(), rows.y);
}

TEST(ShardOfFile, KnowsAnotherContentThanTheFileSays) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_schema(2), small_rows(300, 2));
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
  const Schema schema = small_schema(2);
  ASSERT_TRUE(built_in_model(config, no_rows(schema)));
  EXPECT_EQ(built_in_model(config, no_rows(schema))->parameters().size(), 3);
  for (const char* other : {"stan", "plugin", "function"}) {
    config.model.type = other;
    EXPECT_FALSE(built_in_model(config, no_rows(schema))) << other;
  }
}

}  // namespace
}  // namespace vfe
