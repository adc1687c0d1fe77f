#include "problem/groups_together.hpp"

#include <gmock/gmock.h>

#include <tuple>
#include <utility>

#include "run/error_of.hpp"
#include "run/small_fit.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Rooms one after the other: the school, a number, and the room in it.
using Rooms = std::vector<std::pair<std::int64_t, std::int32_t>>;

/// Four rows of each room; blocks end after so many rooms. Said to be grouped, whatever it holds.
void write_rooms(const std::filesystem::path& path, const Rooms& rooms, const std::vector<Index>& ends,
                 const std::vector<std::string>& grouped_by = {"school", "room"}) {
  DatasetSchema schema;
  schema.blocks = Blocks::of_equal(100, 100);
  schema.single = false;
  schema.source = "t.csv";
  schema.has_line = true;
  schema.table.columns = {
      {"school", ColumnType::integer}, {"room", ColumnType::factor, {"front", "back"}}, {"x"}, {"y"}};
  schema.grouped_by = grouped_by;
  TableRows table = missing_rows(schema.table, 4 * std::ssize(rooms));
  auto& numbers = std::get<TableRows::RowMajor<double>>(table.numbers);
  std::vector<std::int64_t> lines;
  for (Index i = 0; i < table.num_rows; ++i) {
    std::tie(table.integers(i, 0), table.codes(i, 0)) = rooms[static_cast<std::size_t>(i / 4)];
    numbers(i, 0) = static_cast<double>(i % 5);
    numbers(i, 1) = static_cast<double>(i * i % 7);
    lines.push_back(100 + i);
  }
  DatasetWriter writer(path, schema);
  Index first = 0;
  for (const Index end : ends) {
    writer.append(table.some(4 * first, 4 * (end - first)),
                  {lines.begin() + 4 * first, lines.begin() + 4 * end});
    writer.end_block();
    first = end;
  }
  writer.finish();
}

class GroupsTogether : public testing::Test {
 protected:
  std::string loading(const std::string& formula, const Communicator& comm = Communicator::self(),
                      const std::string& file = "") const {
    std::vector<std::string> overrides{"model.formula=" + formula};
    if (!file.empty()) overrides.push_back("data.file=" + file);
    const Config config = small_config(folder, overrides);
    const Error error = error_of([&] {
      load_built_in(comm, config);
      throw Error(Fault::data, "accepted");
    });
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    return error.what();
  }

  TemporaryFolder folder;
};

using GroupsTogetherMpi = GroupsTogether;

TEST_F(GroupsTogether, AreTaken) {
  write_rooms(folder / "data.h5", {{7, 0}, {7, 1}, {2, 1}, {2, 0}, {3, 0}}, {2, 4, 5});
  for (const char* formula :
       {"y ~ (1 | school)", "y ~ (1 | school:room)", "y ~ (1 | room:school)", "y ~ (1 | school/room)"}) {
    EXPECT_EQ(loading(formula), "accepted") << formula;
  }
}

TEST_F(GroupsTogether, AreAskedForByTheColumnsOfTheImport) {
  const Rooms rooms{{7, 0}, {7, 1}, {2, 1}, {2, 0}};
  const auto expect = [&](const std::vector<std::string>& grouped_by, const std::string& formula,
                          const std::string& line) {
    write_rooms(folder / "data.h5", rooms, {4}, grouped_by);
    EXPECT_THAT(loading(formula), HasSubstr(line)) << formula;
  };
  expect({}, "y ~ (1 | school)",
         "data.h5: the rows of each of the groups school must stand together, and the dataset's are in any "
         "order: import the table again with vfe import --group school");
  expect({"room"}, "y ~ (1 | school)", "the dataset's are by room: import the table again with");
  expect({"school"}, "y ~ (1 | school/room)", "vfe import --group school/room");
  expect({"room", "school"}, "y ~ (1 | school/room)", "vfe import --group school/room");
  expect({"room", "school"}, "y ~ (1 | room:school) + (1 | school)", "vfe import --group school/room");
  expect({"room", "school"}, "y ~ (1 | school)", "the dataset's are by room/school");
}

TEST_F(GroupsTogether, InTwoPlacesOfABlockAreRefused) {
  write_rooms(folder / "data.h5", {{7, 0}, {-2, 0}, {7, 1}, {-2, 1}}, {4});
  EXPECT_THAT(loading("y ~ (1 | school)"),
              AllOf(HasSubstr("data.h5: rows of the group 7 of school begin at row 0 (line 100 of t.csv) and "
                              "again at row 8 (line 108 of t.csv), expected them together and in one block"),
                    HasSubstr("import the table again with vfe import --group school")));
}

TEST_F(GroupsTogether, InTwoBlocksAreRefused) {
  write_rooms(folder / "data.h5", {{7, 0}, {-2, 0}, {-2, 1}}, {2, 3});
  EXPECT_THAT(loading("y ~ (1 | school)"),
              HasSubstr("group -2 of school begin at row 4 (line 104 of t.csv) and again at row 8 "));
  EXPECT_EQ(loading("y ~ (1 | school:room)"), "accepted");
  // Far apart.
  write_rooms(folder / "data.h5", {{7, 0}, {-2, 0}, {3, 0}, {7, 1}}, {1, 2, 3, 4});
  EXPECT_THAT(loading("y ~ (1 | school)"),
              HasSubstr("group 7 of school begin at row 0 (line 100 of t.csv) and "
                        "again at row 12 "));
  // The levels of a factor, in the last of three runs.
  write_rooms(folder / "data.h5", {{1, 0}, {1, 1}, {1, 0}}, {1, 2, 3}, {"room"});
  EXPECT_THAT(loading("y ~ (1 | room)"), HasSubstr("group front of room begin at row 0 "));
}

TEST_F(GroupsTogether, OuterGroupsAreRefusedToo) {
  write_rooms(folder / "data.h5", {{7, 0}, {2, 1}, {7, 1}, {2, 0}}, {4});
  EXPECT_EQ(loading("y ~ (1 | school:room)"), "accepted");
  EXPECT_THAT(loading("y ~ (1 | school/room)"),
              AllOf(HasSubstr("group 7 of school begin at row 0 "), HasSubstr("again at row 8 "),
                    HasSubstr("--group school/room")));
  write_rooms(folder / "data.h5", {{7, 0}, {7, 1}, {7, 0}, {2, 0}}, {4});
  EXPECT_THAT(loading("y ~ (1 | school/room)"), HasSubstr("group 7:front of school:room begin at row 0 "));
}

TEST_F(GroupsTogetherMpi, InTheShardsOfTwoRanksAreRefused) {
  const Communicator world = Communicator::world();
  const std::string shared = world.broadcast((folder / "data.h5").string());
  const auto expect = [&](const Rooms& rooms, const std::string& line) {
    world.barrier();
    if (world.is_root()) write_rooms(shared, rooms, {1, 2, 3, 4});
    world.barrier();
    EXPECT_THAT(loading("y ~ (1 | school)", world, shared), HasSubstr(line));
  };
  expect({{7, 0}, {2, 0}, {3, 0}, {4, 0}}, "accepted");
  expect({{7, 0}, {2, 0}, {2, 1}, {4, 0}},
         "group 2 of school begin at row 4 (line 104 of t.csv) and again at row 8 ");
  expect({{7, 0}, {2, 0}, {3, 0}, {7, 1}},
         "group 7 of school begin at row 0 (line 100 of t.csv) and again at row 12 ");
  world.barrier();
}

}  // namespace
}  // namespace vfe
