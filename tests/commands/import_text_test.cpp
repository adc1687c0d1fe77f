#include "vfe/commands/import_text.hpp"

#include <gmock/gmock.h>

#include "run/small_fit.hpp"
#include "vfe/commands/predict.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct ImportText : testing::Test {
  std::string text_of(const std::string& csv) {
    put(folder / "data.csv", csv);
    options.input = folder / "data.csv";
    options.output = folder / "data.h5";
    options.response = "y";
    options.quiet = true;
    return import_text(import_csv(options), options);
  }

  TemporaryFolder folder;
  ImportOptions options;
};

using FaultsA6ImportText = ImportText;

/// Rows whose class follows from x, shifted; classes are numbers.
std::string class_csv(const std::vector<int>& classes) {
  std::string csv = "x,y\n";
  for (int i = 0; i < 240; ++i) {
    const double x = 0.1 * (i % 41) - 2.0;
    const int k = (x > 0.5 ? 2 : x > -0.7 ? 1 : 0);
    csv += std::to_string(x) + "," +
           std::to_string(classes[static_cast<std::size_t>(i % 5 == 0 ? i % 3 : k)]) + "\n";
  }
  return csv;
}

TEST_F(FaultsA6ImportText, SaysWhatClassesNumbersWouldBe) {
  EXPECT_THAT(text_of(class_csv({1, 2, 5})),
              HasSubstr("response y: 3 different whole numbers, 1, 2, 5; a softmax"));
  EXPECT_THAT(text_of("x,y\n1,0\n2,1\n3,1\n"), Not(HasSubstr("softmax")));
  EXPECT_THAT(text_of("x,y\n1,0.5\n2,1\n3,1\n"), Not(HasSubstr("softmax")));
}

TEST_F(FaultsA6ImportText, ClassesOfAnyNumbersFitAndPredictAlike) {
  // The same rows with classes 0, 1, 2 and with a gap: the same fit and the same scores.
  std::vector<PredictReport> reports;
  for (const std::vector<int>& classes : {std::vector<int>{0, 1, 2}, std::vector<int>{1, 2, 5}}) {
    text_of(class_csv(classes));
    run_fit(small_config(folder, {"model.type=softmax"}), Existing::overwrite);
    reports.push_back(
        predict(Communicator::self(), {folder / "run", folder / "data.h5", folder / "p.h5", 200, {}}));
  }
  EXPECT_EQ(reports[0].mean_log_density, reports[1].mean_log_density);
  EXPECT_EQ(reports[0].accuracy, reports[1].accuracy);
  EXPECT_EQ(reports[0].brier, reports[1].brier);
  EXPECT_GT(*reports[0].accuracy, 0.6);
  const ResultFile file = read_result(folder / "p.h5");
  EXPECT_EQ(file.variable("predictions", "probability").dimensions.back().labels,
            (std::vector<std::string>{"1", "2", "5"}));
}

TEST_F(ImportText, FaultsDOneIsNotSeveral) {
  EXPECT_THAT(text_of("x,y\n1,0.5\n2,1\n3,1\n"), HasSubstr("3 rows, 1 column, 1 block of "));
}

TEST_F(ImportText, FaultsC11LongLevelsAreCut) {
  const std::string level(100000, 'x');
  const std::string text = text_of("x,y\n1," + level + "\n2,b\n3," + level + "\n");
  EXPECT_LT(text.size(), 1000u);
  EXPECT_THAT(text, HasSubstr("(100000 bytes)"));
}

}  // namespace
}  // namespace vfe
