// Posteriors with known moments, through the whole program: built from source, fitted, and held against the
// reference draws of posteriordb. What differs from them must have been rejected by the verdict.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/program.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Comparison {
  std::string verdict;
  double worst_mean = 0.0;                          ///< |mean - reference| in reference sds
  double smallest_sd = INFINITY, largest_sd = 0.0;  ///< sd over reference sd
  bool agrees() const { return worst_mean < 0.1 && smallest_sd > 0.95 && largest_sd < 1.05; }
};

/// Fits tests/stan/<name> with the httpstan that the environment's python3 has.
Comparison fit_and_compare(const std::string& name) {
  const fs::path source = fs::path(VFE_SOURCE_DIR) / "tests/stan" / name;
  TemporaryFolder folder;
  put(folder / "fit.toml",
      "[model]\ntype = \"stan\"\nsource = \"" + (source / "model.stan").string() +
          "\"\nlibrary = \"" VFE_BINARY_DIR "/stan_programs/" + name + ".so\"\ndata = \"" +
          (source / "data.json").string() +
          "\"\n[family]\ntype = \"full_rank\"\n[output]\ndirectory = \"run\"\ndraws = 10000\n");
  const std::string path = "PATH=" VFE_BINARY_DIR "/stan/bin:$PATH ";
  const Finished fit = Job(folder.path(), path + "exec " VFE_PROGRAM " fit fit.toml").wait();
  EXPECT_EQ(fit.code, 0) << fit.err;
  const json found = json::parse(vfe_run(folder.path(), "diagnose run --json").out);
  const json reference = json::parse(contents(source / "reference.json"));

  Comparison comparison;
  comparison.verdict = found["verdict"];
  std::size_t compared = 0;
  for (const json& coefficient : found["coefficients"]) {
    const auto known = reference["parameters"].find(coefficient["name"].get<std::string>());
    if (known == reference["parameters"].end()) continue;  // posteriordb leaves some out
    ++compared;
    const double sd = (*known)["sd"], mean = (*known)["mean"];
    const double ratio = coefficient["sd"].get<double>() / sd;
    comparison.worst_mean =
        std::max(comparison.worst_mean, std::abs(coefficient["mean"].get<double>() - mean) / sd);
    comparison.smallest_sd = std::min(comparison.smallest_sd, ratio);
    comparison.largest_sd = std::max(comparison.largest_sd, ratio);
  }
  EXPECT_EQ(compared, reference["parameters"].size());
  return comparison;
}

TEST(StanPosteriorsLong, KidiqIsCertifiedAndRight) {
  const Comparison found = fit_and_compare("kidiq");
  EXPECT_EQ(found.verdict, "certified");
  EXPECT_LT(found.worst_mean, 0.1);
  EXPECT_GT(found.smallest_sd, 0.95);
  EXPECT_LT(found.largest_sd, 1.05);
}

// Skewed: a Gaussian need not reach the reference, but where it does not, the verdict must say so.
TEST(StanPosteriorsLong, GarchIsRightOrRejected) {
  const Comparison found = fit_and_compare("garch");
  EXPECT_TRUE(found.agrees() || found.verdict == "rejected")
      << found.verdict << ", mean off by " << found.worst_mean << ", sd " << found.smallest_sd << " to "
      << found.largest_sd;
  EXPECT_LT(found.worst_mean, 1.0);
}

TEST(StanPosteriorsLong, EightSchoolsIsRightOrRejected) {
  const Comparison found = fit_and_compare("eight_schools");
  EXPECT_TRUE(found.agrees() || found.verdict == "rejected")
      << found.verdict << ", mean off by " << found.worst_mean << ", sd " << found.smallest_sd << " to "
      << found.largest_sd;
  EXPECT_LT(found.worst_mean, 1.0);
}

}  // namespace
}  // namespace vfe
