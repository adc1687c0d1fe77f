#include "vfe/problem/problem.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

class ProblemTest : public testing::Test {
 protected:
  Config config(const std::vector<std::string>& overrides = {}) const {
    return small_config(folder, overrides);
  }
  Problem problem(const std::vector<std::string>& overrides = {}) const {
    return Problem(Communicator::self(), config(overrides));
  }
  void expect_data_error(const std::string& text) const {
    try {
      problem({"model.formula=y | weights(w) ~ x1 + x2"});
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  }

  TemporaryFolder folder;
};

TEST_F(ProblemTest, HoldsTheRowsOfTheFile) {
  const SmallTable rows = small_rows(300, 2);
  write_dataset(folder / "data.h5", rows);
  const Problem loaded = problem();
  EXPECT_EQ(loaded.response(), rows.y);
  EXPECT_EQ(loaded.target().num_rows(), 300);
  EXPECT_EQ(loaded.data_hash(), Dataset(folder / "data.h5").schema().content);
}

TEST_F(ProblemTest, EveryKindOfModelHasALoader) {
  Config any = config();
  any.data.file = any.model.library = folder / "nothing";
  for (const ModelKind& kind : model_kinds()) {
    SCOPED_TRACE(kind.name);
    any.model.type = kind.name;
    EXPECT_THROW(Problem(Communicator::self(), any),
                 Error);  // there is no such file, but a way to look for it
  }
  any.model.type = "logit";
  EXPECT_THROW(Problem(Communicator::self(), any), Error);
}

TEST_F(ProblemTest, HashesTellModelsAndDataApart) {
  write_dataset(folder / "data.h5", small_rows(300, 2));
  const std::uint64_t data = problem().data_hash(), model = problem().model_hash();
  EXPECT_EQ(problem({"fit.seed=2", "family.type=mean_field"}).model_hash(), model);
  EXPECT_NE(problem({"model.prior_scale=1"}).model_hash(), model);
  write_dataset(folder / "data.h5", small_rows(299, 2));
  EXPECT_NE(problem().data_hash(), data);
}

TEST_F(ProblemTest, WeightsThatAreAllZeroLeaveNothingToFit) {
  SmallTable rows = small_rows(50, 2);
  rows.weight = Vector::Zero(50);
  write_dataset(folder / "data.h5", rows);
  expect_data_error("the weights of all 50 rows are 0");
  rows.weight[7] = -1.0;
  write_dataset(folder / "data.h5", rows);
  expect_data_error("row 7");
}

}  // namespace
}  // namespace vfe
