#include "vfe/commands/diagnosis_text.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Diagnosis a_diagnosis() {
  Diagnosis diagnosis;
  diagnosis.verdict.grade = Grade::certified;
  diagnosis.verdict.reason = "all is well";
  diagnosis.draws_hash = "00000000000000ff";
  diagnosis.stages = {{"polish", {1.5, 200, 20}, "converged"}};
  Coefficient age{.name = "beta[age]", .mean = 0.0251234, .sd = 0.004, .low = 0.0185, .high = 0.0317};
  age.mean_error = 0.0001;
  diagnosis.coefficients = {{.name = "intercept", .mean = 1.0}, age};
  return diagnosis;
}

TEST(DiagnosisText, TellsVerdictStagesAndCoefficients) {
  const std::string text = to_text(a_diagnosis());
  EXPECT_THAT(text, HasSubstr("certified: all is well\n"));
  EXPECT_THAT(text, HasSubstr("\npolish              200       20     1.50  converged\n"));
  // As many digits as its error supports.
  EXPECT_THAT(text, HasSubstr("\nbeta[age]          0.0251    0.0001 "));
}

TEST(DiagnosisText, IsTheSameForScripts) {
  const Diagnosis diagnosis = a_diagnosis();
  const nlohmann::json json = nlohmann::json::parse(to_json(diagnosis));
  EXPECT_EQ(json["verdict"], "certified");
  EXPECT_EQ(json["draws_hash"], "00000000000000ff");
  EXPECT_EQ(json["coefficients"][1]["name"], "beta[age]");
  EXPECT_EQ(json["coefficients"][1]["mean"], diagnosis.coefficients[1].mean);
  EXPECT_TRUE(json["coefficients"][0]["mean_error"].is_null());  // not known
}

TEST(DiagnosisText, AVerdictWithoutEvidenceSaysWhy) {
  Verdict verdict;
  verdict.grade = Grade::corrected;
  verdict.reason = "k-hat is 0.3";
  verdict.free_energy = -12.25;
  verdict.log_evidence = std::numeric_limits<double>::quiet_NaN();
  verdict.evidence_reason = "the weights are too uneven";
  EXPECT_THAT(verdict_text(verdict), AllOf(HasSubstr("corrected: k-hat is 0.3\n"), HasSubstr("-12.250"),
                                           HasSubstr("no log evidence: the weights are too uneven\n")));
}

}  // namespace
}  // namespace vfe
