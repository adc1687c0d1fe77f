#include "problem/class_levels.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/problem/load_model.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Rows of classes 1, 3 and 7.
Rows class_rows() {
  Rows rows = small_rows(90, 2);
  for (Index i = 0; i < rows.size(); ++i) rows.y[i] = i % 3 == 0 ? 1.0 : i % 3 == 1 ? 3.0 : 7.0;
  rows.blocks = Blocks::of_equal(90, 64);
  return rows;
}

TEST(FaultsA6ClassLevels, NumbersBecomeLevelsNamedByThem) {
  Schema schema = small_schema(2);
  schema.blocks = Blocks::of_equal(90, 64);
  schema.response_numbers = {1.0, 3.0, 7.0};
  const auto rows = with_class_levels(rows_in_memory(schema, class_rows()));
  EXPECT_THAT(rows->schema().response_levels, ElementsAre("1", "3", "7"));
  const Vector y = rows->read({0, 2}).y;
  EXPECT_EQ(y.head(6), (Vector(6) << 0, 1, 2, 0, 1, 2).finished());
  schema.response_numbers = {1.0, 3.0};
  EXPECT_THROW(with_class_levels(rows_in_memory(schema, class_rows()))->read({0, 1}), RowError);
}

struct Softmax : testing::Test {
  LoadedModel load() {
    return load_built_in(Communicator::self(), small_config(folder, {"model.type=softmax"}));
  }
  std::string failure() {
    try {
      load();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder;
};

using FaultsA6Softmax = Softmax;

TEST_F(FaultsA6Softmax, HasTheClassesThatAreThere) {
  Schema schema = small_schema(2);
  schema.response_numbers = {1.0, 3.0, 7.0};
  write_dataset(folder / "data.h5", schema, class_rows());
  const LoadedModel loaded = load();
  EXPECT_EQ(loaded.model->parameters().list()[0].dimensions[0].labels, (std::vector<std::string>{"3", "7"}));
  EXPECT_THAT(loaded.schema->response_levels, ElementsAre("1", "3", "7"));
  EXPECT_EQ(loaded.response.maxCoeff(), 2.0);
  EXPECT_THAT(loaded.description, HasSubstr("the classes are 1, 3, 7"));
}

TEST_F(FaultsA6Softmax, RefusesClassesWithoutRowsWhereNoneIsNamed) {
  Schema schema = small_schema(2);
  schema.response_classes = 8;
  write_dataset(folder / "data.h5", schema, class_rows());
  EXPECT_THAT(failure(), AllOf(HasSubstr("no row is of class 0"), HasSubstr("/response_numbers")));
}

}  // namespace
}  // namespace vfe
