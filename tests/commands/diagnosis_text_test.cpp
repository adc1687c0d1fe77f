#include "vfe/commands/diagnosis_text.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
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

/// The lines of a text, in order, each not wider than they may be.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    EXPECT_LE(num_columns(line), text_columns) << line;
    lines.push_back(line);
  }
  return lines;
}

TEST(DiagnosisText, TellsUseThenCoefficientsThenStagesThenTheRest) {
  EXPECT_THAT(lines_of(to_text(a_diagnosis())),
              ElementsAre("usable: means, sds, quantiles, predictions and evidence", "",
                          "             mean      +-     sd  +-     5 %    95 %",
                          "intercept       1              0           0       0",
                          // As many digits as its error supports.
                          "beta[age]  0.0251  0.0001  0.004      0.0185  0.0317", "",
                          "stage         gradients    calls  seconds",
                          "polish              200       20     1.50  converged", "",
                          "certified: all is well", "free energy of q 0.000 +- 0 nats",
                          "log evidence 0.000 +- 0 nats", "cost: 0 gradients, 0 calls in sequence, 0.0 s"));
}

GroupingDiagnosis a_grouping() {
  GroupingDiagnosis grouping{.name = "school", .integrated = true, .groups = 65, .fewest = 2, .most = 198};
  grouping.components = {{.name = "sd_school[intercept]", .mean = 0.5, .sd = 0.1}};
  grouping.share = Coefficient{.name = "share", .mean = 0.25, .sd = 0.01, .low = 0.2, .high = 0.3};
  grouping.share_of = "share: of all";
  grouping.first_effect = "intercept";
  grouping.extremes = {{.group = "a long name", .rows = 12, .mean = -1.5, .sd = 0.25},
                       {.group = "7", .rows = 198, .mean = 1.25, .sd = 0.1}};
  return grouping;
}

TEST(DiagnosisText, TellsGroupingsBelowTheCoefficients) {
  Diagnosis diagnosis = a_diagnosis();
  diagnosis.nodes = 7;
  diagnosis.groupings = {a_grouping()};
  std::vector<std::string> lines = lines_of(to_text(diagnosis));
  lines.erase(lines.begin(), lines.begin() + 5);
  lines.erase(lines.begin() + 10, lines.end());
  EXPECT_THAT(lines, ElementsAre("", "school: 65 groups of 2 to 198 rows, effects integrated by 7 nodes",
                                 "                      mean      sd    5 %  95 %",
                                 "sd_school[intercept]   0.5     0.1      0     0",
                                 "share                 0.25    0.01    0.2   0.3", "share: of all",
                                 "the 2 of largest |mean| of intercept:",
                                 "                    mean         sd     rows",
                                 "  a long name     -1.500      0.250       12",
                                 "  7                1.250      0.100      198"));
}

TEST(DiagnosisText, TellsGroupingsToScripts) {
  Diagnosis diagnosis = a_diagnosis();
  EXPECT_FALSE(nlohmann::json::parse(to_json(diagnosis)).contains("groupings"));
  diagnosis.nodes = 7;
  diagnosis.groupings = {a_grouping()};
  const nlohmann::json json = nlohmann::json::parse(to_json(diagnosis));
  EXPECT_EQ(json["nodes"], 7);
  const nlohmann::json& grouping = json["groupings"][0];
  EXPECT_EQ(grouping["name"], "school");
  EXPECT_EQ(grouping["components"][0]["name"], "sd_school[intercept]");
  EXPECT_EQ(grouping["share"]["mean"], 0.25);
  EXPECT_EQ(grouping["extremes"][1]["group"], "7");
  EXPECT_EQ(grouping["extremes"][1]["rows"], 198);
}

TEST(DiagnosisText, SaysWhatTheResultMayBeUsedFor) {
  Verdict verdict;
  verdict.grade = Grade::certified;
  EXPECT_EQ(usability(verdict), "usable: means, sds, quantiles, predictions and evidence");
  verdict.grade = Grade::corrected;
  EXPECT_EQ(usability(verdict), "usable: means, sds, quantiles, predictions and evidence (draws reweighted)");
  verdict.log_evidence = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(usability(verdict),
            "usable: means, sds, quantiles and predictions; no evidence (draws reweighted)");
  verdict.plain = "the Markov chains disagree";
  for (const Grade grade : {Grade::approximate, Grade::rejected}) {
    verdict.grade = grade;
    verdict.advice = "";
    EXPECT_EQ(usability(verdict), "not usable: the Markov chains disagree");
    verdict.advice = "tighter priors";
    EXPECT_EQ(usability(verdict), "not usable: the Markov chains disagree; try tighter priors");
  }
}

TEST(DiagnosisText, KeepsWithinItsColumnsWhateverItSays) {
  Diagnosis diagnosis = a_diagnosis();
  const std::string much(300, 'x');
  std::string many;
  for (int i = 0; i < 60; ++i) many += "word" + std::to_string(i) + " ";
  diagnosis.verdict.reason = many;
  diagnosis.verdict.advice = diagnosis.verdict.evidence_reason = many + much;
  diagnosis.stages.push_back({"exploration_again", {1e6, 200'000'000'000, 20}, many});
  diagnosis.coefficients.push_back({.name = "beta[" + much + "]", .mean = -1.23456e-10, .sd = 1e300});
  diagnosis.coefficients.push_back({.name = "größe[" + std::string(70, 'y') + "]", .mean = 1.0});
  for (const Grade grade : {Grade::certified, Grade::rejected}) {
    diagnosis.verdict.grade = grade;
    const std::string text = to_text(diagnosis);
    lines_of(text);
    // Nothing of it is lost, and the numbers stand in one column.
    for (int i = 0; i < 60; ++i) EXPECT_THAT(text, HasSubstr("word" + std::to_string(i)));
    EXPECT_THAT(text, HasSubstr("\ngröße[" + std::string(70, 'y') + "]\n  "));
  }
}

TEST(DiagnosisText, IsTheSameForScripts) {
  const Diagnosis diagnosis = a_diagnosis();
  const nlohmann::json json = nlohmann::json::parse(to_json(diagnosis));
  EXPECT_EQ(json["verdict"], "certified");
  EXPECT_EQ(json["usability"], usability(diagnosis.verdict));
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
