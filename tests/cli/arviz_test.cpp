// A result in the hands of those who open it with ArviZ.
#include <gmock/gmock.h>

#include "cli/program.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

/// By the folder of the environment, what version begins with.
class PythonArviz : public testing::TestWithParam<std::pair<std::string, std::string>> {
 protected:
  /// Fits data.h5.
  void check(const std::string& model) {
    put_config(folder.path(), model);
    const Finished fitted =
        vfe_run(folder.path(),
                "fit fit.toml --quiet --set output.draws=2000 --set output.log_likelihood=true --set "
                "output.log_prior=true --set output.posterior_predictive=true",
                2);
    ASSERT_EQ(fitted.code, 0) << fitted.out << fitted.err;
    const auto& [environment, version] = GetParam();
    const Finished checked =
        Job(folder.path(), "exec " VFE_BINARY_DIR "/" + environment +
                               "/bin/python " VFE_SOURCE_DIR "/tests/cli/arviz_check.py run/result.h5 " +
                               version)
            .wait();
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("plots"));
  }

  TemporaryFolder folder;
};

TEST_P(PythonArviz, SummarisesAndDrawsARegression) {
  std::string csv = "dose,sex,y\n";
  for (int i = 0; i < 300; ++i) {
    const double dose = 5.0 + 0.1 * (i % 37), noise = 0.01 * ((i * 7919) % 101 - 50);
    csv += std::to_string(dose) + "," + (i % 3 == 0 ? "female" : "male") + "," +
           std::to_string(2.0 + 3.0 * dose + (i % 3 == 0 ? -1.0 : 0.0) + noise) + "\n";
  }
  put(folder / "trial.csv", csv);
  const Finished imported = vfe_run(folder.path(), "import trial.csv -o data.h5 --quiet");
  ASSERT_EQ(imported.code, 0) << imported.err;
  check("linear");
}

TEST_P(PythonArviz, SummarisesAndDrawsCounts) {
  const Finished simulated = vfe_run(folder.path(), "simulate poisson -o data.h5 --rows 300 --columns 3");
  ASSERT_EQ(simulated.code, 0) << simulated.err;
  check("poisson");
}

INSTANTIATE_TEST_SUITE_P(PythonVersions, PythonArviz,
                         testing::Values(std::pair("venv", "0.23"), std::pair("arviz", "1.")),
                         [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace vfe
