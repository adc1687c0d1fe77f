#include "vfe/run/trace.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "run/temporary_folder.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

Record record_of(double free_energy) {
  Record record;
  record.stage = "modes";
  record.free_energy = free_energy;
  record.std_error = 0.1;
  record.gradient_norm = 1.0 / 3.0;
  record.rate = 1e-300;
  record.draws = 16;
  record.rows = 1000;
  return record;
}

TEST(Trace, NumbersReadBackToTheSameBits) {
  const TemporaryFolder folder;
  const double odd = std::nextafter(1234.5678901234567, 1e9);
  {
    Trace trace(folder / "trace.jsonl", 0);
    trace.add(1, record_of(odd), {0.5, 10, 2}, 2e6);
    trace.add(2, record_of(-5e-324), {0.6, 10, 2}, 2e6);
    trace.flush();
  }
  const auto columns = read_trace(folder / "trace.jsonl");
  ASSERT_EQ(columns.at("free_energy").rows(), 2);
  EXPECT_EQ(columns.at("free_energy")(0), odd);
  EXPECT_EQ(columns.at("free_energy")(1), -5e-324);
  EXPECT_EQ(columns.at("gradient_norm")(0), 1.0 / 3.0);
  EXPECT_EQ(columns.at("rate")(1), 1e-300);
  EXPECT_EQ(columns.at("step")(1), 2.0);
  EXPECT_EQ(columns.at("std_error")(0), 0.1);
}

TEST(Trace, WritesOneObjectALineWithNullForWhatIsNotFinite) {
  const TemporaryFolder folder;
  Record record = record_of(std::numeric_limits<double>::infinity());
  record.std_error = std::nan("");
  record.note = "rate \"halved\"";
  Trace trace(folder / "t.jsonl", 0);
  trace.add(7, record, {1.5, 10, 2}, 10.0);
  trace.flush();
  const nlohmann::json line = nlohmann::json::parse(contents(folder / "t.jsonl"));
  EXPECT_TRUE(line["free_energy"].is_null());
  EXPECT_TRUE(line["std_error"].is_null());
  EXPECT_EQ(line["note"], "rate \"halved\"");
  EXPECT_EQ(line["stage"], "modes");
  EXPECT_EQ(line["rows_per_second"], 10.0);
  EXPECT_TRUE(std::isnan(read_trace(folder / "t.jsonl").at("free_energy")(0)));
}

TEST(Trace, ResumingCutsLaterStepsAndATornLine) {
  const TemporaryFolder folder;
  {
    Trace trace(folder / "t.jsonl", 0);
    for (std::uint64_t step = 1; step <= 5; ++step) trace.add(step, record_of(1.0), {1.0, 10, 2}, 1.0);
  }
  put(folder / "t.jsonl", contents(folder / "t.jsonl") + "{\"step\":6,\"free_en");
  { const Trace trace(folder / "t.jsonl", 9); }
  EXPECT_EQ(read_trace(folder / "t.jsonl").at("step").rows(), 5);
  {
    Trace trace(folder / "t.jsonl", 3);
    trace.add(4, record_of(2.0), {1.0, 10, 2}, 1.0);
  }
  const auto columns = read_trace(folder / "t.jsonl");
  ASSERT_EQ(columns.at("step").rows(), 4);
  EXPECT_EQ(columns.at("free_energy")(2), 1.0);
  EXPECT_EQ(columns.at("free_energy")(3), 2.0);
}

TEST(Trace, C12ALineOfOddTypesIsNoRecord) {
  const TemporaryFolder folder;
  {
    Trace trace(folder / "t.jsonl", 0);
    for (std::uint64_t step = 1; step <= 2; ++step) trace.add(step, record_of(1.0), {1.0, 10, 2}, 1.0);
  }
  const std::string good = contents(folder / "t.jsonl");
  for (const std::string odd :
       {R"({"step":"3"})", R"({"step":-3})", R"({"step":3.5})", R"({"step":null})", R"({"step":3,"stage":7})",
        R"({"step":3,"note":[]})", R"({"step":3,"seconds":"1"})", R"({"step":3,"gradients":-1})",
        R"({"step":3,"calls":{}})", R"([3])", R"(3)", R"("step")"}) {
    put(folder / "t.jsonl", good + odd + "\n");
    EXPECT_EQ(read_trace(folder / "t.jsonl").at("step").rows(), 2) << odd;
    EXPECT_EQ(read_stage_costs(folder / "t.jsonl").size(), 1U) << odd;
    { const Trace trace(folder / "t.jsonl", 9); }
    EXPECT_EQ(contents(folder / "t.jsonl"), good) << odd;
  }
}

TEST(Trace, AFileThatIsNotThereHasNoSteps) {
  EXPECT_EQ(read_trace("/nonexistent/trace.jsonl").at("step").rows(), 0);
}

TEST(Trace, SaysWhyItCannotWrite) {
  try {
    Trace trace("/nonexistent/trace.jsonl", 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::cannot_create);
    EXPECT_THAT(error.what(), testing::HasSubstr("No such file"));
  }
  Trace full("/dev/full", 0);
  full.add(1, record_of(1.0), {1.0, 10, 2}, 1.0);
  try {
    full.flush();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::io);
    EXPECT_THAT(error.what(), testing::HasSubstr("No space left"));
  }
}

}  // namespace
}  // namespace vfe
