#include "vfe/commands/saved_fit.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "run/error_of.hpp"
#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/state.hpp"
#include "vfe/run/result_attributes.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SavedFitTest : public testing::Test {
 protected:
  SavedFitTest() { write_dataset(folder / "data.h5", small_rows(300, 2)); }

  /// The file of a finished fit, after `change`, somewhere else.
  std::filesystem::path changed(const std::function<void(ResultFile&)>& change) const {
    ResultFile file = read_result(folder / "run" / "result.h5");
    change(file);
    write_result(folder / "changed.h5", file);
    return folder / "changed.h5";
  }

  TemporaryFolder folder;
};

TEST_F(SavedFitTest, IsWhatTheFitFound) {
  const RunOutcome outcome = run_fit(small_config(folder));
  std::filesystem::remove(folder / "data.h5");
  const SavedFit fit = read_saved_fit(folder / "run", WithDraws::yes);
  EXPECT_EQ(fit.config.family.type, "full_rank");
  EXPECT_EQ(fit.family->name(), "full_rank");
  EXPECT_EQ(fit.family->size(), fit.parameters.size());
  EXPECT_EQ(fit.lambda.size(), fit.family->num_lambda());
  EXPECT_EQ(hexadecimal(hash(fit.lambda)), std::get<std::string>(fit.file.attributes.at("lambda_hash")));
  ASSERT_TRUE(fit.table);
  EXPECT_EQ(fit.table->table.size(), 3);
  ASSERT_TRUE(fit.design);
  EXPECT_EQ(fit.design->num_columns(), 2);
  EXPECT_EQ(fit.verdict.grade, outcome.fit.verdict.grade);
  EXPECT_EQ(fit.verdict.reason, outcome.fit.verdict.reason);
  EXPECT_EQ(fit.verdict.free_energy, outcome.fit.verdict.free_energy);
  EXPECT_EQ(fit.file.variable("posterior", "beta").values.size(), 1000U);
  // The file alone, without its draws, says the same.
  const SavedFit alone = read_saved_fit(folder / "run" / "result.h5", WithDraws::no);
  EXPECT_EQ(alone.lambda, fit.lambda);
  EXPECT_TRUE(alone.file.groups.empty());
}

TEST_F(SavedFitTest, SaysWhatIsMissingOrDamaged) {
  std::filesystem::create_directory(folder / "empty");
  const Error unfinished = error_of([&] { read_saved_fit(folder / "empty", WithDraws::no); });
  EXPECT_EQ(unfinished.fault(), Fault::missing);
  EXPECT_THAT(unfinished.what(), AllOf(HasSubstr("empty"), HasSubstr("--resume")));

  run_fit(small_config(folder));
  const auto complaint = [&](const std::function<void(ResultFile&)>& change) {
    const auto path = changed(change);
    const Error error = error_of([&] { read_saved_fit(path, WithDraws::no); });
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("changed.h5: "));
    return std::string(error.what());
  };
  EXPECT_THAT(complaint([](ResultFile& f) { f.texts.erase("config"); }), HasSubstr("/vfe/config is missing"));
  EXPECT_THAT(complaint([](ResultFile& f) { f.arrays.erase("lambda"); }), HasSubstr("/vfe/lambda: expected"));
  EXPECT_THAT(complaint([](ResultFile& f) { f.arrays["lambda"] = Matrix::Zero(3, 1); }),
              HasSubstr("/vfe/lambda: expected"));
  EXPECT_THAT(complaint([](ResultFile& f) { f.attributes.erase("khat"); }),
              HasSubstr("khat of /vfe: is missing"));
  EXPECT_THAT(complaint([](ResultFile& f) { f.attributes["khat"] = std::string("0.3"); }),
              HasSubstr("khat of /vfe: is of another type"));
}

}  // namespace
}  // namespace vfe
