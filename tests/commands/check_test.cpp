#include "vfe/commands/check.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/data/simulate.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

TEST(Check, PassesEveryModelAndWritesNothing) {
  for (const Likelihood likelihood :
       {Likelihood::linear, Likelihood::student_t, Likelihood::logistic, Likelihood::poisson,
        Likelihood::negative_binomial, Likelihood::softmax}) {
    const TemporaryFolder folder;
    SimulateOptions options;
    options.output = folder / "data.h5";
    options.likelihood = likelihood;
    options.rows = 700;
    options.columns = 3;
    simulate(Communicator::self(), options);
    const Config config = small_config(folder, {"model.type=" + to_string(likelihood)});
    const CheckReport report = check(Communicator::self(), config);
    EXPECT_LT(report.worst, 1.0) << to_string(likelihood);
    EXPECT_GT(report.worst, 0.0) << to_string(likelihood);
    ASSERT_EQ(report.lines.size(), 3U);
    EXPECT_THAT(report.lines[0], HasSubstr("700 rows, 4 columns"));
    EXPECT_THAT(report.lines[1], HasSubstr(to_string(likelihood)));
    EXPECT_FALSE(std::filesystem::exists(folder / "run"));
  }
}

TEST(Check, NamesAPriorOfNoColumn) {
  const TemporaryFolder folder;
  write_dataset(folder / "data.h5", small_rows(100, 2));
  try {
    check(Communicator::self(), small_config(folder, {"model.prior_scale.agee=1"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_THAT(error.what(), HasSubstr("agee"));
  }
}

}  // namespace
}  // namespace vfe
