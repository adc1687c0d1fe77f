#include "vfe/store/stored_kind.hpp"

#include <gmock/gmock.h>

#include "store/folder.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(StoredKind, IsWhatTheFileSaysWhateverItsName) {
  const test::Folder folder;
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(0, 4);
  schema.table.columns = {{"x"}};
  DatasetWriter writer(folder / "data.h5", schema);
  writer.append(missing_rows(schema.table, 1));
  writer.finish();
  write_result(folder / "result.h5", {});
  write_checkpoint(folder.path(), {.state = {.step = 3}});
  std::filesystem::copy_file(folder / "checkpoint.3.h5", folder / "kept.h5");
  EXPECT_EQ(stored_kind(folder / "data.h5"), StoredKind::dataset);
  EXPECT_EQ(stored_kind(folder / "result.h5"), StoredKind::result);
  EXPECT_EQ(stored_kind(folder / "checkpoint.3.h5"), StoredKind::checkpoint);
  EXPECT_EQ(stored_kind(folder / "kept.h5"), StoredKind::checkpoint);
  // One that has lost its seal is still what it was meant to be.
  const std::string whole = read_file(folder / "result.h5");
  test::overwrite(folder / "result.h5", whole.substr(0, whole.size() - 24));
  EXPECT_EQ(stored_kind(folder / "result.h5"), StoredKind::result);
}

TEST(StoredKind, WhatItCannotTellItSays) {
  const test::Folder folder;
  test::error_line(Fault::missing, [&] { stored_kind(folder / "absent"); });
  test::overwrite(folder / "text", "a,b\n1,2\n");
  EXPECT_THAT(test::error_line(Fault::data, [&] { stored_kind(folder / "text"); }),
              HasSubstr("not an HDF5 file"));
  // A seal that is not right: HDF5 does not see the file.
  write_result(folder / "result.h5", {});
  test::flip_bit(folder / "result.h5", 100);
  EXPECT_THAT(test::error_line(Fault::data, [&] { stored_kind(folder / "result.h5"); }),
              HasSubstr("is damaged"));
}

}  // namespace
}  // namespace vfe
